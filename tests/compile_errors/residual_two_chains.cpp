// SPDX-License-Identifier: MIT
// expected: residual(chain(f, g))
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng) {
  const auto norm = chain(conv2d({.out = 4, .kernel = 3, .padding = 1}), batch_norm2d());
  auto net = sequential<float>(Shape{4, 8, 8}, rng, residual(norm, norm));
}
