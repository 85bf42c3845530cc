// SPDX-License-Identifier: MIT
// Chapter 17: how much of a gradient reaches the first layer of deep networks.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

/// The norm of the gradient of conv1's output if one of norm 1 comes in at the end. `gain` is a
/// factor for all weights of convolutions.
template <class Block>
double reaches(Index blocks, const Block& block, double gain) {
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 8, 8}, rng, conv2d({.out = 8, .kernel = 3, .padding = 1}),
                                repeat(blocks, block));
  net.for_each_parameter([&](const auto& name, auto&& tensor) {
    if (name.find("conv") != name.npos && name.ends_with("weight"))
      for (Index i = 0; i < tensor.size(); ++i) tensor.data()[i] *= gain;
  });
  auto w = net.workspace(8, {.keep = Keep::everything});
  Tensor<double, 4> x(Shape{8, 1, 8, 8});
  for (double& value : x) value = rng.normal();
  net.forward(x, w, Mode::train);
  const auto dy = w.output_gradient();
  for (double& g : dy) g = rng.normal() / std::sqrt(static_cast<double>(dy.size()));
  net.backward(w);
  double squares = 0;
  for (const double g : w.template gradient<0>()) squares += g * g;
  return std::sqrt(squares);
}

int main() {
  const auto conv = conv2d({.out = 8, .kernel = 3, .padding = 1});
  const auto plain = chain(relu, conv, relu, conv);
  const auto residuals = residual(relu, conv, relu, conv);
  const auto bn = batch_norm2d();
  const auto normal = chain(bn, relu, conv, bn, relu, conv);
  const auto both = residual(bn, relu, conv, bn, relu, conv);
  const double he = std::sqrt(6);  // from the variance 1 / (3 n) to 2 / n

  std::printf("          library's weights     He's weights          batch normalisation\n");
  std::printf("blocks    plain     residual    plain     residual    plain     residual\n");
  for (const Index n : {4, 16, 48})
    std::printf("%6td  %8.1e  %8.1e    %8.1e  %8.1e    %8.1e  %8.1e\n", n, reaches(n, plain, 1),
                reaches(n, residuals, 1), reaches(n, plain, he), reaches(n, residuals, he),
                reaches(n, normal, 1), reaches(n, both, 1));
}
