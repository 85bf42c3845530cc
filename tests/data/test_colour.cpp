// SPDX-License-Identifier: MIT
//
// Colour images: the files of CIFAR, a scaling for each channel, changes of pixels, mixtures, splits by class.
#include <filesystem>
#include <fstream>
#include <set>

#include <unistd.h>

#include "fovea/data/cifar.hpp"
#include "fovea/data/mixup.hpp"
#include "support.hpp"

using namespace test;

namespace {

namespace fs = std::filesystem;

// A file of records in the format of CIFAR: `labels` bytes, each (n + which) % classes, and pixels (n + i) % 251.
void write_records(const fs::path& path, Index count, Index labels, Index classes) {
  std::string bytes;
  for (Index n = 0; n < count; ++n) {
    for (Index which = 0; which < labels; ++which)
      bytes += static_cast<char>((n + which) % classes);
    for (Index i = 0; i < 3072; ++i) bytes += static_cast<char>((n + i) % 251);
  }
  std::ofstream(path, std::ios::binary) << bytes;
}

struct Directory {
  fs::path path = fs::temp_directory_path() / concat("fovea_colour_", getpid());
  Directory() { fs::create_directories(path); }
  ~Directory() { fs::remove_all(path); }
};

Dataset coloured(Index N = 6) {
  Dataset data{
      "coloured", Tensor<std::uint8_t, 4>(Shape{N, 3, 5, 7}), Tensor<Label, 1>(Shape{N}), 4, {}};
  for (Index i = 0; i < data.images.size(); ++i)
    data.images.data()[i] = static_cast<std::uint8_t>(i * 37 % 251);
  for (Index n = 0; n < N; ++n) data.labels(n) = static_cast<Label>(n % 4);
  return data;
}

// Image n of the first batch of an epoch.
Tensor<double, 4> changed(const Dataset& data, const Augment& change, std::uint64_t epoch,
                          int threads = 1) {
  auto all = batches<double>(
      data, data.size(), {.seed = 3, .epoch = epoch, .shuffle = false, .threads = threads}, change);
  return Tensor<double, 4>(all[0].images);
}

}  // namespace

TEST_CASE("cifar: records become images and labels, and bad files are named") {
  const Directory directory;
  const std::string at = directory.path.string();
  for (Index part = 1; part <= 5; ++part)
    write_records(directory.path / concat("data_batch_", part, ".bin"), 10000, 1, 10);
  CHECK(contains(error_of([&] { load_cifar10(at); }), "test_batch.bin: expected this file, or"));
  write_records(directory.path / "test_batch.bin", 10000, 1, 10);
  const auto [train, test] = load_cifar10(at);
  CHECK(train.size() == 50000);
  CHECK(test.size() == 10000);
  CHECK(train.images.shape() == Shape{50000, 3, 32, 32});
  CHECK(train.labels(20013) == 3);
  CHECK(train.images(20013, 2, 1, 5) == (13 + 2 * 1024 + 32 + 5) % 251);
  CHECK(train.scaling.mean[2] == 0.44653);
  fs::resize_file(directory.path / "data_batch_3.bin", 30729999);
  CHECK(contains(error_of([&] { load_cifar10(at); }),
                 "data_batch_3.bin: expected 10000 records of 3073 bytes, 30730000 in all, found "
                 "30729999 bytes"));
  write_records(directory.path / "data_batch_3.bin", 10000, 1, 11);
  CHECK(contains(error_of([&] { load_cifar10(at); }),
                 "expected labels in [0, 10), found 10 in record 10"));
  std::ofstream(directory.path / "data_batch_3.bin", std::ios::binary) << "\x1f\x8b and more";
  CHECK(contains(error_of([&] { load_cifar10(at); }),
                 "found a gzip archive; read it with read_file_or_gzip"));
  CHECK(contains(error_of([&] { load_cifar10(at + "/nowhere"); }),
                 "data_batch_1.bin: expected this file"));

  write_records(directory.path / "train.bin", 50000, 2, 20);
  write_records(directory.path / "test.bin", 10000, 2, 20);
  const auto fine = load_cifar100(at), coarse = load_cifar100(at, read_file, Cifar100Label::coarse);
  CHECK(fine.train.classes == 100);
  CHECK(coarse.train.classes == 20);
  CHECK(fine.test.labels(7) == 8);
  CHECK(coarse.test.labels(7) == 7);
  CHECK(fine.test.images(7, 0, 0, 3) == 10);
}

