// SPDX-License-Identifier: MIT
// Chapter 5: a filter that finds vertical edges, and the gradients of one of its answers.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Rng rng{1};
  auto net =
      sequential<double>(Shape{1, 4, 6}, rng, conv2d({.out = 1, .kernel = 3, .bias = false}));
  auto& [conv1] = net.layers();
  conv1.weight = {{{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}}};  // (O, C, KH, KW) = (1, 1, 3, 3)

  const Tensor<double, 4> x{{{{0, 0, 0, 1, 1, 1},  // (N, C, H, W) = (1, 1, 4, 6)
                              {0, 0, 0, 1, 1, 1},
                              {0, 0, 0, 1, 1, 1},
                              {0, 0, 0, 1, 1, 1}}}};
  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, w);  // (1, 1, 2, 4): the window fits in 2 x 4 places
  std::printf("y =\n%s\n", to_string(y[0][0]).c_str());

  // s = y(0, 0, 0, 1): what would change this one answer?
  w.output_gradient().fill(0);
  w.output_gradient()(0, 0, 0, 1) = 1;
  net.backward(w);
  std::printf("dx =\n%s\n", to_string(w.input_gradient()[0][0]).c_str());
  std::printf("dW =\n%s\n", to_string(w.layer<0>().dweight[0][0]).c_str());
}
