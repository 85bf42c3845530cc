// SPDX-License-Identifier: MIT
// expected: a Flatten{} is missing in front of this layer
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  Sequential net{Shape{1, 8, 8}, Conv2d<float>{{.in = 1, .out = 4, .kernel = 3}, rng}, Relu{},
                 Linear<float>{{.in = 4 * 6 * 6, .out = 10}, rng}};
}
