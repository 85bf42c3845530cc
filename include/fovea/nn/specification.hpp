// SPDX-License-Identifier: MIT
//
// Specifications: a layer without what its network knows already.
//
//   sequential<float>(Shape{1, 28, 28}, rng,
//                     conv2d({.out = 32, .kernel = 3, .padding = 1}), relu, max_pool2d(2),
//                     flatten, linear(10))
//
// T is said once, and so is the generator; the channels that a convolution reads and the features
// that a Linear reads follow from the shape before it. A specification has
//
//   template <class T> using Layer                     the layer it specifies
//   template <class T> Layer<T> make(x, rng) const     that layer for inputs of shape x, N = 1
//
// and is on the page of its layer. A layer is its own specification. They are made from the first
// to the last, so weights are drawn in that order, as in the braces of Sequential{...}.
#pragma once

#include <tuple>
#include <utility>

#include "fovea/nn/chain.hpp"

namespace fovea::inline FOVEA_ABI::detail {

template <class Spec, class T>
struct LayerOf {
  using type = Spec;
};
template <class Spec, class T>
requires requires { typename Spec::template Layer<T>; }
struct LayerOf<Spec, T> {
  using type = typename Spec::template Layer<T>;
};
template <class Spec, class T>
using layer_of = typename LayerOf<Spec, T>::type;

// The layer that `spec` specifies; makes x what comes out of it.
template <class T, class Spec, std::size_t R>
layer_of<Spec, T> make_layer(const Spec& spec, const Shape<R>& x, Rng& rng) {
  using Layer = layer_of<Spec, T>;
  static_assert(LayerCheck<Layer, T, R>::passed);
  if constexpr (std::is_same_v<Layer, Spec>)
    return spec;
  else
    return spec.template make<T>(x, rng);
}

// The chain of the layers that `specs` specify, of which those in `made` are there.
// `x` is what the next one reads.
template <class T, std::size_t R, class... Specs, class... Made>
Chain<layer_of<Specs, T>...> make_chain(const Shape<R>& x, Rng& rng,
                                        const std::tuple<Specs...>& specs, Made&&... made) {
  if constexpr (constexpr std::size_t i = sizeof...(Made); i == sizeof...(Specs)) {
    return Chain<layer_of<Specs, T>...>(std::move(made)...);
  } else {
    auto layer = make_layer<T>(std::get<i>(specs), x, rng);
    Shape<output_shape_of<decltype(layer), R>::rank> y;
    try {
      y = output_shape(layer, x);
    } catch (const Error& error) {
      fail(Chain<layer_of<Specs, T>...>::layer_name(i), ": ", error.what());
    }
    return make_chain<T>(y, rng, specs, std::move(made)..., std::move(layer));
  }
}

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI {

/// Specifies a chain of these layers.
template <class... Specs>
struct ChainSpec {
  /// The layer that it specifies.
  template <class T>
  using Layer = Chain<detail::layer_of<Specs, T>...>;
  std::tuple<Specs...> specs;  ///< of its layers
  /// The layer for inputs of this shape.
  template <class T, std::size_t R>
  Layer<T> make(const Shape<R>& x, Rng& rng) const {
    return detail::make_chain<T>(x, rng, specs);
  }
};
/// chain(conv2d({...}), batch_norm2d(), relu), inside of other specifications.
template <class... Specs>
ChainSpec<Specs...> chain(const Specs&... specs) {
  return {{specs...}};
}

}  // namespace fovea::inline FOVEA_ABI
