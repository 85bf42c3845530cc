// SPDX-License-Identifier: MIT
//
// The backward pass through max-pooling and ReLU is sparse: of the four positions of a window at
// most one has a gradient, and none has one where the unit is dead. So the gradient of a
// convolution's output is a list of entries (offset, g) for each output channel, and with x in
// channels-last order, (H, W, C), the numbers under one kernel row are KW * C neighbours in memory:
//
//   dW[o][kh] += g x[offset + kh]          for every entry: KH runs of KW * C multiply-adds
//   dx[offset + kh] += g W[o][kh]
//
// Why it is fast: a quarter of the multiply-adds or fewer, and exact. dW[o] stays in registers over
// all entries of its channel, and so does W[o] for dx. Reference implementation: the
// layers one by one (.fuse = false).
#pragma once

#include <algorithm>
#include <cstdint>

#include "fovea/kernels/max_pool_tile.hpp"
#include "fovea/kernels/tile.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// An element of a sparse gradient: its offset in a channels-last image, and its value.
template <class T>
struct SparseEntry {
  std::int32_t offset;  ///< in the image
  T value;              ///< the gradient of the convolution's output there
};

/// Compacts the gradient of one output to the units that have a winner (max_pool_tile.hpp). Unit i
/// has its gradient at dy[pixels[i]] and its winner at winner[i * step]; its window begins at
/// windows[i], and its four elements are at windows[i] + corner[0 .. 3]. Returns how many units
/// have a winner; `out` needs room for one more than `count`.
template <class T>
FOVEA_OUT_OF_LINE Index compact_entries(const T* dy, const std::int32_t* pixels,
                                        const std::uint8_t* winner, Index step, Index count,
                                        const std::int32_t* windows,
                                        const std::int32_t (&corner)[5], SparseEntry<T>* out) {
  Index listed = 0;
  for (Index i = 0; i < count; ++i) {
    // Every entry is written, but counted only with a winner: a branch is often mispredicted.
    const std::uint8_t e = winner[i * step];
    out[listed] = {windows[i] + corner[e], dy[pixels[i]]};
    listed += e != no_winner;
  }
  return listed;
}

namespace detail {

template <int Rows, int V, class T>
FOVEA_KERNEL void gather_rows(const SparseEntry<T>* entries, Index count, const T* x, Index row,
                              Index run, T* dw) {
  Tile<T, Rows, V> sum;
#pragma GCC unroll 3
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) sum[r][v] = load(dw + r * run + v * lanes<T>);
  for (Index e = 0; e < count; ++e) {
    const T g = entries[e].value;
    const T* const from = x + entries[e].offset;
#pragma GCC unroll 3
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += g * load(from + r * row + v * lanes<T>);
  }
#pragma GCC unroll 3
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) store(dw + r * run + v * lanes<T>, sum[r][v]);
}

template <int Rows, int V, class T>
FOVEA_KERNEL void scatter_rows(const SparseEntry<T>* entries, Index count, const T* w, Index run,
                               T* dx, Index row) {
  Tile<T, Rows, V> weight;
#pragma GCC unroll 3
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) weight[r][v] = load(w + r * run + v * lanes<T>);
  for (Index e = 0; e < count; ++e) {
    const T g = entries[e].value;
    T* const to = dx + entries[e].offset;
#pragma GCC unroll 3
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        T* const at = to + r * row + v * lanes<T>;
        store(at, load(at) + g * weight[r][v]);
      }
  }
}

// Vectors of a run that are worked on together: three rows of them fill the registers.
inline constexpr int run_vectors = vector_registers == 32 ? 6 : 3;

// Calls f.operator()<V>(three kernel rows or two, the first of them, offset in the
// run) until both are used up.
template <class F>
void for_blocks(Index kernel_rows, Index run, Index unit, F&& f) {
  for (Index kh = 0; kh < kernel_rows;) {
    const bool three = kernel_rows - kh >= 3;
    Index v = 0;
    const auto blocks = [&]<int V>() {
      for (; v + V * unit <= run; v += V * unit) f.template operator()<V>(three, kh, v);
    };
    blocks.template operator()<run_vectors>();
    blocks.template operator()<2>();
    blocks.template operator()<1>();
    kh += three ? 3 : 2;
  }
}

}  // namespace detail

/// What the functions below can do: three or five kernel rows.
inline bool sparse_rows(Index kernel_rows) { return kernel_rows == 3 || kernel_rows == 5; }

/// dw (KH, run) += the sum over the entries of g x[offset + kh * row + .], run elements of it, a
/// whole number of vectors.
template <class T>
void sparse_weight_gradient(const SparseEntry<T>* entries, Index count, const T* x, Index row,
                            Index kernel_rows, Index run, T* dw) {
  detail::for_blocks(kernel_rows, run, lanes<T>, [&]<int V>(bool three, Index kh, Index at) {
    const auto gather = three ? detail::gather_rows<3, V, T> : detail::gather_rows<2, V, T>;
    gather(entries, count, x + kh * row + at, row, run, dw + kh * run + at);
  });
}

/// dx[offset + kh * row + .] += g w (KH, run), for every entry.
template <class T>
void sparse_input_gradient(const SparseEntry<T>* entries, Index count, const T* w,
                           Index kernel_rows, Index run, T* dx, Index row) {
  detail::for_blocks(kernel_rows, run, lanes<T>, [&]<int V>(bool three, Index kh, Index at) {
    const auto scatter = three ? detail::scatter_rows<3, V, T> : detail::scatter_rows<2, V, T>;
    scatter(entries, count, w + kh * run + at, run, dx + kh * row + at, row);
  });
}

/// y[first, last) += the sum over i of x[i] w[i], rows w (count, cols), where x[i] is not zero; the
/// list of those goes to `nonzeros`, count + 1 numbers.
template <class T>
FOVEA_KERNEL void add_rows(const T* x, Index count, const T* w, Index cols, Index first, Index last,
                           T* y, std::int32_t* nonzeros) {
  Index listed = 0;
  for (Index i = 0; i < count; ++i) {
    nonzeros[listed] = static_cast<std::int32_t>(i);
    listed += !exactly_equal(x[i], 0);
  }
  Index j = first;
  for (; j + 4 * lanes<T> <= last; j += 4 * lanes<T>) {
    Vec<T> sum[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) sum[v] = load(y + j + v * lanes<T>);
    for (Index k = 0; k < listed; ++k) {
      const Index i = nonzeros[k];
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) sum[v] += x[i] * load(w + i * cols + j + v * lanes<T>);
    }
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) store(y + j + v * lanes<T>, sum[v]);
  }
  for (Index k = 0; k < listed; ++k)
    for (Index rest = j; rest < last; ++rest)
      y[rest] += x[nonzeros[k]] * w[nonzeros[k] * cols + rest];
}

}  // namespace fovea::inline FOVEA_ABI::kernels
