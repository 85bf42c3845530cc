// SPDX-License-Identifier: MIT
#include "explain/networks.hpp"
#include "fovea/explain/faithfulness.hpp"
#include "fovea/explain/gradients.hpp"
#include "fovea/explain/randomisation.hpp"

using namespace test;

TEST_CASE("deletion and insertion: the true map beats a random one, the reverse is worst") {
  const auto net = planted_network<double>();
  const Tensor<double, 4> image(Shape{1, 2, 9, 7}, 1.0), black(image.shape(), 0.0);
  const auto truth = gradient_map(net, image, 1);  // (2, 9, 7)
  const Attribution<double> random{random_tensor<double>(Shape{1, 9, 7}, 3)};
  const auto deletion = deletion_curve(net, image, 1, truth, {.steps = 63, .baseline = black});
  const auto insertion = insertion_curve(net, image, 1, truth, {.steps = 63});  // 0 it is, too
  CHECK(deletion.share.size() == 64);
  // Nine pixels make the logit, one after the other; the others make nothing.
  for (std::size_t i = 0; i < 64; ++i) {
    const double gone = std::min(static_cast<double>(i), 9.0);
    CHECK(deletion.share[i] == doctest::Approx(static_cast<double>(i) / 63));
    CHECK(deletion.logit[i] == doctest::Approx(9 - gone));
    CHECK(insertion.logit[i] == doctest::Approx(gone));
  }
  CHECK(deletion.probability[63] == doctest::Approx(1.0 / 3));
  const double random_deletion = deletion_curve(net, image, 1, random).area();
  const double random_insertion = insertion_curve(net, image, 1, random).area();
  CHECK(deletion.area() < random_deletion - 0.2);
  CHECK(insertion.area() > random_insertion + 0.03);
  const Attribution<double> reverse{truth.map * -1 + 2}, against{truth.map * -1};
  CHECK(deletion_curve(net, image, 1, reverse).area() > random_deletion + 0.05);
  // The sign counts: what speaks against the class goes last.
  CHECK(deletion_curve(net, image, 1, against, {.steps = 63}).logit[54] == doctest::Approx(9));
  CHECK(deletion_curve(net, image, 2, {truth.map * -1}, {.steps = 63}).logit[54] ==
        doctest::Approx(-9));
  // Another baseline, another curve.
  const Tensor<double, 4> grey(image.shape(), 0.5);
  CHECK(deletion_curve(net, image, 1, truth, {.baseline = grey}).logit.back() ==
        doctest::Approx(4.5));
}

TEST_CASE("deletion and insertion: yardsticks that ask no network") {
  const auto net = planted_network<double>();
  // A stroke of 12 pixels, of which the network looks at two; the darker ones are those.
  Tensor<double, 4> image(Shape{1, 2, 9, 7}, -0.5);
  const Tensor<double, 4> black(image.shape(), -0.5);
  for (Index h = 1; h < 7; ++h) image(0, 0, h, 0) = 1, image(0, 1, h, 3) = h < 5 ? 0.5 : 2;
  for (Index h = 2; h < 5; ++h) CHECK(planted(h, 3));
  const auto brightness = brightness_map(image, black);
  CHECK(brightness.map(0, 1, 0) == 1.5);
  CHECK(brightness.map(1, 2, 3) == 1.0);
  CHECK(brightness.map(1, 6, 3) == 2.5);
  CHECK(brightness.map(1, 8, 6) == 0);
  CHECK(brightness_map(image, image.view()).map(1, 2, 3) == 0);
  const Tensor<double, 4> white(image.shape(), 2.0);  // darker is further away
  CHECK(brightness_map(image, white).map(1, 8, 6) == 2.5);
  // Two of 2.5, six of 1.5, and then the three pixels at 1.0 that the network sees.
  const auto curve = deletion_curve(net, image, 1, brightness, {.steps = 63, .baseline = black});
  for (std::size_t i = 0; i < 64; ++i) {
    const double rows = std::clamp(static_cast<double>(i) - 9, 0.0, 3.0);
    CHECK(curve.logit[i] == doctest::Approx(-1.5 - rows));
  }

  const auto stroke = [](Index h, Index w) { return 1 <= h && h < 7 && (w == 0 || w == 3); };
  Tensor<double, 2> mean(Shape{9, 7});
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto random = random_stroke_map(image, black, seed);
    CHECK(random.map.shape() == Shape{1, 9, 7});
    for (Index h = 0; h < 9; ++h)
      for (Index w = 0; w < 7; ++w) {
        CHECK((random.map(0, h, w) >= 1) == stroke(h, w));
        mean(h, w) += random.map(0, h, w) / 400;
      }
    if (seed < 5) {  // every stroke pixel is gone after twelve
      const auto gone = deletion_curve(net, image, 1, random, {.steps = 63, .baseline = black});
      CHECK(gone.logit[12] == doctest::Approx(-4.5));
    }
  }
  for (Index h = 0; h < 9; ++h)  // no pixel of the stroke before another
    for (Index w = 0; w < 7; ++w) CHECK(std::abs(mean(h, w) - 0.5 - stroke(h, w)) < 0.08);
  const auto of_seed = [&](std::uint64_t seed) { return random_stroke_map(image, black, seed); };
  CHECK(same_bits(of_seed(3).map, of_seed(3).map));
  CHECK(!same_bits(of_seed(3).map, of_seed(4).map));
  CHECK(contains(error_of([&] { brightness_map(image, image.sub(0, 0)); }),
                 "brightness_map: expected one image (1, C, H, W) and a baseline of its shape"));
}

