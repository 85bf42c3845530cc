// SPDX-License-Identifier: MIT
//
// The gradient of a 3 x 3 convolution's weights by minimal filtering, F(3 x 3, m x m): nine sums
// over the m x m outputs of a tile with (m + 2)^2 multiplications instead of 9 m^2. winograd.hpp
// has F(m x m, 3 x 3), winograd_matrices.hpp the matrices.
//
//   dW = A^T [ sum over all tiles of (B^T d B) * (G g G^T) ] A     d: of x, g: m x m of dy
//
// With V the transformed x and D the transformed dy, the sum over the tiles is (m + 2)^2 matrix
// products:
//
//   P[e] (C, O) = V[e]^T (C, tiles)  D[e] (tiles, O)
//
// Why it is fast: 2.25 or 4 times fewer multiplications than the dot products of
// weight_gradient.hpp, and the inverse transform is applied to the sum over a chunk of the batch,
// not to each image. A sum over the tiles of a strip stays in a register, so its order does not
// depend on the width of a vector.
//
// Rounding: the error of m = 2 is that of the direct sum, or somewhat larger, that of m = 4 three
// times as large: 7.5e-7 of dW (root mean squares). Reference implementation:
// nn/reference/conv2d.hpp.
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
template <int m, class T>
FOVEA_KERNEL void winograd_gradient_transform(const T* g, Index row, Index O, T* D, Index element) {
  constexpr int n = m + 2;
  for (Index o = 0; o < O; o += lanes<T>) {
    Array<Vec<T>, m * n> rows;
    Array<Vec<T>, n * n> d;
#pragma GCC unroll 4
    for (int i = 0; i < m; ++i) {
      Array<Vec<T>, m> numbers;
#pragma GCC unroll 4
      for (int j = 0; j < m; ++j) numbers[j] = load(g + i * row + j * O + o);
      WinogradMatrices<m>::gradient_kernel(numbers, 1, rows + i * n, 1);
    }
#pragma GCC unroll 6
    for (int w = 0; w < n; ++w) WinogradMatrices<m>::gradient_kernel(rows + w, n, d + w, n);
#pragma GCC unroll 36
    for (int e = 0; e < n * n; ++e) store(D + e * element + o, d[e]);
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
    tile_ = tile_for(C_, O_, output_);
    const Extent2 tiles{(output_.h + tile_ - 1) / tile_, (output_.w + tile_ - 1) / tile_};
    // V and D of the tiles that are worked on together are in half of L2, or are at least 64 tiles:
    // with fewer of them P would be read and written more often than V and D.
    // How many depends on C and O alone, as the sums do, and not on the width of a vector.
    const Index one = elements() * (C_ + O_) * Index{sizeof(T)};
    const Index least = std::clamp<Index>(C_ * O_ / (C_ + O_), 64, 256);
    const Index most = std::clamp<Index>(l2_share / one, least, 256);
    strip_ = std::clamp<Index>(most / tiles.w, 1, tiles.h);
    images_ = strip_ < tiles.h ? 1 : std::clamp<Index>(most / (tiles.h * tiles.w), 1, 16);
    x_ = {C_, {tile_ * strip_ + 2, tile_ * tiles.w + 2}, 0};
    dy_ = {width_, {tile_ * strip_, tile_ * tiles.w}, 0};
    windows_ = x_.tile_offsets(0, {strip_, tiles.w}, tile_, images_);
    pixels_ = dy_.tile_offsets(0, {strip_, tiles.w}, tile_, images_);
  }

  /// What run() needs for a batch of N.
  ScratchSize scratch(Index N) const {
    const ScratchSize sums = BatchSums(N, sums_size()).scratch();
    return {.each = own_scratch() + sums.each, .shared = sums.shared};
  }

  /// dw and db from x and dy of these chunks; db may be empty.
  void run(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dw, View<T, 1> db,
           const BatchChunks& chunks, Scratch<T>& scratch, int threads) const {
    run(
        dw, db, chunks, scratch, threads,
        [&](Index n, Index row, T* strip) { read_planes(x[n].data(), row, strip); },
        [&](Index n, Index row, T* strip) {
          dy_.read_rows(dy[n].data(), {O_, output_.h, output_.w}, 0, row, strip);
        },
        [&](Index n, Index o) { return sum_of_plane(dy[n][o]); });
  }
  /// The same of images that are not in memory as such: read_x(n, row, strip) writes a strip of x,
  /// in the layout input(), from this row of the padded image on, read_dy one of dy, in the layout
  /// gradient(), and bias(n, o) is the sum of dy[n,o].
  template <class ReadX, class ReadDy, class Bias>
  FOVEA_OUT_OF_LINE void run(View<T, 4> dw, View<T, 1> db, const BatchChunks& chunks,
                             Scratch<T>& scratch, int threads, const ReadX& read_x,
                             const ReadDy& read_dy, const Bias& bias) const {
    const BatchSums sums(chunks, sums_size());
    T* const total = scratch.shared();
    parallel_for(threads, sums.subtrees(), [&](Index tree, int thread) {
      T *const P = scratch.own(thread), *const images = P + elements() * element();
      sum_subtree(sums, tree * sums.span, sums.span, sums_size(), total + tree * sums.stride,
                  P + own_scratch(), [&](Index chunk, T* sum) {
                    T* const sums_of_dy = sum + 9 * C_ * width_;
                    std::fill_n(P, elements() * element(), T{0});
                    std::fill_n(sums_of_dy, width_, T{0});
                    const Index first = sums.chunks.begin(chunk),
                                last = sums.chunks.begin(chunk + 1);
                    if (tile_ == 4) {
                      add_gradients<4>(first, last, P, images, read_x, read_dy);
                      transform_back<4>(P, sum);
                    } else {
                      add_gradients<2>(first, last, P, images, read_x, read_dy);
                      transform_back<2>(P, sum);
                    }
                    for (Index n = first; n < last; ++n)
                      for (Index o = 0; o < db.size(); ++o) sums_of_dy[o] += bias(n, o);
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
  /// What read_x() may do, from the planes of an image x (C, H, W).
  void read_planes(const T* x, Index row, T* strip) const {
    x_.read_rows(x, {C_, image_.h, image_.w}, padding_, row, strip);
  }
  /// What bias() may be.
  static T sum_of_plane(const View<const T, 2>& dy) {
    return static_cast<T>(lane_sum<T>(dy.size(), [&](Index i) { return dy.data()[i]; }));
  }
  /// Of a strip of x.
  const ChannelsLast<T>& input() const { return x_; }
  /// Of a strip of dy.
  const ChannelsLast<T>& gradient() const { return dy_; }

 private:
  static Index whole(Index count, Index of) { return (count + of - 1) / of * of; }
  Index elements() const { return (tile_ + 2) * (tile_ + 2); }         // of a transformed tile
  Index element() const { return rows_ * width_; }                     // of P
  Index sums_size() const { return (9 * C_ + 1) * width_; }            // dW and db
  Index tiles() const { return static_cast<Index>(windows_.size()); }  // worked on together
  Index images_size() const { return images_ * (x_.size() + dy_.size()); }
  Index own_scratch() const {
    return elements() * (element() + tiles() * (rows_ + width_)) + whole(images_size(), 16);
  }

  // P += that of the images [first, last).
  template <int m, class ReadX, class ReadDy>
  void add_gradients(Index first, Index last, T* P, T* scratch, const ReadX& read_x,
                     const ReadDy& read_dy) const {
    T *const images = scratch, *const gradients = images + images_ * x_.size();
    T *const V = images + whole(images_size(), 16), *const D = V + elements() * tiles() * rows_;
    const Index down = (output_.h + m - 1) / m, across = (output_.w + m - 1) / m;
    for (Index n = first; n < last; n += images_) {
      const Index count = std::min(images_, last - n);
      for (Index row = 0; row < down; row += strip_) {
        for (Index k = 0; k < count; ++k) {
          read_x(n + k, m * row, images + k * x_.size());
          read_dy(n + k, m * row, gradients + k * dy_.size());
        }
        const Index used = ((count - 1) * strip_ + std::min(strip_, down - row)) * across;
        for (Index t = 0; t < used; ++t) {
          const auto at = static_cast<std::size_t>(t);
          detail::winograd_transform<m>(images + windows_[at], x_.row(), C_, V + t * rows_,
                                        tiles() * rows_);
          detail::winograd_gradient_transform<m>(gradients + pixels_[at], dy_.row(), width_,
                                                 D + t * width_, tiles() * width_);
        }
        for (Index e = 0; e < elements(); ++e)
          add_products(used, V + e * tiles() * rows_, D + e * tiles() * width_, P + e * element());
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
  template <int m>
  void transform_back(const T* P, T* dw) const {
    constexpr int n = m + 2;
    for (Index at = 0; at < C_ * width_; at += lanes<T>) {
      Array<Vec<T>, n * n> p;
      Array<Vec<T>, 3 * n> rows;
      Vec<T> w[9];
      for (int e = 0; e < n * n; ++e) p[e] = load(P + e * element() + at);
      for (int j = 0; j < n; ++j) WinogradMatrices<m>::gradient_output(p + j, n, rows + j, n);
      for (int i = 0; i < 3; ++i)
        WinogradMatrices<m>::gradient_output(rows + n * i, 1, w + 3 * i, 1);
      for (int tap = 0; tap < 9; ++tap) store(dw + tap * C_ * width_ + at, w[tap]);
    }
  }

  // 4 where Winograd's algorithm takes 4 (winograd.hpp), and P (at most 4.7 MB) stays in L3.
  static Index tile_for(Index C, Index O, Extent2 y) {
    return 36 * C * O * Index{sizeof(float)} <= 9 * l2_share ? winograd_tile(C, O, y) : 2;
  }

  Index C_ = 0, O_ = 0;
  Index rows_ = 0, width_ = 0;  // of P: C and O in whole tiles and vectors
  Extent2 image_{0}, output_{0}, padding_{0};
  Index tile_ = 2;                // m: rows and columns of a tile of dy
  Index strip_ = 1, images_ = 1;  // rows of tiles, and images, that are worked on together
  ChannelsLast<T> x_{}, dy_{};    // of those; the padding is among the pixels
  std::vector<std::int32_t> windows_{}, pixels_{};  // of every tile, in x and in dy
};

}  // namespace fovea::inline FOVEA_ABI::kernels
