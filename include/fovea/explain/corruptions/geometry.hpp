// SPDX-License-Identifier: MIT
//
// The image turned, scaled, sheared and moved; data/warp.hpp says how.
//
//   corrupt(test, corruption::rotation(30))         // every image by 30 degrees against the clock
//   corrupt(test, corruption::rotate())             // as in MNIST-C: by 23, one way or the other
#pragma once

#include <numbers>

#include "fovea/core/math.hpp"
#include "fovea/data/warp.hpp"
#include "fovea/explain/corruptions/corruption.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// The affine map map_of(rng).
template <class MapOf>
Corruption warped(std::string_view name, std::string parameters, MapOf map_of) {
  Rng rng{0};
  map_of(rng).validate();
  return {name, std::move(parameters),
          [map_of](View<const float, 3> in, View<float, 3> out, Rng random) {
            warp<float>(in, out, map_of(random));
          }};
}

inline double either_sign(Rng& rng) { return rng.below(2) == 0 ? -1.0 : 1.0; }

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI::corruption {

/// All images turned by this angle, counter-clockwise.
inline Corruption rotation(double degrees) {
  return detail::warped("rotation", concat(degrees, " degrees"),
                        [degrees](Rng&) { return Affine{.rotate = degrees}; });
}

/// All images moved by dx pixels to the right and dy down.
inline Corruption translation(double dx, double dy) {
  return detail::warped("translation", concat("(", dx, ", ", dy, ") pixels"),
                        [dx, dy](Rng&) { return Affine{.dx = dx, .dy = dy}; });
}

/// Turned by this angle in radians, one way or the other. MNIST-C: severity 2.
inline Corruption rotate(double angle = 0.4) {
  const double degrees = angle * 180 / std::numbers::pi;
  return detail::warped(
      "rotate", concat("+-", math::round(10 * degrees) / 10, " degrees"),
      [degrees](Rng& rng) { return Affine{.rotate = detail::either_sign(rng) * degrees}; });
}

/// Sheared by this angle in radians, one way or the other. MNIST-C: severity 2, where the image
/// also grows in height by 1 / cos(angle) = 1.09; here it does not.
inline Corruption shear(double angle = 0.4) {
  const double slope = math::sin(angle) / math::cos(angle);
  return detail::warped(
      "shear", concat("+-", math::round(100 * slope) / 100, " columns a row"),
      [slope](Rng& rng) { return Affine{.shear = detail::either_sign(rng) * slope}; });
}

/// Smaller about the centre. MNIST-C: severity 3.
inline Corruption scale(double factor = 0.7) {
  return detail::warped("scale", concat("x ", factor),
                        [factor](Rng&) { return Affine{.scale = factor}; });
}

/// Moved by this many pixels along both axes, each one way or the other. MNIST-C: severity 3.
inline Corruption translate(double pixels = 3) {
  return detail::warped("translate", concat("+-", pixels, " pixels in x and y"),
                        [pixels](Rng& rng) {
                          const double dx = detail::either_sign(rng) * pixels;
                          return Affine{.dx = dx, .dy = detail::either_sign(rng) * pixels};
                        });
}

}  // namespace fovea::inline FOVEA_ABI::corruption
