// SPDX-License-Identifier: MIT
//
// The fused groups of the library, in the order in which they are tried.
#pragma once

#include <array>
#include <tuple>

#include "fovea/fused/conv_chain.hpp"
#include "fovea/fused/conv_norm.hpp"
#include "fovea/fused/linear_relu.hpp"
#include "fovea/fused/norm_activation.hpp"
#include "fovea/nn/chain.hpp"

namespace fovea::inline FOVEA_ABI {

/// All groups for layers of T.
template <class T>
using FusedGroups =
    std::tuple<ConvChain<T>, LinearRelu<T>, ConvNorm<T, Relu>, ConvNorm<T, Gelu>, ConvNorm<T, Silu>,
               ConvNorm<T, LeakyRelu>, ConvNorm<T, Hardswish>, ConvNorm<T, Clip>,
               NormActivation<T, Relu>, NormActivation<T, Gelu>, NormActivation<T, Silu>,
               NormActivation<T, LeakyRelu>, NormActivation<T, Hardswish>, NormActivation<T, Clip>>;

namespace detail {

// Whether a layer of this type is among `Layers` or inside them.
template <class Wanted, class... Layers>
inline constexpr bool occurs_in = (occurs_in<Wanted, Layers> || ...);
template <class Wanted, class Layer>
inline constexpr bool occurs_in<Wanted, Layer> = [] {
  if constexpr (requires { Layer::children(); })
    return std::apply(
        [](auto... c) { return (occurs_in<Wanted, typename MemberOf<decltype(c)>::type> || ...); },
        Layer::children());
  else if constexpr (requires { typename Layer::Inside; })
    return occurs_in<Wanted, typename Layer::Inside>;
  else
    return std::is_same_v<Wanted, Layer>;
}();
template <class Wanted, class... Layers>
inline constexpr bool occurs_in<Wanted, std::tuple<Layers...>> = (occurs_in<Wanted, Layers> || ...);

// All rules.
template <class T>
inline constexpr auto all_rules = []<class... Group>(std::tuple<Group...>*) {
  return std::array{fusion_rule<Group, T>...};
}(static_cast<FusedGroups<T>*>(nullptr));

// Whether a network of these layers has those that a group begins with.
template <class Group, class... Layers>
inline constexpr bool may_have = [] {
  if constexpr (requires { typename Group::Second; })
    return occurs_in<typename Group::First, Layers...> &&
           occurs_in<typename Group::Second, Layers...>;
  else
    return occurs_in<typename Group::First, Layers...>;
}();

// The rules of the groups whose first layers occur, so that a program compiles what it can use.
template <class T, class... Layers>
inline constexpr auto rules_for = []<class... Group>(std::tuple<Group...>*) {
  constexpr std::size_t count = (std::size_t{0} + ... + may_have<Group, Layers...>);
  std::array<FusionRule<T>, count> rules{};
  std::size_t at = 0;
  const auto add = [&]<class G>() {
    if constexpr (may_have<G, Layers...>) rules[at++] = fusion_rule<G, T>;
  };
  (add.template operator()<Group>(), ...);
  return rules;
}(static_cast<FusedGroups<T>*>(nullptr));

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
