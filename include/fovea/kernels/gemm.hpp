// SPDX-License-Identifier: MIT
//
// The matrix product C = A B, or C += A B, for matrices with any strides.
//
// How it is laid out, after Goto and van de Geijn, Anatomy of high-performance matrix
// multiplication, ACM TOMS 34(3), 2008:
//
//   registers   a tile of C, see tile.hpp, takes numbers of A from where they are
//   L1 cache    a panel of B, k_block x tile_cols, is copied once into the order in which the tile
//               reads it, and then used by every row of A
//
// Every element is one sum over k in one order, wherever it is in C. So cutting C into chunks, for
// threads, does not change a bit. Reference implementation: three loops in the tests.
#pragma once

#include <algorithm>

#include "fovea/core/parallel.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/transpose.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// A matrix anywhere in memory: element (i, j) is at data[i * row_stride + j * col_stride].
template <class T>
struct Matrix {
  T* data;                       ///< element (0, 0)
  Index rows, cols;              ///< its extents
  Index row_stride, col_stride;  ///< elements from one row (column) to the next

  template <class U>
  Matrix(const Matrix<U>& m) : Matrix(m.data, m.rows, m.cols, m.row_stride, m.col_stride) {}
  /// Row-major and without gaps, or with these strides.
  Matrix(T* first, Index r, Index c) : Matrix(first, r, c, c, 1) {}
  /// With these strides.
  Matrix(T* first, Index r, Index c, Index row_step, Index col_step)
      : data(first), rows(r), cols(c), row_stride(row_step), col_stride(col_step) {}

  /// The same numbers, rows and columns exchanged.
  Matrix transposed() const { return {data, cols, rows, col_stride, row_stride}; }
  /// r rows and c columns from element (i, j) on.
  Matrix block(Index i, Index j, Index r, Index c) const {
    return {data + i * row_stride + j * col_stride, r, c, row_stride, col_stride};
  }
};

/// Columns of the tile.
template <class T>
inline constexpr Index tile_cols = tile_vectors* lanes<T>;

namespace detail {

inline constexpr Index k_block = 256;  // a panel of B, 36 KB with AVX-512, stays in L1

// The columns of b, at most tile_cols of them, as rows of `width` elements; what is beyond is zero.
template <class T>
FOVEA_OUT_OF_LINE void pack_panel(const Matrix<const T>& b, Index width, T* out) {
  if (b.cols < width) std::fill_n(out, b.rows * width, T{0});
  if (b.col_stride == 1)
    for (Index k = 0; k < b.rows; ++k)
      std::copy_n(b.data + k * b.row_stride, b.cols, out + k * width);
  else if (b.row_stride == 1)
    transpose(b.data, b.cols, b.rows, b.col_stride, out, width);
  else
    for (Index k = 0; k < b.rows; ++k)
      for (Index j = 0; j < b.cols; ++j)
        out[k * width + j] = b.data[k * b.row_stride + j * b.col_stride];
}

// tile_rows addresses; beyond the last row, the last one again (what it yields is not stored).
template <class T>
struct RowAddresses {
  const T* row[tile_rows];
  RowAddresses(const T* first, Index stride, Index rows) {
    for (Index i = 0; i < tile_rows; ++i) row[i] = first + std::min(i, rows - 1) * stride;
  }
};

// A tile of c, rows `stride` apart, from tile_rows rows of a and a panel of V
// vectors `width` apart. With `add` the sum continues from the value in c, so that
// it is one sum over k in one order.
template <int V, class T>
FOVEA_KERNEL void whole_tile(const Matrix<const T>& a, const T* panel, Index width, T* c,
                             Index stride, bool add) {
  const RowAddresses<T> from(a.data, a.row_stride, a.rows);
  Tile<T, tile_rows, V> sum = {};
  if (add)
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[i][v] = load(c + i * stride + v * lanes<T>);
  add_products<T, tile_rows, V>(
      a.cols, from.row, [step = a.col_stride](Index k) { return k * step; },
      [=](Index k, int v) { return panel + k * width + v * lanes<T>; }, sum);
  store_tile<T, tile_rows, V>(sum, c, stride);
}

// The same for a tile at an edge of c, by way of a whole one, `cols` wide, beside it.
template <class T>
FOVEA_OUT_OF_LINE void edge_tile(decltype(whole_tile<1, T>)& tile, Index cols,
                                 const Matrix<const T>& a, const T* panel, Index width,
                                 const Matrix<T>& c, bool add) {
  alignas(64) T whole[tile_rows * tile_cols<T>];
  if (add)
    for (Index i = 0; i < c.rows; ++i)
      std::copy_n(c.data + i * c.row_stride, c.cols, whole + i * cols);
  tile(a, panel, width, whole, cols, add);
  for (Index i = 0; i < c.rows; ++i)
    std::copy_n(whole + i * cols, c.cols, c.data + i * c.row_stride);
}

template <class T>
void gemm_part(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c,
               bool accumulate) {
  alignas(64) T panel[k_block * tile_cols<T>];
  // A panel that is used only a few times, and lies close together, is not worth a copy.
  const bool in_place = b.col_stride == 1 && c.rows <= 8 * tile_rows && b.row_stride <= 256;
  for (Index k = 0; k < a.cols; k += k_block)
    for (Index j = 0; j < c.cols; j += tile_cols<T>) {
      const Index depth = std::min(k_block, a.cols - k), width = std::min(tile_cols<T>, c.cols - j);
      const Index cols = whole_vectors<T>(width);
      const auto tile = cols == tile_cols<T> ? whole_tile<tile_vectors, T>
                        : cols > lanes<T>    ? whole_tile<2, T>
                                             : whole_tile<1, T>;
      const bool copied = !in_place || width < cols;
      const Matrix<const T> from = b.block(k, j, depth, width);
      if (copied) pack_panel(from, cols, panel);
      for (Index i = 0; i < c.rows; i += tile_rows) {
        const Index rows = std::min<Index>(tile_rows, c.rows - i);
        const Matrix<const T> left = a.block(i, k, rows, depth);
        const Matrix<T> to = c.block(i, j, rows, width);
        const T* const top = copied ? panel : from.data;
        const Index pitch = copied ? cols : b.row_stride;
        if (rows == tile_rows && width == cols)
          tile(left, top, pitch, to.data, to.row_stride, accumulate || k > 0);
        else
          edge_tile<T>(*tile, cols, left, top, pitch, to, accumulate || k > 0);
      }
    }
}

}  // namespace detail

