// SPDX-License-Identifier: MIT
//
// parallel_for: the one place where threads are made, and the only one that calls OpenMP.
//
// Determinism: the work is cut into chunks whose number and borders never depend on the number of
// threads. Which thread runs which chunk may vary, so a chunk writes only what no other chunk
// writes, and sums over chunks are taken afterwards in the order of the chunks. That is all it
// takes to get the same bits from 1, 2, 3 or 7 threads.
#pragma once

#include <algorithm>
#include <exception>
#include <utility>

#include "fovea/core/check.hpp"
#include "fovea/core/team.hpp"

#ifdef _OPENMP
#  include <omp.h>
#  if __has_include(<pthread.h>)
#    include <pthread.h>
#  endif
#endif

namespace fovea::inline FOVEA_ABI {

/// The largest number of threads that work together.
inline constexpr int most_threads = 256;

/// How many threads to use: `requested`, or for 0 what OMP_NUM_THREADS or the machine
/// offers; at most most_threads.
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
using ChunkBody = void (*)(const void* body, Index chunk, int thread);

#ifdef _OPENMP
// Whether the calling thread may wake others. Those that OpenMP keeps for it from region
// to region do not live on in a forked process, where libgomp would wait for them for
// ever: there one does the work.
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

FOVEA_OUT_OF_LINE inline void run_chunks(int threads, Index chunks, const void* body,
                                         ChunkBody call) {
#ifdef _OPENMP
  using Clock = TeamMeasure::Clock;
  thread_local TeamMeasure measure;
  thread_local int last_team = 1;
  const int team = std::min(threads, most_threads);
  const auto begin = team > 1 && chunks > 1 ? Clock::now() : Clock::time_point{};
  // A team of another size runs at once: OpenMP allocates its threads then, not in a later step.
  if (team > 1 && chunks > 1 && (team != last_team || measure.worth_waking(begin)) &&
      may_wake_others()) {
    last_team = team;
    // Each thread begins with a range of chunks of its own, the same one in every call with as many
    // chunks, so that backward finds in its cache what forward wrote. A thread that is done takes
    // chunks from the ranges of the others: one thread that is not scheduled does not delay all.
    // The team always has the same size: when it shrinks, libgomp ends threads, and it creates new
    // ones for the next larger region.
    // The first chunk of the range of thread t.
    const auto range_begin = [=](int t) { return chunks * t / team; };
    struct alignas(64) Next {  // a cache line for each thread
      Index chunk;
    } next[most_threads];
    for (int t = 0; t < team; ++t) next[t].chunk = range_begin(t);
    std::exception_ptr error;
    Clock::time_point own_end{};  // of the calling thread, which is number 0
    Index own = 0;
    int size = 1;  // OpenMP gives fewer threads inside of another region
#  pragma omp parallel num_threads(team)
    {
      const int thread = omp_get_thread_num();
      Index done = 0;
      for (int turn = 0; turn < team; ++turn) {
        const int owner = (thread + turn) % team;
        const auto take = [&] {
          return __atomic_fetch_add(&next[owner].chunk, 1, __ATOMIC_RELAXED);
        };
        for (Index chunk = take(); chunk < range_begin(owner + 1); chunk = take()) {
          ++done;
          try {
            call(body, chunk, thread);
          } catch (...) {
#  pragma omp critical(fovea_parallel_for)
            if (!error) error = std::current_exception();
          }
        }
      }
      if (thread == 0) {
        own = done;
        size = omp_get_num_threads();
        own_end = Clock::now();
      }
    }
    if (size > 1) measure.add(begin, own_end, Clock::now(), own, chunks);
    if (error) std::rethrow_exception(error);
    return;
  }
#endif
  (void)threads;
  for (Index chunk = 0; chunk < chunks; ++chunk) call(body, chunk, 0);
}

}  // namespace detail

/// Runs body(chunk, thread) for every chunk in [0, chunks). `thread` in [0, threads)
/// names the thread: it may choose a scratch buffer, never a result. The first
/// exception is rethrown to the caller.
template <class Body>
void parallel_for(int threads, Index chunks, const Body& body) {
  detail::run_chunks(threads, chunks, &body, [](const void* address, Index chunk, int thread) {
    (*static_cast<const Body*>(address))(chunk, thread);
  });
}

/// {first, last} of chunk i of [0, count), cut into `chunks` chunks whose
/// sizes differ by at most one.
constexpr std::pair<Index, Index> chunk_range(Index count, Index chunks, Index i) {
  // count * i / chunks, without a product of count that may overflow where Index has 32 bits.
  const Index whole = count / chunks, rest = count % chunks;
  const auto border = [=](Index k) { return whole * k + rest * k / chunks; };
  return {border(i), border(i + 1)};
}

/// Runs body(first, last) over [0, count) in blocks of `block`: for elementwise work.
template <class Body>
void parallel_blocks(int threads, Index count, Index block, const Body& body) {
  parallel_for(threads, (count + block - 1) / block, [&](Index chunk, int) {
    body(chunk * block, std::min(count, (chunk + 1) * block));
  });
}

}  // namespace fovea::inline FOVEA_ABI
