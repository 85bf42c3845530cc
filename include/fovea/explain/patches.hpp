// SPDX-License-Identifier: MIT
//
// Top activating patches: show me what you are looking for.
//
// For each channel of a layer, the images of a data set that excite it most, at most one place in
// each, with the box of pixels that the unit there can see (receptive_field.hpp). Nine such patches
// say more about a channel than its weights do (Zeiler and Fergus, Visualizing and understanding
// convolutional networks, ECCV 2014). How to read them: what the nine have in common is what the
// channel responds to; what differs is what it does not care about. If they have nothing in common,
// the channel has no simple meaning.
//
//   const auto patches = top_patches(net, test, {.layer = "conv2", .count = 9});
//   for (const Patch& p : patches[channel])
//     draw(test.images[p.image], p.box);                 // cut at the border of the image
//
// On a tie the earlier image, and in an image the first unit in raster order, wins. An activation
// of zero or less is no excitement: a channel that never fires has no patches.
#pragma once

#include "fovea/core/ops.hpp"
#include "fovea/core/parallel.hpp"
#include "fovea/explain/receptive_field.hpp"

namespace fovea::inline FOVEA_ABI {

/// A place in an image that excites a unit.
struct Patch {
  Index image = 0;         ///< its index in the data set
  Index row = 0, col = 0;  ///< the unit
  double activation = 0;   ///< of the unit
  Box box;                 ///< what the unit sees of the image
};

/// Whose patches, and how many are looked for.
struct PatchOptions {
  std::string_view layer = {};  ///< its path, "conv2"
  Index count = 9;              ///< patches for a channel, at most
  int threads = 0;              ///< 0: OMP_NUM_THREADS, or all
};

/// For each channel of a layer its patches, the strongest first. Throws on an empty data set.
template <class Net>
std::vector<std::vector<Patch>> top_patches(const Net& net, const Dataset& data,
                                            const PatchOptions& o) {
  using T = typename Net::value_type;
  detail::check_layer("top_patches", o.layer);
  check(o.count > 0, "top_patches: expected a count of 1 or more, got ", o.count);
  auto images = detail::in_order<T>("top_patches", data);
  auto w = net.workspace(images.batch_size(), {.keep = Keep::everything, .threads = o.threads});
  const Shape<4> shape = as_maps(w.activation(o.layer)).shape();
  const Index C = shape[1], OW = shape[3];

  // The strongest unit of every map of every image.
  struct Peak {
    T activation;
    Index unit;
  };
  std::vector<Peak> peaks(static_cast<std::size_t>(data.size() * C));  // (images, C)
  Index first = 0;
  for (const auto& [x, labels] : images) {
    net.forward(x, w, Mode::eval);
    const View<const T, 4> maps = as_maps(w.activation(o.layer));
    parallel_for(w.threads(), maps.extent(0), [&](Index n, int) {
      for (Index c = 0; c < C; ++c) {
        const View<const T, 2> map = maps[n][c];
        const Index unit = argmax(map);
        peaks[static_cast<std::size_t>((first + n) * C + c)] = {map.data()[unit], unit};
      }
    });
    first += x.extent(0);
  }

  const ReceptiveField field = of_layer(receptive_fields(net), o.layer);
  std::vector<std::vector<Patch>> patches(static_cast<std::size_t>(C));
  parallel_for(w.threads(), C, [&](Index c, int) {
    const auto peak = [&](Index n) { return peaks[static_cast<std::size_t>(n * C + c)]; };
    std::vector<Index> order;
    for (Index n = 0; n < data.size(); ++n)
      if (peak(n).activation > T{0}) order.push_back(n);
    const Index count = std::min(o.count, static_cast<Index>(order.size()));
    std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](Index a, Index b) {
      const T at_a = peak(a).activation, at_b = peak(b).activation;
      return exactly_equal(at_a, at_b) ? a < b : at_a > at_b;
    });
    for (Index k = 0; k < count; ++k) {
      const Index n = order[static_cast<std::size_t>(k)];
      const Index row = peak(n).unit / OW, col = peak(n).unit % OW;
      patches[static_cast<std::size_t>(c)].push_back(
          {n, row, col, static_cast<double>(peak(n).activation), field.seen(row, col)});
    }
  });
  return patches;
}

}  // namespace fovea::inline FOVEA_ABI
