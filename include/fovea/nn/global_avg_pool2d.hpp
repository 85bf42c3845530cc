// SPDX-License-Identifier: MIT
//
// Global average pooling: of every map the mean. It leaves a number for each channel, wherever in
// the image it comes from, so that a network takes images of any size (Lin, Chen and Yan, Network
// in network, ICLR 2014).
//
//   y[n,c] = 1/(H W) sum over h,w of x[n,c,h,w]         x (N, C, H, W)    y (N, C, 1, 1)
//   dx[n,c,h,w] = dy[n,c] / (H W)
#pragma once

#include "fovea/kernels/channel_sums.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// The mean of every map: x (N, C, H, W) to y (N, C, 1, 1).
struct GlobalAvgPool2d {
  static constexpr std::string_view kind = "globalpool";
  static constexpr bool sees_all = true;  // of the image, for receptive fields

  Shape<4> output_shape(Shape<4> x) const {
    check(x[2] > 0 && x[3] > 0, "expected maps of 1 x 1 or more, got ", x);
    return {x[0], x[1], 1, 1};
  }

  /// y = the mean over H and W
  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, NoPass&, const Context& context) const {
    check_forward(*this, x, y);
    const Index size = x.extent(2) * x.extent(3);
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      for (Index c = 0; c < x.extent(1); ++c) {
        const T* const map = x[n][c].data();
        const double sum = kernels::lane_sum<T>(size, [&](Index i) { return map[i]; });
        y[n].data()[c] = static_cast<T>(sum / static_cast<double>(size));
      }
    });
  }

  /// dx = dy / (H W), everywhere
  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx, NoPass&,
                const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    if (dx.empty()) return;
    const auto size = static_cast<T>(x.extent(2) * x.extent(3));
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      for (Index c = 0; c < x.extent(1); ++c) dx[n][c].fill(dy[n].data()[c] / size);
    });
  }
};

/// A GlobalAvgPool2d, for sequential<float>(...).
inline constexpr GlobalAvgPool2d global_avg_pool2d{};

}  // namespace fovea::inline FOVEA_ABI
