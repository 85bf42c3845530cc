// SPDX-License-Identifier: MIT
//
// Layers made of layers. What such a layer computes is a graph, and compose() draws it:
//
//   struct Block {                                                  // y = x + relu(conv(x))
//     static constexpr std::string_view kind = "block";
//     Conv2d<float> conv;
//     static constexpr auto children() { return std::tuple{Child{"conv", &Block::conv}}; }
//     auto compose(auto& graph, const auto& x) const {
//       const auto a = graph.run("conv", conv, x);
//       const auto b = graph.run("relu", Relu{}, a);
//       return graph.run("add", Add{}, x, b);
//     }
//   };
//
// A Value represents an activation and may be read any number of times: s depends on it through
// each of its readers, and the engine adds their gradients. There is no backward to write.
//
//   children()   a list of the members that hold layers: names, files and optimizers follow from it
//   compose()    runs each of them once, in the order of that list, one statement each (C++ does
//                not say which argument of a call is evaluated first), and any layers without
//                members, such as Add
//
// The layers inside become part of the network around them: they have its mode, threads, seed and
// step, share its memory, and run as one with their neighbours where they can. Their paths,
// "residual1.f.conv2", name them in errors, files and random numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "fovea/core/random.hpp"
#include "fovea/nn/layer_check.hpp"

namespace fovea::inline FOVEA_ABI {

/// An activation, while a graph is drawn: the shape that it has for a batch of one.
template <std::size_t R>
struct Value {
  static constexpr std::size_t rank = R;
  Shape<R> shape;          ///< a batch of one
  std::size_t number = 0;  ///< 0: the input of the network
};

/// Where a layer is: "residual1.f.conv2" is conv2 in f in residual1. A chain of names, so that it
/// costs nothing until the text is needed.
struct Path {
  const Path* outer = nullptr;  ///< of the layer around it; nullptr: the network itself
  std::string_view name{};
  std::size_t ordinal = 0;     ///< 2 for conv2; 0: the name says it all
  std::uint64_t identity = 0;  ///< of the layer, for its random numbers

  /// The path of layer number i of a chain.
  Path numbered(std::string_view kind, std::size_t i_th, std::size_t i) const {
    return {this, kind, i_th, Rng{identity, i}.bits()};
  }
  /// The path of a child by its name.
  Path named(std::string_view child) const {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (const char c : child) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return {this, child, 0, Rng{identity, hash}.bits()};
  }

  friend std::string to_string(const Path& path) {
    if (!path.outer) return "";
    std::string text = to_string(*path.outer);
    if (!text.empty()) text += '.';
    text += path.name;
    if (path.ordinal > 0) text += std::to_string(path.ordinal);
    return text;
  }
};

namespace detail {

/// Whether the layer at `inner` is the one at `path` or inside of it.
inline bool is_within(std::string_view inner, std::string_view path) {
  return inner.starts_with(path) && (inner.size() == path.size() || inner[path.size()] == '.');
}

/// Calls f(layer, path) for every layer with parameters and buffers of its
/// own, in the order of the lists.
template <class Layer, class F>
void visit_layers(Layer& layer, const Path& path, const F& f) {
  using Plain = std::remove_const_t<Layer>;
  if constexpr (
      requires { Plain::parameters(); } || requires { Plain::buffers(); })
    f(layer, path);
  else if constexpr (requires { Plain::is_chain; })
    layer.each_layer([&](auto& inside, std::string_view kind, std::size_t i_th, std::size_t i) {
      visit_layers(inside, path.numbered(kind, i_th, i), f);
    });
  else if constexpr (requires { Plain::children(); })
    std::apply(
        [&](const auto&... c) { (visit_layers(layer.*c.layer, path.named(c.name), f), ...); },
        Plain::children());
}

template <class Layer>
Index parameter_count(const Layer& layer) {
  Index count = 0;
  visit_layers(layer, Path{}, [&]<class L>(const L& inside, const Path&) {
    each_parameter<L>([&](const auto& p) { count += (inside.*p.value).size(); });
  });
  return count;
}

/// The type that a layer computes in: its value_type, or that of the first layer inside it that has
/// one, or void for a layer that takes any.
template <class Layer>
struct ValueTypeOf {
  using type = void;
};
template <class Layer>
using value_type_of = typename ValueTypeOf<Layer>::type;
template <class... Layers>
struct FirstValueType {
  using type = void;
};
template <class Layer, class... Rest>
struct FirstValueType<Layer, Rest...>
    : std::conditional_t<std::is_void_v<value_type_of<Layer>>, FirstValueType<Rest...>,
                         ValueTypeOf<Layer>> {};
template <class Layer>
requires requires { typename Layer::value_type; }
struct ValueTypeOf<Layer> {
  using type = typename Layer::value_type;
};
template <class>
struct MemberOf;
template <class Layer, class Class>
struct MemberOf<Child<Layer Class::*>> {
  using type = Layer;
};
template <class>
struct TypesOf;
template <class... Layer, class... Class>
struct TypesOf<std::tuple<Child<Layer Class::*>...>> : FirstValueType<Layer...> {};
template <class Layer>
requires(
    !requires { typename Layer::value_type; } &&
    requires { Layer::children(); }) struct ValueTypeOf<Layer>
    : TypesOf<decltype(Layer::children())> {
};
// A chain says what it is made of: Inside is a tuple of its types of layers.
template <class... Layers>
struct ValueTypeOf<std::tuple<Layers...>> : FirstValueType<Layers...> {};
template <class Layer>
requires(
    !requires { typename Layer::value_type; } &&
    requires { typename Layer::Inside; }) struct ValueTypeOf<Layer>
    : ValueTypeOf<typename Layer::Inside> {
};

}  // namespace detail

namespace detail {

// What a layer computes in: what the plan computes in, or else what the
// layer says; void if nothing says.
template <class Recorder, class Layer>
using type_inside = std::conditional_t<std::is_void_v<typename Recorder::value_type>,
                                       value_type_of<Layer>, typename Recorder::value_type>;

}  // namespace detail

/// What compose() draws on. `Recorder` records one layer after the other; its add() returns the
/// Value that the layer writes.
template <class Recorder>
class Graph {
 public:
  /// The graph of what is inside the layer at `path`, which lists children of these names.
  Graph(Recorder& recorder, const Path& path, std::span<const std::string_view> children = {})
      : recorder_(recorder), path_(path), children_(children) {}