/// c = a b, or c += a b when `accumulate`. Shapes (m, k) (k, n) (m, n).
template <class T>
void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate, int threads = 1) {
  check(a.rows == c.rows && a.cols == b.rows && b.cols == c.cols &&
            (c.col_stride == 1 || c.row_stride == 1),
        "gemm: expected matrices (m, k), (k, n) and (m, n) without gaps, got ",
        Shape{a.rows, a.cols}, ", ", Shape{b.rows, b.cols}, " and ", Shape{c.rows, c.cols});
  if (c.col_stride != 1)
    return gemm(b.transposed(), a.transposed(), c.transposed(), accumulate, threads);
  if (a.cols == 0 && !accumulate)
    for (Index i = 0; i < c.rows; ++i) std::fill_n(c.data + i * c.row_stride, c.cols, T{0});

  // The longer side is cut into chunks of whole tiles.
  const bool by_columns = c.cols >= c.rows;
  const Index tile = by_columns ? lanes<T> : tile_rows;
  const Index tiles = ((by_columns ? c.cols : c.rows) + tile - 1) / tile;
  const Work work = Work{c.rows} * c.cols * a.cols;
  const Index chunks = work < small_work ? 1 : std::min<Index>(threads, tiles);
  parallel_for(threads, chunks, [&](Index chunk, int) {
    const auto [first_tile, last_tile] = chunk_range(tiles, chunks, chunk);
    const Index first = first_tile * tile;
    if (by_columns) {
      const Index width = std::min(last_tile * tile, c.cols) - first;
      detail::gemm_part(a, b.block(0, first, b.rows, width), c.block(0, first, c.rows, width),
                        accumulate);
    } else {
      const Index height = std::min(last_tile * tile, c.rows) - first;
      detail::gemm_part(a.block(first, 0, height, a.cols), b, c.block(first, 0, height, c.cols),
                        accumulate);
    }
  });
}

}  // namespace fovea::inline FOVEA_ABI::kernels

namespace fovea::inline FOVEA_ABI {

/// The matrix product of a (m, k) and b (k, n): a new tensor (m, n).
template <Ranked<2> A, Matching<A> B>
Tensor<ElementOf<A>, 2> matmul(const A& a, const B& b) {
  using T = ElementOf<A>;
  const auto [m, k] = a.shape();
  const auto [k2, n] = b.shape();
  check(k == k2, "matmul: expected (m, k) x (k, n), got ", a.shape(), " x ", b.shape());
  Tensor<T, 2> c(Shape{m, n});
  kernels::gemm<T>({as_const(a).data(), m, k}, {as_const(b).data(), k, n}, {c.data(), m, n}, false);
  return c;
}

}  // namespace fovea::inline FOVEA_ABI
