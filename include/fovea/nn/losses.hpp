// SPDX-License-Identifier: MIT
//
// Losses for targets that are numbers: what a network says, y, against what it should say, t.
// Cross-entropy, for classes, has a page of its own (nn/cross_entropy.hpp).
//
//   loss                                        dL/dy, before the mean
//   mse              d^2,  d = y - t            2 d
//   huber            d^2 / 2        |d| <= a    d
//                    a (|d| - a/2)  beyond      a sign d            outliers pull no harder than a
//   bce_with_logits  -(w t log p + (1 - t) log(1 - p)),  p = 1 / (1 + e^-y)
//                                               (1 - t) p - w t (1 - p)
//
//   y, t, dy: the same shape (N, ...)    L: the mean over all numbers, or their sum
//
// bce_with_logits is for questions with several answers, each yes or no: t in [0, 1], and w, a
// weight for each class (N, K), makes up for a rare yes. It takes logits because log p of a rounded
// p is not exact: -log p = log(1 + e^-|y|) + max(-y, 0).
//
// Sources: Huber, Robust estimation of a location parameter, 1964.
#pragma once

#include "fovea/nn/cross_entropy.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// The mean or the sum of f(i).loss over all numbers i, and f(i).slope as the gradient.
struct LossAndSlope {
  double loss, slope;
};
template <class T, std::size_t R, class F>
T elementwise_loss(const char* name, View<const T, R> y, View<const T, R> t, View<T, R> gradient,
                   Reduction reduction, const BatchPart& part, const F& f) {
  check(y.size() > 0, name, ": expected one number or more, got ", y.shape());
  check(t.shape() == y.shape(), name, ": expected targets ", y.shape(), ", got ", t.shape());
  check(gradient.empty() || gradient.shape() == y.shape(), name, ": expected a gradient ",
        y.shape(), ", got ", gradient.shape());
  check(!overlap(gradient, y) && !overlap(gradient, t), name,
        ": expected a gradient with memory of its own, got one that overlaps y or the targets");
  const Index size = y.size() / y.extent(0), N = part.all(y.extent(0));
  const double total = reduction == Reduction::sum ? 1.0 : static_cast<double>(N * size);
  double loss = kernels::sum_of_examples({y.extent(0), part}, [&](Index n) {
    double sum = 0;
    for (Index i = n * size; i < (n + 1) * size; ++i) {
      const auto [l, slope] =
          f(static_cast<double>(y.data()[i]), static_cast<double>(t.data()[i]), i - n * size);
      sum += l;
      if (!gradient.empty()) gradient.data()[i] = static_cast<T>(slope / total);
    }
    return sum;
  });
  kernels::add_parts(part, std::span(&loss, 1));
  return static_cast<T>(loss / total);
}

template <class Y>
using GradientOf = View<ElementOf<Y>, Y::rank>;
template <class Y>
using TargetsOf = View<const ElementOf<Y>, Y::rank>;

}  // namespace detail

/// The squared error. Assigns its gradient to `gradient` unless that is empty. `part`: w.part.
template <TensorLike Y, std::convertible_to<detail::GradientOf<Y>> G = detail::GradientOf<Y>>
ElementOf<Y> mse(const Y& y, detail::TargetsOf<Y> targets, G&& gradient = {},
                 Reduction reduction = Reduction::mean, const BatchPart& part = {}) {
  return detail::elementwise_loss<ElementOf<Y>, Y::rank>(
      "mse", y, targets, std::forward<G>(gradient), reduction, part, [](double a, double b, Index) {
        return detail::LossAndSlope{(a - b) * (a - b), 2 * (a - b)};
      });
}

/// How huber measures.
struct HuberOptions {
  double delta = 1;                       ///< a, above 0: where the parabola becomes a line
  Reduction reduction = Reduction::mean;  ///< over all numbers
  BatchPart part = {};                    ///< w.part: of the whole batch
};

/// Huber's loss. Assigns its gradient to `gradient` unless that is empty.
template <TensorLike Y, std::convertible_to<detail::GradientOf<Y>> G = detail::GradientOf<Y>>
ElementOf<Y> huber(const Y& y, detail::TargetsOf<Y> targets, G&& gradient = {},
                   const HuberOptions& options = {}) {
  const double a = options.delta;
  check(a > 0 && std::isfinite(a), "huber: expected a finite delta above 0, got ", a);
  return detail::elementwise_loss<ElementOf<Y>, Y::rank>(
      "huber", y, targets, std::forward<G>(gradient), options.reduction, options.part,
      [a](double p, double q, Index) {
        const double d = p - q, size = std::abs(d);
        if (!(size > a)) return detail::LossAndSlope{d * d / 2, d};  // or NaN
        return detail::LossAndSlope{a * (size - a / 2), d < 0 ? -a : a};
      });
}

/// How bce_with_logits measures.
template <class T>
struct BceOptions {
  View<const T, 1> positive_weights = {};  ///< w (K), above 0, for y (N, K); none: all 1
  Reduction reduction = Reduction::mean;   ///< over all numbers
  BatchPart part = {};                     ///< w.part: of the whole batch
};

/// Binary cross-entropy of logits and targets in [0, 1]. Assigns its gradient to `gradient` unless
/// that is empty.
template <TensorLike Y, std::convertible_to<detail::GradientOf<Y>> G = detail::GradientOf<Y>>
ElementOf<Y> bce_with_logits(const Y& y, detail::TargetsOf<Y> targets, G&& gradient = {},
                             const BceOptions<ElementOf<Y>>& options = {}) {
  const auto w = options.positive_weights;
  for (const auto t : targets)
    check(0 <= t && t <= 1, "bce_with_logits: expected targets in [0, 1], got ", t);
  check(w.empty() || (Y::rank == 2 && w.size() == y.shape()[Y::rank - 1]),
        "bce_with_logits: expected a weight for each class of y (N, K), got ", w.size(), " for ",
        y.shape());
  for (const auto weight : w)
    check(weight > 0 && std::isfinite(weight),
          "bce_with_logits: expected finite weights above 0, got ", weight);
  return detail::elementwise_loss<ElementOf<Y>, Y::rank>(
      "bce_with_logits", y, targets, std::forward<G>(gradient), options.reduction, options.part,
      [w](double z, double t, Index k) {
        const double yes = t * (w.empty() ? 1.0 : static_cast<double>(w[k])), no = 1 - t;
        const double e = math::exp(-std::abs(z)), log_sum = math::log1p(e);
        const double p = (z < 0 ? e : 1) / (1 + e), q = (z < 0 ? 1 : e) / (1 + e);
        return detail::LossAndSlope{
            yes * (log_sum + std::max(-z, 0.0)) + no * (log_sum + std::max(z, 0.0)),
            no * p - yes * q};
      });
}

}  // namespace fovea::inline FOVEA_ABI
