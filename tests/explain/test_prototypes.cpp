// SPDX-License-Identifier: MIT
#include "explain/networks.hpp"
#include "fovea/explain/prototypes.hpp"

using namespace test;

TEST_CASE("prototypes: the logit rises far above that of any real image, pixels stay pixels") {
  const auto& net = trained_network();
  const Scaling scaling = digits().train.scaling;
  const Tensor<Label, 1> classes{7, 0, 3};
  const auto short_ = prototypes(net, classes, scaling, {.steps = 1});
  const auto full = prototypes(net, classes, scaling);
  const auto real = max<0>(net.predict(digit_batch().images));
  CHECK(full.images.shape() == Shape{3, 1, 28, 28});
  for (Index n = 0; n < 3; ++n) {
    CHECK(full.logits(n) > short_.logits(n) + 3);
    CHECK(full.logits(n) > 0.8f * real(classes(n)));
    CHECK(full.probabilities(n) > 0.95f);
  }
  for (const float p : full.images) CHECK((0 <= p && p <= 1));
  CHECK(max(full.images) > 0.5f);
  // What it says of the logits is what the network says of the images.
  const auto z = net.predict(
      map(full.images, [&](float p) { return static_cast<float>(scaling.to_input(p)); }));
  for (Index n = 0; n < 3; ++n) CHECK(z(n, classes(n)) == full.logits(n));
}

TEST_CASE("prototypes: a planted patch becomes white, the rest black, without the three habits") {
  const auto net = planted_network<double>();
  const auto result = prototypes(net, Tensor<Label, 1>{1, 2}, {.mean = 0.3, .std = 0.2},
                                 {.steps = 60, .decay = 0, .blur_every = 0, .jitter = 0});
  for (Index h = 0; h < 9; ++h)
    for (Index w = 0; w < 7; ++w) {
      if (planted(h, w)) {
        CHECK(result.images(0, 1, h, w) == 1);
        CHECK(result.images(1, 1, h, w) == 0);
      } else {  // no reason to change
        CHECK(std::abs(result.images(0, 1, h, w) - 0.5) <= 0.1);
      }
    }
  CHECK(result.logits(0) == doctest::Approx(9 * (1 - 0.3) / 0.2));
  CHECK(result.logits(1) == doctest::Approx(9 * 0.3 / 0.2));
}

TEST_CASE("prototypes: the same bits for any threads and any company, others for another seed") {
  const auto& net = trained_network();
  const Scaling scaling = digits().train.scaling;
  const PrototypeOptions options{.steps = 9, .seed = 4};
  const auto three = prototypes(net, Tensor<Label, 1>{5, 1, 8}, scaling, options);
  for (const int threads : {1, 2, 3, 7}) {
    auto o = options;
    o.threads = threads;
    CHECK(same_bits(three.images, prototypes(net, Tensor<Label, 1>{5, 1, 8}, scaling, o).images));
  }
  const auto alone = prototypes(net, Tensor<Label, 1>{8}, scaling, options);
  CHECK(same_bits(alone.images.view()[0], three.images.view()[2]));
  const auto other = prototypes(net, Tensor<Label, 1>{8}, scaling, {.steps = 9, .seed = 5});
  CHECK(!same_bits(alone.images, other.images));
}

TEST_CASE("prototypes: blur keeps a constant, spreads a point; shifts go round") {
  Tensor<double, 2> constant(Shape{4, 3}, 0.3), point(Shape{3, 4});
  fovea::detail::blur_plane(constant.view());
  CHECK(relative_error(constant, Tensor<double, 2>(Shape{4, 3}, 0.3)) <= 1e-15);
  point(1, 1) = 16;
  fovea::detail::blur_plane(point.view());
  CHECK(to_string(point) == "{{1, 2, 1, 0},\n {2, 4, 2, 0},\n {1, 2, 1, 0}}");
  std::vector<Index> to(12);
  fovea::detail::for_each_shifted(Shape{2, 2, 3}, -1, 2,
                                  [&](Index i, Index j) { to[static_cast<std::size_t>(i)] = j; });
  CHECK(to == std::vector<Index>{5, 3, 4, 2, 0, 1, 11, 9, 10, 8, 6, 7});
}

TEST_CASE("prototypes: bad input in words") {
  const auto& net = trained_network();
  const auto of = [&](Tensor<Label, 1> classes, PrototypeOptions options) {
    return error_of([&] { prototypes(net, classes, Scaling{}, options); });
  };
  CHECK(of({3, 10}, {}) == "prototypes: expected classes in [0, 10), got 10");
  CHECK(contains(of({-1}, {}), "got -1"));
  CHECK(contains(of({}, {}), "got none"));
  CHECK(contains(of({1}, {.steps = 0}), "1 step or more, got 0"));
  CHECK(contains(of({1}, {.rate = 0}), "rate > 0"));
  CHECK(contains(of({1}, {.decay = 1}), "decay in [0, 1), got 1"));
  CHECK(contains(of({1}, {.blur_every = -1}), "got -1"));
  CHECK(contains(of({1}, {.jitter = 28}), "less than the image, got 28"));
}
