// SPDX-License-Identifier: MIT
//
// Effective receptive field: how much of what it could see a unit makes use of.
//
//   E[c,h,w] = mean over images of | dy / dx[c,h,w] |,   y one unit: a row, a column, a channel
//
// Without a channel, E is the mean over the channels of the field of each: every channel has a
// backward sweep of its own, because a gradient of their sum is the field of no unit. In the sum a
// filter that wants light in the middle and one that wants darkness there cancel, and the middle
// looks as if it did not matter.
//
// Why a bell: pixels in the middle of the patch reach the unit by many paths, those at its edge
// by one (Luo, Li, Urtasun and Zemel, Understanding the effective receptive field in deep CNNs,
// NeurIPS 2016). Count them in one dimension, from the unit down: three taps of a 3 x 3 kernel at
// stride 2, two places of the pooling at each, three taps at each of those,
//
//   1 1 1   ->   1 1 1 1 1 1   ->   1 2 3 3 3 3 2 1
//
// If all paths weigh the same, E is as the counts n are, which have the standard deviation 1.893.
// If their weights have random signs, a sum of n of them is about as large as sqrt(n): 2.079.
// Eight equal pixels would have 2.291. `path_counts` counts, `deviation_of` says how wide it is.
//
// How to read it: outside of the box E is zero by construction, so `inside` is 1, a check of both
// pages. The numbers to quote are `side()`, of the smallest square in the middle of the box with
// 95 % of the sum of E, and `sigma()`, the standard deviation of the bell; training can change
// both.
//
//   const auto field = effective_field(net, test.part(0, 500), {.layer = "conv2"});
//   field.map                                      // (C, H, W), to draw field.box over
//   concat(field.side(), " of ", field.box.height)
//   deviation_of(path_counts({{.kernel = 3}, {.kernel = 2, .stride = 2}, {.kernel = 3}}))  // 1.893
#pragma once

#include <cmath>
#include <vector>

#include "fovea/core/ops.hpp"
#include "fovea/explain/receptive_field.hpp"

namespace fovea::inline FOVEA_ABI {

/// Which unit is looked at.
struct EffectiveFieldOptions {
  std::string_view layer = {};  ///< its path, "conv2"
  Index row = -1, col = -1;     ///< the unit; -1: in the middle
  Index channel = -1;           ///< -1: the mean over the fields of all channels
  int threads = 0;              ///< 0: OMP_NUM_THREADS, or all
};

/// One axis of a layer with windows.
struct PathStep {
  Index kernel = 1, stride = 1, dilation = 1;  ///< as in its options
};

/// How many paths lead from each pixel in a row of the box to the unit, for layers from the first
/// to the unit's own. Of a max-pooling only one place of a window matters for an image; over many
/// images each does.
inline std::vector<double> path_counts(const std::vector<PathStep>& layers) {
  std::vector<double> counts{1};
  for (std::size_t k = layers.size(); k-- > 0;) {  // from the unit down
    const auto [kernel, stride, dilation] = layers[k];
    check(kernel >= 1 && stride >= 1 && dilation >= 1,
          "path_counts: expected kernel, stride and dilation of at least 1, got ", kernel, ", ",
          stride, " and ", dilation);
    const auto at = [](Index i) { return static_cast<std::size_t>(i); };
    const auto places = static_cast<Index>(counts.size());
    std::vector<double> below(at((places - 1) * stride + (kernel - 1) * dilation + 1));
    for (Index i = 0; i < places; ++i)
      for (Index tap = 0; tap < kernel; ++tap)
        below[at(i * stride + tap * dilation)] += counts[at(i)];
    counts = std::move(below);
  }
  return counts;
}

/// The standard deviation of numbers in a row, as a distribution around their middle, in places.
inline double deviation_of(const std::vector<double>& row) {
  const double middle = (static_cast<double>(row.size()) - 1) / 2;
  double total = 0, square = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const double d = static_cast<double>(i) - middle;
    total += row[i];
    square += row[i] * d * d;
  }
  return exactly_equal(total, 0) ? 0 : std::sqrt(square / total);
}

/// How much each pixel matters to one unit (Luo et al. 2016).
struct EffectiveField {
  Tensor<double, 3> map{};  ///< (C, H, W): mean |d unit / d input|, per unit of input
  Index row = 0, col = 0;   ///< the unit
  Box box{};                ///< what the unit can see, padding included
  double inside = 0;  ///< the share of the map's sum that lies in the box; 0 if the unit is dead
  Index images = 0;   ///< over which the mean was taken

