// SPDX-License-Identifier: MIT
#include <array>
#include <limits>
#include <set>

#include "fovea/explain/corruptions.hpp"
#include "support.hpp"

using namespace test;

namespace {

std::vector<Corruption> all_of_them() {
  auto list = corruption::mnist_c();
  for (const auto& more :
       {corruption::gaussian_noise(0.3), corruption::gaussian_blur(1), corruption::cutout(6),
        corruption::rotation(30), corruption::translation(2, -1.5)})
    list.push_back(more);
  return list;
}

const std::set<std::string_view> without_chance{
    "scale", "brightness", "stripe", "canny_edges", "gaussian_blur", "rotation", "translation"};

Tensor<float, 3> applied(const Corruption& corruption, const Tensor<float, 3>& in,
                         std::uint64_t seed = 1) {
  Tensor<float, 3> out(in.shape(), std::numeric_limits<float>::quiet_NaN());
  corruption.apply(in, out, Rng{seed});
  return out;
}

bool same(const Dataset& a, const Dataset& b) {
  return std::equal(a.images.begin(), a.images.end(), b.images.begin(), b.images.end());
}

}  // namespace

TEST_CASE("corruptions: the fifteen of MNIST-C, in words") {
  std::vector<std::string_view> names;
  for (const Corruption& corruption : corruption::mnist_c()) {
    names.push_back(corruption.name);
    CHECK(!corruption.parameters.empty());
  }
  CHECK(names == std::vector<std::string_view>{"shot_noise", "impulse_noise", "glass_blur",
                                               "motion_blur", "shear", "scale", "rotate",
                                               "brightness", "translate", "stripe", "fog",
                                               "spatter", "dotted_line", "zigzag", "canny_edges"});
}

TEST_CASE("corrupt: every corruption changes something, by seed and image, for any threads") {
  const Dataset data = synthetic_digits(37, 6);
  for (const Corruption& corruption : all_of_them()) {
    CAPTURE(corruption.name);
    const Dataset once = corrupt(data, corruption, {.seed = 1, .threads = 1});
    CHECK(once.name == concat("synthetic with ", corruption.name));
    CHECK(std::equal(once.labels.begin(), once.labels.end(), data.labels.begin()));
    CHECK(once.classes == data.classes);
    CHECK(once.scaling.mean == data.scaling.mean);
    for (Index n = 0; n < data.size(); ++n)
      if (corruption.name != "cutout")  // may cover what is black already
        CHECK(!std::equal(once.images[n].begin(), once.images[n].end(), data.images[n].begin()));
    CHECK(!same(once, data));
    for (const int threads : {2, 3, 7})
      CHECK(same(once, corrupt(data, corruption, {.seed = 1, .threads = threads})));
    // Image n does not know how many there are.
    const Dataset few = corrupt(data.part(0, 5), corruption, {.seed = 1});
    CHECK(std::equal(few.images.begin(), few.images.end(), once.images.begin()));
    CHECK(same(once, corrupt(data, corruption, {.seed = 2})) ==
          without_chance.contains(corruption.name));
  }
}

TEST_CASE("corruptions: numbers stay in [0, 1], of any shape, at the ends too") {
  for (const Corruption& corruption : all_of_them()) {
    CAPTURE(corruption.name);
    for (const Shape<3> shape : {Shape{1, 28, 28}, Shape{3, 13, 18}, Shape{2, 40, 9}}) {
      const auto random = map(random_tensor<float>(shape, 1), [](float x) { return x * x; });
      for (const auto& image : {random, Tensor<float, 3>(shape), Tensor<float, 3>(shape, 1)})
        for (std::uint64_t seed = 0; seed < 3; ++seed)
          for (const float x : applied(corruption, image, seed)) CHECK_UNARY(0 <= x && x <= 1);
    }
  }
}

