// SPDX-License-Identifier: MIT
//
// From maps to a list of features: each image's numbers in a row, channel by channel.
//
//   x (N, C, H, W) or any other rank    y (N, C H W)
//
//   forward     y[n, (c H + h) W + w] = x[n,c,h,w]
//   backward    dx = dy, under the old shape
#pragma once

#include <algorithm>

#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// x of any rank to y (N, features).
struct Flatten {
  static constexpr std::string_view kind = "flatten";
  static constexpr bool is_view = true;  // Sequential lets y share the memory of x

  template <std::size_t R>
  Shape<2> output_shape(Shape<R> x) const {
    return {x[0], x.with_batch(1).size()};
  }

  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, 2> y, NoPass&, const Context&) const {
    check_shapes(*this, x, y);
    std::copy(x.begin(), x.end(), y.begin());
  }

  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, 2> y, View<const T, 2> dy, View<T, R> dx, NoPass&,
                const Context&) const {
    check_shapes(*this, x, y, dy, dx);
    std::copy_n(dy.begin(), dx.size(), dx.begin());
  }
};

/// A Flatten, for sequential<float>(...).
inline constexpr Flatten flatten{};

}  // namespace fovea::inline FOVEA_ABI
