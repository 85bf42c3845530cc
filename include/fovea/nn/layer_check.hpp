// SPDX-License-Identifier: MIT
//
// What a network asks of a layer, one error message for each mistake. Without these
// messages a compiler would name the line inside Sequential where it gave up, not the
// layer with the mistake.
//
//   error: static assertion failed: Sequential: a Flatten{} is missing in front of this layer ...
//   (in instantiation of 'struct LayerCheck<Linear<float>, float, 4>': which layer, and what it
//   gets)
#pragma once

#include <array>
#include <concepts>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

template <class Layer, std::size_t R>
using PassOf = decltype(make_pass(std::declval<const Layer&>(), WorkspaceOptions{}, Shape<R>{}));
template <class Layer, std::size_t R>
inline constexpr std::size_t output_rank_of =
    decltype(std::declval<const Layer&>().output_shape(Shape<R>{}))::rank;

template <class Layer>
concept HasKind = requires {
  { Layer::kind } -> std::convertible_to<std::string_view>;
};
template <class Layer>
concept HasOutputShape = AcceptsRank<Layer, 1> || AcceptsRank<Layer, 2> || AcceptsRank<Layer, 3> ||
    AcceptsRank<Layer, 4> || AcceptsRank<Layer, 5>;
template <class Layer, class T>
concept ComputesIn = !requires {
  typename Layer::value_type;
}
|| requires { requires std::same_as<typename Layer::value_type, T>; };

template <class Layer, class T, std::size_t R>
concept HasForward = requires(const Layer& layer, View<const T, R> x,
                              View<T, output_rank_of<Layer, R>> y, PassOf<Layer, R>& pass,
                              const Context& context) {
  layer.forward(x, y, pass, context);
};
template <class Layer, class T, std::size_t R>
concept HasBackward = requires(const Layer& layer, View<const T, R> x,
                               View<const T, output_rank_of<Layer, R>> y, View<T, R> dx,
                               PassOf<Layer, R>& pass, const Context& context) {
  layer.backward(x, y, y, dx, pass, context);
};

// Whether Layer has a member of one of these names, of any kind and access: if it has, the name is
// ambiguous in a class that inherits another one. A list that is there but cannot be read would be
// ignored, and its parameters never trained.
#define FOVEA_HAS_MEMBER(Concept, name)                    \
  struct Other_##name {                                    \
    int name;                                              \
  };                                                       \
  template <class Layer>                                   \
  struct Both_##name : Layer, Other_##name {};             \
  template <class Layer>                                   \
  concept Concept = !std::is_final_v<Layer> && !requires { \
    &Both_##name<Layer>::name;                             \
  };
FOVEA_HAS_MEMBER(NamesParameters, parameters)
FOVEA_HAS_MEMBER(NamesBuffers, buffers)
FOVEA_HAS_MEMBER(NamesChildren, children)
FOVEA_HAS_MEMBER(NamesCompose, compose)
FOVEA_HAS_MEMBER(NamesForward, forward)
FOVEA_HAS_MEMBER(NamesPass, pass)
#undef FOVEA_HAS_MEMBER

// A std::tuple of Entry<...>, such as Parameter.
template <class List, template <class, class> class Entry>
inline constexpr bool list_of = false;
template <class... A, class... B, template <class, class> class Entry>
inline constexpr bool list_of<std::tuple<Entry<A, B>...>, Entry> = true;

template <class Layer>
concept ListsParameters = requires {
  requires list_of<decltype(Layer::parameters()), Parameter>;
};
template <class Layer>
concept ListsBuffers = requires {
  requires list_of<decltype(Layer::buffers()), Buffer>;
};
template <class List>
inline constexpr bool list_of_children = false;
template <class... Member>
inline constexpr bool list_of_children<std::tuple<Child<Member>...>> = true;
template <class Layer>
concept ListsChildren = requires {
  requires list_of_children<decltype(Layer::children())>;
};

#define FOVEA_CHILDREN_MESSAGE                                                                     \
  "Sequential: children() of this layer would be ignored, it has to be a public static constexpr " \
  "function that returns std::tuple{Child{\"branch\", &Layer::branch}, ...}"