TEST_CASE("corrupt: bytes that do not change come back, others are rounded to the nearest") {
  Dataset data = synthetic_digits(1);
  for (Index i = 0; i < 256; ++i) data.images.data()[i] = static_cast<std::uint8_t>(i);
  CHECK(same(data, corrupt(data, corruption::translation(0, 0), {.seed = 1})));
  CHECK(same(data, corrupt(data, corruption::gaussian_noise(0), {.seed = 1})));
  const Dataset brighter = corrupt(data, corruption::brightness(0.3), {.seed = 1});  // 76.5 bytes
  for (Index i = 0; i < 256; ++i) {
    const double byte = std::min(255.0, static_cast<double>(i) + 76.5);
    CHECK(std::abs(brighter.images.data()[i] - byte) <= 0.5);
  }
  const Corruption constant{
      .name = "constant",
      .apply = [](View<const float, 3>, View<float, 3> out, Rng) { out.fill(100.6f / 255); }};
  CHECK(corrupt(data, constant, {.seed = 1}).images(0, 0, 5, 5) == 101);
  CHECK(error_of([&] { corrupt(data, {.name = "nothing"}); }) ==
        "corrupt: expected a corruption with a function, got nothing");
  CHECK(
      contains(error_of([&] { corrupt(data, corruption::stripe(), {.threads = -1}); }), "threads"));
}

TEST_CASE("noise: as much as asked for") {
  const Tensor<float, 3> grey(Shape{1, 200, 250}, 0.6f), black(grey.shape());
  const auto moments = [](const Tensor<float, 3>& x) {
    double m = 0, s = 0;
    for (const float v : x) m += static_cast<double>(v) / 50000;
    for (const float v : x) s += std::pow(static_cast<double>(v) - m, 2) / 50000;
    return std::array{m, std::sqrt(s)};
  };
  const auto gaussian = moments(applied(corruption::gaussian_noise(0.08), grey));
  CHECK(std::abs(gaussian[0] - 0.6) < 0.0015);
  CHECK(std::abs(gaussian[1] - 0.08) < 0.001);
  // Poisson: the variance is mean / photons, and the values are whole photons.
  const auto shot = moments(applied(corruption::shot_noise(60), grey));
  CHECK(std::abs(shot[0] - 0.6) < 0.002);
  CHECK(std::abs(shot[1] - std::sqrt(0.6 / 60)) < 0.002);
  CHECK(sum(applied(corruption::shot_noise(), black)) == 0.0f);
  for (const float x : applied(corruption::shot_noise(3), grey))
    CHECK(std::abs(3 * x - std::round(3 * x)) < 1e-6f);
  Index salt = 0, pepper = 0;
  for (const float x : applied(corruption::impulse_noise(0.2), grey)) {
    salt += x == 1;
    pepper += x == 0;
    CHECK_UNARY(x == 0 || x == 1 || x == 0.6f);
  }
  CHECK(std::abs(static_cast<double>(salt) - 5000) < 300);
  CHECK(std::abs(static_cast<double>(pepper) - 5000) < 300);
}

TEST_CASE("cutout: one square, where it was asked for or anywhere") {
  const Tensor<float, 3> white(Shape{2, 9, 12}, 1);
  const auto there = applied(corruption::cutout_at(2, 7, 4, 0.25f), white);
  for (Index c = 0; c < 2; ++c)
    for (Index i = 0; i < 9; ++i)
      for (Index j = 0; j < 12; ++j)
        CHECK(there(c, i, j) == (2 <= i && i < 6 && 7 <= j && j < 11 ? 0.25f : 1.0f));
  std::set<Index> corners;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const auto some = applied(corruption::cutout(7), white, seed);
    CHECK(sum(some) == 2 * (9 * 12 - 49));
    corners.insert(argmax(map(some, [](float x) { return 1 - x; })));
  }
  CHECK(corners.size() == 3 * 6);  // every place there is
  CHECK(error_of([&] { applied(corruption::cutout(10), white); }) ==
        "cutout: expected a square inside of 9 x 12 pixels, got side 10 at (0, 0)");
}

