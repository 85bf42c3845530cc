// SPDX-License-Identifier: MIT
//
// What Sequential works out from the types of its layers: the shape after each of them, the type T they compute
// in, the block that each could begin, the Pass of each. Every one is a loop over a list of types.
#pragma once

#include <tuple>
#include <utility>
#include <vector>

#include "fovea/kernels/window.hpp"
#include "fovea/model/blocks.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// The output shapes of layers that follow each other, as a tuple type: `Done`, and those of `Layers`, the
// first of which takes rank R.
template <std::size_t R, class Done, class... Layers>
struct Chain {
  using type = Done;
};
template <std::size_t R, class... Done, class Layer, class... Rest>
struct Chain<R, std::tuple<Done...>, Layer, Rest...> {
  using Out = decltype(std::declval<const Layer&>().output_shape(Shape<R>{}));
  using type = typename Chain<Out::rank, std::tuple<Done..., Out>, Rest...>::type;
};
// After a layer that does not fit nothing is said about those behind it.
template <std::size_t R, class... Done, class Layer, class... Rest>
requires(!AcceptsRank<Layer, R>) struct Chain<R, std::tuple<Done...>, Layer, Rest...> {
  using type = std::tuple<Done...>;
};

template <class... Layers>
struct FirstValueType {
  using type = float;
};
template <class Layer, class... Rest>
struct FirstValueType<Layer, Rest...> : FirstValueType<Rest...> {};
template <class Layer, class... Rest>
requires requires { typename Layer::value_type; }
struct FirstValueType<Layer, Rest...> {
  using type = typename Layer::value_type;
};

// For each layer the block that could begin with it, as a tuple type.
template <class Done, class... Layers>
struct Blocks {
  using type = Done;
};
template <class... Done, class Layer, class... Rest>
struct Blocks<std::tuple<Done...>, Layer, Rest...> {
  using First = typename BlockOf<Layer, Rest...>::type;
  using type = typename Blocks<std::tuple<Done..., First>, Rest...>::type;
};

// The Pass of every layer, as a tuple type; `Input` is what the first one takes.
template <class Done, class Input, class Outputs, class... Layers>
struct LayerPasses {
  using type = Done;
};
template <class... Done, class Input, class Output, class... Outputs, class Layer, class... Rest>
struct LayerPasses<std::tuple<Done...>, Input, std::tuple<Output, Outputs...>, Layer, Rest...> {
  using First = decltype(make_pass(std::declval<const Layer&>(), Input{}, WorkspaceOptions{}));
  using type = typename LayerPasses<std::tuple<Done..., First>, Output, std::tuple<Outputs...>,
                                    Rest...>::type;
};

// Becomes what make() returns at the place where that is needed, so a tuple of large parts is made
// without moving them.
template <class F>
struct Made {
  F make;
  operator std::invoke_result_t<F>() const { return make(); }
};
template <class F>
Made(F) -> Made<F>;

// What the memory of a workspace depends on in one layer: extents of tensors, the window.
template <class Layer>
FOVEA_OUT_OF_LINE void add_dimensions(const Layer& layer, std::vector<Index>& all) {
  const auto add = [&](std::span<const Index> numbers) {
    for (const Index number : numbers) all.push_back(number);
  };
  detail::each_parameter<Layer>([&](const auto& p) { add((layer.*p.value).shape().extents()); });
  detail::each_buffer<Layer>([&](const auto& b) { add((layer.*b.value).shape().extents()); });
  if constexpr (requires { layer.window(); }) {
    const Window w = layer.window();
    for (const Extent2& e : {w.kernel, w.stride, w.padding, w.dilation}) {
      all.push_back(e.h);
      all.push_back(e.w);
    }
  }
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
