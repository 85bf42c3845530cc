// SPDX-License-Identifier: MIT
//
// The linear layer of rungs 1 and 2: the three nested loops of nn/reference/linear.hpp, on one thread.
//
// From rung 3 on the library's own layer takes its place, which differs in the product alone.
#pragma once

#include "fovea/nn/linear.hpp"
#include "fovea/nn/reference/linear.hpp"

namespace ladder {

using namespace fovea;

/// A Linear that computes in the most obvious way.
template <class T>
struct PlainLinear : Linear<T> {
  using Linear<T>::Linear;
  using Pass = typename Linear<T>::Pass;

  void forward(View<const T, 2> x, View<T, 2> y, Pass&, const Context&) const {
    reference::linear<T>(x, this->weight, this->bias, y);
  }

  void backward(View<const T, 2> x, View<const T, 2> /*y*/, View<const T, 2> dy, View<T, 2> dx,
                Pass& pass, const Context&) const {
    reference::linear_backward<T>(x, this->weight, dy, pass.dweight, pass.dbias, dx);
  }
};

}  // namespace ladder
