// SPDX-License-Identifier: MIT
//
// The gradient of a 3 x 3 convolution's weights by minimal filtering, F(3x3, 2x2): nine sums over
// the four outputs of a tile with 16 multiplications instead of 36. winograd.hpp has F(2x2, 3x3).
//
//   dW = A^T [ sum over all tiles of (B^T d B) * (G g G^T) ] A     d: 4 x 4 of x, g: 2 x 2 of dy
//
//         1  0 -1  0            1    0
//   B^T = 0  1  1  0       G = 1/2  1/2      A^T =  1  1  1  0
//         0 -1  1  0           1/2 -1/2             0  1 -1  0
//         0  1  0 -1            0    1              0  1  1 -1
//
// With V the transformed x and D the transformed dy, the sum over the tiles is 16 matrix products:
//
//   P[e] (C, O) = V[e]^T (C, tiles)  D[e] (tiles, O),   e = 0 .. 15
//
// Why it is fast: 2.25 times fewer multiplications than the dot products of weight_gradient.hpp,
// and the inverse transform is applied to the sum over a chunk of the batch, not to each image. A
// sum over the tiles of a strip stays in a register, so its order does not depend on the width of
// a vector.
//
// Rounding: V has sums of four numbers and A adds up to nine, so the error is some two to four
// times that of the direct sum. Reference implementation: nn/reference/conv2d.hpp.
#pragma once

#include <vector>

#include "fovea/kernels/batch_tree.hpp"
#include "fovea/kernels/channel_sums.hpp"
#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/convolution_shape.hpp"
#include "fovea/kernels/winograd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

namespace detail {

// D[e][o] of the tile at g, in an image of O channels whose rows are `row` apart.
template <class T>
FOVEA_KERNEL void winograd_gradient_transform(const T* g, Index row, Index O, T* D, Index element) {
  const auto along = [](const Vec<T>& a, const Vec<T>& b, Vec<T>* out, int step) {
    out[0] = a;
    out[step] = (a + b) / 2;
    out[2 * step] = (a - b) / 2;
    out[3 * step] = b;
  };
  for (Index o = 0; o < O; o += lanes<T>) {
    Vec<T> rows[8], d[16];
    along(load(g + o), load(g + O + o), rows, 1);
    along(load(g + row + o), load(g + row + O + o), rows + 4, 1);
#pragma GCC unroll 4
    for (int w = 0; w < 4; ++w) along(rows[w], rows[4 + w], d + w, 4);
#pragma GCC unroll 16
    for (int e = 0; e < 16; ++e) store(D + e * element + o, d[e]);
  }
}

// P (tile_rows, V vectors) += V^T D over `tiles` tiles.
template <int V, class T>
FOVEA_KERNEL void winograd_gradient_product(Index tiles, const T* v, Index v_step, const T* d,
                                            Index d_step, T* P, Index P_row) {
  Array<const T*, tile_rows> from;
  Tile<T, tile_rows, V> sum = {};
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i) from[i] = v + i;
  add_products<T, tile_rows, V>(
      tiles, from, [=](Index t) { return t * v_step; },
      [=](Index t, int w) { return d + t * d_step + w * lanes<T>; }, sum);
#pragma GCC unroll 8
  for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
    for (int w = 0; w < V; ++w) sum[i][w] += load(P + i * P_row + w * lanes<T>);
  store_tile<T, tile_rows, V>(sum, P, P_row);
}

}  // namespace detail

/// The tables of one such gradient, made once.
template <class T>
class WinogradGradient {
 public:
  WinogradGradient() = default;
  /// Of a convolution that Winograd's algorithm suits.
  [[gnu::cold]] explicit WinogradGradient(const ConvolutionShape& s)
      : C_(s.C),
        O_(s.O),
        rows_(whole(s.C, std::max<Index>(tile_rows, lanes<T>))),
        width_(whole_vectors<T>(s.O)),
        image_(s.image),
        output_(s.output),
        padding_(s.padding) {
    const Extent2 tiles{(output_.h + 1) / 2, (output_.w + 1) / 2};
    // V and D of the tiles that are worked on together are in half of L2, or are at least 64 tiles:
    // with fewer of them P would be read and written more often than V and D.
    // How many depends on C and O alone, as the sums do, and not on the width of a vector.
    const Index one = 16 * (C_ + O_) * Index{sizeof(T)};
    const Index most = std::clamp<Index>(l2_share / one, 64, 256);
    strip_ = std::clamp<Index>(most / tiles.w, 1, tiles.h);
    images_ = strip_ < tiles.h ? 1 : std::clamp<Index>(most / (tiles.h * tiles.w), 1, 16);
    x_ = {C_, {2 * strip_ + 2, 2 * tiles.w + 2}, 0};
    dy_ = {width_, {2 * strip_, 2 * tiles.w}, 0};
    windows_ = x_.tile_offsets(0, {strip_, tiles.w}, 2, images_);
    pixels_ = dy_.tile_offsets(0, {strip_, tiles.w}, 2, images_);
  }

  /// What run() needs for a batch of N.
  ScratchSize scratch(Index N) const {
    const ScratchSize sums = BatchSums(N, sums_size()).scratch();
    return {.each = own_scratch() + sums.each, .shared = sums.shared};
  }

