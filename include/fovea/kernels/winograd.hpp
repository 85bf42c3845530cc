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
//   M[e] (O, tiles) = U[e] (O, C)  V[e] (C, tiles),   e = 0 .. 15
//
// Why it is fast: 2.25 times fewer multiplications, and neighbouring tiles are neighbouring lanes. The
// image is kept in its four phases (even and odd rows and columns, see padded.hpp), in which the
// 16 numbers of a tile are 16 plain vectors for `lanes` tiles at once, and so are its four outputs:
// a max-pooling window is four registers, and no lane is ever shuffled. V of a few images stays in
// L2, M of one register tile in L1.
//
// The rounding error is that of the direct sum, or smaller. Slow twin: the formula, in the tests.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/kernels/padded.hpp"
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

// V[e][c] of rows of `cols` tiles from `planes`, the four phases of one channel. Rows follow each other
// without a gap: what is too much of a vector, the next row overwrites.
template <class T>
FOVEA_KERNEL void winograd_transform(const T* planes, Index plane, Index pitch, Index rows,
                                     Index cols, T* out, Index stride) {
  for (Index i = 0; i < rows; ++i, planes += pitch, out += cols)
    for (Index t = 0; t < cols; t += lanes<T>) {
      Vec<T> along[16], v[16];
#pragma GCC unroll 4
      for (int u = 0; u < 4; ++u) {
        const T* const even = planes + u % 2 * 2 * plane + u / 2 * pitch + t;
        const T* const odd = even + plane;
        winograd_input(load(even), load(odd), load(even + 1), load(odd + 1), along + 4 * u, 1);
      }
#pragma GCC unroll 4
      for (int w = 0; w < 4; ++w)
        winograd_input(along[w], along[4 + w], along[8 + w], along[12 + w], v + w, 4);
#pragma GCC unroll 16
      for (int e = 0; e < 16; ++e) store(out + e * stride + t, v[e]);
    }
}

// Y = A^T m A for `lanes` tiles; element e of m is `stride` after element e - 1.
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

// M[e] of tile_rows outputs and V vectors of tiles.
template <int V, class T>
FOVEA_KERNEL void winograd_product(const T* u, Index depth, const T* v, Index v_stride, T* m) {
  const T* from[tile_rows];
  for (Index i = 0; i < tile_rows; ++i) from[i] = u + i;
  multiply_tile<T, tile_rows, V>(
      depth, from, tile_rows, [=](Index c, int w) { return v + c * v_stride + w * lanes<T>; },
      [&](const auto& sum) { store_tile<T>(sum, m, V * lanes<T>, false); });
}

}  // namespace detail

/// The tables of one 3 x 3 convolution, stride 1: x (N, C, H, W), tiles of 2 x 2 outputs.
template <class T>
class Winograd {
 public:
  Winograd() = default;
  /// For x of at most this shape and `tiles` rows and columns of 2 x 2 outputs.
  [[gnu::cold]] Winograd(Shape<4> x, Index outputs, Extent2 padding, Extent2 tiles)
      : C_(x[1]), H_(x[2]), W_(x[3]), O_(outputs), tiles_(tiles) {
    planes_ = {2, padding, {tiles.h + 1, tiles.w + 1}};
    // V of as many rows of tiles as fit into half of L2, in one image or in several.
    const Index row = 16 * C_ * tiles.w * Index{sizeof(T)};
    rows_ = std::clamp<Index>(l2_share / row, 1, tiles.h);
    images_ = rows_ < tiles.h ? 1 : std::clamp<Index>(l2_share / (row * tiles.h), 1, 4);
  }

  /// Whether there is something to save: enough channels for the sums, a plain 3 x 3 kernel.
  static bool suits(const Window& window, Index groups, Index C, Index O) {
    return window.kernel == Extent2{3} && window.stride == Extent2{1} &&
           window.dilation == Extent2{1} && groups == 1 && C >= 8 && O >= 8;
  }

  /// Rows and columns of tiles.
  Extent2 tiles() const { return tiles_; }
  /// Elements that transform_weights() writes.
  Index weights_size() const { return 16 * row_tiles() * tile_rows * C_; }

  /// U[e], e = 0 .. 15, in panels of tile_rows outputs, each (C, tile_rows), of w(o, c), which returns a
  /// pointer to nine numbers, `step` apart. The outputs of a panel are worked on together, a lane each.
  template <class Kernel>
  void transform_weights(Kernel&& w, Index step, T* U, int threads) const {
    const Index e_stride = row_tiles() * tile_rows * C_;
    parallel_for(O_ * C_ < 1000 ? 1 : threads, row_tiles(), [&](Index panel, int) {
      const Index first = panel * tile_rows, count = std::min<Index>(tile_rows, O_ - first);
      for (Index c = 0; c < C_; ++c) {
        T g[9][tile_rows] = {}, along[4][3][tile_rows];
        for (Index r = 0; r < count; ++r)
          for (Index j = 0; j < 9; ++j) g[j][r] = w(first + r, c)[j * step];
        const auto turn = [](const T* a, const T* b, const T* d, auto&& out) {
          for (int r = 0; r < tile_rows; ++r) {
            out(0)[r] = a[r];
            out(1)[r] = (a[r] + b[r] + d[r]) / 2;
            out(2)[r] = (a[r] - b[r] + d[r]) / 2;
            out(3)[r] = d[r];
          }
        };
        for (int j = 0; j < 3; ++j)
          turn(g[j], g[3 + j], g[6 + j], [&](int i) { return along[i][j]; });
        T* const to = U + (panel * C_ + c) * tile_rows;
        for (int i = 0; i < 4; ++i)
          turn(along[i][0], along[i][1], along[i][2],
               [&](int e) { return to + (4 * i + e) * e_stride; });
      }
    });
  }

