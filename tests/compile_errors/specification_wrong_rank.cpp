// SPDX-License-Identifier: MIT
// expected: this layer cannot take an input of this rank
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net = sequential<float>(Shape{1, 8, 8}, rng, flatten, conv2d({.out = 4, .kernel = 3}));
}
