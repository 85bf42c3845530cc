// SPDX-License-Identifier: MIT
// Chapter 4: two linear layers are one; with a ReLU between them they are not.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

// y = |x| with two hidden units: relu(x) + relu(-x).
template <class... Between>
auto two_layers(Between... between) {
  Rng rng{1};
  auto net = sequential<double>(Shape{1}, rng, linear({.out = 2, .bias = false}), between...,
                                linear({.out = 1, .bias = false}));
  std::get<0>(net.layers()).weight = {{1}, {-1}};
  std::get<sizeof...(between) + 1>(net.layers()).weight = {{1, 1}};
  return net;
}

int main() {
  const Tensor<double, 2> x{{-2}, {-1}, {0}, {1}, {2}};  // (N, in) = (5, 1)
  const auto show = [](const char* name, const auto& y) {
    std::printf("%-8s %s\n", name, to_string(y.reshape(Shape{5})).c_str());
  };
  show("x", x);
  show("linear", two_layers().predict(x));
  show("relu", two_layers(relu).predict(x));

  // And back: dy = 1 everywhere, so dx is the slope.
  auto net = two_layers(relu);
  auto w = net.workspace(5, {.input_gradient = true});
  net.forward(x, w);
  w.output_gradient().fill(1);
  net.backward(w);
  show("slope", w.input_gradient());
}