/// A layer in a network of T that gets inputs of ranks R.
template <class Layer, class T, std::size_t... R>
struct LayerCheck {  // several inputs: compose() says where they come from
  static_assert(HasKind<Layer>, "this layer has no static constexpr std::string_view kind");
  static_assert(
      requires(const Layer& layer) { layer.output_shape(Shape<R>{}...); },
      "compose: this layer cannot take values of these ranks (the last arguments of LayerCheck)");
  static constexpr bool passed = true;
};
template <class Layer, class T, std::size_t R>
requires Composite<Layer>
struct LayerCheck<Layer, T, R> {
  static_assert(HasKind<Layer>,
                "Sequential: this layer has no static constexpr std::string_view kind, after which "
                "it is named (conv1, relu1, ...)");
  static_assert(
      NamesCompose<Layer>,
      "Sequential: a layer with children() has a compose(auto& graph, auto x) const that runs them "
      "(nn/composite.hpp), and no forward and backward of its own");
  static_assert(
      requires { Layer::is_chain; } || ListsChildren<Layer>, FOVEA_CHILDREN_MESSAGE);
  static_assert(
      requires { Layer::is_chain; } ||
          (!NamesParameters<Layer> && !NamesBuffers<Layer> && !NamesForward<Layer>),
      "Sequential: a layer with children() has no parameters(), buffers() and forward() "
      "of its own, which would never be called; put them into a layer that it lists");
  static constexpr bool passed = true;
};
template <class Layer, class T, std::size_t R>
requires(!Composite<Layer>) struct LayerCheck<Layer, T, R> {
  static_assert(HasKind<Layer>,
                "Sequential: this layer has no static constexpr std::string_view kind, after which "
                "it is named (conv1, relu1, ...)");
  static_assert(HasOutputShape<Layer>,
                "Sequential: this layer has no output_shape(Shape<R>) const, which says what comes "
                "out of it");
  static_assert(
      !NamesParameters<Layer> || ListsParameters<Layer>,
      "Sequential: parameters() of this layer would be ignored, it has to be a public static "
      "constexpr function that returns std::tuple{Parameter{\"weight\", &Layer::weight, "
      "&Pass::dweight}, ...}");
  static_assert(
      !NamesBuffers<Layer> || ListsBuffers<Layer>,
      "Sequential: buffers() of this layer would be ignored, it has to be a public static "
      "constexpr function that returns std::tuple{Buffer{\"mean\", &Layer::mean, "
      "&Pass::mean}, ...}");
  static_assert(!NamesChildren<Layer>, FOVEA_CHILDREN_MESSAGE);
  static constexpr bool fits = AcceptsRank<Layer, R>, blind = !HasOutputShape<Layer>;
  static_assert(
      !fits || !NamesPass<Layer> ||
          requires(const Layer& layer, Shape<R> x) { layer.pass(x, WorkspaceOptions{}); },
      "Sequential: pass() of this layer would be ignored, it has to be a public Pass pass(Shape<R> "
      "x, "
      "const WorkspaceOptions&) const");
  static_assert(fits || blind || R <= 2 || !AcceptsRank<Layer, 2>,
                "Sequential: a Flatten{} is missing in front of this layer, which takes rows of "
                "features (N, F) and would get maps");
  static_assert(fits || blind || (R > 2 && AcceptsRank<Layer, 2>),
                "Sequential: this layer cannot take an input of this rank (the last argument of "
                "LayerCheck; images are (N, C, H, W) with the batch, so the network begins with a "
                "Shape{C, H, W})");
  static_assert(std::is_void_v<T> || ComputesIn<Layer, T>,
                "Sequential: float and double do not mix, and this layer's type is not that of the "
                "first layer that has one");
  static constexpr bool comparable = fits && !std::is_void_v<T> && ComputesIn<Layer, T>;
  static_assert(
      !comparable || HasForward<Layer, std::conditional_t<std::is_void_v<T>, float, T>, R>,
      "Sequential: this layer has no forward(View<const T, R> x, View<T, S> y, Pass&, "
      "const Context&) const that can be called; a layer of float or double says which by "
      "its value_type");
  static_assert(
      !comparable || HasBackward<Layer, std::conditional_t<std::is_void_v<T>, float, T>, R>,
      "Sequential: this layer has no backward(View<const T, R> x, View<const T, S> y, "
      "View<const T, S> dy, View<T, R> dx, Pass&, const Context&) const that can be called");
  static constexpr bool passed = true;
};
template <class Layer, class T>
requires(!Composite<Layer>) struct LayerCheck<
    Layer, T, 0> {  // after a layer that does not fit nothing is known
  static constexpr bool passed = true;
};

#undef FOVEA_CHILDREN_MESSAGE

/// All layers of a network; `Outputs` are the shapes that come out of those that fit.
template <class T, std::size_t R, class Outputs, class Places, class... Layers>
struct LayerChecks;
template <class T, std::size_t R, class... Outputs, std::size_t... i, class... Layers>
struct LayerChecks<T, R, std::tuple<Outputs...>, std::index_sequence<i...>, Layers...> {
  static constexpr std::array<std::size_t, sizeof...(Layers) + 1> ranks{R, Outputs::rank...};
  static constexpr bool passed = (LayerCheck<Layers, T, ranks[i]>::passed && ...);
};

}  // namespace detail
}  // namespace fovea::inline FOVEA_ABI
