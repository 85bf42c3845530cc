// SPDX-License-Identifier: MIT
// Chapter 5: a signal is an image of height 1. Stride 2, and both gradients.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Rng rng{1};
  auto net = sequential<double>(
      Shape{1, 1, 7}, rng,
      conv2d({.out = 1, .kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}, .bias = false}));
  auto& [conv1] = net.layers();
  conv1.weight = {{{{1, 2, -1}}}};                       // (O, C, KH, KW) = (1, 1, 1, 3)
  const Tensor<double, 4> x{{{{1, 0, 2, 3, 0, 1, 1}}}};  // (N, C, H, W) = (1, 1, 1, 7)
  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  std::printf("y  = %s\n", to_string(net.forward(x, w)[0][0]).c_str());  // (1, 1, 1, 4)

  const double dy[] = {1, 2, 0, -1};
  for (Index i = 0; i < 4; ++i) w.output_gradient()(0, 0, 0, i) = dy[i];
  net.backward(w);
  std::printf("dW = %s\n", to_string(w.layer<0>().dweight[0][0]).c_str());
  std::printf("dx = %s\n", to_string(w.input_gradient()[0][0]).c_str());
}
