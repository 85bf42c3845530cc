// SPDX-License-Identifier: MIT
// Solutions to chapter 17: residuals that begin as nothing, and what a shortcut lets through.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

double norm(const auto& numbers) {
  double squares = 0;
  for (const double x : numbers) squares += x * x;
  return std::sqrt(squares);
}

int main() {
  const auto conv = conv2d({.out = 8, .kernel = 3, .padding = 1});
  for (const Index blocks : {4, 16, 48}) {
    Rng rng{1};
    auto net = sequential<double>(Shape{1, 8, 8}, rng, conv,
                                  repeat(blocks, residual(relu, conv, relu, conv)));
    auto& all = std::get<1>(net.layers());
    for (auto& block : all.blocks) {  // the last convolution of each f is zero
      auto& last = std::get<3>(block.f.layers());
      last.weight.fill(0), last.bias.fill(0);
    }
    auto w = net.workspace(8, {.keep = Keep::everything});
    Tensor<double, 4> x(Shape{8, 1, 8, 8});
    for (double& value : x) value = rng.normal();
    net.forward(x, w, Mode::train);
    const auto dy = w.output_gradient();
    for (double& g : dy) g = rng.normal() / std::sqrt(static_cast<double>(dy.size()));
    net.backward(w);
    std::printf("%2td blocks: %.6f comes in, %.6f reaches conv1\n", blocks, norm(dy),
                norm(w.gradient<0>()));
  }
  Rng rng{1};
  const auto half = residual(conv2d({.out = 6, .kernel = 3, .stride = 2, .padding = 1}), relu,
                             conv2d({.out = 6, .kernel = 3, .padding = 1}),
                             shortcut(conv2d({.out = 6, .stride = 2})));
  const auto net = sequential<double>(Shape{3, 8, 7}, rng, half);
  std::printf("%s", summary(net).c_str());
  Tensor<double, 4> x(Shape{2, 3, 8, 7});
  for (double& value : x) value = rng.normal();
  std::printf("gradients: %s\n", gradient_check(net, x).max_error < 1e-6 ? "right" : "wrong");

  // What comes back through the shortcut alone.
  const auto past = sequential<double>(Shape{3, 8, 7}, rng, conv2d({.out = 6, .stride = 2}));
  auto w = past.workspace(2, {.input_gradient = true});
  past.forward(x, w);
  for (double& g : w.output_gradient()) g = 1;
  past.backward(w);
  Index zero = 0;
  for (const double g : w.input_gradient()) zero += exactly_equal(g, 0);
  std::printf("%td of %td pixels get nothing through the shortcut\n", zero,
              w.input_gradient().size());
}
