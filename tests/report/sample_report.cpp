// SPDX-License-Identifier: MIT
//
// Writes a page with every kind of element, from made-up numbers, into the given directory:
// report.html for scripts/check_page.py, and each chart as an SVG file for an XML parser.
//
//   sample_report DIRECTORY
#include <cstdlib>
#include <filesystem>

#include "charts/charts.hpp"
#include "fovea/core/random.hpp"
#include "fovea/viz/boxes.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/gallery.hpp"
#include "fovea/viz/overlay.hpp"
#include "fovea/viz/patches.hpp"
#include "fovea/viz/poster.hpp"
#include "report/report.hpp"

using namespace charts;
using namespace fovea;
using namespace report;

namespace {

// A seven, drawn with a soft pen.
Tensor<float, 2> seven() {
  Tensor<float, 2> image(Shape{28, 28});
  for (Index i = 0; i < 28; ++i)
    for (Index j = 0; j < 28; ++j) {
      const double y = static_cast<double>(i), x = static_cast<double>(j);
      const double bar = std::hypot(y - 7, std::max(std::abs(x - 14) - 6, 0.0));
      const double down = std::clamp((y - 7) / 15, 0.0, 1.0),
                   stem = std::hypot(x - (20 - 8 * down), y - (7 + 15 * down));
      image(i, j) = static_cast<float>(std::clamp(2.4 - std::min(bar, stem), 0.0, 1.0));
    }
  return image;
}

template <std::size_t R>
Tensor<float, R> noise(Shape<R> shape, std::uint64_t seed, double low = -1) {
  Rng rng{seed};
  Tensor<float, R> x(shape);
  for (float& value : x) value = static_cast<float>(rng.uniform(low, 1));
  return x;
}

// Smooth maps that look like something: the image, shifted, scaled, some of them dead.
Tensor<float, 3> maps_of(const Tensor<float, 2>& image, Index count, Index every) {
  const Index size = 28 / every;
  Tensor<float, 3> maps(Shape{count, size, size});
  for (Index m = 0; m < count; ++m)
    for (Index i = 0; i < size; ++i)
      for (Index j = 0; j < size; ++j) {
        const Index y = i * every + m % 5 - 2, x = j * every + m % 3 - 1;
        const bool inside = 0 <= y && y < 28 && 0 <= x && x < 28 && m % 11 != 4;
        maps(m, i, j) = inside ? image(y, x) * static_cast<float>(1 + m % 7) : 0;
      }
  return maps;
}

Line curve(const char* name, double centre, double width) {
  Line line{.name = name};
  for (double degrees = -90; degrees <= 90; degrees += 15) {
    const double y = 0.1 + 0.89 * std::exp(-std::pow((degrees - centre) / width, 2)),
                 half = 1.96 * std::sqrt(y * (1 - y) / 1000);
    line.x.push_back(degrees), line.y.push_back(y);
    line.low.push_back(y - half), line.high.push_back(y + half);
  }
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return EXIT_FAILURE;
  const std::filesystem::path directory = argv[1];
  std::filesystem::create_directories(directory);
  const Tensor<float, 2> image = seven();

  Report page("A page of every kind: <script>alert(1)</script> & \"quotes\"",
              "Made-up numbers, drawn with everything that draws. Nothing here was measured.");
  const auto chart = [&](const char* name, const std::string& svg, const FigureText& text) {
    write_file(directory / (std::string(name) + ".svg"), svg);
    page.figure(svg, text);
  };
  page.key_numbers({{"98.9 %", "accuracy on 10 000 test images"},
                    {"0.4 %", "expected calibration error"},
                    {"10 x 10", "pixels that one unit of pool2 sees"},
                    {"421 642", "parameters"}});

  page.section("Problem & architecture");
  page.paragraph(
      "A paragraph has some seventy characters a line. It says what was done and why, names its "
      "numbers, and "
      "points to figures. Text is escaped: 3 < 4, <b>not bold</b>, \"quoted\" & 'quoted'.");
  page.preformatted("r += (k' - 1) j        j *= s\nconv1 3   pool1 4   conv2 8   pool2 10");
  page.list({"one item", "another, with <tags> & ampersands"});
  page.table(
      "Layers of the course network, with their shapes and parameters.",
      {"layer", "output", "parameters", "receptive field", "jump", "dead units", "multiply-adds"},
      {{"conv1", "32 x 28 x 28", "320", "3", "1", "6.3 %", "225 792"},
       {"pool1", "32 x 14 x 14", "0", "4", "2", "6.3 %", "0"},
       {"conv2", "64 x 14 x 14", "18 496", "8", "2", "12.5 %", "3 612 672"},
       {"pool2", "64 x 7 x 7", "0", "10", "4", "NaN", "0"}});

  page.section("Filters and maps");
  page.figure(
      gallery(noise(Shape{32, 3, 3}, 1), {.title = "conv1: the 32 filters", .signed_values = true}),
      {.what = "The filters of the first layer.",
       .read = "Red weights add, blue weights subtract.",
       .scale = "One symmetric scale for all filters, in weights.",
       .alt = "32 squares of 3 x 3 red and blue cells."});
  page.subsection("The way of a digit");
  const auto logits = noise(Shape{10, 1, 1}, 5);
  const std::vector<Stage> stages{stage("input", image.reshape(Shape{1, 28, 28}), Show::grey),
                                  stage("conv1", maps_of(image, 32, 1), Show::activations),
                                  stage("pool1", maps_of(image, 32, 2), Show::activations),
                                  stage("conv2", maps_of(image, 64, 2), Show::activations),
                                  stage("pool2", maps_of(image, 64, 4), Show::activations),
                                  stage("fc1", noise(Shape{128, 1, 1}, 4, 0), Show::activations),
                                  stage("logits", logits, Show::bars)};
  page.figure(poster(stages, {.title = "A 7 on its way through the network"}),
              {.what = "What every layer hands to the next.",
               .read = "From the top down; bright is strong.",
               .scale = "One for each layer, written beside it.",
               .alt = "Seven bands of small pictures, from a seven to ten bars."});
  page.figure(
      poster({stages[1]}, {.title = "conv1 again", .per_map = true}),
      {.what = "The same maps, each on a scale of its own.", .alt = "32 pictures of a seven."});
  page.figure(kernel_matrix(noise(Shape{64, 32, 3, 3}, 2), {.title = "conv2: 64 x 32 kernels"}),
              {.what = "All kernels of the second layer.",
               .read = "Column o, row c: what output o does with input c.",
               .scale = "One symmetric scale, in weights.",
               .alt = "A table of 2048 small kernels."});
  Tensor<float, 4> patches = noise(Shape{24, 9, 10, 10}, 3, 0);
  page.figure(patch_grid(patches, {.title = "conv2: the nine patches that excite each channel"}),
              {.what = "Top activating patches.",
               .read = "A square for each channel.",
               .scale = "Grey, 0 black to 1 white.",
               .alt = "24 squares of nine patches."});

  page.section("Where it looks");
  Tensor<float, 2> spread(Shape{28, 28});
  for (Index i = 0; i < 28; ++i)
    for (Index j = 0; j < 28; ++j)
      spread(i, j) =
          std::exp(-0.08F * static_cast<float>((i - 12) * (i - 12) + (j - 14) * (j - 14)));
  page.figure(draw_boxes(image,
                         {{5, 15, 3, 3, "conv1: 3 x 3"},
                          {3, 13, 8, 8, "conv2: 8 x 8"},
                          {-2, 21, 10, 10, "pool2: 10 x 10"}},
                         {.title = "What one unit sees"}),
              {.what = "Receptive fields.",
               .read = "A unit knows only what lies inside its box.",
               .scale = "Grey, 0 to 1.",
               .alt = "A seven with three boxes, one of which leaves the image."});
  page.figure(
      draw_boxes(spread, {{4, 6, 16, 16, "theory"}},
                 {.title = "Effective field", .zoom = 8, .color_of = sequential, .scale = 0}),
      {.what = "Effective receptive field.",
       .scale = "0 to the largest mean gradient.",
       .alt = "A soft bright spot inside a box."});
  std::vector<Panel> panels;
  for (const char* name : {"gradient", "gradient x input", "SmoothGrad", "integrated", "occlusion",
                           "Grad-CAM", "random"}) {
    Tensor<float, 2> map = noise(Shape{28, 28}, 40 + panels.size());
    for (Index i = 0; i < 28; ++i)
      for (Index j = 0; j < 28; ++j) map(i, j) *= spread(i, j);
    panels.push_back({name, map});
  }
  panels.back().map(3, 3) = std::nanf("");
  page.figure(overlay(image, panels, {.title = "Why a 7?"}),
              {.what = "Attribution maps of one image.",
               .read = "Red speaks for the class, blue against it.",
               .scale = "Each map has its own, written below it.",
               .alt = "A seven and seven maps in red and blue."});

  page.section("Robustness");
  page.finding(
      "Augmentation repairs rotation, up to a point.",
      "At 45 degrees the natural network keeps 41 % and the augmented one 89 % of the images.");
  auto broken = curve("FGSM", -5, 60);
  broken.y[4] = std::nan("");
  chart("rotation",
        line_chart({curve("natural", 0, 38), curve("augmented", 4, 90), broken},
                   {.title = "Accuracy against rotation, with 95 % intervals",
                    .x = {.label = "rotation in degrees", .from = -90.0, .to = 90.0, .tick = 30},
                    .y = {.label = "accuracy", .to = 1.0, .percent = true}}),
        {.what = "Accuracy of rotated digits.",
         .read = "Higher is better; the band is the 95 % interval.",
         .scale = "Share of 1 000 images.",
         .alt = "Three bell-shaped curves."});
  std::vector<Line> many;
  for (int i = 0; i < 8; ++i) {
    many.push_back({.name = concat("series ", i)});
    for (int k = 0; k <= 60; ++k)
      many.back().x.push_back(k),
          many.back().y.push_back(std::exp(-k * 0.01 * (i + 1)) * (1 + 0.1 * i));
  }
  chart("palette",
        line_chart(many, {.title = "Eight series: the whole palette & nothing else",
                          .x = {.label = "step"},
                          .y = {.label = "loss"}}),
        {.what = "All colours of the palette.", .alt = "Eight falling curves."});
  chart("bars",
        bar_chart({"conv1", "pool1", "conv2", "pool2", "fc1"},
                  {{.name = "one image", .values = {0.06, 0.06, 0.3, 0.2, 0.6}},
                   {.name = "all images",
                    .values = {0.03, 0.03, std::nan(""), 0.1, 0.2},
                    .low = {0.02, 0.02, 0, 0.05, 0.15},
                    .high = {0.05, 0.04, 0, 0.15, 0.27}}},
                  {.title = "Share of dead units", .label = "layer", .value = {.percent = true}}),
        {.what = "Dead units.",
         .scale = "Share of the units.",
         .alt = "Two bars for each of five layers."});
  const std::vector<std::string> corruptions{
      "shot noise", "impulse noise", "glass blur",  "motion blur", "shear",
      "scale",      "rotate",        "brightness",  "translate",   "stripe",
      "fog",        "spatter",       "dotted line", "zigzag",      "canny edges"};
  std::vector<double> natural, augmented;
  for (std::size_t i = 0; i < corruptions.size(); ++i)
    natural.push_back(0.95 - 0.05 * static_cast<double>(i)),
        augmented.push_back(0.97 - 0.03 * static_cast<double>(i * i % 7));
  chart("corruptions",
        bar_chart(
            corruptions,
            {{.name = "natural", .values = natural}, {.name = "augmented", .values = augmented}},
            {.title = "Accuracy under corruptions",
             .value = {.label = "accuracy", .to = 1.0, .percent = true}}),
        {.what = "Corruptions.", .alt = "Fifteen pairs of horizontal bars."});
  std::vector<double> losses;
  std::vector<std::string> channels;
  for (int i = 0; i < 64; ++i)
    losses.push_back(0.02 * std::exp(-0.1 * i) - 0.002), channels.push_back(std::to_string(i));
  chart("ablation",
        bar_chart(channels, {{.name = "loss", .values = losses}},
                  {.title = "Accuracy lost when one channel of conv2 is silenced",
                   .label = "channel, sorted",
                   .value = {.label = "accuracy lost", .percent = true}}),
        {.what = "Ablation of channels.",
         .read = "Below zero the network got better.",
         .alt = "64 bars, falling from 2 percent to slightly below zero."});
  std::vector<double> normal;
  Rng rng{7};
  for (int i = 0; i < 2000; ++i) normal.push_back(rng.normal());
  normal.push_back(std::nan(""));
  chart("histogram",
        histogram(normal, {.title = "Two thousand normal numbers", .x = {.label = "value"}}),
        {.what = "A histogram.", .alt = "A bell of thirty bars."});
  chart("reliability",
        reliability_diagram({0, 0, 0.3, 0.35, 0.4, 0.55, 0.6, 0.7, 0.8, 0.99},
                            {0, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.98},
                            {0, 1, 4, 10, 21, 33, 40, 61, 120, 9710},
                            {.title = "Reliability, ECE 0.6 %"}),
        {.what = "Reliability.",
         .read = "Below the diagonal: overconfident.",
         .alt = "Ten bars near a diagonal."});
  Tensor<double, 2> shifts(Shape{9, 9});
  std::vector<std::string> labels;
  for (Index i = 0; i < 9; ++i) labels.push_back(concat(i - 4));
  for (Index i = 0; i < 9; ++i)
    for (Index j = 0; j < 9; ++j)
      shifts(i, j) =
          0.99 * std::exp(-0.04 * static_cast<double>((i - 4) * (i - 4) + (j - 4) * (j - 4)));
  shifts(0, 8) = std::nan("");
  chart("translation",
        heat_map(shifts, {.title = "Accuracy against translation, in percent",
                          .row_labels = labels,
                          .column_labels = labels,
                          .x_label = "dx in pixels",
                          .y_label = "dy in pixels",
                          .to = 1.0,
                          .percent = true}),
        {.what = "Accuracy of shifted digits.",
         .read = "The middle is no shift.",
         .scale = "Beside the table, in percent.",
         .alt = "A bright spot in the middle of a 9 by 9 table."});
  Tensor<float, 2> correlation = noise(Shape{3, 5}, 9);
  chart("signed", heat_map(correlation, {.title = "Correlations", .signed_values = true}),
        {.what = "A table with signs.", .alt = "15 cells in red and blue."});
  Tensor<Index, 2> counts(Shape{10, 10}, Index{3});
  for (Index i = 0; i < 10; ++i) counts(i, i) = 950 + i;
  page.figure(draw_confusion(counts, "Test images by true and predicted class"),
              {.what = "Confusion matrix.", .alt = "A table of ten by ten counts."});

  page.section("An attack that failed: <img src=x onerror=alert(1)>");
  page.note("A note, in small print & quiet.");
  page.footer("Made by sample_report.");
  write_file(directory / "report.html", page.html());
}
