// SPDX-License-Identifier: MIT
//
// A small VGG (Simonyan and Zisserman, Very deep convolutional networks for large-scale image
// recognition, 2014). What was new: nothing but 3 x 3 kernels. Two of them see 5 x 5 pixels, with fewer
// weights than one of 5 x 5 has and a ReLU more, so networks became deep. Dropout keeps the large linear
// layers from learning the images by heart.
//
//   vgg_2014 DIRECTORY WITH CIFAR-10 [EPOCHS]
//
// Prints the share of test images that it gets right after each epoch (20 unless said otherwise).
#include <cstdio>
#include <cstdlib>

#include "fovea/data/cifar.hpp"
#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"

using namespace fovea;

int main(int argc, char** argv) try {
  check(argc > 1, "vgg_2014: expected the directory with CIFAR-10");
  auto [train, test] = load_cifar10(argv[1], read_file_or_gzip);
  const auto epochs = static_cast<std::uint64_t>(argc > 2 ? std::atoi(argv[2]) : 20);
  Rng rng{1};
  const auto conv = [](Index out) { return conv2d({.out = out, .kernel = 3, .padding = 1}); };
  auto net = sequential<float>(Shape{3, 32, 32}, rng,                            //
                               conv(64), relu, conv(64), relu, max_pool2d(2),    //
                               conv(128), relu, conv(128), relu, max_pool2d(2),  //
                               conv(256), relu, conv(256), relu, max_pool2d(2),  //
                               flatten, dropout(0.5), linear(128), relu, dropout(0.5), linear(10));
  std::printf("%s", summary(net).c_str());
  check(std::fflush(stdout) == 0, "standard output cannot be written");

  auto w = net.workspace(128);
  Sgd sgd{net, {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true}};
  const auto steps = epochs * static_cast<std::uint64_t>(batches(train, 128).count());
  const OneCycle schedule{.peak = 0.05, .steps = steps};
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& [images, labels] : batches(train, 128, {.seed = 1, .epoch = epoch},
                                                Augment{.mirror = Mirror::random, .crop = 4})) {
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
