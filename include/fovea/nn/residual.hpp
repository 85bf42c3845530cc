// SPDX-License-Identifier: MIT
//
// Residual: what layers add to their input (He, Zhang, Ren and Sun, Deep residual learning for
// image recognition, CVPR 2016).
//
//   y = x + f(x)             f: layers one after the other that keep the shape
//   dx = dy + df(dy)         x is read twice, so ds/dx has two terms: the engine adds them
//
//   Residual{Conv2d<float>{...}, Relu{}, Conv2d<float>{...}}
//
// Where f changes the shape, x goes through a shortcut that changes it in the same way, in ResNets
// a 1 x 1 convolution with the stride of f:
//
//   y = shortcut(x) + f(x)                Residual{Chain{f ...}, Chain{shortcut ...}}
//
// However deep a network is, a gradient reaches its first layers through the sums alone.
#pragma once

#include "fovea/nn/add.hpp"
#include "fovea/nn/chain.hpp"
#include "fovea/nn/specification.hpp"

namespace fovea::inline FOVEA_ABI {

/// y = x + f(x).
template <class... Layers>
struct Residual {
  static constexpr std::string_view kind = "residual";
  Chain<Layers...> f;  ///< what is added

  /// f of these layers.
  explicit Residual(Layers... layers) : f(std::move(layers)...) {}
  /// f as it is.
  explicit Residual(Chain<Layers...> chain) : f(std::move(chain)) {}

  /// f
  static constexpr auto children() { return std::tuple{Child{"f", &Residual::f}}; }

  /// y = x + f(x)
  auto compose(auto& graph, const auto& x) const {
    const auto fx = graph.run("f", f, x);
    return graph.run("add", Add{}, x, fx);
  }
};

/// y = f(x) + shortcut(x), of two chains.
template <class... Layers, class... Shortcut>
struct Residual<Chain<Layers...>, Chain<Shortcut...>> {
  static constexpr std::string_view kind = "residual";
  Chain<Layers...> f;           ///< what is added
  Chain<Shortcut...> shortcut;  ///< to this

  /// Both as they are.
  Residual(Chain<Layers...> chain, Chain<Shortcut...> other)
      : f(std::move(chain)), shortcut(std::move(other)) {}

  /// f and shortcut
  static constexpr auto children() {
    return std::tuple{Child{"f", &Residual::f}, Child{"shortcut", &Residual::shortcut}};
  }

  /// y = shortcut(x) + f(x)
  auto compose(auto& graph, const auto& x) const {
    const auto fx = graph.run("f", f, x);
    const auto past = graph.run("shortcut", shortcut, x);
    return graph.run("add", Add{}, past, fx);
  }
};

template <class... Layers>
Residual(Chain<Layers...>) -> Residual<Layers...>;
// Otherwise Residual{Residual{...}} would be a copy of the inner one.
template <class... Layers>
Residual(Residual<Layers...>) -> Residual<Residual<Layers...>>;

/// Specifies a residual of these layers, or of two chains.
template <class... Specs>
struct ResidualSpec {
  /// The layer that it specifies.
  template <class T>
  using Layer = Residual<detail::layer_of<Specs, T>...>;
  std::tuple<Specs...> specs;  ///< of f, or f and the shortcut
  /// The layer for inputs of this shape.
  template <class T, std::size_t R>
  Layer<T> make(const Shape<R>& x, Rng& rng) const {
    if constexpr (requires(Layer<T> layer) { layer.shortcut; }) {
      auto f = detail::make_layer<T>(std::get<0>(specs), x, rng);
      return Layer<T>(std::move(f), detail::make_layer<T>(std::get<1>(specs), x, rng));
    } else {
      return Layer<T>(detail::make_chain<T>(x, rng, specs));
    }
  }
};
/// residual(conv2d({...}), relu, conv2d({...})); with a shortcut residual(chain(...), chain(...)).
template <class... Specs>
ResidualSpec<Specs...> residual(const Specs&... specs) {
  return {{specs...}};
}
template <class... Specs>
ResidualSpec<Specs...> residual(const ChainSpec<Specs...>& f) {
  return {f.specs};
}

}  // namespace fovea::inline FOVEA_ABI
