// SPDX-License-Identifier: MIT
// Chapter 3: a linear layer, small enough to check with a pencil.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Rng rng{1};
  auto net = sequential<double>(Shape{3}, rng, linear(2));
  auto& [fc1] = net.layers();
  fc1.weight = {{1, 2, 3}, {0, -1, 1}};  // W (out, in) = (2, 3)
  fc1.bias = {10, 20};                   // b (out)

  const Tensor<double, 2> x{{1, 0, 2}, {3, 1, 1}};  // (N, in) = (2, 3)
  auto w = net.workspace(2, {.input_gradient = true});
  const auto y = net.forward(x, w);  // (N, out) = (2, 2)
  std::printf("y  = %s\n", to_string(y).c_str());

  w.output_gradient()(0, 0) = 1, w.output_gradient()(0, 1) = 2;  // dy (N, out)
  w.output_gradient()(1, 0) = -1, w.output_gradient()(1, 1) = 0;
  net.backward(w);
  std::printf("dx = %s\n", to_string(w.input_gradient()).c_str());
  std::printf("dW = %s\n", to_string(w.layer<0>().dweight).c_str());
  std::printf("db = %s\n", to_string(w.layer<0>().dbias).c_str());
}
