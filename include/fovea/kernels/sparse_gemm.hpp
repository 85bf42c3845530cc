// SPDX-License-Identifier: MIT
//
// The matrix product C = A B where much of A is zero, as the gradient of a ReLU is: half of
// its units or more are dead.
//
//   lists       of every row of A what is not zero: where its row of B begins, and the number
//   registers   eight vectors of a row of C, to which its list adds rows of B
//   L1 cache    a panel of B, depth_block rows of eight vectors, is copied once for all rows of A
//
// Why it is fast: a zero costs nothing, not even a branch. But each multiply-add needs a
// vector of the panel, so dense matrices are better off in gemm.hpp, whose tile reads less.
// Reference implementation: gemm(), with the same bits, because only zeros are left
// out and the order is the same.
#pragma once

#include <span>
#include <vector>

#include "fovea/core/bits.hpp"
#include "fovea/kernels/gemm.hpp"
#include "fovea/kernels/sparse.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The numbers of a matrix that are not zero, row by row.
template <class T>
class Nonzeros {
 public:
  /// Elements in a row of a panel of B, which the lists count in.
  static constexpr Index width = 8 * lanes<T>;
  /// Rows of such a panel.
  static constexpr Index depth_block = 64;

  Nonzeros() = default;
  /// Makes room for matrices (rows, depth) and smaller ones, in so many blocks of columns.
  Nonzeros(Index rows, Index depth, Index blocks)
      : entries_(static_cast<std::size_t>(rows * depth + 1)),
        ends_(static_cast<std::size_t>(rows * blocks + 1)) {}
  /// The same in blocks of depth_block columns.
  Nonzeros(Index rows, Index depth) : Nonzeros(rows, depth, blocks(depth)) {}
  /// Blocks of depth_block columns.
  static Index blocks(Index depth) { return (depth + depth_block - 1) / depth_block; }

  /// Lists those of a, whose columns are cut into blocks; block b ends at block_end(b).
  template <class End>
  void list(const Matrix<const T>& a, Index blocks, const End& block_end) {
    rows_ = a.rows;
    blocks_ = blocks;
    SparseEntry<T>* out = entries_.data();
    Index* end = ends_.data();
    *end++ = 0;
    for (Index i = 0; i < rows_; ++i)
      for (Index block = 0, first = 0; block < blocks; ++block) {
        const Index last = block_end(block);
        for (Index k = first; k < last; ++k) {
          // Every entry is written, but counted only if not zero: a branch is often mispredicted.
          const T value = a.data[i * a.row_stride + k * a.col_stride];
          *out = {static_cast<std::int32_t>((k - first) * width), value};
          out += !exactly_equal(value, 0);
        }
        *end++ = out - entries_.data();
        first = last;
      }
  }
  /// The same in blocks of depth_block columns.
  FOVEA_OUT_OF_LINE void list(const Matrix<const T>& a) {
    list(a, blocks(a.cols),
         [&](Index block) { return std::min((block + 1) * depth_block, a.cols); });
  }

  /// How many there are.
  Index size() const { return ends_[static_cast<std::size_t>(rows_ * blocks_)]; }
  /// Those in row i of a block; offsets are counted in the block.
  std::span<const SparseEntry<T>> in_block(Index i, Index block) const {
    const Index* const at = ends_.data() + i * blocks_ + block;
    return {entries_.data() + at[0], static_cast<std::size_t>(at[1] - at[0])};
  }

 private:
  Index rows_ = 0, blocks_ = 0;
  std::vector<SparseEntry<T>> entries_{};
  std::vector<Index> ends_{0};  // of each block of each row, after a 0
};

/// c = a b. Shapes (m, k) (k, n) (m, n); k is 1 or more.
template <class T>
void sparse_gemm(const Nonzeros<T>& a, const Matrix<const T>& b, const Matrix<T>& c, int threads) {
  constexpr Index width = Nonzeros<T>::width, depth_block = Nonzeros<T>::depth_block;
  const Index panels = (c.cols + width - 1) / width;
  parallel_for(Work{a.size()} * c.cols < small_work ? 1 : threads, panels, [&](Index p, int) {
    alignas(64) Array<T, depth_block * width> panel;
    const Index j = p * width, cols = std::min(width, c.cols - j);
    for (Index k = 0; k < b.rows; k += depth_block) {
      detail::pack_panel(b.block(k, j, std::min(depth_block, b.rows - k), cols), width, panel);
      for (Index i = 0; i < c.rows; ++i) {
        const auto entries = a.in_block(i, k / depth_block);
        const auto count = static_cast<Index>(entries.size());
        T* const to = c.data + i * c.row_stride + j;
        if (k == 0) std::fill_n(to, cols, T{0});
        if (cols == width) {
          detail::gather_rows<1, 8>(entries.data(), count, panel, 0, 0, to);
        } else {
          Array<T, width> row;
          std::copy_n(to, cols, row);
          detail::gather_rows<1, 8>(entries.data(), count, panel, 0, 0, row);
          std::copy_n(row, cols, to);
        }
      }
    }
  });
}

}  // namespace fovea::inline FOVEA_ABI::kernels
