// SPDX-License-Identifier: MIT
//
// A drawing of cells, words and arrows as an SVG file that follows the reader into the dark: its own
// style sheet asks whether the page is light or dark.
#pragma once

#include <fovea/core/tensor.hpp>

#include <cmath>
#include <functional>
#include <string>
#include <string_view>

#include "charts/markup.hpp"

namespace figures {

using namespace fovea;
using charts::escape_markup;

/// A number as it is written in a figure, with no -0 and at most so many decimals.
inline std::string number(double value, int decimals = 6) {
  const double unit = std::pow(10.0, decimals);
  return concat(std::round(value * unit) / unit + 0.0);
}
/// The same with exactly so many decimals.
inline std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, std::abs(value) < 1e-12 ? 0.0 : value);
  return text;
}
inline constexpr auto plain = [](int, int) { return "cell"; };

class Drawing {
 public:
  Drawing(std::string_view title, int width, int height)
      : svg_(concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, " ", height,
                    "\" width=\"", width, "\" height=\"", height,
                    "\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n<title>",
                    escape_markup(title), "</title>\n<style>\n", style,
                    "</style>\n<rect class=\"paper\" width=\"", width, "\" height=\"", height,
                    "\" rx=\"8\"/>\n")) {}

  /// A square with a number or a word in it. `look`: cell, a, b, c, e or faint.
  void cell(double x, double y, double size, std::string_view text,
            std::string_view look = "cell") {
    rectangle(x, y, size, size, look);
    word(x + size / 2, y + size / 2 + 5, text, "middle");
  }
  void rectangle(double x, double y, double width, double height, std::string_view look) {
    svg_ += concat("<rect class=\"", look, "\" x=\"", x, "\" y=\"", y, "\" width=\"", width,
                   "\" height=\"", height, "\"/>\n");
  }
  /// A matrix of cells; text(i, j) and look(i, j).
  template <class Text, class Look>
  void cells(double x, double y, double size, int rows, int cols, Text&& text, Look&& look) {
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < cols; ++j) cell(x + j * size, y + i * size, size, text(i, j), look(i, j));
  }
  void word(double x, double y, std::string_view text, std::string_view anchor = "start",
            std::string_view look = "ink") {
    svg_ += concat("<text class=\"", look, "\" x=\"", x, "\" y=\"", y, "\" text-anchor=\"", anchor,
                   "\">", escape_markup(text), "</text>\n");
  }
  /// To the right, or to the left.
  void arrow(double x0, double y, double x1) {
    const int head = x1 > x0 ? 7 : -7;
    svg_ += concat("<path class=\"line\" d=\"M", x0, " ", y, "H", x1, "m", -head, " -5l", head,
                   " 5l", -head, " 5\"/>\n");
  }
  /// Downwards, or upwards.
  void arrow_down(double x, double y0, double y1) {
    const int head = y1 > y0 ? 7 : -7;
    svg_ += concat("<path class=\"line\" d=\"M", x, " ", y0, "V", y1, "m-5 ", -head, "l5 ", head,
                   "l5 ", -head, "\"/>\n");
  }
  void path(std::string_view d, std::string_view look) {
    svg_ += concat("<path class=\"", look, "\" d=\"", d, "\"/>\n");
  }
  void dot(double x, double y, std::string_view look) {
    svg_ += concat("<circle class=\"", look, "\" cx=\"", x, "\" cy=\"", y, "\" r=\"4\"/>\n");
  }
  std::string finish() { return svg_ + "</svg>\n"; }

 private:
  static constexpr std::string_view style =
      ".paper{fill:#fff}.ink{fill:#1e2026}.quiet{fill:#565a63}.cell,.faint{fill:#fff;stroke:#"
      "8b8f98}"
      ".faint{fill:#f1efe9;stroke:#c4c6cc}.a{fill:#cfe4f3;stroke:#0072b2}.b{fill:#fbdcc4;stroke:#"
      "d55e00}"
      ".c{fill:#c8ebdd;stroke:#008f68}.e{fill:#ecdcf0;stroke:#8a4fa0}"
      ".line,.pa,.pb,.pc,.level,.dash{fill:none;stroke:#565a63;stroke-"
      "width:1.5}"
      ".level{stroke:#c4c6cc}.pa,.pb,.pc{stroke-width:2.5;stroke-linejoin:round}"
      ".band{fill:none;stroke:#c8ebdd;stroke-width:11;stroke-linejoin:round}.dash{stroke-width:2;"
      "stroke-dasharray:6 5}"
      ".pa{stroke:#0072b2}.pb{stroke:#d55e00}.pc{stroke:#008f68}.frame{fill:none;stroke:#d55e00;"
      "stroke-width:3}\n"
      "@media (prefers-color-scheme: "
      "dark){.paper{fill:#1d2025}.ink{fill:#e9e7e2}.quiet{fill:#aeb2ba}"
      ".cell{fill:#1d2025;stroke:#7d828c}.faint{fill:#282c33;stroke:#4b505a}.a{fill:#173f5c;stroke:"
      "#56b4e9}"
      ".band{stroke:#10493a}.b{fill:#5a2f12;stroke:#f08a45}.c{fill:#10493a;stroke:#2fc79b}.e{fill:#"
      "43264e;stroke:#"
      "cb94dd}.line,.dash{stroke:#aeb2ba}.level{"
      "stroke:#4b505a}"
      ".pa{stroke:#56b4e9}.pb{stroke:#f08a45}.pc{stroke:#2fc79b}.frame{stroke:#f08a45}}\n";

  std::string svg_;
};

/// A plot: numbers to places in a box of the drawing.
struct Plot {
  Drawing& d;
  double left, top, width, height;    ///< the box
  double x_min, x_max, y_min, y_max;  ///< what it shows

  double x(double value) const { return left + (value - x_min) / (x_max - x_min) * width; }
  double y(double value) const { return top + height - (value - y_min) / (y_max - y_min) * height; }
  /// A place as a path has it, to a tenth of a pixel.
  std::string at(double u, double v) const {
    return concat(std::round(10 * x(u)) / 10, " ", std::round(10 * y(v)) / 10);
  }
  /// The two axes through (u, v).
  void axes(double u, double v) const {
    d.path(concat("M", left, " ", y(v), "h", width), "line");
    d.path(concat("M", x(u), " ", top + height, "v", -height), "line");
  }
  /// A level line with its number on the left.
  void level(double v, std::string_view text) const {
    d.path(concat("M", left, " ", y(v), "h", width), "level");
    d.word(left - 8, y(v) + 5, text, "end", "quiet");
  }
  /// A curve through the points (x[i], y[i]).
  template <class X, class Y>
  void curve(const X& us, const Y& vs, std::string_view look) const {
    std::string path;
    for (std::size_t i = 0; i < us.size(); ++i) path += (i ? " " : "M") + at(us[i], vs[i]);
    d.path(path, look);
  }
};

}  // namespace figures