TEST_CASE("faithfulness: the area of a line; steps that do not divide the pixels") {
  const FaithfulnessCurve line{.share = {0, 0.5, 1}, .logit = {}, .probability = {1, 0.5, 0}};
  CHECK(line.area() == doctest::Approx(0.5));
  const auto net = planted_network<float>();
  const Tensor<float, 4> image(Shape{1, 2, 9, 7}, 1.0f);
  const Attribution<float> flat{Tensor<float, 3>(Shape{1, 9, 7})};  // no order: row after row
  for (const int threads : {1, 3}) {
    const auto curve = deletion_curve(net, image, 1, flat, {.steps = 4, .threads = threads});
    CHECK(curve.share.back() == 1);
    CHECK(curve.share[1] == doctest::Approx(15.0 / 63));
    CHECK(curve.logit[1] == doctest::Approx(9));  // rows 0 and 1 and a pixel
    CHECK(curve.logit.back() == 0);
  }
}

TEST_CASE("attribution: a number for each place, over the channels") {
  const Attribution<float> a{Tensor<float, 3>{{{1, -2}, {0, 3}}, {{-4, 1}, {0, -1}}}};
  CHECK(to_string(a.magnitudes()) == "{{5, 3},\n {0, 4}}");
  CHECK(to_string(a.places()) == "{{-3, -1},\n {0, 2}}");
}

TEST_CASE("rank correlation: order is all that counts, ties share a rank") {
  const Tensor<double, 1> a{1, 2, 3, 4}, same{-10, 20, -30, 400}, reversed{4, 3, 2, 1};
  CHECK(rank_correlation(a, same) == 1);
  CHECK(rank_correlation(a, reversed) == doctest::Approx(-1));
  // Ranks 1 2.5 2.5 4 against 1 2 3 4: 4.5 / sqrt(4.5 5).
  CHECK(rank_correlation(Tensor<double, 1>{1, 2, 2, 3}, a) ==
        doctest::Approx(4.5 / std::sqrt(4.5 * 5)));
  const Tensor<double, 1> constant{7, 7, 7, 7};
  CHECK(rank_correlation(constant, constant) == 1);
  CHECK(rank_correlation(constant, a) == 0);
  CHECK(contains(error_of([&] { rank_correlation(a, Tensor<double, 1>{1}); }), "got (4) and (1)"));
  CHECK(contains(error_of([&] {
                   rank_correlation(a, Tensor<double, 1>{1, 2, 3, std::nan("")});
                 }),
                 "found NaN"));
}

