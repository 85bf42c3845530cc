// SPDX-License-Identifier: MIT
// Chapter 18: 200 images, and four ways to learn more from them than their pixels.
#include <fovea/fovea.hpp>

#include <algorithm>
#include <cstdio>

using namespace fovea;

struct Recipe {
  const char* name;
  double dropout = 0, weight_decay = 0, smoothing = 0;
  Augment augment = {};
};

struct Result {
  double training, test;  // percent
};

Result train(const TrainAndTest& data, const Recipe& recipe, std::uint64_t seed) {
  Rng rng{seed};
  auto net = sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 8, .kernel = 5, .stride = 2}),
                                relu, max_pool2d(2), flatten, linear(64), relu,
                                dropout(recipe.dropout), linear(10));
  auto w = net.workspace(20, {.seed = seed});
  AdamW adamw{net, {.learning_rate = 3e-3, .weight_decay = recipe.weight_decay}};
  for (std::uint64_t epoch = 0; epoch < 40; ++epoch)
    for (const auto& [images, labels] :
         batches<double>(data.train, 20, {.seed = seed, .epoch = epoch}, recipe.augment)) {
      cross_entropy(net.forward(images, w), labels, w.output_gradient(),
                    {.smoothing = recipe.smoothing});
      net.backward(w);
      adamw.step(net, w);
    }
  return {evaluate(net, data.train).accuracy().percent(),
          evaluate(net, data.test).accuracy().percent()};
}

int main() {
  const Augment moved{.shift = 2, .rotate = 10, .scale = 0.1};
  const Recipe recipes[] = {
      {.name = "none"},
      {.name = "dropout 0.5", .dropout = 0.5},
      {.name = "weight decay 0.3", .weight_decay = 0.3},
      {.name = "weight decay 1", .weight_decay = 1},
      {.name = "smoothing 0.1", .smoothing = 0.1},
      {.name = "augmentation", .augment = moved},
      {.name = "augmentation and smoothing", .smoothing = 0.1, .augment = moved},
      {"all four", 0.5, 0.3, 0.1, moved}};
  const auto data = synthetic_train_and_test(200, 2000);
  std::printf("%-28s training      test, mean and range of three seeds\n", "");
  for (const Recipe& recipe : recipes) {
    double training = 0, test = 0, low = 100, high = 0;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const Result result = train(data, recipe, seed);
      training += result.training / 3, test += result.test / 3;
      low = std::min(low, result.test), high = std::max(high, result.test);
    }
    std::printf("%-28s  %5.1f %%   %5.1f %%  (%.1f to %.1f)\n", recipe.name, training, test, low,
                high);
  }
}
