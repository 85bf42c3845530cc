// SPDX-License-Identifier: MIT
// Chapter 19: a line through points of which some are wrong, and three questions about one digit.
#include <fovea/fovea.hpp>
#include <fovea/nn/losses.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

/// t = 2 x + 1 and a little noise, for 40 places x; every eighth measurement is 8 too low.
struct Points {
  Tensor<double, 2> x{Shape{40, 1}}, t{Shape{40, 1}};
  explicit Points(bool outliers) {
    Rng rng{1};
    for (Index n = 0; n < 40; ++n) {
      x(n, 0) = rng.uniform(-1, 1);
      t(n, 0) = 2 * x(n, 0) + 1 + 0.1 * rng.normal() - (outliers && n % 8 == 0 ? 8 : 0);
    }
  }
};

template <class Loss>
void fit(const char* name, const Points& points, const Loss& loss) {
  Rng rng{1};
  auto net = sequential<double>(Shape{1}, rng, linear(1));
  auto w = net.workspace(40);
  Sgd sgd{net, {.learning_rate = 0.1}};
  for (int step = 0; step < 2000; ++step) {
    loss(net.forward(points.x, w), points.t, w.output_gradient());
    net.backward(w);
    sgd.step(net, w);
  }
  const auto& [fc1] = net.layers();
  std::printf("%-22s y = %.2f x %s %.2f\n", name, fc1.weight(0, 0), fc1.bias(0) < 0 ? "-" : "+",
              std::abs(fc1.bias(0)));
}

/// Even? At least 5? A 7?
void answers(View<const Label, 1> labels, Tensor<double, 2>& t) {
  for (Index n = 0; n < labels.size(); ++n) {
    t(n, 0) = labels[n] % 2 == 0;
    t(n, 1) = labels[n] >= 5;
    t(n, 2) = labels[n] == 7;
  }
}

int main() {
  const auto squared = [](auto y, auto& t, auto dy) { mse(y, t, dy); };
  const auto robust = [](auto y, auto& t, auto dy) { huber(y, t, dy, {.delta = 0.3}); };
  fit("mse, no outliers", Points(false), squared);
  fit("mse, 5 outliers", Points(true), squared);
  fit("huber, no outliers", Points(false), robust);
  fit("huber, 5 outliers", Points(true), robust);

  // One network, three answers for each image.
  const auto [train, test] = synthetic_train_and_test(500, 1000);
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 8, .kernel = 5, .stride = 2}),
                                relu, flatten, linear(32), relu, linear(3));
  auto w = net.workspace(25);
  Adam adam{net, {.learning_rate = 3e-3}};
  Tensor<double, 2> t(Shape{25, 3});
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch)
    for (const auto& [images, labels] : batches<double>(train, 25, {.seed = 1, .epoch = epoch})) {
      answers(labels, t);
      bce_with_logits(net.forward(images, w), t, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
    }
  Index right[3] = {}, yes[3] = {};
  for (const auto& [images, labels] : batches<double>(test, 25, {.shuffle = false})) {
    const auto z = net.forward(images, w, Mode::eval);
    answers(labels, t);
    for (Index n = 0; n < 25; ++n)
      for (Index k = 0; k < 3; ++k) {
        right[k] += (z(n, k) > 0) == (t(n, k) > 0.5);
        yes[k] += t(n, k) > 0.5;
      }
  }
  std::printf("\n");
  const char* const questions[] = {"even?", "at least 5?", "a 7?"};
  for (Index k = 0; k < 3; ++k)
    std::printf("%-12s yes for %4.1f %%, right %4.1f %%\n", questions[k],
                static_cast<double>(yes[k]) / 10, static_cast<double>(right[k]) / 10);

  // Cross-entropy with a target that is no label, and with classes of different weights.
  const Tensor<double, 2> z{{2, 1, 0}, {0, 0, 0}}, q{{0.7, 0.3, 0}, {0, 0.5, 0.5}};
  Tensor<double, 2> dz(z.shape());
  const auto show = [&](const char* name, double loss) {
    std::printf("\n%s: L = %.4f\n", name, loss);
    for (Index n = 0; n < 2; ++n)
      std::printf("dz = %7.4f %7.4f %7.4f\n", dz(n, 0), dz(n, 1), dz(n, 2));
  };
  show("soft targets", cross_entropy(z, q, dz));
  const Tensor<Label, 1> labels{0, 2};
  const Tensor<double, 1> weights{1, 1, 3};
  show("the last class weighs 3", cross_entropy(z, labels, dz, {.class_weights = weights}));
}
