// SPDX-License-Identifier: MIT
// lines: 16
// expected: this layer cannot take an input of this rank
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net = sequential<float>(Shape{1, 8, 8}, rng, flatten,
                               residual(conv2d({.out = 1, .kernel = 3, .padding = 1})));
}
