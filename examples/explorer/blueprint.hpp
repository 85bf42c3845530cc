// SPDX-License-Identifier: MIT
//
// A network from a list that the page edits:
//
//   [{"layer": "conv", "out": 32, "kernel": 3}, {"layer": "relu"}, {"layer": "max_pool"},
//    {"layer": "linear", "out": 128}, {"layer": "relu"}]
//
// The last linear layer, one logit for each class, is added, and a flatten where maps meet a linear
// layer.
#pragma once

#include <string>

#include "explorer/reply.hpp"
#include "fovea/model/network.hpp"

namespace explorer {

using Net = fovea::Network<float>;

/// What a list became.
struct Built {
  Net net{};
  Json layers{};               ///< the list itself
  std::string architecture{};  ///< as model/architecture.hpp would write it
  fovea::Index classes = 0;
};

/// Draws the weights with `seed`, in the order of the layers. Throws one sentence where the list
/// makes no network, or one that is too large for a page.
Built build(const Json& layers, fovea::Index classes, std::uint64_t seed);

/// The multiply-adds of one image.
std::int64_t multiply_adds(const Net& net);

/// The list of "one layer", "two layers", "small convolution", "course", "deep" or "residual".
Json preset(const std::string& name);

/// The names of the presets, the smallest network first.
const std::vector<std::string>& presets();

}  // namespace explorer
