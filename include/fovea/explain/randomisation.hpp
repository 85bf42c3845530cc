// SPDX-License-Identifier: MIT
//
// The randomisation check: does an explanation depend on what the network has learned? (Adebayo et
// al.: Sanity checks for saliency maps, NeurIPS 2018)
//
// In a copy of the network the trained weights are replaced by random ones, first those of the last
// layer, then of the last two, and so on down to the first. After each layer the image is explained
// again, and the magnitudes of the new map are compared with those of the old one:
//
//   rho = Spearman's rank correlation: that of the ranks, where equal values share their mean rank
//
// How to read it: rho should fall towards 0. A map that does not change has not looked at the
// weights, an edge detector for instance; it is lying. Integrated gradients are 0 wherever the
// image is the baseline, whatever the weights: on a black background rho stays near 1 because the
// outline does. Then let the method return the pixels of the stroke alone.
//
//   const auto method = [](const auto& n, auto x, Index c) { return gradient_map(n, x, c); };
//   for (const auto& [layer, rho] : randomisation_check(net, image, k, method, {.seed = 1})) ...
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "fovea/explain/attribution.hpp"
#include "fovea/explain/probe.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// The rank of |x[i]| among all, from 0 on; equal values share the mean of their ranks.
template <TensorLike X>
std::vector<double> magnitude_ranks(const X& x) {
  const auto count = static_cast<std::size_t>(x.size());
  const auto magnitude = [values = as_const(x).data()](std::size_t i) {
    return std::abs(values[i]);
  };
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return magnitude(a) < magnitude(b); });
  std::vector<double> ranks(count);
  for (std::size_t first = 0, last = 0; first < count; first = last) {
    while (last < count && exactly_equal(magnitude(order[last]), magnitude(order[first]))) ++last;
    for (std::size_t i = first; i < last; ++i)
      ranks[order[i]] = static_cast<double>(first + last - 1) / 2;
  }
  return ranks;
}

// The numbers of a parameter, of which a Network shows a view.
template <class T, std::size_t R>
std::span<T> all_of(Tensor<T, R>& tensor) {
  return tensor.flat();
}
template <class T>
std::span<T> all_of(const AnyView<T>& view) {
  return {view.data, static_cast<std::size_t>(view.extents.size())};
}

}  // namespace detail

/// Spearman's rank correlation of |a| and |b|, in [-1, 1]. Maps of equal order have 1, a map
/// without any order (a constant) has 0 with any other.
template <TensorLike A, Ranked<A::rank> B>
double rank_correlation(const A& a, const B& b) {
  check(a.shape() == b.shape(), "rank correlation: expected equal shapes, got ", a.shape(), " and ",
        b.shape());
  for (const auto view : {as_const(a), as_const(b)})
    check(std::none_of(view.begin(), view.end(), [](auto value) { return std::isnan(value); }),
          "rank correlation: expected numbers, found NaN");
  const auto x = detail::magnitude_ranks(a), y = detail::magnitude_ranks(b);
  if (x == y) return 1;
  const double middle = (static_cast<double>(x.size()) - 1) / 2;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
    xy += (x[i] - middle) * (y[i] - middle);
  }
  return exactly_equal(xx, 0) || exactly_equal(yy, 0) ? 0 : xy / std::sqrt(xx * yy);
}

/// The same of two attributions.
template <class T>
double rank_correlation(const Attribution<T>& a, const Attribution<T>& b) {
  return rank_correlation(a.map, b.map);
}

/// How much of the map is left when this layer and all above it are random.
struct RandomisedLayer {
  std::string layer{};     ///< its path
  double correlation = 0;  ///< of the map with that of the trained network, Spearman's
};

/// Which random weights.
struct RandomisationOptions {
  std::uint64_t seed = 0;  ///< new weights are a function of (seed, parameter)
};

/// `method(net, image, k)` returns an Attribution, or a tensor of any shape. New weights
/// are uniform, as wide as the trained ones (of the same root mean square). From the
/// last layer with weights down.
template <Classifier Net, class Method>
std::vector<RandomisedLayer> randomisation_check(const Net& net, ImagesOf<Net> image, Index k,
                                                 const Method& method,
                                                 const RandomisationOptions& o = {}) {
  check_question("randomisation check", net, image, k);
  const auto original = method(net, image, k);
  Net copy = net;
  const auto layer_of = [](const std::string& name) { return name.substr(0, name.rfind('.')); };
  std::vector<std::string> layers;  // those that have weights, from the first to the last
  copy.for_each_parameter([&](const std::string& name, const auto&) {
    if (layers.empty() || layers.back() != layer_of(name)) layers.push_back(layer_of(name));
  });
  std::reverse(layers.begin(), layers.end());

  std::vector<RandomisedLayer> result;
  for (const std::string& layer : layers) {
    std::uint64_t number = 0;
    copy.for_each_parameter([&](const std::string& name, auto&& tensor) {
      Rng rng{o.seed, number++};
      if (layer_of(name) != layer) return;
      const auto weights = detail::all_of(tensor);
      double square = 0;
      for (const auto value : weights) square += static_cast<double>(value * value);
      fill_uniform(weights, std::sqrt(3 * square / static_cast<double>(weights.size())), rng);
    });
    result.push_back({layer, rank_correlation(original, method(copy, image, k))});
  }
  return result;
}

}  // namespace fovea::inline FOVEA_ABI
