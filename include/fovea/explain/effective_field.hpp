// SPDX-License-Identifier: MIT
//
// Effective receptive field: how much of what it could see a unit makes use of.
//
//   E[c,h,w] = mean over images of | dy / dx[c,h,w] |,   y the unit, summed over channels or one of them
//
// Pixels in the middle of the patch reach a unit by many paths, those at its edge by one, so E looks
// like a bell and takes up only a part of the theoretical box; training can widen it (Luo, Li,
// Urtasun and Zemel, Understanding the effective receptive field in deep CNNs, NeurIPS 2016). How to
// read it: outside of the box E is zero by construction, so `inside` is 1, a check of both pages. The
// numbers to quote are `side()`, of the smallest square in the middle of the box with 95 % of the sum
// of E, and `sigma()`, the standard deviation of the bell.
//
//   const auto field = effective_field<Net::index("conv2")>(net, test.part(0, 500));
//   field.map                                      // (C, H, W), to draw field.box over
//   concat(field.side(), " of ", field.box.height)
#pragma once

#include <cmath>

#include "fovea/core/ops.hpp"
#include "fovea/explain/receptive_field.hpp"

namespace fovea::inline FOVEA_ABI {

/// Which unit is looked at.
struct EffectiveFieldOptions {
  Index row = -1, col = -1;  ///< the unit; -1: in the middle
  Index channel = -1;        ///< -1: the sum over all channels
  int threads = 0;
};

/// How much each pixel matters to one unit (Luo et al. 2016).
struct EffectiveField {
  Tensor<double, 3> map{};  ///< (C, H, W): mean |d unit / d input|, per unit of input
  Index row = 0, col = 0;   ///< the unit
  Box box{};                ///< what the unit can see, padding included
  double inside = 0;  ///< the share of the map's sum that lies in the box; 0 if the unit is dead
  Index images = 0;   ///< over which the mean was taken

  /// The side, in pixels, of the smallest square in the middle of the box with this share of the sum;
  /// 0 if the unit is dead.
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

  /// The standard deviation along one axis, in pixels: of the map as a distribution around the middle
  /// of the box, rows and columns taken together.
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

/// The effective field of one unit of layer i over all images of `data`. Throws on a unit or channel
/// that does not exist and on an empty data set.
template <std::size_t i, class Net>
EffectiveField effective_field(const Net& net, const Dataset& data,
                               const EffectiveFieldOptions& options = {}) {
  using T = typename Net::value_type;
  auto images = detail::in_order<T>("effective_field", data);
  const ReceptiveField receptive = receptive_fields(net)[i];
  auto workspace = net.workspace(images.batch_size(), {.keep = Keep::everything,
                                                       .input_gradient = true,
                                                       .parameter_gradients = false,
                                                       .threads = options.threads});
  Tensor<T, Net::template rank_after<i>> dy(workspace.template activation<i>().shape());
  const View<T, 4> maps = as_maps(dy.view());
  const auto [N, C, OH, OW] = maps.shape();
  EffectiveField field;
  field.row = options.row == -1 ? OH / 2 : options.row;
  field.col = options.col == -1 ? OW / 2 : options.col;
  check(0 <= field.row && field.row < OH && 0 <= field.col && field.col < OW, receptive.name,
        ": expected a unit in ", OH, " rows and ", OW, " columns, got (", field.row, ", ",
        field.col, ")");
  check(-1 <= options.channel && options.channel < C, receptive.name,
        ": expected a channel in [0, ", C, "), or -1 for all, got ", options.channel);
  for (Index n = 0; n < N; ++n)
    for (Index c = 0; c < C; ++c)
      maps(n, c, field.row, field.col) =
          options.channel == -1 || options.channel == c ? T{1} : T{0};

  field.box = receptive.box(field.row, field.col);
  field.images = data.size();
  const auto [channels, H, W] = net.input_shape();
  field.map = Tensor<double, 3>(net.input_shape());
  for (const auto& [x, labels] : images) {
    net.forward(x, workspace, Mode::eval);
    net.template backward_from<i>(dy.sub(0, x.extent(0)), workspace);
    const View<const T, 4> dx = workspace.input_gradient();
    for (Index n = 0; n < dx.extent(0); ++n)
      for (Index p = 0; p < field.map.size(); ++p)
        field.map.data()[p] += std::abs(static_cast<double>(dx[n].data()[p]));
  }
  field.map /= static_cast<double>(data.size());
  double inside = 0;
  for (Index c = 0; c < channels; ++c)
    for (Index h = 0; h < H; ++h)
      for (Index w = 0; w < W; ++w)
        if (field.box.contains(h, w)) inside += field.map(c, h, w);
  const double total = sum(field.map);
  field.inside = exactly_equal(total, 0) ? 0 : inside / total;
  return field;
}

}  // namespace fovea::inline FOVEA_ABI
