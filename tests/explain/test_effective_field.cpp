// SPDX-License-Identifier: MIT
#include "fovea/explain/effective_field.hpp"

#include "explain/small.hpp"

using namespace test;

TEST_CASE("effective field: |d unit / d input| by finite differences, mean over images") {
  const auto net = small_net<double>(1);
  const auto data = random_images(3, {2, 11, 8}, 4, 2);
  auto workspace = net.workspace(1, {.keep = Keep::everything});
  for (const Index channel : {-1, 2}) {
    Tensor<double, 3> expected(net.input_shape());
    for (Index n = 0; n < 3; ++n) {
      auto x = image_at<double>(data, n);
      const auto unit = [&] {
        net.forward(x, workspace, Mode::eval);
        double total = 0;
        for (Index c = 0; c < 6; ++c)
          if (channel == -1 || c == channel)
            total += as_maps(workspace.activation("relu2"))(0, c, 1, 3);
        return total;
      };
      for (Index p = 0; p < x.size(); ++p) {
        const double value = x.data()[p];
        x.data()[p] = value + 1e-6;
        const double above = unit();
        x.data()[p] = value - 1e-6;
        expected.data()[p] += std::abs(above - unit()) / 2e-6 / 3;
        x.data()[p] = value;
      }
    }
    const auto field =
        effective_field(net, data, {.layer = "relu2", .row = 1, .col = 3, .channel = channel});
    CHECK(sum(expected) > 0.1);
    for (Index p = 0; p < expected.size(); ++p)
      CHECK(std::abs(field.map.data()[p] - expected.data()[p]) < 1e-7);
    CHECK(field.images == 3);
    CHECK(field.inside == 1);
  }
}

TEST_CASE("effective field: all of it lies in the theoretical box, in every layer") {
  const auto net = small_net<float>(3);
  const auto data = random_images(70, {2, 11, 8}, 4, 4);
  for (const std::string layer :
       {"conv1", "relu1", "pool1", "conv2", "relu2", "flatten1", "fc1", "relu3", "fc2"}) {
    const auto field = effective_field(net, data, {.layer = layer});
    CAPTURE(layer);
    CHECK(field.inside == doctest::Approx(1).epsilon(1e-12));
    CHECK(sum(field.map) > 0);
    CHECK(field.side() <= std::max(field.box.height, field.box.width));
    const auto alone = effective_field(net, data, {.layer = layer, .threads = 1});
    CHECK(std::equal(field.map.begin(), field.map.end(), alone.map.begin()));
  }
}

TEST_CASE("effective field: two sums over 3 x 3 make the triangle 1 2 3 2 1") {
  Rng rng{5};
  Sequential net{Shape{1, 9, 12}, Conv2d<double>{{.in = 1, .out = 1, .kernel = 3}, rng},
                 Conv2d<double>{{.in = 1, .out = 1, .kernel = 3}, rng}};
  net.for_each_parameter([](const std::string&, auto& tensor) { tensor.fill(1); });
  const auto data = random_images(2, {1, 9, 12}, 2, 6);
  const auto field = effective_field(net, data, {.layer = "conv2"});
  CHECK(field.row == 2);
  CHECK(field.col == 4);
  CHECK(field.box == Box{2, 4, 5, 5});
  const double triangle[] = {1, 2, 3, 2, 1};
  for (Index h = 0; h < 5; ++h)
    for (Index w = 0; w < 5; ++w)
      CHECK(field.map(0, 2 + h, 4 + w) == doctest::Approx(triangle[h] * triangle[w]));
  CHECK(field.sigma() == doctest::Approx(std::sqrt(12.0 / 9)));
  CHECK(field.side(0.11) == 1);  // 9 of 81
  CHECK(field.side(0.12) == 3);
  CHECK(field.side(0.60) == 3);  // 49 of 81
  CHECK(field.side() == 5);
}

TEST_CASE("effective field: what is refused, in words") {
  const auto net = small_net<float>(7);
  const auto data = random_images(2, {2, 11, 8}, 4, 8);
  CHECK(error_of([&] { effective_field(net, data, {.layer = "conv2", .row = 2}); }) ==
        "conv2: expected a unit in 2 rows and 4 columns, got (2, 2)");
  CHECK(error_of([&] { effective_field(net, data, {.layer = "conv2", .channel = 6}); }) ==
        "conv2: expected a channel in [0, 6), or -1 for all, got 6");
  CHECK(error_of([&] { effective_field(net, data.part(0, 0), {.layer = "conv2"}); }) ==
        "effective_field: expected one image or more, got an empty data set");
  CHECK(contains(error_of([&] { effective_field(net, synthetic_digits(2), {.layer = "conv2"}); }),
                 "expected (2, 2, 11, 8) or fewer, got (2, 1, 28, 28)"));
  CHECK(contains(error_of([&] { effective_field(net, data, {.layer = "conv2"}).side(1.5); }),
                 "got 1.5"));
  CHECK(contains(error_of([&] { effective_field(net, data, {.layer = "pool2"}); }),
                 "there is no layer pool2"));
  CHECK(
      contains(error_of([&] { effective_field(net, data, {}); }), "expected the path of a layer"));
}
