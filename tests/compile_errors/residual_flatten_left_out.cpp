// SPDX-License-Identifier: MIT
// lines: 16
// expected: a Flatten{} is missing in front of this layer
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net = sequential<float>(Shape{1, 8, 8}, rng, residual(relu, linear(64)));
}
