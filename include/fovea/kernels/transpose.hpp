// SPDX-License-Identifier: MIT
//
// Rows become columns: out[j][i] = in[i][j].
//
// Blocks of lanes x lanes are transposed in registers: zipping row i with row i + lanes/2,
// log2(lanes) times over, is the transposition (each zip rotates the bits of the element's
// address by one). So memory is read and written in whole vectors only. Reference
// implementation: fovea::transpose.
#pragma once

#include <algorithm>

#include "fovea/core/simd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

namespace detail {

// The first `count` columns of lanes x lanes numbers become rows, in whole vectors.
template <class T>
FOVEA_KERNEL void transpose_block(const T* in, Index in_stride, T* out, Index out_stride,
                                  Index count) {
  constexpr int n = int{lanes<T>};
  Array<Vec<T>, n> rows, zipped;
#pragma GCC unroll 16
  for (int i = 0; i < n; ++i, in += in_stride) rows[i] = load(in);
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
  for (int i = 0; i < n; ++i, out += out_stride) {
    if (i == count) return;
    store(out, rows[i]);
  }
}

// The rows or columns that do not fill a block, number by number.
template <class T>
FOVEA_OUT_OF_LINE void transpose_rest(const T* in, Index rows, Index cols, Index in_stride, T* out,
                                      Index out_stride) {
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i) out[j * out_stride + i] = in[i * in_stride + j];
}

}  // namespace detail

/// in (rows, cols), a row every in_stride elements, to out (cols, rows), a row every out_stride.
template <class T>
FOVEA_OUT_OF_LINE void transpose(const T* in, Index rows, Index cols, Index in_stride, T* out,
                                 Index out_stride) {
  constexpr Index n = lanes<T>;
  const Index whole_rows = rows / n * n, whole_cols = cols / n * n;
  for (Index i = 0; i < whole_rows; i += n)
    for (Index j = 0; j < whole_cols; j += n)
      detail::transpose_block(in + i * in_stride + j, in_stride, out + j * out_stride + i,
                              out_stride, n);
  detail::transpose_rest(in + whole_rows * in_stride, rows - whole_rows, whole_cols, in_stride,
                         out + whole_rows, out_stride);
  detail::transpose_rest(in + whole_cols, rows, cols - whole_cols, in_stride,
                         out + whole_cols * out_stride, out_stride);
}

/// An image x, C planes of H rows of W numbers, in channels-last order: pixel (h, w) becomes C
/// numbers at out + h * row + w * pixel. Planes are `plane` apart.
template <class T>
FOVEA_OUT_OF_LINE void to_channels_last(const T* x, Index plane, Index C, Index H, Index W, T* out,
                                        Index row, Index pixel) {
  constexpr Index n = lanes<T>;
  if (C == 1 && pixel == 1) {  // both orders are the same
    for (Index h = 0; h < H; ++h) std::copy_n(x + h * W, W, out + h * row);
    return;
  }
  if (plane == H * W && row == W * pixel) W *= std::exchange(H, 1);  // no gaps: all rows are one
  const Index whole = C / n * n;
  for (Index h = 0; h < H; ++h)
    for (Index c = 0; c < C; c += n)
      for (Index w = 0; w < W; w += n) {
        const T* const from = x + c * plane + h * W + w;
        T* const to = out + h * row + w * pixel + c;
        const Index count = std::min(n, W - w);
        if (c < whole && h * W + w + n <= H * W)  // a plane must not be read beyond its end
          detail::transpose_block(from, plane, to, pixel, count);
        else
          detail::transpose_rest(from, std::min(n, C - c), count, plane, to, pixel);
      }
}

/// The inverse: x (C, H, W), its planes `plane` apart, from pixels of C numbers at in + h * row + w
/// * pixel. Up to lanes<T> - 1 pixels are read beyond the end of a row.
template <class T>
FOVEA_OUT_OF_LINE void from_channels_last(const T* in, Index row, Index pixel, Index C, Index H,
                                          Index W, T* x, Index plane) {
  constexpr Index n = lanes<T>;
  if (plane == H * W && row == W * pixel) W *= std::exchange(H, 1);
  const Index whole = C / n * n;
  for (Index h = 0; h < H; ++h)
    for (Index c = 0; c < C; c += n)
      for (Index w = 0; w < W; w += n) {
        const T* const from = in + h * row + w * pixel + c;
        T* const to = x + c * plane + h * W + w;
        // The next row of the same channel overwrites what the last vector writes beyond this one.
        if (c < whole && h * W + w + n <= H * W)
          detail::transpose_block(from, pixel, to, plane, n);
        else
          detail::transpose_rest(from, std::min(n, W - w), std::min(n, C - c), pixel, to, plane);
      }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
