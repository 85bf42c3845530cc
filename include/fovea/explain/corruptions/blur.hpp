// SPDX-License-Identifier: MIT
//
// Blurs: a pixel becomes a weighted mean of its neighbours.
//
// Gaussian blur has the weights exp(-d^2 / (2 sigma^2)), cut off at 4 sigma; outside of the image
// its border goes on. The weights are a product of one for rows and one for columns, so a pass down
// the columns and one along the rows do it.
//
//   corrupt(test, corruption::motion_blur())
#pragma once

#include <array>
#include <numbers>
#include <vector>

#include "fovea/core/math.hpp"
#include "fovea/explain/corruptions/corruption.hpp"

namespace fovea::inline FOVEA_ABI::detail {

inline std::vector<double> gaussian_weights(Index count, Index centre, double sigma) {
  std::vector<double> weights(static_cast<std::size_t>(count));
  double sum = 0;
  for (Index i = 0; i < count; ++i) {
    const double d = static_cast<double>(i - centre) / sigma;
    sum += weights[static_cast<std::size_t>(i)] = math::exp(-d * d / 2);
  }
  for (double& w : weights) w /= sum;
  return weights;
}

// y(p) = sum over k of weights[k] x(p + offset(k)), with x (H, W) continued by its border.
template <class Offset>
void correlate(View<const float, 2> x, View<float, 2> y, const std::vector<double>& weights,
               Offset offset) {
  const auto [H, W] = x.shape();
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < weights.size(); ++k) {
        const auto [down, right] = offset(static_cast<Index>(k));
        sum += weights[k] * static_cast<double>(x(std::clamp<Index>(i + down, 0, H - 1),
                                                  std::clamp<Index>(j + right, 0, W - 1)));
      }
      y(i, j) = static_cast<float>(sum);
    }
}

// Down the columns and along the rows; a sigma of zero leaves that direction alone.
inline void blur(View<float, 2> x, double down, double along) {
  Tensor<float, 2> y(x.shape());
  const auto pass = [&](double sigma, Index rows, Index columns) {
    if (exactly_equal(sigma, 0)) return;
    const Index radius = static_cast<Index>(4 * sigma + 0.5);
    correlate(x, y, gaussian_weights(2 * radius + 1, radius, sigma), [=](Index k) {
      return std::array{rows * (k - radius), columns * (k - radius)};
    });
    std::copy(y.begin(), y.end(), x.begin());
  };
  pass(down, 1, 0);
  pass(along, 0, 1);
}

inline void check_sigma(std::string_view name, double sigma) {
  check(0 < sigma && sigma <= 100, name, ": expected a sigma in (0, 100] pixels, got ", sigma);
}

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI::corruption {

/// Out of focus: a Gaussian of sigma pixels in every direction.
inline Corruption gaussian_blur(double sigma) {
  detail::check_sigma("gaussian_blur", sigma);
  return {"gaussian_blur", concat("sigma ", sigma),
          [sigma](View<const float, 3> in, View<float, 3> out, Rng) {
            std::copy(in.begin(), in.end(), out.begin());
            for (Index c = 0; c < out.extent(0); ++c) detail::blur(out[c], sigma, sigma);
          }};
}

/// Frosted glass: blurred, then `rounds` times pixels change places with others at most `reach`
/// away, then blurred again. The blur is down the columns only, as in MNIST-C, whose library takes
/// the last axis of a grey image for colours. MNIST-C: severity 1.
inline Corruption glass_blur(double sigma = 0.7, Index reach = 1, int rounds = 2) {
  detail::check_sigma("glass_blur", sigma);
  check(reach > 0 && rounds >= 0,
        "glass_blur: expected a reach of 1 or more and rounds of 0 or more, got ", reach, " and ",
        rounds);
  return {"glass_blur", concat("sigma ", sigma, ", reach ", reach, ", ", rounds, " rounds"),
          [=](View<const float, 3> in, View<float, 3> out, Rng rng) {
            const auto [C, H, W] = in.shape();
            std::copy(in.begin(), in.end(), out.begin());
            for (Index c = 0; c < C; ++c) detail::blur(out[c], sigma, 0);
            for (int round = 0; round < rounds; ++round)
              for (Index i = H - reach; i > reach; --i)
                for (Index j = W - reach; j > reach; --j) {
                  if (rng.below(2) == 0) continue;
                  const Index k = i - reach + rng.below(2 * reach),
                              l = j - reach + rng.below(2 * reach);
                  for (Index c = 0; c < C; ++c) std::swap(out(c, i, j), out(c, k, l));
                }
            for (Index c = 0; c < C; ++c) detail::blur(out[c], sigma, 0);
          }};
}

/// A moving camera: the mean over a trail of `radius` pixels in a random direction within 45
/// degrees of the horizontal, with weights that fade like one half of a Gaussian. What ImageMagick
/// computes for MNIST-C, severity 1.
inline Corruption motion_blur(Index radius = 10, double sigma = 3) {
  detail::check_sigma("motion_blur", sigma);
  check(radius > 0, "motion_blur: expected a radius of 1 or more, got ", radius);
  return {"motion_blur", concat("radius ", radius, ", sigma ", sigma),
          [=](View<const float, 3> in, View<float, 3> out, Rng rng) {
            const double angle = rng.uniform(-1, 1) * std::numbers::pi / 4;
            const auto weights = detail::gaussian_weights(2 * radius + 1, 0, sigma);
            const auto nearest = [](double x) { return static_cast<Index>(math::ceil(x - 0.5)); };
            for (Index c = 0; c < in.extent(0); ++c)
              detail::correlate(in[c], out[c], weights, [&](Index k) {
                const double way = static_cast<double>(k);
                return std::array{nearest(way * math::sin(angle)), nearest(way * math::cos(angle))};
              });
          }};
}

}  // namespace fovea::inline FOVEA_ABI::corruption
