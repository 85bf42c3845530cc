// SPDX-License-Identifier: MIT
//
// Batches: a data set in pieces, shuffled, scaled, as tensors.
//
//   for (const auto& [images, labels] : batches(train, 64, {.seed = 1, .epoch = epoch}))
//
// images (N, C, H, W) and labels (N) are views of memory that the next batch uses again. The order
// of an epoch is a function of (seed, epoch) and nothing else, so a place in training is (epoch, step)
// and training can be resumed anywhere. The last batch is smaller when the division has a remainder.
#pragma once

#include <optional>
#include <vector>

#include "fovea/data/dataset.hpp"

namespace fovea::inline FOVEA_ABI {

struct BatchOptions {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  bool shuffle = true;  ///< false: in the order of the data set, for testing
};

template <class T = float>
class Batches {
 public:
  struct Batch {
    View<const T, 4> images;      // (N, C, H, W)
    View<const Label, 1> labels;  // (N)
  };

  [[gnu::cold]] Batches(const Dataset& data, Index batch_size, BatchOptions options)
      : data_(&data),
        images_(data.images.shape().with_batch(positive(batch_size))),
        labels_(Shape{batch_size}) {
    if (options.shuffle) order_ = permutation(data.size(), Rng{options.seed, options.epoch});
    scale_ = static_cast<T>(1 / (255.0 * data.scaling.std));
    shift_ = static_cast<T>(-data.scaling.mean / data.scaling.std);
  }

  Index batch_size() const { return images_.extent(0); }
  Index count() const { return (data_->size() + batch_size() - 1) / batch_size(); }

  /// Batch number `step`, in [0, count()).
  Batch operator[](Index step) {
    const Index first = step * batch_size();
    const Index N = std::min(batch_size(), data_->size() - first);
    check(step >= 0 && N > 0, "batches: expected a step in [0, ", count(), "), got ", step);
    const auto place = [&](Index n) {
      return order_.empty() ? first + n : order_[static_cast<std::size_t>(first + n)];
    };
    for (Index n = 0; n < N; ++n) {
      // In a random order memory is slow to answer, so it is asked in advance.
      if (n + ahead < N) {
        const auto later = data_->images[place(n + ahead)];
        for (Index i = 0; i < later.size(); i += 64) __builtin_prefetch(later.data() + i);
      }
      const auto from = place(n);
      const auto bytes = data_->images[from];
      std::transform(bytes.begin(), bytes.end(), images_[n].begin(),
                     [scale = scale_, shift = shift_](std::uint8_t byte) {
                       return static_cast<T>(byte) * scale + shift;
                     });
      labels_(n) = data_->labels(from);
    }
    return {images_.sub(0, N), labels_.sub(0, N)};
  }

  struct End {};
  class Iterator {
   public:
    explicit Iterator(Batches& batches) : batches_(&batches) { fill(); }
    const Batch& operator*() const { return batch_; }
    Iterator& operator++() {
      ++step_;
      fill();
      return *this;
    }
    bool operator==(End) const { return step_ == batches_->count(); }

   private:
    void fill() {
      if (step_ < batches_->count()) batch_ = (*batches_)[step_];
    }
    Batches* batches_;
    Index step_ = 0;
    Batch batch_;
  };
  Iterator begin() { return Iterator(*this); }
  End end() const { return {}; }

 private:
  static constexpr Index ahead = 4;  // images

  static Index positive(Index batch_size) {
    check(batch_size > 0, "batches: expected a batch size of 1 or more, got ", batch_size);
    return batch_size;
  }

  const Dataset* data_;
  std::vector<Index> order_;  // empty: as they are
  T scale_, shift_;           // from a byte to an input: (byte / 255 - mean) / std
  Tensor<T, 4> images_;
  Tensor<Label, 1> labels_;
};

/// The batches of one epoch. `data` must outlive them.
template <class T = float>
Batches<T> batches(const Dataset& data, Index batch_size, BatchOptions options = {}) {
  return {data, batch_size, options};
}
template <class T = float>
Batches<T> batches(Dataset&&, Index, BatchOptions = {}) = delete;

}  // namespace fovea::inline FOVEA_ABI
