// SPDX-License-Identifier: MIT
//
// Softmax turns logits into probabilities; cross-entropy is the surprise at the true class.
//
//   p[n,k] = exp(z[n,k]) / sum over j of exp(z[n,j])
//   L = -1/N  sum over n of log p[n, label[n]]
//
//   z (N, K)    label (N), each in [0, K)    p, dz (N, K)    L in nats
//
//   forward     log p[n,k] = z[n,k] - m - log sum over j of exp(z[n,j] - m),   m = max of z[n]
//   backward    dz[n,k] = (p[n,k] - [k = label[n]]) / N
//
// Subtracting the maximum keeps every exponent at or below zero, so logits of +-1e4 are as good as
// any. The mean over the batch, 1/N, is taken here and nowhere else.
//
// In general the target is a distribution, q[n,k], and a class may weigh w[k]:
//
//   L = -1/N sum over n,k of w[k] q[n,k] log p[n,k]
//   dz[n,k] = (p[n,k] sum over j of w[j] q[n,j] - w[k] q[n,k]) / N
//
//   labels        q[n,k] = [k = label[n]]; with weights the mean divides by the sum of w[label[n]]
//   soft targets  q as it is given, for instance by MixUp
//   smoothing s   (1 - s) q + s/K: the target is less than certain, and examples that are
//                 classified correctly still have a gradient (Szegedy et al., Rethinking the
//                 Inception architecture for computer vision, CVPR 2016)
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>

#include "fovea/nn/softmax.hpp"

