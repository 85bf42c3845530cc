// SPDX-License-Identifier: MIT
//
// Charts: a confusion matrix as an image, and lines over an axis as SVG.
#pragma once

#include <string>
#include <vector>

#include "fovea/core/ops.hpp"
#include "fovea/viz/image.hpp"

namespace fovea::inline FOVEA_ABI {

/// Counts (true class, predicted class). The diagonal, right answers, and the rest, mistakes, are
/// coloured on scales of their own: otherwise the mistakes of a good network could not be seen.
template <Ranked<2> X>
Image draw_confusion(const X& counts, const std::string& title) {
  const auto [K, K2] = counts.shape();
  check(K == K2 && K > 0, "confusion matrix: expected (K, K), got ", counts.shape());
  double right = 1, wrong = 1;
  for (Index i = 0; i < K; ++i)
    for (Index j = 0; j < K; ++j) {
      double& most = i == j ? right : wrong;
      most = std::max(most, static_cast<double>(counts(i, j)));
    }
  constexpr Index cell = 60, margin = 28, axis = 44, header = 40;
  const Index left = margin + axis, top = margin + header + axis;
  Image image(top + K * cell + margin, left + K * cell + margin);
  image.text(margin, margin, title);
  image.text(margin + header - 6, left, "predicted");
  image.text(top - 20, margin - 8, "true");
  for (Index i = 0; i < K; ++i) {
    const std::string name = std::to_string(i);
    image.text(top + i * cell + cell / 2 - 7, left - 24, name);
    image.text(top - 22, left + i * cell + cell / 2 - 5, name);
    for (Index j = 0; j < K; ++j) {
      const auto count = static_cast<double>(counts(i, j));
      const double strength = i == j ? -0.8 * count / right : 0.9 * std::sqrt(count / wrong);
      const std::string text = std::to_string(counts(i, j));
      const Index y = top + i * cell, x = left + j * cell;
      image.rectangle(y, x, cell - 2, cell - 2, diverging(strength));
      if (count > 0)
        image.text(y + cell / 2 - 7, x + (cell - 2 - Image::text_width(text)) / 2, text, 2,
                   std::abs(strength) > 0.6 ? white : ink);
    }
  }
  return image;
}

/// One line of a chart.
struct Line {
  std::string name;
  std::string color;  // "#1f77b4"
  std::vector<double> x, y;
};

struct LineChartOptions {
  std::string title, x_label, y_label;
};

/// An SVG file with the given lines; the y axis starts at zero.
inline std::string line_chart(const std::vector<Line>& lines, const LineChartOptions& options) {
  constexpr double width = 760, height = 420, left = 64, right = 24, top = 48, bottom = 56;
  double x_most = 0, y_most = 0;
  for (const Line& line : lines) {
    check(line.x.size() == line.y.size(), "line_chart: expected as many x as y in ", line.name);
    for (const double x : line.x) x_most = std::max(x_most, x);
    for (const double y : line.y)
      if (std::isfinite(y)) y_most = std::max(y_most, y);
  }
  // A step of 1, 2 or 5 times a power of ten that gives some five ticks.
  const auto tick = [](double most) {
    const double rough = (most > 0 ? most : 1) / 5,
                 power = std::pow(10, std::floor(std::log10(rough)));
    for (const double m : {1.0, 2.0, 5.0})
      if (rough <= m * power) return m * power;
    return 10 * power;
  };
  const double x_tick = tick(x_most), y_tick = tick(y_most);
  y_most = y_tick * std::ceil((y_most > 0 ? y_most : 1) / y_tick);
  if (x_most <= 0) x_most = 1;
  const auto px = [&](double x) { return left + x / x_most * (width - left - right); };
  const auto py = [&](double y) { return height - bottom - y / y_most * (height - top - bottom); };
  const auto escape = [](const std::string& text) {
    std::string safe;
    for (const char c : text)
      if (c == '&')
        safe += "&amp;";
      else if (c == '<')
        safe += "&lt;";
      else
        safe += c;
    return safe;
  };

  std::string svg =
      concat("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ", width, " ", height,
             "\" font-family=\"sans-serif\" font-size=\"14\">\n<rect width=\"", width,
             "\" height=\"", height, "\" fill=\"white\"/>\n<text x=\"", left,
             "\" y=\"28\" font-size=\"17\">", escape(options.title), "</text>\n");
  for (double y = 0; y <= y_most * 1.0001; y += y_tick)
    svg += concat("<path d=\"M", px(0), " ", py(y), "H", width - right,
                  "\" stroke=\"#ddd\"/>\n<text text-anchor=\"end\" x=\"", left - 8, "\" y=\"",
                  py(y) + 5, "\">", y, "</text>\n");
  for (double x = 0; x <= x_most * 1.0001; x += x_tick)
    svg += concat("<path d=\"M", px(x), " ", py(0),
                  "v5\" stroke=\"#555\"/>\n<text text-anchor=\"middle\" x=\"", px(x), "\" y=\"",
                  py(0) + 20, "\">", x, "</text>\n");
  svg +=
      concat("<text text-anchor=\"middle\" x=\"", (left + width - right) / 2, "\" y=\"",
             height - 12, "\">", escape(options.x_label),
             "</text>\n<text text-anchor=\"middle\" transform=\"translate(18 ",
             (top + height - bottom) / 2, ") rotate(-90)\">", escape(options.y_label), "</text>\n");
  double legend = top + 20;
  for (const Line& line : lines) {
    svg += concat("<polyline fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\"",
                  line.color, "\" points=\"");
    for (std::size_t i = 0; i < line.x.size(); ++i)
      if (std::isfinite(line.y[i])) svg += concat(px(line.x[i]), ",", py(line.y[i]), " ");
    svg += concat("\"/>\n<text text-anchor=\"end\" x=\"", width - right - 8, "\" y=\"", legend,
                  "\" fill=\"", line.color, "\">", escape(line.name), "</text>\n");
    legend += 20;
  }
  return svg += "</svg>\n";
}

}  // namespace fovea::inline FOVEA_ABI
