// SPDX-License-Identifier: MIT
// expected: Workspace<
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng, View<const float, 2> x) {
  Sequential one{Shape{3}, Linear<float>{{.in = 3, .out = 4}, rng}};
  Sequential other{Shape{3}, Linear<float>{{.in = 3, .out = 4}, rng}, Relu{}};
  auto w = one.workspace(64);
  other.forward(x, w);
}
