// SPDX-License-Identifier: MIT
//
// Batches: a data set in batches, shuffled, scaled, as tensors.
//
//   for (const auto& [images, labels] : batches(train, 64, {.seed = 1, .epoch = epoch}))
//
// images (N, C, H, W) and labels (N) are views of memory that the next batch uses again. The order
// of an epoch is a function of (seed, epoch) and nothing else, so a position in training
// is (epoch, step) and training can be resumed anywhere. The last batch is smaller when
// the division has a remainder.
//
//   batches(train, 64, {.seed = 1, .epoch = epoch},
//           Augment{.shift = 2, .rotate = 15, .noise = 0.1})
//
// changes every image a little at random; see data/augment.hpp.
#pragma once

#include <functional>
#include <vector>

#include "fovea/core/parallel.hpp"
#include "fovea/data/augment.hpp"
#include "fovea/data/dataset.hpp"
#include "fovea/kernels/batch_part.hpp"

namespace fovea::inline FOVEA_ABI {

/// The order of an epoch, and where in it one begins.
struct BatchOptions {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;  ///< with the seed it decides the order
  bool shuffle = true;      ///< false: in the order of the data set, for testing
  Index first_step = 0;     ///< the batch to begin with, to go on in the middle of an epoch
  int threads = 0;          ///< that augment; 0: all. What is only copied is copied by one.
  Index parts = 1;          ///< how many workspaces share each batch (batch_part.hpp)
  Index part = 0;           ///< which of them these are for
};

/// Images stay as they are, and no code to change them is compiled.
struct NoAugment {};

/// The batches of one epoch, made one after the other in the same memory. `Change` is what is done
/// to the images, Augment or NoAugment.
template <class T = float, class Change = NoAugment>
class Batches {
 public:
  /// Views that are good until the next batch.
  struct Batch {
    View<const T, 4> images{};      // (N, C, H, W)
    View<const Label, 1> labels{};  // (N)
  };

  /// Throws unless the batch size is 1 or more and first_step in [0, count()]. `data` must
  /// outlive this and keep its extents.
  [[gnu::cold]] Batches(const Dataset& data, Index batch_size, BatchOptions options,
                        Change change = {})
      : data_(data),
        size_(data.size()),
        images_(data.images.shape().with_batch(most(batch_size))),
        labels_(Shape{images_.extent(0)}),
        options_(options),
        change_(change) {
    const Index channels = data.images.extent(1);
    data.scaling.validate(channels);
    if (options.shuffle) order_ = permutation(data.size(), Rng{options.seed, options.epoch});
    for (Index c = 0; c < channels; ++c) {
      const double mean = data.scaling.mean[c], std = data.scaling.std[c];
      scales_.push_back({static_cast<T>(1 / (255.0 * std)), static_cast<T>(-mean / std)});
    }
    check(options.first_step >= 0 && options.first_step <= count(),
          "batches: expected a first step in [0, ", count(), "], got ", options.first_step);
    check(0 <= options.part && options.part < options.parts, "batches: expected a part in [0, ",
          options.parts, "), got ", options.part);
    options_.threads = resolve_threads(options.threads);
    if constexpr (augments) {
      change.validate();
      if (change.none()) return;
      const auto [batch, C, H, W] = images_.shape();
      padded_ = Tensor<T, 4>(detail::bordered({C, H, W}).prepend(options_.threads));
      copies_ = Tensor<T, 4>(Shape{Index{options_.threads}, C, H, W});
    }
  }

  Batches(const Dataset&&, Index, BatchOptions, Change = {}) = delete;

  /// Of all but perhaps the last; no more than there are examples.
  Index batch_size() const { return images_.extent(0); }
  /// Batches in an epoch: the last one may be smaller.
  Index count() const { return size_ / batch_size() + (size_ % batch_size() > 0); }

  void operator[](Index) && = delete;  // a batch looks at memory that would be gone
  /// Batch number `step`, in [0, count()).
  FOVEA_OUT_OF_LINE Batch operator[](Index step) & {
    check(0 <= step && step < count(), "batches: expected a step in [0, ", count(), "), got ",
          step);
    const Dataset& data = data_;
    check(
        data.size() == size_ && data.images.shape().with_batch(1) == images_.shape().with_batch(1),
        data.name, ": expected the ", size_, " images ", images_.shape().with_batch(size_),
        " that the batches were made for, found ", data.images.shape());
    const BatchSplit split(std::min(batch_size(), size_ - step * batch_size()), options_.parts);
    const Index first = step * batch_size() + split.first(options_.part);
    const Index N = split.size(options_.part);
    if (padded_.empty())
      copy_images(first, N);
    else if constexpr (augments)
      augment_images(first, N);
    for (Index n = 0; n < N; ++n) labels_(n) = data.labels(image_of(first + n));
    return {images_.sub(0, N), labels_.sub(0, N)};
  }

