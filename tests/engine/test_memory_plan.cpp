// SPDX-License-Identifier: MIT
//
// The memory planner against its checker, and the checker against plans that are wrong.
#include "support.hpp"

using namespace test;

TEST_CASE("memory plan: the example in the header") {
  const std::vector<Lifetime> values{{100, 0, 1}, {50, 1, 2}, {100, 2, 3}};
  const MemoryPlan plan = plan_memory(values, 1);
  CHECK(plan.offsets == std::vector<Index>{0, 100, 0});
  CHECK(plan.size == 150);
}

TEST_CASE("memory plan: nothing, empty values, values that all overlap") {
  CHECK(plan_memory({}, 16).size == 0);
  CHECK(plan_memory(std::vector<Lifetime>{{0, 0, 9}, {0, 3, 4}}, 16).size == 0);
  const std::vector<Lifetime> all{{3, 0, 5}, {7, 0, 5}, {1, 2, 2}};
  const MemoryPlan plan = plan_memory(all, 16);
  CHECK(plan.offsets == std::vector<Index>{16, 0, 32});
  CHECK(plan.size == 33);
}

TEST_CASE("memory plan: of any values, those alive together are apart, and memory is not wasted") {
  Rng rng{1};
  for (int round = 0; round < 2000; ++round) {
    std::vector<Lifetime> values(static_cast<std::size_t>(1 + rng.below(30)));
    Index total = 0, most = 0;
    for (Lifetime& v : values) {
      v.first = rng.below(20);
      v = {rng.below(5) == 0 ? 0 : rng.below(100), v.first, v.first + rng.below(6)};
      total += v.size;
    }
    for (Index step = 0; step < 30; ++step) {
      Index alive = 0;
      for (const Lifetime& v : values)
        if (v.first <= step && step <= v.last) alive += v.size;
      most = std::max(most, alive);
    }
    const MemoryPlan plan = plan_memory(values, 1);
    CHECK(error_of([&] { check_memory_plan(values, plan); }) == "");
    CHECK(plan.size <= total);
    CHECK(plan.size >= most);
    for (const Index offset : plan_memory(values, 16).offsets) CHECK(offset % 16 == 0);
  }
}

TEST_CASE(
    "memory plan: the checker sees a shared element, an end beyond the memory, a value left out") {
  const std::vector<Lifetime> values{{10, 0, 2}, {10, 2, 4}, {10, 3, 3}};
  const auto error = [&](std::vector<Index> offsets, Index size) {
    return error_of([&] { check_memory_plan(values, {std::move(offsets), size}); });
  };
  CHECK(error({0, 10, 0}, 20) == "");
  CHECK(error({0, 9, 0}, 20) ==
        "memory plan: values 0 and 1 are alive at the same time and share memory");
  CHECK(contains(error({0, 10, 11}, 30), "values 1 and 2"));
  CHECK(contains(error({0, 10, 0}, 19), "expected value 1 in [0, 19), found it in [10, 20)"));
  CHECK(contains(error({0, 10}, 20), "expected 3 offsets, found 2"));
}
