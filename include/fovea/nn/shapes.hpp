// SPDX-License-Identifier: MIT
//
// What forward and backward of the library's layers look at first: whether the views that
// they are given fit together. Inside a network they always do; a layer that is called by
// itself would otherwise write beyond them.
#pragma once

#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

/// Throws unless y has the shape that the layer makes of x.
template <class Layer, class T, class U, std::size_t R, std::size_t S>
void check_shapes(const Layer& layer, const View<T, R>& x, const View<U, S>& y) {
  const auto expected = layer.output_shape(x.shape());
  check(y.shape() == expected, Layer::kind, ": expected y of shape ", expected, " for x ",
        x.shape(), ", got ", y.shape());
}

/// The same for backward: dy has the shape of y, and dx that of x unless it is empty.
template <class Layer, class X, class Y, class DY, class DX>
void check_shapes(const Layer& layer, const X& x, const Y& y, const DY& dy, const DX& dx) {
  check_shapes(layer, x, y);
  check(dy.shape() == y.shape(), Layer::kind, ": expected dy of shape ", y.shape(), ", got ",
        dy.shape());
  check(dx.empty() || dx.shape() == x.shape(), Layer::kind, ": expected dx of shape ", x.shape(),
        ", got ", dx.shape());
}

/// The same for a layer that reads x again after it has begun to write y:
/// they have no memory in common.
template <class Layer, class X, class Y>
void check_forward(const Layer& layer, const X& x, const Y& y) {
  check_shapes(layer, x, y);
  check(!overlap(x, y), Layer::kind,
        ": expected a y with memory of its own, got one that overlaps x");
}

/// The same for backward: dx overlaps neither x nor dy.
template <class Layer, class X, class Y, class DY, class DX>
void check_backward(const Layer& layer, const X& x, const Y& y, const DY& dy, const DX& dx) {
  check_shapes(layer, x, y, dy, dx);
  check(!overlap(dx, x) && !overlap(dx, dy), Layer::kind,
        ": expected a dx with memory of its own, got one that overlaps x or dy");
}

/// Throws unless the Pass has a gradient of the right shape for every
/// parameter, if they are wanted.
template <class Layer>
void check_gradients(const Layer& layer, const typename Layer::Pass& pass, const Context& context) {
  if (!context.parameter_gradients) return;
  detail::each_parameter<Layer>([&](const auto& p) {
    const auto &expected = (layer.*p.value).shape(), &found = (pass.*p.gradient).shape();
    check(found == expected, Layer::kind, ": expected a gradient of shape ", expected, " of ",
          p.name, " in the Pass, found ", found);
  });
}

}  // namespace fovea::inline FOVEA_ABI
