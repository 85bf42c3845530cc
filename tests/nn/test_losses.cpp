// SPDX-License-Identifier: MIT
#include "fovea/nn/losses.hpp"
#include "support.hpp"

using namespace test;

namespace {

// The largest difference between the gradient that f assigns and a central difference.
template <class F>
double gradient_error(Tensor<double, 2> y, const F& f) {
  Tensor<double, 2> gradient(y.shape());
  f(y, gradient.view());
  double worst = 0;
  for (double& x : y) {
    const double at = x, h = 1e-6;
    x = at + h;
    const double above = f(y, View<double, 2>{});
    x = at - h;
    const double below = f(y, View<double, 2>{});
    x = at;
    worst = std::max(worst, std::abs((above - below) / (2 * h) - gradient.data()[&x - y.data()]));
  }
  return worst;
}

Tensor<double, 2> uniform(std::uint64_t seed, double low, double high) {
  Tensor<double, 2> x(Shape{5, 4});
  Rng rng{seed};
  for (double& v : x) v = rng.uniform(low, high);
  return x;
}

}  // namespace

TEST_CASE("losses: values by hand") {
  const Tensor<double, 2> y{{1, -2}, {0.5, 3}}, t{{0, 0}, {1, 0}};
  CHECK(mse(y, t) == doctest::Approx((1 + 4 + 0.25 + 9) / 4));
  CHECK(mse(y, t, {}, Reduction::sum) == doctest::Approx(14.25));
  CHECK(huber(y, t) == doctest::Approx((0.5 + 1.5 + 0.125 + 2.5) / 4));
  CHECK(huber(y, t, {}, {.delta = 10}) == doctest::Approx(14.25 / 8));
  const auto bce = [](double z, double q) {
    const double p = 1 / (1 + std::exp(-z));
    return -(q * std::log(p) + (1 - q) * std::log(1 - p));
  };
  CHECK(bce_with_logits(y, t) ==
        doctest::Approx((bce(1, 0) + bce(-2, 0) + bce(0.5, 1) + bce(3, 0)) / 4));
  const Tensor<double, 2> large{{1e4, -1e4}}, right{{1, 0}}, wrong{{0, 1}};
  CHECK(bce_with_logits(large, right) == 0);
  CHECK(bce_with_logits(large, wrong) == 1e4);
  // Soft targets that are labels, and weights that are all the same, change nothing.
  const Tensor<Label, 1> labels{1, 0};
  const Tensor<double, 2> hot{{0, 1}, {1, 0}};
  CHECK(cross_entropy(y, hot) == cross_entropy(y, labels));
  const Tensor<double, 1> same{3, 3}, weights{1, 4};
  CHECK(cross_entropy(y, labels, {}, {.class_weights = same}) ==
        doctest::Approx(cross_entropy(y, labels)));
  const auto log_p = [&](Index n, Index k) {
    return y(n, k) - std::log(std::exp(y(n, 0)) + std::exp(y(n, 1)));
  };
  CHECK(cross_entropy(y, labels, {}, {.class_weights = weights}) ==
        doctest::Approx(-(4 * log_p(0, 1) + 1 * log_p(1, 0)) / 5));
  CHECK(cross_entropy(y, labels, {}, {.reduction = Reduction::sum}) ==
        doctest::Approx(-(log_p(0, 1) + log_p(1, 0))));
}

TEST_CASE("losses: gradients against central differences") {
  const auto y = uniform(1, -3, 3), t = uniform(2, 0, 1);
  Tensor<double, 2> q = t;
  for (Index n = 0; n < 5; ++n) {
    const double whole = sum(q[n]);
    for (double& x : q[n]) x /= whole;
  }
  const Tensor<double, 1> w{1.0, 2.0, 0.5, 3.0};
  const Tensor<Label, 1> labels{0, 1, 2, 3, 1};
  for (const Reduction r : {Reduction::mean, Reduction::sum}) {
    const auto check_loss = [&](const auto& f) { CHECK(gradient_error(y, f) < 2e-8); };
    check_loss([&](const auto& z, auto g) { return mse(z, t, g, r); });
    check_loss(
        [&](const auto& z, auto g) { return huber(z, t, g, {.delta = 0.7, .reduction = r}); });
    check_loss([&](const auto& z, auto g) {
      return bce_with_logits(z, t, g, {.positive_weights = w, .reduction = r});
    });
    check_loss([&](const auto& z, auto g) {
      return cross_entropy(z, labels, g, {.smoothing = 0.1, .class_weights = w, .reduction = r});
    });
    check_loss([&](const auto& z, auto g) {
      return cross_entropy(z, q, g, {.smoothing = 0.2, .class_weights = w, .reduction = r});
    });
  }
}

TEST_CASE("losses: bad input") {
  Tensor<double, 2> y(Shape{2, 3}), t(Shape{2, 3}), other(Shape{3, 2}), g(Shape{2, 2});
  CHECK(error_of([&] { mse(y, other); }) == "mse: expected targets (2, 3), got (3, 2)");
  CHECK(error_of([&] { mse(y, t, g); }) == "mse: expected a gradient (2, 3), got (2, 2)");
  CHECK(
      contains(error_of([&] { mse(y, t, y); }), "mse: expected a gradient with memory of its own"));
  CHECK(contains(error_of([&] {
                   mse(Tensor<double, 2>(Shape{0, 3}), Tensor<double, 2>(Shape{0, 3}));
                 }),
                 "mse: expected one number or more"));
  CHECK(contains(error_of([&] { huber(y, t, {}, {.delta = 0}); }),
                 "huber: expected a finite delta above 0"));
  t(1, 1) = 1.5;
  CHECK(contains(error_of([&] { bce_with_logits(y, t); }), "expected targets in [0, 1], got 1.5"));
  t(1, 1) = 1;
  const Tensor<double, 1> two{1, 1}, negative{1, -1, 1}, none{0, 0, 0};
  CHECK(contains(error_of([&] { bce_with_logits(y, t, {}, {.positive_weights = two}); }),
                 "a weight for each"));
  CHECK(contains(error_of([&] { bce_with_logits(y, t, {}, {.positive_weights = negative}); }),
                 "weights above 0"));
  const Tensor<Label, 1> labels{0, 1};
  CHECK(contains(error_of([&] { cross_entropy(y, labels, {}, {.class_weights = two}); }),
                 "expected 3 class weights"));
  CHECK(contains(error_of([&] { cross_entropy(y, labels, {}, {.class_weights = negative}); }),
                 "finite class weights of 0 or more"));
  CHECK(contains(error_of([&] { cross_entropy(y, labels, {}, {.class_weights = none}); }),
                 "expected a label with a class weight above 0"));
  CHECK(contains(error_of([&] { cross_entropy(y, other); }),
                 "cross_entropy: expected targets (2, 3)"));
  t(0, 0) = -0.5;
  CHECK(contains(error_of([&] { cross_entropy(y, t); }),
                 "cross_entropy: expected finite targets of 0 or more"));
}
