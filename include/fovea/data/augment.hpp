// SPDX-License-Identifier: MIT
//
// Augmentation: every epoch sees each image a little different, and the network learns what does
// not change the class (Simard, Steinkraus, Platt: Best practices for convolutional neural networks
// applied to visual document analysis, ICDAR 2003).
//
//   batches(train, 64, {.seed = 1, .epoch = epoch}, Augment{.shift = 2, .rotate = 15})
//
// For each image, in this order:
//
//   shift, rotate, scale   one random affine map, as data/warp.hpp applies it; around it is black
//   mirror, crop           left and right exchanged; moved by whole pixels, with the image mirrored
//                          at its border around it. Pixels stay as they are
//   brightness, contrast, saturation
//                          x = b x; x = m + c (x - m), m the mean of the image; x = g + s (x - g),
//                          g the mean of the pixel's channels; b, c and s near 1
//   noise                  Gaussian
//   cutout                 a square of one colour (DeVries and Taylor, Improved regularization of
//                          convolutional neural networks with cutout, 2017)
//
// and the result is kept in [0, 1], the range of an image. The numbers are a function of (seed,
// epoch, number of the image in the data set): neither threads nor a resumed training change them,
// and shuffling does not either.
//
// Mirror::alternate mirrors every image in every other epoch, at random in the first: each is seen
// both ways equally often (Jordan, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, 2024).
#pragma once

#include <algorithm>

#include "fovea/core/normals.hpp"
#include "fovea/data/dataset.hpp"
#include "fovea/data/warp.hpp"

namespace fovea::inline FOVEA_ABI {

/// Which images are mirrored.
enum class Mirror { never, random, alternate };

/// How much an image may change. All zero: not at all.
struct Augment {
  double shift = 0;   ///< pixels: dx and dy are U[-shift, shift)
  double rotate = 0;  ///< degrees: U[-rotate, rotate)
  double scale = 0;   ///< relative, below 1: the image is U[1 - scale, 1 + scale) times as large
  double noise = 0;   ///< standard deviation of Gaussian noise, where black is 0 and white is 1
  Mirror mirror = Mirror::never;  ///< left and right
  Index crop = 0;                 ///< whole pixels: rows and columns are moved by up to so many
  Index cutout = 0;               ///< pixels: the side of a square that is taken out
  double brightness = 0;  ///< b is U[1 - brightness, 1 + brightness); below 1, as the next two
  double contrast = 0;    ///< the same of c
  double saturation = 0;  ///< the same of s