  /// y = layer(x, ...), for a child by its name, or for a layer without members.
  template <class Layer, std::size_t... R>
  auto run(std::string_view name, Layer&& layer, const Value<R>&... x) {
    static_assert(
        std::is_lvalue_reference_v<Layer> || std::is_empty_v<std::remove_cvref_t<Layer>>,
        "compose: a layer with members has to be a member of the layer around it, listed in "
        "children()");
    count_child(name, !std::is_empty_v<std::remove_cvref_t<Layer>>);
    return run_at(path_.named(name), layer, x...);
  }

  /// The same for layer number i of a chain.
  template <class Layer, std::size_t... R>
  auto run(std::string_view kind, std::size_t i_th, std::size_t i, const Layer& layer,
           const Value<R>&... x) {
    return run_at(path_.numbered(kind, i_th, i), layer, x...);
  }

  /// Throws unless every child has run.
  void finish() const {
    if (ran_ < children_.size())
      fail(to_string(path_), ": compose() does not run ", children_[ran_], ", which children() ",
           "lists: it would never be trained");
  }

 private:
  template <class Layer, std::size_t... R>
  auto run_at(const Path& path, const Layer& layer, const Value<R>&... x) {
    static_assert(detail::LayerCheck<Layer, detail::type_inside<Recorder, Layer>, R...>::passed);
    if constexpr (requires { Layer::is_chain; }) {
      Graph inside{recorder_, path};
      return layer.compose(inside, x...);
    } else if constexpr (Composite<Layer>) {
      constexpr auto names = std::apply(
          [](const auto&... c) { return std::array<std::string_view, sizeof...(c)>{c.name...}; },
          Layer::children());
      Graph inside{recorder_, path, std::span<const std::string_view>(names)};
      const auto y = layer.compose(inside, x...);
      inside.finish();
      return y;
    } else {
      return recorder_.add(path, layer, x...);
    }
  }

  // In another order than that of the list, what a network computes to the last bit
  // would depend on the compiler.
  void count_child(std::string_view name, bool has_members) {
    if (ran_ < children_.size() && children_[ran_] == name) {
      ++ran_;
      return;
    }
    if (has_members || std::find(children_.begin(), children_.end(), name) != children_.end())
      fail(to_string(path_), ": expected compose() to run each child once, in the order of ",
           "children(), next ", ran_ < children_.size() ? children_[ran_] : "none", ", found ",
           name, " (write one statement for each)");
  }

  Recorder& recorder_;
  const Path& path_;
  std::span<const std::string_view> children_;
  std::size_t ran_ = 0;
};

template <class Recorder>
Graph(Recorder&, const Path&) -> Graph<Recorder>;
template <class Recorder>
Graph(Recorder&, const Path&, std::span<const std::string_view>) -> Graph<Recorder>;

namespace detail {

/// Records nothing: for the shapes alone.
struct ShapeRecorder {
  using value_type = void;  // any
  template <class Layer, std::size_t... R>
  auto add(const Path& path, const Layer& layer, const Value<R>&... x) {
    const auto y = output_shape(path, layer, x.shape...);
    return Value<decltype(y)::rank>{y};
  }

  /// The shape of y. Throws the layer's own error message, with the path in front.
  template <class Layer, std::size_t... R>
  FOVEA_OUT_OF_LINE static auto output_shape(const Path& path, const Layer& layer,
                                             const Shape<R>&... x) {
    try {
      return layer.output_shape(x...);
    } catch (const Error& error) {
      fail(to_string(path), ": ", error.what());
    }
  }
};

/// The shape that comes out of a layer, without the batch.
template <class Layer, std::size_t R>
auto output_shape(const Layer& layer, const Shape<R>& x) {
  if constexpr (Composite<Layer>) {
    ShapeRecorder recorder;
    const Path root;
    Graph graph{recorder, root};
    return graph.run(Layer::kind, 0, 0, layer, Value<R>{x}).shape;
  } else {
    return layer.output_shape(x);
  }
}
template <class Layer, std::size_t R>
using output_shape_of = decltype(output_shape(std::declval<const Layer&>(), Shape<R>{}));

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
