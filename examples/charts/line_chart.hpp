// SPDX-License-Identifier: MIT
//
// line_chart: lines over an axis as SVG, each with a band of uncertainty if it has one.
//
//   line_chart({{.name = "natural", .x = degrees, .y = accuracy, .low = low, .high = high}},
//              {.title = "Rotated digits",
//               .x = {.label = "degrees", .tick = 30},
//               .y = {.label = "accuracy", .to = 1.0, .percent = true}})
//
// How to read it: the line joins what was measured, at the markers; a line of more than
// 30 points has some of them marked, so that lines can be told apart without colour. The
// band around it is where the true value lies with the probability that the caption
// names, 95 % as a rule. Where bands overlap, two lines may well be the same.
//
// The y axis includes zero unless it is logarithmic or `from` says otherwise: a line that seems to
// plunge because its axis begins at 97 % is a well-known way to mislead. A value that is not finite
// leaves a gap with its name under it.
#pragma once

#include "charts/chart_frame.hpp"

namespace charts {

/// One line of a chart.
struct Line {
  std::string name = {};
  std::string color = {};                   ///< "#1f77b4"; "": the next one of the palette
  std::vector<double> x = {}, y = {};       ///< equally many
  std::vector<double> low = {}, high = {};  ///< the band's borders, one for each x, or none
};

/// The words and axes of a line chart.
struct LineChartOptions {
  std::string title = {};
  Axis x = {}, y = {};  ///< the axes
};

namespace internal {

/// Calls run(first, last) for every stretch of finite values; [first, last).
template <class Run>
void finite_runs(const std::vector<double>& a, const std::vector<double>& b, Run&& run) {
  for (std::size_t first = 0; first < a.size(); ++first) {
    std::size_t last = first;
    while (last < a.size() && std::isfinite(a[last]) && std::isfinite(b[last])) ++last;
    if (last > first) run(first, last);
    first = last;
  }
}

inline void draw_line(ChartFrame& chart, const Line& line, std::size_t i) {
  const std::size_t n = line.x.size();
  std::string shapes = concat("<g ", series_style(i, line.color), ">\n");
  const auto point = [&](std::size_t k, const std::vector<double>& y) {
    return concat(chart.x(line.x[k]), " ", chart.y(y[k]), " ");
  };
  if (!line.low.empty())
    finite_runs(line.low, line.high, [&](std::size_t first, std::size_t last) {
      std::string d = "M";
      for (std::size_t k = first; k < last; ++k) d += point(k, line.low);
      for (std::size_t k = last; k-- > first;) d += point(k, line.high);
      shapes += concat("<path fill=\"currentColor\" fill-opacity=\"0.2\" d=\"", d, "Z\"/>\n");
    });
  finite_runs(line.x, line.y, [&](std::size_t first, std::size_t last) {
    std::string d = "M";
    for (std::size_t k = first; k < last; ++k) d += point(k, line.y);
    shapes += concat(
        "<path fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linejoin=\"round\" "
        "d=\"",
        d, "\"/>\n");
    // More than 30 would hide the line; then some, at other places in every line.
    const std::size_t every = n <= 30 ? 1 : n / 8;
    for (std::size_t k = first; k < last; ++k)
      if (k % every == i * every / 8 % every)
        shapes += marker(i, chart.x(line.x[k]), chart.y(line.y[k]));
  });
  chart.add(shapes + "</g>\n");
  for (std::size_t k = 0; k < n; ++k)
    if (std::isfinite(line.x[k]) && !std::isfinite(line.y[k]))
      chart.add_text(chart.x(line.x[k]), chart.bottom() - 6, number_text(line.y[k]),
                     "text-anchor=\"middle\" font-size=\"12\"");
}

}  // namespace internal

/// An SVG file with the given lines.
inline std::string line_chart(const std::vector<Line>& lines, const LineChartOptions& options) {
  std::vector<const std::vector<double>*> xs, ys;
  for (const Line& line : lines) {
    check(line.x.size() == line.y.size(), "line_chart: expected as many x as y in ", line.name,
          ", got ", line.x.size(), " and ", line.y.size());
    for (const auto* border : {&line.low, &line.high})
      check(
          border->size() == line.low.size() && (border->empty() || border->size() == line.x.size()),
          "line_chart: expected a band of ", line.x.size(), " values or none in ", line.name,
          ", got ", line.low.size(), " and ", line.high.size());
    xs.push_back(&line.x);
    for (const auto* values : {&line.y, &line.low, &line.high}) ys.push_back(values);
  }
  const auto [x_least, x_most] = internal::span_of(xs);
  const auto [y_least, y_most] = internal::span_of(ys);
  std::vector<internal::LegendEntry> legend;
  for (std::size_t i = 0; i < lines.size(); ++i)
    legend.push_back({lines[i].name, internal::series_style(i, lines[i].color),
                      "<path stroke=\"currentColor\" stroke-width=\"2\" d=\"M-12 0h24\"/>" +
                          internal::marker(i, 0, 0)});
  internal::ChartFrame chart(
      options.title, internal::fit(options.x, x_least, x_most, false, "line_chart"),
      options.y.logarithmic ? internal::fit(options.y, y_least, y_most, true, "line_chart")
                            : internal::fit(options.y, std::min(0.0, y_least),
                                            std::max(0.0, y_most), true, "line_chart"),
      legend);
  for (std::size_t i = 0; i < lines.size(); ++i) internal::draw_line(chart, lines[i], i);
  return chart.finish();
}

}  // namespace charts
