// SPDX-License-Identifier: MIT
//
// Activations: the way of one image through the network, and which units take part at all.
//
//   for (const auto& layer : activations(net, image_at(test, 7)))      // image (1, C, H, W)
//     gallery(layer.maps, {.title = layer.layer})                       // maps (C, H, W)
//
// How to read the maps: bright is where a channel found its pattern. On the scale of the whole
// layer (`range`) channels can be compared with each other, on their own (`ranges`) faint ones
// show. `zeros` is the share of units that say nothing: after a ReLU mostly half and more, which
// makes what is left a sparse code. Features are maps of one unit.
//
// Over many images, a unit that is zero for all of them is dead: no gradient reaches it, and it
// will not learn any more (Glorot, Bordes and Bengio, Deep sparse rectifier neural networks, 2011).
//
//   for (const auto& layer : activity(net, test))
//     concat(layer.layer, ": ", layer.zeros, " at zero, ", layer.dead, " of ", layer.units, "
//     dead")
#pragma once

#include <string>
#include <vector>

#include "fovea/core/ops.hpp"
#include "fovea/core/parallel.hpp"
#include "fovea/explain/layers.hpp"

namespace fovea::inline FOVEA_ABI {

/// The least, the largest and the mean number of a list.
struct Range {
  double min = 0, max = 0, mean = 0;  ///< in the unit of the numbers
};

/// The range of all elements.
template <TensorLike X>
Range range_of(const X& x) {
  check(!as_const(x).empty(), "range_of: expected at least one element, got ", x.shape());
  const auto [low, high] = std::minmax_element(as_const(x).begin(), as_const(x).end());
  double total = 0;
  for (const auto value : as_const(x)) total += static_cast<double>(value);
  return {static_cast<double>(*low), static_cast<double>(*high),
          total / static_cast<double>(x.size())};
}

/// What one layer computed for one image.
template <class T>
struct LayerActivations {
  std::string layer{};          ///< its path
  Tensor<T, 3> maps{};          ///< (C, H, W)
  Range range{};                ///< of the layer
  std::vector<Range> ranges{};  ///< of each map
  double zeros = 0;             ///< the share of units at exactly zero, [0, 1]
};

/// What every layer computes for an image (1, C, H, W), in the order in which they run.
template <class Net>
std::vector<LayerActivations<typename Net::value_type>> activations(const Net& net,
                                                                    ImagesOf<Net> image,
                                                                    const LookOptions& o = {}) {
  using T = typename Net::value_type;
  check(image.extent(0) == 1, "activations: expected one image, got ", image.shape());
  auto w = net.workspace(1, {.keep = Keep::everything, .threads = o.threads});
  net.forward(image, w, Mode::eval);
  std::vector<LayerActivations<T>> layers;
  for (std::size_t k = 0; k < w.plan().layer_count(); ++k) {
    const View<const T, 3> maps = as_maps(AnyView<const T>(w.plan().value(k + 1)))[0];
    LayerActivations<T> layer{w.plan().layer(k).path, Tensor<T, 3>(maps), range_of(maps), {}, 0};
    for (Index c = 0; c < maps.extent(0); ++c) layer.ranges.push_back(range_of(maps[c]));
    layer.zeros = static_cast<double>(std::count(maps.begin(), maps.end(), T{0})) /
                  static_cast<double>(maps.size());
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// How active the units of one layer are over a data set.
struct LayerActivity {
  std::string layer{};           ///< its path
  Index units = 0;               ///< C H W
  Index dead = 0;                ///< units at zero for every image
  double zeros = 0;              ///< the share of units at zero, over all images, [0, 1]
  std::vector<double> by_map{};  ///< the same for each channel
};

/// Counts the zeros in every layer over all images. Throws on an empty data set.
template <class Net>
std::vector<LayerActivity> activity(const Net& net, const Dataset& data,
                                    const LookOptions& o = {}) {
  using T = typename Net::value_type;
  auto images = detail::in_order<T>("activity", data);
  auto w = net.workspace(images.batch_size(), {.keep = Keep::everything, .threads = o.threads});
  const auto maps_of = [&](std::size_t k) { return as_maps(w.plan().value(k + 1)); };
  std::vector<Tensor<Index, 3>> counts;  // of each layer, (C, H, W): for how many images at zero
  for (std::size_t k = 0; k < w.plan().layer_count(); ++k) {
    const auto [N, C, H, W] = maps_of(k).shape();
    counts.emplace_back(Shape{C, H, W});
  }
  for (const auto& [x, labels] : images) {
    net.forward(x, w, Mode::eval);
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const auto y = maps_of(k);
      Index* const count = counts[k].data();
      parallel_blocks(w.threads(), counts[k].size(), 1024, [&](Index first, Index last) {
        for (Index n = 0; n < y.extent(0); ++n)
          for (Index p = first; p < last; ++p) count[p] += exactly_equal(y[n].data()[p], 0);
      });
    }
  }
  std::vector<LayerActivity> layers;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const auto& count = counts[k];
    const auto share = [&](auto zeros, Index units) {
      return static_cast<double>(zeros) / static_cast<double>(units * data.size());
    };
    LayerActivity layer{
        w.plan().layer(k).path, count.size(), 0, share(sum(count), count.size()), {}};
    layer.dead = std::count(count.begin(), count.end(), data.size());
    for (Index c = 0; c < count.extent(0); ++c)
      layer.by_map.push_back(share(sum(count[c]), count[c].size()));
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace fovea::inline FOVEA_ABI
