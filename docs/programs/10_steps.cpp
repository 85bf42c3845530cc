// SPDX-License-Identifier: MIT
// Chapter 10: how far Adam moves a parameter, in units of the learning rate.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

/// One parameter, and a gradient that we choose for each step.
struct Walk {
  Rng rng{1};
  Sequential<1, Linear<double>> net =
      sequential<double>(Shape{1}, rng, linear({.out = 1, .bias = false}));
  Workspace<Sequential<1, Linear<double>>> workspace = net.workspace(1);
  AdamOptions options{.learning_rate = 1e-3};
  Adam<double> adam{net, options};

  /// The length of this step, divided by the learning rate.
  double step(double gradient) {
    double& w = std::get<0>(net.layers()).weight(0, 0);
    const Tensor<double, 2> one{{1}};
    net.forward(one, workspace);
    workspace.output_gradient()(0, 0) = gradient;  // y = w, so dw = dy
    net.backward(workspace);
    w = 0;  // so that the difference has all its digits
    adam.step(net, workspace);
    return std::abs(w) / options.learning_rate;
  }
};

int main() {
  for (const double g : {1.0, 1e-3, 1e-6, 1e-8, 1e-10, 0.0})
    std::printf("first step with the gradient %5g: %.4f eta\n", g, Walk{}.step(g));

  // A long calm, and then a gradient of 1 in every step.
  Walk walk;
  for (int t = 0; t < 20000; ++t) walk.step(0);
  std::printf("\nafter 20000 steps without a gradient:\n");
  double largest = 0;
  int when = 0;
  for (int t = 1; t <= 5000; ++t) {
    const double length = walk.step(1);
    if (length > largest) largest = length, when = t;
    if (t == 1 || t == 12 || t == 100 || t == 1000 || t == 5000)
      std::printf("gradient of 1, step %4d: %.2f eta\n", t, length);
  }
  std::printf("the longest step is number %d: %.2f eta\n", when, largest);
}
