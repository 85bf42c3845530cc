// SPDX-License-Identifier: MIT
//
// Edges instead of the image, after Canny (A computational approach to edge detection, PAMI 1986):
//
//   1. blur, so that noise makes no edges;
//   2. the slope of every pixel along rows and columns, by Sobel's differences;
//   3. keep the ridges of the slope: pixels no lower than both neighbours up and down the gradient;
//   4. hysteresis: a ridge counts above a high threshold, or above a low one if it touches one that
//      counts.
//
//   corrupt(test, corruption::canny_edges())
#pragma once

#include <array>
#include <vector>

#include "fovea/explain/corruptions/blur.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// Canny (A computational approach to edge detection, PAMI 1986) in place, edges 1 and the rest 0.
inline void canny(View<float, 2> x, double sigma, double low, double high) {
  const Index H = x.extent(0), W = x.extent(1);
  blur(x, sigma, sigma);
  const auto at = [&](Index i, Index j) {
    return static_cast<double>(x(std::clamp<Index>(i, 0, H - 1), std::clamp<Index>(j, 0, W - 1)));
  };
  // Sobel: the difference of the neighbours on either side, (1, 2, 1) across.
  Tensor<double, 2> down(x.shape()), right(x.shape()), slope(x.shape());
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j) {
      for (const Index k : {-1, 0, 1}) {
        const double weight = k == 0 ? 2 : 1;
        down(i, j) += weight * (at(i + 1, j + k) - at(i - 1, j + k));
        right(i, j) += weight * (at(i + k, j + 1) - at(i + k, j - 1));
      }
      slope(i, j) = std::sqrt(down(i, j) * down(i, j) + right(i, j) * right(i, j));
    }
  // A ridge is no lower than the slope a step ahead and a step back, between two neighbours each.
  x.fill(0);
  std::vector<std::array<Index, 2>> sure;
  for (Index i = 1; i + 1 < H; ++i)
    for (Index j = 1; j + 1 < W; ++j) {
      if (slope(i, j) < low) continue;
      const double di = std::abs(down(i, j)), dj = std::abs(right(i, j));
      const Index si = down(i, j) < 0 ? -1 : 1, sj = right(i, j) < 0 ? -1 : 1;
      const double part = std::min(di, dj) / std::max(di, dj);
      const auto step = [&](Index way) {
        const double straight = di >= dj ? slope(i + way * si, j) : slope(i, j + way * sj);
        return (1 - part) * straight + part * slope(i + way * si, j + way * sj);
      };
      if (slope(i, j) < step(1) || slope(i, j) < step(-1)) continue;
      x(i, j) = slope(i, j) >= high ? 1.0f : 0.5f;
      if (slope(i, j) >= high) sure.push_back({i, j});
    }
  // Hysteresis: a weak edge counts when it touches a sure one.
  while (!sure.empty()) {
    const auto [i, j] = sure.back();
    sure.pop_back();
    for (Index k = i - 1; k <= i + 1; ++k)
      for (Index l = j - 1; l <= j + 1; ++l)
        if (exactly_equal(x(k, l), 0.5f)) {
          x(k, l) = 1;
          sure.push_back({k, l});
        }
  }
  for (float& edge : x) edge = std::floor(edge);
}

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI::corruption {

/// Edges instead of the image: Canny with sigma 1 and the thresholds 0.1 and 0.2 for the Sobel
/// slope. MNIST-C has no severities here. Its blur leaves out what is outside of the image where
/// ours goes on with the border; of the pixels of MNIST one in 14 000 differs.
inline Corruption canny_edges() {
  return {"canny_edges", "sigma 1, thresholds 0.1 and 0.2",
          [](View<const float, 3> in, View<float, 3> out, Rng) {
            std::copy(in.begin(), in.end(), out.begin());
            for (Index c = 0; c < out.extent(0); ++c) detail::canny(out[c], 1, 0.1, 0.2);
          }};
}

}  // namespace fovea::inline FOVEA_ABI::corruption
