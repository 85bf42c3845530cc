// SPDX-License-Identifier: MIT
#include "fovea/explain/effective_field.hpp"

#include "explain/small.hpp"

using namespace test;

TEST_CASE(
    "effective field: |d unit / d input| by finite differences, mean over images and channels") {
  const auto net = small_net<double>(1);
  const auto data = random_images(3, {2, 11, 8}, 4, 2);
  auto workspace = net.workspace(1, {.keep = Keep::everything});
  for (const Index channel : {-1, 2}) {
    Tensor<double, 3> expected(net.input_shape());
    for (Index n = 0; n < 3; ++n) {
      auto x = image_at<double>(data, n);
      const auto units = [&] {  // of all channels
        net.forward(x, workspace, Mode::eval);
        std::vector<double> values;
        for (Index c = 0; c < 6; ++c)
          values.push_back(as_maps(workspace.activation("relu2"))(0, c, 1, 3));
        return values;
      };
      for (Index p = 0; p < x.size(); ++p) {
        const double value = x.data()[p];
        x.data()[p] = value + 1e-6;
        const auto above = units();
        x.data()[p] = value - 1e-6;
        const auto below = units();
        x.data()[p] = value;
        for (std::size_t c = 0; c < 6; ++c) {
          const double size = std::abs(above[c] - below[c]) / 2e-6 / 3;
          if (channel == -1) expected.data()[p] += size / 6;
          if (static_cast<Index>(c) == channel) expected.data()[p] += size;
        }
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

TEST_CASE("effective field: filters that cancel in a sum do not cancel in the mean of fields") {
  Rng rng{9};
  Sequential net{Shape{1, 9, 12},
                 Conv2d<double>{{.in = 1, .out = 3, .kernel = 3, .bias = false}, rng}};
  // Light in the middle, darkness in the middle, and nothing but a corner.
  const double kernels[3][9] = {
      {1, 2, 1, 2, 4, 2, 1, 2, 1}, {1, 2, 1, 2, -4, 2, 1, 2, 1}, {3, 0, 0, 0, 0, 0, 0, 0, 0}};
  auto& conv1 = std::get<0>(net.layers());
  for (Index c = 0; c < 3; ++c)
    for (Index k = 0; k < 9; ++k) conv1.weight.data()[c * 9 + k] = kernels[c][k];
  const auto data = random_images(70, {1, 9, 12}, 2, 10);
  const auto all = effective_field(net, data, {.layer = "conv1", .row = 2, .col = 3});
  const double mean[] = {5, 4, 2, 4, 8, 4, 2, 4, 2};  // times 3
  for (Index h = 0; h < 9; ++h)
    for (Index w = 0; w < 12; ++w) {
      const bool seen = 2 <= h && h < 5 && 3 <= w && w < 6;
      CHECK(all.map(0, h, w) ==
            doctest::Approx(seen ? mean[(h - 2) * 3 + w - 3] / 3 : 0).epsilon(1e-12));
    }
  for (Index c = 0; c < 3; ++c) {
    const auto one =
        effective_field(net, data, {.layer = "conv1", .row = 2, .col = 3, .channel = c});
    for (Index k = 0; k < 9; ++k)
      CHECK(one.map(0, 2 + k / 3, 3 + k % 3) == doctest::Approx(std::abs(kernels[c][k])));
  }
}

TEST_CASE("effective field: paths counted in one dimension") {
  const PathStep three{.kernel = 3}, pool{.kernel = 2, .stride = 2};
  const auto conv2 = path_counts({three, pool, three});
  CHECK(conv2 == std::vector<double>{1, 2, 3, 3, 3, 3, 2, 1});
  CHECK(deviation_of(conv2) == doctest::Approx(1.893).epsilon(2e-4));
  std::vector<double> roots;
  for (const double n : conv2) roots.push_back(std::sqrt(n));
  CHECK(deviation_of(roots) == doctest::Approx(2.079).epsilon(2e-4));
  CHECK(deviation_of(std::vector<double>(8, 1)) == doctest::Approx(std::sqrt(63.0 / 12)));
  CHECK(path_counts({}) == std::vector<double>{1});
  CHECK(path_counts({three, three}) == std::vector<double>{1, 2, 3, 2, 1});
  CHECK(path_counts({{.kernel = 2}, {.kernel = 2, .dilation = 3}}) ==
        std::vector<double>{1, 1, 0, 1, 1});
  CHECK(path_counts({{.kernel = 2, .stride = 3}, {.kernel = 2}}) ==
        std::vector<double>{1, 1, 0, 1, 1});
  CHECK(deviation_of({0, 0}) == 0);
  CHECK(contains(error_of([] { path_counts({{.kernel = 3, .stride = 0}}); }), "got 3, 0 and 1"));

  // Positive weights, one channel, a pooling that moves with the image: the counts are what the
  // gradient says, for max-pooling in the mean over many images.
  Rng rng{11};
  Sequential net{Shape{1, 12, 12}, Conv2d<double>{{.in = 1, .out = 1, .kernel = 3}, rng},
                 MaxPool2d{{.kernel = 2}}, Conv2d<double>{{.in = 1, .out = 1, .kernel = 3}, rng}};
  net.for_each_parameter([](const std::string&, auto& tensor) { tensor.fill(1); });
  const auto field = effective_field(net, random_images(2000, {1, 12, 12}, 2, 12),
                                     {.layer = "conv2", .row = 1, .col = 1});
  CHECK(field.box.height == static_cast<Index>(conv2.size()));
  CHECK(field.sigma() == doctest::Approx(deviation_of(conv2)).epsilon(0.01));
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
