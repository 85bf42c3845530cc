// SPDX-License-Identifier: MIT
//
// reliability_diagram: what a network claims against what it gets right (Niculescu-Mizil and
// Caruana, "Predicting Good Probabilities With Supervised Learning", 2005).
//
//   reliability_diagram(accuracy, confidence, counts, {.title = "ECE 0.4 %"})
//
// Images are sorted into B equal bins by their confidence, the largest softmax output: bin b holds
// those in [b/B, (b+1)/B). How to read it: a bar is the share of right answers in its bin, a dot
// is at the mean confidence. On the diagonal a network is right as often as it claims to be; a
// bar below it is overconfident, above it too modest. The row of numbers says how many images a bin
// holds: bars of few images are mostly chance.
#pragma once

#include "charts/chart_frame.hpp"

namespace charts {

/// The words of a reliability diagram.
struct ReliabilityOptions {
  std::string title = {};
  std::string x_label = "confidence", y_label = "accuracy";
};

/// Accuracy and mean confidence in [0, 1] and the number of images, each of B bins; what the first
/// two say of an empty bin is not looked at.
inline std::string reliability_diagram(const std::vector<double>& accuracy,
                                       const std::vector<double>& confidence,
                                       const std::vector<Index>& counts,
                                       const ReliabilityOptions& options = {}) {
  const std::size_t B = counts.size();
  check(B > 0 && accuracy.size() == B && confidence.size() == B,
        "reliability_diagram: expected accuracy, confidence and counts of as many bins, got ",
        accuracy.size(), ", ", confidence.size(), " and ", B);
  const Axis share{.from = 0.0, .to = 1.0, .tick = 0.2, .percent = true};
  internal::Range x = internal::fit(share, 0, 1, true, "reliability_diagram"), y = x;
  x.label = options.x_label;
  x.grid = false;
  y.label = options.y_label;
  const std::string style = internal::series_style(0, ""), dots = internal::series_style(1, "");
  internal::ChartFrame chart(options.title, x, y,
                             {{"accuracy", style,
                               "<rect fill=\"currentColor\" x=\"-8\" y=\"-6\" width=\"16\" "
                               "height=\"12\" fill-opacity=\"0.55\"/>"},
                              {"mean confidence", dots, internal::marker(0, 0, 0)},
                              {"as claimed", "class=\"axis\" stroke=\"#666\"",
                               "<path stroke-dasharray=\"5 4\" d=\"M-12 0h24\"/>"},
                              {"on top: images", "", ""}},
                             320, 14);
  std::string shapes;
  const double width = 1 / static_cast<double>(B);
  for (std::size_t b = 0; b < B; ++b) {
    const double from = static_cast<double>(b) * width;
    chart.add_text(chart.x(from + width / 2), chart.top() - 6, concat(counts[b]),
                   concat("text-anchor=\"middle\" font-size=\"", B > 12 ? 9 : 11, "\""));
    if (counts[b] == 0) continue;
    const double left = chart.x(from), right = chart.x(from + width) - 2;
    if (std::isfinite(accuracy[b]) && std::isfinite(confidence[b]))
      shapes += concat("<g ", style, "><path fill=\"currentColor\" fill-opacity=\"0.55\" d=\"M",
                       left, " ", chart.y(0), "V", chart.y(accuracy[b]), "H", right, "V",
                       chart.y(0), "Z\"/></g>\n<g ", dots, ">",
                       internal::marker(0, chart.x(confidence[b]), chart.y(accuracy[b])), "</g>\n");
    else
      chart.add_text((left + right) / 2, chart.bottom() - 6, "NaN",
                     "text-anchor=\"middle\" font-size=\"12\"");
  }
  chart.add(shapes + concat("<path class=\"axis\" stroke=\"#666\" stroke-dasharray=\"5 4\" d=\"M",
                            chart.x(0), " ", chart.y(0), "L", chart.x(1), " ", chart.y(1),
                            "\"/>\n"));
  return chart.finish();
}

}  // namespace charts
