// SPDX-License-Identifier: MIT
#include <array>
#include <limits>

#include "support.hpp"

using namespace test;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Numbers in (0, 1), none of them zero: what comes from outside can be told from what was inside.
template <class T>
Tensor<T, 3> random_image(Shape<3> shape, std::uint64_t seed = 1) {
  return map(random_tensor<T>(shape, seed), [](T x) { return (x + T(1.01)) / T(2.02); });
}

template <class T>
Tensor<T, 3> warped(const Tensor<T, 3>& image, const Affine& map) {
  Tensor<T, 3> result(image.shape(), T(-1));
  warp<T>(image, result, map);
  return result;
}

template <class T, std::size_t R>
bool same(const Tensor<T, R>& a, const Tensor<T, R>& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin());
}

template <class T>
double distance(const Tensor<T, 3>& a, const Tensor<T, 3>& b) {
  double largest = 0;
  for (Index i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a.data()[i] - b.data()[i])));
  return largest;
}

// Reference implementation: the forward map by the formula of the page, solved for p, and every pixel weighted by
// its distance from p.
template <class T>
Tensor<T, 3> slow_warp(const Tensor<T, 3>& in, const Affine& map) {
  const auto [C, H, W] = in.shape();
  const double angle = map.rotate * std::numbers::pi / 180, s = map.scale;
  // p' = s R (shear p), where a point on the right goes up when it is turned against the clock.
  const double a = s * std::cos(angle), b = s * (map.shear * std::cos(angle) + std::sin(angle)),
               c = -s * std::sin(angle), d = s * (std::cos(angle) - map.shear * std::sin(angle)),
               det = a * d - b * c;
  const double cx = static_cast<double>(W - 1) / 2, cy = static_cast<double>(H - 1) / 2;
  Tensor<T, 3> out(in.shape());
  for (Index k = 0; k < C; ++k)
    for (Index i = 0; i < H; ++i)
      for (Index j = 0; j < W; ++j) {
        const double px = static_cast<double>(j) - cx - map.dx;
        const double py = static_cast<double>(i) - cy - map.dy;
        const double x = cx + (d * px - b * py) / det, y = cy + (-c * px + a * py) / det;
        double sum = 0;
        for (Index l = 0; l < H; ++l)
          for (Index m = 0; m < W; ++m)
            sum += static_cast<double>(in(k, l, m)) *
                   std::max(0.0, 1 - std::abs(y - static_cast<double>(l))) *
                   std::max(0.0, 1 - std::abs(x - static_cast<double>(m)));
        out(k, i, j) = static_cast<T>(sum);
      }
  return out;
}

// All images of an epoch in the order they came, and their labels.
template <class T>
struct Epoch {
  Tensor<T, 4> images;
  std::vector<Label> labels;
};
template <class T = float, class Change = NoAugment>
Epoch<T> epoch_of(const Dataset& data, BatchOptions options, Change change = {},
                  Index batch_size = 7) {
  Epoch<T> epoch{Tensor<T, 4>(data.images.shape()), {}};
  for (const auto& [images, labels] : batches<T>(data, batch_size, options, change)) {
    std::copy(images.begin(), images.end(),
              epoch.images[static_cast<Index>(epoch.labels.size())].data());
    epoch.labels.insert(epoch.labels.end(), labels.begin(), labels.end());
  }
  return epoch;
}

// Images of one grey each: image n is the byte 4 n + 40.
Dataset greys(Index count, Index H = 9, Index W = 12) {
  Dataset data{"greys", Tensor<std::uint8_t, 4>(Shape{count, 1, H, W}),
               Tensor<Label, 1>(Shape{count}), 10, Scaling{.mean = 0.25, .std = 0.5}};
  for (Index n = 0; n < count; ++n) {
    data.images[n].fill(static_cast<std::uint8_t>(4 * n + 40));
    data.labels(n) = static_cast<Label>(n % 10);
  }
  return data;
}

}  // namespace

