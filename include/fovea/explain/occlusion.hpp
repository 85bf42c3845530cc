// SPDX-License-Identifier: MIT
//
// Occlusion: hide a part of the image and see what the logit loses. No gradient, no assumption
// about the network; slow and honest (Zeiler and Fergus: Visualizing and understanding
// convolutional networks, ECCV 2014).
//
//   drop(window) = z_k(x) - z_k(x with the window's pixels taken from the baseline)
//   map[0,h,w]   = mean of drop over the windows that cover pixel (h, w)
//
//   x, baseline (1, C, H, W)    map (1, H, W), in logits
//
// How to read the map: where it is high, the network needs what it sees there; where it is
// negative, what stands there speaks against class k. A window larger than a stroke sees strokes, a
// smaller one sees pixels; what two windows say only together, no occlusion sees.
//
//   const auto map = occlusion(net, image, k, {.window = 5, .baseline = black_image(test)});
#pragma once

#include <vector>

#include "fovea/explain/attribution.hpp"
#include "fovea/explain/probe.hpp"

namespace fovea::inline FOVEA_ABI {

/// What is hidden at once, and by what.
template <class T>
struct OcclusionOptions {
  Extent2 window = 5;  ///< rows and columns that are hidden at once
  Extent2 stride = 2;  ///< between windows, at most the window, so that every pixel gets its turn
  View<const T, 4> baseline = {};  ///< (1, C, H, W), until the call ends; none: 0 in network units
  int threads = 0;                 ///< 0: OMP_NUM_THREADS, or all
};

namespace detail {

// 0, stride, 2 stride, ..., and the last place where the window fits.
inline std::vector<Index> window_places(Index extent, Index window, Index stride) {
  std::vector<Index> places;
  for (Index at = 0; at < extent - window; at += stride) places.push_back(at);
  places.push_back(extent - window);
  return places;
}

}  // namespace detail

/// What logit k loses where the image is hidden behind the baseline, (1, H, W).
template <Classifier Net>
Attribution<typename Net::value_type> occlusion(
    const Net& net, ImagesOf<Net> image, Index k,
    const OcclusionOptions<typename Net::value_type>& o = {}) {
  using T = typename Net::value_type;
  check_question("occlusion", net, image, k);
  const Tensor<T, 4> baseline = detail::baseline_or_zeros("occlusion", net, o.baseline);
  const auto [N, C, H, W] = image.shape();
  check(1 <= o.window.h && o.window.h <= H && 1 <= o.window.w && o.window.w <= W,
        "occlusion: expected a window of 1 or more that fits into ", image.shape(), ", got ",
        o.window);
  check(1 <= o.stride.h && o.stride.h <= o.window.h && 1 <= o.stride.w && o.stride.w <= o.window.w,
        "occlusion: expected a stride between 1 and the window, ", o.window, ", got ", o.stride);
  const auto tops = detail::window_places(H, o.window.h, o.stride.h);
  const auto lefts = detail::window_places(W, o.window.w, o.stride.w);
  const auto columns = static_cast<Index>(lefts.size());
  const Index windows = static_cast<Index>(tops.size()) * columns;
  const auto corner = [&](Index m) {
    return std::pair{tops[static_cast<std::size_t>(m / columns)],
                     lefts[static_cast<std::size_t>(m % columns)]};
  };
  // One image for each window, and at the end the image itself.
  const auto hide = [&](Index m, View<T, 3> x) {
    std::copy(image.begin(), image.end(), x.begin());
    if (m == windows) return;
    const auto [top, left] = corner(m);
    for (Index c = 0; c < x.extent(0); ++c)
      for (Index h = top; h < top + o.window.h; ++h)
        std::copy_n(&baseline(0, c, h, left), o.window.w, &x(c, h, left));
  };
  const auto z = probe_logits(net, windows + 1, hide, o.threads);

  Tensor<double, 3> drops(Shape{Index{1}, H, W}), covers(drops.shape());
  for (Index m = 0; m < windows; ++m) {
    const auto [top, left] = corner(m);
    const double drop = static_cast<double>(z(windows, k)) - static_cast<double>(z(m, k));
    for (Index h = top; h < top + o.window.h; ++h)
      for (Index w = left; w < left + o.window.w; ++w) {
        drops(0, h, w) += drop;
        covers(0, h, w) += 1;
      }
  }
  return {map(drops, covers, [](double sum, double count) { return static_cast<T>(sum / count); })};
}

}  // namespace fovea::inline FOVEA_ABI
