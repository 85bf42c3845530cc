// SPDX-License-Identifier: MIT
// Chapter 7: who wins in each window, and where the gradient goes.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  Sequential net{Shape{1, 4, 4}, max_pool2d(2)};
  const Tensor<float, 4> x{{{{1, 3, 2, 0},  // (N, C, H, W) = (1, 1, 4, 4)
                             {4, 2, 1, 5},
                             {0, 0, 6, 6},
                             {0, 7, 6, 2}}}};
  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, w);  // (1, 1, 2, 2)
  std::printf("y =\n%s\n", to_string(y[0][0]).c_str());
  std::printf("winners, as offsets in the plane:\n%s\n",
              to_string(w.layer<0>().winner[0][0]).c_str());

  float next = 10;
  for (float& g : w.output_gradient()) g = next++;  // dy = 10, 11, 12, 13
  net.backward(w);
  std::printf("dx =\n%s\n", to_string(w.input_gradient()[0][0]).c_str());
}
