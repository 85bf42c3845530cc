// SPDX-License-Identifier: MIT
// Chapter 5: a filter that finds vertical edges, and the gradients of one of its answers.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Rng rng{1};
  Sequential net{Shape{1, 4, 6},
                 Conv2d<double>{{.in = 1, .out = 1, .kernel = 3, .bias = false}, rng}};
  auto& [conv1] = net.layers();
  conv1.weight = {{{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}}};  // (O, C, KH, KW) = (1, 1, 3, 3)

  const Tensor<double, 4> x{{{{0, 0, 0, 1, 1, 1},  // (N, C, H, W) = (1, 1, 4, 6)
                              {0, 0, 0, 1, 1, 1},
                              {0, 0, 0, 1, 1, 1},
                              {0, 0, 0, 1, 1, 1}}}};
  auto pass = net.pass(1, {.keep = Keep::all, .input_gradient = true});
  const auto y = net.forward(x, pass);  // (1, 1, 2, 4): the window fits in 2 x 4 places
  std::printf("y =\n%s\n", to_string(y[0][0]).c_str());

  // s = y(0, 0, 0, 1): what would change this one answer?
  pass.dlogits().fill(0);
  pass.dlogits()(0, 0, 0, 1) = 1;
  net.backward(x, pass);
  std::printf("dx =\n%s\n", to_string(pass.input_gradient()[0][0]).c_str());
  std::printf("dW =\n%s\n", to_string(pass.layer<0>().dweight[0][0]).c_str());
}
