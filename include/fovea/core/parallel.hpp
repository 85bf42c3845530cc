// SPDX-License-Identifier: MIT
//
// parallel_for: the one place where threads are made, and the only one that calls OpenMP.
//
// Determinism: the work is cut into pieces whose number and borders never depend on the number of
// threads. Which thread runs which piece may vary, so a piece writes only what no other piece
// writes, and sums over pieces are taken afterwards in the order of the pieces. That is all it takes
// to get the same bits from 1, 2, 3 or 7 threads.
#pragma once

#include <algorithm>
#include <exception>
#include <utility>

#include "fovea/core/check.hpp"

#ifdef _OPENMP
#  include <omp.h>
#  if __has_include(<pthread.h>)
#    include <pthread.h>
#  endif
#endif

namespace fovea::inline FOVEA_ABI {

/// The largest number of threads that work together.
inline constexpr int most_threads = 256;

/// How many threads to use: `requested`, or for 0 what OMP_NUM_THREADS or the machine offers; at most
/// most_threads.
inline int resolve_threads(int requested) {
  check(requested >= 0, "threads: expected 0 (all) or more, got ", requested);
#ifdef _OPENMP
  return std::min(requested > 0 ? requested : omp_get_max_threads(), most_threads);
#else
  return 1;
#endif
}

namespace detail {

// The body by address: one parallel region is compiled, however many callers there are.
using PieceBody = void (*)(const void* body, Index piece, int slot);

#ifdef _OPENMP
// Whether the calling thread may wake others. Those that OpenMP keeps for it from region to region do
// not live on in a forked process, where libgomp would wait for them for ever: there one does the work.
inline bool may_wake_others() {
#  if __has_include(<pthread.h>)
  enum class Others { unknown, kept, lost };
  static constexpr auto others = []() -> Others& {
    thread_local Others mine = Others::unknown;
    return mine;
  };
  // In the child the one thread there is calls this, the one that forked.
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    if (others() == Others::kept) others() = Others::lost;
  });
  (void)registered;
  if (others() == Others::unknown) others() = Others::kept;
  return others() == Others::kept;
#  else
  return true;
#  endif
}
#endif

FOVEA_OUT_OF_LINE inline void run_pieces(int threads, Index pieces, const void* body,
                                         PieceBody call) {
#ifdef _OPENMP
  if (threads > 1 && pieces > 1 && may_wake_others()) {
    // Every thread begins with a share of its own, the same one in every call over as many pieces: what
    // it wrote forward is in its cache on the way back. Who is done early goes on with the shares of
    // the others, so a thread that the machine holds up does not hold up all.
    // The team has always the same size: where it shrinks, libgomp ends threads, and makes new ones for
    // the next region that is larger.
    const int team = std::min(threads, most_threads);
    const auto share = [=](int t) { return pieces * t / team; };  // where that of thread t begins
    struct alignas(64) Next {                                     // a cache line for each share
      Index piece;
    } next[most_threads];
    for (int t = 0; t < team; ++t) next[t].piece = share(t);
    std::exception_ptr error;
#  pragma omp parallel num_threads(team)
    {
      const int slot = omp_get_thread_num();
      for (int turn = 0; turn < team; ++turn) {
        const int owner = (slot + turn) % team;
        const auto take = [&] {
          return __atomic_fetch_add(&next[owner].piece, 1, __ATOMIC_RELAXED);
        };
        for (Index piece = take(); piece < share(owner + 1); piece = take()) {
          try {
            call(body, piece, slot);
          } catch (...) {
#  pragma omp critical(fovea_parallel_for)
            if (!error) error = std::current_exception();
          }
        }
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
#endif
  (void)threads;
  for (Index piece = 0; piece < pieces; ++piece) call(body, piece, 0);
}

}  // namespace detail

/// Runs body(piece, slot) for every piece in [0, pieces). `slot` in [0, threads) names the thread:
/// it may choose a scratch buffer, never a result. The first exception is rethrown to the caller.
template <class Body>
void parallel_for(int threads, Index pieces, const Body& body) {
  detail::run_pieces(threads, pieces, &body, [](const void* address, Index piece, int slot) {
    (*static_cast<const Body*>(address))(piece, slot);
  });
}

/// Piece `piece` of `pieces` of [0, count): {first, last}. Sizes differ by at most one.
constexpr std::pair<Index, Index> piece_of(Index count, Index pieces, Index piece) {
  // count * i / pieces, without a product of count that may overflow where Index has 32 bits.
  const Index whole = count / pieces, rest = count % pieces;
  const auto border = [=](Index i) { return whole * i + rest * i / pieces; };
  return {border(piece), border(piece + 1)};
}

/// Runs body(first, last) over [0, count) in blocks of `block`: for elementwise work.
template <class Body>
void parallel_blocks(int threads, Index count, Index block, const Body& body) {
  parallel_for(threads, (count + block - 1) / block, [&](Index piece, int) {
    body(piece * block, std::min(count, (piece + 1) * block));
  });
}

}  // namespace fovea::inline FOVEA_ABI
