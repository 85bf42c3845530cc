// SPDX-License-Identifier: MIT
// expected: a Flatten{} is missing in front of this layer
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net =
      sequential<float>(Shape{1, 8, 8}, rng, conv2d({.out = 4, .kernel = 3}), relu, linear(10));
}
