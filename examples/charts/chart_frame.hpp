// SPDX-License-Identifier: MIT
//
// The frame of a chart, from the top down: title, legend, the plot with its grid, ticks, labels.
// The legend is above the plot, where no line can run through it.
//
//   internal::ChartFrame chart("title", x_range, y_range, legend);
//   chart.add(concat("<circle cx=\"", chart.x(3), "\" cy=\"", chart.y(0.5), "\" r=\"4\"/>"));
//   std::string svg = chart.finish();
//
// A chart is 520 units wide with letters of 14, so that it can still be read on a phone.
#pragma once

#include "charts/plot.hpp"
#include "fovea/core/math.hpp"

namespace charts::internal {

/// One entry of a legend; `sample` is drawn around the point (0, 0), 24 wide and 12 high.
struct LegendEntry {
  std::string name, style, sample;
};

inline std::string svg_text(double x, double y, std::string_view text, std::string_view more = "") {
  return concat("<text class=\"ink\" fill=\"#222\" x=\"", x, "\" y=\"", y, "\" ", more, ">",
                escape_markup(text), "</text>\n");
}

/// A width that the text does not exceed in the fonts at hand.
inline double text_extent(std::string_view text) { return 8.6 * static_cast<double>(text.size()); }

inline constexpr double chart_width = 520;

inline std::vector<std::string> title_lines(const std::string& title) { return wrap(title, 52); }
/// The height that a title takes.
inline double title_height(const std::string& title) {
  return 8 + 20 * static_cast<double>(title_lines(title).size());
}

/// The beginning of every chart: its size, ground and title.
inline std::string svg_head(const std::string& title, double height) {
  std::string svg =
      concat("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 ",
             chart_width, " ", height, "\" width=\"", chart_width, "\" height=\"", height,
             "\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n<title>",
             escape_markup(title), "</title>\n<rect class=\"paper\" width=\"", chart_width,
             "\" height=\"", height, "\" fill=\"#fff\"/>\n");
  double y = 8;
  for (const std::string& line : title_lines(title))
    svg += svg_text(14, y += 20, line, "font-size=\"16\" font-weight=\"600\"");
  return svg;
}

class ChartFrame {
 public:
  ChartFrame(const std::string& title, Range x_range, Range y_range,
             const std::vector<LegendEntry>& legend, double plot_height = 250,
             double room_above = 0)
      : x_(std::move(x_range)), y_(std::move(y_range)) {
    double widest = 0;
    for (const Tick& tick : y_.ticks) widest = std::max(widest, text_extent(tick.text));
    left_ = (y_.label.empty() ? 14 : 34) + widest + 8;
    double rows = 0, end = chart_width;  // where the legend is
    std::string entries;
    const double top = title_height(title);
    for (const auto& [name, style, sample] : legend) {
      if (name.empty()) continue;
      const double extent = 32 + text_extent(name);
      if (end + extent > chart_width - 8) {
        ++rows;
        end = 14;
      }
      const double y = top + 22 * rows;
      entries += concat("<g ", style, " transform=\"translate(", end + 12, " ", y - 5, ")\">",
                        sample, "</g>\n", svg_text(end + 30, y, name));
      end += extent + 14;
    }
    top_ = top + 22 * rows + 18 + room_above;
    bottom_ = top_ + plot_height;
    svg_ = svg_head(title, bottom_ + (x_.label.empty() ? 34 : 56)) + entries;
    draw_axes();
  }

  static constexpr double right = chart_width - 28;
  double left() const { return left_; }
  double top() const { return top_; }
  double bottom() const { return bottom_; }

  /// The position of a value.
  double x(double value) const { return left_ + x_.share(value) * (right - left_); }
  double y(double value) const { return bottom_ - y_.share(value) * (bottom_ - top_); }

  /// Shapes, cut off at the border of the plot.
  void add(const std::string& shapes) { inside_ += shapes; }
  /// Text, anywhere.
  void add_text(double at_x, double at_y, std::string_view text, std::string_view more = "") {
    above_ += svg_text(at_x, at_y, text, more);
  }

  std::string finish() const {
    // An <svg> inside an <svg> cuts off what leaves it, and needs no name for that.
    const double x0 = left_ - 6, y0 = top_ - 6, w = right - left_ + 12, h = bottom_ - top_ + 12;
    return concat(svg_, "<svg x=\"", x0, "\" y=\"", y0, "\" width=\"", w, "\" height=\"", h,
                  "\" viewBox=\"", x0, " ", y0, " ", w, " ", h, "\">\n", inside_, "</svg>\n",
                  above_, "</svg>\n");
  }

 private:
  void line(const std::string& d, const char* kind, const char* color) {
    svg_ +=
        concat("<path class=\"", kind, "\" stroke=\"", color, "\" fill=\"none\" d=\"", d, "\"/>\n");
  }

  void draw_axes() {
    for (const auto& [at, text] : y_.ticks) {
      if (y_.grid) line(concat("M", left_, " ", y(at), "H", right), "grid", "#ddd");
      svg_ += svg_text(left_ - 8, y(at) + 5, text, "text-anchor=\"end\"");
    }
    // Of ticks that are too close every second, third ... one gets a number.
    double widest = 0;
    for (const Tick& tick : x_.ticks) widest = std::max(widest, text_extent(tick.text) + 6);
    const std::size_t count = x_.ticks.size();
    const double apart = count > 1 ? std::abs(x(x_.ticks[1].at) - x(x_.ticks[0].at)) : chart_width;
    const auto every = static_cast<std::size_t>(std::max(1.0, math::ceil(widest / apart)));
    for (std::size_t i = 0; i < count; ++i) {
      const double at = x(x_.ticks[i].at);
      line(concat("M", at, " ", x_.grid ? top_ : bottom_, "V", bottom_ + (x_.grid ? 0 : 5)),
           x_.grid ? "grid" : "axis", x_.grid ? "#ddd" : "#666");
      if (i % every == 0)
        svg_ += svg_text(at, bottom_ + 20, x_.ticks[i].text, "text-anchor=\"middle\"");
    }
    line(concat("M", left_, " ", bottom_, "H", right), "axis", "#666");
    if (y_.grid && y_.low < 0 && y_.high > 0)
      line(concat("M", left_, " ", y(0), "H", right), "axis", "#666");
    if (x_.grid)
      line(concat("M", x(std::max(0.0, x_.low)), " ", top_, "V", bottom_), "axis", "#666");
    if (!x_.label.empty())
      svg_ += svg_text((left_ + right) / 2, bottom_ + 44, x_.label, "text-anchor=\"middle\"");
    if (!y_.label.empty())
      svg_ += svg_text(0, 0, y_.label,
                       concat("text-anchor=\"middle\" transform=\"translate(22 ",
                              (top_ + bottom_) / 2, ") rotate(-90)\""));
  }

  Range x_, y_;
  double left_ = 0, top_ = 0, bottom_ = 0;
  std::string svg_{}, inside_{}, above_{};
};

}  // namespace charts::internal
