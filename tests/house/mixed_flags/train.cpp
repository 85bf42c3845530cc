// SPDX-License-Identifier: MIT
//
// One unit that trains; it is compiled several times, each time with other flags and another NAME.
#include <fovea/fovea.hpp>

using namespace fovea;

/// The percentage of training images that a small network gets right in the end.
double NAME() {
  const Dataset data = synthetic_digits(200, 1);
  Rng rng{1};
  Sequential net{
      Shape{1, 28, 28}, Conv2d<float>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
      Relu{},           MaxPool2d{{.kernel = 2}},
      Flatten{},        Linear<float>{{.in = 8 * 14 * 14, .out = 10}, rng}};
  auto w = net.workspace(50);
  Adam adam{net, {.learning_rate = 2e-3}};
  for (std::uint64_t epoch = 0; epoch < 8; ++epoch)
    for (const auto& [images, labels] : batches(data, 50, {.seed = 1, .epoch = epoch})) {
      const auto logits = net.forward(images, w);
      cross_entropy(logits, labels, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
    }
  return evaluate(net, data).accuracy().percent();
}
