// SPDX-License-Identifier: MIT
//
// Deletion and insertion: is it true what a map says is important? A test that needs no human eye
// (Petsiuk, Das, Saenko: RISE: randomized input sampling for explanation, BMVC 2018).
//
//   deletion     the image loses its pixels to the baseline, the most important ones first
//                (the magnitude of the attribution, whatever it speaks for)
//   insertion    the baseline gets the pixels of the image, in the same order
//
//   area = mean probability of class k on the way, in [0, 1]
//
// How to read it: if the map is right, the probability falls at once in the one and rises at once
// in the other, so the area under deletion is small and the one under insertion is large. Compare
// with the areas of a random map, not with 0 and 1. Images on the way are like none the network was
// trained on, and it may answer oddly: the logit, which is also there, tells.
//
//   const auto map = gradient_map(net, image, k);                 // or any other Attribution
//   deletion_curve(net, image, k, map, {.baseline = black_image(test)}).area()
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fovea/explain/attribution.hpp"
#include "fovea/explain/probe.hpp"

namespace fovea::inline FOVEA_ABI {

/// What the network says while pixels are exchanged.
struct FaithfulnessCurve {
  std::vector<double> share{};                 ///< of the pixels exchanged so far, from 0 to 1
  std::vector<double> logit{}, probability{};  ///< of the class, after that

  /// The area under the probability, in [0, 1], by the trapezoidal rule.
  double area() const {
    double sum = 0;
    for (std::size_t i = 1; i < share.size(); ++i)
      sum += (share[i] - share[i - 1]) * (probability[i] + probability[i - 1]) / 2;
    return sum;
  }
};

/// How finely the curves are measured, and against what.
template <class T>
struct FaithfulnessOptions {
  Index steps = 56;                ///< parts in which the pixels are exchanged, at most H W
  View<const T, 4> baseline = {};  ///< (1, C, H, W), until the call ends; none: 0 in network units
  int threads = 0;                 ///< 0: OMP_NUM_THREADS, or all
};

namespace detail {

// The places of the map (H, W), the largest value first; equals in memory order.
template <class T>
std::vector<Index> by_importance(const Tensor<T, 2>& map) {
  std::vector<Index> order(static_cast<std::size_t>(map.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return map.data()[a] > map.data()[b]; });
  return order;
}

// Pixels of the image and of the baseline change places, the most important ones first.
template <Classifier Net, class T = typename Net::value_type>
FaithfulnessCurve exchange(std::string_view what, const Net& net, ImagesOf<Net> image, Index k,
                           const Attribution<T>& attribution, const FaithfulnessOptions<T>& o,
                           bool deletion) {
  check_question(what, net, image, k);
  const Tensor<T, 4> baseline = baseline_or_zeros(what, net, o.baseline);
  const View<const T, 4> from = deletion ? image : baseline, to = deletion ? baseline : image;
  const Tensor<T, 2> map = attribution.magnitudes();
  const Index pixels = image.extent(2) * image.extent(3);
  check(map.shape() == Shape{image.extent(2), image.extent(3)}, what, ": expected a map ",
        Shape{image.extent(2), image.extent(3)}, ", got ", map.shape());
  check(std::none_of(map.begin(), map.end(), [](T value) { return std::isnan(value); }), what,
        ": expected a map of numbers, found NaN");
  check(1 <= o.steps && o.steps <= pixels, what, ": expected between 1 and ", pixels,
        " steps, got ", o.steps);
  const auto order = by_importance(map);
  const auto draw = [&](Index step, View<T, 3> x) {
    std::copy(from.begin(), from.end(), x.begin());
    for (Index c = 0; c < x.extent(0); ++c)
      for (Index i = 0; i < pixels * step / o.steps; ++i) {
        const Index at = c * pixels + order[static_cast<std::size_t>(i)];
        x.data()[at] = to.data()[at];
      }
  };
  const auto z = probe_logits(net, o.steps + 1, draw, o.threads);
  const auto p = softmax(z);
  FaithfulnessCurve curve;
  for (Index step = 0; step <= o.steps; ++step) {
    curve.share.push_back(static_cast<double>(pixels * step / o.steps) /
                          static_cast<double>(pixels));
    curve.logit.push_back(static_cast<double>(z(step, k)));
    curve.probability.push_back(static_cast<double>(p(step, k)));
  }
  return curve;
}

}  // namespace detail

/// The image loses its pixels to the baseline, the most important ones first.
template <Classifier Net>
FaithfulnessCurve deletion_curve(const Net& net, ImagesOf<Net> image, Index k,
                                 const Attribution<typename Net::value_type>& attribution,
                                 const FaithfulnessOptions<typename Net::value_type>& o = {}) {
  return detail::exchange("deletion", net, image, k, attribution, o, true);
}

/// The baseline gets the pixels of the image, the most important ones first.
template <Classifier Net>
FaithfulnessCurve insertion_curve(const Net& net, ImagesOf<Net> image, Index k,
                                  const Attribution<typename Net::value_type>& attribution,
                                  const FaithfulnessOptions<typename Net::value_type>& o = {}) {
  return detail::exchange("insertion", net, image, k, attribution, o, false);
}

}  // namespace fovea::inline FOVEA_ABI
