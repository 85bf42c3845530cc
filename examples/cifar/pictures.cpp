// SPDX-License-Identifier: MIT
#include "cifar/pictures.hpp"

#include <algorithm>
#include <cmath>

#include "fovea/data/cifar.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/png.hpp"
#include "report/report.hpp"
#include "support/loss_curve.hpp"

using namespace fovea;

namespace cifar {

namespace {

constexpr Index margin = 24, header = 40;

std::uint8_t byte(double x) {
  return static_cast<std::uint8_t>(std::clamp(x, 0.0, 1.0) * 255 + 0.5);
}

// Filters (M, 3, K, K) in colour, each on a scale of its own: their sizes differ by a factor of 40.
Image draw_filters(View<const float, 4> filters) {
  constexpr Index zoom = 24, gap = 14, columns = 12;
  const auto [M, C, K, K2] = filters.shape();
  const Index cell = K * zoom + gap, rows = (M + columns - 1) / columns;
  Image image(2 * margin + header + rows * cell - gap, 2 * margin + columns * cell - gap);
  image.text(margin, margin, "conv1: 24 filters that whiten patches of 2 x 2 pixels");
  for (Index m = 0; m < M; ++m) {
    double most = 1e-30;
    for (const float w : filters[m]) most = std::max(most, std::abs(static_cast<double>(w)));
    const auto channel = [&](Index c, Index i, Index j) {
      return byte(0.5 + 0.5 * static_cast<double>(filters(m, c, i, j)) / most);
    };
    for (Index i = 0; i < K; ++i)
      for (Index j = 0; j < K; ++j)
        image.rectangle(margin + header + m / columns * cell + i * zoom,
                        margin + m % columns * cell + j * zoom, zoom, zoom,
                        {channel(0, i, j), channel(1, i, j), channel(2, i, j)});
  }
  return image;
}

// The mistakes that the network is most sure of.
Image draw_mistakes(const Dataset& test, std::vector<Answer> answers) {
  std::erase_if(answers, [](const Answer& a) { return a.answer == a.label; });
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Answer& a, const Answer& b) { return a.confidence > b.confidence; });
  if (answers.size() > 24) answers.resize(24);
  constexpr Index zoom = 4, columns = 6, width = 32 * zoom + 40, height = 32 * zoom + 52;
  const Index rows = std::max<Index>(1, (std::ssize(answers) + columns - 1) / columns);
  Image image(2 * margin + header + rows * height, 2 * margin + columns * width);
  image.text(margin, margin, "The mistakes that it is most sure of: true class, and its answer");
  for (Index n = 0; n < std::ssize(answers); ++n) {
    const Answer& a = answers[static_cast<std::size_t>(n)];
    const Index top = margin + header + n / columns * height, left = margin + n % columns * width;
    const auto pixels = test.images[a.image];
    for (Index h = 0; h < 32; ++h)
      for (Index w = 0; w < 32; ++w)
        image.rectangle(top + h * zoom, left + w * zoom, zoom, zoom,
                        {pixels(0, h, w), pixels(1, h, w), pixels(2, h, w)});
    const auto name = [](Label k) {
      return std::string(cifar10_classes[static_cast<std::size_t>(k)]);
    };
    image.text(top + 32 * zoom + 4, left, name(a.label), 1);
    image.text(top + 32 * zoom + 18, left,
               concat(name(a.answer), " ", formatted(100 * a.confidence, 0, 'f'), " %"), 1);
  }
  return image;
}

}  // namespace

void write_pictures(const Pictures& p, const std::filesystem::path& directory) {
  const Image filters = draw_filters(p.filters),
              mistakes = draw_mistakes(*p.test, p.judged->answers),
              confusion = draw_confusion(p.judged->six_views.counts(),
                                         p.judged_by + " by true and predicted class");
  const std::string loss = loss_curve(p.losses, p.steps_per_epoch, "Training loss, CIFAR-10");
  write_png(directory / "conv1_filters.png", filters);
  write_png(directory / "mistakes.png", mistakes);
  write_png(directory / "confusion_matrix.png", confusion);
  write_file(directory / "loss_curve.svg", loss);

  const auto percent = [](const Accuracy& a) { return formatted(a.percent(), 2, 'f') + " %"; };
  const auto six = p.judged->six_views.accuracy(), one = p.judged->one_view.accuracy();
  report::Report page(
      "Photographs of ten kinds of things",
      "CIFAR-10: 32 x 32 pixels each, and what a network of eight layers makes of them.");
  page.section("What it reaches");
  page.key_numbers({{percent(six), concat("of the ", p.judged_by, ", seen in six views")},
                    {percent(one), "seen once, as they are"},
                    {formatted(p.seconds, 0, 'f') + " s", "of training"}});
  page.figure(loss, {.what = "The loss of every step.",
                     .read = "It cannot reach 0: with label smoothing of 0.2 the least is 0.87.",
                     .scale = "Natural logarithm; one epoch is all training images once.",
                     .alt = "A falling curve."});
  std::string names;
  for (std::size_t k = 0; k < cifar10_classes.size(); ++k)
    names += concat(k == 0 ? "" : ", ", k, " ", cifar10_classes[k]);
  page.figure(confusion, {.what = "Which classes are taken for which.",
                          .read = "Off the diagonal are mistakes: " + names + ".",
                          .scale = "Counts; two scales of colour.",
                          .alt = "A matrix of ten by ten counts."});
  page.figure(mistakes, {.what = "The mistakes that the network is most sure of.",
                         .read = "Above the true class, below the answer and its probability.",
                         .scale = "Four screen pixels for one of the image.",
                         .alt = "Up to 24 small photographs."});
  page.section("What it is");
  page.figure(filters, {.what = "The filters of the first layer.",
                        .read = "They follow from the images and are not trained: the first few "
                                "see brightness and colour, the last ones the finest differences.",
                        .scale = "Each filter by itself; grey is zero.",
                        .alt = "24 squares of two by two colours."});
  page.preformatted(p.network);
  write_file(directory / "report.html", page.html());
}

}  // namespace cifar
