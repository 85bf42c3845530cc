// SPDX-License-Identifier: MIT
#include "support/loss_curve.hpp"

#include <algorithm>

#include "charts/charts.hpp"

std::string loss_curve(const std::vector<float>& losses, long steps_per_epoch,
                       const std::string& title) {
  const auto window = static_cast<std::size_t>(std::clamp<long>(steps_per_epoch, 1, 100));
  charts::Line each{.name = "each batch", .color = "#8ab4dc"},
      mean{.name = "running mean of " + std::to_string(window), .color = "#b2182b"};
  const std::size_t every = std::max<std::size_t>(1, losses.size() / 700);
  double running = losses.empty() ? 0 : static_cast<double>(losses.front());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const auto loss = static_cast<double>(losses[i]);
    running += (loss - running) / static_cast<double>(std::min(i + 1, window));
    if (i % every != 0 && i + 1 != losses.size()) continue;
    const double epoch = static_cast<double>(i + 1) / static_cast<double>(steps_per_epoch);
    each.x.push_back(epoch);
    each.y.push_back(loss);
    mean.x.push_back(epoch);
    mean.y.push_back(running);
  }
  return charts::line_chart({each, mean}, {.title = title,
                                           .x = {.label = "epoch", .from = 0.0},
                                           .y = {.label = "cross-entropy (nats)"}});
}
