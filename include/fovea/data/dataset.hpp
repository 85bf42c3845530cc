// SPDX-License-Identifier: MIT
//
// Dataset: images as bytes, as they came, and a label for each. Bytes take a quarter of the memory
// of floats; they are scaled when a batch is made.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/random.hpp"
#include "fovea/nn/cross_entropy.hpp"

namespace fovea::inline FOVEA_ABI {

/// A number for each channel of an image, or one for all channels.
class PerChannel {
 public:
  static constexpr Index most = 16;  ///< channels

  /// One for all.
  constexpr PerChannel(double all) : values_{all} {}
  /// One for each. Throws on none, or more than `most`.
  constexpr PerChannel(std::initializer_list<double> all) : count_(std::ssize(all)) {
    check(0 < count_ && count_ <= most, "expected a number for each of 1 to ", most,
          " channels, got ", count_);
    std::copy(all.begin(), all.end(), values_);
  }

  /// One for each of `count` channels.
  constexpr PerChannel(const double* all, Index count) : count_(count) {
    check(0 < count && count <= most, "expected a number for each of 1 to ", most,
          " channels, got ", count);
    std::copy_n(all, count, values_);
  }

  /// How many numbers there are; 1 is one for all channels.
  constexpr Index count() const { return count_; }
  /// That of channel c.
  constexpr double operator[](Index c) const {
    check(count_ == 1 || (0 <= c && c < count_), "expected a channel in [0, ", count_, "), got ",
          c);
    return values_[count_ == 1 ? 0 : c];
  }
  /// The one for all. Throws where channels have their own.
  constexpr operator double() const {
    check(count_ == 1, "expected one number for all channels, found ", count_);
    return values_[0];
  }
  friend constexpr bool operator==(const PerChannel&, const PerChannel&) = default;
  friend constexpr bool operator==(const PerChannel& a, double b) {
    return exactly_equal(static_cast<double>(a), b);
  }
  /// "0.5", or "(0.5, 0.4, 0.3)".
  friend std::string to_string(const PerChannel& x) {
    std::string text = concat(x[0]);
    for (Index c = 1; c < x.count(); ++c) text += concat(", ", x[c]);
    return x.count() == 1 ? text : concat("(", text, ")");
  }

 private:
  double values_[most]{};
  Index count_ = 1;
};

/// What a network sees of a byte: (byte / 255 - mean) / std, so that the training set has
/// mean 0 and standard deviation 1, in all or in each channel.
struct Scaling {
  PerChannel mean = 0, std = 1;  ///< of the pixels in [0, 1]

  /// What the network sees of a pixel in [0, 1] of channel c.
  // Compiled once, so that it is contracted in the same way wherever it is called.
  FOVEA_OUT_OF_LINE double to_input(double pixel, Index c) const {
    return (pixel - mean[c]) / std[c];
  }
  /// The pixel in [0, 1] that the network sees as `input`.
  FOVEA_OUT_OF_LINE double to_pixel(double input, Index c) const {
    return input * std[c] + mean[c];
  }
  /// The same where all channels have the same numbers; throws where they have not.
  double to_input(double pixel) const { return to_input(pixel, one_channel()); }
  double to_pixel(double input) const { return to_pixel(input, one_channel()); }

  /// Throws unless means are finite and standard deviations above 0, one or as many as `channels`.
  void validate(Index channels) const {
    for (const PerChannel* numbers : {&mean, &std})
      check(numbers->count() == 1 || numbers->count() == channels,
            "scaling: expected one number or ", channels, ", one for each channel, got ",
            numbers->count());
    for (Index c = 0; c < std::max(mean.count(), std.count()); ++c)
      check(std::isfinite(mean[c]) && std::isfinite(std[c]) && std[c] > 0,
            "scaling: expected a finite mean and a standard deviation above 0, got ", mean[c],
            " and ", std[c]);
  }

 private:
  Index one_channel() const {
    for (const PerChannel* numbers : {&mean, &std})
      check(numbers->count() == 1, "scaling: expected one number for all channels, found ",
            numbers->count());
    return 0;
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
    scaling.validate(images.extent(1));
  }

