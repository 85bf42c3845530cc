// SPDX-License-Identifier: MIT
//
// Digits as a camera or a scanner might have them: enlarged, on a larger sheet, off its centre, dark on light
// or light on dark, under uneven light, with noise. A function of the digit and the random numbers.
#pragma once

#include "fovea/fovea.hpp"

/// A picture (H, W) of a digit (28, 28).
inline fovea::Tensor<std::uint8_t, 2> photograph(fovea::View<const std::uint8_t, 2> digit,
                                                 fovea::Rng& rng) {
  using namespace fovea;
  const double zoom = std::exp(rng.uniform(0, std::log(12)));  // 1 to 12
  const double side = 28 * zoom;
  const Index H = std::lround(side * rng.uniform(1, 2)), W = std::lround(side * rng.uniform(1, 2));
  const double top = rng.uniform(0, static_cast<double>(H) - side),
               left = rng.uniform(0, static_cast<double>(W) - side);
  const double dark = rng.uniform(10, 70), light = rng.uniform(180, 240), noise = rng.uniform(0, 6);
  const bool inverted = rng.below(2) == 0;
  // The share of the light that is missing from one side to the other, and in the corners.
  const double across = rng.uniform(-0.1, 0.1), down = rng.uniform(-0.1, 0.1),
               corners = rng.uniform(0, 0.1);

  const auto at = [&](Index i, Index j) {
    return 0 <= i && i < 28 && 0 <= j && j < 28 ? static_cast<double>(digit(i, j)) / 255 : 0.0;
  };
  Tensor<std::uint8_t, 2> picture(Shape{H, W});
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j) {
      const double y = (static_cast<double>(i) + 0.5 - top) / zoom - 0.5,
                   x = (static_cast<double>(j) + 0.5 - left) / zoom - 0.5;
      const Index row = static_cast<Index>(std::floor(y)), col = static_cast<Index>(std::floor(x));
      const double v = y - std::floor(y), u = x - std::floor(x);
      const double ink = (1 - v) * ((1 - u) * at(row, col) + u * at(row, col + 1)) +
                         v * ((1 - u) * at(row + 1, col) + u * at(row + 1, col + 1));
      const double q = 2 * static_cast<double>(i) / static_cast<double>(H) - 1,
                   p = 2 * static_cast<double>(j) / static_cast<double>(W) - 1;
      const double lit = 1 + across * p + down * q - corners * (p * p + q * q) / 2;
      const double value =
          lit * (inverted ? light + (dark - light) * ink : dark + (light - dark) * ink);
      picture(i, j) = static_cast<std::uint8_t>(
          std::clamp(std::lround(value + noise * rng.normal()), 0L, 255L));
    }
  return picture;
}
