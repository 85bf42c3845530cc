// SPDX-License-Identifier: MIT
//
// A drawing of cells, words and arrows as an SVG file that follows the reader into the dark: its own
// style sheet asks whether the page is light or dark.
#pragma once

#include <fovea/core/tensor.hpp>
#include <fovea/viz/markup.hpp>

#include <string>
#include <string_view>

namespace figures {

using namespace fovea;

class Drawing {
 public:
  Drawing(std::string_view title, int width, int height)
      : svg_(concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, " ", height,
                    "\" width=\"", width, "\" height=\"", height,
                    "\" font-family=\"system-ui, sans-serif\" font-size=\"14\">\n<title>",
                    escape_markup(title), "</title>\n<style>\n", style,
                    "</style>\n<rect class=\"paper\" width=\"", width, "\" height=\"", height,
                    "\" rx=\"8\"/>\n")) {}

  /// A square with a number or a word in it. `look`: cell, a, b, c or faint.
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
  void arrow(double x0, double y, double x1) {
    svg_ += concat("<path class=\"line\" d=\"M", x0, " ", y, "H", x1, "m-7 -5l7 5l-7 5\"/>\n");
  }
  void path(std::string_view d, std::string_view look) {
    svg_ += concat("<path class=\"", look, "\" d=\"", d, "\"/>\n");
  }
  std::string finish() { return svg_ + "</svg>\n"; }

 private:
  static constexpr std::string_view style =
      ".paper{fill:#fff}.ink{fill:#1e2026}.quiet{fill:#565a63}.cell,.faint{fill:#fff;stroke:#"
      "8b8f98}"
      ".faint{fill:#f1efe9;stroke:#c4c6cc}.a{fill:#cfe4f3;stroke:#0072b2}.b{fill:#fbdcc4;stroke:#"
      "d55e00}"
      ".c{fill:#c8ebdd;stroke:#008f68}.line,.pa,.pb,.pc,.level{fill:none;stroke:#565a63;stroke-"
      "width:1.5}"
      ".level{stroke:#c4c6cc}.pa,.pb,.pc{stroke-width:2.5;stroke-linejoin:round}"
      ".pa{stroke:#0072b2}.pb{stroke:#d55e00}.pc{stroke:#008f68}.frame{fill:none;stroke:#d55e00;"
      "stroke-width:3}\n"
      "@media (prefers-color-scheme: "
      "dark){.paper{fill:#1d2025}.ink{fill:#e9e7e2}.quiet{fill:#aeb2ba}"
      ".cell{fill:#1d2025;stroke:#7d828c}.faint{fill:#282c33;stroke:#4b505a}.a{fill:#173f5c;stroke:"
      "#56b4e9}"
      ".b{fill:#5a2f12;stroke:#f08a45}.c{fill:#10493a;stroke:#2fc79b}.line{stroke:#aeb2ba}.level{"
      "stroke:#4b505a}"
      ".pa{stroke:#56b4e9}.pb{stroke:#f08a45}.pc{stroke:#2fc79b}.frame{stroke:#f08a45}}\n";

  std::string svg_;
};

}  // namespace figures
