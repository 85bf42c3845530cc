// SPDX-License-Identifier: MIT
//
// What all charts share: axes with round ticks, a frame, a legend, colours. A chart is SVG
// text; as a file it is black on white, and inside a Report (report/report.hpp) its classes
// follow the page into the dark:
//
//   paper ink quiet grid axis   the ground, text, small text, the grid, the lines of axes
//   s0 .. s7                    the colour of a series: its shapes are drawn in currentColor
//
// The series take the colours of Okabe and Ito ("Color Universal Design", 2008), which people with
// any kind of colour vision can tell apart; orange, yellow and sky blue are darkened until they
// contrast with white 3 : 1. Every series also has a marker of its own.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <vector>

#include "charts/markup.hpp"
#include "fovea/core/math.hpp"

namespace charts {

/// One axis. What is not given follows from the numbers.
struct Axis {
  std::string label = {};                    ///< what is measured, and in which unit
  std::optional<double> from = {}, to = {};  ///< where the axis begins and ends
  double tick = 0;           ///< distance of the ticks; 0: 1, 2 or 5 times a power of ten
  bool percent = false;      ///< numbers are shares, 0.5 is written 50 %
  bool logarithmic = false;  ///< equal factors are equally far apart, with ticks at powers of ten
};

namespace internal {

inline constexpr std::array<std::string_view, 8> series_colors{
    "#0072B2", "#D55E00", "#008F68", "#B0568A", "#9A6A00", "#6A3FC0", "#6E6E6E", "#222222"};

/// The value as text: 0.25, or 25 % for a share.
inline std::string number_text(double value, bool percent = false) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : value > 0 ? "+inf" : "-inf";
  return percent ? concat(100 * value, " %") : concat(value);
}

struct Tick {
  double at;
  std::string text;
};

/// An axis whose limits and ticks are known. `low` may be the larger one: then it runs backwards.
struct Range {
  std::string label = {};
  double low = 0, high = 1;
  std::vector<Tick> ticks = {};
  bool grid = false, logarithmic = false;

  /// Where a value is: 0 at the beginning of the axis, 1 at its end.
  double share(double value) const {
    return logarithmic ? math::log(value / low) / math::log(high / low)
                       : (value - low) / (high - low);
  }
};

inline double log10(double x) { return math::log(x) / std::numbers::ln10; }

/// Limits and ticks for numbers from `least` to `most`; `round_up` ends the axis on ticks.
inline Range fit(const Axis& axis, double least, double most, bool round_up,
                 std::string_view name) {
  Range range{axis.label, axis.from.value_or(least), axis.to.value_or(most), {}, round_up};
  check(std::isfinite(range.low) && std::isfinite(range.high), name,
        ": expected finite limits of an axis, got ", range.low, " and ", range.high);
  if (!(range.low < range.high)) {
    check(!axis.to, name, ": expected an axis that ends above ", range.low, ", got ", range.high);
    range.high = axis.logarithmic ? 10 * range.low : range.low + 1;
  }
  if (axis.logarithmic) {
    check(range.low > 0, name, ": expected numbers above 0 on a logarithmic axis, got ", range.low);
    range.logarithmic = true;
    double power = math::pow(10, std::floor(log10(range.low) + 1e-6));
    if (round_up && !axis.from) range.low = power;
    if (round_up && !axis.to) range.high = math::pow(10, math::ceil(log10(range.high) - 1e-6));
    for (; power <= range.high * 1.000001; power *= 10)
      if (power >= range.low * 0.999999) range.ticks.push_back({power, number_text(power)});
    return range;
  }
  const double rough = (range.high - range.low) / 5,
               power = math::pow(10, std::floor(log10(rough)));
  double step = axis.tick > 0 ? axis.tick : 10 * power;
  if (axis.tick <= 0)
    for (const double m : {5.0, 2.0, 1.0})
      if (rough <= m * power * 1.0001) step = m * power;
  double first = math::ceil(range.low / step - 1e-6), last = std::floor(range.high / step + 1e-6);
  if (round_up && !axis.from) range.low = step * (first = std::floor(range.low / step + 1e-6));
  if (round_up && !axis.to) range.high = step * (last = math::ceil(range.high / step - 1e-6));
  check(last - first <= 100, name, ": expected at most 100 ticks, got ", last - first, " of ",
        step);
  for (double i = first; i <= last; ++i)
    range.ticks.push_back({i * step, number_text(i * step + 0.0, axis.percent)});
  return range;
}

/// Least and most of the finite numbers of all lists, as {least, most}; {0, 0} if there are none.
inline std::array<double, 2> span_of(const std::vector<const std::vector<double>*>& lists) {
  double least = math::infinity, most = -math::infinity;
  for (const auto* list : lists)
    for (const double value : *list)
      if (std::isfinite(value)) {
        least = std::min(least, value);
        most = std::max(most, value);
      }
  return least <= most ? std::array{least, most} : std::array{0.0, 0.0};
}

/// What <g> says about the colour of series i: its own colour, or the palette's.
inline std::string series_style(std::size_t i, const std::string& color) {
  const std::size_t k = i % series_colors.size();
  return color.empty() ? concat("class=\"s", k, "\" color=\"", series_colors[k], "\"")
                       : concat("color=\"", escape_markup(color), "\"");
}

/// The marker of series i around a point.
inline std::string marker(std::size_t i, double x, double y) {
  const auto path = [&](const char* d) {
    return concat("<path fill=\"currentColor\" d=\"M", x, " ", y, d, "\"/>\n");
  };
  switch (i % 4) {
    case 1:
      return path("m-4.5 -4.5h9v9h-9z");
    case 2:
      return path("m0 -6l6 10h-12z");
    case 3:
      return path("m0 -6l6 6l-6 6l-6 -6z");
    default:
      return concat("<circle fill=\"currentColor\" cx=\"", x, "\" cy=\"", y, "\" r=\"4.5\"/>\n");
  }
}

/// `text` in lines of at most `most` characters, broken at blanks where there are some.
inline std::vector<std::string> wrap(std::string_view text, std::size_t most) {
  std::vector<std::string> lines;
  while (text.size() > most) {
    const std::size_t blank = text.rfind(' ', most);
    if (blank == text.npos || blank == 0) break;
    lines.emplace_back(text.substr(0, blank));
    text.remove_prefix(blank + 1);
  }
  lines.emplace_back(text);
  return lines;
}

}  // namespace internal

}  // namespace charts
