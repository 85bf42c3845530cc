// SPDX-License-Identifier: MIT
//
// The fully connected layer as its formula says it, three nested loops:
// what Linear is measured against.
//
//   y[n,o] = b[o] + sum over i of  W[o,i] x[n,i]
//
//   dx[n,i] += dy[n,o] W[o,i]      dW[o,i] += dy[n,o] x[n,i]      db[o] += dy[n,o]
//
//   x (N, in)    W (out, in)    b (out)    y (N, out)
//
// Each number that is loaded takes part in one multiply-add, so the loops wait
// for memory, not for arithmetic.
#pragma once

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI::reference {

/// y of x; `bias` may be empty. Throws unless the shapes fit.
template <class T>
void linear(View<const T, 2> x, View<const T, 2> weight, View<const T, 1> bias, View<T, 2> y) {
  check(weight.shape() == Shape<2>(y.extent(1), x.extent(1)) && x.extent(0) == y.extent(0),
        "linear: expected a weight ", Shape<2>(y.extent(1), x.extent(1)), " for x ", x.shape(),
        " and y ", y.shape(), " of one batch, got ", weight.shape());
  for (Index n = 0; n < y.extent(0); ++n)
    for (Index o = 0; o < y.extent(1); ++o) {
      T sum = bias.empty() ? T{0} : bias(o);
      for (Index i = 0; i < x.extent(1); ++i) sum += weight(o, i) * x(n, i);
      y(n, o) = sum;
    }
}

/// dW, db and dx of dy; db and dx may be empty. Throws unless the shapes fit.
template <class T>
void linear_backward(View<const T, 2> x, View<const T, 2> weight, View<const T, 2> dy,
                     View<T, 2> dweight, View<T, 1> dbias, View<T, 2> dx) {
  check(weight.shape() == Shape<2>(dy.extent(1), x.extent(1)) && x.extent(0) == dy.extent(0),
        "linear: expected a weight ", Shape<2>(dy.extent(1), x.extent(1)), " for x ", x.shape(),
        " and dy ", dy.shape(), " of one batch, got ", weight.shape());
  check(dweight.shape() == weight.shape() && (dx.empty() || dx.shape() == x.shape()),
        "linear: expected gradients ", weight.shape(), " and ", x.shape(), ", got ",
        dweight.shape(), " and ", dx.shape());
  dweight.fill(T{0}), dbias.fill(T{0}), dx.fill(T{0});
  for (Index n = 0; n < dy.extent(0); ++n)
    for (Index o = 0; o < dy.extent(1); ++o) {
      const T g = dy(n, o);
      if (!dbias.empty()) dbias(o) += g;
      for (Index i = 0; i < x.extent(1); ++i) {
        dweight(o, i) += g * x(n, i);
        if (!dx.empty()) dx(n, i) += g * weight(o, i);
      }
    }
}

}  // namespace fovea::inline FOVEA_ABI::reference
