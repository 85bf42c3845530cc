// SPDX-License-Identifier: MIT
//
// The matrix product C = A B, or C += A B: every convolution and every linear layer ends here.
//
// Why it is fast: a multiply-add needs two operands, and memory delivers far fewer numbers than the
// arithmetic units take. So every number that is loaded must be used often.
//
//   registers   a tile of tile_rows x tile_cols of C stays in vector registers for the whole sum
//               over k: one step loads tile_rows numbers of A and tile_cols of B and does
//               tile_rows * tile_cols multiply-adds with them (14 x 32 floats with AVX-512)
//   L1 cache    a panel of B, k_block x tile_cols, is used by every tile in its column
//   L2 cache    a block of A, row_block x k_block, is used by every panel of B
//
// Both operands are copied ("packed") into the order in which the tile reads them, zero-padded to
// whole tiles. Packing reads through strides, so a transposed operand costs nothing extra and there
// is one kernel instead of four. The scheme is that of Goto and van de Geijn, Anatomy of
// high-performance matrix multiplication, ACM TOMS 34(3), 2008.
//
// The sum over k runs in one order, in blocks of k_block, wherever the element stands: cutting
// C into parts, for threads say, does not change a bit. The slow twin is three loops in the tests.
#pragma once

#include <algorithm>

#include "fovea/core/simd.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// A matrix anywhere in memory: element (i, j) stands at data[i * row_stride + j * col_stride].
template <class T>
struct Matrix {
  T* data;
  Index rows, cols;
  Index row_stride, col_stride;

  Matrix(T* first, Index r, Index c) : Matrix(first, r, c, c, 1) {}
  Matrix(T* first, Index r, Index c, Index row_step, Index col_step)
      : data(first), rows(r), cols(c), row_stride(row_step), col_stride(col_step) {}

  Matrix transposed() const { return {data, cols, rows, col_stride, row_stride}; }
  Matrix block(Index i, Index j, Index r, Index c) const {
    return {data + i * row_stride + j * col_stride, r, c, row_stride, col_stride};
  }
};

// The register tile: rows * (vectors per row) accumulators, plus one row of B and one number of A.
inline constexpr int tile_vectors = 2;
inline constexpr int tile_rows = vector_registers == 32 ? 14 : 6;
template <class T>
inline constexpr Index tile_cols = tile_vectors* lanes<T>;

// The cache blocks, in elements: k_block * tile_cols stays in L1, row_block * k_block in L2.
inline constexpr Index k_block = 256;
inline constexpr Index row_block = 12 * tile_rows;
inline constexpr Index col_block = 768;

/// Elements of scratch that gemm needs for a product (m, k) x (k, n).
template <class T>
constexpr Index gemm_scratch(Index m, Index n, Index k) {
  const auto round_up = [](Index value, Index unit) { return (value + unit - 1) / unit * unit; };
  const Index depth = std::min(k, k_block);
  return round_up(std::min(m, row_block), tile_rows) * depth +
         round_up(std::min(n, col_block), tile_cols<T>) * depth + 64;
}

