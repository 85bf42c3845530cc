// SPDX-License-Identifier: MIT
//
// overlay: attribution maps over a faint image, side by side.
//
//   overlay(digit, {{"gradient", gradient}, {"Grad-CAM", cam}}, {.title = "Why a 7?"})
//
// How to read an overlay: the image is in light grey below. Red is where a pixel speaks for the
// class, blue where it speaks against it, no colour where it does not matter. Methods have units of
// their own, so every map has a scale of its own, written below it.
#pragma once

#include <string>
#include <vector>

#include "fovea/core/ops.hpp"
#include "fovea/viz/image.hpp"

namespace fovea::inline FOVEA_ABI {

/// One map (H, W) with its name. A map in double: map(x, [](double v) { return float(v); }).
struct Panel {
  std::string title;
  Tensor<float, 2> map;  ///< (H, W)
};

/// How the panels are laid out and scaled.
struct OverlayOptions {
  std::string title = {};
  Index zoom = 8;       ///< pixels for one number
  Index columns = 4;    ///< panels in a row
  double quantile = 1;  ///< the scale ends at this quantile of |map|; below 1 a few peaks saturate
};

namespace detail {

/// The given quantile of |value| over the finite values, 0 if there are none.
inline double magnitude_quantile(View<const float, 2> values, double quantile) {
  std::vector<double> magnitudes;
  for (const float value : values)
    if (std::isfinite(value)) magnitudes.push_back(std::abs(static_cast<double>(value)));
  if (magnitudes.empty()) return 0;
  const auto at = magnitudes.begin() +
                  static_cast<Index>(quantile * static_cast<double>(magnitudes.size() - 1));
  std::nth_element(magnitudes.begin(), at, magnitudes.end());
  return *at;
}

/// Two transparent inks over each other: white changes nothing.
inline Color multiply(Color a, Color b) {
  const auto part = [](int x, int y) { return static_cast<std::uint8_t>(x * y / 255); };
  return {part(a.r, b.r), part(a.g, b.g), part(a.b, b.b)};
}

}  // namespace detail

/// The image (H, W) with values in [0, 1], then every map over it.
template <Ranked<2> X>
Image overlay(const X& image, const std::vector<Panel>& panels,
              const OverlayOptions& options = {}) {
  const auto [H, W] = image.shape();
  check(H > 0 && W > 0, "overlay: expected an image (H, W), got ", image.shape());
  check(options.zoom > 0 && options.columns > 0,
        "overlay: expected a zoom and columns of at least 1, got ", options.zoom, " and ",
        options.columns);
  check(0 <= options.quantile && options.quantile <= 1,
        "overlay: expected a quantile in [0, 1], got ", options.quantile);
  constexpr Index margin = 24, gap = 20, line = 24;
  Index cell_w = std::max(W * options.zoom, Image::text_width("input"));
  for (const Panel& panel : panels) {
    check(panel.map.shape() == image.shape(), "overlay: expected a map ", image.shape(), " in ",
          panel.title, ", got ", panel.map.shape());
    cell_w = std::max(cell_w, Image::text_width(panel.title));
  }
  const Index count = static_cast<Index>(panels.size()) + 1,
              columns = std::min(count, options.columns), rows = (count + columns - 1) / columns;
  const Index header = options.title.empty() ? 0 : 36, cell_h = line + H * options.zoom + line;
  Image picture(
      2 * margin + header + rows * (cell_h + gap) - gap,
      2 * margin + std::max(columns * (cell_w + gap) - gap, Image::text_width(options.title)));
  picture.text(margin, margin, options.title);
  for (Index p = 0; p < count; ++p) {
    const Index top = margin + header + p / columns * (cell_h + gap),
                left = margin + p % columns * (cell_w + gap);
    picture.outline(top + line - 1, left - 1, H * options.zoom + 2, W * options.zoom + 2, frame);
    if (p == 0) {
      picture.text(top, left, "input");
      picture.map(top + line, left, as_const(image), options.zoom, grey);
      continue;
    }
    const Panel& panel = panels[static_cast<std::size_t>(p - 1)];
    const double scale = detail::magnitude_quantile(panel.map, options.quantile);
    picture.text(top, left, panel.title);
    for (Index i = 0; i < H; ++i)
      for (Index j = 0; j < W; ++j) {
        const Color color =
            diverging(static_cast<double>(panel.map(i, j)) / (scale > 0 ? scale : 1));
        picture.rectangle(
            top + line + i * options.zoom, left + j * options.zoom, options.zoom, options.zoom,
            detail::multiply(color, grey(1 - 0.17 * static_cast<double>(image(i, j)))));
      }
    picture.text(top + line + H * options.zoom + 8, left,
                 concat("+-", detail::short_number(scale)));
  }
  return picture;
}

}  // namespace fovea::inline FOVEA_ABI
