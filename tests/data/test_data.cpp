// SPDX-License-Identifier: MIT
#include <set>

#include "support.hpp"

using namespace test;

namespace {

Bytes header(std::vector<std::uint32_t> words) {
  Bytes bytes;
  for (const std::uint32_t word : words)
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  return bytes;
}

Bytes images(std::uint32_t n, std::uint32_t side = 28) {
  Bytes bytes = header({0x803, n, side, side});
  for (std::uint32_t i = 0; i < n * side * side; ++i)
    bytes.push_back(static_cast<std::uint8_t>(i % 251));
  return bytes;
}

Bytes labels(std::vector<std::uint8_t> values) {
  Bytes bytes = header({0x801, static_cast<std::uint32_t>(values.size())});
  bytes.insert(bytes.end(), values.begin(), values.end());
  return bytes;
}

// A directory with a tiny MNIST in it.
struct TinyMnist {
  TemporaryDirectory directory;
  explicit TinyMnist(const std::string& joint = "-") {
    write("train-images" + joint + "idx3-ubyte", images(5));
    write("train-labels" + joint + "idx1-ubyte", labels({0, 1, 2, 3, 9}));
    write("t10k-images" + joint + "idx3-ubyte", images(2));
    write("t10k-labels" + joint + "idx1-ubyte", labels({7, 8}));
  }
  void write(const std::string& name, const Bytes& bytes) {
    write_file(directory.path() / name, bytes);
  }
  std::string error() {
    return error_of([&] { load_mnist(directory.path()); });
  }
};

}  // namespace

TEST_CASE("idx: a tensor in bytes") {
  Bytes bytes = header({0x803, 2, 2, 3});
  for (std::uint8_t i = 0; i < 12; ++i) bytes.push_back(i);
  const auto x = parse_idx<3>(bytes, "f");
  CHECK(x.shape() == Shape{2, 2, 3});
  CHECK(x(1, 0, 2) == 8);
}

TEST_CASE("idx: what is refused, and in which words") {
  const auto error3 = [](const Bytes& bytes) {
    return error_of([&] { parse_idx<3>(bytes, "f"); });
  };
  CHECK(contains(error3({}), "f: expected an IDX header of 16 bytes, found 0 bytes"));
  CHECK(contains(error3(header({0x803, 1, 1})), "found 12 bytes"));
  CHECK(contains(error3(header({0x801, 0, 0, 0})), "magic number 2051"));
  CHECK(contains(error3(header({0xD03, 0, 0, 0})), "found 3331"));
  CHECK(contains(error3(header({0x1f8b0808, 0, 0, 0})), "found a gzip archive"));
  Bytes whole = images(2);
  whole.pop_back();
  CHECK(contains(error3(whole), "found 1567 (a truncated file?)"));
  whole.push_back(0);
  whole.push_back(0);
  CHECK(
      contains(error3(whole), "expected 1568 bytes after the header, found 1569 (trailing bytes)"));
  // Sizes whose product overflows 32 and 64 bits ask for no memory.
  const std::uint32_t huge = 0xffffffff;
  CHECK(contains(error3(header({0x803, huge, huge, huge})), "truncated"));
  CHECK(contains(error3(header({0x803, 0x80000000, 0x80000000, 4})), "truncated"));
  // But an extent of 0 is as good as any, however large the others are.
  CHECK(parse_idx<3>(header({0x803, 5, 0, 28}), "f").shape() == Shape{5, 0, 28});
  CHECK(parse_idx<3>(header({0x803, 0, huge, 28}), "f").empty());
  CHECK(parse_idx<3>(header({0x803, huge, huge, 0}), "f").empty());
  Bytes more = header({0x803, 5, 0, 28});
  more.push_back(0);
  CHECK(contains(error3(more), "expected 0 bytes after the header, found 1 (trailing bytes)"));
}

TEST_CASE("mnist: both spellings of the names, and what is refused") {
  for (const char* joint : {"-", "."}) {
    const TinyMnist tiny(joint);
    const auto data = load_mnist(tiny.directory.path());
    CHECK(data.train.images.shape() == Shape{5, 1, 28, 28});
    CHECK(data.train.labels(4) == 9);
    CHECK(data.test.size() == 2);
    CHECK(data.train.images(1, 0, 0, 0) == 784 % 251);
  }
  CHECK(contains(error_of([] { load_mnist("/no/such"); }), "/no/such: expected a directory"));
  {
    TinyMnist tiny;
    std::filesystem::remove(tiny.directory.path() / "t10k-labels-idx1-ubyte");
    CHECK(contains(tiny.error(), "t10k-labels-idx1-ubyte: expected this file"));
    tiny.write("t10k-labels-idx1-ubyte.gz", {0x1f, 0x8b, 8, 0});
    CHECK(contains(tiny.error(), "t10k-labels-idx1-ubyte.gz"));
    CHECK(contains(tiny.error(), "read_file_or_gzip"));
  }
  {
    TinyMnist tiny;
    tiny.write("train-labels-idx1-ubyte", labels({0, 1, 2, 3}));
    CHECK(contains(tiny.error(),
                   "train-labels-idx1-ubyte: expected 5 labels, one for each image, found 4"));
    tiny.write("train-labels-idx1-ubyte", labels({0, 1, 10, 3, 4}));
    CHECK(contains(tiny.error(), "labels in [0, 10), found 10 at 2"));
  }
  {
    TinyMnist tiny;
    tiny.write("t10k-images-idx3-ubyte", images(2, 27));
    CHECK(contains(tiny.error(), "one size"));
    tiny.write("t10k-images-idx3-ubyte", images(0));
    tiny.write("t10k-labels-idx1-ubyte", labels({}));
    CHECK(contains(tiny.error(), "at least one image"));
  }
}