  /// The side, in pixels, of the smallest square in the middle of the box with this share of the
  /// sum; 0 if the unit is dead.
  Index side(double share = 0.95) const {
    check(0 < share && share <= 1, "side: expected a share in (0, 1], got ", share);
    if (exactly_equal(sum(map), 0)) return 0;
    const Index largest = std::max(box.height, box.width);
    for (Index side = 1; side < largest; ++side)
      if (sum_of([&](double dy, double dx) {
            return std::max(std::abs(dy), std::abs(dx)) <= static_cast<double>(side - 1) / 2;
          }) >= share * sum(map))
        return side;
    return largest;
  }

  /// The standard deviation along one axis, in pixels: of the map as a distribution around the
  /// middle of the box, rows and columns taken together.
  double sigma() const {
    const double total = sum(map);
    return exactly_equal(total, 0)
               ? 0
               : std::sqrt(sum_of([](double dy, double dx) { return (dy * dy + dx * dx) / 2; }) /
                           total);
  }

 private:
  // The sum of map times weight(rows, columns from the middle of the box).
  template <class Weight>
  double sum_of(Weight&& weight) const {
    const double mid_row = static_cast<double>(2 * box.top + box.height - 1) / 2;
    const double mid_col = static_cast<double>(2 * box.left + box.width - 1) / 2;
    double total = 0;
    for (Index c = 0; c < map.extent(0); ++c)
      for (Index h = 0; h < map.extent(1); ++h)
        for (Index w = 0; w < map.extent(2); ++w)
          total += map(c, h, w) * static_cast<double>(weight(static_cast<double>(h) - mid_row,
                                                             static_cast<double>(w) - mid_col));
    return total;
  }
};

/// The effective field of one unit of a layer over all images of `data`: one forward sweep and a
/// backward sweep for each channel. Throws on a unit or channel that does not exist and on an empty
/// data set.
template <class Net>
EffectiveField effective_field(const Net& net, const Dataset& data,
                               const EffectiveFieldOptions& o) {
  using T = typename Net::value_type;
  detail::check_layer("effective_field", o.layer);
  auto images = detail::in_order<T>("effective_field", data);
  auto w = net.workspace(images.batch_size(), {.keep = Keep::everything,
                                               .input_gradient = true,
                                               .parameter_gradients = false,
                                               .threads = o.threads});
  const AnyView<const T> y = w.activation(o.layer);
  const ReceptiveField receptive = of_layer(receptive_fields(net), o.layer);
  Tensor<T, 4> dy(as_maps(y).shape());
  const Index C = dy.extent(1), OH = dy.extent(2), OW = dy.extent(3);
  EffectiveField field;
  field.row = o.row == -1 ? OH / 2 : o.row;
  field.col = o.col == -1 ? OW / 2 : o.col;
  check(0 <= field.row && field.row < OH && 0 <= field.col && field.col < OW, receptive.layer,
        ": expected a unit in ", OH, " rows and ", OW, " columns, got (", field.row, ", ",
        field.col, ")");
  check(-1 <= o.channel && o.channel < C, receptive.layer, ": expected a channel in [0, ", C,
        "), or -1 for all, got ", o.channel);
  const Index first = o.channel == -1 ? 0 : o.channel, last = o.channel == -1 ? C : o.channel + 1;

  field.box = receptive.box(field.row, field.col);
  field.images = data.size();
  const auto [channels, H, W] = image_shape(net);
  field.map = Tensor<double, 3>(image_shape(net));
  for (const auto& [x, labels] : images) {
    net.forward(x, w, Mode::eval);
    for (Index c = first; c < last; ++c) {
      const auto unit = [&, count = x.extent(0)](T value) {
        for (Index n = 0; n < count; ++n) dy(n, c, field.row, field.col) = value;
      };
      unit(T{1});
      net.backward_from(o.layer, {dy.data(), y.extents.with_batch(x.extent(0))}, w);
      unit(T{0});
      const auto dx = detail::with_rank<const T, 4>(w.input_gradient());
      for (Index n = 0; n < dx.extent(0); ++n)
        for (Index p = 0; p < field.map.size(); ++p)
          field.map.data()[p] += std::abs(static_cast<double>(dx[n].data()[p]));
    }
  }
  field.map /= static_cast<double>(data.size() * (last - first));
  double inside = 0;
  for (Index c = 0; c < channels; ++c)
    for (Index h = 0; h < H; ++h)
      for (Index v = 0; v < W; ++v)
        if (field.box.contains(h, v)) inside += field.map(c, h, v);
  const double total = sum(field.map);
  field.inside = exactly_equal(total, 0) ? 0 : inside / total;
  return field;
}

}  // namespace fovea::inline FOVEA_ABI
