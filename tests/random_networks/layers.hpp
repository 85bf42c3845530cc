// SPDX-License-Identifier: MIT
//
// Layers that networks are drawn with besides those of the library and of toy_layers.hpp.
#pragma once

#include "fovea/fovea.hpp"
#include "toy_layers.hpp"

namespace random_networks {

using namespace fovea;
using namespace toy;

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
struct Concat {
  static constexpr std::string_view kind = "concat";
  static constexpr std::size_t R = A::input_rank;
  using value_type = typename A::value_type;
  using T = value_type;
  A left;
  B right;

  struct Pass {
    Workspace<A> left;
    Workspace<B> right;
  };
  static constexpr auto children() {
    return std::tuple{Child{"left", &Concat::left, &Pass::left},
                      Child{"right", &Concat::right, &Pass::right}};
  }
  Pass pass(Shape<R> x, const WorkspaceOptions& how) const {
    WorkspaceOptions inner = how;
    inner.input_gradient = how.keep != Keep::output;
    return {left.workspace(x[0], inner), right.workspace(x[0], inner)};
  }
  Shape<R> output_shape(Shape<R> x) const {
    auto a = std::get<A::depth - 1>(left.output_shapes(x[0]));
    const auto b = std::get<B::depth - 1>(right.output_shapes(x[0]));
    a[1] += b[1];
    check(a.size() * b[1] == b.size() * a[1], "expected images of one size, got ", a, " and ", b);
    return a;
  }
  void forward(View<const T, R> x, View<T, R> y, Pass& pass, const Context& context) const {
    const auto a = left.forward(x, pass.left, context.child("left"));
    const auto b = right.forward(x, pass.right, context.child("right"));
    T* to = y.data();
    for (Index n = 0; n < x.extent(0); ++n) {
      to = std::copy(a[n].begin(), a[n].end(), to);
      to = std::copy(b[n].begin(), b[n].end(), to);
    }
  }
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx,
                Pass& pass, const Context&) const {
    const Index N = x.extent(0), C = y.extent(1), CA = channels(left), area = y.size() / (N * C);
    Tensor<T, R> da(part(y.shape(), CA)), db(part(y.shape(), C - CA));
    for (Index n = 0; n < N; ++n) {
      std::copy_n(dy[n].begin(), CA * area, da[n].begin());
      std::copy_n(dy[n].begin() + CA * area, (C - CA) * area, db[n].begin());
    }
    left.template backward_from<A::depth - 1>(da, pass.left);
    right.template backward_from<B::depth - 1>(db, pass.right);
    const auto dx_left = pass.left.input_gradient(), dx_right = pass.right.input_gradient();
    for (Index i = 0; i < dx.size(); ++i) dx.data()[i] = dx_left.data()[i] + dx_right.data()[i];
  }

 private:
  template <class Net>
  static Index channels(const Net& net) {
    return std::get<Net::depth - 1>(net.output_shapes(1))[1];
  }
  static Shape<R> part(Shape<R> y, Index channels) {
    y[1] = channels;
    return y;
  }
};
template <class A, class B>
Concat(A, B) -> Concat<A, B>;

}  // namespace random_networks