TEST_CASE("geometry: either way, and as far as it says") {
  Tensor<float, 3> dot(Shape{1, 21, 21});
  dot(0, 10, 18) = 1;
  std::set<Index> moved, turned;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    moved.insert(argmax(applied(corruption::translate(2), dot, seed)));
    turned.insert(argmax(applied(corruption::rotate(std::numbers::pi / 2), dot, seed)));
  }
  CHECK(moved == std::set<Index>{8 * 21 + 16, 8 * 21 + 20, 12 * 21 + 16, 12 * 21 + 20});
  CHECK(turned == std::set<Index>{2 * 21 + 10, 18 * 21 + 10});
  CHECK(argmax(applied(corruption::scale(0.5), dot)) == 10 * 21 + 14);
  dot.fill(0);
  dot(0, 16, 10) = 1;
  std::set<Index> sheared;
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    sheared.insert(argmax(applied(corruption::shear(std::numbers::pi / 4), dot, seed)));
  CHECK(sheared == std::set<Index>{16 * 21 + 4, 16 * 21 + 16});
}

TEST_CASE("stripe, lines and zigzag lie where they should") {
  const Tensor<float, 3> black(Shape{1, 28, 28});
  const auto stripe = applied(corruption::stripe(), black);
  for (Index j = 0; j < 28; ++j) CHECK(stripe(0, 3, j) == (j < 7 || j >= 21 ? 1.0f : 0.0f));
  // The rows that a column is drawn in, from the first to the last.
  const auto largest = [](const Tensor<float, 3>& x, Index j) {
    float most = 0;
    for (Index i = 0; i < 28; ++i) most = std::max(most, x(0, i, j));
    return most;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto dots = applied(corruption::dotted_line(), black, seed);
    const auto zigzag = applied(corruption::zigzag(), black, seed);
    int drawn = 0;
    for (Index j = 0; j < 28; ++j) {
      CHECK((largest(dots, j) > 0.5f) == (j / 2 % 2 == 1 && j < 27));
      if (j < 2 || j > 26) CHECK(largest(zigzag, j) == 0.0f);
      drawn += largest(zigzag, j) > 0.5f;
    }
    CHECK(drawn >= 12);  // some of it may lie above or below the image
  }
}

TEST_CASE("blurs keep the sum of what is inside, and spread it as they say") {
  Tensor<float, 3> dot(Shape{1, 41, 43});
  dot(0, 20, 21) = 1;
  const auto variances = [&](const Tensor<float, 3>& x) {
    double down = 0, right = 0, total = 0;
    for (Index i = 0; i < 41; ++i)
      for (Index j = 0; j < 43; ++j) {
        const double v = static_cast<double>(x(0, i, j));
        total += v;
        down += v * static_cast<double>((i - 20) * (i - 20));
        right += v * static_cast<double>((j - 21) * (j - 21));
      }
    CHECK(std::abs(total - 1) < 1e-5);
    return std::array{down, right};
  };
  const auto gaussian = variances(applied(corruption::gaussian_blur(2), dot));
  CHECK(std::abs(gaussian[0] - 4) < 0.05);
  CHECK(std::abs(gaussian[1] - 4) < 0.05);
  const auto glass = variances(applied(corruption::glass_blur(0.7, 1, 0), dot));
  CHECK(std::abs(glass[0] - 2 * 0.49) < 0.05);
  CHECK(glass[1] == 0);
  // Frosted: the same numbers in other places.
  variances(applied(corruption::glass_blur(), dot));
  // The trail goes to the left of the dot, as far as 2 * radius, and within 45 degrees.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto trail = applied(corruption::motion_blur(5, 3), dot, seed);
    const auto spread = variances(trail);
    CHECK(spread[0] <= spread[1] + 1e-6);
    for (Index i = 0; i < 41; ++i)
      for (Index j = 0; j < 43; ++j)
        if (j > 21 || j < 21 - 10) CHECK(trail(0, i, j) == 0);
    CHECK(trail(0, 20, 21) > 0.2f);
  }
}

