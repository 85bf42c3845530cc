// SPDX-License-Identifier: MIT
#include "fovea/explain/ablation.hpp"

#include "explain/small.hpp"

using namespace test;

namespace {

// Reference implementation: zero the filter's weights and bias in a copy, and ask again.
template <std::size_t i, class Net>
ConfusionMatrix without_filter(Net net, const Dataset& data, Index c) {
  auto& layer = std::get<i>(net.layers());
  const Index size = layer.weight.size() / layer.weight.extent(0);
  std::fill_n(layer.weight.data() + c * size, size, 0);
  layer.bias(c) = 0;
  return evaluate(net, data);
}

bool same(const ConfusionMatrix& a, const ConfusionMatrix& b) {
  return std::equal(a.counts().begin(), a.counts().end(), b.counts().begin());
}

}  // namespace

TEST_CASE("ablation: the same as zeroing the weights and the bias of the filter") {
  const auto net = small_net<double>(1);
  using Net = std::decay_t<decltype(net)>;
  const auto data = random_images(150, {2, 11, 8}, 4, 2);
  const auto intact = evaluate(net, data);
  const auto compare = [&]<std::size_t i>(Index channels) {
    const std::string layer = Net::layer_name(i);
    const auto result = ablate(net, data, {.layer = layer});
    CAPTURE(layer);
    CHECK(same(result.intact, intact));
    REQUIRE(static_cast<Index>(result.silenced.size()) == channels);
    int changed = 0;
    for (Index c = 0; c < channels; ++c) {
      const auto expected = without_filter<i>(net, data, c);
      CHECK(same(result.silenced[static_cast<std::size_t>(c)], expected));
      CHECK(result.loss(c) == intact.accuracy().percent() - expected.accuracy().percent());
      changed += !same(expected, intact);
    }
    CHECK(changed > 0);
  };
  compare.template operator()<Net::index("conv1")>(5);
  compare.template operator()<Net::index("conv2")>(6);
  compare.template operator()<Net::index("fc1")>(9);
  compare.template operator()<Net::index("fc2")>(4);
}

TEST_CASE("ablation: behind a ReLU or a max-pool it is the same channel; any number of threads") {
  const auto net = small_net<float>(3);
  const auto data = random_images(70, {2, 11, 8}, 4, 4);
  const auto conv1 = ablate(net, data, {.layer = "conv1", .threads = 1}),
             relu1 = ablate(net, data, {.layer = "relu1", .threads = 3}),
             pool1 = ablate(net, data, {.layer = "pool1"});
  for (std::size_t c = 0; c < 5; ++c) {
    CHECK(same(conv1.silenced[c], relu1.silenced[c]));
    CHECK(same(conv1.silenced[c], pool1.silenced[c]));
  }
  CHECK(ablate(net, data, {.layer = "flatten1"}).silenced.size() == 48);  // features, one by one

  CHECK(error_of([&] { conv1.loss(5); }) == "ablation: expected a channel in [0, 5), got 5");
  CHECK(error_of([&] { ablate(net, data.part(0, 0), {.layer = "conv1"}); }) ==
        "ablate: expected one image or more, got an empty data set");
  CHECK(error_of([&] { ablate(net, data, {}); }) ==
        "ablate: expected the path of a layer, as in {.layer = \"conv2\"}, got none");
  CHECK(error_of([&] { ablate(net, data, {.layer = "conv3"}); }) ==
        "there is no layer conv3 in this network, only conv1 relu1 pool1 conv2 relu2 flatten1 fc1 "
        "relu3 fc2");
}
