// SPDX-License-Identifier: MIT
//
// The sweep: a matrix product whose second operand is an image in place,
// found through a table of offsets.
//
// im2col turns a convolution into a matrix product by writing every window of the image as a
// column: row k = (c, kh, kw) of that matrix is channel c, shifted by (kh, kw). But a shifted image
// need not be written down. In a copy of the image with its padding around it, row k begins at
//
//   offset[k] = c * channel + kh * d * pitch + kw * d
//
// and runs on contiguously: position (i, j) of the output reads offset[k] + i * pitch + j. So the
// register tile of a matrix product (tile.hpp) works on the padded image in place, with a table of
// K offsets instead of a matrix of K OH OW numbers. That is why it is fast: the operands of 9
// shifts are the same numbers in L1. What it costs: the pitch is a little larger than the row, and
// what is computed between rows is thrown away. Wide rows of short sums are done one by one
// instead, so that they are written directly to y.
//
// Reference implementation: nn/reference/im2col.hpp with a product (benchmarks/ladder).
#pragma once

#include <algorithm>
#include <cstdint>

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/tile.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The positions that a sweep visits: (i, j) reads first + i * pitch + j.
struct Sweep {
  Index rows, cols;    ///< positions
  Index pitch, first;  ///< elements from row to row, and to the first position

  /// Whether sums are written directly to y, row by row. What lies between rows is left out
  /// then, but the last vector of a row works out again what the one before has: good for wide
  /// rows, and for short sums, which are done sooner than they are copied.
  template <class T>
  bool in_place(Index depth, Index step) const {
    const Index again = whole_vectors<T>(cols) - pitch;
    return step == 1 && cols >= lanes<T> && (pitch == cols || again * depth <= 4 * cols);
  }

  /// Rows whose sums are collected before they are written out: about 2 KB of them.
  Index rows_at_once() const { return std::clamp<Index>(512 / pitch, 1, std::max<Index>(rows, 1)); }
  /// Elements from the first to the last position of that many rows, rounded up to whole vectors.
  template <class T>
  Index length(Index count) const {
    return whole_vectors<T>((count - 1) * pitch + cols);
  }
  /// Elements of scratch for as many rows of sums as a tile has.
  template <class T>
  Index sums_size() const {
    return tile_rows * length<T>(rows_at_once());
  }
};

/// Where a sweep writes its sums: plane o begins at y + o * plane, row i of it at i * row from
/// there, and its numbers are `step` apart. bias[o] is added if there is one.
template <class T>
struct SweepOutput {
  T* y;                        ///< the first plane
  Index plane, row, step = 1;  ///< elements from plane to plane, row to row, number to number
  const T* bias = nullptr;     ///< one number for each plane, or none

  /// The same from plane o on.
  SweepOutput from(Index o) const {
    return {y + o * plane, plane, row, step, bias ? bias + o : bias};
  }

  /// Copies `count` sums to row i of plane o.
  FOVEA_OUT_OF_LINE void write(Index o, Index i, Index count, const T* sums) const {
    T* const to = y + o * plane + i * row;
    if (step == 1)
      std::copy_n(sums, count, to);
    else
      for (Index j = 0; j < count; ++j) to[j * step] = sums[j];
  }
};

namespace detail {

// R rows of sums for V vectors of positions from x on, row i to to[i] + p.
template <int R, int V, class T>
FOVEA_KERNEL void sweep_tile(const std::int32_t* offsets, Index depth, Array<const T* const, R>& w,
                             const Array<T, R>& bias, const T* x, Array<T* const, R>& to, Index p) {
  multiply_tile<T, R, V>(
      depth, w, [](Index k) { return k; },
      [=](Index k, int v) { return x + offsets[k] + v * lanes<T>; },
      [&](const auto& sum) {
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
          for (int v = 0; v < V; ++v) store(to[i] + p + v * lanes<T>, sum[i][v] + bias[i]);
      });
}

// Up to R rows of sums for the rows [begin, end) of positions.
template <int R, class T>
void sweep_rows(const Sweep& at, Index begin, Index end, const std::int32_t* offsets, Index depth,
                const T* w, Index rows, const T* x, T* sums, const SweepOutput<T>& y) {
  const bool in_place = at.in_place<T>(depth, y.step);
  const Index at_once = at.rows_at_once(), stride = at.length<T>(at_once);
  Array<const T*, R> from;
  Array<T, R> bias;
  Array<T*, R> to;
  for (Index i = 0; i < R; ++i) {
    const Index row = std::min(i, rows - 1);  // beyond the last one, the last one again
    from[i] = w + row * depth;
    bias[i] = y.bias ? y.bias[row] : T{0};
    to[i] = in_place ? y.y + row * y.plane : sums + i * stride;
  }
  // Rows without anything between them are one row.
  const bool as_one = at.pitch == at.cols && y.row == at.cols;
  const Index step = !in_place ? at_once : as_one ? end - begin : 1;
  for (Index first = begin; first < end; first += step) {
    const Index count = std::min(step, end - first);
    const Index length = in_place ? (count - 1) * at.pitch + at.cols : at.length<T>(count);
    const Index offset = in_place ? first * y.row : 0;
    const T* const start = x + at.first + first * at.pitch;
    Index p = 0;
    const auto tiles = [&]<int V>() {
      for (; p + V * lanes<T> <= length; p += V * lanes<T>)
        sweep_tile<R, V>(offsets, depth, from, bias, start + p, to, offset + p);
    };
    // A single row leaves registers free.
    tiles.template operator()<R == 1 ? 8 : 3>();
    if constexpr (R > 1) tiles.template operator()<2>();
    // The last vector begins early if it has to.
    for (; p < length; p += lanes<T>) {
      const Index last = std::min(p, length - lanes<T>);
      sweep_tile<R, 1>(offsets, depth, from, bias, start + last, to, offset + last);
    }
    if (in_place) continue;
    for (Index i = 0; i < rows; ++i)
      for (Index row = 0; row < count; ++row)
        y.write(i, first + row, at.cols, to[i] + row * at.pitch);
  }
}

}  // namespace detail

/// For every row o of w (rows, depth) and every position: sum over k of w[o][k] x[offsets[k] +
/// position], to y. `sums` is scratch. Of an x that is larger than half of L2 chunks that fit are
/// multiplied with all of w, one after the other.
template <class T>
void sweep(const Sweep& at, const std::int32_t* offsets, Index depth, const T* w, Index rows,
           const T* x, T* sums, const SweepOutput<T>& y) {
  if (at.rows <= 0 || at.cols <= 0) return;
  // The last channel has the largest offsets, so this is about the size of x. A
  // phase of dx may have no taps.
  const Index size = (depth > 0 ? offsets[depth - 1] : 0) + at.rows * at.pitch;
  const Index chunks = std::min(at.rows, size * Index{sizeof(T)} / l2_share + 1);
  for (Index chunk = 0; chunk < chunks; ++chunk) {
    const auto [begin, end] = chunk_range(at.rows, chunks, chunk);
    for (Index o = 0; o < rows; o += tile_rows) {
      const Index count = std::min<Index>(tile_rows, rows - o);
      const auto run = count == 1 ? detail::sweep_rows<1, T> : detail::sweep_rows<tile_rows, T>;
      run(at, begin, end, offsets, depth, w + o * depth, count, x, sums, y.from(o));
    }
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
