// SPDX-License-Identifier: MIT
//
// The memory planner: values that are never alive at the same time may share memory.
//
// A network runs in steps. A value (an activation, a gradient) is alive from the step
// that writes it to the last step that reads it. The planner gives every value an
// offset in one block of memory:
//
//   value   size   steps            offset
//   y1      100    0 .. 1           0
//   y2       50    1 .. 2           100
//   y3      100    2 .. 3           0          y1 has been read for the last time
//
// Largest first, each value goes to the lowest offset where it overlaps none of the values
// placed before that are alive with it (Pisarchyk and Lee, Efficient memory management for deep
// neural net inference, 2020, "greedy by size"). check_memory_plan() knows nothing of how
// offsets were found: it compares every pair, and runs on every plan, since a shared byte would
// be a wrong number without an error.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

/// How large a value is, and the steps in which it must not be overwritten, both ends included.
struct Lifetime {
  Index size = 0;             ///< elements; 0: it needs no memory
  Index first = 0, last = 0;  ///< steps, first <= last

  /// Whether both are alive in one step.
  bool overlaps(const Lifetime& other) const { return first <= other.last && other.first <= last; }
};

/// Where every value is, and how much memory all of them need.
struct MemoryPlan {
  std::vector<Index> offsets;  ///< elements from the beginning, one for each value
  Index size = 0;              ///< elements
};

/// Throws if two values that are alive in one step share memory, or one reaches beyond the end.
[[gnu::cold]] inline void check_memory_plan(std::span<const Lifetime> values,
                                            const MemoryPlan& plan) {
  check(plan.offsets.size() == values.size(), "memory plan: expected ", values.size(),
        " offsets, found ", plan.offsets.size());
  for (std::size_t a = 0; a < values.size(); ++a) {
    const Index begin = plan.offsets[a], end = begin + values[a].size;
    check(0 <= begin && end <= plan.size, "memory plan: expected value ", a, " in [0, ", plan.size,
          "), found it in [", begin, ", ", end, ")");
    for (std::size_t b = 0; b < a; ++b) {
      const Index other = plan.offsets[b], other_end = other + values[b].size;
      const bool apart = end <= other || other_end <= begin || begin == end || other == other_end;
      check(apart || !values[a].overlaps(values[b]), "memory plan: values ", b, " and ", a,
            " are alive at the same time and share memory");
    }
  }
}

/// Offsets for these values, each a multiple of `alignment` elements.
[[gnu::cold]] inline MemoryPlan plan_memory(std::span<const Lifetime> values, Index alignment) {
  MemoryPlan plan{std::vector<Index>(values.size(), 0), 0};
  std::vector<std::size_t> order, placed;  // by size, largest first; and by offset
  const auto insert = [](std::vector<std::size_t>& list, std::size_t value, auto&& before) {
    list.insert(std::upper_bound(list.begin(), list.end(), value, before), value);
  };
  for (std::size_t i = 0; i < values.size(); ++i)
    insert(order, i, [&](auto a, auto b) { return values[a].size > values[b].size; });
  for (const std::size_t value : order) {
    const Lifetime& v = values[value];
    if (v.size == 0) break;  // and so are all that follow
    Index offset = 0;
    for (const std::size_t other : placed) {
      if (!v.overlaps(values[other])) continue;
      if (offset + v.size <= plan.offsets[other]) break;  // it fits into the gap before
      const Index end = plan.offsets[other] + values[other].size;
      offset = std::max(offset, (end + alignment - 1) / alignment * alignment);
    }
    plan.offsets[value] = offset;
    plan.size = std::max(plan.size, offset + v.size);
    insert(placed, value, [&](auto a, auto b) { return plan.offsets[a] < plan.offsets[b]; });
  }
  check_memory_plan(values, plan);
  return plan;
}

}  // namespace fovea::inline FOVEA_ABI