TEST_CASE("canny: the outline of a square, and no more") {
  Tensor<float, 3> square(Shape{1, 24, 30});
  for (Index i = 7; i < 17; ++i)
    for (Index j = 8; j < 21; ++j) square(0, i, j) = 1;
  const auto edges = applied(corruption::canny_edges(), square);
  for (const float x : edges) CHECK_UNARY(x == 0 || x == 1);
  for (Index i = 9; i < 15; ++i) {  // two crossings in every row of the middle
    float row = 0;
    for (Index j = 0; j < 30; ++j) row += edges(0, i, j);
    CHECK_UNARY(2 <= row && row <= 4);
    CHECK_UNARY(edges(0, i, 7) + edges(0, i, 8) > 0);
    CHECK_UNARY(edges(0, i, 20) + edges(0, i, 21) > 0);
    CHECK(edges(0, i, 14) == 0);
  }
  // Hysteresis: a step of 0.05 has a slope of 0.12. It has no edge alone, and one all along where it
  // grows into a strong step.
  Tensor<float, 3> steps(Shape{1, 24, 30});
  for (Index i = 0; i < 24; ++i)
    for (Index j = 15; j < 30; ++j) steps(0, i, j) = 0.05f;
  const auto alone = sum(applied(corruption::canny_edges(), steps));
  for (Index i = 0; i < 12; ++i)
    for (Index j = 15; j < 30; ++j) steps(0, i, j) += 0.01f * static_cast<float>(12 - i);
  const auto joined = applied(corruption::canny_edges(), steps);
  CHECK(alone == 0.0f);
  CHECK(joined(0, 18, 14) + joined(0, 18, 15) > 0.0f);
}

TEST_CASE("fog brightens the dark, smoothly; mud is grey") {
  Tensor<float, 3> image(Shape{1, 28, 28});
  image(0, 14, 14) = 1;
  double brightness = 0, roughness = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto fog = applied(corruption::fog(), image, seed);
    brightness += static_cast<double>(mean(fog)) / 50;
    for (Index i = 0; i < 28; ++i)
      for (Index j = 1; j < 28; ++j)
        if (i != 14)
          roughness += static_cast<double>(std::abs(fog(0, i, j) - fog(0, i, j - 1))) / 50 / 729;
  }
  CHECK_UNARY(0.25 < brightness && brightness < 0.5);  // 3/4 of the plasma, whose mean is a half
  CHECK_UNARY(0.001 < roughness && roughness < 0.05);
  double muddy = 0;
  const Tensor<float, 3> white(Shape{1, 28, 28}, 1);
  for (std::uint64_t seed = 0; seed < 50; ++seed)
    for (const float x : applied(corruption::spatter(), white, seed)) {
      CHECK_UNARY(x == 1 || (0.246f < x && x < 0.41f));  // covered by 0.8 or more
      muddy += x < 1 ? 1.0 / 50 / 784 : 0;
    }
  CHECK_UNARY(0.1 < muddy && muddy < 0.4);
}

