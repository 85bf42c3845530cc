// SPDX-License-Identifier: MIT
//
// Six views: an image as it is and moved by one pixel up and left, or down and right, each also
// mirrored. The mean of their logits, half of it from the two that are not moved, is right more often
// than one view, without more training: 93.9 % instead of 92.9 % in the published recipe.
#pragma once

#include <vector>

#include "fovea/explain/mistakes.hpp"
#include "fovea/fovea.hpp"

namespace cifar {

/// y = x moved by `by` pixels along both axes, around it x mirrored at its border; then mirrored left
/// to right. x, y (N, C, H, W).
inline void view_of(fovea::View<const float, 4> x, fovea::Index by, bool mirrored,
                    fovea::View<float, 4> y) {
  using fovea::Index;
  const auto [N, C, H, W] = x.shape();
  const auto inside = [](Index i, Index size) {
    return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
  };
  for (Index plane = 0; plane < N * C; ++plane)
    for (Index h = 0; h < H; ++h) {
      const float* const from = x.data() + (plane * H + inside(h + by, H)) * W;
      float* const to = y.data() + (plane * H + h) * W;
      for (Index w = 0; w < W; ++w) to[w] = from[inside((mirrored ? W - 1 - w : w) + by, W)];
    }
}

/// What a network says to a data set, seen once and in six ways.
struct Judged {
  fovea::ConfusionMatrix one_view, six_views;
  std::vector<fovea::Answer> answers = {};  // of six views, for each image
};

/// Judges every image. `predict(x)` gives the logits (N, K).
template <class Predict>
Judged judge(const fovea::Dataset& data, const Predict& predict) {
  using namespace fovea;
  Judged judged{ConfusionMatrix(data.classes), ConfusionMatrix(data.classes)};
  for (const auto& [x, labels] : batches(data, 500, {.shuffle = false})) {
    Tensor<float, 4> view(x.shape());
    Tensor<float, 2> sum(Shape{x.extent(0), data.classes});
    for (const bool mirrored : {false, true})
      for (const Index by : {-1, 0, 1}) {
        view_of(x, by, mirrored, view);
        const auto logits = predict(view.view());
        for (Index i = 0; i < sum.size(); ++i)
          sum.data()[i] += (by == 0 ? 0.25f : 0.125f) * logits.data()[i];
        if (by == 0 && !mirrored) judged.one_view.add(logits, labels);
      }
    judged.six_views.add(sum, labels);
    const auto p = softmax(sum);
    for (Index n = 0; n < labels.size(); ++n) {
      const auto answer = static_cast<Label>(argmax(p[n]));
      judged.answers.push_back({std::ssize(judged.answers), labels[n], answer,
                                static_cast<double>(p(n, answer)),
                                static_cast<double>(p(n, labels[n]))});
    }
  }
  return judged;
}

}  // namespace cifar
