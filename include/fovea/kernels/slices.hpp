// SPDX-License-Identifier: MIT
//
// How a convolution shares out a batch among threads where every number is written once.
#pragma once

#include <algorithm>

#include "fovea/core/parallel.hpp"
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

}  // namespace fovea::inline FOVEA_ABI::kernels
