// SPDX-License-Identifier: MIT
//
// Layers that networks are drawn with besides those of the library.
#pragma once

#include "fovea/fovea.hpp"
#include "fovea/nn/conv_transpose2d.hpp"
#include "fovea/nn/group_norm.hpp"
#include "fovea/nn/pad2d.hpp"
#include "fovea/nn/softmax.hpp"
#include "fovea/nn/upsample.hpp"

namespace random_networks {

using namespace fovea;

/// y = scale[c] x. Rank 4 or 2.
template <class T>
struct Scale {
  static constexpr std::string_view kind = "scale";
  using value_type = T;
  Tensor<T, 1> scale;

  struct Pass {
    Tensor<T, 1> dscale;
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"scale", &Scale::scale, &Pass::dscale}};
  }
  explicit Scale(Index channels) : scale(Shape{channels}, T{1}) {}

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    check(x[1] == scale.size(), "expected (N, ", scale.size(), ", ...), got ", x);
    return x;
  }
  template <std::size_t R>
  Pass pass(Shape<R>, const WorkspaceOptions&) const {
    return {Tensor<T, 1>(scale.shape())};
  }
  template <std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, Pass&, const Context&) const {
    const Index area = x.size() / (x.extent(0) * x.extent(1));
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = scale[i / area % scale.size()] * x.data()[i];
  }
  template <std::size_t R>
  void backward(View<const T, R> x, View<const T, R>, View<const T, R> dy, View<T, R> dx,
                Pass& pass, const Context& context) const {
    const Index C = scale.size(), area = x.size() / (x.extent(0) * C);
    for (Index i = 0; i < dx.size(); ++i) dx.data()[i] = scale[i / area % C] * dy.data()[i];
    if (!context.parameter_gradients) return;
    pass.dscale.fill(T{0});
    for (Index i = 0; i < x.size(); ++i) pass.dscale[i / area % C] += dy.data()[i] * x.data()[i];
  }
};

/// The outputs of two networks, one after the other along the channels. Rank 4 or 2.
template <class A, class B>
struct Both {
  static constexpr std::string_view kind = "both";
  A left;
  B right;
  static constexpr auto children() {
    return std::tuple{Child{"left", &Both::left}, Child{"right", &Both::right}};
  }
  auto compose(auto& graph, const auto& x) const {
    const auto a = graph.run("left", left, x);
    const auto b = graph.run("right", right, x);
    return graph.run("concat", Concat{}, a, b);
  }
};
template <class A, class B>
Both(A, B) -> Both<A, B>;

}  // namespace random_networks
