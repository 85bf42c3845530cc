// SPDX-License-Identifier: MIT
//
// Synthetic digits: a data set that needs no download, for tests and first steps.
//
// Each digit is a few strokes, polygons in the unit square. For every image they are rotated, scaled,
// slanted and shifted at random, drawn with a pen of random width, and noise is added. Image n is a
// function of (seed, n), so data sets of different sizes share their beginning.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "fovea/data/dataset.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

struct Point {
  double x, y;
};
using Stroke = std::vector<Point>;

// Points along an ellipse around (x, y), angles in degrees, clockwise from the right.
inline Stroke arc(double x, double y, double rx, double ry, double from, double to) {
  Stroke stroke;
  for (int i = 0; i <= 16; ++i) {
    const double angle = (from + (to - from) * i / 16) * std::numbers::pi / 180;
    stroke.push_back({x + rx * std::cos(angle), y + ry * std::sin(angle)});
  }
  return stroke;
}

// x to the right, y downwards, both in [0, 1].
[[gnu::cold]] inline const std::vector<Stroke>& digit_strokes(Label digit) {
  static const std::array<std::vector<Stroke>, 10> strokes{{
      {arc(0.5, 0.5, 0.28, 0.42, 0, 360)},
      {{{0.35, 0.25}, {0.52, 0.08}, {0.52, 0.92}}},
      {arc(0.5, 0.32, 0.26, 0.24, 180, 390), {{0.72, 0.45}, {0.24, 0.92}, {0.78, 0.92}}},
      {arc(0.46, 0.29, 0.26, 0.21, 200, 450), arc(0.46, 0.70, 0.29, 0.22, 270, 520)},
      {{{0.62, 0.08}, {0.20, 0.62}, {0.82, 0.62}}, {{0.62, 0.38}, {0.62, 0.94}}},
      {{{0.74, 0.08}, {0.32, 0.08}, {0.28, 0.46}}, arc(0.48, 0.66, 0.27, 0.26, 220, 500)},
      {{{0.62, 0.06}, {0.36, 0.36}, {0.25, 0.66}}, arc(0.5, 0.68, 0.25, 0.24, 0, 360)},
      {{{0.22, 0.10}, {0.78, 0.10}, {0.44, 0.94}}},
      {arc(0.5, 0.28, 0.22, 0.20, 0, 360), arc(0.5, 0.71, 0.27, 0.23, 0, 360)},
      {arc(0.5, 0.32, 0.24, 0.24, 0, 360), {{0.74, 0.34}, {0.66, 0.66}, {0.52, 0.94}}},
  }};
  return strokes[static_cast<std::size_t>(digit)];
}

inline double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  const double t =
      length2 == 0 ? 0 : std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0);
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

inline void draw_digit(Label digit, Rng& rng, View<std::uint8_t, 2> image) {
  const auto side = static_cast<double>(image.extent(0));
  const double angle = rng.uniform(-0.25, 0.25), size = rng.uniform(0.62, 0.78) * side;
  const double slant = rng.uniform(-0.2, 0.2), pen = rng.uniform(0.032, 0.055) * side;
  const double x0 = side / 2 + rng.uniform(-2, 2), y0 = side / 2 + rng.uniform(-2, 2);
  const double noise = rng.uniform(0, 18);

  std::vector<Stroke> strokes = digit_strokes(digit);
  for (Stroke& stroke : strokes)
    for (Point& p : stroke) {
      const double x = (p.x - 0.5 - slant * (p.y - 0.5)) * size, y = (p.y - 0.5) * size;
      p = {x0 + std::cos(angle) * x - std::sin(angle) * y,
           y0 + std::sin(angle) * x + std::cos(angle) * y};
    }
  for (Index row = 0; row < image.extent(0); ++row)
    for (Index col = 0; col < image.extent(1); ++col) {
      const Point pixel{static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5};
      double distance = std::numeric_limits<double>::infinity();
      for (const Stroke& stroke : strokes)
        for (std::size_t i = 1; i < stroke.size(); ++i)
          distance = std::min(distance, distance_to_segment(pixel, stroke[i - 1], stroke[i]));
      const double ink =
          255 * std::clamp(pen + 0.5 - distance, 0.0, 1.0) + noise * rng.uniform(-1, 1);
      image(row, col) = static_cast<std::uint8_t>(std::clamp(ink, 0.0, 255.0));
    }
}

}  // namespace detail

/// `count` images (count, 1, 28, 28) of digits 0 to 9 in random order.
inline Dataset synthetic_digits(Index count, std::uint64_t seed = 1) {
  check(count > 0, "synthetic_digits: expected a count of 1 or more, got ", count);
  Dataset data{"synthetic", Tensor<std::uint8_t, 4>(Shape{count, 1, 28, 28}),
               Tensor<Label, 1>(Shape{count}), 10, Scaling{.mean = 0.13, .std = 0.31}};
  for (Index n = 0; n < count; ++n) {
    Rng rng{seed, n};
    data.labels(n) = static_cast<Label>(rng.below(10));
    detail::draw_digit(data.labels(n), rng, data.images[n][0]);
  }
  return data;
}

/// Two sets with nothing in common, to train on and to test with.
inline TrainAndTest synthetic_train_and_test(Index train, Index test, std::uint64_t seed = 1) {
  return {synthetic_digits(train, Rng{seed, 0}.bits()),
          synthetic_digits(test, Rng{seed, 1}.bits())};
}

}  // namespace fovea::inline FOVEA_ABI
