// SPDX-License-Identifier: MIT
//
// draw_confusion: counts of (true class, predicted class) as an image.
#pragma once

#include <string>

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
    image.text(top + i * cell + cell / 2 - 8, left - 12 - Image::text_width(name), name);
    image.text(top - 22, left + i * cell + (cell - 2 - Image::text_width(name)) / 2, name);
    for (Index j = 0; j < K; ++j) {
      const auto count = static_cast<double>(counts(i, j));
      const double strength = i == j ? -0.8 * count / right : 0.9 * std::sqrt(count / wrong);
      const std::string text = std::to_string(counts(i, j));
      const Index y = top + i * cell, x = left + j * cell;
      const Color color = diverging(strength);
      image.rectangle(y, x, cell - 2, cell - 2, color);
      if (count > 0)
        image.text(y + cell / 2 - 8, x + (cell - 2 - Image::text_width(text)) / 2, text, 2,
                   readable_on(color));
    }
  }
  return image;
}

}  // namespace fovea::inline FOVEA_ABI
