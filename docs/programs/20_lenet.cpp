// SPDX-License-Identifier: MIT
// Solutions to chapter 20: how many weights the milestones have, and LeNet with what came later.
#include <fovea/fovea.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace fovea;

template <class Bend, class Pool>
void train(const char* name, const TrainAndTest& data, const Bend& bend, const Pool& pool,
           double gain = 1) {
  Index weights = 0;
  double mean = 0, low = 100, high = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Rng rng{seed};
    auto net = sequential<double>(
        Shape{1, 28, 28}, rng, conv2d({.out = 6, .kernel = 5, .padding = 2}), bend, pool,
        conv2d({.out = 16, .kernel = 5}), bend, pool, conv2d({.out = 120, .kernel = 5}), bend,
        flatten, linear(84), bend, linear(10));
    if (gain > 1)  // He's weights, of the variance 2 / n
      net.for_each_parameter([&](const auto& parameter, auto&& tensor) {
        if (parameter.ends_with("weight"))
          for (Index i = 0; i < tensor.size(); ++i) tensor.data()[i] *= gain;
      });
    weights = net.parameter_count();
    auto w = net.workspace(20);
    Sgd sgd{net, {.learning_rate = 0.02, .momentum = 0.9}};
    for (std::uint64_t epoch = 0; epoch < 5; ++epoch)
      for (const auto& [images, labels] :
           batches<double>(data.train, 20, {.seed = seed, .epoch = epoch})) {
        cross_entropy(net.forward(images, w), labels, w.output_gradient());
        net.backward(w);
        sgd.step(net, w);
      }
    const double right = evaluate(net, data.test).accuracy().percent();
    mean += right / 3, low = std::min(low, right), high = std::max(high, right);
  }
  std::printf("LeNet-5, %td weights, %-28s right %.1f %% (%.1f to %.1f)\n", weights, name, mean,
              low, high);
}

int main() {
  const auto data = synthetic_train_and_test(500, 1000);
  train("tanh and the mean:", data, Tanh{}, avg_pool2d(2));
  train("tanh and the maximum:", data, Tanh{}, max_pool2d(2));
  train("ReLU and the mean:", data, relu, avg_pool2d(2));
  train("ReLU and the maximum:", data, relu, max_pool2d(2));
  train("the same, He's weights:", data, relu, max_pool2d(2), std::sqrt(6));

  Rng rng{1};
  const auto conv = [](Index out) { return conv2d({.out = out, .kernel = 3, .padding = 1}); };
  const auto vgg = sequential<float>(Shape{3, 32, 32}, rng, conv(64), relu, conv(64), relu,
                                     max_pool2d(2), conv(128), relu, conv(128), relu, max_pool2d(2),
                                     conv(256), relu, conv(256), relu, max_pool2d(2), flatten,
                                     dropout(0.5), linear(128), relu, dropout(0.5), linear(10));
  Index convolutions = 0;
  vgg.for_each_parameter([&](const auto& name, const auto& tensor) {
    if (name.starts_with("conv")) convolutions += tensor.size();
  });
  std::printf("VGG: %td weights, %td of them in convolutions\n", vgg.parameter_count(),
              convolutions);
}