TEST_CASE("scaling: one number, or one for each channel") {
  auto data = coloured();
  data.scaling = {.mean = {0.1, 0.2, 0.3}, .std = {0.5, 0.25, 2}};
  auto all = batches<double>(data, 6, {.shuffle = false});
  const auto images = all[0].images;
  for (Index c = 0; c < 3; ++c) {
    CHECK(images(4, c, 2, 3) ==
          doctest::Approx((data.images(4, c, 2, 3) / 255.0 - data.scaling.mean[c]) /
                          data.scaling.std[c]));
    CHECK(data.scaling.to_pixel(data.scaling.to_input(0.7, c), c) == doctest::Approx(0.7));
  }
  CHECK(error_of([&] { data.scaling.to_input(0.5); }) ==
        "scaling: expected one number for all channels, found 3");
  data.scaling.mean = {0.1, 0.2};
  CHECK(error_of([&] { batches<double>(data, 6); }) ==
        "scaling: expected one number or 3, one for each channel, got 2");
  CHECK(contains(error_of([] { PerChannel{std::initializer_list<double>{}}; }),
                 "expected a number for each of 1 to 16"));
  CHECK(to_string(PerChannel{0.5}) == "0.5");
  CHECK(to_string(PerChannel{0.5, 0.25}) == "(0.5, 0.25)");

  data.scaling = scaling_of(data);
  auto scaled = batches<double>(data, 6);
  const auto x = scaled[0].images;
  for (Index c = 0; c < 3; ++c) {
    double sum = 0, square = 0;
    for (Index n = 0; n < 6; ++n)
      for (const double v : x[n][c]) sum += v, square += v * v;
    CHECK(std::abs(sum) < 1e-10);
    CHECK(square == doctest::Approx(6 * 35));
  }
}

TEST_CASE("augment: mirrored in alternation, each image both ways") {
  const auto data = coloured(20);
  const auto plain = changed(data, {}, 0);
  int mirrored_first = 0;
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    const auto now = changed(data, {.mirror = Mirror::alternate}, epoch),
               next = changed(data, {.mirror = Mirror::alternate}, epoch + 1);
    for (Index n = 0; n < 20; ++n) {
      const bool as_it_was = now(n, 1, 2, 0) == plain(n, 1, 2, 0);
      CHECK(now(n, 1, 2, 0) == plain(n, 1, 2, as_it_was ? 0 : 6));
      CHECK(next(n, 1, 2, 0) == plain(n, 1, 2, as_it_was ? 6 : 0));
      mirrored_first += epoch == 0 && !as_it_was;
    }
  }
  CHECK(2 < mirrored_first);
  CHECK(mirrored_first < 18);
}

TEST_CASE("augment: a crop moves whole pixels, and the border is a mirror") {
  const auto data = coloured(40);
  const auto plain = changed(data, {}, 0);
  const auto inside = [](Index i, Index size) {
    return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
  };
  std::set<std::pair<Index, Index>> seen;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    const auto now = changed(data, {.crop = 2}, epoch);
    for (Index n = 0; n < 40; ++n) {
      int fitting = 0;
      for (Index down = -2; down <= 2; ++down)
        for (Index right = -2; right <= 2; ++right) {
          bool all = true;
          for (Index c = 0; c < 3; ++c)
            for (Index h = 0; h < 5; ++h)
              for (Index w = 0; w < 7; ++w)
                all = all &&
                      now(n, c, h, w) == plain(n, c, inside(h + down, 5), inside(w + right, 7));
          fitting += all;
          if (all) seen.insert({down, right});
        }
      CHECK(fitting == 1);
    }
  }
  CHECK(seen.size() > 20);  // of 25
  CHECK(contains(error_of([&] { changed(data, {.crop = 5}, 0); }),
                 "expected a crop smaller than the image, got 5"));
}

TEST_CASE(
    "augment: colours, a square that is cut out, and the same bits from any number of threads") {
  const auto data = coloured(20);
  const auto plain = changed(data, {}, 0);
  const Augment everything{.rotate = 10,
                           .mirror = Mirror::random,
                           .crop = 1,
                           .cutout = 3,
                           .brightness = 0.2,
                           .contrast = 0.3,
                           .saturation = 0.4};
  const auto one = changed(data, everything, 5);
  for (const int threads : {2, 3, 7}) {
    const auto many = changed(data, everything, 5, threads);
    CHECK(std::equal(one.begin(), one.end(), many.begin()));
  }
  for (const double x : one) CHECK((0 <= x && x <= 1));
  auto cut = data;
  cut.scaling.mean = {0.5, 0.5, 0.5};
  const auto holes = changed(cut, {.cutout = 3}, 0), whole = changed(cut, {}, 0);
  Index different = 0;
  for (Index i = 0; i < holes.size(); ++i)
    if (std::abs(holes.data()[i] - whole.data()[i]) > 1e-9) {
      ++different;
      CHECK(std::abs(holes.data()[i]) < 1e-12);  // the mean
    }
  CHECK(different > 20 * 3 * 2);
  CHECK(different <= 20 * 3 * 9);
  // Brightness alone leaves the ratios of channels, saturation alone their sum, where nothing is cut off at 1.
  const auto dark = changed(data, {.brightness = 0.1}, 0),
             faded = changed(data, {.saturation = 0.1}, 0);
  double ratio = 0, grey = 0;
  Index compared = 0;
  for (Index h = 0; h < 5; ++h)
    for (Index w = 0; w < 7; ++w) {
      double before = 0, after = 0;
      bool inside_limits = true;
      for (Index c = 0; c < 3; ++c) {
        before += plain(3, c, h, w);
        after += faded(3, c, h, w);
        inside_limits =
            inside_limits && 0 < faded(3, c, h, w) && faded(3, c, h, w) < 1 && dark(3, c, h, w) < 1;
      }
      if (!inside_limits) continue;
      ++compared;
      grey = std::max(grey, std::abs(after - before));
      ratio = std::max(ratio, std::abs(dark(3, 0, h, w) * plain(3, 1, h, w) -
                                       dark(3, 1, h, w) * plain(3, 0, h, w)));
    }
  CHECK(compared > 10);
  CHECK(grey < 1e-12);
  CHECK(ratio < 1e-12);
  CHECK(!std::equal(faded.begin(), faded.end(), plain.begin()));
  CHECK(contains(error_of([&] { changed(data, {.contrast = 1}, 0); }),
                 "contrast and saturation in [0, 1), got 1"));
}

