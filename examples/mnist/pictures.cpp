// SPDX-License-Identifier: MIT
#include "mnist/pictures.hpp"

#include <algorithm>

#include "charts/charts.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/gallery.hpp"
#include "fovea/viz/png.hpp"

using namespace charts;
using namespace fovea;

namespace {

// The loss of every step, thinned to what can be seen, and its running mean.
std::string loss_curve(const Pictures& p) {
  Line each{.name = "each batch", .color = "#8ab4dc"},
      mean{.name = "running mean of 100", .color = "#b2182b"};
  const std::size_t every = std::max<std::size_t>(1, p.losses.size() / 700);
  double running = p.losses.empty() ? 0 : static_cast<double>(p.losses.front());
  for (std::size_t i = 0; i < p.losses.size(); ++i) {
    const auto loss = static_cast<double>(p.losses[i]);
    running += (loss - running) / static_cast<double>(std::min<std::size_t>(i + 1, 100));
    if (i % every != 0 && i + 1 != p.losses.size()) continue;
    const double epoch = static_cast<double>(i + 1) / static_cast<double>(p.steps_per_epoch);
    each.x.push_back(epoch);
    each.y.push_back(loss);
    mean.x.push_back(epoch);
    mean.y.push_back(running);
  }
  return line_chart({each, mean}, {.title = "Training loss, " + p.dataset,
                                   .x = {.label = "epoch", .from = 0.0},
                                   .y = {.label = "cross-entropy (nats)"}});
}

}  // namespace

void write_pictures(const Pictures& p, const std::filesystem::path& directory) {
  const auto [H, W] = p.input.shape();
  constexpr Index zoom = 14, margin = 24, header = 36;
  const Index width = std::max(W * zoom, Image::text_width(p.input_caption)) + 2 * margin;
  Image input(H * zoom + header + 2 * margin, width);
  input.text(margin, margin, p.input_caption);
  input.map(margin + header, (width - W * zoom) / 2, p.input, zoom, grey);
  write_png(directory / "input.png", input);

  const auto [O, C, KH, KW] = p.filters.shape();
  write_png(directory / "conv1_filters.png",
            gallery(p.filters.reshape(Shape{O * C, KH, KW}),
                    {.title = "conv1: the 32 filters, 3 x 3 weights each", .signed_values = true}));
  write_png(directory / "conv1_activations.png",
            gallery(p.conv1,
                    {.title = "conv1 after ReLU: where each filter found its pattern", .zoom = 3}));
  write_png(
      directory / "conv2_activations.png",
      gallery(p.conv2, {.title = "conv2 after ReLU: patterns of patterns, 64 maps", .zoom = 5}));
  write_png(directory / "confusion_matrix.png",
            draw_confusion(p.confusion, "Test images by true and predicted class"));
  write_file(directory / "loss_curve.svg", loss_curve(p));
}
