// SPDX-License-Identifier: MIT
//
// Winograd's minimal filtering, F(m x m, 3 x 3): m x m outputs of a 3 x 3 convolution with
// (m + 2)^2 multiplications instead of 9 m^2 (Lavin and Gray, Fast algorithms for convolutional
// neural networks, CVPR 2016): 16 instead of 36 for m = 2, 36 instead of 144 for m = 4.
//
//   Y = A^T [ (G g G^T) * (B^T d B) ] A     d: (m+2) x (m+2) of the input, g: the kernel, Y: m x m
//
// with the matrices of winograd_matrices.hpp; for m = 2
//
//         1  0 -1  0            1    0    0
//   B^T = 0  1  1  0       G = 1/2  1/2  1/2      A^T =  1  1  1  0
//         0 -1  1  0           1/2 -1/2  1/2             0  1 -1 -1
//         0  1  0 -1            0    0    1
//
// The product * is elementwise, so summed over channels it is (m + 2)^2 matrix products:
//
//   M[e] (tiles, O) = V[e] (tiles, C)  U[e] (C, O)
//
// Why it is fast: 2.25 or 4 times fewer multiplications, and no lane is ever shuffled. The image
// lies in channels-last order, so the numbers of a tile are as many plain vectors for `lanes`
// channels at once, and its outputs are vectors for `lanes` outputs: a max-pooling window is
// four registers. As many tiles as a register tile has rows go from the image to the outputs
// before the next ones: their V and M stay in L1, and U comes from L2. Where U is too large
// for that, more tiles share it.
//
// The rounding error of m = 2 is that of the direct sum, or smaller, and whole numbers are exact.
// That of m = 4 is three times as large, 7.5e-7 of y for 64 channels (root mean squares), a
// hundredth of the bound of the direct sum, 9 C 2^-24. Reference implementation:
// nn/reference/conv2d.hpp.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/winograd_matrices.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