TEST_CASE("mixup: two images in one, and two targets") {
  const auto data = coloured(8);
  MixUp<double> mix{8, data, 0.4};
  auto all = batches<double>(data, 8, {.shuffle = false});
  const auto [images, labels] = all[0];
  const auto [mixed, targets] = mix(images, labels, Rng{7});
  for (Index n = 0; n < 8; ++n) {
    CHECK(sum(targets[n]) == doctest::Approx(1));
    const double own = targets(n, labels[n]);
    Index partners = 0;
    for (Index p = 0; p < 8; ++p) {
      double off = 0;
      const double l = labels[p] == labels[n] ? -1 : own;
      for (Index i = 0; i < images[n].size() && l >= 0; ++i)
        off = std::max(off, std::abs(mixed[n].data()[i] - l * images[n].data()[i] -
                                     (1 - l) * images[p].data()[i]));
      partners += l >= 0 && off < 1e-12;
    }
    if (own < 1 - 1e-12) CHECK(partners == 1);
  }
  double mean = 0, square = 0;
  Rng rng{1};
  for (int i = 0; i < 20000; ++i) {
    const double b = detail::beta_variable(0.4, rng);
    mean += b / 20000;
    square += b * b / 20000;
  }
  CHECK(mean == doctest::Approx(0.5).epsilon(0.02));
  CHECK(square - mean * mean == doctest::Approx(1 / (4 * (2 * 0.4 + 1))).epsilon(0.03));
  CHECK(contains(error_of([&] {
                   MixUp<double>{8, data, 0};
                 }),
                 "MixUp: expected a finite alpha above 0, got 0"));
  MixUp<double> small{4, data, 1};
  CHECK(contains(error_of([&, x = images, l = labels] { small(x, l, Rng{1}); }),
                 "MixUp: expected images (4, 3, 5, 7) or fewer"));
}

TEST_CASE("splits: by class, and weights for rare classes") {
  Dataset data{
      "uneven", Tensor<std::uint8_t, 4>(Shape{100, 1, 1, 1}), Tensor<Label, 1>(Shape{100}), 3, {}};
  for (Index n = 0; n < 100; ++n) {
    data.images(n, 0, 0, 0) = static_cast<std::uint8_t>(n);
    data.labels(n) = n < 70 ? 0 : n < 95 ? 1 : 2;
  }
  const auto [kept, held] = stratified_split(data, 20, 1);
  CHECK(class_counts(held) == std::vector<Index>{14, 5, 1});
  CHECK(class_counts(kept) == std::vector<Index>{56, 20, 4});
  std::set<int> seen;
  for (const auto& part : {kept, held})
    for (Index n = 0; n < part.size(); ++n) {
      seen.insert(part.images(n, 0, 0, 0));
      CHECK(part.labels(n) == data.labels(part.images(n, 0, 0, 0)));
    }
  CHECK(seen.size() == 100);
  const auto other = stratified_split(data, 20, 2).second;
  CHECK(!std::equal(held.images.begin(), held.images.end(), other.images.begin()));
  const auto weights = class_weights<double>(data);
  CHECK(weights(0) == doctest::Approx(100 / (3 * 70.0)));
  CHECK(weights(2) == doctest::Approx(100 / (3 * 5.0)));
  CHECK(contains(error_of([&] { stratified_split(data, 101, 1); }),
                 "expected to hold out at most 100"));
  for (Label& label : data.labels) label = 0;
  CHECK(contains(error_of([&] { class_weights(data); }), "found none of class 1"));
}
