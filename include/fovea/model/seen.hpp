// SPDX-License-Identifier: MIT
//
// What a layer does to the receptive field, and how much it computes, derived from what it says of itself:
//
//   window()                    the field grows by the window (kernels/window.hpp)
//   one child, no window()      through the child; if the extents stay, the input may be added to what comes
//                               out (a residual), so the field is the union of both
//   neither, extents stay       unit by unit, as a ReLU
//   the output has no image     every unit sees everything that the maps before it have seen
//   anything else               not known, which is said, for a wrong number would look like any other
//
//   multiply_adds(shape)        that many; else those of its children
#pragma once

#include <cstdint>

#include "fovea/kernels/window.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// What the units of one layer see.
struct Seen {
  enum class Kind { field, everything, unknown };
  Field field{};
  Kind kind = Kind::field;
};

// What is seen by a or b, which have the same jump.
constexpr Field united(const Field& a, const Field& b) {
  const auto along = [](Index size_a, Index start_a, Index size_b, Index start_b) {
    const Index start = std::min(start_a, start_b);
    return std::pair{std::max(start_a + size_a, start_b + size_b) - start, start};
  };
  const auto [rows, top] = along(a.size.h, a.start.h, b.size.h, b.start.h);
  const auto [cols, left] = along(a.size.w, a.start.w, b.size.w, b.start.w);
  return {{rows, cols}, a.jump, {top, left}};
}

template <class Layer>
constexpr Index child_count() {
  Index count = 0;
  each_child<Layer>([&](const auto&) { ++count; });
  return count;
}

// Calls f(layer, shape of its input, shape of its output) for every layer, for one example.
template <class Net, class F>
void each_layer_with_shapes(const Net& net, F&& f) {
  const auto outputs = net.output_shapes(1);
  const auto inputs = std::tuple_cat(std::tuple{net.input_shape().prepend(1)}, outputs);
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (f.template operator()<i>(std::get<i>(net.layers()), std::get<i>(inputs), std::get<i>(outputs)),
     ...);
  }
  (std::make_index_sequence<Net::depth>{});
}

template <class Layer, std::size_t R, std::size_t Q>
Seen seen_after(const Layer& layer, const Seen& before, Shape<R> in, Shape<Q> out);

template <class Net>
Seen seen_through(const Net& net, Seen seen) {
  each_layer_with_shapes(net, [&]<std::size_t>(const auto& layer, auto in, auto out) {
    seen = seen_after(layer, seen, in, out);
  });
  return seen;
}

// What the units after a layer see, from what those before it see.
template <class Layer, std::size_t R, std::size_t Q>
Seen seen_after(const Layer& layer, const Seen& before, Shape<R> in, Shape<Q> out) {
  if (before.kind != Seen::Kind::field) return before;
  if constexpr (R != 4 || Q != 4) {
    return {{}, Seen::Kind::everything};
  } else if constexpr (requires { layer.window(); }) {
    return {before.field.behind(layer.window())};
  } else {
    const bool stays = in[2] == out[2] && in[3] == out[3];
    if constexpr (child_count<Layer>() == 0) {
      if (stays) return before;
    } else if constexpr (child_count<Layer>() == 1) {
      Seen inside;
      each_child<Layer>([&](const auto& c) { inside = seen_through(layer.*c.net, before); });
      if (!stays || inside.kind != Seen::Kind::field) return inside;
      if (inside.field.jump == before.field.jump) return {united(before.field, inside.field)};
    }
    return {{}, Seen::Kind::unknown};
  }
}

// Multiply-adds of a layer for an input of this shape.
template <class Layer, std::size_t R>
std::int64_t multiply_adds(const Layer& layer, Shape<R> in) {
  std::int64_t count = 0;
  if constexpr (requires { layer.multiply_adds(in); })
    count = layer.multiply_adds(in);
  else
    each_child<Layer>([&](const auto& c) {
      each_layer_with_shapes(layer.*c.net, [&]<std::size_t>(const auto& inside, auto x, auto) {
        count += in[0] * multiply_adds(inside, x);
      });
    });
  return count;
}

}  // namespace fovea::inline FOVEA_ABI::detail