  /// A copy of `count` examples from `first` on.
  Dataset part(Index first, Index count) const {
    check(0 <= first && first <= size() && 0 <= count && count <= size() - first, name,
          ": expected a part of [0, ", size(), "), got ", count, " from ", first, " on");
    return {name, Tensor<std::uint8_t, 4>(images.sub(first, count)),
            Tensor<Label, 1>(labels.sub(first, count)), classes, scaling};
  }
};

/// Mean and standard deviation of each channel over all images of a data set.
inline Scaling scaling_of(const Dataset& data) {
  const auto [N, C, H, W] = data.images.shape();
  check(data.images.size() > 0, data.name, ": expected an image, found none");
  check(C <= PerChannel::most, data.name, ": expected at most ", PerChannel::most,
        " channels, found ", C);
  std::array<std::int64_t, PerChannel::most> sums{}, squares{};  // of bytes: exact
  for (Index n = 0; n < N; ++n)
    for (Index c = 0; c < C; ++c)
      for (const std::uint8_t byte : data.images[n][c]) {
        sums[static_cast<std::size_t>(c)] += byte;
        squares[static_cast<std::size_t>(c)] += std::int64_t{byte} * byte;
      }
  std::array<double, PerChannel::most> mean{}, std{};
  const double count = static_cast<double>(N) * static_cast<double>(H * W) * 255;
  for (std::size_t c = 0; c < static_cast<std::size_t>(C); ++c) {
    mean[c] = static_cast<double>(sums[c]) / count;
    std[c] = std::sqrt(
        std::max(static_cast<double>(squares[c]) / (255 * count) - mean[c] * mean[c], 0.0));
  }
  return {PerChannel(mean.data(), C), PerChannel(std.data(), C)};
}

/// Two data sets that belong together.
struct TrainAndTest {
  Dataset train, test;  ///< to learn from, and to be judged by
};

/// The examples with these numbers, in this order.
inline Dataset pick(const Dataset& data, std::span<const Index> numbers) {
  const Index count = std::ssize(numbers);
  Dataset part{data.name, Tensor<std::uint8_t, 4>(data.images.shape().with_batch(count)),
               Tensor<Label, 1>(Shape{count}), data.classes, data.scaling};
  for (Index n = 0; n < count; ++n) {
    const Index from = numbers[static_cast<std::size_t>(n)];
    check(0 <= from && from < data.size(), data.name, ": expected examples in [0, ", data.size(),
          "), got ", from);
    const auto image = data.images[from];
    std::copy(image.begin(), image.end(), part.images[n].begin());
    part.labels(n) = data.labels(from);
  }
  return part;
}

/// Training and validation: `held_out` random examples (a function of the seed) and the others.
inline std::pair<Dataset, Dataset> split(const Dataset& data, Index held_out, std::uint64_t seed) {
  check(0 <= held_out && held_out <= data.size(), "split: expected to hold out at most ",
        data.size(), " examples, got ", held_out);
  const auto order = permutation(data.size(), Rng{seed});
  const std::span<const Index> all(order);
  const auto middle = static_cast<std::size_t>(held_out);
  return {pick(data, all.subspan(middle)), pick(data, all.first(middle))};
}

/// The number of examples of each class (K).
inline std::vector<Index> class_counts(const Dataset& data) {
  data.validate();
  std::vector<Index> counts(static_cast<std::size_t>(data.classes));
  for (const Label label : data.labels) ++counts[static_cast<std::size_t>(label)];
  return counts;
}

/// The same as split, with the classes in both parts as often as in the whole: of each class the
/// share of `held_out`, rounded, and of the largest remainders one more, until there are
/// `held_out`.
inline std::pair<Dataset, Dataset> stratified_split(const Dataset& data, Index held_out,
                                                    std::uint64_t seed) {
  check(0 <= held_out && held_out <= data.size(), "stratified_split: expected to hold out at most ",
        data.size(), " examples, got ", held_out);
  const auto counts = class_counts(data);
  // 64 bits, because a product may overflow where Index has 32.
  const std::int64_t size = std::max<Index>(data.size(), 1);
  std::vector<std::int64_t> wanted;
  std::vector<std::pair<std::int64_t, std::size_t>> remainders;  // the largest first, so negative
  std::int64_t rest = held_out;
  for (const Index count : counts) {
    const std::int64_t product = std::int64_t{count} * held_out;
    remainders.push_back({-(product % size), wanted.size()});
    wanted.push_back(product / size);
    rest -= wanted.back();
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; rest > 0; ++i, --rest) ++wanted[remainders[i].second];
  std::vector<Index> held, kept;
  for (const Index n : permutation(data.size(), Rng{seed})) {
    std::int64_t& left = wanted[static_cast<std::size_t>(data.labels(n))];
    (left > 0 ? held : kept).push_back(n);
    left -= left > 0;
  }
  return {pick(data, kept), pick(data, held)};
}

/// A weight for each class, N / (K n_k) for n_k examples of N: for a loss that does not forget the
/// rare ones. Throws on a class without examples.
template <class T = float>
Tensor<T, 1> class_weights(const Dataset& data) {
  const auto counts = class_counts(data);
  Tensor<T, 1> weights(Shape{data.classes});
  for (std::size_t k = 0; k < counts.size(); ++k) {
    check(counts[k] > 0, data.name, ": expected an example of every class, found none of class ",
          k);
    weights(static_cast<Index>(k)) =
        static_cast<T>(static_cast<double>(data.size()) /
                       (static_cast<double>(data.classes) * static_cast<double>(counts[k])));
  }
  return weights;
}

}  // namespace fovea::inline FOVEA_ABI
