// SPDX-License-Identifier: MIT
//
// The program of the networks that run.py has written as C++.
//
//   program [NUMBER...]          compares the ways to run these networks, or all
//   program --dump FILE NUMBER   what pytorch.py compares with
#include <algorithm>
#include <cstdio>

#include "random_networks/subject.hpp"

namespace random_networks {
namespace {

/// Says what became of one network; false if ways disagree.
bool try_network(const Entry& entry) {
  const Description& d = entry.description;
  std::printf("network %d\n", d.number);
  std::fflush(stdout);
  const Verdict verdict = judge(entry);
  for (const auto& line : verdict.lines)
    std::printf("  %s%s\n", verdict.undecided ? "(a tie) " : "", line.c_str());
  std::printf("network %d: %s%s, worst %.1e\n", d.number,
              verdict.disagrees() ? "DISAGREES"
              : verdict.undecided ? "undecided"
                                  : "agrees",
              verdict.exact ? ", exact"
              : d.whole     ? ", whole but not exact"
                            : "",
              verdict.worst);
  std::fflush(stdout);
  return !verdict.disagrees();
}

int run(const std::vector<std::string>& arguments) {
  const bool dumps = !arguments.empty() && arguments[0] == "--dump";
  const std::size_t first = dumps ? 2 : 0;
  int disagreements = 0;
  for (const Entry& entry : entries()) {
    const std::string number = std::to_string(entry.description.number);
    if (arguments.size() > first && std::find(arguments.begin() + static_cast<long>(first),
                                              arguments.end(), number) == arguments.end())
      continue;
    if (dumps)
      dump(entry, arguments.at(1).c_str());
    else
      disagreements += !try_network(entry);
  }
  return disagreements > 0;
}

}  // namespace
}  // namespace random_networks

int main(int count, char** arguments) {
  try {
    return random_networks::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
