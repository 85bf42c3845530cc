// SPDX-License-Identifier: MIT
#include "explain/networks.hpp"
#include "fovea/explain/attacks.hpp"

using namespace test;

namespace {

template <class T>
Tensor<T, 4> attacked(const auto& net, View<const T, 4> images, View<const Label, 1> labels,
                      const Scaling& scaling, const AttackOptions& options) {
  Attack attack{net, images.extent(0), scaling, options};
  return Tensor<T, 4>(attack(net, images, labels));
}

AttackOptions with_threads(AttackOptions options, int threads) {
  options.threads = threads;
  return options;
}

}  // namespace

TEST_CASE_TEMPLATE("attacks: never out of the ball, never out of [0, 1], exactly", T, float,
                   double) {
  Rng rng{2};
  Sequential net{Shape{2, 5, 3}, Conv2d<T>{{.in = 2, .out = 3, .kernel = 3, .padding = 1}, rng},
                 Relu{}, Flatten{}, Linear<T>{{.in = 45, .out = 4}, rng}};
  const Tensor<Label, 1> labels{0, 3, 1, 2};
  for (const Scaling& scaling :
       {Scaling{}, Scaling{.mean = 0.1307, .std = 0.3081}, Scaling{.mean = 0.4, .std = 0.003}}) {
    // Bytes, scaled as batches do it, black and white among them.
    Tensor<T, 4> images(Shape{4, 2, 5, 3});
    for (T& x : images)
      x = static_cast<T>(static_cast<double>(std::min<Index>(rng.below(300), 255))) *
              static_cast<T>(1 / (255.0 * scaling.std)) +
          static_cast<T>(-scaling.mean / scaling.std);
    for (const double epsilon : {0.0, 1e-3, 0.1, 0.3, 1.0})
      for (const auto& options : {fgsm(epsilon), fast_fgsm(epsilon), pgd(epsilon)}) {
        const auto worse = attacked<T>(net, images, labels, scaling, options);
        if (epsilon == 0) CHECK(same_bits(worse, images));
        if (epsilon == 0) continue;
        double moved = 0;
        for (Index i = 0; i < worse.size(); ++i) {
          const double p = std::clamp(scaling.to_pixel(images.data()[i]), 0.0, 1.0);
          const double q = scaling.to_pixel(worse.data()[i]);
          CHECK((0.0 <= q && q <= 1.0));
          CHECK((p - epsilon <= q && q <= p + epsilon));
          moved = std::max(moved, std::abs(q - p));
        }
        CHECK(moved > 0.85 * epsilon);  // and makes use of it
      }
  }
}

TEST_CASE("fgsm: one step of epsilon along the sign of the gradient, by hand") {
  const auto net = planted_network<double>();
  const Scaling scaling{.mean = 0.2, .std = 0.5};
  const Tensor<double, 4> images(Shape{1, 2, 9, 7}, scaling.to_input(0.5));
  const auto worse = attacked<double>(net, images, Tensor<Label, 1>{1}, scaling, fgsm(0.1));
  for (Index h = 0; h < 9; ++h)
    for (Index w = 0; w < 7; ++w) {
      CHECK(scaling.to_pixel(worse(0, 1, h, w)) == doctest::Approx(planted(h, w) ? 0.4 : 0.5));
      CHECK(scaling.to_pixel(worse(0, 0, h, w)) == doctest::Approx(0.5));
    }
}

TEST_CASE("attacks: the loss rises, and more with more steps; the accuracy falls") {
  const auto& net = trained_network();
  const auto images = digit_batch().images;
  const auto labels = digit_batch().labels;
  const Dataset& test = digits().test;
  const auto loss = [&](const AttackOptions& options) {
    return cross_entropy(net.predict(attacked<float>(net, images, labels, test.scaling, options)),
                         labels);
  };
  auto long_pgd = pgd(0.1);
  long_pgd.until_fooled = false;
  const float clean = cross_entropy(net.predict(images), labels);
  CHECK(loss(fgsm(0.1)) > 2 * clean);
  CHECK(loss(fast_fgsm(0.1)) > 5 * clean);
  CHECK(loss(long_pgd) > 1.1f * loss(fgsm(0.1)));

  const auto before = evaluate(net, test).accuracy();
  const auto after_fast = under_attack(net, test, fgsm(0.1)).accuracy();  // 64 images, and 6
  const auto after_strong = under_attack(net, test, pgd(0.1)).accuracy();
  CHECK(before.percent() > 90);
  CHECK(after_fast.total == 70);
  CHECK(after_fast.correct < before.correct);
  CHECK(after_strong.correct <= after_fast.correct);
  // To stop when fooled costs the attack nothing.
  CHECK(after_strong.correct <= under_attack(net, test, long_pgd).accuracy().correct);
}

