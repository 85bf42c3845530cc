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
//   y = shortcut(x) + f(x)                Residual{Chain{f ...}, Shortcut{...}}
//
// However deep a network is, a gradient reaches its first layers through the sums alone.
#pragma once

#include "fovea/nn/add.hpp"
#include "fovea/nn/chain.hpp"
#include "fovea/nn/specification.hpp"

namespace fovea::inline FOVEA_ABI {

/// What x goes through on its way past f: layers one after the other.
template <class... Layers>
struct Shortcut {
  Chain<Layers...> layers;  ///< the first one reads x
  /// Of these.
  explicit Shortcut(Layers... each) : layers(std::move(each)...) {}
  /// Of those in the chain.
  explicit Shortcut(Chain<Layers...> chain) : layers(std::move(chain)) {}
};
template <class... Layers>
Shortcut(Chain<Layers...>) -> Shortcut<Layers...>;

namespace detail {

// Two chains could be f and a shortcut, or one after the other.
template <class... Layers>
inline constexpr bool two_chains = false;
template <class... F, class... G>
inline constexpr bool two_chains<Chain<F...>, Chain<G...>> = true;
template <class... F, class... G>
inline constexpr bool two_chains<ChainSpec<F...>, ChainSpec<G...>> = true;
template <class... Layers>
constexpr void check_shortcut() {
  static_assert(!two_chains<Layers...>,
                "Residual: is the second of these chains a shortcut? Then write "
                "residual(f, shortcut(...)), Residual{f, Shortcut{...}}; and if it comes after the "
                "first, residual(chain(f, g)), Residual{Chain{f, g}}");
}

}  // namespace detail

/// y = x + f(x).
template <class... Layers>
struct Residual {
  static constexpr std::string_view kind = "residual";
  Chain<Layers...> f;  ///< what is added

  /// f of these layers.
  explicit Residual(Layers... layers) : f(std::move(layers)...) {
    detail::check_shortcut<Layers...>();
  }
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

/// y = f(x) + shortcut(x).
template <class... Layers, class... Past>
struct Residual<Chain<Layers...>, Shortcut<Past...>> {
  static constexpr std::string_view kind = "residual";
  Chain<Layers...> f;       ///< what is added
  Chain<Past...> shortcut;  ///< to this

  /// Both as they are.
  Residual(Chain<Layers...> chain, Shortcut<Past...> past)
      : f(std::move(chain)), shortcut(std::move(past.layers)) {}

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

/// Specifies a shortcut.
template <class... Specs>
struct ShortcutSpec {
  /// What it specifies.
  template <class T>
  using Layer = Shortcut<detail::layer_of<Specs, T>...>;
  std::tuple<Specs...> specs;  ///< of its layers
};
/// shortcut(conv2d({.out = 32, .stride = 2}), batch_norm2d()), as the last one in a residual.
template <class... Specs>
ShortcutSpec<Specs...> shortcut(const Specs&... specs) {
  return {{specs...}};
}
/// The same of a chain.
template <class... Specs>
ShortcutSpec<Specs...> shortcut(const ChainSpec<Specs...>& chain) {
  return {chain.specs};
}

namespace detail {

template <class Spec>
inline constexpr bool is_shortcut = false;
template <class... Specs>
inline constexpr bool is_shortcut<ShortcutSpec<Specs...>> = true;

// f of a residual: one chain as it is, or a chain of these.
template <class... Specs>
auto one_chain(const Specs&... specs) {
  return chain(specs...);
}
template <class... Specs>
ChainSpec<Specs...> one_chain(const ChainSpec<Specs...>& f) {
  return f;
}
template <class... Layers>
Chain<Layers...> one_chain(const Chain<Layers...>& f) {
  return f;
}

}  // namespace detail

/// Specifies a residual of these layers, or of a chain and a shortcut.
template <class... Specs>
struct ResidualSpec {
  /// Of these specifications.
  explicit ResidualSpec(std::tuple<Specs...> all) : specs(std::move(all)) {}
  /// The layer that it specifies.
  template <class T>
  using Layer = Residual<detail::layer_of<Specs, T>...>;
  std::tuple<Specs...> specs;  ///< of f, or f and the shortcut
  /// The layer for inputs of this shape.
  template <class T, std::size_t R>
  Layer<T> make(const Shape<R>& x, Rng& rng) const {
    if constexpr (requires(Layer<T> layer) { layer.shortcut; }) {
      auto f = detail::make_layer<T>(std::get<0>(specs), x, rng);
      auto past = detail::make_chain<T>(x, rng, std::get<1>(specs).specs);
      return Layer<T>(std::move(f), Shortcut{std::move(past)});
    } else {
      return Layer<T>(detail::make_chain<T>(x, rng, specs));
    }
  }
};
template <class... Specs>
ResidualSpec(std::tuple<Specs...>) -> ResidualSpec<Specs...>;

/// residual(conv2d({...}), relu, conv2d({...})), or with a shortcut as the last one,
/// residual(conv2d({...}), relu, conv2d({...}), shortcut(conv2d({...}))).
template <class... Specs>
auto residual(const Specs&... specs) {
  detail::check_shortcut<Specs...>();
  constexpr std::size_t last = sizeof...(Specs) - 1;
  const std::tuple<Specs...> all{specs...};
  if constexpr (detail::is_shortcut<std::tuple_element_t<last, std::tuple<Specs...>>>)
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return ResidualSpec{std::tuple{detail::one_chain(std::get<i>(all)...), std::get<last>(all)}};
    }
  (std::make_index_sequence<last>{});
  else return ResidualSpec{all};
}
/// The same of a chain.
template <class... Specs>
ResidualSpec<Specs...> residual(const ChainSpec<Specs...>& f) {
  return ResidualSpec{f.specs};
}

}  // namespace fovea::inline FOVEA_ABI
