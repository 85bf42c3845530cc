// SPDX-License-Identifier: MIT
//
// im2col: the windows of an image as the columns of a matrix, the textbook's fast convolution.
//
//   columns[(c, kh, kw)][(oh, ow)] = x[c][oh s - p + kh d][ow s - p + kw d],   0 outside the image
//
// In this matrix, (C KH KW) x (OH OW), a convolution is a plain matrix product with the weights.
// Its transpose, col2im, adds every entry back to the pixel it was read from. The two are adjoint,
// <im2col x, c> = <x, col2im c>, and that identity is how the tests check them both.
// (Chellapilla, Puri, Simard: High performance convolutional neural networks for document
// processing, 2006.)
#pragma once

#include <algorithm>

#include "fovea/kernels/window.hpp"

namespace fovea::inline FOVEA_ABI::reference {

namespace detail {

// Calls row(column_row, first, last, input) once for each output row of each kernel position: the
// outputs [first, last) of it lie inside the image and read from `input` on, a stride apart;
// input is -1 where the whole row lies in the padding.
template <class Row>
void walk_windows(Index C, Index H, Index W, const Window& window, Row&& row) {
  const auto [kernel, stride, padding, dilation] = window;
  const auto [OH, OW] = window.output(H, W);
  Index out = 0;
  for (Index c = 0; c < C; ++c)
    for (Index kh = 0; kh < kernel.h; ++kh)
      for (Index kw = 0; kw < kernel.w; ++kw) {
        const auto [first, last] = outputs_inside(W, OW, stride.w, padding.w, kw * dilation.w);
        const Index start = first * stride.w - padding.w + kw * dilation.w;
        for (Index oh = 0; oh < OH; ++oh, out += OW) {
          const Index h = oh * stride.h - padding.h + kh * dilation.h;
          const bool inside = 0 <= h && h < H && first < last;
          row(out, first, last, inside ? (c * H + h) * W + start : Index{-1});
        }
      }
}

}  // namespace detail

/// x (C, H, W) to columns (C KH KW, OH OW).
template <class T>
void im2col(const T* x, Index C, Index H, Index W, const Window& window, T* columns) {
  const Index OW = window.output(H, W).w, step = window.stride.w;
  detail::walk_windows(C, H, W, window, [&](Index out, Index first, Index last, Index in) {
    T* const row = columns + out;
    if (in < 0) return void(std::fill_n(row, OW, T{0}));
    std::fill_n(row, first, T{0});
    if (step == 1)
      std::copy_n(x + in, last - first, row + first);
    else
      for (Index ow = first; ow < last; ++ow) row[ow] = x[in + (ow - first) * step];
    std::fill_n(row + last, OW - last, T{0});
  });
}

/// Adds columns (C KH KW, OH OW) to x (C, H, W).
template <class T>
void col2im(const T* columns, Index C, Index H, Index W, const Window& window, T* x) {
  const Index step = window.stride.w;
  detail::walk_windows(C, H, W, window, [&](Index out, Index first, Index last, Index in) {
    if (in < 0) return;
    for (Index ow = first; ow < last; ++ow) x[in + (ow - first) * step] += columns[out + ow];
  });
}

}  // namespace fovea::inline FOVEA_ABI::reference
