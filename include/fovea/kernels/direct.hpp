// SPDX-License-Identifier: MIT
//
// 2 x 2 tiles of a convolution's outputs, summed directly: for first layers, whose few channels
// give Winograd nothing to save, and for larger kernels.
//
// The image is in channels-last order (channels_last.hpp), the lanes of a vector are neighbouring
// outputs. Number k = (kh, kw, c) of a window is at offset[k] = kh * row + kw * C + c, so
//
//   y[e][o]  = sum over k of  x[corner[e] + offset[k]]  w[k][o]      for the corners e = 0 .. 3
//
// Why it is fast: a product of windows and weights in which no window is ever copied, and
// the four sums of a max-pooling window are registers. Reference implementation: the
// layers one by one (.fuse = false).
#pragma once

#include <vector>

#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/max_pool_tile.hpp"
#include "fovea/kernels/tile.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// A convolution, stride 1, from C to O channels in tiles of 2 x 2 outputs.
template <class T>
class DirectTiles {
 public:
  DirectTiles() = default;
  /// For images whose rows are `row` elements apart.
  [[gnu::cold]] DirectTiles(Index C, Index O, Extent2 kernel, Index row)
      : C_(C), O_(O), area_(kernel.h * kernel.w), corner_{0, C, row, row + C} {
    for (Index kh = 0; kh < kernel.h; ++kh)
      for (Index k = 0; k < kernel.w * C; ++k)
        offsets_.push_back(static_cast<std::int32_t>(kh * row + k));
  }

  /// Elements that pack_weights() writes.
  Index weights_size() const { return area_ * C_ * columns(); }
  /// w (O, C, KH, KW) as (KH, KW, C, O in whole vectors).
  void pack_weights(const T* w, T* packed) const {
    for (Index o = 0; o < O_; ++o)
      for (Index c = 0; c < C_; ++c)
        for (Index tap = 0; tap < area_; ++tap) packed[(tap * C_ + c) * columns() + o] = *w++;
  }

  /// As Winograd::run, without scratch.
  template <class Store>
  void run(const T* images, const std::int32_t* windows, Index count, const T* packed, Index first,
           Index last, Store&& store_y) const {
    Index o = first;
    for (; o + 2 * lanes<T> <= last; o += 2 * lanes<T>)
      sums<2>(images, windows, count, packed, o, store_y);
    if (o < last) sums<1>(images, windows, count, packed, o, store_y);
  }

 private:
  static constexpr Index at_once = tile_rows / 4;  // windows in a register tile
  Index columns() const { return whole_vectors<T>(O_); }

  template <int V, class Store>
  FOVEA_KERNEL void sums(const T* images, const std::int32_t* windows, Index count, const T* packed,
                         Index o, Store& store_y) const {
    const std::int32_t* const offsets = offsets_.data();
    const T* const w = packed + o;
    const Index pitch = columns();
    for (Index t = 0; t < count; t += at_once) {
      const T* from[tile_rows];
      for (Index i = 0; i < at_once; ++i)
        for (Index e = 0; e < 4; ++e)
          from[4 * i + e] = images + windows[std::min(t + i, count - 1)] + corner_[e];
      multiply_tile<T, tile_rows, V>(
          static_cast<Index>(offsets_.size()), from, [=](Index k) { return offsets[k]; },
          [=](Index k, int v) { return w + k * pitch + v * lanes<T>; },
          [&](const auto& sum) {
#pragma GCC unroll 2
            for (Index i = 0; i < at_once; ++i) {
              if (t + i >= count) break;
#pragma GCC unroll 2
              for (int v = 0; v < V; ++v) {
                const Vec<T> y[4] = {sum[4 * i][v], sum[4 * i + 1][v], sum[4 * i + 2][v],
                                     sum[4 * i + 3][v]};
                store_y(t + i, o + v * lanes<T>, y);
              }
            }
          });
    }
  }

  Index C_ = 0, O_ = 0, area_ = 0;
  Index corner_[4] = {};
  std::vector<std::int32_t> offsets_{};  // [k]
};

/// dW of an image with one channel and a 3 x 3 kernel, for `lanes` outputs followed by ReLU and
/// pooling: the gradient of a window is spread to its four positions in registers. Its 4 x 4 pixels
/// begin at image + windows[i], dy of those outputs at dy + pixels[i], the winner at winner + i *
/// step. dw[tap * columns] += g x, `lanes` numbers. For few channels that is cheaper than a list.
template <class T>
FOVEA_KERNEL void add_single_channel_gradient(const T* image, Index row,
                                              const std::int32_t* windows, Index count, const T* dy,
                                              const std::int32_t* pixels,
                                              const std::uint8_t* winner, Index step, T* dw,
                                              Index columns) {
  constexpr int K = 3;
  Vec<T> sum[K * K] = {};
  for (Index i = 0; i < count; ++i) {
    const T* const x = image + windows[i];
    const WindowGradients<T> g(dy + pixels[i], winner + i * step);
    Vec<T> at[4];
#pragma GCC unroll 4
    for (int e = 0; e < 4; ++e) at[e] = g.at(e);
#pragma GCC unroll 4
    for (int u = 0; u <= K; ++u)
#pragma GCC unroll 4
      for (int v = 0; v <= K; ++v) {
        const Vec<T> pixel = in_register<T>(x[u * row + v] - Vec<T>{});
        // Position e sees this pixel through tap (u - e / 2, v - e % 2).
#pragma GCC unroll 4
        for (int e = 0; e < 4; ++e) {
          const int kh = u - e / 2, kw = v - e % 2;
          if (kh >= 0 && kh < K && kw >= 0 && kw < K) sum[kh * K + kw] += at[e] * pixel;
        }
      }
  }
#pragma GCC unroll 9
  for (int tap = 0; tap < K * K; ++tap)
    store(dw + tap * columns, load(dw + tap * columns) + sum[tap]);
}

}  // namespace fovea::inline FOVEA_ABI::kernels
