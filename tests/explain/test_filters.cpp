// SPDX-License-Identifier: MIT
#include "fovea/explain/filters.hpp"

#include "support.hpp"

using namespace test;

namespace {
FilterMatch match(const Tensor<double, 2>& kernel) {
  return match_filter(kernel, filter_templates({kernel.extent(0), kernel.extent(1)}));
}
}  // namespace

TEST_CASE("filters: templates have mean 0 and norm 1, at any size, and find themselves") {
  for (const Extent2 size : {Extent2{3}, Extent2{5}, Extent2{7}, Extent2{3, 5}, Extent2{6, 4}}) {
    const auto templates = filter_templates(size);
    CHECK(templates.size() == 25);
    for (const auto& t : templates) {
      CAPTURE(to_string(size));
      CAPTURE(to_string(t.kind));
      CAPTURE(t.angle);
      CHECK(t.weights.shape() == Shape{size.h, size.w});
      CHECK(std::abs(sum(t.weights)) < 1e-12);
      CHECK(sum(t.weights * t.weights) == doctest::Approx(1));
      // Neither a factor nor a mean that is not too large changes what it is.
      const auto found = match_filter(3 * t.weights + 0.1, templates);
      CHECK(found.kind == t.kind);
      CHECK(found.angle == t.angle);
      CHECK(found.correlation == doctest::Approx(1));
      const auto n = static_cast<double>(size.h * size.w);
      CHECK(found.flat == doctest::Approx(0.01 * n / (9 + 0.01 * n)));
    }
  }
}

TEST_CASE("filters: textbook operators are found, with their direction") {
  const Tensor<double, 2> sobel{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}};
  const auto right = match(sobel);
  CHECK(right.kind == FilterKind::edge);
  CHECK(right.angle == 0);
  CHECK(right.correlation > 0.9999);
  CHECK(right.flat == 0);
  CHECK(match(-1 * sobel).angle == 180);
  const auto up = match(Tensor<double, 2>{{1, 1, 1}, {0, 0, 0}, {-1, -1, -1}});
  CHECK(up.kind == FilterKind::edge);
  CHECK(up.angle == 90);
  CHECK(up.correlation == doctest::Approx(4 / std::sqrt(18.0)).epsilon(0.02));  // Prewitt and Sobel
  CHECK(match(Tensor<double, 2>{{0, 1, 2}, {-1, 0, 1}, {-2, -1, 0}}).angle == 45);

  const auto line = match(Tensor<double, 2>{{-1, 2, -1}, {-1, 2, -1}, {-1, 2, -1}});
  CHECK(line.kind == FilterKind::line);
  CHECK(line.angle == 90);
  CHECK(line.correlation > 0.97);
  const auto dark = match(Tensor<double, 2>{{-2, 1, 1}, {1, -2, 1}, {1, 1, -2}});
  CHECK(dark.kind == FilterKind::line);
  CHECK(dark.angle == 135);
  CHECK(dark.correlation < -0.9);

  const auto spot = match(Tensor<double, 2>{{-1, -1, -1}, {-1, 8, -1}, {-1, -1, -1}});
  CHECK(spot.kind == FilterKind::spot);
  CHECK(spot.correlation > 0.98);
  CHECK(concat(to_string(right.kind), to_string(line.kind), to_string(spot.kind)) ==
        "edgelinespot");
  CHECK(to_string(FilterKind::flat) == "flat");
}

TEST_CASE("filters: mostly mean is flat") {
  const auto bright = match(Tensor<double, 2>(Shape{3, 3}, 0.3));
  CHECK(bright.kind == FilterKind::flat);
  CHECK(bright.correlation == doctest::Approx(1));
  CHECK(bright.flat == doctest::Approx(1));
  CHECK(match(Tensor<double, 2>(Shape{3, 3}, -0.3)).correlation == doctest::Approx(-1));
  const auto nothing = match(Tensor<double, 2>(Shape{3, 3}));
  CHECK(nothing.kind == FilterKind::flat);
  CHECK(nothing.correlation == 0);
  // An edge on a mean: |w|^2 = 6 + 9 m^2, so the mean wins from m = sqrt(6/9) on, nearly.
  const Tensor<double, 2> edge{{-1, 0, 1}, {-1, 0, 1}, {-1, 0, 1}};
  CHECK(match(edge + 0.7).kind == FilterKind::edge);
  CHECK(match(edge + 0.9).kind == FilterKind::flat);
  CHECK(match(edge + 0.9).correlation == doctest::Approx(std::sqrt(7.29 / 13.29)));
}

TEST_CASE("filters: all kernels of a layer, and the order they hang in") {
  Tensor<float, 4> weight(Shape{3, 2, 3, 3});
  const float kernels[6][9] = {
      {1, 1, 1, 1, 1, 1, 1, 1, 1},       {-1, -1, -1, -1, 8, -1, -1, -1, -1},
      {0, 1, 2, -1, 0, 1, -2, -1, 0},    {-1, 0, 1, -1, 0, 1, -1, 0, 1},
      {-1, 2, -1, -1, 2, -1, -1, 2, -1}, {-1, 0, 1, -2, 0, 2, -1, 0, 1}};
  for (Index i = 0; i < 6; ++i) std::copy_n(kernels[i], 9, weight[i / 2][i % 2].begin());
  const auto matches = match_filters(weight);
  REQUIRE(matches.size() == 6);
  CHECK(matches[3].out == 1);
  CHECK(matches[3].in == 1);
  CHECK(gallery_order(matches) == std::vector<Index>{5, 3, 2, 4, 1, 0});
}

TEST_CASE("filters: what chance gives") {
  const auto strengths = [](Extent2 kernel, Index count, std::uint64_t seed) {
    std::vector<double> r;
    for (const auto& match : random_matches(kernel, {.count = count, .seed = seed}))
      r.push_back(std::abs(match.correlation));
    return r;
  };
  const auto chance = strengths({3, 3}, 2000, 1);
  CHECK(chance.size() == 2000);
  CHECK(std::is_sorted(chance.begin(), chance.end()));
  CHECK(chance == strengths({3, 3}, 2000, 1));
  CHECK(chance != strengths({3, 3}, 2000, 2));
  // Nine numbers look like something, 49 hardly do.
  CHECK(chance[1000] > 0.55);
  CHECK(chance[1000] < 0.75);
  CHECK(chance[1900] < 0.9);
  CHECK(strengths({7, 7}, 200, 1)[100] < 0.5);
  CHECK(error_of([] {
          random_matches({3, 3}, {.count = 0});
        }) == "random_matches: expected a count of 1 or more, got 0");
  CHECK(error_of([] {
          match_filters(Tensor<float, 4>(Shape{2, 1, 3, 2}));
        }) == "filter templates: expected a kernel of 3 x 3 or larger, got 3 x 2");
}
