// SPDX-License-Identifier: MIT
//
// The first steps of the ResNet-20 of examples/milestones/resnet_2015.cpp on CIFAR-10, from given weights
// and on given images, without augmentation. tests/exchange/test_resnet20.py compares them with PyTorch's.
//
//   resnet20 float|double IN.safetensors ORDER.npy DIRECTORY WITH CIFAR-10
//
// Prints the loss of every step; ORDER has the numbers of the training images, 128 to a step.
#include <cstdio>
#include <string_view>

#include "fovea/data/cifar.hpp"
#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/io/npy.hpp"

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
      residual(conv(channels, 2), batch_norm2d(), relu, conv(channels), batch_norm2d(),
               shortcut(conv2d({.out = channels, .stride = 2, .bias = false}), batch_norm2d())),
      relu);
}

template <class T>
void train(const std::string& weights, const Dataset& data) {
  Rng rng{1};
  auto net = sequential<T>(Shape{3, 32, 32}, rng, conv(16), batch_norm2d(), relu,
                           repeat(3, block(16)), half(32), repeat(2, block(32)), half(64),
                           repeat(2, block(64)), global_avg_pool2d, flatten, linear(10));
  load_model(weights, net);
  auto w = net.workspace(128);
  Sgd sgd{net, {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true}};
  const OneCycle schedule{.peak = 0.2, .steps = 3910};
  for (const auto& [images, labels] : batches<T>(data, 128, {.shuffle = false})) {
    sgd.options.learning_rate = schedule(sgd.steps());
    const auto loss = cross_entropy(net.forward(images, w), labels, w.output_gradient());
    std::printf("%.17g\n", static_cast<double>(loss));
    std::fflush(stdout);
    net.backward(w);
    sgd.step(net, w);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc == 5, "resnet20: expected a type, two files and a directory, got ", argc - 1,
        " arguments");
  const auto all = load_cifar10(argv[4], read_file_or_gzip).train;
  const auto order = read_npy<std::int64_t, 1>(argv[3]);
  Dataset data{all.name, Tensor<std::uint8_t, 4>(all.images.shape().with_batch(order.size())),
               Tensor<Label, 1>(Shape{order.size()}), all.classes, all.scaling};
  for (Index n = 0; n < order.size(); ++n) {
    const View<const std::uint8_t, 3> image = all.images[order(n)];
    std::copy(image.begin(), image.end(), data.images[n].begin());
    data.labels(n) = all.labels(order(n));
  }
  if (std::string_view(argv[1]) == "double")
    train<double>(argv[2], data);
  else
    train<float>(argv[2], data);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
