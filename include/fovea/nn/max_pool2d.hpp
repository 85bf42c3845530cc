// SPDX-License-Identifier: MIT
//
// Max-pooling: of every window only the strongest response passes. What is found matters, where
// exactly it is matters less, and the image shrinks.
//
//   y[n,c,i,j] = max over kh,kw of  x[n, c, i s - p + kh, j s - p + kw]
//
//   x (N, C, H, W)    y (N, C, OH, OW)    stride s = kernel unless said otherwise
//
// Padding counts as -infinity: it never wins. On a tie the first in raster order wins; a NaN wins
// over everything, so that it cannot hide.
//
//   forward     remember who won:  winner[n,c,i,j] = its offset in the plane x[n,c]
//   backward    the gradient goes to the winner and nowhere else:  dx[n,c][winner] += dy[n,c,i,j]
#pragma once

#include <limits>

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

struct MaxPool2dOptions {
  Extent2 kernel = 2;
  Extent2 stride = 0;  ///< 0: the kernel, windows side by side
  Extent2 padding = 0;
};

class MaxPool2d {
 public:
  static constexpr std::string_view kind = "pool";

  MaxPool2dOptions options;

  struct Pass {
    Tensor<std::int32_t, 4> winner;  // (N, C, OH, OW)
  };

  explicit MaxPool2d(MaxPool2dOptions o = {}) : options(o) {
    if (o.stride == Extent2{0}) options.stride = o.kernel;
    window().validate();
    check(2 * o.padding.h <= o.kernel.h && 2 * o.padding.w <= o.kernel.w,
          "MaxPool2d: expected a padding of at most half the kernel, got ", o.padding, " for ",
          o.kernel);
  }

  Window window() const { return {options.kernel, options.stride, options.padding, 1}; }

  Shape<4> output_shape(Shape<4> x) const {
    const auto [N, C, H, W] = x;
    const auto [OH, OW] = window().output(H, W);
    check(OH > 0 && OW > 0, "a window of ", options.kernel, " does not fit into ", x);
    check(H * W <= std::numeric_limits<std::int32_t>::max(), "an image of ", x, " is too large");
    return {N, C, OH, OW};
  }

  Pass pass(Shape<4> x, const PassOptions&) const {
    return {.winner = Tensor<std::int32_t, 4>(output_shape(x))};
  }

  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      for (Index c = 0; c < x.extent(1); ++c) forward_plane<T>(x[n][c], y[n][c], pass.winner[n][c]);
    });
  }

  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    if (dx.empty()) return;
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      dx[n].fill(T{0});
      for (Index c = 0; c < x.extent(1); ++c) {
        const auto in = dx[n][c];
        const auto out_gradient = dy[n][c];
        const auto winner = pass.winner[n][c];
        // dx[n,c][winner] += dy[n,c,i,j]                     | y[n,c,i,j] = x[n,c][winner]
        for (Index p = 0; p < winner.size(); ++p)
          in.data()[winner.data()[p]] += out_gradient.data()[p];
      }
    });
  }

 private:
  // One row of windows at a time, one kernel position after the other. The innermost loop runs along
  // the row and has no branch, so that it becomes vector instructions; for that the compiler must
  // also know the most common stride.
  template <class T>
  void forward_plane(View<const T, 2> x, View<T, 2> y, View<std::int32_t, 2> winner) const {
    const auto [kernel, stride, padding, dilation] = window();
    const Index H = x.extent(0), W = x.extent(1), OW = y.extent(1);
    winner.fill(-1);
    for (Index oh = 0; oh < y.extent(0); ++oh)
      for (Index kh = 0; kh < kernel.h; ++kh) {
        const Index h = oh * stride.h - padding.h + kh;
        if (h < 0 || h >= H) continue;
        for (Index kw = 0; kw < kernel.w; ++kw) {
          const auto [first, last] = outputs_inside(W, OW, stride.w, padding.w, kw);
          const Index place = h * W + first * stride.w - padding.w + kw;
          T* const best = y[oh].data() + first;
          std::int32_t* const where = winner[oh].data() + first;
          if (stride.w == 2)
            challenge(x.data(), place, std::integral_constant<int, 2>{}, last - first, best, where);
          else
            challenge(x.data(), place, static_cast<int>(stride.w), last - first, best, where);
        }
      }
  }

  // Element place + i stride takes window i if it is larger, or the first, or the first NaN.
  template <class T, class Stride>
  static void challenge(const T* x, Index place, Stride stride, Index count, T* best,
                        std::int32_t* where) {
    const T* const in = x + place;
    const auto from = static_cast<std::int32_t>(place);
    for (std::int32_t i = 0; i < count; ++i) {
      const T value = in[Index{i} * stride], old = best[i];
      const bool wins = (where[i] < 0) | (!(value <= old) & (old == old));
      best[i] = wins ? value : old;
      where[i] = wins ? from + i * stride : where[i];
    }
  }
};

}  // namespace fovea::inline FOVEA_ABI
