// SPDX-License-Identifier: MIT
//
// The gradients of a convolution's weights and bias: dot products of dy with the padded image.
//
//   dW[o][k] = sum over n of  <dy[n,o], x[n][offset[k] + .]>        db[o] = sum of dy[n,o]
//
// With zeros between the rows of dy, which are as far apart as those of the image, each is one long
// product, and a tile of 8 x 3 of them reads every number once (dot_tile in tile.hpp).
//
// Reference implementation: nn/reference/conv2d.hpp.
#pragma once

#include <algorithm>
#include <cstdint>

#include "fovea/core/simd.hpp"
#include "fovea/kernels/batch_tree.hpp"
#include "fovea/kernels/depthwise.hpp"
#include "fovea/kernels/padded_image.hpp"
#include "fovea/kernels/tile.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// Its tables, made once.
template <class T>
class WeightGradient {
 public:
  WeightGradient() = default;
  /// With x in this layout.
  [[gnu::cold]] WeightGradient(const ConvolutionShape& shape, const PaddedImage<T>& image)
      : O_(shape.O),
        K_(shape.K()),
        groups_(shape.groups),
        output_(shape.output),
        channels_(shape.C * shape.pixels()),
        image_(image),
        depthwise_(suits_depthwise<T>(shape)),
        pitch_(depthwise_ ? whole_vectors<T>(output_.w) : image_.pitch()),
        flat_(whole_vectors<T>((output_.h + (depthwise_ ? 4 : 0)) * pitch_)),
        as_it_is_(shape.pointwise() && shape.groups == 1 && flat_ == shape.pixels()) {}

  /// What run() needs for a batch of N.
  ScratchSize scratch(Index N) const {
    const ScratchSize sums = gradient_sums(N, groups_ * O_ * K_, groups_ * O_).scratch();
    return {.each = images_scratch() + sums.each, .shared = sums.shared};
  }

  /// dw and db from x and dy of these chunks; db may be empty.
  FOVEA_OUT_OF_LINE void run(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dw, View<T, 1> db,
                             const BatchChunks& chunks, Scratch<T>& scratch, int threads) const {
    sum_over_batch(
        chunks, Work{x.extent(0)} * dw.size() * flat(), dw, db, scratch.shared(),
        [&](int thread) { return scratch.own(thread) + images_scratch(); }, threads,
        [&](Index first, Index last, T* sums, T* bias, int thread) {
          add_gradients(x, dy, first, last, sums, bias, scratch.own(thread));
        });
  }

  // The steps of run() by themselves, so that benchmarks can time them without the copies.

  /// The layout of x.
  const PaddedImage<T>& image() const { return image_; }
  /// Images whose dot products are taken together: for a small one, adding up the lanes
  /// costs more than the product.
  Index images_at_once() const { return std::clamp<Index>(1024 / flat(), 1, 8); }
  /// Elements of a plane of dy, in whole vectors.
  Index flat() const { return flat_; }
  /// Writes the plane of dy of image n, output o, with zeros between the rows.
  void spread_gradient(View<const T, 4> dy, Index n, Index o, T* to) const {
    const Index above = depthwise_ ? 2 * pitch_ : 0;
    std::fill_n(to, above, T{0});
    spread_plane(dy[n][o].data(), output_.h, output_.w, to + above, pitch_);
    std::fill(to + above + output_.h * pitch_, to + flat(), T{0});
  }

  /// dw[o][k] += sum over m of <gradients[m][o], images[m][offset[k] + .]>.
  void add_products(Index count, const T* images, const T* gradients, T* dw) const {
    add_products(count, {images, image_.size()}, {gradients, O_ * flat()}, dw);
  }

