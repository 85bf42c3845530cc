// SPDX-License-Identifier: MIT
//
// Draws networks while it runs, and compares all ways to run each (compare.cpp). None is compiled, so it tries thousands
// in the time in which run.py compiles one. After the first step none of them may allocate.
//
//   random_at_run_time                        250 networks that are always the same, and 50 fresh ones
//   random_at_run_time SEED FIRST COUNT       these
//   random_at_run_time SEED INDEX 1 STEPS     one, or what its first steps draw: how a failure is repeated
//
// The last line is "N networks drawn, M disagreements"; the status is 1 if there is a disagreement.
#include <climits>
#include <cstdio>
#include <random>

#include "house/counting_malloc.hpp"
#include "random_networks/recipe.hpp"

namespace random_networks {
namespace {

// Clang's OpenMP runtime allocates on its own behalf whenever threads start to work.
#ifdef __clang__
constexpr std::array<int, 1> numbers_of_threads{1};
#else
constexpr std::array<int, 2> numbers_of_threads{1, 3};
#endif

/// Complains about a network that allocates after its first step.
void count_allocations(const Recipe& recipe, std::vector<std::string>& lines) {
  const auto subject = build<float>(recipe);
  Network<float>& net = subject->net();
  const Extents input = recipe.values[0].extents();
  const Index most = 1 + recipe.description.capacity;
  const Numbers<float> x(static_cast<std::size_t>(most * input.size()), 0.5f);
  for (const int threads : numbers_of_threads)
    for (const Keep keep : {Keep::for_backward, Keep::everything, Keep::output}) {
      const WorkspaceOptions how{.keep = keep,
                                 .input_gradient = threads > 1,
                                 .threads = threads,
                                 .recompute = threads > 1};
      auto w = net.workspace(most, how, more_rules<float>(how));
      const bool trains = keep != Keep::output;
      const auto step = [&](Index n) {
        net.forward({x.data(), input.with_batch(n)}, w, trains ? Mode::train : Mode::eval);
        if (!trains) return;
        const AnyView<float> dy = w.output_gradient();
        std::fill_n(dy.data, dy.extents.size(), 1.0f);
        net.backward(w);
        net.for_each_parameter(w, [](View<float, 1>, View<float, 1>) {});
        net.commit_buffers(w);
      };
      step(recipe.description.batch);
      parallel_for(threads, threads, [](Index, int) {});  // OpenMP may have had nothing to do yet
      const long before = allocations;
      for (const Index n : {most, Index{1}}) step(n);
      if (allocations != before)
        lines.push_back(concat(allocations - before, " allocations after the first step, ", threads,
                               " threads"));
    }
}

Verdict try_recipe(const Recipe& recipe) {
  try {
    Verdict verdict = judge({recipe.description, [&] { return build<float>(recipe); },
                             [&] { return build<double>(recipe); }});
    std::vector<std::string> lines;
    count_allocations(recipe, lines);
    if (!lines.empty()) verdict = {lines, false, verdict.exact, verdict.worst};
    return verdict;
  } catch (const std::exception& error) {
    return {{error.what()}, false, false, 0};
  }
}

struct Totals {
  int drawn = 0, disagreements = 0, exact = 0, undecided = 0;
  std::array<int, 3> readers{};  // networks with a value of two, three, four readers and more
};

void try_one(std::uint64_t seed, Index index, int most, Totals& totals) {
  Recipe recipe = draw_recipe(seed, index, most);
  std::vector<std::size_t> readers(recipe.values.size());
  for (const Step& s : recipe.steps)
    for (const std::size_t x : s.x) ++readers[x];
  const std::size_t busiest = *std::max_element(readers.begin(), readers.end());
  for (std::size_t i = 0; i < 3; ++i) totals.readers[i] += busiest >= i + 2;
  Verdict verdict = try_recipe(recipe);
  ++totals.drawn;
  totals.exact += verdict.exact, totals.undecided += verdict.undecided;
  if (!verdict.disagrees()) return;
  ++totals.disagreements;
  for (int fewer = 0; fewer < most; ++fewer) {
    const Recipe smaller = draw_recipe(seed, index, fewer);
    if (smaller.steps.size() >= recipe.steps.size()) break;
    const Verdict now = try_recipe(smaller);
    if (!now.disagrees()) continue;
    recipe = smaller, verdict = now, most = fewer;
    break;
  }
  std::printf(
      "network %lld of seed %llu DISAGREES; repeat it by  random_at_run_time %llu %lld 1 %d\n%s",
      static_cast<long long>(index), static_cast<unsigned long long>(seed),
      static_cast<unsigned long long>(seed), static_cast<long long>(index), most,
      to_string(recipe).c_str());
  for (const auto& line : verdict.lines) std::printf("    %s\n", line.c_str());
  std::fflush(stdout);
}

int run(const std::vector<std::string>& arguments) {
  Totals totals;
  const auto number = [&](std::size_t i) { return std::stoll(arguments.at(i)); };
  const auto range = [&](std::uint64_t seed, Index first, Index count, int most) {
    for (Index index = first; index < first + count; ++index) try_one(seed, index, most, totals);
  };
  if (arguments.empty()) {
    const std::uint64_t fresh = std::random_device{}();
    std::printf("fresh networks: seed %llu\n", static_cast<unsigned long long>(fresh));
    std::fflush(stdout);
    range(1, 0, 250, INT_MAX);
    range(fresh, 0, 50, INT_MAX);
  } else {
    range(static_cast<std::uint64_t>(number(0)), static_cast<Index>(number(1)),
          static_cast<Index>(number(2)),
          arguments.size() > 3 ? static_cast<int>(number(3)) : INT_MAX);
  }
  std::printf(
      "%d of whole numbers and equal to the last bit; a value has two readers in %d, three in %d, "
      "four and more in %d\n",
      totals.exact, totals.readers[0], totals.readers[1], totals.readers[2]);
  if (totals.undecided > 0)
    std::printf("%d undecided: a tie within rounding in every draw\n", totals.undecided);
  const bool too_many = totals.undecided > std::max(1, totals.drawn / 20);
  if (too_many) std::printf("expected at most 5 %% undecided\n");
  std::printf("%d networks drawn, %d disagreements\n", totals.drawn, totals.disagreements);
  return totals.disagreements > 0 || too_many;
}

}  // namespace
}  // namespace random_networks

int main(int count, char** arguments) {
  try {
    return random_networks::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "random_at_run_time: %s\n", error.what());
    return 2;
  }
}
