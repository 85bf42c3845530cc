// SPDX-License-Identifier: MIT
// expected: float and double do not mix
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  auto net =
      sequential<float>(Shape{3}, rng, linear(4), relu, Linear<double>{{.in = 4, .out = 2}, rng});
}
