// SPDX-License-Identifier: MIT
// Chapter 2: a chain of layers, and what a layer promises about its gradient.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Rng rng{1};
  const auto net =
      sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 4, .kernel = 3, .padding = 1}), relu,
                         max_pool2d(2), flatten, linear(10));
  std::printf("%s\n", summary(net).c_str());

  // s = <y, dy> for a random x and a random dy. One backward gives ds/dx for all 784 pixels ...
  Tensor<double, 4> x(Shape{1, 1, 28, 28});
  for (double& pixel : x) pixel = rng.uniform(-1, 1);
  auto w = net.workspace(1, {.input_gradient = true});
  net.forward(x, w);
  for (double& g : w.output_gradient()) g = rng.uniform(-1, 1);
  const Tensor<double, 2> dy(as_const(w.output_gradient()));
  net.backward(w);
  const double promised = w.input_gradient()(0, 0, 14, 14);

  // ... and two forwards measure one of them.
  const auto s = [&](double change) {
    Tensor<double, 4> moved = x;
    moved(0, 0, 14, 14) += change;
    return sum(net.predict(moved) * dy);
  };
  const double measured = (s(1e-5) - s(-1e-5)) / 2e-5;
  std::printf("ds/dx at pixel (14, 14): backward %.6f, measured %.6f\n", promised, measured);
}
