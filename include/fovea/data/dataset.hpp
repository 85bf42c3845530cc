// SPDX-License-Identifier: MIT
//
// Dataset: images as bytes, as they came, and a label for each. Bytes take a quarter of the memory
// of floats; they are scaled when a batch is made.
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "fovea/core/random.hpp"
#include "fovea/nn/cross_entropy.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a network sees of a byte: (byte / 255 - mean) / std, so that the training set has
/// mean 0 and standard deviation 1.
struct Scaling {
  double mean = 0, std = 1;  ///< of the pixels in [0, 1]

  /// What the network sees of a pixel in [0, 1], and back.
  double to_input(double pixel) const { return (pixel - mean) / std; }
  /// The pixel in [0, 1] that the network sees as `input`.
  double to_pixel(double input) const { return input * std + mean; }

  /// Throws unless the mean is finite and the standard deviation above 0.
  void validate() const {
    check(std::isfinite(mean) && std::isfinite(std) && std > 0,
          "scaling: expected a finite mean and a standard deviation above 0, got ", mean, " and ",
          std);
  }
};

/// Images as bytes, a label for each, and how they are scaled when a batch is made.
struct Dataset {
  std::string name{};                // "mnist"
  Tensor<std::uint8_t, 4> images{};  // (N, C, H, W)
  Tensor<Label, 1> labels{};         // (N)
  Index classes = 10;                ///< labels are in [0, classes)
  Scaling scaling{};                 ///< from a byte to what the network sees

  /// The number of examples, N. Throws unless there are as many labels as images.
  Index size() const {
    check(images.extent(0) == labels.extent(0), name, ": expected ", images.extent(0),
          " labels, one for each image, found ", labels.extent(0));
    return labels.extent(0);
  }

  /// Throws unless there is one label in [0, classes) for every image, and the scaling is one.
  void validate() const {
    for (Index n = 0; n < size(); ++n)
      check(0 <= labels(n) && labels(n) < classes, name, ": expected labels in [0, ", classes,
            "), found ", labels(n), " at ", n);
    scaling.validate();
  }

  /// A copy of `count` examples from `first` on.
  Dataset part(Index first, Index count) const {
    check(0 <= first && first <= size() && 0 <= count && count <= size() - first, name,
          ": expected a part of [0, ", size(), "), got ", count, " from ", first, " on");
    return {name, Tensor<std::uint8_t, 4>(images.sub(first, count)),
            Tensor<Label, 1>(labels.sub(first, count)), classes, scaling};
  }
};

/// Two data sets that belong together.
struct TrainAndTest {
  Dataset train, test;  ///< to learn from, and to be judged by
};

/// Training and validation: `held_out` random examples (a function of the seed) and the others.
inline std::pair<Dataset, Dataset> split(const Dataset& data, Index held_out, std::uint64_t seed) {
  check(0 <= held_out && held_out <= data.size(), "split: expected to hold out at most ",
        data.size(), " examples, got ", held_out);
  const auto order = permutation(data.size(), Rng{seed});
  const auto pick = [&](Index first, Index count) {
    Dataset part{data.name, Tensor<std::uint8_t, 4>(data.images.shape().with_batch(count)),
                 Tensor<Label, 1>(Shape{count}), data.classes, data.scaling};
    for (Index n = 0; n < count; ++n) {
      const Index from = order[static_cast<std::size_t>(first + n)];
      const auto image = data.images[from];
      std::copy(image.begin(), image.end(), part.images[n].begin());
      part.labels(n) = data.labels(from);
    }
    return part;
  };
  return {pick(held_out, data.size() - held_out), pick(0, held_out)};
}

}  // namespace fovea::inline FOVEA_ABI
