// SPDX-License-Identifier: MIT
//
// LeNet-5 (LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition,
// 1998). What was new: filters that are learned and shared over the image, instead of features made by
// hand, and all layers trained together. Activations are tanh, and pooling takes the mean.
//
//   lenet_1998 [DIRECTORY WITH MNIST]
//
// Prints the share of test images that it gets right after each of ten epochs.
#include <cstdio>

#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"

using namespace fovea;

int main(int argc, char** argv) try {
  auto [train, test] =
      argc > 1 ? load_mnist(argv[1], read_file_or_gzip) : synthetic_train_and_test(10000, 1000);
  Rng rng{1};
  auto net =
      sequential<float>(Shape{1, 28, 28}, rng, conv2d({.out = 6, .kernel = 5, .padding = 2}),
                        Tanh{}, avg_pool2d(2), conv2d({.out = 16, .kernel = 5}), Tanh{},
                        avg_pool2d(2), conv2d({.out = 120, .kernel = 5}), Tanh{}, flatten,  //
                        linear(84), Tanh{}, linear(10));
  std::printf("%s", summary(net).c_str());
  check(std::fflush(stdout) == 0, "standard output cannot be written");

  constexpr std::uint64_t epochs = 10;
  auto w = net.workspace(64);
  Sgd sgd{net, {.momentum = 0.9}};
  const Cosine schedule{.rate = 0.03,
                        .steps = epochs * static_cast<std::uint64_t>(batches(train, 64).count())};
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& [images, labels] : batches(train, 64, {.seed = 1, .epoch = epoch})) {
      sgd.options.learning_rate = schedule(sgd.steps());
      cross_entropy(net.forward(images, w), labels, w.output_gradient());
      net.backward(w);
      sgd.step(net, w);
    }
    std::printf("epoch %d: %.2f %%\n", static_cast<int>(epoch) + 1,
                evaluate(net, test).accuracy().percent());
    check(std::fflush(stdout) == 0, "standard output cannot be written");
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
