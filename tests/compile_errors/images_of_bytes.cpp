// SPDX-License-Identifier: MIT
// expected: Tensor<unsigned char, 4>
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake(Rng& rng, const Dataset& data) {
  Sequential net{Shape{1, 28, 28}, Flatten{}, Linear<float>{{.in = 784, .out = 10}, rng}};
  auto w = net.workspace(64);
  net.forward(data.images, w);
}
