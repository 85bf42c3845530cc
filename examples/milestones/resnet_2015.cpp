// SPDX-License-Identifier: MIT
//
// ResNet-20 (He, Zhang, Ren and Sun, Deep residual learning for image recognition, 2015). What was new: a
// block computes what is to be added to its input. Before, a deeper network was harder to train than a
// shallow one; now its gradient reaches the first layer through sums alone. With batch normalisation
// (Ioffe and Szegedy, 2015) after every convolution it takes large steps, and needs no dropout.
//
//   resnet_2015 DIRECTORY WITH CIFAR-10 [EPOCHS [SEED]]
//
// Prints the loss and the share of test images that it gets right after each epoch (10 unless said
// otherwise).
#include <cstdio>
#include <cstdlib>

#include "fovea/data/cifar.hpp"
#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"

using namespace fovea;

namespace {

auto conv(Index out, Index stride = 1) {
  return conv2d({.out = out, .kernel = 3, .stride = stride, .padding = 1, .bias = false});
}
/// y = relu(x + f(x))
auto block(Index channels) {
  return chain(residual(conv(channels), batch_norm2d(), relu, conv(channels), batch_norm2d()),
               relu);
}
/// The same with half the rows and columns, where x goes through a 1 x 1 convolution.
auto half(Index channels) {
  return chain(
      residual(conv(channels, 2), batch_norm2d(), relu, conv(channels), batch_norm2d(),
               shortcut(conv2d({.out = channels, .stride = 2, .bias = false}), batch_norm2d())),
      relu);
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc > 1, "resnet_2015: expected the directory with CIFAR-10");
  auto [train, test] = load_cifar10(argv[1], read_file_or_gzip);
  const auto epochs = static_cast<std::uint64_t>(argc > 2 ? std::atoi(argv[2]) : 10);
  const auto seed = static_cast<std::uint64_t>(argc > 3 ? std::atoi(argv[3]) : 1);
  Rng rng{seed};
  auto net = sequential<float>(Shape{3, 32, 32}, rng, conv(16), batch_norm2d(), relu,
                               repeat(3, block(16)), half(32), repeat(2, block(32)), half(64),
                               repeat(2, block(64)), global_avg_pool2d, flatten, linear(10));
  std::printf("%s", summary(net).c_str());
  check(std::fflush(stdout) == 0, "standard output cannot be written");

  auto w = net.workspace(128, {.seed = seed});
  Sgd sgd{net, {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true}};
  const auto steps = epochs * static_cast<std::uint64_t>(batches(train, 128).count());
  const OneCycle schedule{.peak = 0.2, .steps = steps};
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
    double loss = 0;
    for (const auto& [images, labels] : batches(train, 128, {.seed = seed, .epoch = epoch},
                                                Augment{.mirror = Mirror::random, .crop = 4})) {
      sgd.options.learning_rate = schedule(sgd.steps());
      loss +=
          static_cast<double>(images.extent(0)) *
          static_cast<double>(cross_entropy(net.forward(images, w), labels, w.output_gradient()));
      net.backward(w);
      sgd.step(net, w);
    }
    std::printf("epoch %d: loss %.4f, %.2f %%\n", static_cast<int>(epoch) + 1,
                loss / static_cast<double>(train.size()), evaluate(net, test).accuracy().percent());
    check(std::fflush(stdout) == 0, "standard output cannot be written");
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
