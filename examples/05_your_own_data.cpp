// SPDX-License-Identifier: MIT
//
// 5. Your own data: training on arrays that your program owns, in a loop that you write.
//
// The points of two spirals are learned by a small network. Prints the loss every 100 steps, falling
// from about 0.7 (guessing) towards zero, and the share of points it gets right.
#include <err.h>

#include <cmath>
#include <cstdio>
#include <numbers>
#include <vector>

#include "fovea/fovea.hpp"

using namespace fovea;

int main() {
  constexpr Index N = 400;
  std::vector<float> points;  // x0 y0 x1 y1 ...
  std::vector<Label> classes;
  Rng rng{1};
  for (Index i = 0; i < N; ++i) {
    const int arm = static_cast<int>(i % 2);
    const double r = 0.1 + 0.9 * rng.uniform();
    const double angle = 4 * r + arm * std::numbers::pi;
    points.push_back(static_cast<float>(r * std::cos(angle) + 0.02 * rng.normal()));
    points.push_back(static_cast<float>(r * std::sin(angle) + 0.02 * rng.normal()));
    classes.push_back(arm);
  }
  // Views of your memory: nothing is copied.
  const View<const float, 2> x(points.data(), Shape{N, 2});
  const View<const Label, 1> labels(classes.data(), Shape{N});

  auto net = sequential<float>(Shape{2}, rng, linear(64), relu, linear(64), relu, linear(2));
  auto w = net.workspace(N);
  AdamW adam{net, {.learning_rate = 5e-3, .weight_decay = 1e-4}};
  const Cosine schedule{.rate = 5e-3, .steps = 500};
  for (int step = 0; step < 500; ++step) {
    adam.options.learning_rate = schedule(adam.steps());
    const auto logits = net.forward(x, w);
    const float loss = cross_entropy(logits, labels, w.output_gradient());
    net.backward(w);
    adam.step(net, w);
    if (step % 100 == 0) std::printf("step %3d  loss %.4f\n", step, static_cast<double>(loss));
  }

  ConfusionMatrix confusion(2);
  confusion.add(net.predict(x), labels);
  std::printf("right: %.1f %%\n", confusion.accuracy().percent());
  if (std::fflush(stdout) != 0) err(1, "standard output");  // a full disk, for instance
}
