// SPDX-License-Identifier: MIT
// expected: the shape of one example comes first, as in Sequential{Shape{1, 28, 28}, ...}
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) { Sequential net{Linear<float>{{.in = 2, .out = 10}, rng}, Relu{}}; }
