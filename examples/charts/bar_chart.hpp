// SPDX-License-Identifier: MIT
//
// Bars as SVG: bar_chart for things with names, histogram for many numbers, reliability_diagram for
// what a network claims against what it gets right.
//
//   bar_chart({"conv1", "conv2"}, {{.name = "dead units", .values = {0.1, 0.4}}},
//             {.title = "Share of dead units", .value = {.percent = true}})
//
// How to read them: the length of a bar is its value, and so every bar begins at zero; a whisker is
// the interval in which the true value lies. Names too long for the
// foot of a bar lay the bars down.
#pragma once

#include <numeric>
#include <span>

#include "charts/chart_frame.hpp"

namespace charts {

/// One value for every category.
struct Bars {
  std::string name = {};
  std::string color = {};                   ///< "": the next one of the palette
  std::vector<double> values = {};          ///< one for each category
  std::vector<double> low = {}, high = {};  ///< the ends of the whiskers, or none
};

/// The words of a bar chart.
struct BarChartOptions {
  std::string title = {};
  std::string label = {};  ///< of the axis with the categories
  Axis value = {};         ///< of the values
};

/// For every category one bar of each of `series`, side by side.
inline std::string bar_chart(const std::vector<std::string>& categories,
                             const std::vector<Bars>& series, const BarChartOptions& options) {
  const std::size_t n = categories.size();
  check(n > 0 && !series.empty(), "bar_chart: expected categories and bars, got ", n, " and ",
        series.size());
  std::vector<const std::vector<double>*> all;
  std::vector<internal::LegendEntry> legend;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const Bars& bars = series[s];
    check(bars.values.size() == n, "bar_chart: expected ", n, " values in ", bars.name, ", got ",
          bars.values.size());
    check(bars.low.size() == bars.high.size() && (bars.low.empty() || bars.low.size() == n),
          "bar_chart: expected ", n, " whiskers or none in ", bars.name, ", got ", bars.low.size(),
          " and ", bars.high.size());
    for (const auto* values : {&bars.values, &bars.low, &bars.high}) all.push_back(values);
    if (series.size() > 1)
      legend.push_back(
          {bars.name, internal::series_style(s, bars.color),
           "<rect fill=\"currentColor\" x=\"-8\" y=\"-6\" width=\"16\" height=\"12\"/>"});
  }
  const auto [least, most] = internal::span_of(all);
  internal::Range value =
      internal::fit(options.value, std::min(0.0, least), std::max(0.0, most), true, "bar_chart");
  const double count = static_cast<double>(n), groups = static_cast<double>(series.size());
  internal::Range names{options.label, 0, count, {}, false};
  double widest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    names.ticks.push_back({static_cast<double>(i) + 0.5, categories[i]});
    widest = std::max(widest, internal::text_extent(categories[i]));
  }
  const bool lying = widest > 30 && widest > 420 / count;
  if (lying) std::swap(names.low, names.high);  // the first one on top
  internal::ChartFrame chart =
      lying ? internal::ChartFrame(options.title, value, names, legend, count * (12 * groups + 12))
            : internal::ChartFrame(options.title, names, value, legend);
  // A point of the plot from a place among the categories and a value.
  const auto point = [&](double place, double v) {
    return lying ? concat(chart.x(v), " ", chart.y(place))
                 : concat(chart.x(place), " ", chart.y(v));
  };
  for (std::size_t s = 0; s < series.size(); ++s) {
    const Bars& bars = series[s];
    std::string shapes = concat("<g ", internal::series_style(s, bars.color), ">\n");
    for (std::size_t i = 0; i < n; ++i) {
      const double width = 0.8 / groups,
                   from = static_cast<double>(i) + 0.1 + static_cast<double>(s) * width;
      const double to = from + width * (groups > 1 ? 0.92 : 1), middle = (from + to) / 2,
                   v = bars.values[i];
      if (std::isfinite(v))
        shapes += concat("<path fill=\"currentColor\" d=\"M", point(from, 0), "L", point(from, v),
                         "L", point(to, v), "L", point(to, 0), "Z\"/>\n");
      else
        chart.add_text(lying ? chart.x(0) + 6 : chart.x(middle),
                       lying ? chart.y(middle) + 5 : chart.y(0) - 6, internal::number_text(v),
                       lying ? "font-size=\"12\"" : "text-anchor=\"middle\" font-size=\"12\"");
      if (!bars.low.empty() && std::isfinite(bars.low[i]) && std::isfinite(bars.high[i]))
        shapes += concat("<path class=\"whisker\" stroke=\"#222\" stroke-width=\"1.5\" d=\"M",
                         point(middle, bars.low[i]), "L", point(middle, bars.high[i]), "\"/>\n");
    }
    chart.add(shapes + "</g>\n");
  }
  return chart.finish();
}

/// The words of a histogram, and its bins.
struct HistogramOptions {
  std::string title = {};
  Axis x = {}, y = {.label = "count"};  ///< of the values, of the counts
  Index bins = 30;                      ///< intervals of equal width
};

/// How many values fall into each of `bins` equal intervals from the least to the largest one, or
/// from x.from to x.to; values outside and those that are not finite are
/// counted in the title as not shown.
inline std::string histogram(std::span<const double> values, const HistogramOptions& options) {
  check(!values.empty() && options.bins > 0, "histogram: expected values and bins, got ",
        values.size(), " and ", options.bins);
  const std::vector<double> list(values.begin(), values.end());
  const auto [least, most] = internal::span_of({&list});
  const internal::Range x = internal::fit(options.x, least, most, false, "histogram");
  const double step = (x.high - x.low) / static_cast<double>(options.bins);
  std::vector<double> counts(static_cast<std::size_t>(options.bins));
  Index outside = 0;
  for (const double value : values)
    if (x.low <= value && value <= x.high)  // false for NaN
      ++counts[std::min(counts.size() - 1, static_cast<std::size_t>((value - x.low) / step))];
    else
      ++outside;
  const internal::Range y =
      internal::fit(options.y, 0, internal::span_of({&counts})[1], true, "histogram");
  internal::ChartFrame chart(
      outside == 0 ? options.title : concat(options.title, " (not shown: ", outside, ")"), x, y,
      {});
  std::string shapes = concat("<g ", internal::series_style(0, ""), ">\n");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double from = chart.x(x.low + static_cast<double>(i) * step),
                 to = chart.x(x.low + static_cast<double>(i + 1) * step);
    shapes +=
        concat("<path fill=\"currentColor\" d=\"M", from, " ", chart.y(0), "V", chart.y(counts[i]),
               "H", std::max(from + 0.5, to - 1), "V", chart.y(0), "Z\"/>\n");
  }
  chart.add(shapes + "</g>\n");
  return chart.finish();
}

}  // namespace charts
