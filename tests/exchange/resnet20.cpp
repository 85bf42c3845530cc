// SPDX-License-Identifier: MIT
//
// The first steps of ResNet-20 on CIFAR-10 from given weights, to be compared with PyTorch's.
// tests/exchange/test_resnet20.py runs it.
//
//   resnet20 IN.safetensors DIRECTORY STEPS         prints the loss of every step
#include <cstdio>
#include <cstdlib>

#include "fovea/data/cifar.hpp"
#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"
#include "fovea/io/model_file.hpp"

using namespace fovea;

namespace {

auto conv(Index out, Index stride = 1) {
  return conv2d({.out = out, .kernel = 3, .stride = stride, .padding = 1, .bias = false});
}
auto block(Index channels) {
  return chain(residual(conv(channels), batch_norm2d(), relu, conv(channels), batch_norm2d()),
               relu);
}
auto half(Index channels) {
  return chain(
      residual(chain(conv(channels, 2), batch_norm2d(), relu, conv(channels), batch_norm2d()),
               chain(conv2d({.out = channels, .stride = 2, .bias = false}), batch_norm2d())),
      relu);
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc == 4, "resnet20: expected a file, a directory and a number of steps");
  auto [train, test] = load_cifar10(argv[2], read_file_or_gzip);
  Rng rng{1};
  auto net = sequential<float>(Shape{3, 32, 32}, rng, conv(16), batch_norm2d(), relu,
                               repeat(3, block(16)), half(32), repeat(2, block(32)), half(64),
                               repeat(2, block(64)), global_avg_pool2d, flatten, linear(10));
  load_model(argv[1], net);
  auto w = net.workspace(128);
  Sgd sgd{net, {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true}};
  const OneCycle schedule{.peak = 0.2, .steps = 3910};
  auto all = batches(train, 128, {.shuffle = false});
  for (Index step = 0; step < std::atoi(argv[3]); ++step) {
    sgd.options.learning_rate = schedule(sgd.steps());
    const auto [images, labels] = all[step];
    std::printf("%.7f\n", static_cast<double>(
                              cross_entropy(net.forward(images, w), labels, w.output_gradient())));
    net.backward(w);
    sgd.step(net, w);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
