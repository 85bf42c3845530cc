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
//   OneCycle   up from start = peak / start_divisor, at step 0, to peak, at step warmup steps - 1,
//              and down to start / end_divisor, at step steps - 1, both along half a cosine
//              (Smith and Topin, Super-convergence, 2018, in the form that PyTorch uses)
//   Piecewise  straight lines between points {step, rate}; before the first and after the last
//              point, its rate
//   Stepwise   rate, times `factor` from each of the steps in `at` on
//   Warmup     lr(t) = then(t) (t + 1) / steps while t < steps, and then(t) from there on: the
//              first steps of any other schedule get shorter
//
//   Warmup{.steps = 500, .then = Cosine{.rate = 0.1, .steps = 20000}}
//
// Plateau is one that looks at how training goes, in train/stopping.hpp.
//
//   later steps           the last rate: Cosine's `end`, OneCycle's start / end_divisor
//   warmup steps <= 1     OneCycle goes down from its first step on, which has the peak if warmup
//                         steps = 1
//   warmup = 1            OneCycle goes up until its last step, which has the peak
//   steps = 0             an Error, as for a rate, warm-up or divisor that is NaN, infinite or out
//                         of range
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string_view>
#include <vector>

#include "fovea/core/check.hpp"
#include "fovea/core/math.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {
// From a to b along half a cosine while `part` goes from 0 to 1.
inline double ease(double a, double b, double part) {
  return b + (a - b) * (1.0 + math::cos(std::numbers::pi * part)) / 2.0;
}
inline void check_rate(std::string_view name, double rate) {
  check(0 <= rate && rate <= std::numeric_limits<double>::max(), name,
        ": expected a finite rate of 0 or more, got ", rate);
}
}  // namespace detail

/// The same rate at every step.
struct Constant {
  double rate = 1e-3;  ///< at every step
  /// The rate. Throws on a rate that no optimizer takes.
  double operator()(std::uint64_t) const {
    detail::check_rate("Constant", rate);
    return rate;
  }
};

/// Half a cosine from `rate` down to `end` (Loshchilov and Hutter 2017).
struct Cosine {
  double rate = 1e-3;       ///< at first
  std::uint64_t steps = 1;  ///< until it is at the end
  double end = 0;           ///< at last
  /// The rate at step t. Throws on rates that no optimizer takes, and on 0 steps.
  double operator()(std::uint64_t t) const {
    detail::check_rate("Cosine", rate);
    detail::check_rate("Cosine", end);
    check(steps > 0, "Cosine: expected 1 step or more, got 0");
    return detail::ease(rate, end,
                        static_cast<double>(std::min(t, steps)) / static_cast<double>(steps));
  }
};

/// Up, and then all the way down (Smith and Topin 2018).
struct OneCycle {
  double peak = 1e-3;         ///< the largest rate
  std::uint64_t steps = 1;    ///< of the whole training
  double warmup = 0.3;        ///< the share of the steps that goes up, [0, 1]
  double start_divisor = 25;  ///< peak / this: where it begins
  double end_divisor = 1e4;   ///< peak / start_divisor / this: where it ends
  /// The rate at step t. Throws on a peak that no optimizer takes, on 0 steps, on a warm-up outside
  /// [0, 1], and on divisors that are not above 0.
  double operator()(std::uint64_t t) const {
    constexpr double most = std::numeric_limits<double>::max();
    detail::check_rate("OneCycle", peak);
    check(steps > 0, "OneCycle: expected 1 step or more, got 0");
    check(0 <= warmup && warmup <= 1, "OneCycle: expected a warm-up in [0, 1], got ", warmup);
    check(0 < start_divisor && start_divisor <= most && 0 < end_divisor && end_divisor <= most,
          "OneCycle: expected finite divisors above 0, got ", start_divisor, " and ", end_divisor);
    const double last = static_cast<double>(steps - 1), at = std::min(static_cast<double>(t), last);
    const double start = peak / start_divisor, end = start / end_divisor;
    detail::check_rate("OneCycle", start);
    detail::check_rate("OneCycle", end);
    // The step of the peak. 0.1 times 10 may be 1 or a little more, with
    // fused multiply-add: hence `tiny`.
    const double top = warmup * static_cast<double>(steps) - 1, tiny = 1e-6;
    if (at < top + tiny) return top > tiny ? detail::ease(start, peak, at / top) : peak;
    return detail::ease(peak, end, (at - top) / (last - top));
  }
};

/// Straight lines between points.
struct Piecewise {
  /// The rate at one step.
  struct Point {
    double step, rate;  ///< from 0 on
  };
  std::vector<Point> points{};  ///< in the order of their steps
  /// The rate at step t. Throws without points, on points out of order, and on rates that no
  /// optimizer takes.
  double operator()(std::uint64_t t) const {
    check(!points.empty(), "Piecewise: expected one point or more, got none");
    const auto at = static_cast<double>(t);
    for (std::size_t i = 0; i < points.size(); ++i) {
      detail::check_rate("Piecewise", points[i].rate);
      check(i == 0 || points[i - 1].step < points[i].step,
            "Piecewise: expected points in the order of their steps, got ", points[i].step,
            " at number ", i + 1);
    }
    if (at <= points[0].step) return points[0].rate;
    for (std::size_t i = 1; i < points.size(); ++i) {
      const auto& [from, a] = points[i - 1];
      const auto& [to, b] = points[i];
      if (at <= to) return a + (b - a) * ((at - from) / (to - from));
    }
    return points.back().rate;
  }
};

/// A rate that gets smaller at certain steps.
struct Stepwise {
  double rate = 0.1;                ///< at first
  std::vector<std::uint64_t> at{};  ///< steps, rising
  double factor = 0.1;              ///< from each of them on
  /// The rate at step t. Throws on rates that no optimizer takes, and on steps that do not rise.
  double operator()(std::uint64_t t) const {
    double now = rate;
    for (std::size_t i = 0; i < at.size(); ++i) {
      check(i == 0 || at[i - 1] < at[i], "Stepwise: expected rising steps, got ", at[i],
            " at number ", i + 1);
      if (t >= at[i]) now *= factor;
    }
    detail::check_rate("Stepwise", now);
    return now;
  }
};

/// Another schedule whose first steps rise from almost nothing.
template <class Schedule>
struct Warmup {
  std::uint64_t steps = 0;  ///< that rise
  Schedule then;            ///< what they rise to
  /// The rate at step t. Throws what the other one throws.
  double operator()(std::uint64_t t) const {
    const double rate = then(t);
    return t < steps ? rate * (static_cast<double>(t + 1) / static_cast<double>(steps)) : rate;
  }
};
template <class Schedule>
Warmup(std::uint64_t, Schedule) -> Warmup<Schedule>;

}  // namespace fovea::inline FOVEA_ABI
