// SPDX-License-Identifier: MIT
//
// The product C = A^T B of two matrices with a row for each example: the
// weight gradient of a linear layer,
//
//   dW[o][i] = sum over n of  dy[n][o] x[n][i]          as the tree of batch_tree.hpp
//
//   registers   tiles of C, 4 x 3 vectors, of two leaves: of a batch of 64 a leaf has four
//               examples, and would be stored and loaded nearly as often as it is added to
//   L1 cache    nodes that wait for their neighbour, and a panel of B, copied once for a block of
//               rows of C
//
// Where A is mostly zeros, as the gradient after a ReLU, lists of the others do the same with eight
// vectors of a row of C (sparse_gemm.hpp); with the same bits, because only zeros are left out.
// Reference implementation: three loops and the tree in the tests.
#pragma once

#include <algorithm>

#include "fovea/kernels/batch_tree.hpp"
#include "fovea/kernels/gemm.hpp"
#include "fovea/kernels/sparse_gemm.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

namespace detail {

// Two tiles fit into the registers, and what is loaded for them.
inline constexpr int node_rows = vector_registers == 32 ? 4 : 2;

// Chunks of the batch, and their rows in a panel of B, `width` elements apart.
template <class T>
struct ChunkRows {
  const BatchChunks& chunks;
  Index first, last;
  const T* panel;
  Index width;
  // The first row of a chunk, counted from that of the first.
  Index begin(Index chunk) const { return chunks.begin(chunk) - chunks.begin(first); }
};

// node_rows rows of c, `stride` apart, tile_vectors each; a begins at their columns and at
// the first row of the chunks.
template <class T>
FOVEA_KERNEL void dense_rows(const Matrix<const T>& a, const ChunkRows<T>& b, T* c, Index stride) {
  const T* column[node_rows];
  for (Index i = 0; i < node_rows; ++i) column[i] = a.data + std::min(i, a.cols - 1) * a.col_stride;
  TileSum<T, node_rows, tile_vectors> sum;
  const auto leaf = [&](Index chunk, TileSum<T, node_rows, tile_vectors> & node)
      __attribute__((always_inline)) {
    const Index n = b.begin(chunk);
    node.clear();
    add_products<T, node_rows, tile_vectors>(
        b.begin(chunk + 1) - n, column, [&](Index k) { return (n + k) * a.row_stride; },
        [&](Index k, int v) { return b.panel + (n + k) * b.width + v * lanes<T>; }, node.tile);
  };
  sum_leaves<1>(b.first, b.last, sum, leaf);
  store_tile<T, node_rows, tile_vectors>(sum.tile, c, stride);
}

// Eight vectors of a row of c, from the list of column i of a.
template <class T>
FOVEA_KERNEL void sparse_row(const Nonzeros<T>& a, Index i, const ChunkRows<T>& b, T* c) {
  TileSum<T, 1, 8> sum;
  const auto leaf = [&](Index chunk, TileSum<T, 1, 8> & node) __attribute__((always_inline)) {
    node.clear();
    const T* const rows = b.panel + b.begin(chunk) * b.width;
    for (const SparseEntry<T>& entry : a.in_block(i, chunk))
#pragma GCC unroll 8
      for (int v = 0; v < 8; ++v)
        node.tile[0][v] += entry.value * load(rows + entry.offset + v * lanes<T>);
  };
  sum_leaves<2>(b.first, b.last, sum, leaf);
  store_tile<T, 1, 8>(sum.tile, c, 0);
}

// c = the chunks [first, first + span) of the batch. node(first, last, c) does as many as have
// `most` rows, or one; `levels` has room for log2(span) blocks like c.
template <class T, class Node>
void tree_block(const BatchChunks& chunks, Index first, Index span, Index most, const Matrix<T>& c,
                T* levels, const Node& node) {
  const Index last = std::min(first + span, chunks.count), middle = first + span / 2;
  if (span == 1 || chunks.begin(last) - chunks.begin(first) <= most) return node(first, last, c);
  tree_block(chunks, first, span / 2, most, c, levels, node);
  if (middle >= last) return;
  const Matrix<T> right(levels, c.rows, c.cols);
  tree_block(chunks, middle, span / 2, most, right, levels + c.rows * c.cols, node);
  for (Index i = 0; i < c.rows; ++i)
    for (Index j = 0; j < c.cols; ++j) c.data[i * c.row_stride + j] += right.data[i * c.cols + j];
}

}  // namespace detail

