// SPDX-License-Identifier: MIT
//
// Two sums of each channel over the pixels of images in channels-last order: what batch
// normalisation needs to know of a batch, taken while strips of it are in the cache.
//
// A vector holds as many channels of one pixel as it has lanes, and each lane adds up its own:
// no sum crosses a lane, so the same bits come out for any width. Of four pixels side by side
// each goes to a partial sum of its own, so that four additions are on their way at once. At
// most 1024 pixels, or one row, are added in T, and these sums in double. Over the strips of an
// image and the images of a batch they are added in a fixed order (batch_tree.hpp).
#pragma once

#include <algorithm>

#include "fovea/kernels/channel_sums.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// to[k * step + lane] = the sum of what term(h, w, sum) adds to sum[k], over rows x cols pixels.
template <class T, Index terms, class Term>
[[gnu::always_inline]] inline void sum_pixels(Index rows, Index cols, const Term& term, double* to,
                                              Index step) {
  double totals[terms * lanes<T>] = {};
  const Index at_once = std::max<Index>(1, 1024 / cols);
  for (Index first = 0; first < rows; first += at_once) {
    Array<Vec<T>, terms> sums[4] = {};
    for (Index h = first; h < std::min(first + at_once, rows); ++h) {
      Index w = 0;
      for (; w + 4 <= cols; w += 4)
#pragma GCC unroll 4
        for (Index i = 0; i < 4; ++i) term(h, w + i, sums[i]);
      for (; w < cols; ++w) term(h, w, sums[0]);
    }
    for (Index k = 0; k < terms; ++k) {
      const Vec<T> sum = (sums[0][k] + sums[1][k]) + (sums[2][k] + sums[3][k]);
      for (Index lane = 0; lane < lanes<T>; ++lane)
        totals[k * lanes<T> + lane] += static_cast<double>(sum[lane]);
    }
  }
  for (Index k = 0; k < terms; ++k) std::copy_n(totals + k * lanes<T>, lanes<T>, to + k * step);
}

/// Two sums of each channel, for every strip of every image.
template <class T>
class PixelSums {
 public:
  PixelSums() = default;
  /// For so many images of (H, W) pixels, in strips of at least `strip` rows.
  PixelSums(Index N, Extent2 image, Index channels, Index strip)
      : image_(image), channels_(channels) {
    cut(strip);
    sums_ = Tensor<double, 1>(Shape{N * strips() * 2 * channels});
  }
  /// From now on strips have so many rows, no fewer than those it was made for.
  void cut(Index strip) { strip_ = strip; }

  /// Moments of the channels [begin, end) in these rows of image n, which is at x; pixels are
  /// `channels` numbers and rows `pitch` apart.
  template <class Seen>
  void take_moments(const T* x, Index pitch, Index n, Index row, Index rows, Index begin, Index end,
                    const Seen& seen) {
    const double count = static_cast<double>(rows * image_.w);
    const Index pixel = channels_;
    for (Index c = begin; c < end; c += lanes<T>) {
      double* const mean = at(n, row) + c;
      sum_pixels<T, 1>(
          rows, image_.w,
          [&](Index h, Index w, Vec<T>* sum) {
            const Vec<T> v = load(x + h * pitch + w * pixel + c);
            seen(h, w, c, v);
            sum[0] += v;
          },
          mean, 0);
      Vec<T> middle{};
      for (Index lane = 0; lane < lanes<T>; ++lane) {
        mean[lane] /= count;
        middle[lane] = static_cast<T>(mean[lane]);
      }
      sum_pixels<T, 1>(
          rows, image_.w,
          [&](Index h, Index w, Vec<T>* sum) {
            const Vec<T> v = load(x + h * pitch + w * pixel + c) - middle;
            sum[0] += v * v;
          },
          mean + pixel, 0);
    }
  }
  /// Both sums of `lanes` channels from c on, in these rows: term(h, w, sum) adds to sum[0] and
  /// sum[1].
  template <class Term>
  [[gnu::always_inline]] void take(Index n, Index row, Index rows, Index c, const Term& term) {
    sum_pixels<T, 2>(rows, image_.w, term, at(n, row) + c, channels_);
  }

  /// The moments of channel c over these chunks of the batch.
  Moments moments(const BatchChunks& chunks, Index c) const {
    return over_batch<Moments>(chunks, c, [&](Moments& sum, Index strip, const double* of) {
      const Index rows = std::min(strip_, image_.h - strip * strip_);
      sum += Moments{static_cast<double>(rows * image_.w), of[0], of[channels_]};
    });
  }
  /// The sums of a gradient, see channel_gradient().
  GradientSums<T> gradient(const BatchChunks& chunks, Index c, double inverse) const {
    return over_batch<GradientSums<T>>(
        chunks, c,
        [&](GradientSums<T>& sum, Index, const double* of) {
          sum.g += of[0];
          sum.gx += of[channels_];
        },
        [&](GradientSums<T>& sum) { sum.end_chunk(inverse); });
  }

 private:
  // The sums of the strip with this row: the first of all channels, then the second.
  double* at(Index n, Index row) {
    return sums_.data() + (n * strips() + row / strip_) * 2 * channels_;
  }
  Index strips() const { return (image_.h + strip_ - 1) / strip_; }

  struct Nothing {
    void operator()(auto&) const {}
  };
  template <class Sum, class Add, class End = Nothing>
  Sum over_batch(const BatchChunks& chunks, Index c, const Add& add, const End& end = {}) const {
    Sum total;
    sum_leaves<0>(0, chunks.count, total, [&](Index chunk, Sum& sum) {
      sum = {};
      for (Index n = chunks.begin(chunk); n < chunks.begin(chunk + 1); ++n)
        for (Index strip = 0; strip < strips(); ++strip)
          add(sum, strip, sums_.data() + (n * strips() + strip) * 2 * channels_ + c);
      end(sum);
    });
    return total;
  }

  Extent2 image_{0};
  Index channels_ = 0, strip_ = 1;
  Tensor<double, 1> sums_{};  // (N, strips, 2, channels)
};

}  // namespace fovea::inline FOVEA_ABI::kernels
