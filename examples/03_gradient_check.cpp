// SPDX-License-Identifier: MIT
//
// 3. The gradient check: does backward compute the derivative of forward?
//
// Prints, for a small network and each of its parameters, how far the hand-written gradient is from
// the finite difference: some 1e-10 of the largest entry. A wrong sign would print 2.
#include <err.h>

#include <cstdio>

#include "fovea/fovea.hpp"

using namespace fovea;

int main() {
  Rng rng{1};
  // double: in float, rounding would drown the difference.
  const auto net =
      sequential<double>(Shape{2, 7, 6}, rng, conv2d({.out = 3, .kernel = 3, .padding = 1}), relu,
                         max_pool2d(2), flatten, linear(4));

  Tensor<double, 4> x(Shape{2, 2, 7, 6});
  for (double& value : x) value = rng.uniform(-1, 1);

  const auto result = gradient_check(net, x);
  std::printf("%s\nworst: %.1e, %s\n", to_string(result).c_str(), result.max_error,
              result.max_error <= 1e-6 ? "the gradients are right" : "something is wrong");
  if (std::fflush(stdout) != 0) err(1, "standard output");  // a full disk, for instance
}
