// SPDX-License-Identifier: MIT
// Chapter 6: the windows of an image as columns of a matrix, and a convolution without that matrix.
#include <fovea/fovea.hpp>
#include <fovea/nn/reference/im2col.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  const Tensor<double, 4> x{{{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}}};  // (N, C, H, W) = (1, 1, 3, 3)
  const Window window{.kernel = 2};
  Tensor<double, 2> columns(Shape{4, 4});  // (C KH KW, OH OW)
  reference::im2col(x.data(), 1, 3, 3, window, columns.data());
  std::printf("columns =\n%s\n", to_string(columns).c_str());

  // The convolution is a matrix product ...
  Rng rng{1};
  auto net =
      sequential<double>(Shape{1, 3, 3}, rng, conv2d({.out = 1, .kernel = 2, .bias = false}));
  std::get<0>(net.layers()).weight = {{{{1, 2}, {3, 4}}}};  // (O, C, KH, KW) = (1, 1, 2, 2)
  const Tensor<double, 2> w{{1, 2, 3, 4}};                  // the same as a matrix (O, C KH KW)
  std::printf("W columns   = %s\n", to_string(matmul(w, columns)).c_str());
  // ... and the library, which writes no columns, says the same.
  std::printf("the library = %s\n", to_string(net.predict(x).reshape(Shape{1, 4})).c_str());

  // col2im is the transpose: <im2col x, c> = <x, col2im c> for any c.
  Tensor<double, 2> c(columns.shape());
  for (double& value : c) value = static_cast<double>(rng.below(10));
  Tensor<double, 4> back(x.shape());
  reference::col2im(c.data(), 1, 3, 3, window, back.data());
  std::printf("<im2col x, c> = %g, <x, col2im c> = %g\n", sum(columns * c), sum(x * back));
}
