// SPDX-License-Identifier: MIT
//
// Rows become columns: out[j][i] = in[i][j].
//
// Blocks of lanes x lanes are turned in registers: zipping row i with row i + lanes/2, log2(lanes)
// times over, is the transposition (each zip rotates the bits of the element's address by one). So
// memory is read and written in whole vectors only. The slow twin is fovea::transpose.
#pragma once

#include <algorithm>

#include "fovea/core/simd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

namespace detail {

template <class T>
FOVEA_WIDE_VECTORS inline void transpose_block(const T* in, Index in_stride, T* out,
                                               Index out_stride) {
  constexpr int n = int{lanes<T>};
  Vec<T> rows[n], zipped[n];
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) rows[i] = load(in + i * in_stride);
#pragma GCC unroll 4
  for (int step = 1; step < n; step *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < n / 2; ++i) {
      zipped[2 * i] = zip_low<T>(rows[i], rows[i + n / 2]);
      zipped[2 * i + 1] = zip_high<T>(rows[i], rows[i + n / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < n; ++i) rows[i] = zipped[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i) store(out + i * out_stride, rows[i]);
}

}  // namespace detail

/// in (rows, cols), a row every in_stride elements, to out (cols, rows), a row every out_stride.
template <class T>
void transpose(const T* in, Index rows, Index cols, Index in_stride, T* out, Index out_stride) {
  constexpr Index n = lanes<T>;
  const Index whole_rows = rows / n * n, whole_cols = cols / n * n;
  for (Index i = 0; i < whole_rows; i += n)
    for (Index j = 0; j < whole_cols; j += n)
      detail::transpose_block(in + i * in_stride + j, in_stride, out + j * out_stride + i,
                              out_stride);
  for (Index j = 0; j < cols; ++j)
    for (Index i = j < whole_cols ? whole_rows : 0; i < rows; ++i)
      out[j * out_stride + i] = in[i * in_stride + j];
}

}  // namespace fovea::inline FOVEA_ABI::kernels