TEST_CASE("batches: every example once, shuffled anew each epoch, scaled, the last one smaller") {
  Dataset data = synthetic_digits(23, 4);
  for (Index n = 0; n < 23; ++n) data.images(n, 0, 0, 0) = static_cast<std::uint8_t>(n);
  const auto order = [&](BatchOptions options) {
    std::vector<int> seen;
    std::vector<Index> sizes;
    for (const auto& [images, labels] : batches<double>(data, 5, options)) {
      sizes.push_back(labels.size());
      CHECK(images.shape() == Shape{labels.size(), 1, 28, 28});
      for (Index n = 0; n < labels.size(); ++n) {
        const double byte = 255 * (images(n, 0, 0, 0) * data.scaling.std + data.scaling.mean);
        const auto which = static_cast<Index>(std::lround(byte));
        CHECK(std::abs(byte - static_cast<double>(which)) < 1e-9);
        CHECK(labels(n) == data.labels(which));
        seen.push_back(static_cast<int>(which));
      }
    }
    CHECK(sizes == std::vector<Index>{5, 5, 5, 5, 3});
    CHECK(std::set<int>(seen.begin(), seen.end()).size() == 23);
    return seen;
  };
  const auto first = order({.seed = 1, .epoch = 0});
  CHECK(first == order({.seed = 1, .epoch = 0}));
  CHECK(first != order({.seed = 1, .epoch = 1}));
  CHECK(first != order({.seed = 2, .epoch = 0}));
  const auto plain = order({.shuffle = false});
  CHECK(std::is_sorted(plain.begin(), plain.end()));
  std::vector<Index> rest;  // of an epoch, from its fourth batch on
  for (const auto& batch : batches(data, 5, {.first_step = 3})) rest.push_back(batch.labels.size());
  CHECK(rest == std::vector<Index>{5, 3});
  CHECK(contains(error_of([&] { batches(data, 0); }), "batch size of 1 or more, got 0"));
  auto five = batches(data, 5);
  CHECK(contains(error_of([&] { five[5]; }), "step in [0, 5), got 5"));
}

TEST_CASE("split: a partition that depends on the seed alone") {
  Dataset data = synthetic_digits(50, 4);
  for (Index n = 0; n < 50; ++n) data.images(n, 0, 0, 0) = static_cast<std::uint8_t>(n);
  const auto [train, validation] = split(data, 12, 1);
  CHECK(train.size() == 38);
  CHECK(validation.size() == 12);
  std::set<int> all;
  for (const Dataset* part : {&train, &validation})
    for (Index n = 0; n < part->size(); ++n) {
      const Index which = part->images(n, 0, 0, 0);
      all.insert(static_cast<int>(which));
      CHECK(part->labels(n) == data.labels(which));
    }
  CHECK(all.size() == 50);
  CHECK(split(data, 12, 1).second.labels(3) == validation.labels(3));
  CHECK(split(data, 12, 2).second.images(0, 0, 0, 0) != validation.images(0, 0, 0, 0));
  CHECK(contains(error_of([&] { split(data, 51, 1); }), "at most 50 examples, got 51"));
}

TEST_CASE("synthetic digits: every class, reproducible, a longer set begins with the shorter") {
  const Dataset a = synthetic_digits(200, 3), b = synthetic_digits(40, 3),
                c = synthetic_digits(40, 4);
  a.validate();
  std::set<Label> classes(a.labels.begin(), a.labels.end());
  CHECK(classes.size() == 10);
  CHECK(std::equal(b.images.begin(), b.images.end(), a.images.begin()));
  CHECK_FALSE(std::equal(b.images.begin(), b.images.end(), c.images.begin()));
  double mean_brightness = 0;
  for (const std::uint8_t byte : a.images)
    mean_brightness += byte / 255.0 / static_cast<double>(a.images.size());
  CHECK(mean_brightness > 0.08);
  CHECK(mean_brightness < 0.2);
  CHECK(contains(error_of([] { synthetic_digits(0); }), "got 0"));
  const auto [train, test] = synthetic_train_and_test(30, 20);
  CHECK(train.size() == 30);
  CHECK(test.size() == 20);
  CHECK_FALSE(std::equal(test.images.begin(), test.images.end(), train.images.begin()));
}

TEST_CASE("dataset: validate and part") {
  Dataset data = synthetic_digits(5);
  CHECK(data.part(1, 3).labels(0) == data.labels(1));
  CHECK(contains(error_of([&] { data.part(3, 3); }), "[0, 5)"));
  data.labels(2) = 10;
  CHECK(contains(error_of([&] { data.validate(); }), "found 10 at 2"));
  data.labels = Tensor<Label, 1>(Shape{4});
  CHECK(contains(error_of([&] { data.validate(); }),
                 "expected 5 labels, one for each image, found 4"));
}
