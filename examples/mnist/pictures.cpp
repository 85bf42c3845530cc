// SPDX-License-Identifier: MIT
#include "mnist/pictures.hpp"

#include "fovea/viz/confusion.hpp"
#include "fovea/viz/gallery.hpp"
#include "fovea/viz/png.hpp"
#include "support/loss_curve.hpp"

using namespace fovea;

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
  write_file(directory / "loss_curve.svg",
             loss_curve(p.losses, p.steps_per_epoch, "Training loss, " + p.dataset));
}
