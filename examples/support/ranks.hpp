// SPDX-License-Identifier: MIT
//
// The processes that train together under mpirun, as a program sees them: those of fovea/mpi/ where it was
// built with -DFOVEA_MPI=ON, and otherwise one process that shares nothing.
#pragma once

#include <chrono>
#include <cstdio>
#include <thread>

#include "fovea/fovea.hpp"
#include "fovea/io/checkpoint.hpp"
#include "support/program.hpp"

#ifdef FOVEA_WITH_MPI
#  include "fovea/mpi/same_weights.hpp"
#  include "fovea/mpi/shared_batches.hpp"

using fovea::mpi::begin_alike, fovea::mpi::check_same_weights, fovea::mpi::largest_part;
using fovea::mpi::Ranks, fovea::mpi::SharedBatches;
inline constexpr bool with_mpi = true;
#else
inline constexpr bool with_mpi = false;

struct Ranks {
  int rank() const { return 0; }
  int size() const { return 1; }
  void abort(int) const {}
  bool may_tell() const { return true; }
  bool any(bool mine) const { return mine; }
  void broadcast(void*, std::size_t) const {}
};

template <class T>
struct SharedBatches {
  SharedBatches(Ranks&, fovea::AnyWorkspace<T>&) {}
  void begin(fovea::Index) const {}
  void finish() const {}
};
template <class Net>
SharedBatches(Ranks&, fovea::Workspace<Net>&) -> SharedBatches<typename Net::value_type>;

inline fovea::Index largest_part(fovea::Index batch, int) { return batch; }
template <class Net>
void check_same_weights(Ranks&, const Net&, std::uint64_t) {}
inline void begin_alike(Ranks&, const fovea::Metadata&) {}
#endif

/// Steps between two comparisons of the weights of all ranks.
inline constexpr std::uint64_t steps_between_comparisons = 100;

/// All ranks continue where rank 0 does, which alone has read a checkpoint.
template <class Net, class Optimizer>
void continue_alike(Ranks& ranks, Net& net, Optimizer& optimizer, fovea::Workspace<Net>& w,
                    fovea::TrainingState& at) {
  if (ranks.size() == 1) return;
  const auto share = [&](auto flat) { ranks.broadcast(flat.data(), flat.size_bytes()); };
  net.for_each_state([&](auto& tensor) { share(tensor.flat()); });
  fovea::detail::each_tensor("optimizer", optimizer,
                             [&](const std::string&, auto& tensor) { share(tensor.flat()); });
  std::uint64_t numbers[]{optimizer.steps(), at.epoch, at.step};
  ranks.broadcast(numbers, sizeof numbers);
  ranks.broadcast(&at.loss_sum, sizeof at.loss_sum);
  optimizer.set_steps(numbers[0]);
  w.step = numbers[0];
  at.epoch = numbers[1], at.step = numbers[2];
}

/// All ranks have been asked to stop if one of them has: mpirun tells them at different moments.
inline bool all_interrupted(Ranks& ranks) { return ranks.any(interrupted()); }

/// The main of a program that trains: `run`, as run_program() has it. One rank that fails ends all. What
/// all of them find wrong is told by rank 0.
inline int run_on_ranks(const std::string& program, Ranks& ranks, const std::function<int()>& run) {
  const int rank = ranks.rank();
  const std::string name = rank == 0 ? program : fovea::concat(program, ", rank ", rank);
  const int status = run_program(name, [&] {
    try {
      return run();
    } catch (...) {
      if (!ranks.may_tell()) std::this_thread::sleep_for(std::chrono::seconds(30));  // to be ended
      throw;
    }
  });
  if (status != 0 && status != interrupted_status) ranks.abort(status);
  return status;
}

/// Rank 0 prints what the ranks waited for each other, a mean over the others, and what they sent.
inline void print_waiting([[maybe_unused]] Ranks& ranks, [[maybe_unused]] bool quiet) {
#ifdef FOVEA_WITH_MPI
  if (ranks.size() == 1) return;
  const auto size = static_cast<std::size_t>(ranks.size());
  const auto own = ranks.waited();
  const double sent = static_cast<double>(ranks.bytes_sent()) / 1e6;
  const auto* const all =
      static_cast<const double*>(ranks.gather(own.data(), size * sizeof(double)));
  if (ranks.rank() != 0 || quiet) return;
  std::fputs("waited for", stdout);
  for (std::size_t r = 0; r < size; ++r) {
    double seconds = 0;
    for (std::size_t other = 0; other < size; ++other) seconds += all[other * size + r];
    std::printf("%s rank %zu %.1f s", r == 0 ? "" : ",", r, seconds / (ranks.size() - 1));
  }
  std::printf("; rank 0 sent %.1f MB\n", sent);
#endif
}
