// SPDX-License-Identifier: MIT
//
// How many threads are worth waking, measured as the program runs.
//
// A parallel region ends when its last thread has. On a machine with other work that thread may
// not be scheduled for milliseconds: with one other busy process on two cores, two threads train
// slower than one. Results do not depend on the number of threads, so it may change from region to
// region:
//
//   region   with the whole team it took `time`; the calling thread did c of C chunks in `own`, so
//            alone it would have taken about own C / c
//   loss     the sums of both over the last regions say that the team is no faster: the next
//            regions are run by the calling thread alone, for 16 ms, and if the team is no faster
//            when it is tried again, for four times as long, up to 1 s
//
// Three reads of a clock a region: 75 ns.
#pragma once

#include <algorithm>
#include <chrono>

#include "fovea/core/shape.hpp"

namespace fovea::inline FOVEA_ABI::detail {

/// What one calling thread knows about its team.
class TeamMeasure {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  /// Whether the region that begins now may wake others.
  bool worth_waking(Clock::time_point now) const { return now >= alone_until_; }

  /// After a region with others: when it began, when the calling thread had no chunk left, and when
  /// all had none.
  void add(Clock::time_point begin, Clock::time_point own_end, Clock::time_point end, Index own,
           Index chunks) {
    if (own == 0) return;
    const double alone =
        Seconds(own_end - begin).count() * static_cast<double>(chunks) / static_cast<double>(own);
    team_ += Seconds(end - begin).count();
    alone_ += alone;
    if (team_ < window) return;
    if (team_ < 0.95 * alone_) {
      pause_ = first_pause;
    } else {
      alone_until_ = end + std::chrono::duration_cast<Clock::duration>(Seconds(pause_));
      pause_ = std::min(last_pause, 4 * pause_);
    }
    team_ = alone_ = 0;
  }

 private:
  // Seconds.
  static constexpr double window = 4e-3, first_pause = 16e-3, last_pause = 1;
  double team_ = 0, alone_ = 0, pause_ = first_pause;
  Clock::time_point alone_until_{};
};

}  // namespace fovea::inline FOVEA_ABI::detail
