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
    const auto [N, C, H, W] = x.shape();
    const Index OH = y.extent(2), OW = y.extent(3);
    const auto [kernel, stride, padding, dilation] = window();
    parallel_for(context.threads, N * C, [&, H = H, W = W, kernel = kernel, stride = stride,
                                          padding = padding](Index plane, int) {
      const T* in = x.data() + plane * H * W;
      T* out = y.data() + plane * OH * OW;
      std::int32_t* winner = pass.winner.data() + plane * OH * OW;
      for (Index oh = 0; oh < OH; ++oh)
        for (Index ow = 0; ow < OW; ++ow) {
          const Index top = oh * stride.h - padding.h, left = ow * stride.w - padding.w;
          Index best = std::max<Index>(top, 0) * W + std::max<Index>(left, 0);
          for (Index h = std::max<Index>(top, 0); h < std::min(top + kernel.h, H); ++h)
            for (Index w = std::max<Index>(left, 0); w < std::min(left + kernel.w, W); ++w)
              if (in[h * W + w] > in[best] || in[h * W + w] != in[h * W + w]) best = h * W + w;
          *out++ = in[best];
          *winner++ = static_cast<std::int32_t>(best);
        }
    });
  }

  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    if (dx.empty()) return;
    const auto [N, C, H, W] = x.shape();
    const Index P = y.extent(2) * y.extent(3);
    parallel_for(context.threads, N * C, [&, HW = H * W](Index plane, int) {
      T* const in = dx.data() + plane * HW;
      std::fill_n(in, HW, T{0});
      for (Index p = plane * P; p < (plane + 1) * P; ++p)
        in[pass.winner.data()[p]] += dy.data()[p];  // | y[n,c,i,j] = x[n,c][winner]
    });
  }
};

}  // namespace fovea::inline FOVEA_ABI