 private:
  // Planes of several images, `step` apart from one image to the next.
  struct Planes {
    const T* data;
    Index step;
    Planes from(Index at) const { return {data + at, step}; }
  };
  void add_products(Index count, Planes images, Planes gradients, T* dw) const {
    if (depthwise_) {
      for (Index m = 0; m < count; ++m)
        depthwise_gradient(images.data + m * images.step, image_.pitch(),
                           gradients.data + m * gradients.step, pitch_, output_.h, dw);
      return;
    }
    // Of a row; tile_rows of them stay in L1.
    const Index block = O_ == 1 ? flat() : 4096 / Index{sizeof(T)};
    for (Index p = 0; p < flat(); p += block) {
      const Index length = std::min(block, flat() - p);
      if (O_ == 1)
        dot_rows<1, 9>(count, length, images.from(p), gradients.from(p), 1, dw);
      else
        for (Index o = 0; o < O_; o += tile_rows)
          dot_rows<tile_rows, tile_vectors>(count, length, images.from(p),
                                            gradients.from(o * flat() + p),
                                            std::min<Index>(tile_rows, O_ - o), dw + o * K_);
    }
  }

  // What add_gradients() needs, in whole cache lines.
  Index images_scratch() const {
    return (images_at_once() * (image_.size() + O_ * flat()) + 4 * lanes<T> + 15) / 16 * 16;
  }

  // dw and db += those of the images [first, last).
  void add_gradients(View<const T, 4> x, View<const T, 4> dy, Index first, Index last, T* dw, T* db,
                     T* scratch) const {
    const Index images = images_at_once();
    T* const gradients = scratch + images * image_.size();
    for (Index n = first; n < last; n += images) {
      const Index count = std::min(images, last - n);
      if (as_it_is_) {
        const Planes planes{x[n].data(), groups_ * channels_};
        const Planes dplanes{dy[n].data(), O_ * flat()};
        add_products(count, planes, dplanes, dw);
        for (Index m = 0; m < count && db; ++m)
          for (Index o = 0; o < O_; ++o) db[o] += sum_of(dy[n + m][o].data(), flat());
        continue;
      }
      for (Index g = 0; g < groups_; ++g) {
        for (Index m = 0; m < count; ++m) {
          image_.pad(x[n + m].data() + g * channels_, scratch + m * image_.size());
          for (Index o = 0; o < O_; ++o) {
            T* const to = gradients + (m * O_ + o) * flat();
            spread_gradient(dy, n + m, g * O_ + o, to);
            if (db) db[g * O_ + o] += sum_of(to, flat());
          }
        }
        add_products(count, scratch, gradients, dw + g * O_ * K_);
      }
    }
  }

  template <int R, int V>
  void dot_rows(Index count, Index length, Planes images, Planes gradients, Index rows,
                T* dw) const {
    Array<const T*, R> left;
    for (Index i = 0; i < R; ++i) left[i] = gradients.data + std::min(i, rows - 1) * flat();
    for (Index k = 0; k < K_; k += V)
      dots<R, V>(count, length, images, left, gradients.step, rows, k, dw);
  }

  // Beyond the last row and the last k the tile repeats them; those sums are not stored.
  template <int R, int V>
  FOVEA_KERNEL void dots(Index count, Index length, Planes images, Array<const T* const, R>& left,
                         Index left_step, Index rows, Index k, T* dw) const {
    Array<const T*, V> right;
    for (Index v = 0; v < V; ++v)
      right[v] = images.data + image_.offsets()[static_cast<std::size_t>(std::min(k + v, K_ - 1))];
    Array<Array<T, R>, V> sums;
    dot_tile<T, R, V>(count, length, left, left_step, right, images.step, sums);
    const Index taps = std::min<Index>(V, K_ - k);
    for (Index i = 0; i < rows; ++i, dw += K_)
#pragma GCC unroll 1
      for (Index v = 0; v < taps; ++v) dw[k + v] += sums[v][i];
  }

  Index O_ = 0, K_ = 0, groups_ = 1;
  Extent2 output_{0};
  Index channels_ = 0;  // elements of those of one group of x
  PaddedImage<T> image_{};
  bool depthwise_ = false;
  Index pitch_ = 0, flat_ = 0;  // of a plane of dy: from row to row, and all of it
  bool as_it_is_ = false;       // neither x nor dy need be copied
};

}  // namespace fovea::inline FOVEA_ABI::kernels
