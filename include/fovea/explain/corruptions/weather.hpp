// SPDX-License-Identifier: MIT
//
// Weather: mud on the lens, and fog.
//
// Fog is a plasma fractal (Fournier, Fussell, Carpenter: Computer rendering of stochastic models,
// CACM 1982): the middle of every square, then of every diamond, is the mean of its corners plus a
// random number, and from one grid to the next, half as wide, the random numbers become smaller:
//
//   a . a      a . a      a s a
//   . . .  ->  . d .  ->  s d s      and so on in each of the four squares
//   a . a      a . a      a s a
//
//   corrupt(test, corruption::fog())
#pragma once

#include <bit>

#include "fovea/core/normals.hpp"
#include "fovea/explain/corruptions/blur.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// A map (side, side) in [0, 1] that continues on its other side; `side` is a power of two.
inline Tensor<float, 2> plasma(Index side, double decay, Rng& rng) {
  Tensor<float, 2> map(Shape{side, side});
  const auto at = [&map, last = side - 1](Index i, Index j) -> float& {
    return map(i & last, j & last);
  };
  double spread = 100 * 100;
  const auto middle = [&](float& x, float corners) {
    x = corners / 4 + static_cast<float>(rng.uniform(-spread, spread));
  };
  for (Index step = side; step >= 2; step /= 2, spread /= decay * decay) {
    const Index half = step / 2;
    for (Index i = 0; i < side; i += step)
      for (Index j = 0; j < side; j += step)
        middle(at(i + half, j + half),
               at(i, j) + at(i, j + step) + at(i + step, j) + at(i + step, j + step));
    for (Index i = 0; i < side; i += step)
      for (Index j = 0; j < side; j += step) {
        middle(at(i, j + half),
               at(i, j) + at(i, j + step) + at(i - half, j + half) + at(i + half, j + half));
        middle(at(i + half, j),
               at(i, j) + at(i + step, j) + at(i + half, j - half) + at(i + half, j + half));
      }
  }
  const auto [low, high] = std::minmax_element(map.begin(), map.end());
  for (const float base = *low, range = *high - *low; float& x : map) x = (x - base) / range;
  return map;
}

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI::corruption {

/// Mud in blots: normal noise, blurred, is where the blots are. MNIST-C: severity 4.
inline Corruption spatter() {
  return {"spatter", "blots of mud, grey 0.25",
          [](View<const float, 3> in, View<float, 3> out, Rng rng) {
            constexpr double mean = 0.65, sigma = 0.3, threshold = 0.65, mud = 63.0 / 255;
            Tensor<float, 2> blots(Shape{in.extent(1), in.extent(2)}, static_cast<float>(mean));
            add_normal(blots.flat(), sigma, rng);
            detail::blur(blots, 1, 1);
            for (float& m : blots) m = static_cast<double>(m) > threshold ? 1.0f : 0.0f;
            detail::blur(blots, 1.5, 1.5);
            for (float& m : blots) m = m < 0.8f ? 0.0f : m;
            for (Index c = 0; c < in.extent(0); ++c)
              std::transform(in[c].begin(), in[c].end(), blots.begin(), out[c].begin(),
                             [](float x, float m) { return x * (1 - m) + float(mud) * m; });
          }};
}

/// (x + density plasma) max / (max + density), with the largest pixel `max`: fog brightens what is
/// dark and takes contrast away. A larger decay makes smoother fog. MNIST-C: severity 5.
inline Corruption fog(double density = 3, double decay = 1.4) {
  check(0 < density && density <= 100 && 1 <= decay && decay <= 100,
        "fog: expected a density in (0, 100] and a decay in [1, 100], got ", density, " and ",
        decay);
  return {"fog", concat("density ", density, ", decay ", decay),
          [density, decay](View<const float, 3> in, View<float, 3> out, Rng rng) {
            const auto [C, H, W] = in.shape();
            const auto side = std::bit_ceil(static_cast<std::size_t>(std::max({H, W, Index{256}})));
            const auto plasma = detail::plasma(static_cast<Index>(side), decay, rng);
            const auto thick = static_cast<float>(density);
            const float largest = *std::max_element(in.begin(), in.end());
            for (Index c = 0; c < C; ++c)
              for (Index i = 0; i < H; ++i)
                for (Index j = 0; j < W; ++j)
                  out(c, i, j) = std::min(
                      1.0f, (in(c, i, j) + thick * plasma(i, j)) * largest / (largest + thick));
          }};
}

}  // namespace fovea::inline FOVEA_ABI::corruption
