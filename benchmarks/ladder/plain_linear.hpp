// SPDX-License-Identifier: MIT
//
// The linear layer of rungs 1 and 2: the three products of nn/linear.hpp, with three loops each.
//
//   y = x W^T + b      dx = dy W      dW = dy^T x      db[o] = sum over n of dy[n,o]
//
// From rung 3 on the library's own layer takes its place, which differs in the product alone.
#pragma once

#include "fovea/nn/linear.hpp"
#include "ladder/products.hpp"

namespace ladder {

using namespace fovea;

template <class T>
struct PlainLinear : Linear<T> {
  using Linear<T>::Linear;
  using Pass = typename Linear<T>::Pass;

  void forward(View<const T, 2> x, View<T, 2> y, Pass&, const Context&) const {
    multiply(x, this->weight.view(), y, false, true);
    for (Index n = 0; n < y.extent(0); ++n)
      for (Index o = 0; o < this->bias.size(); ++o) y(n, o) += this->bias(o);
  }

  void backward(View<const T, 2> x, View<const T, 2> /*y*/, View<const T, 2> dy, View<T, 2> dx,
                Pass& pass, const Context&) const {
    multiply(dy, x, pass.dweight.view(), true, false);
    if (!dx.empty()) multiply(dy, this->weight.view(), dx, false, false);
    pass.dbias.fill(T{0});
    for (Index n = 0; n < dy.extent(0); ++n)
      for (Index o = 0; o < pass.dbias.size(); ++o) pass.dbias(o) += dy(n, o);
  }

 private:
  static void multiply(View<const T, 2> a, View<const T, 2> b, View<T, 2> c, bool turn_a,
                       bool turn_b) {
    const Matrix<const T> A(a.data(), a.extent(0), a.extent(1));
    const Matrix<const T> B(b.data(), b.extent(0), b.extent(1));
    PlainProduct::multiply<T>(turn_a ? A.transposed() : A, turn_b ? B.transposed() : B,
                              {c.data(), c.extent(0), c.extent(1)}, false);
  }
};

}  // namespace ladder
