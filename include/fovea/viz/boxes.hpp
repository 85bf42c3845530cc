// SPDX-License-Identifier: MIT
//
// draw_boxes: outlines of rectangles over an image, for instance what one unit of each layer sees.
//
//   draw_boxes(digit, {{.top = 3, .left = 5, .height = 10, .width = 10, .label = "10 x 10"}})
//
// How to read it: a unit can only know what lies inside its box. Over a map of how
// much each pixel matters (`.color_of = sequential, .scale = 0`) the box shows how
// much of it the unit makes use of. Where boxes share an edge, the smaller one is drawn
// just inside of the larger, so that both are seen.
#pragma once

#include <string>
#include <vector>

#include "fovea/viz/image.hpp"

namespace fovea::inline FOVEA_ABI {

/// A rectangle in pixels of an image; it may reach outside.
struct LabelledBox {
  Index top = 0, left = 0, height = 1, width = 1;  ///< pixels of the image
  std::string label = {};                          ///< below the picture
};

/// How the image under the boxes is drawn.
struct BoxOptions {
  std::string title = {};
  Index zoom = 10;
  Color (*color_of)(double) = grey;  ///< grey, sequential or diverging
  double scale = 1;  ///< the value that gets the strongest colour; 0: the largest magnitude
};

namespace detail {

// How many boxes around this one have this edge, too: by so many outlines its own moves inwards.
template <class Edge>
Index outlines_at(const std::vector<LabelledBox>& boxes, std::size_t b, const Edge& edge) {
  const auto around = [&](std::size_t q) {
    const Index area = boxes[q].height * boxes[q].width, own = boxes[b].height * boxes[b].width;
    return area > own || (area == own && q < b);
  };
  Index count = 0;
  for (std::size_t q = 0; q < boxes.size(); ++q)
    count += around(q) && edge(boxes[q]) == edge(boxes[b]);
  return count;
}

}  // namespace detail

/// The image (H, W) with the outlines of the boxes, each in a colour of its own, and their labels
/// below. Where a box reaches outside, the picture grows: padding is part of what a unit sees.
template <Ranked<2> X>
Image draw_boxes(const X& image, const std::vector<LabelledBox>& boxes,
                 const BoxOptions& options = {}) {
  const auto [H, W] = image.shape();
  check(H > 0 && W > 0, "draw_boxes: expected an image (H, W), got ", image.shape());
  check(options.zoom > 0, "draw_boxes: expected a zoom of at least 1, got ", options.zoom);
  constexpr std::array<Color, 6> colors{{{0, 158, 115},
                                         {230, 159, 0},
                                         {86, 180, 233},
                                         {204, 121, 167},
                                         {213, 94, 0},
                                         {240, 228, 66}}};
  constexpr Index margin = 24, line = 24;
  Index top = 0, left = 0, bottom = H, right = W, widest = Image::text_width(options.title),
        labels = 0;
  for (const LabelledBox& box : boxes) {
    check(box.height > 0 && box.width > 0, "draw_boxes: expected a box of at least 1 x 1 for ",
          box.label, ", got ", box.height, " x ", box.width);
    top = std::min(top, box.top);
    left = std::min(left, box.left);
    bottom = std::max(bottom, box.top + box.height);
    right = std::max(right, box.left + box.width);
    widest = std::max(widest, 24 + Image::text_width(box.label));
    labels += !box.label.empty();
  }
  const Index zoom = options.zoom, header = options.title.empty() ? 0 : 36;
  Image picture(2 * margin + header + (bottom - top) * zoom + 12 + labels * line,
                2 * margin + std::max((right - left) * zoom, widest));
  picture.text(margin, margin, options.title);
  const Index y0 = margin + header - top * zoom,
              x0 = margin - left * zoom;  // of the image's corner
  picture.rectangle(y0 + top * zoom, x0 + left * zoom, (bottom - top) * zoom, (right - left) * zoom,
                    {225, 225, 229});
  double largest = 0;
  for (const auto value : as_const(image))
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const double scale = options.scale > 0 ? options.scale : largest > 0 ? largest : 1;
  picture.map(y0, x0, as_const(image), zoom,
              [&](double value) { return options.color_of(value / scale); });
  Index y = margin + header + (bottom - top) * zoom + 16;
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    const LabelledBox& box = boxes[b];
    const Color color = colors[b % colors.size()];
    const auto inset = [&](const auto& edge) {
      const Index most = std::min(box.height, box.width) * zoom / 3;
      return std::min(4 * detail::outlines_at(boxes, b, edge), most);
    };
    const Index from_y = y0 + box.top * zoom + inset([](const auto&q) { return q.top; }),
                from_x = x0 + box.left * zoom + inset([](const auto&q) { return q.left; }),
                height = y0 + (box.top + box.height) * zoom - from_y -
                         inset([](const auto&q) { return q.top + q.height; }),
                width = x0 + (box.left + box.width) * zoom - from_x -
                        inset([](const auto&q) { return q.left + q.width; });
    picture.outline(from_y - 1, from_x - 1, height + 2, width + 2, black, 5);
    picture.outline(from_y, from_x, height, width, color, 3);
    if (box.label.empty()) continue;
    picture.outline(y, margin, 14, 16, black, 5);
    picture.outline(y + 1, margin + 1, 12, 14, color, 3);
    picture.text(y, margin + 24, box.label);
    y += line;
  }
  return picture;
}

}  // namespace fovea::inline FOVEA_ABI
