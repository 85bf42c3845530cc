// SPDX-License-Identifier: MIT
//
// MixUp: a network sees two images in one, and shall say so (Zhang, Cisse, Dauphin and Lopez-Paz,
// mixup: beyond empirical risk minimization, ICLR 2018).
//
//   x'[n] = l x[n] + (1 - l) x[p(n)]      l from Beta(alpha, alpha), p a permutation of the batch
//   q[n]  = l [k = label[n]] + (1 - l) [k = label[p(n)]]
//
//   MixUp<float> mix{64, train, 0.2};
//   for (const auto& [images, labels] : batches(train, 64, {.seed = 1, .epoch = epoch})) {
//     const auto [mixed, targets] = mix(images, labels, Rng{1, epoch, step++});
//     cross_entropy(net.forward(mixed, w), targets, w.output_gradient());
//
// The result is a function of the batch and of the stream of random numbers.
#pragma once

#include <cmath>

#include "fovea/data/dataset.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// A number from Gamma(alpha, 1), alpha > 0 (Marsaglia and Tsang, A simple method for generating
// gamma variables, 2000).
inline double gamma_variable(double alpha, Rng& rng) {
  if (alpha < 1) {
    const double u = 1 - rng.uniform();  // in (0, 1]
    return gamma_variable(alpha + 1, rng) * math::pow(u, 1 / alpha);
  }
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.normal(), root = 1 + c * x, u = 1 - rng.uniform();
    if (root <= 0) continue;
    const double v = root * root * root;
    if (math::log(u) < x * x / 2 + d - d * v + d * math::log(v)) return d * v;
  }
}

// A number from Beta(alpha, alpha).
inline double beta_variable(double alpha, Rng& rng) {
  const double a = gamma_variable(alpha, rng), b = gamma_variable(alpha, rng);
  return a + b > 0 ? a / (a + b) : 0.5;
}

}  // namespace detail

/// Mixes batches, in memory of its own.
template <class T>
class MixUp {
 public:
  /// Views that are good until the next batch.
  struct Batch {
    View<const T, 4> images;   // (N, C, H, W)
    View<const T, 2> targets;  // (N, K)
  };

  /// For batches of at most `capacity` images of a data set. Throws unless alpha is above 0.
  MixUp(Index capacity, const Dataset& data, double alpha)
      : alpha_(alpha),
        images_(data.images.shape().with_batch(capacity)),
        targets_(Shape{capacity, data.classes}) {
    check(alpha > 0 && std::isfinite(alpha), "MixUp: expected a finite alpha above 0, got ", alpha);
  }

  /// A batch, mixed with itself. Throws on more images than it was made for, or of another size,
  /// and on labels outside [0, K).
  Batch operator()(View<const T, 4> images, View<const Label, 1> labels, Rng rng) {
    const Index N = images.extent(0), K = targets_.extent(1);
    check(N <= images_.extent(0) && images.shape() == images_.shape().with_batch(N),
          "MixUp: expected images ", images_.shape(), " or fewer, got ", images.shape());
    check(labels.extent(0) == N, "MixUp: expected ", N, " labels, got ", labels.extent(0));
    const double l = detail::beta_variable(alpha_, rng);
    const auto share = static_cast<T>(l), rest = static_cast<T>(1 - l);
    const auto partner = permutation(N, rng);
    targets_.fill(T{0});
    for (Index n = 0; n < N; ++n) {
      const Index p = partner[static_cast<std::size_t>(n)];
      const auto a = images[n], b = images[p];
      T* const to = images_[n].data();
      for (Index i = 0; i < a.size(); ++i) to[i] = share * a.data()[i] + rest * b.data()[i];
      for (const auto& [label, part] : {std::pair{labels[n], share}, std::pair{labels[p], rest}}) {
        check(0 <= label && label < K, "MixUp: expected labels in [0, ", K, "), got ", label);
        targets_(n, label) += part;
      }
    }
    return {as_const(images_).sub(0, N), as_const(targets_).sub(0, N)};
  }

 private:
  double alpha_;
  Tensor<T, 4> images_;
  Tensor<T, 2> targets_;
};

}  // namespace fovea::inline FOVEA_ABI
