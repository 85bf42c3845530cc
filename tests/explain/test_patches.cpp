// SPDX-License-Identifier: MIT
#include "fovea/explain/patches.hpp"

#include "explain/small.hpp"

using namespace test;

TEST_CASE("patches: the same as looking at every image on its own") {
  const auto net = small_net<double>(1);
  const auto data = random_images(150, {2, 11, 8}, 4, 2);  // more than two batches
  for (const ReceptiveField& field : receptive_fields(net)) {
    CAPTURE(field.layer);
    const auto patches = top_patches(net, data, {.layer = field.layer, .count = 4});
    auto w = net.workspace(1, {.keep = Keep::everything});
    const Index C = as_maps(w.activation(field.layer)).extent(1);
    REQUIRE(static_cast<Index>(patches.size()) == C);
    for (Index c = 0; c < C; ++c) {
      std::vector<Patch> all;
      for (Index n = 0; n < data.size(); ++n) {
        net.forward(image_at<double>(data, n), w, Mode::eval);
        const auto map = as_maps(w.activation(field.layer))[0][c];
        const Index unit = argmax(map), row = unit / map.extent(1), col = unit % map.extent(1);
        if (map(row, col) > 0) all.push_back({n, row, col, map(row, col), field.seen(row, col)});
      }
      std::stable_sort(all.begin(), all.end(),
                       [](const Patch& a, const Patch& b) { return a.activation > b.activation; });
      const auto& found = patches[static_cast<std::size_t>(c)];
      REQUIRE(found.size() == std::min<std::size_t>(4, all.size()));
      for (std::size_t k = 0; k < found.size(); ++k) {
        CHECK(found[k].image == all[k].image);
        CHECK(found[k].row == all[k].row);
        CHECK(found[k].col == all[k].col);
        CHECK(found[k].activation == doctest::Approx(all[k].activation));
        CHECK(found[k].box == all[k].box);
      }
    }
  }
}

TEST_CASE("patches: a planted pattern is found, ties go to the earlier image, the dead have none") {
  Rng rng{3};
  Sequential net{Shape{1, 9, 12},
                 Conv2d<float>{{.in = 1, .out = 2, .kernel = 3, .padding = 1}, rng}, Relu{}};
  auto& conv = std::get<0>(net.layers());
  conv.weight.fill(0);
  conv.bias.fill(-0.5f);
  conv.weight(0, 0, 1, 1) = conv.weight(0, 0, 0, 0) =
      1;  // a diagonal of two; filter 1 sees nothing
  auto data = random_images(5, {1, 9, 12}, 2, 4);
  data.scaling = {};
  data.images.fill(0);
  for (const Index n : {4, 1, 2}) data.images(n, 0, 3, 5) = data.images(n, 0, 4, 6) = 255;
  data.images(3, 0, 0, 11) = 255;  // half of the pattern, in a corner
  const auto patches = top_patches(net, data, {.layer = "relu1"});
  REQUIRE(patches[0].size() == 4);
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(patches[0][k].image == std::array<Index, 3>{1, 2, 4}[k]);
    CHECK(patches[0][k].activation == 1.5);
    CHECK(patches[0][k].box == Box{3, 5, 3, 3});
  }
  CHECK(patches[0][3].image == 3);
  CHECK(patches[0][3].box == Box{0, 10, 2, 2});  // what is left of 3 x 3 in a corner
  CHECK(patches[1].empty());

  CHECK(error_of([&] { top_patches(net, data, {.layer = "relu1", .count = 0}); }) ==
        "top_patches: expected a count of 1 or more, got 0");
  CHECK(error_of([&] { top_patches(net, data.part(0, 0), {.layer = "relu1"}); }) ==
        "top_patches: expected one image or more, got an empty data set");
}
