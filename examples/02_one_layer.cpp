// SPDX-License-Identifier: MIT
//
// 2. One layer: a convolution whose weights we set by hand finds vertical edges.
//
// Prints a small image with a bright right half, and the response of the filter: large where dark
// meets bright, zero elsewhere.
#include <err.h>

#include <cstdio>

#include "fovea/fovea.hpp"

using namespace fovea;

int main() {
  Rng rng{1};
  auto net = sequential<float>(Shape{1, 4, 6}, rng, conv2d({.out = 1, .kernel = 3, .bias = false}));
  auto& [conv1] = net.layers();
  conv1.weight = {{{{-1, 0, 1}, {-1, 0, 1}, {-1, 0, 1}}}};  // (O, C, KH, KW) = (1, 1, 3, 3)

  const Tensor<float, 4> image{{{{0, 0, 0, 1, 1, 1},  // (N, C, H, W) = (1, 1, 4, 6)
                                 {0, 0, 0, 1, 1, 1},
                                 {0, 0, 0, 1, 1, 1},
                                 {0, 0, 0, 1, 1, 1}}}};
  const auto response = net.predict(image);  // (1, 1, 2, 4): a 3 x 3 window fits in 2 x 4 places

  std::printf("image:\n%s\n", to_string(image[0][0]).c_str());
  std::printf("left-to-right edges:\n%s\n", to_string(response[0][0]).c_str());
  if (std::fflush(stdout) != 0) err(1, "standard output");  // a full disk, for instance
}
