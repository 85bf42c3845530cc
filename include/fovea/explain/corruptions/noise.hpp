// SPDX-License-Identifier: MIT
//
// Noise and light: corruptions of every pixel by itself.
//
//   corrupt(test, corruption::shot_noise())
#pragma once

#include "fovea/core/math.hpp"
#include "fovea/core/normals.hpp"
#include "fovea/explain/corruptions/corruption.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// Every number by itself: y = change(x, rng), kept in [0, 1].
template <class Change>
Corruption pixelwise(std::string_view name, std::string parameters, Change change) {
  return {name, std::move(parameters),
          [change](View<const float, 3> in, View<float, 3> out, Rng rng) {
            std::transform(in.begin(), in.end(), out.begin(), [&](float x) {
              return std::clamp(static_cast<float>(change(x, rng)), 0.0f, 1.0f);
            });
          }};
}

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI::corruption {

/// x + sigma N(0, 1), kept in [0, 1]. Of the wider MNIST-C: 0.08, 0.12, 0.18, 0.26, 0.38.
inline Corruption gaussian_noise(double sigma) {
  detail::check_amount("gaussian_noise: expected a standard deviation", sigma, 1e6);
  return {"gaussian_noise", concat("standard deviation ", sigma),
          [sigma](View<const float, 3> in, View<float, 3> out, Rng rng) {
            std::copy(in.begin(), in.end(), out.begin());
            add_normal(out.flat(), sigma, rng);
            for (float& x : out) x = std::clamp(x, 0.0f, 1.0f);
          }};
}

/// Poisson(photons x) / photons, kept in [0, 1]: light that comes in grains. MNIST-C: severity 5.
inline Corruption shot_noise(double photons = 3) {
  check(0 < photons && photons <= 500, "shot_noise: expected photons in (0, 500], got ", photons);
  return detail::pixelwise(
      "shot_noise", concat(photons, " photons for white"), [photons](float x, Rng& rng) {
        // Knuth: count uniform factors until their product falls below exp(-mean).
        const double last = math::exp(-photons * static_cast<double>(x));
        int count = 0;
        for (double product = 1 - rng.uniform(); product > last; product *= 1 - rng.uniform())
          ++count;
        return count / photons;
      });
}

/// Salt and pepper: this share of the pixels is black or white, half of
/// them each. MNIST-C: severity 4.
inline Corruption impulse_noise(double share = 0.17) {
  detail::check_amount("impulse_noise: expected a share", share, 1);
  return detail::pixelwise("impulse_noise", concat(100 * share, " % of the pixels"),
                           [share](float x, Rng& rng) {
                             const double u = rng.uniform();
                             return u < share / 2 ? 0.0f : u < share ? 1.0f : x;
                           });
}

/// x + amount, kept in [0, 1]. MNIST-C: severity 5.
inline Corruption brightness(double amount = 0.5) {
  detail::check_amount("brightness: expected an amount", amount, 1);
  return detail::pixelwise("brightness", concat("+", amount),
                           [amount](float x, Rng&) { return static_cast<double>(x) + amount; });
}

}  // namespace fovea::inline FOVEA_ABI::corruption
