// SPDX-License-Identifier: MIT
//
// The two register tiles under every product and every convolution.
//
//   multiply_tile    sum[i][v] = sum over k of  a_i[k] * B[k][v]      numbers of A times rows of B
//   dot_tile         sum[i][v] = sum over k of  a_i[k] * b_v[k]       rows of A times rows of B
//
// Why they are fast: a multiply-add needs two operands, and memory delivers far fewer numbers than
// the arithmetic units take, so every number that is loaded must be used often. A tile of R x V
// vectors stays in registers for the whole sum: one step loads R + V operands and does R V
// multiply-adds, 8 x 3 with the 32 registers of AVX-512 (11 loads, 24 multiply-adds, and
// the machine can do two of either a cycle), 4 x 3 with 16 registers. Nothing else is in
// the loop: no operand is copied first, rows are found by their addresses. The 8 x 3
// tile runs at 98 % of the peak.
//
// Sums run over k in order, wherever the tile is in C. Reference
// implementation: three loops in the tests.
#pragma once

#include "fovea/core/simd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The tile: rows, and vectors in a row.
inline constexpr int tile_rows = vector_registers == 32 ? 8 : 4;
inline constexpr int tile_vectors = 3;  ///< vectors in a row of the tile
static_assert(tile_rows % 4 == 0 && tile_vectors <= 3,
              "kernels know 4, 8, 16 rows, 1 to 3 vectors");
/// R rows of V vectors, for registers.
template <class T, int R, int V>
using Tile = Array<Array<Vec<T>, V>, R>;
/// The same as a value that can be added up.
template <class T, int R, int V>
struct TileSum {
  Tile<T, R, V> tile;  ///< the numbers
  /// All zero.
  [[gnu::always_inline]] void clear() {
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) tile[i][v] = Vec<T>{};
  }
  /// Adds number by number.
  [[gnu::always_inline]] void operator+=(const TileSum& other) {
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) tile[i][v] += other.tile[i][v];
  }
};
/// Bytes of L2, half of it or less, for what is read again and again.
inline constexpr Index l2_share = 512 * 1024;

/// sum += A B. a[i][at(k)] is element (i, k) of A; b(k, v) points to vector v of row k of B.
template <class T, int R, int V, class At, class B>
[[gnu::always_inline]] inline void add_products(Index depth, Array<const T* const, R>& a, At&& at,
                                                B&& b, Tile<T, R, V>& sum) {
  for (Index k = 0; k < depth; ++k) {
    Array<Vec<T>, V> row;
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) row[v] = in_register<T>(load<T>(b(k, v)));
    const Index offset = at(k);
#pragma GCC unroll 8
    for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[i][v] += a[i][offset] * row[v];
  }
}

/// The same from zero; the finished tile goes to out(sum).
template <class T, int R, int V, class At, class B, class Out>
[[gnu::always_inline]] inline void multiply_tile(Index depth, Array<const T* const, R>& a, At&& at,
                                                 B&& b, Out&& out) {
  Tile<T, R, V> sum = {};
  add_products<T, R, V>(depth, a, at, b, sum);
  out(sum);
}

/// Stores a tile.
template <class T, int R, int V>
[[gnu::always_inline]] inline void store_tile(const Tile<T, R, V>& sum, T* to, Index stride) {
#pragma GCC unroll 8
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) store(to + i * stride + v * lanes<T>, sum[i][v]);
}

/// Sums over `segments` stretches of `length` elements (a multiple of lanes<T>): stretch s of row i
/// starts at a[i] + s * a_stride, of row v at b[v] + s * b_stride. sums[v][i] is assigned.
template <class T, int R, int V>
[[gnu::always_inline]] inline void dot_tile(Index segments, Index length,
                                            Array<const T* const, R>& a, Index a_stride,
                                            Array<const T* const, V>& b, Index b_stride,
                                            Array<Array<T, R>, V>& sums) {
  Tile<T, V, R> sum = {};
  for (Index s = 0; s < segments; ++s)
    for (Index k = 0; k < length; k += lanes<T>) {
      Array<Vec<T>, V> row;
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) row[v] = load(b[v] + s * b_stride + k);
#pragma GCC unroll 8
      for (int i = 0; i < R; ++i) {
        const Vec<T> left = in_register<T>(load(a[i] + s * a_stride + k));
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[v][i] += left * row[v];
      }
    }
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) add_lanes<T, R>(sum[v], sums[v]);
}

}  // namespace fovea::inline FOVEA_ABI::kernels
