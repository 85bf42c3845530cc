// SPDX-License-Identifier: MIT
//
// Winograd's minimal filtering, F(2x2, 3x3): four outputs of a 3 x 3 convolution with 16
// multiplications instead of 36 (Lavin and Gray, Fast algorithms for convolutional neural networks,
// CVPR 2016).
//
//   Y = A^T [ (G g G^T) * (B^T d B) ] A        d: 4 x 4 of the input, g: the kernel, Y: 2 x 2
//
//         1  0 -1  0            1    0    0
//   B^T = 0  1  1  0       G = 1/2  1/2  1/2      A^T =  1  1  1  0
//         0 -1  1  0           1/2 -1/2  1/2             0  1 -1 -1
//         0  1  0 -1            0    0    1
//
// The product * is elementwise, so summed over channels it is 16 matrix products:
//
//   M[e] (tiles, O) = V[e] (tiles, C)  U[e] (C, O),   e = 0 .. 15
//
// Why it is fast: 2.25 times fewer multiplications, and no lane is ever shuffled. The image lies in
// channels-last order, so the 16 numbers of a tile are 16 plain vectors for `lanes` channels
// at once, and its four outputs are four vectors for `lanes` outputs: a max-pooling window is
// four registers. As many tiles as a register tile has rows go from the image to the outputs
// before the next ones: their V and M stay in L1, and U comes from L2. Where U is too large
// for that, more tiles share it.
//
// The rounding error is that of the direct sum, or smaller. Reference
// implementation: nn/reference/conv2d.hpp.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/tile.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

namespace detail {

// B^T d along one axis.
template <class V>
[[gnu::always_inline]] inline void winograd_input(const V& d0, const V& d1, const V& d2,
                                                  const V& d3, V* out, int step) {
  out[0] = d0 - d2;
  out[step] = d1 + d2;
  out[2 * step] = d2 - d1;
  out[3 * step] = d1 - d3;
}

// G g along one axis.
template <class V>
[[gnu::always_inline]] inline void winograd_kernel(const V& g0, const V& g1, const V& g2, V* out) {
  out[0] = g0;
  out[1] = (g0 + g1 + g2) / 2;
  out[2] = (g0 - g1 + g2) / 2;
  out[3] = g2;
}

// V[e][c] of the tile at x, in an image of C channels whose rows are `row` apart.
template <class T>
FOVEA_KERNEL void winograd_transform(const T* x, Index row, Index C, T* V, Index element) {
  for (Index c = 0; c < C; c += lanes<T>) {
    Vec<T> along[16], v[16];
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) {
      const T* const d = x + u * row + c;
      winograd_input(load(d), load(d + C), load(d + 2 * C), load(d + 3 * C), along + 4 * u, 1);
    }
#pragma GCC unroll 4
    for (int w = 0; w < 4; ++w)
      winograd_input(along[w], along[4 + w], along[8 + w], along[12 + w], v + w, 4);
#pragma GCC unroll 16
    for (int e = 0; e < 16; ++e) store(V + e * element + c, v[e]);
  }
}

// Y = A^T m A for `lanes` outputs; element e of m is `stride` after element e - 1.
template <class T>
[[gnu::always_inline]] inline void winograd_output(const T* m, Index stride, Vec<T> (&y)[4]) {
  Vec<T> top[4], bottom[4];
#pragma GCC unroll 4
  for (int w = 0; w < 4; ++w) {
    const Vec<T> m0 = load(m + w * stride), m1 = load(m + (4 + w) * stride),
                 m2 = load(m + (8 + w) * stride), m3 = load(m + (12 + w) * stride);
    top[w] = m0 + m1 + m2;
    bottom[w] = m1 - m2 - m3;
  }
  y[0] = top[0] + top[1] + top[2];
  y[1] = top[1] - top[2] - top[3];
  y[2] = bottom[0] + bottom[1] + bottom[2];
  y[3] = bottom[1] - bottom[2] - bottom[3];
}

// M[e] of tile_rows tiles and V vectors of outputs, of a panel of U.
template <int V, class T>
FOVEA_KERNEL void winograd_product(const T* v, Index v_stride, Index depth, const T* u, T* m) {
  const T* from[tile_rows];
  for (Index i = 0; i < tile_rows; ++i) from[i] = v + i * v_stride;
  multiply_tile<T, tile_rows, V>(
      depth, from, [](Index c) { return c; },
      [=](Index c, int w) { return u + (c * 2 + w) * lanes<T>; },
      [&](const auto& sum) { store_tile<T, tile_rows, V>(sum, m, V * lanes<T>); });
}

}  // namespace detail

/// A 3 x 3 convolution, stride 1, from C to O channels in tiles of 2 x 2 outputs.
template <class T>
class Winograd {
 public:
  Winograd() = default;
  /// For images whose rows are `row` elements apart.
  Winograd(Index C, Index O, Index row) : C_(C), O_(O), row_(row) {
    // A U that is larger than half of L2 is read once for as many tiles as their V leaves room for.
    const Index one = 16 * tile_rows * C * Index{sizeof(T)};
    tiles_ = tile_rows * (weights_size() * Index{sizeof(T)} <= l2_share
                              ? 1
                              : std::clamp<Index>(l2_share / one, 1, 8));
  }

