// SPDX-License-Identifier: MIT
#include "explorer/digits.hpp"

namespace explorer {

using namespace fovea;

namespace {

Dataset empty_set(const char* name, Index count, Index classes, const Scaling& scaling) {
  return {name, Tensor<std::uint8_t, 4>(Shape{count, Index{1}, Index{28}, Index{28}}),
          Tensor<Label, 1>(Shape{count}), classes, scaling};
}

// Image n of synthetic_digits(more than n, seed).
Label draw(Dataset& data, Index n, std::uint64_t seed) {
  Rng rng{seed, n};
  const Label label = static_cast<Label>(rng.below(10));
  detail::draw_digit(label, rng, data.images[n][0]);
  return label;
}

}  // namespace

Digits Digits::drawn(Index train, Index test, std::uint64_t seed) {
  check(1 <= train && train <= 60000 && 1 <= test && test <= 10000,
        "digits: expected 1 to 60000 to train on and 1 to 10000 to test with, found ", train,
        " and ", test);
  const Scaling scaling{.mean = 0.13, .std = 0.31};
  Digits digits;
  digits.train_ = empty_set("drawn digits", train, 10, scaling);
  digits.test_ = empty_set("drawn digits", test, 10, scaling);
  digits.true_labels_ = Tensor<Label, 1>(Shape{train});
  digits.seed_ = seed;
  return digits;
}

Digits Digits::own(const std::vector<std::vector<Tensor<std::uint8_t, 2>>>& images, Index count,
                   std::uint64_t seed) {
  const Index classes = std::ssize(images);
  check(2 <= classes && classes <= 20, "own classes: expected 2 to 20 classes, found ", classes);
  for (std::size_t k = 0; k < images.size(); ++k)
    check(images[k].size() >= 2, "own classes: expected 2 drawings or more of class ", k + 1,
          ", found ", images[k].size());
  Digits digits;
  digits.train_ = empty_set("own classes", count, classes, {.mean = 0.13, .std = 0.31});
  digits.true_labels_ = Tensor<Label, 1>(Shape{count});
  for (Index n = 0; n < count; ++n) {
    const auto& of_class = images[static_cast<std::size_t>(n % classes)];
    const auto& image = of_class[static_cast<std::size_t>(n / classes) % of_class.size()];
    std::copy(image.begin(), image.end(), digits.train_.images[n].begin());
    digits.take_label(n, static_cast<Label>(n % classes));
  }
  digits.augment_ = {.shift = 1.5, .rotate = 12, .scale = 0.12};
  digits.seed_ = seed;
  digits.made_ = count;
  // They are tested with what they were given, as it is: drawings that nobody labelled are not there.
  Index drawings = 0;
  for (const auto& of_class : images) drawings += std::ssize(of_class);
  digits.test_ = empty_set("own classes", drawings, classes, digits.train_.scaling);
  Index n = 0;
  for (std::size_t k = 0; k < images.size(); ++k)
    for (const auto& image : images[k]) {
      std::copy(image.begin(), image.end(), digits.test_.images[n].begin());
      digits.test_.labels(n++) = static_cast<Label>(k);
    }
  digits.test_made_ = drawings;
  return digits;
}

Digits Digits::from_idx(std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels,
                        Index test) {
  Index extents[3], count[1];
  const auto pixels = detail::idx_numbers(images, "the file of images", extents);
  const auto bytes = detail::idx_numbers(labels, "the file of labels", count);
  check(extents[1] == 28 && extents[2] == 28, "the file of images: expected 28 x 28 pixels, found ",
        extents[1], " x ", extents[2]);
  check(extents[0] == count[0], "the file of labels: expected ", extents[0],
        " labels, one for each image, found ", count[0]);
  check(0 < test && test < count[0], "the files: expected more than ", test, " images, found ",
        count[0]);
  for (const std::uint8_t label : bytes)
    check(label < 10, "the file of labels: expected labels from 0 to 9, found ", int{label});
  const Index train = std::min<Index>(count[0] - test, 60000), area = 28 * 28;
  Digits digits;
  digits.train_ = empty_set("mnist", train, 10, mnist_scaling);
  digits.test_ = empty_set("mnist", test, 10, mnist_scaling);
  digits.true_labels_ = Tensor<Label, 1>(Shape{train});
  std::copy_n(pixels.begin(), train * area, digits.train_.images.begin());
  std::copy_n(pixels.begin() + (count[0] - test) * area, test * area, digits.test_.images.begin());
  for (Index n = 0; n < train; ++n) digits.take_label(n, bytes[static_cast<std::size_t>(n)]);
  for (Index n = 0; n < test; ++n)
    digits.test_.labels(n) = bytes[static_cast<std::size_t>(count[0] - test + n)];
  digits.made_ = train, digits.test_made_ = test;
  return digits;
}

Digits Digits::none(Index classes) {
  const Tensor<std::uint8_t, 2> black(Shape{28, 28});
  Digits digits = own(std::vector(static_cast<std::size_t>(classes), std::vector(2, black)), 64, 1);
  digits.train_.name = digits.test_.name = "no images";
  return digits;
}

void Digits::check_images() const {
  check(train_.name != "no images", "training: expected images of the ", classes(),
        " classes of this network, found none; draw your own, or go back to digits");
}

void Digits::need(Index count, Index test_count) {
  count = std::min(count, train_.size()), test_count = std::min(test_count, test_.size());
  for (; made_ < count; ++made_) take_label(made_, draw(train_, made_, Rng{seed_, 0}.bits()));
  for (; test_made_ < test_count; ++test_made_)
    test_.labels(test_made_) = draw(test_, test_made_, Rng{seed_, 1}.bits());
}

void Digits::spoil_labels(double share, std::uint64_t seed) {
  check(0 <= share && share <= 1, "noise on labels: expected a share in [0, 1], found ", share);
  noise_ = share, noise_seed_ = seed;
  for (Index n = 0; n < made_; ++n) take_label(n, true_labels_(n));
}

void Digits::take_label(Index n, Label label) {
  true_labels_(n) = label;
  Rng rng{noise_seed_, n, 7};
  train_.labels(n) = rng.uniform() < noise_ ? static_cast<Label>(rng.below(train_.classes)) : label;
}

}  // namespace explorer
