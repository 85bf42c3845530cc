// SPDX-License-Identifier: MIT
//
// Chain: layers one after the other, y = f_L( ... f_2(f_1(x))), itself a layer.
//
//   Residual{Chain{Conv2d<float>{...}, Relu{}, Conv2d<float>{...}}}   a chain inside a layer
//   Sequential{Shape{1, 28, 28}, ...}                                 a chain with an input shape
//
// It is a value: a flat tuple of layers, no base class, no pointers. Layers are named
// by kind and ordinal, conv1 relu1 ... fc2, and so are parameters (conv1.weight),
// summary lines, errors and files.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "fovea/nn/composite.hpp"
#include "fovea/nn/layer_check.hpp"

namespace fovea::inline FOVEA_ABI {

/// Layers one after the other.
template <class... Layers>
class Chain {
  static_assert(sizeof...(Layers) > 0, "at least one layer");

 public:
  static constexpr std::string_view kind = "chain";
  static constexpr bool is_chain = true;  ///< its children are numbered
  using Inside = std::tuple<Layers...>;   ///< what it is made of
  /// The number of layers.
  static constexpr std::size_t depth = sizeof...(Layers);

  /// Of these layers, the first one reads the input.
  explicit Chain(Layers... layers) : layers_(std::move(layers)...) {}

  /// conv1, relu1, pool1, conv2, ...: kind and ordinal.
  static std::string layer_name(std::size_t i) { return concat(kinds[i], ordinal(i)); }

  /// The number of a layer: `Net::index("conv2")`, also at compile time.
  static constexpr std::size_t index(std::string_view name) {
    for (std::size_t i = 0; i < depth; ++i) {
      if (!name.starts_with(kinds[i])) continue;
      std::size_t number = 0;
      for (const char digit : name.substr(kinds[i].size()))
        number = number * 10 + static_cast<std::size_t>(digit - '0');
      if (number == ordinal(i) && name.size() > kinds[i].size()) return i;
    }
    no_such_layer(name);
  }

  /// The layers, for `auto& [conv1, relu1, fc1] = net.layers();`.
  auto& layers() { return layers_; }
  const auto& layers() const { return layers_; }

  /// Calls f(layer, kind, ordinal, i) for each of them.
  template <class F>
  void each_layer(const F& f) {
    each_index([&]<std::size_t i>() { f(std::get<i>(layers_), kinds[i], ordinal(i), i); });
  }
  template <class F>
  void each_layer(const F& f) const {
    each_index([&]<std::size_t i>() { f(std::get<i>(layers_), kinds[i], ordinal(i), i); });
  }

  /// y = f_L( ... f_1(x)); calls seen(i, value) with the output of each layer.
  template <class Graph, std::size_t R, class Seen>
  auto compose(Graph& graph, const Value<R>& x, const Seen& seen) const {
    return run_from<0>(graph, x, seen);
  }
  /// The same, as a layer inside another one.
  template <class Graph, std::size_t R>
  auto compose(Graph& graph, const Value<R>& x) const {
    return run_from<0>(graph, x, [](auto, const auto&) {});
  }

 protected:
  // Calls f.operator()<i>() for each layer.
  template <class F>
  static void each_index(F&& f) {
    [&]<std::size_t... i>(std::index_sequence<i...>) { (f.template operator()<i>(), ...); }
    (std::make_index_sequence<depth>{});
  }

 private:
  static constexpr std::array<std::string_view, depth> kinds{Layers::kind...};

  static constexpr std::size_t ordinal(std::size_t i) {
    std::size_t count = 0;
    for (std::size_t j = 0; j <= i; ++j) count += kinds[j] == kinds[i];
    return count;
  }

  [[noreturn, gnu::cold]] static void no_such_layer(std::string_view name) {
    std::string all;
    for (std::size_t i = 0; i < depth; ++i) all += concat(" ", layer_name(i));
    fail("there is no layer ", name, " in this network, only", all);
  }

  template <std::size_t i, class Graph, std::size_t R, class Seen>
  auto run_from(Graph& graph, const Value<R>& x, const Seen& seen) const {
    const auto y = graph.run(kinds[i], ordinal(i), i, std::get<i>(layers_), x);
    seen(std::integral_constant<std::size_t, i>{}, y);
    if constexpr (i + 1 < depth)
      return run_from<i + 1>(graph, y, seen);
    else
      return y;
  }

  std::tuple<Layers...> layers_{};
};

}  // namespace fovea::inline FOVEA_ABI
