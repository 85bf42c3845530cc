// SPDX-License-Identifier: MIT
//
// Rung 1: convolution as its formula says it, the seven nested loops of nn/reference/conv2d.hpp, on one thread.
#pragma once

#include "fovea/nn/conv2d.hpp"
#include "fovea/nn/reference/conv2d.hpp"

namespace ladder {

using namespace fovea;

/// A Conv2d that computes in the most obvious way.
template <class T>
struct NaiveConv2d : Conv2d<T> {
  using Conv2d<T>::Conv2d;
  using Pass = typename Conv2d<T>::Pass;

  void forward(View<const T, 4> x, View<T, 4> y, Pass&, const Context&) const {
    reference::conv2d<T>(x, this->weight, this->bias, this->window(), this->options.groups, y);
  }

  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context&) const {
    reference::conv2d_backward<T>(x, this->weight, dy, this->window(), this->options.groups,
                                  pass.dweight, pass.dbias, dx);
  }
};

}  // namespace ladder
