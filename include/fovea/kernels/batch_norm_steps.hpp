// SPDX-License-Identifier: MIT
//
// Batch normalisation between its sums: from the moments of a channel to the constants of
// y = f(t), t = scale (x - middle) + shift, and from the sums of g = ds/dt to those of dx. The sums
// are taken by the layer (nn/batch_norm2d.hpp), or where a convolution has the numbers at hand
// anyway (fused/norm_stage.hpp); what is made of them is here, for both.
#pragma once

#include <cmath>

#include "fovea/kernels/channel_sums.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The steps of a layer of this type, a BatchNorm2d, and its Pass; group g, channel c.
template <class Layer>
struct BatchNormSteps {
  using T = typename Layer::value_type;
  const Layer& layer;          ///< its options, gamma, beta and running values
  typename Layer::Pass& pass;  ///< where the results go

  /// Mean and variance, of which these are the moments. Yields what running values move by, if the
  /// whole batch has `whole` numbers of the channel.
  RunningStep take(Index g, Index c, const Moments& m, double whole) const {
    pass.mean(g, c) = m.mean;
    pass.inverse(g, c) = 1 / std::sqrt(m.squares / m.count + layer.options.eps);
    const double share = layer.options.momentum * (m.count / whole);
    return {share * m.mean, share * m.squares / (m.count - 1)};
  }
  /// The running mean and variance instead.
  RunningStep take_running(Index g, Index c) const {
    pass.mean(g, c) = static_cast<double>(layer.running_mean(c));
    pass.inverse(g, c) =
        1 / std::sqrt(static_cast<double>(layer.running_var(c)) + layer.options.eps);
    return {};
  }
  /// The running values move by pass.steps.
  void move_running() const {
    const double keep = pass.of_batch ? 1 - layer.options.momentum : 1;
    for (Index c = 0; c < layer.options.channels; ++c) {
      const auto [mean, var] = pass.steps(c);
      pass.running_mean(c) =
          static_cast<T>(keep * static_cast<double>(layer.running_mean(c)) + mean);
      pass.running_var(c) = static_cast<T>(keep * static_cast<double>(layer.running_var(c)) + var);
    }
  }
  /// y from x.
  template <class F>
  Normalisation<T, F> normalisation(Index g, Index c, const F& f) const {
    return {static_cast<T>(pass.mean(g, c)), static_cast<T>(gamma(c) * pass.inverse(g, c)),
            layer.options.affine ? layer.bias(c) : T{0}, f};
  }
  /// dx from g, from the sums over its M numbers.
  NormalisationGradient<T> gradient(Index g, Index c, double M, const GradientSums<T>& sum) const {
    if (!pass.of_batch) return {};
    const double inverse = pass.inverse(g, c), scale = gamma(c) * inverse;
    return {static_cast<T>(scale / M * sum.g),
            static_cast<T>(scale / M * sum.gx * inverse * inverse)};
  }
  /// The gradients of gamma and beta.
  void keep_gradients(Index c, const GradientSums<T>& sum) const {
    if (layer.options.affine) pass.dweight(c) = sum.scaled, pass.dbias(c) = sum.plain;
  }

 private:
  double gamma(Index c) const {
    return layer.options.affine ? static_cast<double>(layer.weight(c)) : 1;
  }
};
template <class Layer>
BatchNormSteps(const Layer&, typename Layer::Pass&) -> BatchNormSteps<Layer>;

}  // namespace fovea::inline FOVEA_ABI::kernels
