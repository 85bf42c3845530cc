// SPDX-License-Identifier: MIT
#include "fovea/data/fit_digit.hpp"

#include "support.hpp"

using namespace test;

namespace {

using Grey = Tensor<std::uint8_t, 2>;

Grey fit(const Grey& image) { return fit_digit(image, "x.png"); }

// f(row, column) in [0, 255] for every pixel.
template <class F>
Grey drawn(Index H, Index W, F&& f) {
  Grey image(Shape{H, W});
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j)
      image(i, j) = static_cast<std::uint8_t>(std::clamp(static_cast<double>(f(i, j)), 0.0, 255.0));
  return image;
}

// A seven as MNIST would have it: 20 rows high, and light.
Grey seven() {
  const Grey stroke = drawn(200, 130, [](Index i, Index j) {
    return i < 24 || std::abs(static_cast<double>(j) - 118 + 0.5 * static_cast<double>(i)) < 12
               ? 255
               : 0;
  });
  return fit(drawn(300, 300, [&](Index i, Index j) {
    return 50 <= i && i < 250 && 80 <= j && j < 210 ? stroke(i - 50, j - 80) : 0;
  }));
}

// Mean difference in grey levels.
double difference(const Grey& a, const Grey& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += std::abs(a.data()[i] - b.data()[i]);
  return sum / static_cast<double>(a.size());
}

struct Where {
  Index height, width;
  double row, column;  // of the centre of mass
};
Where where(const Grey& x) {
  Index top = 28, left = 28, bottom = 0, right = 0;
  double mass = 0, row = 0, column = 0;
  for (Index i = 0; i < 28; ++i)
    for (Index j = 0; j < 28; ++j) {
      if (x(i, j) == 0) continue;
      top = std::min(top, i), bottom = std::max(bottom, i + 1);
      left = std::min(left, j), right = std::max(right, j + 1);
      mass += x(i, j);
      row += static_cast<double>(x(i, j) * i);
      column += static_cast<double>(x(i, j) * j);
    }
  return {bottom - top, right - left, row / mass, column / mass};
}

}  // namespace

TEST_CASE(
    "fit_digit: 20 pixels in the longer side, the centre of mass in the middle, light on black") {
  const Grey x = seven();
  CHECK(x.shape() == Shape(28, 28));
  const auto [height, width, row, column] = where(x);
  CHECK(height == 20);
  CHECK(width == 13);  // 130 of 200
  CHECK(std::abs(row - 14) <= 0.5);
  CHECK(std::abs(column - 14) <= 0.5);
  CHECK(max(x) == 255);
  CHECK(x(0, 0) == 0);
  CHECK(difference(x, Grey(Shape{28, 28})) > 20);
}

TEST_CASE("fit_digit: what is fitted already stays nearly as it is") {
  CHECK(difference(fit(seven()), seven()) < 3);
  // Faint ink at the edge is cut off the second time, so a digit may grow by a pixel; one digit made of
  // another is much further off.
  const auto digits = synthetic_digits(20, 5);
  for (Index n = 0; n < 20; ++n) {
    const Grey once = fit(Grey(digits.images[n][0])), twice = fit(once);
    const auto [height, width, row, column] = where(once);
    const auto [height2, width2, row2, column2] = where(twice);
    CHECK(std::abs(height - height2) <= 2);
    CHECK(std::abs(width - width2) <= 2);
    CHECK(std::abs(row - row2) <= 1);
    CHECK(std::abs(column - column2) <= 1);
    CHECK(difference(twice, once) < 20);
    if (digits.labels(n) != digits.labels(0))
      CHECK(difference(once, fit(Grey(digits.images[0][0]))) > 20);
  }
}

