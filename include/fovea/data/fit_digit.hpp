// SPDX-License-Identifier: MIT
//
// fit_digit: a picture of a digit, of any size, as MNIST would have it.
//
// MNIST's makers cut digits out of scanned forms, scaled each, its proportions kept, into 20 x 20
// pixels, with the grey levels that anti-aliasing brings, and laid it into 28 x 28 so that its
// centre of mass is in the middle (LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied
// to document recognition, 1998, section III.A, and the web page of MNIST). A network was trained
// on nothing else, so a picture is prepared in the same way:
//
//   1  background  a level, or a plane in light from one side; fitted to the border, taken off
//   2  ink         what differs from it to the side where differences are strong: dark on light is
//                  inverted. Zero up to the noise, one where the stroke is full
//   3  specks      connected parts with little ink are dust
//   4  box         what is left, scaled into 20 x 20: pixels are averages over what they cover, of
//                  the bilinear interpolation
//   5  centre      moved by whole pixels, its centre of mass to pixel (14, 14), which is where it
//                  is in MNIST
//
//   const Tensor<std::uint8_t, 2> digit = fit_digit(photograph, "photograph.jpg");    // (28, 28)
#pragma once

#include <cmath>
#include <tuple>
#include <vector>

#include "fovea/core/math.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

inline float median(std::vector<float> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Box {
  double top, left, height, width;
};

// The pixels of an image in a box as `out` pixels, each the average of what it covers.
template <class T>
Tensor<float, 2> resampled(View<const T, 2> image, const Box& box, Shape<2> out) {
  const auto [H, W] = image.shape();
  Tensor<float, 2> result(out);
  const double dy = box.height / static_cast<double>(out[0]),
               dx = box.width / static_cast<double>(out[1]);
  const Index n = static_cast<Index>(math::ceil(dy)), m = static_cast<Index>(math::ceil(dx));
  // A position in pixels becomes a pixel and the fraction of its neighbour.
  const auto position = [](double at, Index last) {
    at = std::clamp(at - 0.5, 0.0, static_cast<double>(last));
    const Index first = static_cast<Index>(at);
    return std::tuple(first, std::min(first + 1, last), static_cast<float>(at - std::floor(at)));
  };
  for (Index i = 0; i < out[0]; ++i)
    for (Index j = 0; j < out[1]; ++j) {
      float sum = 0;
      for (Index k = 0; k < n; ++k) {
        const double y =
            static_cast<double>(i) + (static_cast<double>(k) + 0.5) / static_cast<double>(n);
        const auto [y0, y1, v] = position(box.top + dy * y, H - 1);
        for (Index l = 0; l < m; ++l) {
          const double x =
              static_cast<double>(j) + (static_cast<double>(l) + 0.5) / static_cast<double>(m);
          const auto [x0, x1, u] = position(box.left + dx * x, W - 1);
          sum += (1 - v) * ((1 - u) * static_cast<float>(image(y0, x0)) +
                            u * static_cast<float>(image(y0, x1))) +
                 v * ((1 - u) * static_cast<float>(image(y1, x0)) +
                      u * static_cast<float>(image(y1, x1)));
        }
      }
      result(i, j) = sum / static_cast<float>(n * m);
    }
  return result;
}

// Takes the background off; returns how far the border then is from zero, in the median: its noise.
inline float level(Tensor<float, 2>& image) {
  const Index H = image.extent(0), W = image.extent(1);
  const Index ring = std::max<Index>(1, std::min(H, W) / 28);
  std::vector<float> top, bottom, left, right;
  for (Index k = 0; k < ring; ++k) {
    for (Index j = 0; j < W; ++j) {
      top.push_back(image(k, j));
      bottom.push_back(image(H - 1 - k, j));
    }
    for (Index i = 0; i < H; ++i) {
      left.push_back(image(i, k));
      right.push_back(image(i, W - 1 - k));
    }
  }
  // How far the border is from a plane with these slopes, and the level of that plane.
  struct Fit {
    float error, level, down, right;
  };
  const auto fit = [&](float slope_down, float slope_right) {
    std::vector<float> rest;
    for (Index i = 0; i < H; ++i)
      for (Index j = 0; j < W; ++j)
        if (i < ring || i >= H - ring || j < ring || j >= W - ring)
          rest.push_back(image(i, j) - slope_down * static_cast<float>(i) -
                         slope_right * static_cast<float>(j));
    const float middle = median(rest);
    for (float& value : rest) value = std::abs(value - middle);
    return Fit{median(rest), middle, slope_down, slope_right};
  };
  const auto slope = [](float to, float from, Index steps) {
    return steps > 1 ? (to - from) / static_cast<float>(steps - 1) : 0.0f;
  };
  const Fit flat = fit(0, 0), plane = fit(slope(median(bottom), median(top), H),
                                          slope(median(right), median(left), W));
  const Fit& best = plane.error < flat.error ? plane : flat;
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j)
      image(i, j) -=
          best.level + best.down * static_cast<float>(i) + best.right * static_cast<float>(j);
  return best.error;
}