TEST_CASE("attacks: the same bits for any threads and any cut into batches") {
  const auto& net = trained_network();
  const auto images = digit_batch().images;
  const auto labels = digit_batch().labels;
  const Scaling scaling = digits().test.scaling;
  for (auto options : {fgsm(0.2), fast_fgsm(0.3), pgd(0.1)}) {
    options.steps = std::min<Index>(options.steps, 12);
    const auto worse = attacked<float>(net, images, labels, scaling, with_threads(options, 1));
    for (const int threads : {2, 3, 7})
      CHECK(same_bits(
          worse, attacked<float>(net, images, labels, scaling, with_threads(options, threads))));
    Attack attack{net, 16, scaling, options};
    for (Index first = 0; first < 70; first += 16) {
      const Index count = std::min<Index>(16, 70 - first);
      CHECK(same_bits(attack(net, images.sub(first, count), labels.sub(first, count), first),
                      worse.sub(first, count)));
    }
    options.seed = 1;
    CHECK(same_bits(worse, attacked<float>(net, images, labels, scaling, options)) ==
          !options.random_start);
  }
}

TEST_CASE("under_attack: each image starts where its number in the data set says") {
  const auto& net = trained_network();
  const Dataset data = digits().train.part(0, 400);
  auto all = batches(data, 400, {.shuffle = false});
  const auto [images, labels] = all[0];
  ConfusionMatrix expected(10);
  expected.add(net.predict(attacked<float>(net, images, labels, data.scaling, fast_fgsm(0.1))),
               labels);
  const auto told = under_attack(net, data, fast_fgsm(0.1));
  CHECK(same_bits(told.counts(), expected.counts()));
  CHECK(told.accuracy().correct < evaluate(net, data).accuracy().correct);
  CHECK(error_of([&] { under_attack(net, data.part(0, 0), fgsm(0.1)); }) ==
        "under_attack: expected one image or more, got an empty data set");
}

TEST_CASE("fast_fgsm: training with it buys robustness") {
  const Dataset& train = digits().train;
  auto net = trained_network();
  auto workspace = net.workspace(50);
  Adam adam{net, {.learning_rate = 2e-3}};
  Attack attack{net, 50, train.scaling, fast_fgsm(0.1)};
  Index seen = 0;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch)
    for (const auto& [images, labels] : batches(train, 50, {.epoch = epoch})) {
      const auto worse = attack(net, images, labels, seen);
      seen += images.extent(0);
      const auto logits = net.forward(worse, workspace);
      cross_entropy(logits, labels, workspace.output_gradient());
      net.backward(workspace);
      adam.step(net, workspace);
    }
  const auto under_pgd = [&](const auto& judged) {
    return under_attack(judged, digits().test, pgd(0.1)).accuracy().percent();
  };
  CHECK(under_pgd(net) > under_pgd(trained_network()) + 10);
}

TEST_CASE("attacks: bad input in words") {
  const auto& net = trained_network();
  const auto images = digit_batch().images;
  const auto labels = digit_batch().labels;
  const auto make = [&](AttackOptions options, Scaling scaling = {}) {
    return error_of([&] { Attack{net, 4, scaling, options}; });
  };
  CHECK(make({.epsilon = -0.1}) == "attack: expected an epsilon in [0, 1], got -0.1");
  CHECK(contains(make({.epsilon = 2}), "got 2"));
  CHECK(contains(make({.epsilon = std::nan("")}), "epsilon"));
  CHECK(make({.steps = 0}) == "attack: expected 1 step or more, got 0");
  CHECK(make({.step = -1}) == "attack: expected a step of 0 or more, got -1");
  CHECK(make({}, {.std = 0}) ==
        "scaling: expected a finite mean and a standard deviation above 0, got 0 and 0");
  Attack attack{net, 4, Scaling{}, fgsm(0.1)};
  CHECK(error_of([&] { attack(net, images, labels); }) ==
        "attack: expected images (4, 1, 28, 28) or fewer, got (70, 1, 28, 28)");
  CHECK(contains(error_of([&] { attack(net, images.sub(0, 0), labels.sub(0, 0)); }), "got (0, "));
  CHECK(contains(error_of([&] {
                   attack(net, Tensor<float, 4>(Shape{1, 1, 28, 27}), labels);
                 }),
                 "got (1, 1, 28, 27)"));
  CHECK(error_of([&] { attack(net, images.sub(0, 3), labels.sub(0, 2)); }) ==
        "attack: expected 3 labels, got 2");
  CHECK(contains(error_of([&] { attack(net, images.sub(0, 1), Tensor<Label, 1>{10}); }),
                 "labels in [0, 10), got 10"));
}