TEST_CASE("randomisation check: who ignores the network is found out") {
  const auto& net = trained_network();
  const auto image = digit_batch().images.sub(0, 1);
  const Index k = digit_batch().labels[0];
  const auto edges = [](const auto&, auto x, Index) { return Tensor<float, 3>(x[0]); };
  const auto gradient = [](const auto& n, auto x, Index c) { return gradient_map(n, x, c); };
  const auto lying = randomisation_check(net, image, k, edges);
  const auto honest = randomisation_check(net, image, k, gradient, {.seed = 1});
  REQUIRE(lying.size() == 4);
  std::string layers;
  for (const auto& [layer, correlation] : lying) {
    layers += layer + " ";
    CHECK(correlation == 1);
  }
  CHECK(layers == "fc2 fc1 conv2 conv1 ");
  for (const auto& [layer, correlation] : honest) CHECK(correlation < 0.9);
  CHECK(honest.back().correlation < 0.5);
  CHECK(honest.back().correlation < honest.front().correlation);
  // A function of the seed.
  CHECK(randomisation_check(net, image, k, gradient, {.seed = 1})[2].correlation ==
        honest[2].correlation);
  CHECK(randomisation_check(net, image, k, gradient, {.seed = 2})[2].correlation !=
        honest[2].correlation);
}

TEST_CASE("randomisation check: from the top down, one more layer each time, as wide as before") {
  const auto& net = trained_network();
  const auto image = digit_batch().images.sub(0, 1);
  // What is left of the trained weights, as a map of one number for each parameter tensor.
  std::vector<std::vector<bool>> kept;
  const auto watch = [&](const auto& n, auto, Index) {
    std::vector<const float*> original;
    net.for_each_parameter(
        [&](const std::string&, const auto& t) { original.push_back(t.data()); });
    kept.emplace_back();
    n.for_each_parameter([&](const std::string&, const auto& t) {
      const float* const before = original[kept.back().size()];
      kept.back().push_back(std::equal(t.begin(), t.end(), before));
      const View<const float, 1> now(t.data(), Shape{t.size()}), then(before, Shape{t.size()});
      if (t.size() >= 100) CHECK(sum(now * now) == doctest::Approx(sum(then * then)).epsilon(0.2));
    });
    return Tensor<float, 1>{1};
  };
  randomisation_check(net, image, 0, watch);
  REQUIRE(kept.size() == 5);
  for (std::size_t step = 0; step < 5; ++step)
    for (std::size_t p = 0; p < 8; ++p) CHECK(kept[step][p] == (p / 2 + step < 4));
}

TEST_CASE("faithfulness: bad input in words") {
  const auto& net = trained_network();
  const auto images = digit_batch().images;
  const auto one = images.sub(0, 1);
  Attribution<float> map{Tensor<float, 3>(Shape{1, 28, 28})};
  CHECK(error_of([&] { deletion_curve(net, images.sub(0, 3), 1, map); }) ==
        "deletion: expected one image (1, 1, 28, 28), got (3, 1, 28, 28)");
  CHECK(contains(error_of([&] { deletion_curve(net, one, 10, map); }), "got 10"));
  CHECK(contains(error_of([&] { insertion_curve(net, one, -1, map); }), "got -1"));
  CHECK(error_of([&] { insertion_curve(net, one, 1, map, {.baseline = images.sub(0, 2)}); }) ==
        "insertion: expected one image (1, 1, 28, 28) as baseline, got (2, 1, 28, 28)");
  CHECK(error_of([&] {
          insertion_curve(net, one, 1, {Tensor<float, 3>{{{1, 2}}}});
        }) == "insertion: expected a map (28, 28), got (1, 2)");
  CHECK(contains(error_of([&] { deletion_curve(net, one, 1, map, {.steps = 0}); }),
                 "expected between 1 and 784 steps, got 0"));
  CHECK(contains(error_of([&] { deletion_curve(net, one, 1, map, {.steps = 785}); }), "got 785"));
  map.map(0, 3, 4) = std::nanf("");
  CHECK(contains(error_of([&] { deletion_curve(net, one, 1, map); }), "found NaN"));
  const auto method = [](const auto&, auto x, Index) { return Tensor<float, 3>(x[0]); };
  CHECK(contains(error_of([&] { randomisation_check(net, one, 10, method); }), "got 10"));
  CHECK(contains(error_of([&] { randomisation_check(net, images, 1, method); }),
                 "randomisation check: expected one image"));
}