TEST_CASE_TEMPLATE("warp: the formula, on odd shapes", T, float, double) {
  const std::vector<Affine> maps{{.rotate = 17},
                                 {.scale = 0.7},
                                 {.scale = 1.9},
                                 {.shear = 0.4},
                                 {.dx = 0.3, .dy = -1.7},
                                 {.rotate = -130, .scale = 0.8, .shear = -0.3, .dx = 2.5, .dy = 1},
                                 {.dx = 1e12},
                                 {.scale = 1e-9}};
  for (const Shape<3> shape : {Shape{1, 28, 28}, Shape{3, 5, 17}, Shape{2, 6, 1}})
    for (const Affine& map : maps) {
      const auto image = random_image<T>(shape);
      const auto result = warped(image, map);
      CHECK(distance(result, slow_warp(image, map)) < (sizeof(T) == 4 ? 3e-5 : 1e-12));
      for (const T x : result) CHECK_UNARY(0 <= x && x <= 1);
    }
}

TEST_CASE_TEMPLATE("warp: whole shifts copy, bit for bit", T, float, double) {
  const auto image = random_image<T>({2, 7, 20});
  CHECK(same(warped(image, {}), image));
  for (const auto& [right, down] : std::vector<std::array<Index, 2>>{
           {0, 0}, {1, 0}, {-3, 2}, {0, -6}, {19, 1}, {20, 0}, {0, 7}}) {
    Tensor<T, 3> moved(image.shape());
    for (Index c = 0; c < 2; ++c)
      for (Index i = 0; i < 7; ++i)
        for (Index j = 0; j < 20; ++j) {
          const Index k = i - down, l = j - right;
          if (0 <= k && k < 7 && 0 <= l && l < 20) moved(c, i, j) = image(c, k, l);
        }
    CHECK(same(warped(image, {.dx = static_cast<double>(right), .dy = static_cast<double>(down)}),
               moved));
  }
}

TEST_CASE("warp: which way is positive") {
  Tensor<double, 3> image(Shape{1, 9, 9});
  image(0, 4, 7) = 1;  // right of the centre
  const auto brightest = [&](const Affine& map) {
    const Index place = argmax(warped(image, map));
    return Shape{place / 9, place % 9};
  };
  CHECK(brightest({.rotate = 90}) == Shape{1, 4});  // goes up: against the clock
  CHECK(brightest({.rotate = -90}) == Shape{7, 4});
  CHECK(brightest({.dx = 1}) == Shape{4, 8});
  CHECK(brightest({.dy = 2}) == Shape{6, 7});
  CHECK(brightest({.scale = 1.0 / 3}) == Shape{4, 5});
  image.fill(0);
  image(0, 6, 4) = 1;  // below the centre
  CHECK(brightest({.shear = 1}) == Shape{6, 6});
}

TEST_CASE("warp: quarter turns and whole ones") {
  const auto image = random_image<double>({2, 11, 11});
  const auto quarter = warped(image, {.rotate = 90});
  for (Index i = 0; i < 11; ++i)
    for (Index j = 0; j < 11; ++j) CHECK(std::abs(quarter(1, i, j) - image(1, j, 10 - i)) < 1e-12);
  CHECK(distance(warped(quarter, {.rotate = 90}), warped(image, {.rotate = 180})) < 1e-12);
  CHECK(distance(warped(image, {.rotate = 360}), image) < 1e-12);
  const auto single = random_image<float>({1, 28, 28});
  CHECK(distance(warped(single, {.rotate = 360}), single) < 1e-5);
}

TEST_CASE("warp: what is refused, and in which words") {
  Tensor<float, 3> in(Shape{1, 4, 5}), out(Shape{1, 5, 4});
  CHECK(error_of([&] { warp<float>(in, out, {}); }) ==
        "warp: expected an output (1, 4, 5), got (1, 5, 4)");
  const auto error = [&](const Affine& map) { return error_of([&] { warp<float>(in, in, map); }); };
  CHECK(error({.rotate = not_a_number}) == "affine: expected a finite rotate, got nan");
  CHECK(error({.shear = not_a_number}) == "affine: expected a finite shear, got nan");
  CHECK(error({.dx = INFINITY}) == "affine: expected a finite dx, got inf");
  CHECK(error({.dy = -INFINITY}) == "affine: expected a finite dy, got -inf");
  CHECK(error({.scale = 0}) == "affine: expected a scale above 0, got 0");
  CHECK(error({.scale = not_a_number}) == "affine: expected a scale above 0, got nan");
}

