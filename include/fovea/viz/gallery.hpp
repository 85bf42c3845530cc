// SPDX-License-Identifier: MIT
//
// gallery: many small maps side by side, all on one scale, with a title and the scale beside them.
//
//   const Image image = gallery(filters, {.title = "conv1", .signed_values = true});  // (M, H, W)
//   write_png("filters.png", image);  // viz/png.hpp
//
// One scale for all maps: only then may their colours be compared with each other. Maps of weights
// are signed and use the diverging colours from -m to m; activations after a ReLU use the
// sequential ones from 0 to m, with m the largest magnitude.
#pragma once

#include <string>
#include <vector>

#include "fovea/viz/image.hpp"

namespace fovea::inline FOVEA_ABI {

/// How the maps are laid out and coloured.
struct GalleryOptions {
  std::string title = {};
  bool signed_values = false;  ///< diverging colours from -m to m, else sequential ones from 0 to m
  Index zoom = 0;              ///< pixels for one number; 0: so that a map is some 70 pixels wide
  Index columns = 0;           ///< maps in a row; 0: a picture wider than high
  std::vector<std::string> captions = {};  ///< under each map; none: their numbers
};

namespace detail {

/// A vertical bar from `low` (below) to `high` (above) with three numbers beside it.
inline void draw_scale(Image& image, Index top, Index left, Index height, double low, double high,
                       bool signed_values) {
  constexpr Index width = 16;
  for (Index y = 0; y < height; ++y) {
    const double part = 1.0 - static_cast<double>(y) / static_cast<double>(height - 1);
    image.rectangle(top + y, left, 1, width,
                    signed_values ? diverging(2 * part - 1) : sequential(part));
  }
  image.text(top, left + width + 8, short_number(high));
  image.text(top + height / 2 - 7, left + width + 8, short_number((low + high) / 2));
  image.text(top + height - 14, left + width + 8, short_number(low));
}

}  // namespace detail

/// Maps (M, H, W) as one picture.
template <Ranked<3> X>
Image gallery(const X& maps, GalleryOptions options = {}) {
  const auto [M, H, W] = maps.shape();
  check(M > 0 && H > 0 && W > 0, "gallery: expected maps (M, H, W), got ", maps.shape());
  double largest = 0;
  for (const auto value : as_const(maps))
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const double scale = largest > 0 ? largest : 1;

  constexpr Index margin = 24, gap = 12, caption = 24, header = 36, bar = 116;
  const Index zoom = options.zoom > 0 ? options.zoom : std::max<Index>(1, 72 / std::max(H, W));
  const Index cell_w = std::max<Index>(W * zoom, 24), cell_h = H * zoom + caption;
  Index columns = options.columns;
  if (columns <= 0) {
    // Twice as wide as high, if need be three times, so that no row stays half empty.
    while (columns * columns < 2 * M) ++columns;
    for (Index wider = columns; wider * wider <= 4 * M; ++wider)
      if (M % wider == 0) {
        columns = wider;
        break;
      }
  }
  columns = std::min(columns, M);
  const Index rows = (M + columns - 1) / columns;

  const Index grid_w = columns * (cell_w + gap) - gap,
              grid_h = std::max<Index>(rows * (cell_h + gap) - gap, 96);
  const Index width = std::max(grid_w + bar, Image::text_width(options.title)) + 2 * margin;
  Image image(2 * margin + header + grid_h, width);
  image.text(margin, margin, options.title);
  const Index top = margin + header;
  for (Index m = 0; m < M; ++m) {
    const Index y = top + m / columns * (cell_h + gap), x = margin + m % columns * (cell_w + gap);
    image.rectangle(y - 1, x - 1, H * zoom + 2, W * zoom + 2, frame);
    image.map(y, x, as_const(maps)[m], zoom, [&](double value) {
      return options.signed_values ? diverging(value / scale) : sequential(value / scale);
    });
    const auto i = static_cast<std::size_t>(m);
    image.text(y + H * zoom + 6, x,
               options.captions.empty()      ? std::to_string(m)
               : i < options.captions.size() ? options.captions[i]
                                             : "");
  }
  detail::draw_scale(image, top, margin + grid_w + 28, std::min<Index>(grid_h - caption, 220),
                     options.signed_values ? -scale : 0, scale, options.signed_values);
  return image;
}

}  // namespace fovea::inline FOVEA_ABI