TEST_CASE("corruptions: what is refused, and in which words") {
  using namespace corruption;
  const double none = std::numeric_limits<double>::quiet_NaN();
  const auto words = [](auto make) { return error_of([&] { make(); }); };
  CHECK(words([&] { gaussian_noise(-0.1); }) ==
        "gaussian_noise: expected a standard deviation in [0, 1e+06], got -0.1");
  CHECK(contains(words([&] { gaussian_noise(none); }), "got nan"));
  CHECK(words([&] { shot_noise(0); }) == "shot_noise: expected photons in (0, 500], got 0");
  CHECK(contains(words([&] { shot_noise(none); }), "got nan"));
  CHECK(words([&] { impulse_noise(1.5); }) == "impulse_noise: expected a share in [0, 1], got 1.5");
  CHECK(words([&] { brightness(none); }) == "brightness: expected an amount in [0, 1], got nan");
  CHECK(words([&] { cutout(0); }) ==
        "cutout: expected a square of 1 pixel or more inside the image, got side 0 at (0, 0)");
  CHECK(contains(words([&] { cutout_at(-1, 0, 3); }), "got side 3 at (-1, 0)"));
  CHECK(words([&] { cutout(3, 1.5f); }) == "cutout: expected a value in [0, 1], got 1.5");
  CHECK(words([&] { rotation(none); }) == "affine: expected a finite rotate, got nan");
  CHECK(words([&] { rotate(none); }) == "affine: expected a finite rotate, got nan");
  CHECK(words([&] { shear(none); }) == "affine: expected a finite shear, got nan");
  CHECK(words([&] { scale(-1); }) == "affine: expected a scale above 0, got -1");
  CHECK(words([&] { translate(none); }) == "affine: expected a finite dx, got nan");
  CHECK(words([&] { translation(0, none); }) == "affine: expected a finite dy, got nan");
  CHECK(words([&] { gaussian_blur(0); }) ==
        "gaussian_blur: expected a sigma in (0, 100] pixels, got 0");
  CHECK(words([&] { glass_blur(0.7, 0); }) ==
        "glass_blur: expected a reach of 1 or more and rounds of 0 or more, got 0 and 2");
  CHECK(words([&] { motion_blur(0); }) == "motion_blur: expected a radius of 1 or more, got 0");
  CHECK(contains(words([&] { motion_blur(3, none); }), "motion_blur: expected a sigma"));
  CHECK(words([&] { fog(0); }) ==
        "fog: expected a density in (0, 100] and a decay in [1, 100], got 0 and 1.4");
  const Tensor<float, 3> tiny(Shape{1, 5, 9});
  CHECK(words([&] { applied(zigzag(), tiny); }) ==
        "zigzag: expected an image of 8 x 8 pixels or more, got 5 x 9");
  CHECK(contains(words([&] { applied(dotted_line(), tiny); }), "dotted_line: expected"));
}

TEST_CASE("corrupt: no two places share their numbers, however many images are done at once") {
  Dataset data = synthetic_digits(70, 3);
  for (Index n = 1; n < 70; ++n)
    std::copy(data.images[0].begin(), data.images[0].end(), data.images[n].begin());
  const Dataset noisy = corrupt(data, corruption::gaussian_noise(0.3), {.seed = 1});
  std::set<std::string> different;  // of bytes; g++ 12 warns of a set of vectors
  for (Index n = 0; n < 70; ++n) different.emplace(noisy.images[n].begin(), noisy.images[n].end());
  CHECK(different.size() == 70);
}

TEST_CASE("corruptions: default parameters are those of the benchmark") {
  std::set<std::string> parameters;
  for (const Corruption& c : corruption::mnist_c()) parameters.insert(c.parameters);
  for (const char* expected :
       {"3 photons for white", "17 % of the pixels", "sigma 0.7, reach 1, 2 rounds",
        "radius 10, sigma 3", "+-0.42 columns a row", "x 0.7", "+-22.9 degrees", "+0.5",
        "+-3 pixels in x and y", "density 3, decay 1.4"}) {
    CAPTURE(expected);
    CHECK(parameters.contains(expected));
  }
}

TEST_CASE("plasma: from grid to grid the random numbers shrink by decay squared") {
  for (const double decay : {1.4, 2.0}) {
    Rng rng{3};
    const auto map = detail::plasma(64, decay, rng);
    // How far the middles of squares, `step` wide, lie from the mean of their corners.
    const auto spread = [&](Index step) {
      double sum = 0, count = 0;
      for (Index i = 0; i < 64; i += step)
        for (Index j = 0; j < 64; j += step, ++count) {
          const Index below = (i + step) % 64, right = (j + step) % 64;
          const float corners = map(i, j) + map(i, right) + map(below, j) + map(below, right);
          sum += std::abs(static_cast<double>(map(i + step / 2, j + step / 2) - corners / 4));
        }
      return sum / count;
    };
    CHECK(spread(4) / spread(2) == doctest::Approx(decay * decay).epsilon(0.15));
  }
}