  /// Whether images stay as they are.
  bool none() const {
    for (const double x : {shift, rotate, scale, noise, brightness, contrast, saturation})
      if (!exactly_equal(x, 0)) return false;
    return mirror == Mirror::never && crop == 0 && cutout == 0;
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
    for (const double x : {brightness, contrast, saturation})
      check(0 <= x && x < 1,
            "augment: expected a brightness, contrast and saturation in [0, 1), got ", x);
    check(0 <= crop && 0 <= cutout, "augment: expected a crop and a cutout of 0 or more, got ",
          crop, " and ", cutout);
  }
};

namespace detail {

// Mirrored, and moved by whole pixels; `copy` has room for the image.
template <class T>
void move_pixels(View<T, 3> image, const Augment& options, Rng rng, std::uint64_t epoch, T* copy) {
  const Index H = image.extent(1), W = image.extent(2), crop = options.crop;
  check(crop < std::min(H, W), "augment: expected a crop smaller than the image, got ", crop,
        " for ", image.shape());
  // The first number is the same in every epoch.
  const bool coin = rng.bits() >> 63 != 0;
  Rng own{rng.bits(), epoch};
  const bool mirrored = options.mirror == Mirror::alternate ? coin != (epoch % 2 == 1)
                        : options.mirror == Mirror::random  ? own.below(2) == 1
                                                            : false;
  const Index down = own.below(2 * crop + 1) - crop, right = own.below(2 * crop + 1) - crop;
  if (!mirrored && down == 0 && right == 0) return;
  const auto inside = [](Index i, Index size) {
    return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
  };
  std::copy(image.begin(), image.end(), copy);
  T* to = image.data();
  for (Index c = 0; c < image.extent(0); ++c)
    for (Index h = 0; h < H; ++h) {
      const T* const row = copy + (c * H + inside(h + down, H)) * W;
      for (Index w = 0; w < W; ++w) {
        const Index from = inside(w + right, W);
        *to++ = row[mirrored ? W - 1 - from : from];
      }
    }
}

// Brighter or darker, more or less contrast, more or less colour.
template <class T>
void change_colours(View<T, 3> image, const Augment& options, Rng rng) {
  const auto factor = [&](double x) { return static_cast<T>(rng.uniform(1 - x, 1 + x)); };
  const T b = factor(options.brightness), c = factor(options.contrast),
          s = factor(options.saturation);
  const Index C = image.extent(0), size = image.extent(1) * image.extent(2);
  double sum = 0;
  for (T& x : image) {
    x *= b;
    sum += static_cast<double>(x);
  }
  const auto mean = static_cast<T>(sum / static_cast<double>(image.size()));
  for (Index i = 0; i < size; ++i) {
    T grey{0};
    for (Index k = 0; k < C; ++k) grey += image.data()[k * size + i];
    grey /= static_cast<T>(C);
    for (Index k = 0; k < C; ++k) {
      T& x = image.data()[k * size + i];
      x = mean + c * (grey + s * (x - grey) - mean);
    }
  }
}

// A square of `colour`, one number for each channel; what of it reaches outside is cut off.
template <class T, class Colour>
void cut_out(View<T, 3> image, Index side, const Colour& colour, Rng rng) {
  const Index H = image.extent(1), W = image.extent(2);
  const Index top = rng.below(H) - side / 2, left = rng.below(W) - side / 2;
  for (Index c = 0; c < image.extent(0); ++c)
    for (Index h = std::max<Index>(top, 0); h < std::min(top + side, H); ++h)
      for (Index w = std::max<Index>(left, 0); w < std::min(left + side, W); ++w)
        image(c, h, w) = static_cast<T>(colour[c]);
}

// From an image with a border. `rng` is a stream for the epoch, `still` one that is the same in all
// epochs. `colour` fills what is cut out; `copy` has room for an image.
template <class T>
void augment_bordered(View<const T, 3> padded, View<T, 3> out, const Augment& options, Rng rng,
                      Rng still, std::uint64_t epoch, const PerChannel& colour, T* copy) {
  const auto within = [&rng](double limit) { return rng.uniform(-limit, limit); };
  Affine map;
  map.dx = within(options.shift);
  map.dy = within(options.shift);
  map.rotate = within(options.rotate);
  map.scale = 1 + within(options.scale);
  warp_bordered<T>(padded, out, map);
  if (options.mirror != Mirror::never || options.crop > 0)
    move_pixels(out, options, still, epoch, copy);
  const bool coloured = options.brightness > 0 || options.contrast > 0 || options.saturation > 0;
  if (coloured) change_colours(out, options, Rng{rng.bits()});
  if (options.noise > 0) add_normal(out.flat(), options.noise, rng);
  if (coloured || options.noise > 0)
    for (T& x : out) x = std::clamp(x, T{0}, T{1});
  if (options.cutout > 0) cut_out(out, options.cutout, colour, Rng{rng.bits()});
}

}  // namespace detail

/// `out` (C, H, W) is `in` (C, H, W), numbers in [0, 1], changed at random. `colour` fills what is
/// cut out.
template <class T>
void augment(View<const T, 3> in, View<T, 3> out, const Augment& options, Rng rng,
             const PerChannel& colour = 0) {
  check(in.shape() == out.shape(), "augment: expected an output ", in.shape(), ", got ",
        out.shape());
  options.validate();
  Tensor<T, 3> padded(detail::bordered(in.shape()));
  detail::put_in_border<T, T>(in, padded, T{1});
  Rng still = rng;
  Tensor<T, 3> copy(in.shape());
  detail::augment_bordered<T>(padded, out, options, rng, Rng{still.bits()}, 0, colour, copy.data());
}

}  // namespace fovea::inline FOVEA_ABI
