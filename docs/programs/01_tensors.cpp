// SPDX-License-Identifier: MIT
// Chapter 1: where the elements of a tensor stand in memory, and what a view is.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

/// Where x[n, c, h, w] stands in a tensor of shape (N, C, H, W).
Index where(Index n, Index c, Index h, Index w, Index C, Index H, Index W) {
  Index offset = n;         // images before this one
  offset = offset * C + c;  // planes before this one
  offset = offset * H + h;  // rows before this one
  offset = offset * W + w;  // elements before this one
  return offset;
}

int main() {
  Tensor<float, 4> x(Shape{2, 3, 4, 5});  // (N, C, H, W): two images, three channels, 4 x 5 pixels
  const auto [N, C, H, W] = x.shape();
  std::printf("%s has %td elements\n", to_string(x.shape()).c_str(), x.size());

  // Walk through all elements, the last index fastest, and count the cells.
  Index cell = 0, wrong = 0;
  for (Index n = 0; n < N; ++n)
    for (Index c = 0; c < C; ++c)
      for (Index h = 0; h < H; ++h)
        for (Index w = 0; w < W; ++w) {
          if (where(n, c, h, w, C, H, W) != cell) ++wrong;
          ++cell;
        }
  std::printf("walked through %td cells, the formula was wrong at %td\n", cell, wrong);

  std::printf("by the formula x(1, 2, 3, 4) stands at %td\n", where(1, 2, 3, 4, C, H, W));
  std::printf("its address says               %td\n", &x(1, 2, 3, 4) - x.data());

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