// Erases the connected parts of the ink that hold less than a fraction of it.
inline void drop_specks(Tensor<float, 2>& ink, float fraction) {
  const auto [H, W] = ink.shape();
  Tensor<std::uint8_t, 2> seen(ink.shape());
  float total = 0;
  for (const float value : ink) total += value;
  std::vector<Index> part;  // offsets; those from `next` on have not been looked round yet
  for (Index start = 0; start < ink.size(); ++start) {
    float sum = 0;
    part.clear();
    const auto visit = [&](Index at) {
      if (exactly_equal(ink.data()[at], 0) || std::exchange(seen.data()[at], std::uint8_t{1}))
        return;
      part.push_back(at);
      sum += ink.data()[at];
    };
    visit(start);
    for (std::size_t next = 0; next < part.size(); ++next) {
      const Index row = part[next] / W, col = part[next] % W;
      for (Index i = std::max<Index>(row - 1, 0); i <= std::min(row + 1, H - 1); ++i)
        for (Index j = std::max<Index>(col - 1, 0); j <= std::min(col + 1, W - 1); ++j)
          visit(i * W + j);
    }
    if (sum < fraction * total)
      for (const Index at : part) ink.data()[at] = 0;
  }
}

// The smallest box around the ink that is at least so strong: faint noise may cling to a stroke.
inline Box box_of(const Tensor<float, 2>& ink, float strength) {
  const auto [H, W] = ink.shape();
  Index top = H, left = W, bottom = 0, right = 0;
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j)
      if (ink(i, j) >= strength) {
        top = std::min(top, i);
        bottom = std::max(bottom, i + 1);
        left = std::min(left, j);
        right = std::max(right, j + 1);
      }
  return {static_cast<double>(top), static_cast<double>(left), static_cast<double>(bottom - top),
          static_cast<double>(right - left)};
}

}  // namespace detail

/// A grey image (H, W) with one digit on a plain background as MNIST has them, (28, 28), light on
/// black. Throws when there is nothing on the background; `name` is for errors.
inline Tensor<std::uint8_t, 2> fit_digit(View<const std::uint8_t, 2> image, std::string_view name) {
  const auto [H, W] = image.shape();
  check(H > 0 && W > 0, name, ": expected an image (H, W), found ", image.shape());
  // No more than 512 pixels a side: a stroke then is some pixels wide yet, and noise is averaged.
  const double height = static_cast<double>(H), width = static_cast<double>(W);
  const auto scaled = [](double extent, double scale) {
    return std::max<Index>(1, static_cast<Index>(math::round(scale * extent)));
  };
  const double reduction = std::min(1.0, 512 / std::max(height, width));
  auto scan = detail::resampled(image, {0, 0, height, width},
                                Shape{scaled(height, reduction), scaled(width, reduction)});

  const float noise = 1.5f * detail::level(scan);  // a standard deviation, if it is normal
  float lean = 0, largest = 0;
  for (const float value : scan) lean += value * value * value;
  for (float& value : scan) largest = std::max(largest, value = lean < 0 ? -value : value);
  std::vector<float> strokes{0};
  for (const float value : scan)
    if (value > largest / 2) strokes.push_back(value);
  const float full = detail::median(strokes);
  check(
      full > std::max(8.0f, 6 * noise), name,
      ": expected a digit on a plain background, found one brightness (the largest difference is ",
      largest, " of 255)");
  const float none = std::max(0.1f * full, 3 * noise);
  for (float& value : scan) value = std::clamp((value - none) / (full - none), 0.0f, 1.0f);
  detail::drop_specks(scan, 0.02f);

  const detail::Box box = detail::box_of(scan, 0.25f);
  check(box.height > 0, name,
        ": expected a digit on a plain background, found only specks, with less than 2 % of the "
        "ink each, or faint ink");
  const double scale = 20 / std::max(box.height, box.width);
  const auto digit = detail::resampled<float>(
      scan, box, Shape{scaled(box.height, scale), scaled(box.width, scale)});
  const auto [h, w] = digit.shape();
  float peak = 0, mass = 0, down = 0, right = 0;
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j) {
      peak = std::max(peak, digit(i, j));
      mass += digit(i, j);
      down += digit(i, j) * static_cast<float>(i);
      right += digit(i, j) * static_cast<float>(j);
    }
  const auto start = [&](float moment, Index extent) {
    return std::clamp<Index>(
        static_cast<Index>(math::round(static_cast<double>(14 - moment / mass))), 0, 28 - extent);
  };
  const Index top = start(down, h), left = start(right, w);
  Tensor<std::uint8_t, 2> fitted(Shape{28, 28});
  for (Index i = 0; i < h; ++i)
    for (Index j = 0; j < w; ++j)
      fitted(top + i, left + j) =
          static_cast<std::uint8_t>(math::round(static_cast<double>(255 * digit(i, j) / peak)));
  return fitted;
}

}  // namespace fovea::inline FOVEA_ABI
