// SPDX-License-Identifier: MIT
// expected: float and double do not mix
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net = sequential<float>(Shape{3}, rng, Linear<double>{{.in = 3, .out = 2}, rng});
}
