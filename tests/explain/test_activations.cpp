// SPDX-License-Identifier: MIT
#include "fovea/explain/activations.hpp"

#include "explain/small.hpp"

using namespace test;

TEST_CASE("activations: the way of one image, layer by layer") {
  const auto net = small_net<double>(1);
  using Net = std::decay_t<decltype(net)>;
  const auto data = random_images(3, {2, 11, 8}, 4, 2);
  const auto x = image_at<double>(data, 1);
  const auto layers = activations(net, x);
  REQUIRE(layers.size() == Net::depth);
  auto w = net.workspace(1, {.keep = Keep::everything});
  net.forward(x, w, Mode::eval);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& layer = layers[i];
    CHECK(layer.layer == Net::layer_name(i));
    const auto y = as_maps(w.activation(layer.layer));
    CHECK(std::equal(y.begin(), y.end(), layer.maps.begin(), layer.maps.end()));
    double zeros = 0;
    for (const double value : y) {
      zeros += value == 0;
      CHECK(layer.range.min <= value);
      CHECK(value <= layer.range.max);
    }
    CHECK(layer.zeros * static_cast<double>(y.size()) == doctest::Approx(zeros));
    CHECK(layer.range.mean == doctest::Approx(mean(y)));
    REQUIRE(static_cast<Index>(layer.ranges.size()) == layer.maps.extent(0));
    CHECK(layer.ranges[1].max == max(layer.maps[1]));
    CHECK(layer.ranges[1].mean == doctest::Approx(mean(layer.maps[1])));
  }
  CHECK(layers[1].maps.shape() == Shape{5, 11, 8});
  CHECK(layers[1].zeros > 0.1);
  CHECK(layers[1].range.min == 0);
  CHECK(layers[7].maps.shape() == Shape{9, 1, 1});
}

TEST_CASE("activity: zeros over a data set, and the dead") {
  auto net = small_net<float>(3);
  std::get<3>(net.layers()).bias(4) = -1000;  // channel 4 of conv2 never fires
  const auto data = random_images(70, {2, 11, 8}, 4, 4);
  const auto layers = activity(net, data);
  REQUIRE(layers.size() == 9);
  double zeros[9] = {};
  for (Index n = 0; n < 70; ++n) {
    const auto each = activations(net, image_at(data, n));
    for (std::size_t i = 0; i < 9; ++i) zeros[i] += each[i].zeros / 70;
  }
  for (std::size_t i = 0; i < 9; ++i) {
    CAPTURE(i);
    CHECK(layers[i].zeros == doctest::Approx(zeros[i]));
    CHECK(layers[i].units == as_const(activations(net, image_at(data, 0))[i].maps).size());
  }
  CHECK(layers[3].layer == "conv2");
  CHECK(layers[3].dead == 0);
  CHECK(layers[4].by_map[4] == 1);
  CHECK(layers[4].by_map[0] < 1);
  CHECK(layers[4].dead >= 8);
  CHECK(layers[4].dead < 6 * 8);
  const auto alone = activity(net, data, {.threads = 1});
  CHECK(alone[4].by_map == layers[4].by_map);
}

TEST_CASE("activations: what is refused, in words") {
  const auto net = small_net<float>(5);
  const auto data = random_images(3, {2, 11, 8}, 4, 6);
  CHECK(error_of([&] {
          activations(net, Tensor<float, 4>(Shape{2, 2, 11, 8}));
        }) == "activations: expected one image, got (2, 2, 11, 8)");
  CHECK(contains(error_of([&] {
                   activations(net, Tensor<float, 4>(Shape{1, 1, 28, 28}));
                 }),
                 "expected (1, 2, 11, 8)"));
  CHECK(error_of([&] { activity(net, data.part(0, 0)); }) ==
        "activity: expected one image or more, got an empty data set");
  CHECK(contains(error_of([] { range_of(Tensor<float, 1>()); }), "expected at least one element"));
}
