// SPDX-License-Identifier: MIT
//
// Deletion and insertion: is it true what a map says is important? A test that needs no human eye
// (Petsiuk, Das, Saenko: RISE: randomized input sampling for explanation, BMVC 2018).
//
//   deletion     the image loses its pixels to the baseline, the most important ones first
//   insertion    the baseline gets the pixels of the image, in the same order
//
//   area = mean probability of class k on the way, in [0, 1]
//
// Most important is the largest signed value, the sum over the channels: first what speaks for
// class k, last what speaks against it. What that means depends on the method. Integrated
// gradients, gradient x input and occlusion say what the logit owes to a pixel that is there, so
// taking away the largest should cost most. A gradient and SmoothGrad say what more light would
// do, also on a black background, where there is nothing to take away: such pixels waste places
// in the order. Grad-CAM cuts off what speaks against the class. Whoever wants magnitudes makes
// an Attribution of them.
//
// How to read it: if the map is right, the probability falls at once in the one and rises at once
// in the other, so the area under deletion is small and the one under insertion is large. Compare
// with orders that ask no network, not with 0 and 1, and not with random pixels alone: on a black
// background most of those change nothing, and every map that traces the stroke beats them. The
// yardsticks are `random_stroke_map`, random pixels of the stroke, and `brightness_map`, the
// image itself. A map that does not beat the second has shown nothing about the network. Images
// on the way are like none the network was trained on, and it may answer oddly: the logit, which
// is also there, tells.
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

/// |x - x0|, (C, H, W): how much an image (1, C, H, W) differs from a baseline of its shape; on a
/// black baseline its brightness. An order that asks no network.
template <Ranked<4> X, Ranked<4> B>
Attribution<ElementOf<X>> brightness_map(const X& image, const B& baseline) {
  check(image.extent(0) == 1 && image.shape() == baseline.shape(),
        "brightness_map: expected one image (1, C, H, W) and a baseline of its shape, got ",
        image.shape(), " and ", baseline.shape());
  Attribution<ElementOf<X>> result{Tensor<ElementOf<X>, 3>(as_const(image)[0])};
  for (Index i = 0; i < result.map.size(); ++i)
    result.map.data()[i] = std::abs(result.map.data()[i] - as_const(baseline).data()[i]);
  return result;
}

/// (1, H, W): the pixels that differ from the baseline in an order drawn at random, (seed), before
/// all others. The stroke in no order of its own.
template <Ranked<4> X, Ranked<4> B>
Attribution<ElementOf<X>> random_stroke_map(const X& image, const B& baseline,
                                            std::uint64_t seed = 0) {
  using T = ElementOf<X>;
  const Tensor<T, 2> stroke = brightness_map(image, baseline).places();
  Attribution<T> result{Tensor<T, 3>(stroke.shape().prepend(1))};
  Rng rng{seed};
  for (Index i = 0; i < stroke.size(); ++i)
    result.map.data()[i] = static_cast<T>(rng.uniform(0, 1) + (stroke.data()[i] > 0 ? 1 : 0));
  return result;
}

namespace detail {

// The places of the map (H, W), the largest signed value first; equals in memory order.
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
  const Tensor<T, 2> map = attribution.places();
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
