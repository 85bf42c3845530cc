// SPDX-License-Identifier: MIT
// expected: float and double do not mix
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  Sequential net{Shape{3}, Linear<float>{{.in = 3, .out = 4}, rng}, Relu{},
                 Linear<double>{{.in = 4, .out = 2}, rng}};
}
