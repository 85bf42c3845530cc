// SPDX-License-Identifier: MIT
// What a network sees: how well random kernels resemble a template, and fields from counted paths.
#include <fovea/explain/effective_field.hpp>
#include <fovea/explain/filters.hpp>

#include <cstdio>

using namespace fovea;

int main() {
  for (const Index side : {3, 5}) {
    const auto chance = random_matches({side, side});  // 10 000, the weakest first
    std::printf("%td x %td: half of random kernels above %.2f, one in twenty above %.2f\n", side,
                side, std::abs(chance[5000].correlation), std::abs(chance[9500].correlation));
  }
  const PathStep conv{.kernel = 3}, pool{.kernel = 2, .stride = 2};
  for (const auto& layers : {std::vector{conv}, {conv, pool, conv}, {conv, pool, conv, pool}}) {
    std::vector<double> paths = path_counts(layers), roots = paths;
    for (double& n : roots) n = std::sqrt(n);
    for (const double n : paths) std::printf("%g ", n);
    std::printf(": %.3f, of roots %.3f\n", deviation_of(paths), deviation_of(roots));
  }
}
