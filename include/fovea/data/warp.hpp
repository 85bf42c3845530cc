// SPDX-License-Identifier: MIT
//
// warp: an image rotated, scaled, sheared and shifted.
//
// An affine map about the centre c = ((W-1)/2, (H-1)/2) moves the point p of the image to
//
//   p' = c + A (p - c) + (dx, dy),      A = scale * rotation * shear
//
// and is computed backwards: every pixel p' of the result reads the image at p = c + A^-1 (p' - c
// - (dx, dy)), a position between four pixels, and gets their bilinear interpolation
//
//   (1-v) ((1-u) x(i, j) + u x(i, j+1)) + v ((1-u) x(i+1, j) + u x(i+1, j+1))
//
// with (i, j) and (v, u) the whole parts and the fractions of p's row and column. Around the image
// there is zero, the background of MNIST. When A is the identity and the shift a whole number, the
// fractions are zero and pixels are copied bit for bit. Numbers in [0, 1] stay there.
//
//   warp<float>(image, rotated, {.rotate = 30});           // 30 degrees against the clock
//   warp<float>(image, moved, {.dx = 2, .dy = -0.5});     // right by two pixels, up by half of one
#pragma once

#include <cmath>
#include <numbers>

#include "fovea/core/math.hpp"
#include "fovea/core/simd.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// A movement of the image about its middle.
struct Affine {
  double rotate = 0;      ///< degrees, positive: counter-clockwise as seen on the page
  double scale = 1;       ///< of what the image shows; 0.5: half as large
  double shear = 0;       ///< columns to the right for every row down
  double dx = 0, dy = 0;  ///< shift in pixels, to the right and down

  /// Throws unless all are finite and the scale is above zero.
  void validate() const {
    const auto finite = [](const char* name, double value) {
      check(std::isfinite(value), "affine: expected a finite ", name, ", got ", value);
    };
    finite("rotate", rotate);
    finite("shear", shear);
    finite("dx", dx);
    finite("dy", dy);
    check(std::isfinite(scale) && scale > 0, "affine: expected a scale above 0, got ", scale);
  }
};

namespace detail {

// An image (C, H, W) with zeros around it, (C, H + 3, W + 3): one row and column before, and two
// after it, so that a position outside finds four zeros and needs no branch.
inline Shape<3> bordered(const Shape<3>& image) {
  constexpr Index most = 32767;  // offsets in a plane are int
  check(image[1] <= most && image[2] <= most, "warp: expected an image of at most ", most,
        " rows and columns, got ", image);
  return {image[0], image[1] + 3, image[2] + 3};
}

// Writes factor * image into the middle; the border is left as it is.
template <class S, class T>
void put_in_border(View<const S, 3> image, View<T, 3> padded, T factor) {
  const auto [C, H, W] = image.shape();
  for (Index c = 0; c < C; ++c)
    for (Index i = 0; i < H; ++i) {
      const S* const row = image.data() + (c * H + i) * W;
      std::transform(row, row + W, &padded(c, i + 1, 1),
                     [factor](S x) { return factor * static_cast<T>(x); });
    }
}

// Where the pixel (column j, row i) of the result comes from: column cx + xx (j - right) + xy (i -
// down), row cy + yx (j - right) + yy (i - down), where (right, down)
// is the position of the centre.
struct Backwards {
  double cx, cy, right, down, xx, xy, yx, yy;
};

inline Backwards backwards(const Affine& map, Index H, Index W) {
  const double angle = map.rotate * std::numbers::pi / 180;
  const double cos = math::cos(angle) / map.scale, sin = math::sin(angle) / map.scale;
  const double cx = static_cast<double>(W - 1) / 2, cy = static_cast<double>(H - 1) / 2;
  // Rotated back, (cos, -sin; sin, cos), and then sheared back, x - shear * y.
  return {.cx = cx,
          .cy = cy,
          .right = cx + map.dx,
          .down = cy + map.dy,
          .xx = cos - map.shear * sin,
          .xy = -sin - map.shear * cos,
          .yx = sin,
          .yy = cos};
}

// One channel, from a bordered image. Positions are counted from the corner of the border and kept
// inside it: they are never negative, and their whole part is what is left without the fraction.
template <class T>
FOVEA_KERNEL void warp_plane(const T* padded, T* out, Index height, Index width,
                             const Backwards& map) {
  const int H = static_cast<int>(height), W = static_cast<int>(width), stride = W + 3;
  const T xx = static_cast<T>(map.xx), yx = static_cast<T>(map.yx);
  const T right = static_cast<T>(map.right);
  const auto inside = [](T x, T last) {
    const T low = x > 0 ? x : 0;
    return low < last ? low : last;
  };
  for (int i = 0; i < H; ++i, out += W) {
    const double below = i - map.down;
    const T x0 = static_cast<T>(map.cx + 1 + map.xy * below);
    const T y0 = static_cast<T>(map.cy + 1 + map.yy * below);
    FOVEA_INDEPENDENT
    for (int j = 0; j < W; ++j) {
      const T x = inside(x0 + xx * (static_cast<T>(j) - right), static_cast<T>(W + 1));
      const T y = inside(y0 + yx * (static_cast<T>(j) - right), static_cast<T>(H + 1));
      const int col = static_cast<int>(x), row = static_cast<int>(y), at = row * stride + col;
      const T u = x - static_cast<T>(col), v = y - static_cast<T>(row);
      out[j] = (1 - v) * ((1 - u) * padded[at] + u * padded[at + 1]) +
               v * ((1 - u) * padded[at + stride] + u * padded[at + stride + 1]);
    }
  }
}

template <class T>
void warp_bordered(View<const T, 3> padded, View<T, 3> out, const Affine& map) {
  const auto [C, H, W] = out.shape();
  const auto back = backwards(map, H, W);
  for (Index c = 0; c < C; ++c) warp_plane(padded[c].data(), out[c].data(), H, W, back);
}

}  // namespace detail

/// `out` (C, H, W) is the image `in` (C, H, W) under the map.
template <class T>
void warp(View<const T, 3> in, View<T, 3> out, const Affine& map) {
  check(in.shape() == out.shape(), "warp: expected an output ", in.shape(), ", got ", out.shape());
  map.validate();
  Tensor<T, 3> padded(detail::bordered(in.shape()));
  detail::put_in_border<T, T>(in, padded, T{1});
  detail::warp_bordered<T>(padded, out, map);
}

}  // namespace fovea::inline FOVEA_ABI
