// SPDX-License-Identifier: MIT
//
// The network of cifar_train and how it is trained: 94 % of CIFAR-10 in nine epochs, after Jordan,
// 94 % on CIFAR-10 in 3.29 seconds on a single GPU (arXiv 2404.00498, 2024) and his cifar10-airbench.
#pragma once

#include "cifar/whitening.hpp"
#include "fovea/fovea.hpp"
#include "fovea/train/muon.hpp"

namespace cifar {

/// A convolution without bias, for a normalisation follows that takes any bias away.
inline auto conv(Index out) {
  return fovea::conv2d({.out = out, .kernel = 3, .padding = 1, .bias = false});
}
/// Running values move by 0.4 a step: a training has 200 steps, not 100 000.
inline auto norm() { return fovea::batch_norm2d({.momentum = 0.4, .eps = 1e-12}); }

/// Whitening, three groups of two convolutions, a linear layer; all at random.
template <class T>
auto cifar_cnn(fovea::Rng& rng) {
  using namespace fovea;
  return sequential<T>(Shape{3, 32, 32}, rng, conv2d({.out = 24, .kernel = 2}), gelu, conv(64),
                       max_pool2d(2), norm(), gelu, conv(64), norm(), gelu, conv(256),
                       max_pool2d(2), norm(), gelu, conv(256), norm(), gelu, conv(256),
                       max_pool2d(2), norm(), gelu, conv(256), norm(), gelu, max_pool2d(3), flatten,
                       linear({.out = 10, .bias = false}));
}

/// The first C filters of a convolution (O, C, 3, 3) pass their channel on: deep networks learn
/// sooner if at first much of the image reaches their end.
inline void pass_channels_on(fovea::View<float, 4> filters) {
  for (Index c = 0; c < filters.extent(1); ++c) {
    filters[c].fill(0);
    filters(c, c, 1, 1) = 1;
  }
}

/// What the recipe begins with: the first layer whitens, the other convolutions pass channels on,
/// and the last layer has the standard deviation 1/256.
template <class Net>
void prepare(Net& net, const fovea::Dataset& train) {
  net.for_each_parameter([&](const auto& name, auto& parameter) {
    if constexpr (std::remove_cvref_t<decltype(parameter)>::rank == 4) {
      if (name == "conv1.weight")
        parameter = whitening_filters(train.part(0, std::min<Index>(5000, train.size())), 2, 5e-4);
      else
        pass_channels_on(parameter);
    } else if (name == "conv1.bias") {
      parameter.fill(0);
    } else if (name == "fc1.weight") {
      double mean = 0, square = 0;
      for (const float w : parameter) mean += static_cast<double>(w);
      mean /= static_cast<double>(parameter.size());
      for (const float w : parameter) square += (w - mean) * (w - mean);
      const auto scale = static_cast<float>(
          1 / (256 * std::sqrt(square / static_cast<double>(parameter.size() - 1))));
      for (float& w : parameter) w *= scale;
    }
  });
}

/// The rates of the recipe at its first step; all fall to 0 in a straight line. Losses are sums over
/// the batch, so that rates do not depend on its size.
struct Rates {
  double filters = 0.24, biases = 0.053, head = 0.67;
  double decay = 2e-6;  // times the batch, over the rate
};

/// The scales of BatchNorm stay 1, and the filters that whiten stay as they are.
inline bool never_trained(std::string_view name) {
  return name == "conv1.weight" || (name.starts_with("bn") && name.ends_with(".weight"));
}
/// After three epochs the biases of the first layer stay, too: dx of the second layer is not needed.
inline bool first_layer_or_never_trained(std::string_view name) {
  return name == "conv1.bias" || never_trained(name);
}

/// Muon for filters, Nesterov for the rest. The recipe divides the logits by 256; here the weights of
/// the last layer are 256 times smaller instead, which gives the same bits for a gradient that is
/// 256 times larger and a rate that is 256^2 times smaller, and a network that needs no such layer.
template <class Net>
auto optimizer(const Net& net, Index batch, const Rates& rates = {}) {
  constexpr double smaller = 256.0 * 256.0;
  const double decay = rates.decay * static_cast<double>(batch) / rates.biases;
  return fovea::Muon{net,
                     {.learning_rate = rates.filters,
                      .momentum = 0.6,
                      .iterations = 3,
                      .normalise = true,
                      .rest = {.learning_rate = rates.biases,
                               .momentum = 0.85,
                               .weight_decay = decay,
                               .nesterov = true}},
                     [rates](std::string_view name) {
                       const double head = rates.head / rates.biases / smaller;
                       fovea::ParameterGroup group{.frozen = never_trained(name)};
                       if (name == "fc1.weight") group.rate = head, group.decay = 1 / head;
                       return group;
                     }};
}

}  // namespace cifar
