// SPDX-License-Identifier: MIT
//
// 3 x 3 convolution of one channel with one kernel, stride 1: what a depthwise convolution does for
// every channel.
//
//   y[i][j] = b + sum over kh,kw of  w[kh][kw] x[i + kh][j + kw]        x with its padding
//   dw[kh][kw] = sum over i,j of  dy[i][j] x[i + kh][j + kw]
//
// With a single input channel nothing is summed long enough for a matrix tile; reading x is the
// cost. So each row of x is read once, in three shifts, and serves the three rows of y around it:
// 12 loads for 36 multiply-adds. The last vector of a row of y begins where it ends with the row,
// and computes some columns twice. Reference implementation: nn/reference/conv2d.hpp.
#pragma once

#include <algorithm>

#include "fovea/core/simd.hpp"
#include "fovea/kernels/convolution_shape.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// Vectors side by side; with 16 registers there is room for one.
inline constexpr int depthwise_vectors = vector_registers == 32 ? 4 : 1;

namespace detail {

template <class T>
FOVEA_KERNEL void depthwise_columns(const T* const (&x)[depthwise_vectors], Index pitch, Index rows,
                                    const T* w, T bias, T* const (&y)[depthwise_vectors],
                                    Index y_pitch) {
  constexpr int V = depthwise_vectors;
  Vec<T> weight[9], row[V], below[V], last[V];  // three rows of y, the first one nearly complete
#pragma GCC unroll 9
  for (int k = 0; k < 9; ++k) weight[k] = Vec<T>{} + w[k];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) row[v] = below[v] = last[v] = Vec<T>{} + bias;
  for (Index h = 0; h < rows + 2; ++h) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
#pragma GCC unroll 3
      for (int kw = 0; kw < 3; ++kw) {
        const Vec<T> pixels = in_register<T>(load(x[v] + h * pitch + kw));
        row[v] += weight[6 + kw] * pixels;
        below[v] += weight[3 + kw] * pixels;
        last[v] += weight[kw] * pixels;
      }
      if (h >= 2) store(y[v] + (h - 2) * y_pitch, row[v]);
      row[v] = below[v];
      below[v] = last[v];
      last[v] = Vec<T>{} + bias;
    }
  }
}

}  // namespace detail

/// Whether a convolution consists of these: one channel and one output a
/// group, and a vector in every row.
template <class T>
bool suits_depthwise(const ConvolutionShape& shape) {
  return shape.C == 1 && shape.O == 1 && shape.kernel == Extent2{3} && shape.stride == Extent2{1} &&
         shape.dilation == Extent2{1} && std::min(shape.output.w, shape.image.w) >= lanes<T>;
}

/// y (rows, cols), cols >= lanes<T>, from padded x with rows `pitch` apart and nine weights.
template <class T>
void depthwise(const T* x, Index pitch, const T* w, T bias, Index rows, Index cols, T* y) {
  constexpr Index V = depthwise_vectors;
  for (Index j = 0; j < cols; j += V * lanes<T>) {
    const T* from[V];
    T* to[V];
    for (Index v = 0; v < V; ++v) {
      const Index column = std::min(j + v * lanes<T>, cols - lanes<T>);
      from[v] = x + column, to[v] = y + column;
    }
    detail::depthwise_columns(from, pitch, rows, w, bias, to, cols);
  }
}

/// dw += the nine products of x with dy (rows, cols), whose rows are dy_pitch apart, a whole number
/// of vectors, with zeros between them and two rows of zeros above and below.
template <class T>
FOVEA_KERNEL void depthwise_gradient(const T* x, Index pitch, const T* dy, Index dy_pitch,
                                     Index rows, T* dw) {
  Vec<T> sum[9] = {};
  for (Index h = 0; h < rows + 2; ++h, x += pitch, dy += dy_pitch)
    for (Index j = 0; j < dy_pitch; j += lanes<T>) {
      Vec<T> pixels[3];
#pragma GCC unroll 3
      for (int kw = 0; kw < 3; ++kw) pixels[kw] = in_register<T>(load(x + j + kw));
#pragma GCC unroll 3
      for (int kh = 0; kh < 3; ++kh) {
        const Vec<T> g = in_register<T>(load(dy + (2 - kh) * dy_pitch + j));
#pragma GCC unroll 3
        for (int kw = 0; kw < 3; ++kw) sum[3 * kh + kw] += g * pixels[kw];
      }
    }
  T parts[9][lanes<T>];
#pragma GCC unroll 9
  for (int k = 0; k < 9; ++k) store(parts[k], sum[k]);
#pragma GCC unroll 1
  for (int k = 0; k < 9; ++k) dw[k] += sum_of(parts[k], lanes<T>);
}

}  // namespace fovea::inline FOVEA_ABI::kernels