  /// Whether it is faster: enough channels for the sums, a plain 3 x 3 kernel.
  static bool suits(const Window& window, Index groups, Index C, Index O) {
    return window.kernel == Extent2{3} && window.stride == Extent2{1} &&
           window.dilation == Extent2{1} && groups == 1 && C >= 8 && O >= 8;
  }

  /// Elements that transform_weights() writes.
  Index weights_size() const { return panels() * panel_size(); }

  /// U in panels of two vectors of outputs, each (16, C, 2 lanes). The nine numbers of the
  /// kernel from c to o are at w + o * o_stride + c * c_stride, `step` apart. `lanes`
  /// outputs are worked on together.
  FOVEA_OUT_OF_LINE void transform_weights(const T* w, Index o_stride, Index c_stride, Index step,
                                           T* U, int threads) const {
    parallel_for(O_ * C_ < 1000 ? 1 : threads, 2 * panels(), [&](Index vector, int) {
      const Index first = vector * lanes<T>, count = std::clamp<Index>(O_ - first, 0, lanes<T>);
      for (Index c = 0; c < C_; ++c) {
        T numbers[9][lanes<T>] = {};
        for (Index o = 0; o < count; ++o)
#pragma GCC unroll 1
          for (Index j = 0; j < 9; ++j)
            numbers[j][o] = w[(first + o) * o_stride + c * c_stride + j * step];
        Vec<T> g[9], along[3][4], u[16];
#pragma GCC unroll 9
        for (int j = 0; j < 9; ++j) g[j] = load(numbers[j]);
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) detail::winograd_kernel(g[j], g[3 + j], g[6 + j], along[j]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
          detail::winograd_kernel(along[0][i], along[1][i], along[2][i], u + 4 * i);
        T* const to = U + vector / 2 * panel_size() + (2 * c + vector % 2) * lanes<T>;
#pragma GCC unroll 16
        for (int e = 0; e < 16; ++e) store(to + e * C_ * width, u[e]);
      }
    });
  }

  /// Elements of scratch for one thread.
  Index scratch() const { return 16 * tiles_ * (depth() + width); }

  /// For every tile t < count, whose first input is at images + windows[t], and `lanes` outputs
  /// from o on, [first, last) in whole vectors: store(t, o, y) with the four outputs y of each.
  template <class Store>
  void run(const T* images, const std::int32_t* windows, Index count, const T* U, Index first,
           Index last, T* scratch, Store&& store_y) const {
    T* const V = scratch;
    T* const m = V + 16 * tiles_ * depth();
    for (Index t = 0; t < count; t += tiles_) {
      const Index tiles = std::min(tiles_, count - t);
      for (Index i = 0; i < tiles; ++i)
        detail::winograd_transform(images + windows[t + i], row_, C_, V + i * depth(),
                                   tiles_ * depth());
      for (Index o = first, vectors = 0; o < last; o += vectors * lanes<T>) {
        const Index part = o / lanes<T> % 2;  // of the panel
        vectors = std::min((last - o) / lanes<T>, 2 - part);
        products(V, tiles, U + o / width * panel_size() + part * lanes<T>, vectors, m);
        for (Index i = 0; i < tiles; ++i)
          for (Index v = 0; v < vectors; ++v) {
            Vec<T> y[4];
            detail::winograd_output(m + (i * vectors + v) * lanes<T>, tiles_ * vectors * lanes<T>,
                                    y);
            store_y(t + i, o + v * lanes<T>, y);
          }
      }
    }
  }

 private:
  static constexpr Index width = 2 * lanes<T>;  // outputs in a panel
  Index depth() const { return whole_vectors<T>(C_); }
  Index panels() const { return (O_ + width - 1) / width; }
  Index panel_size() const { return 16 * C_ * width; }

  // M[e] of `tiles` tiles and one or two vectors of outputs, e = 0 .. 15.
  FOVEA_OUT_OF_LINE void products(const T* V, Index tiles, const T* U, Index vectors, T* m) const {
    const auto product =
        vectors == 2 ? detail::winograd_product<2, T> : detail::winograd_product<1, T>;
    for (Index e = 0; e < 16; ++e) {
      for (Index i = 0; i < tiles; i += tile_rows)
        product(V + i * depth(), depth(), C_, U, m + i * vectors * lanes<T>);
      V += tiles_ * depth(), U += C_ * width, m += tiles_ * vectors * lanes<T>;
    }
  }

  Index C_ = 0, O_ = 0, row_ = 0;
  Index tiles_ = 0;  // that are worked on together, a multiple of tile_rows
};

}  // namespace fovea::inline FOVEA_ABI::kernels
