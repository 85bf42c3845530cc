// SPDX-License-Identifier: MIT
// Chapter 1: where the elements of a tensor stand in memory, and what a view is.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Tensor<float, 4> x(Shape{2, 3, 4, 5});  // (N, C, H, W): two images, three channels, 4 x 5 pixels
  const auto [N, C, H, W] = x.shape();
  std::printf("%s has %td elements\n", to_string(x.shape()).c_str(), x.size());

  const Index n = 1, c = 2, h = 3, w = 4;
  std::printf("by the formula x(1, 2, 3, 4) stands at %td\n", ((n * C + c) * H + h) * W + w);
  std::printf("its address says               %td\n", &x(n, c, h, w) - x.data());

  // The stride of an axis: how far it is to the next element along it.
  std::printf("strides: %td %td %td %td\n", &x(1, 0, 0, 0) - x.data(), &x(0, 1, 0, 0) - x.data(),
              &x(0, 0, 1, 0) - x.data(), &x(0, 0, 0, 1) - x.data());

  // A view looks at the same numbers: writing through it writes into x.
  const View<float, 3> image = x[1];                       // (C, H, W)
  const View<float, 2> row = image.reshape(Shape{1, 60});  // the same elements in one row
  row(0, 59) = 7;
  std::printf("x(1, 2, 3, 4) = %g\n", static_cast<double>(x(1, 2, 3, 4)));

  try {
    x.at(1, 3, 0, 0);
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
  }
}
