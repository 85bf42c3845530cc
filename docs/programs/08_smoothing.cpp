// SPDX-License-Identifier: MIT
// Chapter 8, exercise 3: with label smoothing the best logits are finite.
#include <fovea/fovea.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace fovea;

int main() {
  const Tensor<Label, 1> label{0};
  for (const double ahead : {2.0, std::log(91.0), 10.0}) {
    Tensor<double, 2> z(Shape{1, 10});  // ten classes, the right one `ahead` of the others
    z(0, 0) = ahead;
    Tensor<double, 2> dz(z.shape());
    const double loss = cross_entropy(z, label, dz, {.smoothing = 0.1});
    std::printf("right logit ahead by %6.3f: L = %.4f with smoothing, %.4f without, dz0 = %7.4f\n",
                ahead, loss, cross_entropy(z, label), std::round(dz(0, 0) * 1e4) / 1e4 + 0.0);
  }
}
