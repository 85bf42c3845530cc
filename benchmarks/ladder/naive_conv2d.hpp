// SPDX-License-Identifier: MIT
//
// Rung 1: convolution as its formula says it, seven nested loops.
//
//   y[n,o,i,j] = b[o] + sum over c,kh,kw of  W[o,c,kh,kw] x[n, c, i s - p + kh d, j s - p + kw d]
//
// And the way back: whatever y took from x through W, dx and dW take from dy through the same triple.
//
//   dW[o,c,kh,kw] += dy[n,o,i,j] x[n,c,h,w]      dx[n,c,h,w] += dy[n,o,i,j] W[o,c,kh,kw]
//
// Here everything is easy to see, and the machine is nearly idle: every multiply-add computes two
// addresses, asks whether it is still inside the image, and waits for the sum before it.
#pragma once

#include "fovea/nn/conv2d.hpp"

namespace ladder {

using namespace fovea;

/// A Conv2d without groups that computes in the most obvious way, on one thread.
template <class T>
struct NaiveConv2d : Conv2d<T> {
  using Conv2d<T>::Conv2d;
  using Pass = typename Conv2d<T>::Pass;

  void forward(View<const T, 4> x, View<T, 4> y, Pass&, const Context&) const {
    for (Index n = 0; n < y.extent(0); ++n)
      for (Index o = 0; o < y.extent(1); ++o)
        for (Index i = 0; i < y.extent(2); ++i)
          for (Index j = 0; j < y.extent(3); ++j) {
            T sum = this->bias.empty() ? T{0} : this->bias(o);
            for_taps(x, i, j, [&](Index c, Index kh, Index kw, Index h, Index w) {
              sum += this->weight(o, c, kh, kw) * x(n, c, h, w);
            });
            y(n, o, i, j) = sum;
          }
  }

  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context&) const {
    for (View<T, 4> gradient : {pass.dweight.view(), dx}) gradient.fill(T{0});
    pass.dbias.fill(T{0});
    for (Index n = 0; n < dy.extent(0); ++n)
      for (Index o = 0; o < dy.extent(1); ++o)
        for (Index i = 0; i < dy.extent(2); ++i)
          for (Index j = 0; j < dy.extent(3); ++j) {
            const T g = dy(n, o, i, j);
            if (!pass.dbias.empty()) pass.dbias(o) += g;
            for_taps(x, i, j, [&](Index c, Index kh, Index kw, Index h, Index w) {
              pass.dweight(o, c, kh, kw) += g * x(n, c, h, w);
              if (!dx.empty()) dx(n, c, h, w) += g * this->weight(o, c, kh, kw);
            });
          }
  }

 private:
  // The three innermost loops: all that output position (i, j) sees of the image.
  template <class F>
  void for_taps(View<const T, 4> x, Index i, Index j, F&& f) const {
    const auto [kernel, stride, padding, dilation] = this->window();
    for (Index c = 0; c < x.extent(1); ++c)
      for (Index kh = 0; kh < kernel.h; ++kh)
        for (Index kw = 0; kw < kernel.w; ++kw) {
          const Index h = i * stride.h - padding.h + kh * dilation.h;
          const Index w = j * stride.w - padding.w + kw * dilation.w;
          if (h >= 0 && h < x.extent(2) && w >= 0 && w < x.extent(3)) f(c, kh, kw, h, w);
        }
  }
};

}  // namespace ladder
