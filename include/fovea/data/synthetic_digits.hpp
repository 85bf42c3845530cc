// SPDX-License-Identifier: MIT
//
// Synthetic digits: a data set that needs no download, for tests and first steps.
//
// Each digit is one or two strokes, polygons in the unit square. For every image they are rotated,
// scaled, slanted and shifted at random, drawn with a pen of random width, and noise is added.
// Image n is a function of (seed, n), so data sets of different sizes share their beginning.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>

#include "fovea/core/math.hpp"
#include "fovea/data/dataset.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

struct Point {
  double x, y;
};

// Three points in a row, or an arc: centre, radii, and two angles in
// degrees, clockwise from the right.
struct Stroke {
  enum { none, corners, arc } kind = none;
  double x1, y1, x2, y2, x3, y3;
};

// x to the right, y downwards, both in [0, 1].
inline constexpr Stroke digit_strokes[10][2]{
    {{Stroke::arc, 0.5, 0.5, 0.28, 0.42, 0, 360}},
    {{Stroke::corners, 0.35, 0.25, 0.52, 0.08, 0.52, 0.92}},
    {{Stroke::arc, 0.5, 0.32, 0.26, 0.24, 180, 390},
     {Stroke::corners, 0.72, 0.45, 0.24, 0.92, 0.78, 0.92}},
    {{Stroke::arc, 0.46, 0.29, 0.26, 0.21, 200, 450},
     {Stroke::arc, 0.46, 0.70, 0.29, 0.22, 270, 520}},
    {{Stroke::corners, 0.62, 0.08, 0.20, 0.62, 0.82, 0.62},
     {Stroke::corners, 0.62, 0.38, 0.62, 0.94, 0.62, 0.94}},
    {{Stroke::corners, 0.74, 0.08, 0.32, 0.08, 0.28, 0.46},
     {Stroke::arc, 0.48, 0.66, 0.27, 0.26, 220, 500}},
    {{Stroke::corners, 0.62, 0.06, 0.36, 0.36, 0.25, 0.66},
     {Stroke::arc, 0.5, 0.68, 0.25, 0.24, 0, 360}},
    {{Stroke::corners, 0.22, 0.10, 0.78, 0.10, 0.44, 0.94}},
    {{Stroke::arc, 0.5, 0.28, 0.22, 0.20, 0, 360}, {Stroke::arc, 0.5, 0.71, 0.27, 0.23, 0, 360}},
    {{Stroke::arc, 0.5, 0.32, 0.24, 0.24, 0, 360},
     {Stroke::corners, 0.74, 0.34, 0.66, 0.66, 0.52, 0.94}},
};

inline constexpr int most_points = 17;  // of a stroke

// The points of a stroke; returns how many.
[[gnu::cold]] inline int points_of(const Stroke& s, Point (&points)[most_points]) {
  if (s.kind == Stroke::none) return 0;
  if (s.kind == Stroke::corners) {
    points[0] = {s.x1, s.y1};
    points[1] = {s.x2, s.y2};
    points[2] = {s.x3, s.y3};
    return 3;
  }
  for (int i = 0; i < most_points; ++i) {
    const double part = s.x3 + (s.y3 - s.x3) * i / (most_points - 1);
    const double angle = part * std::numbers::pi / 180;
    points[i] = {s.x1 + s.x2 * math::cos(angle), s.y1 + s.y2 * math::sin(angle)};
  }
  return most_points;
}

inline double distance_to_segment(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  const double t = exactly_equal(length2, 0)
                       ? 0
                       : std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0);
  const double x = p.x - a.x - t * dx, y = p.y - a.y - t * dy;
  return std::sqrt(x * x + y * y);
}

[[gnu::cold]] inline void draw_digit(Label digit, Rng& rng, View<std::uint8_t, 2> image) {
  const auto side = static_cast<double>(image.extent(0));
  const double angle = rng.uniform(-0.25, 0.25), size = rng.uniform(0.62, 0.78) * side;
  const double slant = rng.uniform(-0.2, 0.2), pen = rng.uniform(0.032, 0.055) * side;
  const double x0 = side / 2 + rng.uniform(-2, 2), y0 = side / 2 + rng.uniform(-2, 2);
  const double noise = rng.uniform(0, 18);

  Point points[2][most_points];
  int count[2];
  for (int s = 0; s < 2; ++s) {
    count[s] = points_of(digit_strokes[digit][s], points[s]);
    for (Point& p : std::span(points[s], static_cast<std::size_t>(count[s]))) {
      const double x = (p.x - 0.5 - slant * (p.y - 0.5)) * size, y = (p.y - 0.5) * size;
      p = {x0 + math::cos(angle) * x - math::sin(angle) * y,
           y0 + math::sin(angle) * x + math::cos(angle) * y};
    }
  }
  for (Index row = 0; row < image.extent(0); ++row)
    for (Index col = 0; col < image.extent(1); ++col) {
      const Point pixel{static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5};
      double distance = std::numeric_limits<double>::infinity();
      for (int s = 0; s < 2; ++s)
        for (int i = 1; i < count[s]; ++i)
          distance = std::min(distance, distance_to_segment(pixel, points[s][i - 1], points[s][i]));
      const double ink =
          255 * std::clamp(pen + 0.5 - distance, 0.0, 1.0) + noise * rng.uniform(-1, 1);
      image(row, col) = static_cast<std::uint8_t>(std::clamp(ink, 0.0, 255.0));
    }
}

}  // namespace detail

/// `count` images (count, 1, 28, 28) of digits 0 to 9 in random order.
[[gnu::cold]] inline Dataset synthetic_digits(Index count, std::uint64_t seed = 1) {
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
