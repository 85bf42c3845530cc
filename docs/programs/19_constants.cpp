// SPDX-License-Identifier: MIT
// Solutions to chapter 19: the best constant of each loss, and a yes that is rare.
#include <fovea/fovea.hpp>
#include <fovea/nn/losses.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

/// The number y with the smallest loss(y, slope), where the slope is zero, by halving.
template <class Loss>
double best(const Loss& loss) {
  double low = -100, high = 100, slope = 0;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    loss(middle, slope);
    (slope < 0 ? low : high) = middle;
  }
  return low;
}

int main() {
  const Tensor<double, 1> t{0, 0, 0, 10};
  Tensor<double, 1> dy(Shape{4});
  const auto report = [&](const char* name, const auto& loss) {
    std::printf("%-12s y = %.4f\n", name, best([&](double y, double& slope) {
                  loss(Tensor<double, 1>(Shape{4}, y));
                  slope = sum(dy);
                }));
  };
  report("mse", [&](const auto& y) { mse(y, t, dy); });
  for (const double a : {100.0, 1.0, 0.01})
    report(concat("huber, ", a).c_str(), [&](const auto& y) { huber(y, t, dy, {.delta = a}); });

  // A logit of one class, and two logits of which one is 0.
  for (const double z : {-2.0, 0.0, 3.0}) {
    const Tensor<Label, 1> yes{0};
    std::printf("z = %2g: %.6f and %.6f\n", z,
                bce_with_logits(Tensor<double, 2>{{z}}, Tensor<double, 2>{{1}}),
                cross_entropy(Tensor<double, 2>{{z, 0}}, yes));
  }

  // One yes among ten answers, and what the network says when it knows no more than that.
  Tensor<double, 2> answers(Shape{10, 1}), gradient(Shape{10, 1});
  answers(0, 0) = 1;
  for (const double weight : {1.0, 3.0, 9.0}) {
    const Tensor<double, 1> weights{weight};
    const double z = best([&](double y, double& slope) {
      bce_with_logits(Tensor<double, 2>(Shape{10, 1}, y), answers, gradient,
                      {.positive_weights = weights});
      slope = sum(gradient);
    });
    std::printf("weight %g: p = %.4f\n", weight, 1 / (1 + math::exp(-z)));
  }
}
