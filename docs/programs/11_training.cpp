// SPDX-License-Identifier: MIT
// Chapter 11: the training loop, twice with the same seed, once with another number of threads.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

struct Run {
  std::vector<double> losses;  // the mean of each epoch
  double accuracy = 0;         // percent
};

Run train(const TrainAndTest& data, std::uint64_t seed, int threads) {
  Rng rng{seed};
  auto net = sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 4, .kernel = 5, .stride = 2}),
                                relu, flatten, linear(10));
  auto w = net.workspace(32, {.threads = threads});
  Adam adam{net, {.learning_rate = 3e-3}};
  Run run;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    double total = 0;
    for (const auto& [images, labels] :
         batches<double>(data.train, 32, {.seed = seed, .epoch = epoch})) {
      const auto logits = net.forward(images, w);
      total +=
          cross_entropy(logits, labels, w.output_gradient()) * static_cast<double>(labels.size());
      net.backward(w);
      adam.step(net, w);
    }
    run.losses.push_back(total / static_cast<double>(data.train.size()));
  }
  run.accuracy = evaluate(net, data.test).accuracy().percent();
  return run;
}

int main() {
  const auto data = synthetic_train_and_test(500, 200);
  std::printf("500 images make %td batches of 32, the last of %td\n",
              batches(data.train, 32).count(), data.train.size() % 32);
  const Run first = train(data, 1, 1);
  for (std::size_t epoch = 0; epoch < 3; ++epoch)
    std::printf("epoch %zu: loss %.3f\n", epoch + 1, first.losses[epoch]);
  std::printf("right: %.1f %%\n", first.accuracy);
  std::printf("the same bits again: %s\n", train(data, 1, 1).losses == first.losses ? "yes" : "no");
  std::printf("with three threads:  %s\n", train(data, 1, 3).losses == first.losses ? "yes" : "no");
  std::printf("with another seed:   %s\n", train(data, 2, 1).losses == first.losses ? "yes" : "no");
}
