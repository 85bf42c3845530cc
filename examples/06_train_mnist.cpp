// SPDX-License-Identifier: MIT
// Trains a network to read digits and prints, after each epoch, the share of test images it gets right.
#include <err.h>
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

int main(int argc, char** argv) {
  // MNIST from a directory with its four unpacked files, or drawn digits without one.
  auto [train, test] = argc > 1 ? load_mnist(argv[1]) : synthetic_train_and_test(10000, 1000);
  Rng rng{1};
  auto net = sequential<float>(Shape{1, 28, 28}, rng,
    conv2d({.out = 32, .kernel = 3, .padding = 1}), relu, max_pool2d(2),
    conv2d({.out = 64, .kernel = 3, .padding = 1}), relu, max_pool2d(2),
    flatten, linear(128), relu, linear(10));
  auto w = net.workspace(64);  // all memory of a forward and a backward
  Adam adam{net, {.learning_rate = 1e-3}};
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    for (const auto& [images, labels] : batches(train, 64, {.seed = 1, .epoch = epoch})) {
      const auto logits = net.forward(images, w);
      cross_entropy(logits, labels, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
    }
    const auto result = evaluate(net, test).accuracy();
    std::printf("epoch %d: %.2f %%\n", static_cast<int>(epoch) + 1, result.percent());
  }
  if (std::fflush(stdout) != 0) err(1, "standard output");  // a full disk, for instance
}
