// SPDX-License-Identifier: MIT
//
// Digits: what a network learns from and is tested with.
//
// Drawn digits are made when they are needed: image n is a function of (seed, n), so nothing
// depends on when that is, and a page need not wait for all of them before its first step.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"

namespace explorer {

/// Images to train on and to test with, with labels that may be wrong on purpose.
class Digits {
 public:
  /// Digits of the library's generator, data/synthetic_digits.hpp.
  static Digits drawn(fovea::Index train, fovea::Index test, std::uint64_t seed);
  /// Of a person's own symbols: `images[k]` are of class k, each (28, 28). They are repeated until
  /// there are `count`; training varies them (see `augment`).
  static Digits own(const std::vector<std::vector<fovea::Tensor<std::uint8_t, 2>>>& images,
                    fovea::Index count, std::uint64_t seed);
  /// Of images and labels in two IDX files, the last `test` of them to test with.
  static Digits from_idx(std::span<const std::uint8_t> images, std::span<const std::uint8_t> labels,
                         fovea::Index test);

  /// Of classes that there are no images of: a network from a file can be used, and not trained.
  static Digits none(fovea::Index classes);

  /// Throws where there are no images.
  void check_images() const;
  const fovea::Dataset& train() const { return train_; }
  const fovea::Dataset& test() const { return test_; }
  fovea::Index classes() const { return train_.classes; }
  const fovea::Scaling& scaling() const { return train_.scaling; }
  /// How each image is varied in training.
  const fovea::Augment& augment() const { return augment_; }

  /// Makes the first `count` images to train on, and the first `test_count` to test with.
  void need(fovea::Index count, fovea::Index test_count);

  /// From now on this share of the training labels is drawn at random, a function of (seed, n).
  void spoil_labels(double share, std::uint64_t seed);

 private:
  void take_label(fovea::Index n, fovea::Label label);

  fovea::Dataset train_{}, test_{};
  fovea::Tensor<fovea::Label, 1> true_labels_{};
  fovea::Augment augment_{};
  std::uint64_t seed_ = 1, noise_seed_ = 1;
  double noise_ = 0;
  fovea::Index made_ = 0, test_made_ = 0;  // the others are not drawn yet
};

}  // namespace explorer
