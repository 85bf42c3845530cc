// SPDX-License-Identifier: MIT
//
// dW of a convolution with images in channels-last order:
//
//   dW[k][o] = sum over p of  x[source[p] + offset[k]] g[p][o]       k = (kh, kw, c), p: the pixels
//                             of y
//
// Why it is fast: a product of matrices, (K, P) (P, O), in which the left one is never written
// down: its row k is the image, read from offset[k] on. Several outputs are a vector, several
// taps are the rows of the register tile, so nothing is added across lanes. Reference: the
// layers one by one (.fuse = false).
#pragma once

#include <cstdint>
#include <vector>

#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/window.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The offset of number k = (kh, kw, c) of a window in an image whose
/// rows are `row` elements apart.
[[gnu::cold]] inline std::vector<std::int32_t> tap_offsets(Extent2 kernel, Index channels,
                                                           Index row) {
  std::vector<std::int32_t> offsets;
  for (Index kh = 0; kh < kernel.h; ++kh)
    for (Index k = 0; k < kernel.w * channels; ++k)
      offsets.push_back(static_cast<std::int32_t>(kh * row + k));
  return offsets;
}

namespace detail {

// R taps and V vectors of outputs: assigned, or added to what is there.
template <int R, int V, class T>
FOVEA_KERNEL void dense_gradient_tile(const T* x, const std::vector<std::int32_t>& sources,
                                      const std::int32_t* offsets, Index taps, const T* g,
                                      const std::int32_t* pixels, Index columns, bool assign,
                                      T* dw) {
  Array<const T*, R> from;
  for (Index i = 0; i < R; ++i) from[i] = x + offsets[std::min(i, taps - 1)];
  const std::int32_t* const source = sources.data();
  multiply_tile<T, R, V>(
      static_cast<Index>(sources.size()), from, [=](Index p) { return source[p]; },
      [=](Index p, int v) { return g + pixels[p] + v * lanes<T>; },
      [&](const auto& sum) {
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i) {
          if (i >= taps) break;
#pragma GCC unroll 8
          for (int v = 0; v < V; ++v) {
            T* const to = dw + i * columns + v * lanes<T>;
            store(to, assign ? sum[i][v] : load(to) + sum[i][v]);
          }
        }
      });
}

// V vectors of outputs, all taps. As many rows as there are registers for.
template <int V, class T>
void dense_gradient_columns(const T* x, const std::vector<std::int32_t>& sources,
                            const std::vector<std::int32_t>& offsets, const T* g,
                            const std::vector<std::int32_t>& pixels, Index columns, bool assign,
                            T* dw) {
  constexpr int R = vector_registers == 32 ? (V == 4 ? 6 : 8) : (V == 4 ? 2 : 4);
  const auto K = static_cast<Index>(offsets.size());
  for (Index k = 0; k < K; k += R)
    dense_gradient_tile<R, V>(x, sources, offsets.data() + k, std::min<Index>(R, K - k), g,
                              pixels.data(), columns, assign, dw + k * columns);
}

}  // namespace detail

/// dW of one image, assigned to dw (K, columns) or added to it. Pixel p of y sees x from
/// sources[p] on, and its gradients are at g + pixels[p]; `columns` numbers are read
/// there, a whole number of vectors.
template <class T>
void dense_gradient(const T* x, const std::vector<std::int32_t>& sources,
                    const std::vector<std::int32_t>& offsets, const T* g,
                    const std::vector<std::int32_t>& pixels, Index columns, bool assign, T* dw) {
  constexpr Index widest = vector_registers == 32 ? 4 : 3;
  for (Index o = 0, vectors = 0; o < columns; o += vectors * lanes<T>) {
    vectors = std::min<Index>(widest, (columns - o) / lanes<T>);
    const auto run = vectors == 4   ? detail::dense_gradient_columns<4, T>
                     : vectors == 3 ? detail::dense_gradient_columns<3, T>
                     : vectors == 2 ? detail::dense_gradient_columns<2, T>
                                    : detail::dense_gradient_columns<1, T>;
    run(x, sources, offsets, g + o, pixels, columns, assign, dw + o);
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
