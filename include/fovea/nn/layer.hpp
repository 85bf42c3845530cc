// SPDX-License-Identifier: MIT
//
// The contract: what a layer is.
//
// A layer is a plain value that holds its parameters. It computes y = f(x; theta), and backward:
// for s = <y, dy> it ASSIGNS dx = ds/dx and dtheta = ds/dtheta (nothing accumulates, so there is
// nothing to set to zero). What a pass computes beside y and dx is stored in a `Pass`, which the
// caller owns.
//
//   struct Scale {                                          // y = a x, a reader's own layer
//     static constexpr std::string_view kind = "scale";     // Sequential will call it scale1
//     using value_type = double;                            // T, of a layer that has one
//     Tensor<double, 1> a{1.0};
//     struct Pass { Tensor<double, 1> da{0.0}; };           // what backward assigns
//     static constexpr auto parameters() {
//       return std::tuple{Parameter{"a", &Scale::a, &Pass::da}};
//     }
//
//     Shape<2> output_shape(Shape<2> x) const { return x; } // throws when x cannot be taken
//     void forward(View<const double, 2> x, View<double, 2> y, Pass&, const Context&) const;
//     void backward(View<const double, 2> x, View<const double, 2> y, View<const double, 2> dy,
//                   View<double, 2> dx, Pass& pass, const Context&) const;
//   };
//
// Optional members, each with the default that suits a simple layer:
//   Pass                  what one pass stores (default: nothing)
//   pass(shape, options)  makes it for inputs of at most that shape (default: Pass{})
//   parameters()          trained: name, member of the layer, its gradient in the Pass
//   buffers()             saved but not trained: name, member of the layer, and of the Pass
//   multiply_adds(shape), window()  for summary() and receptive fields, see model/seen.hpp
//   settings()           text: what else decides what it computes, for architecture(net)
//   sees_all             a constant: a unit of y reads whole maps of x, for receptive fields
//   sees_elsewhere       a constant: it reads others than its own place, and no window() says which
//   is_view              a constant: y is x under another shape and may share its memory
//   ignores_output       a constant: backward does not read y
//
// A workspace with {.recompute = true} runs forward of cheap layers again before backward
// (Context::again): y has to be the same, and buffers keep the new values that they have.
//
// A layer made of layers has compose() instead of forward and backward, see nn/composite.hpp. A
// layer that joins several values, y = f(a, b), has one x and one dx for each of them:
// output_shape(a, b), forward(a, b, y, ...), backward(a, b, y, dy, da, db, ...).
//
// `dx` is empty when it is not needed. Extents are run-time values, ranks are types, and T is a
// template parameter: `float` trains, `double` is the same code gradient-checked.
#pragma once

#include <string_view>
#include <tuple>

#include "fovea/core/random.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/nn/context.hpp"

namespace fovea::inline FOVEA_ABI {

/// A trained tensor: its name, the member that holds it, the member of Pass that gets its gradient.
template <class Value, class Gradient>
struct Parameter {
  std::string_view name;
  Value value;        ///< pointer to a member of the layer
  Gradient gradient;  ///< pointer to a member of its Pass
};
template <class Value, class Gradient>
Parameter(std::string_view, Value, Gradient) -> Parameter<Value, Gradient>;

/// A saved tensor that is not trained; `update` is the member of Pass
/// with its value after the step.
template <class Value, class Update>
struct Buffer {
  std::string_view name;
  Value value;    ///< pointer to a member of the layer
  Update update;  ///< pointer to a member of its Pass
};
template <class Value, class Update>
Buffer(std::string_view, Value, Update) -> Buffer<Value, Update>;

/// A layer inside a layer: its name, and the member that holds it. See nn/composite.hpp.
template <class Member>
struct Child {
  std::string_view name;
  Member layer;  ///< pointer to a member of the layer
};
template <class Member>
Child(std::string_view, Member) -> Child<Member>;

/// The Pass of a layer that stores nothing.
struct NoPass {};

namespace detail {

// Calls f with every entry of one of a layer's lists, if the layer has that list.
template <class Layer, class F>
constexpr void each_parameter(F&& f) {
  if constexpr (requires { Layer::parameters(); })
    std::apply([&](const auto&... p) { (f(p), ...); }, Layer::parameters());
}
template <class Layer, class F>
constexpr void each_buffer(F&& f) {
  if constexpr (requires { Layer::buffers(); })
    std::apply([&](const auto&... b) { (f(b), ...); }, Layer::buffers());
}
template <class Layer, std::size_t... R>
auto make_pass(const Layer& layer, const WorkspaceOptions& options, const Shape<R>&... x) {
  if constexpr (requires { layer.pass(x..., options); })
    return layer.pass(x..., options);
  else if constexpr (requires { typename Layer::Pass; })
    return typename Layer::Pass{};
  else
    return NoPass{};
}

}  // namespace detail

/// A layer whose T, rng and options.in (or another number) follow from its network, see
/// nn/specification.hpp.
template <template <class> class L, class Options, Index Options::*in = &Options::in>
struct InputSpec {
  /// The layer that it specifies.
  template <class T>
  using Layer = L<T>;
  Options options{};  ///< in = 0: as many channels or features as the input has
  /// The layer for inputs of this shape.
  template <class T, std::size_t R>
  L<T> make(const Shape<R>& x, Rng& rng) const {
    Options o = options;
    if (o.*in == 0) o.*in = x[1];
    if constexpr (requires { L<T>{o, rng}; })
      return L<T>{o, rng};
    else
      return L<T>{o};
  }
};

/// A layer made of layers, see nn/composite.hpp.
template <class Layer>
concept Composite = requires {
  Layer::children();
}
|| requires { Layer::is_chain; };

/// A layer that can take an input of rank R. What is inside a composite
/// says itself what it cannot take.
template <class Layer, std::size_t R>
concept AcceptsRank = Composite<Layer> || requires(const Layer& layer, Shape<R> shape) {
  layer.output_shape(shape);
};
}  // namespace fovea::inline FOVEA_ABI
