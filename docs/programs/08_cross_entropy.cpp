// SPDX-License-Identifier: MIT
// Chapter 8: probabilities, the loss, and its gradient, for two examples and three classes.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  const Tensor<double, 2> z{{2, 1, 0}, {0, 0, 0}};  // logits (N, K) = (2, 3)
  const Tensor<Label, 1> labels{0, 2};              // (N)
  const auto p = softmax(z);
  Tensor<double, 2> dz(z.shape());
  const double loss = cross_entropy(z, labels, dz);
  for (Index n = 0; n < 2; ++n) std::printf("p  = %7.4f %7.4f %7.4f\n", p(n, 0), p(n, 1), p(n, 2));
  std::printf("L  = %.4f\n", loss);
  for (Index n = 0; n < 2; ++n)
    std::printf("dz = %7.4f %7.4f %7.4f\n", dz(n, 0), dz(n, 1), dz(n, 2));

  // Logits that would overflow a careless exp.
  const Tensor<float, 2> huge{{10000, 9999}};
  const Tensor<Label, 1> second{1};
  std::printf("logits of 10000 and 9999: L = %.4f\n",
              static_cast<double>(cross_entropy(huge, second)));
}