namespace detail {

// Panels of tile_rows rows, each stored column by column. Beyond the matrix the panels hold zeros: what
// the tile makes of them is thrown away, but a stale denormal there would cost a hundred cycles.
template <class T>
void pack_rows(const Matrix<const T>& a, T* out) {
  for (Index i0 = 0; i0 < a.rows; i0 += tile_rows) {
    const Index height = std::min<Index>(tile_rows, a.rows - i0);
    for (Index i = 0; i < height; ++i) {
      const T* in = a.data + (i0 + i) * a.row_stride;
      for (Index k = 0; k < a.cols; ++k) out[k * tile_rows + i] = in[k * a.col_stride];
    }
    for (Index k = 0; height < tile_rows && k < a.cols; ++k)
      std::fill(out + k * tile_rows + height, out + (k + 1) * tile_rows, T{0});
    out += tile_rows * a.cols;
  }
}

// Panels of tile_cols columns, each stored row by row.
template <class T>
void pack_cols(const Matrix<const T>& b, T* out) {
  constexpr Index width = tile_cols<T>;
  for (Index j0 = 0; j0 < b.cols; j0 += width, out += width * b.rows) {
    const Index filled = std::min(width, b.cols - j0);
    const T* in = b.data + j0 * b.col_stride;
    if (b.col_stride == 1 && filled == width) {
      for (Index k = 0; k < b.rows; ++k) std::copy_n(in + k * b.row_stride, width, out + k * width);
    } else {
      if (filled < width) std::fill(out, out + width * b.rows, T{0});
      for (Index j = 0; j < filled; ++j)
        for (Index k = 0; k < b.rows; ++k)
          out[k * width + j] = in[j * b.col_stride + k * b.row_stride];
    }
  }
}

// tile (tile_rows, tile_cols) = a panel of A times a panel of B.
template <class T>
FOVEA_WIDE_VECTORS inline void multiply_tile(Index depth, const T* a, const T* b, T* tile) {
  Vec<T> sum[tile_rows][tile_vectors] = {};
  for (Index k = 0; k < depth; ++k) {
    Vec<T> row[tile_vectors];
#pragma GCC unroll 2
    for (int v = 0; v < tile_vectors; ++v) row[v] = load(b + v * lanes<T>);
#pragma GCC unroll 14
    for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 2
      for (int v = 0; v < tile_vectors; ++v) sum[i][v] += a[i] * row[v];
    a += tile_rows;
    b += tile_cols<T>;
  }
#pragma GCC unroll 14
  for (int i = 0; i < tile_rows; ++i)
#pragma GCC unroll 2
    for (int v = 0; v < tile_vectors; ++v) store(tile + i * tile_cols<T> + v * lanes<T>, sum[i][v]);
}

}  // namespace detail

/// c = a b, or c += a b when `accumulate`. Shapes (m, k) (k, n) (m, n); `scratch` holds at least
/// gemm_scratch<T>(m, n, k) elements (or, when c is stored by columns, of (n, m, k)).
template <class T>
void gemm(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate, T* scratch) {
  if (c.col_stride != 1)
    return gemm(b.transposed(), a.transposed(), c.transposed(), accumulate, scratch);
  if (a.cols == 0 && !accumulate)
    for (Index i = 0; i < c.rows; ++i) std::fill_n(c.data + i * c.row_stride, c.cols, T{0});

  alignas(64) T tile[tile_rows * tile_cols<T>];
  for (Index k0 = 0; k0 < a.cols; k0 += k_block) {
    const Index depth = std::min(k_block, a.cols - k0);
    const bool add = accumulate || k0 > 0;
    for (Index j0 = 0; j0 < c.cols; j0 += col_block) {
      const Index width = std::min(col_block, c.cols - j0);
      T* const packed_b = scratch;
      detail::pack_cols(b.block(k0, j0, depth, width), packed_b);
      T* const packed_a =
          packed_b + (width + tile_cols<T> - 1) / tile_cols<T> * tile_cols<T> * depth;
      for (Index i0 = 0; i0 < c.rows; i0 += row_block) {
        const Index height = std::min(row_block, c.rows - i0);
        detail::pack_rows(a.block(i0, k0, height, depth), packed_a);
        for (Index j = 0; j < width; j += tile_cols<T>)
          for (Index i = 0; i < height; i += tile_rows) {
            detail::multiply_tile(depth, packed_a + i * depth, packed_b + j * depth, tile);
            const Index rows = std::min<Index>(tile_rows, height - i);
            const Index cols = std::min(tile_cols<T>, width - j);
            for (Index r = 0; r < rows; ++r) {
              T* out = c.data + (i0 + i + r) * c.row_stride + j0 + j;
              const T* in = tile + r * tile_cols<T>;
              if (add)
                for (Index s = 0; s < cols; ++s) out[s] += in[s];
              else
                std::copy_n(in, cols, out);
            }
          }
      }
    }
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels

namespace fovea::inline FOVEA_ABI {

/// The matrix product of a (m, k) and b (k, n): a new tensor (m, n).
template <Ranked<2> A, Matching<A> B>
Tensor<Value<A>, 2> matmul(const A& a, const B& b) {
  using T = Value<A>;
  const auto [m, k] = a.shape();
  const auto [k2, n] = b.shape();
  check(k == k2, "matmul: expected (m, k) x (k, n), got ", a.shape(), " x ", b.shape());
  Tensor<T, 2> c(Shape{m, n});
  Tensor<T, 1> scratch(Shape{kernels::gemm_scratch<T>(m, n, k)});
  kernels::gemm<T>({as_const(a).data(), m, k}, {as_const(b).data(), k, n}, {c.data(), m, n}, false,
                   scratch.data());
  return c;
}

}  // namespace fovea::inline FOVEA_ABI
