// SPDX-License-Identifier: MIT
//
// Learning-rate schedules: functions of the step, from 0 to steps - 1.
//
//   const OneCycle schedule{.peak = 3e-3, .steps = 2814};
//   adam.options.learning_rate = schedule(adam.steps());      // before each step
//
//   Constant   lr(t) = rate
//   Cosine     lr(t) = end + (rate - end) (1 + cos(pi t / steps)) / 2
//              (Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017)
//   OneCycle   up from peak / start_divisor to peak in the first `warmup` of the steps, and down to
//              peak / end_divisor in the rest, both along half a cosine
//              (Smith and Topin, Super-convergence, 2018)
#pragma once

#include <algorithm>
#include <cstdint>
#include <numbers>

#include "fovea/core/abi.hpp"
#include "fovea/core/math.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {
// From a to b along half a cosine while `part` goes from 0 to 1.
inline double ease(double a, double b, double part) {
  return b + (a - b) * (1.0 + math::cos(std::numbers::pi * std::clamp(part, 0.0, 1.0))) / 2.0;
}
}  // namespace detail

/// The same rate at every step.
struct Constant {
  double rate = 1e-3;  ///< at every step
  /// The rate.
  double operator()(std::uint64_t) const { return rate; }
};

/// Half a cosine from `rate` down to `end` (Loshchilov and Hutter 2017).
struct Cosine {
  double rate = 1e-3;       ///< at first
  std::uint64_t steps = 1;  ///< until it is at the end
  double end = 0;           ///< at last
  /// The rate at step t.
  double operator()(std::uint64_t t) const {
    return detail::ease(rate, end, static_cast<double>(t) / static_cast<double>(steps));
  }
};

/// Up, and then all the way down (Smith and Topin 2018).
struct OneCycle {
  double peak = 1e-3;                            ///< the largest rate
  std::uint64_t steps = 1;                       ///< of the whole training
  double warmup = 0.3;                           ///< the share of the steps that goes up
  double start_divisor = 25, end_divisor = 1e4;  ///< peak / these: where it begins and ends
  /// The rate at step t.
  double operator()(std::uint64_t t) const {
    const double part = static_cast<double>(t) / static_cast<double>(steps);
    if (part < warmup) return detail::ease(peak / start_divisor, peak, part / warmup);
    return detail::ease(peak, peak / end_divisor, (part - warmup) / (1.0 - warmup));
  }
};

}  // namespace fovea::inline FOVEA_ABI
