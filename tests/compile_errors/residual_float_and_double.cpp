// SPDX-License-Identifier: MIT
// lines: 16
// expected: float and double do not mix
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net = sequential<float>(Shape{3}, rng, residual(Linear<double>{{.in = 3, .out = 3}, rng}));
}
