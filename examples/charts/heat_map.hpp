// SPDX-License-Identifier: MIT
//
// heat_map: a table of numbers as coloured cells that carry their numbers, as SVG.
//
//   heat_map(accuracy, {.title = "Accuracy against shift", .row_labels = dy, .column_labels = dx,
//                       .x_label = "dx, pixels", .y_label = "dy, pixels",
//                       .to = 1.0, .percent = true})
//
// How to read it: every cell is one measurement, its colour is its place on the scale beside the
// table. The letters of a cell are black or white, whichever can be read on its colour. NaN is
// green, which no scale contains.
#pragma once

#include "charts/chart_frame.hpp"
#include "fovea/core/math.hpp"
#include "fovea/viz/image.hpp"

namespace charts {

/// The words and the scale of a heat map.
struct HeatMapOptions {
  std::string title = {};
  std::vector<std::string> row_labels = {}, column_labels = {};  ///< none: 0, 1, 2, ...
  std::string x_label = {}, y_label = {};
  std::optional<double> from = {}, to = {};  ///< ends of the scale; else 0 or less, and the largest
  bool percent = false;                      ///< numbers are shares, 0.5 is written 50
  bool signed_values = false;                ///< diverging colours from -m to m
};

/// A table (R, C) of numbers.
template <Ranked<2> X>
std::string heat_map(const X& table, const HeatMapOptions& options) {
  const auto [R, C] = table.shape();
  check(R > 0 && C > 0, "heat_map: expected a table (R, C), got ", table.shape());
  const auto names = [](const std::vector<std::string>& given, Index count, const char* which) {
    check(given.empty() || static_cast<Index>(given.size()) == count, "heat_map: expected ", count,
          " labels of ", which, ", got ", given.size());
    std::vector<std::string> labels = given;
    for (Index i = static_cast<Index>(given.size()); i < count; ++i) labels.push_back(concat(i));
    return labels;
  };
  const auto rows = names(options.row_labels, R, "rows"),
             columns = names(options.column_labels, C, "columns");
  std::vector<double> numbers;
  for (const auto value : as_const(table)) numbers.push_back(static_cast<double>(value));
  const auto span = internal::span_of({&numbers});
  double low = std::min(0.0, span[0]), high = span[1];
  if (options.signed_values) low = -(high = std::max(-low, high));
  low = options.from.value_or(low);
  high = options.to.value_or(high);
  if (!(low < high)) high = low + 1;
  const auto color_of = [&](double value) {
    const double part = (value - low) / (high - low);
    return options.signed_values ? diverging(2 * part - 1) : sequential(part);
  };
  const auto hex = [](Color c) {
    char text[8];
    std::snprintf(text, sizeof text, "#%02x%02x%02x", c.r, c.g, c.b);
    return std::string(text);
  };

  double label = 0;
  for (const auto& name : rows) label = std::max(label, internal::text_extent(name));
  constexpr double scale = 74;  // the width of the colour scale
  const double left = (options.y_label.empty() ? 14 : 34) + label + 8,
               grid = internal::chart_width - scale - left;
  const double cell_w = grid / static_cast<double>(C), cell_h = std::clamp(cell_w, 22.0, 44.0);
  const double head = internal::title_height(options.title) + 34;
  const double bottom = head + cell_h * static_cast<double>(R);
  std::string svg = internal::svg_head(
      options.title, std::max(bottom, head + 120) + (options.x_label.empty() ? 14 : 40));
  // Three digits of a share are enough for a cell, and all that fit.
  const auto text_of = [&](double value) {
    if (!std::isfinite(value)) return internal::number_text(value);
    return options.percent ? concat(math::round(100 * value) + 0.0) : formatted(value, 3);
  };
  const bool numbers_fit = cell_w >= 22;
  for (Index j = 0; j < C; ++j) {
    const Index every =
        static_cast<Index>(math::ceil(internal::text_extent(columns.back()) / cell_w));
    if (j % std::max<Index>(1, every) == 0)
      svg += internal::svg_text(left + (static_cast<double>(j) + 0.5) * cell_w, head - 8,
                                columns[static_cast<std::size_t>(j)], "text-anchor=\"middle\"");
  }
  for (Index i = 0; i < R; ++i) {
    const double y = head + static_cast<double>(i) * cell_h;
    svg += internal::svg_text(left - 8, y + cell_h / 2 + 5, rows[static_cast<std::size_t>(i)],
                              "text-anchor=\"end\"");
    for (Index j = 0; j < C; ++j) {
      const auto value = static_cast<double>(table(i, j));
      const Color color = color_of(value);
      const double x = left + static_cast<double>(j) * cell_w;
      svg += concat("<rect x=\"", x, "\" y=\"", y, "\" width=\"", cell_w - 1, "\" height=\"",
                    cell_h - 1, "\" fill=\"", hex(color), "\"/>\n");
      if (numbers_fit)
        svg += concat("<text text-anchor=\"middle\" font-size=\"", cell_w < 34 ? 11 : 13, "\" x=\"",
                      x + cell_w / 2 - 0.5, "\" y=\"", y + cell_h / 2 + 4.5, "\" fill=\"",
                      hex(readable_on(color)), "\">", escape_markup(text_of(value)), "</text>\n");
    }
  }
  const double bar = internal::chart_width - scale + 16,
               high_of_bar = std::max(bottom - head, 110.0);
  for (int k = 0; k < 40; ++k)
    svg += concat("<rect x=\"", bar, "\" y=\"", head + high_of_bar * k / 40,
                  "\" width=\"12\" height=\"", high_of_bar / 40 + 0.5, "\" fill=\"",
                  hex(color_of(low + (high - low) * (39 - k) / 39)), "\"/>\n");
  for (const double part : {0.0, 0.5, 1.0})
    svg += internal::svg_text(bar + 16, head + 10 + (1 - part) * (high_of_bar - 10),
                              options.percent ? text_of(low + part * (high - low)) + " %"
                                              : text_of(low + part * (high - low)),
                              "font-size=\"12\"");
  if (!options.x_label.empty())
    svg +=
        internal::svg_text(left + grid / 2, bottom + 24, options.x_label, "text-anchor=\"middle\"");
  if (!options.y_label.empty())
    svg += internal::svg_text(0, 0, options.y_label,
                              concat("text-anchor=\"middle\" transform=\"translate(22 ",
                                     (head + bottom) / 2, ") rotate(-90)\""));
  return svg += "</svg>\n";
}

}  // namespace charts
