// SPDX-License-Identifier: MIT
//
// What every layer of a network does to the receptive field, and how much it computes, derived from what the layers
// say of themselves. SeenRecorder takes a network down as a graph (nn/composite.hpp), value after value:
//
//   window()                    the field grows by the window (kernels/window.hpp)
//   neither, extents stay       unit by unit, as a ReLU
//   several inputs              the union of what is seen through each, if their units are equally far apart
//   the output has no image     every unit sees everything that the maps before it have seen
//   anything else               not known, which is said, for a wrong number would look like any other
#pragma once

#include <cstdint>
#include <vector>

#include "fovea/kernels/window.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// What the units of a value see.
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

// Each value of a network, the input first, with the layer that writes it.
struct SeenRecorder {
  using value_type = void;
  struct Entry {
    Seen seen{};
    Extent2 units{0};                  // rows and columns, if it is maps
    std::size_t maps = 0;              // the last maps that it sees: itself, or a value before
    std::int64_t multiply_adds = 0;    // of the layer, for one example
    Window window{1, 1, 0, 1};         // of the layer
    std::vector<std::size_t> reads{};  // the values that the layer reads
  };
  std::vector<Entry> values{};

  template <std::size_t R>
  void begin(const Shape<R>& x) {
    Entry input;
    if constexpr (R == 4) input.units = {x[2], x[3]};
    values.assign(1, input);
  }

  template <class Layer, std::size_t... R>
  auto add(const Path& path, const Layer& layer, const Value<R>&... x) {
    const auto y = ShapeRecorder::output_shape(path, layer, x.shape...);
    constexpr std::size_t Q = decltype(y)::rank;
    Entry entry;
    entry.reads = {x.number...};
    const Entry& first = values[entry.reads[0]];
    entry.maps = first.maps;
    if constexpr (requires { layer.multiply_adds(x.shape...); })
      entry.multiply_adds = layer.multiply_adds(x.shape...);
    if constexpr (Q != 4 || ((R != 4) || ...)) {
      entry.seen = first.seen;
      if (first.seen.kind == Seen::Kind::field) entry.seen.kind = Seen::Kind::everything;
    } else {
      entry.units = {y[2], y[3]};
      entry.maps = values.size();
      if constexpr (requires { layer.window(); }) entry.window = layer.window();
      entry.seen = seen_after(layer, entry);
    }
    values.push_back(std::move(entry));
    return Value<Q>{y, values.size() - 1};
  }

 private:
  // What the units of maps see, through each of the values that the layer reads.
  template <class Layer>
  Seen seen_after(const Layer& layer, const Entry& entry) const {
    Seen seen;
    for (std::size_t i = 0; i < entry.reads.size(); ++i) {
      const Entry& x = values[entry.reads[i]];
      if (x.seen.kind != Seen::Kind::field) return x.seen;
      Field field = x.seen.field;
      if constexpr (requires { layer.window(); })
        field = field.behind(layer.window());
      else if (x.units != entry.units)
        return {{}, Seen::Kind::unknown};
      if (i > 0 && field.jump != seen.field.jump) return {{}, Seen::Kind::unknown};
      seen.field = i == 0 ? field : united(seen.field, field);
    }
    return seen;
  }
};

}  // namespace fovea::inline FOVEA_ABI::detail