TEST_CASE(
    "fit_digit: dark on light, larger, off the centre, under uneven light, with noise and dust") {
  const Grey x = seven();
  const Grey inverted = drawn(28, 28, [&](Index i, Index j) { return 255 - x(i, j); });
  CHECK(difference(fit(inverted), x) < 3);
  const Grey faint = drawn(28, 28, [&](Index i, Index j) { return 120 - x(i, j) / 8; });
  CHECK(difference(fit(faint), x) < 3);

  for (const Index zoom : {1, 2, 7, 40})
    for (const bool dark : {false, true}) {
      CAPTURE(zoom);
      CAPTURE(dark);
      const auto clean = [&](Index i, Index j) {
        const Index r = i / zoom - 9, c = j / zoom - 2;
        const double ink = 0 <= r && r < 28 && 0 <= c && c < 28 ? x(r, c) / 255.0 : 0;
        return dark ? 200 - 150 * ink : 30 + 150 * ink;
      };
      const Index H = 40 * zoom, W = 51 * zoom;
      const Grey flat = fit(drawn(H, W, clean));
      CHECK(difference(flat, x) < 5);
      const auto slope = [&](Index i, Index j) {
        return 30.0 * static_cast<double>(i) / static_cast<double>(H) -
               20.0 * static_cast<double>(j) / static_cast<double>(W);
      };
      CHECK(
          difference(fit(drawn(H, W, [&](Index i, Index j) { return clean(i, j) + slope(i, j); })),
                     flat) < 3);
      Rng rng{1};
      CHECK(difference(
                fit(drawn(H, W, [&](Index i, Index j) { return clean(i, j) + 5 * rng.normal(); })),
                flat) < 5);
      Grey dusty = drawn(H, W, clean);
      dusty(H - 2, 1) = dusty(1, W - 2) = dark ? 0 : 255;
      CHECK(difference(fit(dusty), flat) < 3);
    }
}

TEST_CASE("fit_digit: lines keep their proportions") {
  const auto line = [](Index height, Index width) {
    return where(fit(drawn(100, 150, [=](Index i, Index j) {
      return 20 <= i && i < 20 + height && 30 <= j && j < 30 + width ? 200 : 10;
    })));
  };
  CHECK(line(60, 6).height == 20);
  CHECK(line(60, 6).width == 2);
  CHECK(line(6, 60).height == 2);
  CHECK(line(6, 60).width == 20);
  CHECK(line(5, 5).height == 20);  // smaller than 20 is enlarged
  CHECK(line(70, 1).width == 1);
}

TEST_CASE("fit_digit: nothing on the background is an error in words") {
  const auto error = [](const Grey& image) { return error_of([&] { fit(image); }); };
  CHECK(error(Grey(Shape{30, 40}, 77)) ==
        "x.png: expected a digit on a plain background, found one brightness (the largest "
        "difference is 0 of 255)");
  CHECK(contains(error(Grey(Shape{1, 1}, 9)), "found one brightness"));
  CHECK(contains(error(drawn(80, 60, [](Index i, Index j) { return 100 + i / 2 + j; })),
                 "found one brightness"));
  // A hundred dots are dust; so are the strong ones over a bar that is too faint to be a digit.
  const auto dots = [](Index i, Index j) { return i % 10 == 5 && j % 10 == 5; };
  CHECK(error(drawn(100, 100, [&](Index i, Index j) { return 255 * dots(i, j); })) ==
        "x.png: expected a digit on a plain background, found only specks, with less than 2 % of "
        "the ink each, or faint ink");
  CHECK(contains(error(drawn(100, 100, [&](Index i, Index j) { return dots(i, j) ? 20 : 220; })),
                 "found only specks"));
  CHECK(contains(error(drawn(300, 80, [&](Index i, Index j) { return 200 * dots(i, j); })),
                 "found only specks"));
  CHECK(contains(error(drawn(100, 100,
                             [&](Index i, Index j) {
                               return j < 45 && dots(i, j)                     ? 255
                                      : 55 <= j && j < 75 && 20 <= i && i < 80 ? 45
                                                                               : 0;
                             })),
                 "found only specks"));
  Rng rng{1};
  CHECK(contains(error(drawn(400, 300, [&](Index, Index) { return 128 + 10 * rng.normal(); })),
                 "found one brightness"));
  CHECK(contains(error(Grey(Shape{0, 5})), "x.png: expected an image (H, W), found (0, 5)"));
  for (const Index n :
       {2, 28, 3000}) {  // a line of one pixel has no background: refused or not, but nothing worse
    error(drawn(1, n, [](Index, Index j) { return j % 7 * 40; }));
    error(drawn(n, 1, [](Index i, Index) { return i % 2 * 255; }));
  }
}
