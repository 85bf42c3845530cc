// SPDX-License-Identifier: MIT
//
// Convolution as its formula says it, seven nested loops: what Conv2d and its
// kernels are measured against.
//
//   y[n,o,i,j] = b[o] + sum over c,kh,kw of  W[o,c,kh,kw] x[n, c, i s - p + kh d, j s - p + kw d]
//
// Backward: whatever y took from x through W, dx and dW take from dy through the same triple.
//
//   dW[o,c,kh,kw] += dy[n,o,i,j] x[n,c,h,w]      dx[n,c,h,w] += dy[n,o,i,j] W[o,c,kh,kw]
//
//   x (N, C, H, W)    W (O, C/g, KH, KW)    b (O)    y (N, O, OH, OW)
//
// With g groups, output o sees the channels from o / (O/g) C/g on. Here everything is easy to see,
// and the machine is nearly idle: every multiply-add computes two addresses, asks whether it is
// still inside the image, and waits for the sum before it.
#pragma once

#include "fovea/core/tensor.hpp"
#include "fovea/kernels/window.hpp"

namespace fovea::inline FOVEA_ABI::reference {

namespace detail {

// Throws unless these are the shapes of one convolution.
inline void check_conv2d(Shape<4> x, Shape<4> weight, const Window& window, Index groups,
                         Shape<4> y) {
  check(groups > 0 && weight[0] % groups == 0, "conv2d: expected groups that divide ", weight[0],
        " outputs, got ", groups);
  const Shape<4> w{y[1], x[1] / groups, window.kernel.h, window.kernel.w};
  check(weight == w && x[1] % groups == 0, "conv2d: expected a weight ", w, " for x ", x, ", y ", y,
        " and ", groups, " groups, got ", weight);
  const auto [OH, OW] = window.output(x[2], x[3]);
  const Shape<4> expected{x[0], weight[0], OH, OW};
  check(y == expected, "conv2d: expected y ", expected, ", got ", y);
}

}  // namespace detail

/// The three innermost loops, all that output position (i, j) sees of an image: f(c, kh, kw, h, w)
/// for every tap of `channels` channels whose pixel (h, w) is not padding.
template <class F>
void for_taps(Index channels, Extent2 image, const Window& window, Index i, Index j, F&& f) {
  const auto [kernel, stride, padding, dilation] = window;
  for (Index c = 0; c < channels; ++c)
    for (Index kh = 0; kh < kernel.h; ++kh)
      for (Index kw = 0; kw < kernel.w; ++kw) {
        const Index h = i * stride.h - padding.h + kh * dilation.h;
        const Index w = j * stride.w - padding.w + kw * dilation.w;
        if (h >= 0 && h < image.h && w >= 0 && w < image.w) f(c, kh, kw, h, w);
      }
}

/// y of x; `bias` may be empty. Throws unless the shapes fit.
template <class T>
void conv2d(View<const T, 4> x, View<const T, 4> weight, View<const T, 1> bias,
            const Window& window, Index groups, View<T, 4> y) {
  detail::check_conv2d(x.shape(), weight.shape(), window, groups, y.shape());
  const auto [O, C, KH, KW] = weight.shape();
  for (Index n = 0; n < y.extent(0); ++n)
    for (Index o = 0; o < y.extent(1); ++o)
      for (Index i = 0; i < y.extent(2); ++i)
        for (Index j = 0; j < y.extent(3); ++j) {
          const Index first = o / (O / groups) * C;  // the channel that its group begins with
          T sum = bias.empty() ? T{0} : bias(o);
          for_taps(C, {x.extent(2), x.extent(3)}, window, i, j,
                   [&](Index c, Index kh, Index kw, Index h, Index w) {
                     sum += weight(o, c, kh, kw) * x(n, first + c, h, w);
                   });
          y(n, o, i, j) = sum;
        }
}

/// dW, db and dx of dy; db and dx may be empty. Throws unless the shapes fit.
template <class T>
void conv2d_backward(View<const T, 4> x, View<const T, 4> weight, View<const T, 4> dy,
                     const Window& window, Index groups, View<T, 4> dweight, View<T, 1> dbias,
                     View<T, 4> dx) {
  detail::check_conv2d(x.shape(), weight.shape(), window, groups, dy.shape());
  check(dweight.shape() == weight.shape() && (dx.empty() || dx.shape() == x.shape()),
        "conv2d: expected gradients ", weight.shape(), " and ", x.shape(), ", got ",
        dweight.shape(), " and ", dx.shape());
  const auto [O, C, KH, KW] = weight.shape();
  dweight.fill(T{0}), dbias.fill(T{0}), dx.fill(T{0});
  for (Index n = 0; n < dy.extent(0); ++n)
    for (Index o = 0; o < dy.extent(1); ++o)
      for (Index i = 0; i < dy.extent(2); ++i)
        for (Index j = 0; j < dy.extent(3); ++j) {
          const Index first = o / (O / groups) * C;
          const T g = dy(n, o, i, j);
          if (!dbias.empty()) dbias(o) += g;
          for_taps(C, {x.extent(2), x.extent(3)}, window, i, j,
                   [&](Index c, Index kh, Index kw, Index h, Index w) {
                     dweight(o, c, kh, kw) += g * x(n, first + c, h, w);
                     if (!dx.empty()) dx(n, first + c, h, w) += g * weight(o, c, kh, kw);
                   });
        }
}

}  // namespace fovea::inline FOVEA_ABI::reference
