// SPDX-License-Identifier: MIT
// Chapter 14: Winograd's transform step by step, and how sparse the way back through pooling is.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;
using Matrix = Tensor<double, 2>;

int main() {
  const Matrix BT{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  const Matrix G{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  const Matrix AT{{1, 1, 1, 0}, {0, 1, -1, -1}};
  const Matrix d{{1, 2, 0, 3}, {4, 1, 1, 0}, {0, 2, 5, 1}, {3, 1, 0, 2}};  // 4 x 4 of the image
  const Matrix g{{2, 0, 4}, {0, 2, 0}, {-2, 4, 2}};                        // the kernel

  const auto sandwich = [](const Matrix& a, const Matrix& x) {
    return matmul(matmul(a, x), transpose(a));
  };
  const Matrix Y = sandwich(AT, sandwich(G, g) * sandwich(BT, d));
  std::printf("Winograd, 16 products: %s\n", to_string(Y.reshape(Shape{4})).c_str());

  Matrix direct(Shape{2, 2});
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 2; ++j)
      for (Index h = 0; h < 3; ++h)
        for (Index w = 0; w < 3; ++w) direct(i, j) += g(h, w) * d(i + h, j + w);
  std::printf("directly, 36 products: %s\n", to_string(direct.reshape(Shape{4})).c_str());

  // Noise through convolution, ReLU and pooling: how many of the convolution's gradients are not zero?
  Rng rng{1};
  const auto net = sequential<double>(
      Shape{1, 28, 28}, rng, conv2d({.out = 8, .kernel = 3, .padding = 1}), relu, max_pool2d(2));
  Tensor<double, 4> x(Shape{1, 1, 28, 28});
  for (double& pixel : x) pixel = rng.uniform(-1, 1);
  auto workspace = net.workspace(1, {.keep = Keep::everything});
  net.forward(x, workspace);
  workspace.output_gradient().fill(1);
  net.backward(workspace);
  Index alive = 0;
  const auto gradient = workspace.gradient<0>();  // (N, O, OH, OW) = (1, 8, 28, 28)
  for (const double value : gradient) alive += value != 0;
  std::printf("gradients behind pooling: %td of %td, at most %td possible\n", alive,
              gradient.size(), gradient.size() / 4);
}