/// c (m, n) = a^T b for a (N, m) and b (N, n), row-major, as the tree over the batch.
template <class T>
void batch_gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c,
                const BatchChunks& chunks, int threads) {
  constexpr Index row_block = 64, step = detail::node_rows;
  const Index panels = (c.cols + tile_cols<T> - 1) / tile_cols<T>,
              blocks = (c.rows + row_block - 1) / row_block;
  const int team = Work{c.rows} * c.cols * a.rows < small_work ? 1 : threads;
  parallel_for(team, panels * blocks, [&](Index block, int) {
    alignas(64) T panel[detail::k_block * tile_cols<T>];
    alignas(64) T levels[4 * row_block * tile_cols<T>];
    const Index i = block % blocks * row_block, j = block / blocks * tile_cols<T>;
    const Index rows = std::min(row_block, c.rows - i), cols = std::min(tile_cols<T>, c.cols - j);
    constexpr Index width = tile_cols<T>;
    const auto node = [&](Index first, Index last, const Matrix<T>& to) {
      const Index n = chunks.begin(first), count = chunks.begin(last) - n;
      const Matrix<const T> left = a.block(n, i, count, rows), right = b.block(n, j, count, cols);
      if (count > detail::k_block) return detail::gemm_part(left.transposed(), right, to, false);
      detail::pack_panel(right, width, panel);
      for (Index r = 0; r < rows; r += step) {
        const Index wanted = std::min(step, rows - r);
        const Matrix<const T> columns = left.block(0, r, count, wanted);
        const detail::ChunkRows<T> from{chunks, first, last, panel, width};
        T* const row = to.data + r * to.row_stride;
        if (wanted == step && cols == width) {
          detail::dense_rows<T>(columns, from, row, to.row_stride);
        } else {
          alignas(64) T whole[step * tile_cols<T>];
          detail::dense_rows<T>(columns, from, whole, width);
          for (Index k = 0; k < wanted; ++k)
            std::copy_n(whole + k * width, cols, row + k * to.row_stride);
        }
      }
    };
    detail::tree_block(chunks, 0, BatchChunks::most, detail::k_block, c.block(i, j, rows, cols),
                       levels, node);
  });
}

/// The largest batch of which a chunk fits into a panel of batch_sparse_gemm().
inline constexpr Index most_sparse_batch = BatchChunks::most * 64;

/// The same where `a` lists, chunk by chunk, what is not zero in the columns of a matrix.
template <class T>
void batch_sparse_gemm(const Nonzeros<T>& a, const Matrix<const T>& b, const Matrix<T>& c,
                       const BatchChunks& chunks, int threads) {
  constexpr Index width = Nonzeros<T>::width, depth = Nonzeros<T>::depth_block;
  // A panel is copied once for all rows if it is the whole batch, else once for a block of them.
  const Index row_block = b.rows <= depth ? c.rows : 32;
  const Index panels = (c.cols + width - 1) / width, blocks = (c.rows + row_block - 1) / row_block;
  parallel_for(
      Work{a.size()} * c.cols < small_work ? 1 : threads, panels * blocks, [&](Index block, int) {
        alignas(64) Array<T, depth * width> panel;
        alignas(64) Array<T, 4 * 32 * width> levels;
        const Index i = block % blocks * row_block, j = block / blocks * width;
        const Index rows = std::min(row_block, c.rows - i), cols = std::min(width, c.cols - j);
        const auto node = [&](Index first, Index last, const Matrix<T>& to) {
          const Index n = chunks.begin(first);
          detail::pack_panel(b.block(n, j, chunks.begin(last) - n, cols), width, panel);
          for (Index r = 0; r < rows; ++r) {
            T* const row = to.data + r * to.row_stride;
            const detail::ChunkRows<T> from{chunks, first, last, panel, width};
            if (cols == width) {
              detail::sparse_row(a, i + r, from, row);
            } else {
              alignas(64) Array<T, width> whole;
              detail::sparse_row(a, i + r, from, whole);
              std::copy_n(whole, cols, row);
            }
          }
        };
        detail::tree_block(chunks, 0, BatchChunks::most, depth, c.block(i, j, rows, cols), levels,
                           node);
      });
}

}  // namespace fovea::inline FOVEA_ABI::kernels
