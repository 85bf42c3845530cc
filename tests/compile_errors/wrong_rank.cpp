// SPDX-License-Identifier: MIT
// expected: this layer cannot take an input of this rank
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  Sequential net{Shape{28, 28}, Conv2d<float>{{.in = 1, .out = 4, .kernel = 3}, rng}, Relu{}};
}
