// SPDX-License-Identifier: MIT
//
// The two matrix products that the rungs of im2col are built on, C = A B or C += A B.
//
//   PlainProduct   three loops, as in a textbook. Each number that is loaded takes part in one
//                  multiply-add, so the loop waits for memory, not for arithmetic.
//   TiledProduct   kernels/gemm.hpp: a tile of C stays in registers over the whole sum, so each
//                  number is used as often as the tile is wide or high.
//
// Both take matrices with any strides, so a transposed operand is only another view.
#pragma once

#include "fovea/kernels/gemm.hpp"

namespace ladder {

using fovea::Index;
using fovea::kernels::Matrix;

struct PlainProduct {
  template <class T>
  static void multiply(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
    for (Index i = 0; i < c.rows; ++i) {
      T* const row = c.data + i * c.row_stride;
      for (Index j = 0; j < c.cols && !accumulate; ++j) row[j * c.col_stride] = T{0};
      // In this order the innermost loop runs along rows of B and C, where they are contiguous.
      for (Index k = 0; k < a.cols; ++k) {
        const T factor = a.data[i * a.row_stride + k * a.col_stride];
        const T* const from = b.data + k * b.row_stride;
        for (Index j = 0; j < c.cols; ++j) row[j * c.col_stride] += factor * from[j * b.col_stride];
      }
    }
  }
};

struct TiledProduct {
  template <class T>
  static void multiply(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, bool accumulate) {
    fovea::kernels::gemm<T>(a, b, c, accumulate);
  }
};

}  // namespace ladder
