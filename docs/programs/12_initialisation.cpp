// SPDX-License-Identifier: MIT
// Chapter 12: how large a signal is after ten layers, for three sizes of the first weights.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

// The root of the mean square of what comes out of each of ten layers of 256 units with ReLU.
void follow(const char* name, double bound) {
  constexpr Index N = 64, units = 256;
  Rng rng{1};
  Tensor<double, 2> x(Shape{N, units});
  for (double& value : x) value = rng.normal();
  std::printf("%-18s", name);
  for (int depth = 1; depth <= 10; ++depth) {
    Tensor<double, 2> weight(Shape{units, units});  // (out, in)
    fill_uniform(weight.flat(), bound, rng);
    x = map(matmul(x, transpose(weight)), [](double y) { return y > 0 ? y : 0; });
    if (depth == 1 || depth == 2 || depth == 5 || depth == 10)
      std::printf("  %d: %-9.2g", depth, std::sqrt(mean(x * x)));
  }
  std::printf("\n");
}

int main() {
  follow("b = 1 / sqrt(in)", 1 / std::sqrt(256.0));
  follow("b = sqrt(6 / in)", std::sqrt(6 / 256.0));
  follow("b = 1", 1);
}