  /// dw and db from x and dy; db may be empty.
  FOVEA_OUT_OF_LINE void run(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dw, View<T, 1> db,
                             Scratch<T>& scratch, int threads) const {
    const BatchSums sums(x.extent(0), sums_size());
    T* const total = scratch.shared();
    parallel_for(threads, sums.subtrees(), [&](Index tree, int thread) {
      T *const P = scratch.own(thread), *const images = P + 16 * element();
      sum_subtree(sums, tree * sums.span, sums.span, sums_size(), total + tree * sums.stride,
                  P + own_scratch(), [&](Index chunk, T* sum) {
                    T* const bias = sum + 9 * C_ * width_;
                    std::fill_n(P, 16 * element(), T{0});
                    std::fill_n(bias, width_, T{0});
                    add_gradients(x, dy, sums.chunks.begin(chunk), sums.chunks.begin(chunk + 1), P,
                                  bias, images);
                    transform_back(P, sum);
                  });
    });
    sum_chunks(threads, total, sums.subtrees(), sums.stride, total, sums_size());
    // From (9, C, O) to (O, C, 9).
    parallel_for(threads, O_, [&](Index o, int) {
      for (Index c = 0; c < C_; ++c)
        for (Index tap = 0; tap < 9; ++tap)
          dw.data()[(o * C_ + c) * 9 + tap] = total[(tap * C_ + c) * width_ + o];
    });
    std::copy_n(total + 9 * C_ * width_, db.size(), db.data());
  }

 private:
  static Index whole(Index count, Index of) { return (count + of - 1) / of * of; }
  Index element() const { return rows_ * width_; }                     // of P
  Index sums_size() const { return (9 * C_ + 1) * width_; }            // dW and db
  Index tiles() const { return static_cast<Index>(windows_.size()); }  // worked on together
  Index images_size() const { return images_ * (x_.size() + dy_.size()); }
  Index own_scratch() const {
    return 16 * element() + whole(images_size(), 16) + 16 * tiles() * (rows_ + width_);
  }

  // P and db += those of the images [first, last).
  void add_gradients(View<const T, 4> x, View<const T, 4> dy, Index first, Index last, T* P, T* db,
                     T* scratch) const {
    T *const images = scratch, *const gradients = images + images_ * x_.size();
    T *const V = images + whole(images_size(), 16), *const D = V + 16 * tiles() * rows_;
    const Index down = (output_.h + 1) / 2, across = (output_.w + 1) / 2;
    for (Index n = first; n < last; n += images_) {
      const Index count = std::min(images_, last - n);
      for (Index row = 0; row < down; row += strip_) {
        for (Index k = 0; k < count; ++k) {
          x_.read_rows(x[n + k].data(), {C_, image_.h, image_.w}, padding_, 2 * row,
                       images + k * x_.size());
          dy_.read_rows(dy[n + k].data(), {O_, output_.h, output_.w}, 0, 2 * row,
                        gradients + k * dy_.size());
        }
        const Index used = ((count - 1) * strip_ + std::min(strip_, down - row)) * across;
        for (Index t = 0; t < used; ++t) {
          const auto at = static_cast<std::size_t>(t);
          detail::winograd_transform(images + windows_[at], x_.row(), C_, V + t * rows_,
                                     tiles() * rows_);
          detail::winograd_gradient_transform(gradients + pixels_[at], dy_.row(), width_,
                                              D + t * width_, tiles() * width_);
        }
        for (Index e = 0; e < 16; ++e)
          add_products(used, V + e * tiles() * rows_, D + e * tiles() * width_, P + e * element());
      }
      for (Index k = 0; k < count; ++k)
        for (Index o = 0; o < O_; ++o) {
          const T* const plane = dy[n + k][o].data();
          db[o] +=
              static_cast<T>(lane_sum<T>(output_.h * output_.w, [&](Index i) { return plane[i]; }));
        }
    }
  }

  // P[e] += V[e]^T D[e]. Rows from C on are those of channels that there are not, and are not read.
  void add_products(Index count, const T* V, const T* D, T* P) const {
    for (Index o = 0; o < width_;) {
      const Index vectors = std::min<Index>((width_ - o) / lanes<T>, tile_vectors);
      const auto product = vectors == 3   ? detail::winograd_gradient_product<3, T>
                           : vectors == 2 ? detail::winograd_gradient_product<2, T>
                                          : detail::winograd_gradient_product<1, T>;
      for (Index c = 0; c < C_; c += tile_rows)
        product(count, V + c, rows_, D + o, width_, P + c * width_ + o, width_);
      o += vectors * lanes<T>;
    }
  }

  // dW (9, C, O) = A^T P A
  void transform_back(const T* P, T* dw) const {
    const auto along = [](const Vec<T>& p0, const Vec<T>& p1, const Vec<T>& p2, const Vec<T>& p3,
                          Vec<T>* out, int step) {
      out[0] = p0 + p1 + p2;
      out[step] = p1 - p2;
      out[2 * step] = p1 + p2 - p3;
    };
    for (Index at = 0; at < C_ * width_; at += lanes<T>) {
      const auto p = [&](int e) { return load(P + e * element() + at); };
      Vec<T> rows[12], w[9];
      for (int j = 0; j < 4; ++j) along(p(j), p(4 + j), p(8 + j), p(12 + j), rows + j, 4);
      for (int i = 0; i < 3; ++i)
        along(rows[4 * i], rows[4 * i + 1], rows[4 * i + 2], rows[4 * i + 3], w + 3 * i, 1);
      for (int tap = 0; tap < 9; ++tap) store(dw + tap * C_ * width_ + at, w[tap]);
    }
  }

  Index C_ = 0, O_ = 0;
  Index rows_ = 0, width_ = 0;  // of P: C and O in whole tiles and vectors
  Extent2 image_{0}, output_{0}, padding_{0};
  Index strip_ = 1, images_ = 1;  // rows of tiles, and images, that are worked on together
  ChannelsLast<T> x_{}, dy_{};    // of those; the padding is among the pixels
  std::vector<std::int32_t> windows_{}, pixels_{};  // of every tile, in x and in dy
};

}  // namespace fovea::inline FOVEA_ABI::kernels