  /// After the last batch.
  struct End {};
  /// Makes a batch when it is moved to it.
  class Iterator {
   public:
    /// At the first batch.
    explicit Iterator(Batches& batches) : batches_(&batches), step_(batches.options_.first_step) {
      fill();
    }
    /// The batch at hand.
    const Batch& operator*() const { return batch_; }
    /// Makes the next one.
    Iterator& operator++() {
      ++step_;
      fill();
      return *this;
    }
    /// Whether all have been seen.
    bool operator==(End) const { return step_ == batches_->count(); }

   private:
    void fill() {
      if (step_ < batches_->count()) batch_ = (*batches_)[step_];
    }
    Batches* batches_;
    Index step_;
    Batch batch_{};
  };
  Iterator begin() & { return Iterator(*this); }
  End end() const { return {}; }

 private:
  static constexpr bool augments = !std::is_same_v<Change, NoAugment>;
  static constexpr Index ahead = 4, chunk_size = 4;  // images

  // From a byte to an input: (byte / 255 - mean) / std.
  struct ByteScale {
    T scale, shift;
  };
  const ByteScale& scale_of(Index c) const { return scales_[static_cast<std::size_t>(c)]; }

  // How many examples the memory is for: an epoch of fewer than a batch is one smaller batch.
  Index most(Index batch_size) const {
    check(batch_size > 0, "batches: expected a batch size of 1 or more, got ", batch_size);
    return std::clamp<Index>(size_, 1, batch_size);
  }

  // Which image of the data set is number i of this epoch.
  Index image_of(Index i) const { return order_.empty() ? i : order_[static_cast<std::size_t>(i)]; }

  void copy_images(Index first, Index N) {
    const Dataset& data = data_;
    for (Index n = 0; n < N; ++n) {
      // In a random order each image would be a cache miss, so it is prefetched.
      if (n + ahead < N) {
        const auto later = data.images[image_of(first + n + ahead)];
        for (Index i = 0; i < later.size(); i += 64) __builtin_prefetch(later.data() + i);
      }
      const auto bytes = data.images[image_of(first + n)];
      for (Index c = 0; c < bytes.extent(0); ++c)
        std::transform(bytes[c].begin(), bytes[c].end(), images_[n][c].begin(),
                       [s = scale_of(c)](std::uint8_t byte) {
                         return static_cast<T>(byte) * s.scale + s.shift;
                       });
    }
  }

  void augment_images(Index first, Index N) {
    const Index chunks = (N + chunk_size - 1) / chunk_size;
    parallel_for(options_.threads, chunks, [&](Index chunk, int thread) {
      const View<T, 3> padded = padded_[thread];
      for (Index n = chunk * chunk_size; n < std::min(N, (chunk + 1) * chunk_size); ++n) {
        const Index from = image_of(first + n);
        const View<T, 3> image = images_[n];
        detail::put_in_border<std::uint8_t, T>(data_.get().images[from], padded, T{1} / 255);
        detail::augment_bordered<T>(padded, image, change_,
                                    Rng{options_.seed, options_.epoch, from},
                                    Rng{options_.seed, from}, options_.epoch,
                                    data_.get().scaling.mean, copies_[thread].data());
        for (Index c = 0; c < image.extent(0); ++c)
          for (T& x : image[c]) x = x * (255 * scale_of(c).scale) + scale_of(c).shift;
      }
    });
  }

  std::reference_wrapper<const Dataset> data_;
  Index size_;
  std::vector<Index> order_{};       // empty: as they are
  std::vector<ByteScale> scales_{};  // of each channel
  Tensor<T, 4> images_;
  Tensor<Label, 1> labels_;
  BatchOptions options_;
  [[no_unique_address]] Change change_;
  Tensor<T, 4> padded_{};  // (threads, C, H + 3, W + 3): the image a thread is changing, in [0, 1]
  Tensor<T, 4> copies_{};  // (threads, C, H, W): room for the same image
};

/// The batches of one epoch. `data` must outlive them.
template <class T = float, class Change = NoAugment>
Batches<T, Change> batches(const Dataset& data, Index batch_size, BatchOptions options = {},
                           Change change = {}) {
  return {data, batch_size, options, change};
}
template <class T = float, class Change = NoAugment>
Batches<T, Change> batches(const Dataset&&, Index, BatchOptions = {}, Change = {}) = delete;

}  // namespace fovea::inline FOVEA_ABI