TEST_CASE("augment: noise has the standard deviation that was asked for, and images stay images") {
  Tensor<float, 3> grey(Shape{1, 200, 300}, 0.5f), out(grey.shape());
  augment<float>(grey, out, {.noise = 0.1}, Rng{1});
  double mean = 0, square = 0;
  for (const float x : out) {
    const double d = static_cast<double>(x) - 0.5;
    mean += d / 60000;
    square += d * d / 60000;
  }
  CHECK(std::abs(mean) < 0.002);
  CHECK(std::abs(std::sqrt(square) - 0.1) < 0.001);
  augment<float>(grey, out, {.noise = 2}, Rng{1});
  for (const float x : out) CHECK_UNARY(0 <= x && x <= 1);
}

TEST_CASE("augment: maps stay in their limits and reach for them") {
  // Where a dot ends up says how far it was shifted or turned.
  Tensor<double, 3> dot(Shape{1, 21, 21}), out(dot.shape());
  const auto centre = [&](Augment options, std::uint64_t seed) {
    augment<double>(dot, out, options, Rng{seed});
    double mass = 0, x = 0, y = 0;
    for (Index i = 0; i < 21; ++i)
      for (Index j = 0; j < 21; ++j) {
        mass += out(0, i, j);
        x += out(0, i, j) * static_cast<double>(j - 10);
        y += out(0, i, j) * static_cast<double>(10 - i);
      }
    return std::array{x / mass, y / mass};
  };
  double right = 0, left = 0, up = 0, down = 0, turn = 0, back = 0, large = 1, small = 1;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    dot.fill(0);
    dot(0, 10, 10) = 1;
    const auto shifted = centre({.shift = 2.5}, seed);
    right = std::max(right, shifted[0]);
    left = std::min(left, shifted[0]);
    up = std::max(up, shifted[1]);
    down = std::min(down, shifted[1]);
    dot.fill(0);
    dot(0, 10, 18) = 1;
    const auto turned = centre({.rotate = 30}, seed);
    const double angle = std::atan2(turned[1], turned[0]) * 180 / std::numbers::pi;
    turn = std::max(turn, angle);
    back = std::min(back, angle);
    const double size = centre({.scale = 0.2}, seed)[0] / 8;
    large = std::max(large, size);
    small = std::min(small, size);
  }
  for (const double most : {right, -left, up, -down}) CHECK_UNARY(2.3 < most && most <= 2.5001);
  for (const double most : {turn, -back}) CHECK_UNARY(27 < most && most < 33);
  CHECK_UNARY(1.15 < large && large < 1.25);
  CHECK_UNARY(0.75 < small && small < 0.85);
}

TEST_CASE("augment: what is refused, and in which words") {
  const Dataset data = greys(3);
  const auto error = [&](Augment change, BatchOptions options = {}) {
    return error_of([&] { batches(data, 2, options, change); });
  };
  CHECK(error({.shift = -1}) == "augment: expected a shift from 0 to 1e6, got -1");
  CHECK(error({.rotate = not_a_number}) == "augment: expected a rotate from 0 to 1e6, got nan");
  CHECK(error({.scale = -0.1}) == "augment: expected a scale from 0 to 1e6, got -0.1");
  CHECK(error({.scale = 1}) == "augment: expected a scale below 1, got 1");
  CHECK(error({.noise = INFINITY}) == "augment: expected a noise from 0 to 1e6, got inf");
  CHECK(error({}, {.threads = -1}) == "threads: expected 0 (all) or more, got -1");
  CHECK(error({.shift = 1}, {.threads = -2}) == "threads: expected 0 (all) or more, got -2");
  CHECK(error_of([&] { batches(data, 2, {.threads = -3}); }) ==
        "threads: expected 0 (all) or more, got -3");
  Tensor<float, 3> in(Shape{1, 4, 5}), out(Shape{1, 5, 4});
  CHECK(error_of([&] { augment<float>(in, out, {.shift = 1}, Rng{1}); }) ==
        "augment: expected an output (1, 4, 5), got (1, 5, 4)");
  CHECK(contains(error_of([&] { augment<float>(in, in, {.noise = -1}, Rng{1}); }), "got -1"));
}