  /// Elements of scratch for one thread.
  Index scratch() const {
    return padded() + 16 * element() + 16 * tile_rows * tile_vectors * lanes<T>;
  }

  /// Tiles of the largest block, in whole vectors.
  Index length() const { return (images_ * rows_ * tiles_.w + lanes<T> - 1) / lanes<T> * lanes<T>; }

  /// For every block of tiles and tile_rows outputs: store(o, i, t, y, thread) with the four outputs y
  /// of `lanes` tiles from t on, for output o, row i of the register tile; then for every row of tiles
  /// finish(o, i, n, row, rows, t, thread): that row of image n is complete and was stored from t on,
  /// and `rows` of them, in this order, are this block's to write.
  template <class Store, class Finish>
  void run(View<const T, 4> x, const T* U, Tensor<T, 2>& memory, int threads, Store&& store_y,
           Finish&& finish) const {
    const Index N = x.extent(0);
    const Index row_blocks = (tiles_.h + rows_ - 1) / rows_;
    const Index image_blocks = (N + images_ - 1) / images_;
    const Index blocks = image_blocks * row_blocks;
    // Where there are fewer blocks than threads, the outputs are shared out too.
    const Index output_tiles = row_tiles();
    const Index slices =
        blocks >= 2 * threads || threads == 1 ? 1 : std::min<Index>(output_tiles, threads);
    parallel_for(threads, blocks * slices, [&](Index piece, int thread) {
      const Index block = piece / slices;
      const Index n = block / row_blocks * images_, count = std::min(images_, N - n);
      const Index row = block % row_blocks * rows_, rows = std::min(rows_, tiles_.h - row);
      T* const image = memory[thread].data();
      T* const V = image + padded();
      T* const m = V + 16 * element();
      transform(x, n, count, row, rows, image, V);
      const auto [first, last] = piece_of(output_tiles, slices, piece % slices);
      for (Index o = first * tile_rows; o < std::min(last * tile_rows, O_); o += tile_rows) {
        const Index outputs = std::min<Index>(tile_rows, O_ - o);
        const Index total = (count * rows * tiles_.w + lanes<T> - 1) / lanes<T> * lanes<T>;
        for (Index t = 0, vectors = 0; t < total; t += vectors * lanes<T>) {
          const Index left = (total - t) / lanes<T>;
          vectors =
              left == 4 ? 2 : std::min<Index>(tile_vectors, left);  // 2 + 2 is less than 3 + 1
          const Index tile = products(U + o * C_, V + t, m, vectors);
          for (Index i = 0; i < outputs; ++i)
            for (Index w = 0; w < vectors; ++w) {
              Vec<T> y[4];
              detail::winograd_output(m + (i * vectors + w) * lanes<T>, tile, y);
              store_y(o + i, i, t + w * lanes<T>, y, thread);
            }
        }
        for (Index i = 0; i < outputs; ++i)
          for (Index k = 0; k < count; ++k)
            finish(o + i, i, n + k, row, rows, k * rows * tiles_.w, thread);
      }
    });
  }

 private:
  Index row_tiles() const { return (O_ + tile_rows - 1) / tile_rows; }

  Index padded() const { return (planes_.size() + 4 * lanes<T>) / lanes<T> * lanes<T>; }
  // From one row of V to the next: room for the last vector, and an odd number of vectors, for rows
  // that are a power of two apart would share a few sets of the cache.
  Index stride() const { return (length() / lanes<T> / 2 * 2 + 3) * lanes<T>; }
  // From V[e] to V[e + 1], one vector more than needed for the same reason.
  Index element() const { return C_ * stride() + lanes<T>; }

  void transform(View<const T, 4> x, Index n, Index count, Index row, Index rows, T* image,
                 T* V) const {
    const Index whole = rows * tiles_.w;
    for (Index c = 0; c < C_; ++c)
      for (Index k = 0; k < count; ++k) {
        planes_.copy(x.data() + ((n + k) * C_ + c) * H_ * W_, H_, W_, x.begin(), x.end(), image);
        detail::winograd_transform(image + row * planes_.extent.w, planes_.plane(),
                                   planes_.extent.w, rows, tiles_.w, V + c * stride() + k * whole,
                                   element());
      }
  }

  // M[e] of one register tile, e = 0 .. 15, and how far they are apart.
  FOVEA_OUT_OF_LINE Index products(const T* U, const T* v, T* m, Index vectors) const {
    const Index tile = tile_rows * vectors * lanes<T>;
    for (Index e = 0; e < 16; ++e, U += row_tiles() * tile_rows * C_, v += element(), m += tile)
      switch (vectors) {
        case 3:
          detail::winograd_product<3>(U, C_, v, stride(), m);
          break;
        case 2:
          detail::winograd_product<2>(U, C_, v, stride(), m);
          break;
        default:
          detail::winograd_product<1>(U, C_, v, stride(), m);
      }
    return tile;
  }

  Index C_ = 0, H_ = 0, W_ = 0, O_ = 0;
  Extent2 tiles_{0};
  PaddedChannel planes_;
  Index rows_ = 1, images_ = 1;  // of one block
};

}  // namespace fovea::inline FOVEA_ABI::kernels
