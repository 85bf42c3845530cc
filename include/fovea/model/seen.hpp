// SPDX-License-Identifier: MIT
//
// What every layer of a network does to the receptive field, derived from what the layers say of
// themselves, along the plan of a workspace (engine/plan.hpp), value after value:
//
//   window()                    the field grows by the window (kernels/window.hpp)
//   sees_all                    every unit sees everything that its input has seen
//   sees_elsewhere              unknown, where the extents stay too
//   none of them, extents stay  unit by unit, as a ReLU
//   several inputs              the union of what is seen through each, if their units are equally
//                               far apart
//   the output has no image     every unit sees everything that the maps before it have seen
//   anything else               reported as unknown
#pragma once

#include <vector>

#include "fovea/engine/plan.hpp"

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

// A value of a network, with the layer that writes it.
struct SeenValue {
  Seen seen{};
  Extent2 units{0};                  // rows and columns, if it is maps
  std::size_t maps = 0;              // the last maps that it sees: itself, or a value before
  std::optional<Window> window{};    // of the layer; around all of x, if it sees all
  bool elsewhere = false;            // whether there is no window though there should be
  std::vector<std::size_t> reads{};  // the values that the layer reads
};

// What the units of maps see, through each of the values that the layer reads.
inline Seen seen_after(const SeenValue& y, const std::vector<SeenValue>& values) {
  Seen seen;
  for (std::size_t i = 0; i < y.reads.size(); ++i) {
    const SeenValue& x = values[y.reads[i]];
    if (x.seen.kind != Seen::Kind::field) return x.seen;
    Field field = x.seen.field;
    if (y.window)
      field = field.after(*y.window);
    else if (x.units != y.units || y.elsewhere)
      return {{}, Seen::Kind::unknown};
    if (i > 0 && field.jump != seen.field.jump) return {{}, Seen::Kind::unknown};
    seen.field = i == 0 ? field : united(seen.field, field);
  }
  return seen;
}

// Every value of a plan, the input first.
template <class T>
[[gnu::cold]] std::vector<SeenValue> seen_values(const Plan<T>& plan) {
  std::vector<SeenValue> values;
  for (std::size_t v = 0; v <= plan.layer_count(); ++v) {
    const Extents extents = plan.value(v).extents;
    SeenValue y;
    bool maps = extents.rank == 4;
    if (maps) y.units = {extents.at[2], extents.at[3]};
    if (v > 0) {
      y.reads = plan.layer(v - 1).inputs;
      for (const std::size_t x : y.reads) maps = maps && plan.value(x).extents.rank == 4;
      if (maps) {
        y.maps = v;
        y.window = plan.layer(v - 1).window;
        y.elsewhere = plan.layer(v - 1).sees_elsewhere;
        y.seen = seen_after(y, values);
        const SeenValue& first = values[y.reads[0]];
        if (plan.layer(v - 1).sees_all && first.seen.kind != Seen::Kind::unknown) {
          y.seen.kind = Seen::Kind::everything;
          // From every unit of y, however many there are, all of x is inside.
          const Extent2 before = y.units;
          y.window = Window{{first.units.h + before.h, first.units.w + before.w}, 1, before, 1};
        }
      } else {
        const SeenValue& first = values[y.reads[0]];
        y.maps = first.maps;
        y.seen = first.seen;
        if (first.seen.kind == Seen::Kind::field) y.seen.kind = Seen::Kind::everything;
      }
    }
    values.push_back(std::move(y));
  }
  return values;
}

}  // namespace fovea::inline FOVEA_ABI::detail