TEST_CASE("batches: augmented ones keep their order, their labels and their scaling") {
  const Dataset data = greys(40);
  BatchOptions options{.seed = 3, .epoch = 2};
  const auto a = epoch_of(data, options), b = epoch_of(data, options, Augment{.noise = 0.01});
  CHECK(a.labels == b.labels);
  CHECK(!same(a.images, b.images));
  for (Index n = 0; n < 40; ++n) {
    // The greys are far more standard deviations of this mean apart than four.
    const double was = static_cast<double>(mean(a.images[n]));
    const double is = static_cast<double>(mean(b.images[n]));
    CHECK(std::abs(was - is) < 4 * 0.01 / data.scaling.std / std::sqrt(9 * 12));
  }
  // None at all is the plain way, bit for bit, whatever the threads.
  options.threads = 3;
  CHECK(same(a.images, epoch_of(data, options, Augment{}).images));
}

TEST_CASE("batches: augmented with the same bits by any number of threads, and after a resume") {
  const Dataset data = synthetic_digits(50, 2);
  const Augment change{.shift = 2, .rotate = 15, .scale = 0.1, .noise = 0.1};
  const BatchOptions options{.seed = 1, .epoch = 4, .threads = 1};
  const auto once = epoch_of(data, options, change);
  for (const int threads : {1, 2, 3, 7, 0}) {
    BatchOptions others = options;
    others.threads = threads;
    CHECK(same(once.images, epoch_of(data, others, change).images));
  }
  // A batch is a function of its number; and an image of its place in the data set.
  auto resumed = batches(data, 7, options, change);
  const auto fifth = resumed[5];
  CHECK(std::equal(fifth.images.begin(), fifth.images.end(), once.images[35].begin()));
  BatchOptions in_order = options;
  in_order.shuffle = false;
  const auto sorted = epoch_of(data, in_order, change, 9);
  const auto order = permutation(50, Rng{1, 4});
  for (Index n = 0; n < 50; ++n) {
    const auto image = sorted.images[order[static_cast<std::size_t>(n)]];
    CHECK(std::equal(image.begin(), image.end(), once.images[n].begin()));
  }
  for (const auto& other : {BatchOptions{.seed = 2, .epoch = 4, .shuffle = false},
                            BatchOptions{.seed = 1, .epoch = 5, .shuffle = false}})
    CHECK(!same(sorted.images, epoch_of(data, other, change, 9).images));
  // What a batch holds is what augment() makes.
  Tensor<double, 3> image(Shape{1, 28, 28}), out(image.shape());
  const auto wide = epoch_of<double>(data, in_order, change);
  std::transform(data.images[8].begin(), data.images[8].end(), image.begin(),
                 [](std::uint8_t byte) { return byte / 255.0; });
  augment<double>(image, out, change, Rng{1, 4, 8});
  for (Index i = 0; i < out.size(); ++i)
    CHECK(std::abs((out.data()[i] - data.scaling.mean) / data.scaling.std -
                   wide.images[8].data()[i]) < 1e-12);
}

TEST_CASE("augment: an image is shifted across and down independently") {
  Tensor<double, 3> dot(Shape{1, 9, 12}), moved(dot.shape());
  dot(0, 4, 5) = 1;
  double product = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    augment<double>(dot, moved, {.shift = 2}, Rng{seed});
    double down = -4, across = -5;  // from the dot's place to where its weight is now
    for (Index i = 0; i < 9; ++i)
      for (Index j = 0; j < 12; ++j) {
        down += moved(0, i, j) * static_cast<double>(i);
        across += moved(0, i, j) * static_cast<double>(j);
      }
    product += down * across / 1000;
  }
  // The variance of U[-2, 2) is 4 / 3, which is the standard deviation of the product as well.
  CHECK(std::abs(product) < 4 * (4.0 / 3) / std::sqrt(1000.0));
}
