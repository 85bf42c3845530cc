// SPDX-License-Identifier: MIT
//
// Image: pixels to draw on, and the colours that numbers turn into.
//
//   grey        0 black .. 1 white
//   sequential  0 black, purple, orange, 1 pale yellow: lightness grows all the way (after
//               "inferno" of matplotlib), so it reads in black and white too
//   diverging   -1 blue, 0 white, +1 red (after "RdBu" of ColorBrewer): the sign is the hue, the
//               strength is the darkness, and zero is no ink
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "fovea/core/math.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/viz/font.hpp"

namespace fovea::inline FOVEA_ABI {

/// Red, green, blue; sRGB, 8 bits each.
struct Color {
  std::uint8_t r, g, b;  ///< 0 to 255
};

/// The ground, the darkest ink, text, and the outlines of maps.
inline constexpr Color white{255, 255, 255}, black{0, 0, 0}, ink{40, 40, 48}, frame{200, 200, 206};

namespace detail {

// The share `part` of b, the rest of a.
inline Color mixed(Color a, Color b, double part) {
  const auto mix = [part](std::uint8_t from, std::uint8_t to) {
    return static_cast<std::uint8_t>(math::round((1 - part) * from + part * to));
  };
  return {mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
}

template <std::size_t n>
Color interpolate(const std::array<Color, n>& anchors, double part) {
  if (std::isnan(part)) return {0, 200, 0};  // a NaN must be seen
  const double place = std::clamp(part, 0.0, 1.0) * static_cast<double>(n - 1);
  const auto i = std::min(static_cast<std::size_t>(place), n - 2);
  return mixed(anchors[i], anchors[i + 1], place - static_cast<double>(i));
}

/// Three digits, whatever the size: 12.3, 0.00123, 4.56e-07.
inline std::string short_number(double value) { return formatted(value, 3); }

}  // namespace detail

/// value in [0, 1]
inline Color grey(double value) { return detail::interpolate<2>({black, white}, value); }

/// value in [0, 1]
inline Color sequential(double value) {
  return detail::interpolate<6>(
      {{{0, 0, 4}, {66, 10, 104}, {147, 38, 103}, {221, 81, 58}, {252, 165, 10}, {252, 255, 164}}},
      value);
}

/// value in [-1, 1]
inline Color diverging(double value) {
  return detail::interpolate<5>(
      {{{5, 48, 97}, {67, 147, 195}, {247, 247, 247}, {214, 96, 77}, {103, 0, 31}}},
      (value + 1) / 2);
}

/// Black or white, whichever is easier to read on `color`: at least 4.58 : 1 in the sense of WCAG,
/// as their contrasts with any colour multiply to 21.
inline Color readable_on(Color color) {
  const auto linear = [](std::uint8_t part) {
    const double s = part / 255.0;
    return s <= 0.04045 ? s / 12.92 : math::pow((s + 0.055) / 1.055, 2.4);
  };
  const double luminance =
      0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
  return (luminance + 0.05) * (luminance + 0.05) > 1.05 * 0.05 ? black : white;
}

/// Pixels to draw on, rows from the top, columns from the left.
class Image {
 public:
  /// Height and width in pixels, each in [1, 16384].
  Image(Index height, Index width, Color background = white) {
    constexpr Index most = 16384;
    check(0 < height && height <= most && 0 < width && width <= most,
          "image: expected a height and a width in [1, ", most, "], got ", height, " and ", width);
    pixels_ = Tensor<std::uint8_t, 3>(Shape{height, width, 3});
    rectangle(0, 0, height, width, background);
  }

  /// Rows of pixels.
  Index height() const { return pixels_.extent(0); }
  /// Columns of pixels.
  Index width() const { return pixels_.extent(1); }
  /// All pixels.
  const Tensor<std::uint8_t, 3>& pixels() const { return pixels_; }  // (H, W, 3): red, green, blue

  /// What lies outside the image is not drawn.
  void set(Index y, Index x, Color color) {
    if (y < 0 || y >= height() || x < 0 || x >= width()) return;
    pixels_(y, x, 0) = color.r;
    pixels_(y, x, 1) = color.g;
    pixels_(y, x, 2) = color.b;
  }

  /// Fills `rows` x `columns` pixels from (top, left) on.
  void rectangle(Index top, Index left, Index rows, Index columns, Color color) {
    for (Index y = top; y < top + rows; ++y)
      for (Index x = left; x < left + columns; ++x) set(y, x, color);
  }

  /// The border of a rectangle, `thickness` pixels wide, drawn inside it.
  void outline(Index top, Index left, Index rows, Index columns, Color color, Index thickness = 1) {
    rectangle(top, left, thickness, columns, color);
    rectangle(top + rows - thickness, left, thickness, columns, color);
    rectangle(top, left, rows, thickness, color);
    rectangle(top, left + columns - thickness, rows, thickness, color);
  }

  /// A straight line between two points, both included, with a square pen.
  void line(Index y0, Index x0, Index y1, Index x1, Color color, Index thickness = 1) {
    const Index steps = std::max<Index>({std::abs(y1 - y0), std::abs(x1 - x0), 1});
    for (Index i = 0; i <= steps; ++i) {
      const double part = static_cast<double>(i) / static_cast<double>(steps);
      const auto along = [part](Index from, Index to) {
        return from + static_cast<Index>(math::round(part * static_cast<double>(to - from)));
      };
      rectangle(along(y0, y1) - thickness / 2, along(x0, x1) - thickness / 2, thickness, thickness,
                color);
    }
  }

  /// Another image, its upper left corner here.
  void paste(Index top, Index left, const Image& other) {
    for (Index y = 0; y < other.height(); ++y)
      for (Index x = 0; x < other.width(); ++x)
        set(top + y, left + x,
            {other.pixels()(y, x, 0), other.pixels()(y, x, 1), other.pixels()(y, x, 2)});
  }

  /// Every number of a map (H, W) as a square of `zoom` x `zoom` pixels
  /// coloured by color_of(number).
  template <class T, class ColorOf>
  void map(Index top, Index left, View<const T, 2> values, Index zoom, ColorOf&& color_of) {
    for (Index i = 0; i < values.extent(0); ++i)
      for (Index j = 0; j < values.extent(1); ++j)
        rectangle(top + i * zoom, left + j * zoom, zoom, zoom,
                  color_of(static_cast<double>(values(i, j))));
  }

  /// Text whose upper left corner is here. Capitals and digits are 7 pixels high times `zoom`, and
  /// letters reach 2 below the line; what is none of ASCII is a blank.
  void text(Index top, Index left, std::string_view line, Index zoom = 2, Color color = ink) {
    check(zoom > 0, "text: expected a zoom of at least 1, got ", zoom);
    const detail::TextCoverage covered(line, zoom);
    for (Index y = covered.top(); y < covered.bottom(); ++y)
      for (Index x = covered.left(); x < covered.right(); ++x)
        if (const double part = covered(y, x); part > 0)
          set(top + y, left + x, detail::mixed(pixel(top + y, left + x), color, part));
  }
  /// The pixels that a text takes in a row.
  static Index text_width(std::string_view line, Index zoom = 2) {
    return detail::TextCoverage::width(line, zoom);
  }

 private:
  // White outside.
  Color pixel(Index y, Index x) const {
    if (y < 0 || y >= height() || x < 0 || x >= width()) return white;
    return {pixels_(y, x, 0), pixels_(y, x, 1), pixels_(y, x, 2)};
  }

  Tensor<std::uint8_t, 3> pixels_{};
};

}  // namespace fovea::inline FOVEA_ABI
