// SPDX-License-Identifier: MIT
// Chapter 10: three optimizers in a narrow valley, f(w) = (w0^2 + 25 w1^2) / 2.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

// Lets an optimizer walk from (4, 1), and prints where it is after some steps.
template <class Optimizer, class Options>
void walk(const char* name, Options options) {
  Rng rng{1};
  // y = W x with x = 1: the output is the two weights themselves, and dW is the gradient we choose.
  auto net = sequential<double>(Shape{1}, rng, linear({.out = 2, .bias = false}));
  auto& [fc1] = net.layers();
  fc1.weight = {{4}, {1}};
  const Tensor<double, 2> one{{1}};
  auto workspace = net.workspace(1);
  Optimizer optimizer{net, options};
  for (int step = 1; step <= 100; ++step) {
    const auto w = net.forward(one, workspace);
    workspace.output_gradient()(0, 0) = w(0, 0);       // df/dw0
    workspace.output_gradient()(0, 1) = 25 * w(0, 1);  // df/dw1
    net.backward(workspace);
    optimizer.step(net, workspace);
    if (step == 1 || step == 10 || step == 100)
      std::printf("%-9s step %3d  w = (%7.4f, %7.4f)\n", name, step, fc1.weight(0, 0),
                  fc1.weight(1, 0));
  }
}

int main() {
  walk<Sgd<double>>("SGD", SgdOptions{.learning_rate = 0.07});
  walk<Sgd<double>>("momentum", SgdOptions{.learning_rate = 0.02, .momentum = 0.8});
  walk<Adam<double>>("Adam", AdamOptions{.learning_rate = 0.2});
}
