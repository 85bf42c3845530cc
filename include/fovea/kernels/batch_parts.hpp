// SPDX-License-Identifier: MIT
//
// How a convolution shares out a batch: slices for threads where every number is written once, and parts with
// sums of their own where numbers are added up over all images.
#pragma once

#include <algorithm>

#include "fovea/core/parallel.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// Calls body(n, group, first row, rows, thread). Where there are fewer images than threads, images
/// are cut, by groups or by rows; that changes who computes a number, never how.
template <class Body>
void for_slices(Index N, Index groups, Index rows, Work work_per_row, int threads, Body&& body) {
  if (work_per_row * N * groups * rows < small_work) threads = 1;
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  const Index wanted = N >= 2 * threads || threads == 1 ? 1 : (2 * threads + N - 1) / N;
  const Index group_slices = std::min(groups, wanted);
  const Index row_slices = std::min(tiles, (wanted + group_slices - 1) / group_slices);
  const Index slices = group_slices * row_slices;
  parallel_for(threads, N * slices, [&](Index piece, int thread) {
    const Index n = piece / slices, slice = piece % slices;
    const auto [g0, g1] = piece_of(groups, group_slices, slice / row_slices);
    const auto [t0, t1] = piece_of(tiles, row_slices, slice % row_slices);
    const Index first = t0 * tile_rows, last = std::min<Index>(t1 * tile_rows, rows);
    for (Index g = g0; g < g1; ++g) body(n, g, first, last - first, thread);
  });
}

/// Into how many parts a batch is cut for sums of `size` numbers over it: a function of shapes alone.
/// One at least, for the sums over no image are 0.
inline Index batch_parts(Index N, Index size) {
  return std::clamp<Index>(N, 1, size > 65536 ? 4 : 16);
}

/// From the sums of one part of a batch to those of the next: they begin at a cache line.
inline Index part_stride(Index dw, Index db) { return (dw + db + 15) / 16 * 16; }

/// dw and db as sums over the batch, which is cut into parts, however many threads there are:
/// body(first, last, dw, db, thread) adds those of images [first, last). `sums` is scratch for all parts.
/// They are added in their order, so the number of threads cannot change a bit.
template <class T, class Body>
void sum_over_parts(Index N, Work work, View<T, 4> dw, View<T, 1> db, T* sums, int threads,
                    Body&& body) {
  const Index parts = batch_parts(N, dw.size()), size = dw.size() + db.size();
  const Index stride = part_stride(dw.size(), db.size());
  parallel_for(work < small_work ? 1 : threads, parts, [&](Index part, int thread) {
    T* const own = sums + part * stride;
    const auto [first, last] = piece_of(N, parts, part);
    std::fill_n(own, size, T{0});
    body(first, last, own, db.empty() ? nullptr : own + dw.size(), thread);
  });
  sum_parts(threads, sums, parts, stride, dw.data(), dw.size());
  sum_parts(threads, sums + dw.size(), parts, stride, db.data(), db.size());
}

}  // namespace fovea::inline FOVEA_ABI::kernels