namespace fovea::inline FOVEA_ABI {

/// The number of a class, from 0 on.
using Label = std::int32_t;

/// What a loss does with what it finds in each example: the mean over the batch, or the sum.
enum class Reduction { mean, sum };

/// How cross_entropy measures.
template <class T>
struct CrossEntropyOptions {
  double smoothing = 0;                   ///< s, in [0, 1)
  View<const T, 1> class_weights = {};    ///< w (K), 0 or more; none: all 1
  Reduction reduction = Reduction::mean;  ///< over the examples
  BatchPart part = {};                    ///< w.part: loss and mean are those of the whole batch
};

namespace detail {

// The loss of all rows; `target(n, k)` is q before smoothing, `total` what is divided by.
template <class T, class Target>
T cross_entropy_of(View<const T, 2> logits, View<T, 2> gradient, double total,
                   const CrossEntropyOptions<T>& options, const Target& target) {
  const auto [N, K] = logits.shape();
  const double s = options.smoothing, rest = s / static_cast<double>(K);
  const auto divisor = static_cast<T>(total);
  const bool weighted = !options.class_weights.empty();
  // w[k] q[n, k]
  const auto share = [&](Index n, Index k) {
    const double q = (1 - s) * target(n, k) + rest;
    return weighted ? q * static_cast<double>(options.class_weights[k]) : q;
  };
  double loss = kernels::sum_of_examples({N, options.part}, [&, K = K](Index n) {
    const View<const T, 1> z = logits[n];
    const View<T, 1> dz = gradient.empty() ? View<T, 1>{} : gradient[n];
    const auto row = softmax_row(z, dz);
    double l = 0, shares = 0;
    for (Index k = 0; k < K; ++k)
      if (const double q = share(n, k); q > 0 || q < 0) {  // 0 times a logit of -infinity is 0
        l -= q * (static_cast<double>(z[k]) - row.largest - row.log_sum);
        shares += q;
      }
    const auto sum = static_cast<T>(shares);
    for (Index k = 0; k < dz.size(); ++k)
      dz[k] = (dz[k] * sum - static_cast<T>(share(n, k))) / divisor;
    return l;
  });
  kernels::add_parts(options.part, std::span(&loss, 1));
  return static_cast<T>(loss / total);
}

template <class T>
void check_cross_entropy(View<const T, 2> logits, View<T, 2> gradient,
                         const CrossEntropyOptions<T>& options) {
  const auto [N, K] = logits.shape();
  check(N > 0 && K > 0, "cross_entropy: expected logits (N, K), got ", logits.shape());
  check(gradient.empty() || gradient.shape() == logits.shape(),
        "cross_entropy: expected a gradient ", logits.shape(), ", got ", gradient.shape());
  check(!overlap(gradient, logits), "cross_entropy: expected a gradient with memory of its ",
        "own, got one that overlaps the logits");
  check(0 <= options.smoothing && options.smoothing < 1,
        "cross_entropy: expected a smoothing in [0, 1), got ", options.smoothing);
  const auto& w = options.class_weights;
  check(w.empty() || w.size() == K, "cross_entropy: expected ", K, " class weights, got ",
        w.size());
  for (const T weight : w)
    check(weight >= 0 && std::isfinite(weight),
          "cross_entropy: expected finite class weights of 0 or more, got ", weight);
}

}  // namespace detail

/// The loss of labels (N). Assigns its gradient to `gradient` unless that is empty. Throws on a
/// label outside [0, K), options outside their range, or a gradient in the memory of the logits,
/// which are still read while it is written.
// The gradient becomes a View in here: in cross_entropy(net.forward(x, w),
// labels, w.output_gradient()) the last argument may be evaluated before forward
// has set the size of the batch.
template <Ranked<2> Z, std::convertible_to<View<ElementOf<Z>, 2>> G = View<ElementOf<Z>, 2>>
ElementOf<Z> cross_entropy(const Z& logits, View<const Label, 1> labels, G&& gradient = {},
                           const CrossEntropyOptions<ElementOf<Z>>& options = {}) {
  using T = ElementOf<Z>;
  const View<T, 2> dlogits = std::forward<G>(gradient);
  detail::check_cross_entropy<T>(logits, dlogits, options);
  const auto [N, K] = logits.shape();
  check(labels.extent(0) == N, "cross_entropy: expected ", N, " labels, got ", labels.extent(0));
  for (Index n = 0; n < N; ++n)
    check(0 <= labels[n] && labels[n] < K, "cross_entropy: expected labels in [0, ", K, "), got ",
          labels[n], " at ", n);
  double total = static_cast<double>(options.part.all(N));
  if (const auto& weights = options.class_weights; !weights.empty()) {
    total = kernels::sum_of_examples(
        {N, options.part}, [&](Index n) { return static_cast<double>(weights[labels[n]]); });
    kernels::add_parts(options.part, std::span(&total, 1));
  }
  check(total > 0, "cross_entropy: expected a label with a class weight above 0, found none");
  if (options.reduction == Reduction::sum) total = 1;
  return detail::cross_entropy_of<T>(logits, dlogits, total, options,
                                     [&](Index n, Index k) { return labels[n] == k ? 1.0 : 0.0; });
}

/// The loss of targets (N, K), a distribution over the classes for each example; the mean divides
/// by N. Throws as the other one.
template <Ranked<2> Z, std::convertible_to<View<ElementOf<Z>, 2>> G = View<ElementOf<Z>, 2>>
ElementOf<Z> cross_entropy(const Z& logits, View<const ElementOf<Z>, 2> targets, G&& gradient = {},
                           const CrossEntropyOptions<ElementOf<Z>>& options = {}) {
  using T = ElementOf<Z>;
  const View<T, 2> dlogits = std::forward<G>(gradient);
  detail::check_cross_entropy<T>(logits, dlogits, options);
  check(targets.shape() == logits.shape(), "cross_entropy: expected targets ", logits.shape(),
        ", got ", targets.shape());
  check(!overlap(dlogits, targets),
        "cross_entropy: expected a gradient with memory of its own, got one that overlaps the ",
        "targets");
  for (const T q : targets)
    check(q >= 0 && std::isfinite(q), "cross_entropy: expected finite targets of 0 or more, got ",
          q);
  const Index N = options.part.all(logits.extent(0));
  const double total = options.reduction == Reduction::sum ? 1.0 : static_cast<double>(N);
  return detail::cross_entropy_of<T>(logits, dlogits, total, options, [&](Index n, Index k) {
    return static_cast<double>(targets(n, k));
  });
}

}  // namespace fovea::inline FOVEA_ABI