namespace detail {

// V[e][c] of the tile at x, in an image of C channels whose rows are `row` apart.
template <int m, class T>
FOVEA_KERNEL void winograd_transform(const T* x, Index row, Index C, T* V, Index element) {
  constexpr int n = m + 2;
  for (Index c = 0; c < C; c += lanes<T>) {
    Array<Vec<T>, n * n> along, v;
#pragma GCC unroll 6
    for (int u = 0; u < n; ++u) {
      Array<Vec<T>, n> d;
#pragma GCC unroll 6
      for (int w = 0; w < n; ++w) d[w] = load(x + u * row + w * C + c);
      WinogradMatrices<m>::input(d, 1, along + n * u, 1);
    }
#pragma GCC unroll 6
    for (int w = 0; w < n; ++w) WinogradMatrices<m>::input(along + w, n, v + w, n);
#pragma GCC unroll 36
    for (int e = 0; e < n * n; ++e) store(V + e * element + c, v[e]);
  }
}

// Y = A^T p A for `lanes` outputs; element e of p is `stride` after element e - 1.
template <int m, class T>
[[gnu::always_inline]] inline void winograd_outputs(const T* p, Index stride,
                                                    Array<Vec<T>, m * m>& y) {
  constexpr int n = m + 2;
  Array<Vec<T>, m * n> down;
#pragma GCC unroll 6
  for (int w = 0; w < n; ++w) {
    Array<Vec<T>, n> column;
#pragma GCC unroll 6
    for (int u = 0; u < n; ++u) column[u] = load(p + (u * n + w) * stride);
    WinogradMatrices<m>::output(column, 1, down + w, n);
  }
#pragma GCC unroll 4
  for (int i = 0; i < m; ++i) WinogradMatrices<m>::output(down + i * n, 1, y + i * m, 1);
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

/// The better m for outputs y: 4 where there is enough to multiply, and where the parts of tiles
/// that are beyond y do not eat it up.
inline Index winograd_tile(Index C, Index O, Extent2 y) {
  const auto multiplications = [&](Index m) {
    return (m + 2) * (m + 2) * ((y.h + m - 1) / m) * ((y.w + m - 1) / m);
  };
  return C >= 16 && O >= 16 && 10 * multiplications(4) <= 8 * multiplications(2) ? 4 : 2;
}

/// A 3 x 3 convolution, stride 1, from C to O channels in tiles of m x m outputs.
template <class T, int m = 2>
class Winograd {
 public:
  static constexpr int elements = (m + 2) * (m + 2);  ///< of a transformed tile
  Winograd() = default;
  /// For images whose rows are `row` elements apart.
  Winograd(Index C, Index O, Index row) : C_(C), O_(O), row_(row) {
    // A U that is larger than half of L2 is read once for as many tiles as their V leaves room for.
    const Index one = elements * tile_rows * C * Index{sizeof(T)};
    tiles_ = tile_rows * (weights_size() * Index{sizeof(T)} <= l2_share
                              ? 1
                              : std::clamp<Index>(l2_share / one, m == 2 ? 1 : 4, 8));
  }

  /// Whether it is faster: enough channels for the sums, a plain 3 x 3 kernel.
  static bool suits(const Window& window, Index groups, Index C, Index O) {
    return window.kernel == Extent2{3} && window.stride == Extent2{1} &&
           window.dilation == Extent2{1} && groups == 1 && C >= 8 && O >= 8;
  }

  /// Elements that transform_weights() writes.
  Index weights_size() const { return panels() * panel_size(); }

  /// U in panels of two vectors of outputs, each (elements, C, 2 lanes). The nine numbers of the
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
        constexpr int n = m + 2;
        Vec<T> g[9];
        Array<Vec<T>, 3 * n> rows;
        Array<Vec<T>, elements> u;
#pragma GCC unroll 9
        for (int j = 0; j < 9; ++j) g[j] = load(numbers[j]);
#pragma GCC unroll 3
        for (int i = 0; i < 3; ++i) WinogradMatrices<m>::kernel(g + 3 * i, 1, rows + n * i, 1);
#pragma GCC unroll 6
        for (int j = 0; j < n; ++j) WinogradMatrices<m>::kernel(rows + j, n, u + j, n);
        T* const to = U + vector / 2 * panel_size() + (2 * c + vector % 2) * lanes<T>;
#pragma GCC unroll 36
        for (int e = 0; e < elements; ++e) store(to + e * C_ * width, u[e]);
      }
    });
  }

  /// Elements of scratch for one thread.
  Index scratch() const { return elements * tiles_ * (depth() + width); }

  /// For every tile t < count, whose first input is at images + windows[t], and `lanes` outputs
  /// from o on, [first, last) in whole vectors: store(t, o, y) with the m x m outputs y of each.
  template <class Store>
  void run(const T* images, const std::int32_t* windows, Index count, const T* U, Index first,
           Index last, T* scratch, Store&& store_y) const {
    T* const V = scratch;
    T* const p = V + elements * tiles_ * depth();
    for (Index t = 0; t < count; t += tiles_) {
      const Index tiles = std::min(tiles_, count - t);
      for (Index i = 0; i < tiles; ++i)
        detail::winograd_transform<m>(images + windows[t + i], row_, C_, V + i * depth(),
                                      tiles_ * depth());
      for (Index o = first, vectors = 0; o < last; o += vectors * lanes<T>) {
        const Index part = o / lanes<T> % 2;  // of the panel
        vectors = std::min((last - o) / lanes<T>, 2 - part);
        products(V, tiles, U + o / width * panel_size() + part * lanes<T>, vectors, p);
        for (Index i = 0; i < tiles; ++i)
          for (Index v = 0; v < vectors; ++v) {
            Array<Vec<T>, m * m> y;
            detail::winograd_outputs<m>(p + (i * vectors + v) * lanes<T>,
                                        tiles_ * vectors * lanes<T>, y);
            store_y(t + i, o + v * lanes<T>, y);
          }
      }
    }
  }

 private:
  static constexpr Index width = 2 * lanes<T>;  // outputs in a panel
  Index depth() const { return whole_vectors<T>(C_); }
  Index panels() const { return (O_ + width - 1) / width; }
  Index panel_size() const { return elements * C_ * width; }

  // M[e] of `tiles` tiles and one or two vectors of outputs.
  FOVEA_OUT_OF_LINE void products(const T* V, Index tiles, const T* U, Index vectors, T* p) const {
    const auto product =
        vectors == 2 ? detail::winograd_product<2, T> : detail::winograd_product<1, T>;
    for (Index e = 0; e < elements; ++e) {
      for (Index i = 0; i < tiles; i += tile_rows)
        product(V + i * depth(), depth(), C_, U, p + i * vectors * lanes<T>);
      V += tiles_ * depth(), U += C_ * width, p += tiles_ * vectors * lanes<T>;
    }
  }

  Index C_ = 0, O_ = 0, row_ = 0;
  Index tiles_ = 0;  // that are worked on together, a multiple of tile_rows
};

}  // namespace fovea::inline FOVEA_ABI::kernels
