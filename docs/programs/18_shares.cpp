// SPDX-License-Identifier: MIT
// Solutions to chapter 18: what dropout does to sums, what decay leaves, what 2000 images can say.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

int main() {
  // The sum of 100 ones after dropout, in 10 000 examples.
  for (const double p : {0.2, 0.5, 0.8}) {
    Rng rng{1};
    const auto net = sequential<float>(Shape{100}, rng, dropout(p));
    const Index N = 10000;
    const Tensor<float, 2> ones(Shape{N, 100}, 1.0F);
    auto w = net.workspace(N, {.seed = 1});
    const auto y = net.forward(ones, w, Mode::train);
    double sum = 0, squares = 0;
    for (Index n = 0; n < N; ++n) {
      double s = 0;
      for (Index i = 0; i < 100; ++i) s += static_cast<double>(y(n, i));
      sum += s, squares += (s - 100) * (s - 100);
    }
    std::printf("p = %.1f: mean %.0f, standard deviation %.1f, expected %.1f\n", p, sum / N,
                std::sqrt(squares / N), std::sqrt(100 * p / (1 - p)));
  }

  // A weight of 1 without a gradient, for 400 steps.
  for (const double decay : {0.01, 0.3, 1.0}) {
    Rng rng{1};
    auto net = sequential<double>(Shape{1}, rng, linear({.out = 1, .bias = false}));
    auto& weight = std::get<0>(net.layers()).weight;
    weight(0, 0) = 1;
    auto w = net.workspace(1);
    AdamW adamw{net, {.learning_rate = 3e-3, .weight_decay = decay}};
    for (int step = 0; step < 400; ++step) {
      net.forward(Tensor<double, 2>{{1}}, w);
      w.output_gradient()(0, 0) = 0;
      net.backward(w);
      adamw.step(net, w);
    }
    std::printf("decay %4g: %.3f of the weight is left\n", decay, weight(0, 0));
  }

  for (const Index right : {1940, 1990}) {
    const Accuracy accuracy{right, 2000};
    const auto [low, high] = accuracy.interval();
    std::printf("%.1f %% of 2000: from %.1f to %.1f %%\n", accuracy.percent(), low, high);
  }
}
