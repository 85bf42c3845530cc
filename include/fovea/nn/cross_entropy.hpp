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
// Label smoothing makes the target less than certain: a fraction s of it is spread over all
// classes, q[k] = (1 - s) [k = label] + s/K, and L = -1/N sum over n and k of q log p, dz =
// (p - q) / N. Examples that are classified correctly still have a gradient (Szegedy et al.,
// Rethinking the Inception architecture for computer vision, CVPR 2016).
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include "fovea/core/math.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/kernels/batch_tree.hpp"

namespace fovea::inline FOVEA_ABI {

/// The number of a class, from 0 on.
using Label = std::int32_t;

namespace detail {

// Writes p[n,.] and returns {m, log sum exp(z - m)}.
struct SoftmaxRow {
  double largest, log_sum;
};
template <class T>
SoftmaxRow softmax_row(View<const T, 1> z, View<T, 1> p) {
  const double largest = static_cast<double>(*std::max_element(z.begin(), z.end()));
  double sum = 0;
  for (Index k = 0; k < z.size(); ++k) {
    const double e = math::exp(static_cast<double>(z[k]) - largest);
    sum += e;
    if (!p.empty()) p[k] = static_cast<T>(e);
  }
  for (T& probability : p) probability = static_cast<T>(static_cast<double>(probability) / sum);
  return {largest, math::log(sum)};
}

}  // namespace detail

/// The probabilities (N, K) of the logits (N, K).
template <Ranked<2> Z>
Tensor<ElementOf<Z>, 2> softmax(const Z& logits) {
  check(logits.extent(1) > 0, "softmax: expected (N, K) with K > 0, got ", logits.shape());
  Tensor<ElementOf<Z>, 2> p(logits.shape());
  for (Index n = 0; n < p.extent(0); ++n)
    detail::softmax_row<ElementOf<Z>>(as_const(logits)[n], p[n]);
  return p;
}

/// The mean loss over the batch, with label smoothing if `smoothing` > 0. Assigns its gradient to
/// `gradient` unless that is empty. Throws on a label outside [0, K), a smoothing outside [0, 1),
/// or a gradient in the memory of the logits, which are still read while it is written.
// The gradient becomes a View in here: in cross_entropy(net.forward(x, w),
// labels, w.output_gradient()) the last argument may be evaluated before forward
// has set the size of the batch.
template <Ranked<2> Z, std::convertible_to<View<ElementOf<Z>, 2>> G = View<ElementOf<Z>, 2>>
ElementOf<Z> cross_entropy(const Z& logits, View<const Label, 1> labels, G&& gradient = {},
                           double smoothing = 0) {
  using T = ElementOf<Z>;
  const View<T, 2> dlogits = std::forward<G>(gradient);
  const auto [N, K] = logits.shape();
  check(N > 0 && K > 0, "cross_entropy: expected logits (N, K), got ", logits.shape());
  check(labels.extent(0) == N, "cross_entropy: expected ", N, " labels, got ", labels.extent(0));
  check(dlogits.empty() || dlogits.shape() == logits.shape(), "cross_entropy: expected a gradient ",
        logits.shape(), ", got ", dlogits.shape());
  check(!overlap(dlogits, as_const(logits)),
        "cross_entropy: expected a gradient with memory of its ",
        "own, got one that overlaps the logits");
  check(0 <= smoothing && smoothing < 1, "cross_entropy: expected a smoothing in [0, 1), got ",
        smoothing);
  for (Index n = 0; n < N; ++n)
    check(0 <= labels[n] && labels[n] < K, "cross_entropy: expected labels in [0, ", K, "), got ",
          labels[n], " at ", n);
  const double rest = smoothing / static_cast<double>(K);  // what every class gets of q
  const double loss = kernels::sum_of_examples(N, [&, N = N, K = K](Index n) {
    const View<const T, 1> z = as_const(logits)[n];
    const View<T, 1> dz = dlogits.empty() ? View<T, 1>{} : dlogits[n];
    const auto row = detail::softmax_row(z, dz);
    const auto log_p = [&](Index k) {
      return static_cast<double>(z[k]) - row.largest - row.log_sum;
    };
    double l = -(1 - smoothing) * log_p(labels[n]);
    if (smoothing > 0)
      for (Index k = 0; k < K; ++k) l -= rest * log_p(k);
    if (dz.empty()) return l;
    dz[labels[n]] -= static_cast<T>(1 - smoothing);
    for (T& g : dz) g = (g - static_cast<T>(rest)) / static_cast<T>(N);
    return l;
  });
  return static_cast<T>(loss / static_cast<double>(N));
}

}  // namespace fovea::inline FOVEA_ABI
