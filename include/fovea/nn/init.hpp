// SPDX-License-Identifier: MIT
//
// Where training starts. Weights must be random, so that units differ, and of the right size, so
// that signals neither die nor explode on their way through many layers.
//
//   kaiming_uniform   U(-b, b), b = 1 / sqrt(fan_in): PyTorch's default for Conv2d and Linear
//                     (He et al., Delving deep into rectifiers, ICCV 2015, a = sqrt(5)); biases too
//   xavier_uniform    U(-b, b), b = sqrt(6 / (fan_in + fan_out)); biases zero
//                     (Glorot and Bengio, Understanding the difficulty of training deep networks,
//                     2010)
//
// fan_in is the number of inputs of one output unit, C/g KH KW for a convolution; fan_out
// is O/g KH KW.
#pragma once

#include <cmath>

#include "fovea/core/random.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// How the first weights are drawn; the bounds are above.
enum class Init { kaiming_uniform, xavier_uniform };

/// Every element from U(-bound, bound).
template <class T>
[[gnu::cold]] void fill_uniform(std::span<T> x, double bound, Rng& rng) {
  for (T& element : x) element = static_cast<T>(rng.uniform(-bound, bound));
}

/// Fills the weight and the bias of one layer, in that order.
template <class T>
[[gnu::cold]] void initialise(std::span<T> weight, std::span<T> bias, Index fan_in, Index fan_out,
                              Init init, Rng& rng) {
  const auto in = static_cast<double>(fan_in), out = static_cast<double>(fan_out);
  if (init == Init::kaiming_uniform) {
    fill_uniform(weight, 1.0 / std::sqrt(in), rng);
    fill_uniform(bias, 1.0 / std::sqrt(in), rng);
  } else {
    fill_uniform(weight, std::sqrt(6.0 / (in + out)), rng);
    std::fill(bias.begin(), bias.end(), T{0});
  }
}

}  // namespace fovea::inline FOVEA_ABI
