// SPDX-License-Identifier: MIT
//
// BatchNorm2d and an activation as one step.
//
//   forward    y = f(t), t = gamma (x - mean) / sqrt(var + eps) + beta
//   backward   g = f'(t) dy with t computed again, then as in nn/batch_norm2d.hpp
//
// A normalisation and an activation by themselves do next to nothing with every number that they
// read, so they cost what memory costs: the batch is read or written five times forward and eight
// times backward. Here t and its gradient are never written, which leaves three times, and five
// (seven for Relu, whose y says where it was clipped), and one value less to keep.
#pragma once

#include "fovea/engine/fused_group.hpp"
#include "fovea/nn/activations.hpp"
#include "fovea/nn/batch_norm2d.hpp"
#include "fovea/nn/relu.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// f(t), and ds/dt from ds/dy = g.
template <class Layer>
struct AfterNorm {
  Layer layer;
  template <class V>
  V value(V t) const {
    if constexpr (std::is_same_v<Layer, Relu>)
      return t < V{} ? V{} : t;
    else
      return layer.value(t);
  }
  template <class V>
  V gradient(V t, V y, V g) const {
    if constexpr (std::is_same_v<Layer, Relu>)
      return y > V{} ? g : V{};
    else
      return g * layer.slope(t, y);
  }
};

}  // namespace detail

/// BatchNorm2d and this activation: y (N, C, H, W) from x (N, C, H, W).
template <class T, class Layer>
class NormActivation final : public FusedGroup<T> {
 public:
  using First = BatchNorm2d<T>;  ///< what it begins with
  using Second = Layer;          ///< what follows

  /// A normalisation of images and an activation.
  static std::size_t match(Neighbours<T> layers, const Extents& x, const WorkspaceOptions&) {
    return x.rank == 4 && layers.size() >= 2 && layers[0]->template is<BatchNorm2d<T>>() &&
                   layers[1]->template is<Layer>()
               ? 2
               : 0;
  }

  /// All memory is in the Pass of the normalisation.
  [[gnu::cold]] NormActivation(Neighbours<T> layers, const Extents&, const WorkspaceOptions&)
      : norm_(*layers[0]), activation_(*layers[1]) {}

  bool runs_again() const override { return true; }
  bool ignores_output() const override {
    if constexpr (requires { Layer::ignores_output; }) return Layer::ignores_output;
    return false;
  }
  /// y = f(t)
  void forward(AnyView<const T> x, AnyView<T> y, const Context& context) override {
    norm().forward(x.template as<4>(), y.template as<4>(), pass(), context, f());
  }
  /// The activation of t alone.
  bool forward_after(std::size_t, AnyView<const T> t, AnyView<T> y,
                     const Context& context) override {
    NoPass nothing;
    activation().forward(t.template as<4>(), y.template as<4>(), nothing, context);
    return true;
  }
  /// Assigns dx, unless it is empty, and the gradients of gamma and beta.
  void backward(AnyView<const T> x, AnyView<const T> y, AnyView<const T> dy, AnyView<T> dx,
                const Context& context) override {
    norm().backward(x.template as<4>(), y.template as<4>(), dy.template as<4>(),
                    dx.template as<4>(), pass(), context, f());
  }

 private:
  const BatchNorm2d<T>& norm() const { return norm_.template get<BatchNorm2d<T>>(); }
  typename BatchNorm2d<T>::Pass& pass() const {
    return norm_.template pass<typename BatchNorm2d<T>::Pass>();
  }
  const Layer& activation() const { return activation_.template get<Layer>(); }
  detail::AfterNorm<Layer> f() const {
    if constexpr (requires(const Layer& layer) { layer.validate(); }) activation().validate();
    return {activation()};
  }

  const AnyLayer<T>&norm_, &activation_;
};

}  // namespace fovea::inline FOVEA_ABI
