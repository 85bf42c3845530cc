// SPDX-License-Identifier: MIT
//
// Augmentation: every epoch sees each image a little different, and the network learns what does
// not change the class (Simard, Steinkraus, Platt: Best practices for convolutional neural networks
// applied to visual document analysis, ICDAR 2003).
//
//   batches(train, 64, {.seed = 1, .epoch = epoch}, Augment{.shift = 2, .rotate = 15})
//
// For each image one random affine map is drawn and applied as data/warp.hpp says; then noise is
// added and the result kept in [0, 1], the range of an image. The numbers are a function
// of (seed, epoch, number of the image in the data set): neither threads nor a resumed training
// change them, and shuffling does not either.
#pragma once

#include <algorithm>

#include "fovea/core/normals.hpp"
#include "fovea/data/warp.hpp"

namespace fovea::inline FOVEA_ABI {

/// How much an image may change. All zero: not at all.
struct Augment {
  double shift = 0;   ///< pixels: dx and dy are U[-shift, shift)
  double rotate = 0;  ///< degrees: U[-rotate, rotate)
  double scale = 0;   ///< relative, below 1: the image is U[1 - scale, 1 + scale) times as large
  double noise = 0;   ///< standard deviation of Gaussian noise, where black is 0 and white is 1

  /// Whether images stay as they are.
  bool none() const {
    return exactly_equal(shift, 0) && exactly_equal(rotate, 0) && exactly_equal(scale, 0) &&
           exactly_equal(noise, 0);
  }

  /// Throws unless all are from 0 to 1e6, and the scale is below 1.
  void validate() const {
    const auto positive = [](const char* name, double value) {
      check(0 <= value && value <= 1e6, "augment: expected a ", name, " from 0 to 1e6, got ",
            value);
    };
    positive("shift", shift);
    positive("rotate", rotate);
    positive("scale", scale);
    positive("noise", noise);
    check(scale < 1, "augment: expected a scale below 1, got ", scale);
  }
};

namespace detail {

// From an image with a border.
template <class T>
void augment_bordered(View<const T, 3> padded, View<T, 3> out, const Augment& options, Rng rng) {
  const auto within = [&rng](double limit) { return rng.uniform(-limit, limit); };
  Affine map;
  map.dx = within(options.shift);
  map.dy = within(options.shift);
  map.rotate = within(options.rotate);
  map.scale = 1 + within(options.scale);
  warp_bordered(padded, out, map);
  if (exactly_equal(options.noise, 0)) return;
  add_normal(out.flat(), options.noise, rng);
  for (T& x : out) x = std::clamp(x, T{0}, T{1});
}

}  // namespace detail

/// `out` (C, H, W) is `in` (C, H, W), numbers in [0, 1], changed at random.
template <class T>
void augment(View<const T, 3> in, View<T, 3> out, const Augment& options, Rng rng) {
  check(in.shape() == out.shape(), "augment: expected an output ", in.shape(), ", got ",
        out.shape());
  options.validate();
  Tensor<T, 3> padded(detail::bordered(in.shape()));
  detail::put_in_border<T, T>(in, padded, T{1});
  detail::augment_bordered<T>(padded, out, options, rng);
}

}  // namespace fovea::inline FOVEA_ABI
