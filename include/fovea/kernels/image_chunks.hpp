// SPDX-License-Identifier: MIT
//
// How a convolution cuts a batch into chunks of parallel work where every number is written once.
#pragma once

#include <algorithm>

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// Calls body(n, group, first row, rows, thread). Where there are fewer images than
/// threads, each image is cut into chunks of groups or of rows. That changes which thread
/// computes a number, never how.
template <class Body>
void for_image_chunks(Index N, Index groups, Index rows, Work work_per_row, int threads,
                      Body&& body) {
  if (work_per_row * N * groups * rows < small_work) threads = 1;
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  const Index wanted = N >= 2 * threads || threads == 1 ? 1 : (2 * threads + N - 1) / N;
  const Index group_chunks = std::min(groups, wanted);
  const Index row_chunks = std::min(tiles, (wanted + group_chunks - 1) / group_chunks);
  const Index chunks = group_chunks * row_chunks;
  parallel_for(threads, N * chunks, [&](Index i, int thread) {
    const Index n = i / chunks, chunk = i % chunks;
    const auto [g0, g1] = chunk_range(groups, group_chunks, chunk / row_chunks);
    const auto [t0, t1] = chunk_range(tiles, row_chunks, chunk % row_chunks);
    const Index first = t0 * tile_rows, last = std::min<Index>(t1 * tile_rows, rows);
    for (Index g = g0; g < g1; ++g) body(n, g, first, last - first, thread);
  });
}

}  // namespace fovea::inline FOVEA_ABI::kernels
