// SPDX-License-Identifier: MIT
// Solutions to chapter 16: larger weights before a normalisation, two numbers, and none left.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

double norm(const auto& tensor) {
  double squares = 0;
  for (const double x : tensor) squares += x * x;
  return std::sqrt(squares);
}

/// No -0.0000.
double rounded(double x) { return std::abs(x) < 5e-5 ? 0 : x; }

int main() {
  // The weights of a convolution, times a factor.
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 8, 8}, rng, conv2d({.out = 4, .kernel = 3, .bias = false}),
                                batch_norm2d());
  auto& conv = std::get<0>(net.layers());
  const auto first = conv.weight;
  Tensor<double, 4> x(Shape{8, 1, 8, 8});
  for (double& value : x) value = rng.normal();
  auto w = net.workspace(8, {.keep = Keep::everything});
  Tensor<double, 4> dy(Shape{8, 4, 6, 6});
  for (double& value : dy) value = rng.normal();
  for (const double factor : {1.0, 10.0, 100.0}) {
    for (Index i = 0; i < first.size(); ++i) conv.weight.data()[i] = factor * first.data()[i];
    const double size = norm(net.forward(x, w, Mode::train));
    std::copy(dy.begin(), dy.end(), w.output_gradient().begin());
    net.backward(w);
    const auto& dW = w.layer<0>().dweight;
    double inner = 0;
    for (Index i = 0; i < dW.size(); ++i) inner += dW.data()[i] * conv.weight.data()[i];
    std::printf("W times %3g: |y| = %.2f, |dW| = %7.4f, <W, dW> / (|W| |dW|) = %.2f\n", factor,
                size, norm(dW), std::abs(inner) / norm(dW) / norm(conv.weight));
  }

  // Two numbers of a channel, whatever they are.
  Sequential two{Shape{1}, BatchNorm2d<double>{{.channels = 1}}};
  auto v = two.workspace(2, {.keep = Keep::everything, .input_gradient = true});
  for (const double b : {1.0, 5.0, 1000.0}) {
    const auto y = two.forward(Tensor<double, 2>{{0}, {b}}, v, Mode::train);
    std::printf("x = (0, %4g): y = (%.4f, %.4f)", b, y(0, 0), y(1, 0));
    v.output_gradient()(0, 0) = 3, v.output_gradient()(1, 0) = -1;
    two.backward(v);
    const auto dx = v.input_gradient();
    std::printf(", dx = (%.4f, %.4f)\n", rounded(dx(0, 0)), rounded(dx(1, 0)));
  }

  // Folded into the convolution before it.
  auto& bn = std::get<1>(net.layers());
  for (Index c = 0; c < 4; ++c) {
    bn.weight(c) = rng.uniform(0.5, 2), bn.bias(c) = rng.normal();
    bn.running_mean(c) = rng.normal(), bn.running_var(c) = rng.uniform(0.5, 2);
  }
  auto folded = sequential<double>(Shape{1, 8, 8}, rng, conv2d({.out = 4, .kernel = 3}));
  auto& [both] = folded.layers();
  for (Index o = 0; o < 4; ++o) {
    const double scale = bn.weight(o) / std::sqrt(bn.running_var(o) + bn.options.eps);
    for (Index i = 0; i < 9; ++i)
      both.weight.data()[9 * o + i] = scale * conv.weight.data()[9 * o + i];
    both.bias(o) = bn.bias(o) - scale * bn.running_mean(o);
  }
  const double error = relative_error(net.predict(x), folded.predict(x));
  std::printf("folded into the convolution: %s\n", error < 1e-12 ? "the same" : "something else");
}
