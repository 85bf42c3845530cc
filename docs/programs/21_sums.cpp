// SPDX-License-Identifier: MIT
//
// Chapter 21: one sum, computed by several machines in two ways.
#include <cstdio>
#include <vector>

#include "fovea/fovea.hpp"

using namespace fovea;

int main() {
  const float big = 16777216, one = 1;  // 2^24: the next float is 2 more
  std::printf("(2^24 + 1) + 1 = %.0f,  2^24 + (1 + 1) = %.0f\n\n", big + one + one,
              big + (one + one));

  // The gradients of one weight from 1000 examples.
  const Index N = 1000;
  std::vector<float> g;
  Rng rng{1};
  for (Index n = 0; n < N; ++n) g.push_back(static_cast<float>(rng.normal()));
  const auto term = [&](Index n) { return g[static_cast<std::size_t>(n)]; };

  for (const Index machines : {1, 2, 3, 4, 5}) {
    // Each adds an equal share, from left to right, and the first one adds the sums.
    float shares = 0;
    for (Index m = 0; m < machines; ++m) {
      float sum = 0;
      const auto [first, last] = chunk_range(N, machines, m);
      for (Index n = first; n < last; ++n) sum += term(n);
      shares += sum;
    }
    // Each adds a node of the tree over 16 chunks, and the nodes above come afterwards.
    const BatchSplit split(N, machines);
    std::vector<float> nodes;
    Index most = 0;
    for (Index m = 0; m < machines; ++m) {
      const Index first = split.first(m);
      nodes.push_back(kernels::sum_of_examples({split.size(m), {.whole = N, .first = first}},
                                               [&](Index n) { return term(first + n); }));
    }
    for (Index m = 0; m < machines; ++m) most = std::max(most, split.size(m));
    split.add_up([&](Index a, Index b) {
      nodes[static_cast<std::size_t>(a)] += nodes[static_cast<std::size_t>(b)];
    });
    std::printf("%td machine%s shares %.7f   nodes of the tree %.7f   the largest has %td of 16\n",
                machines, machines == 1 ? ": " : "s:", static_cast<double>(shares),
                static_cast<double>(nodes[0]), (most * 16 + N / 2) / N);
  }

  // The error of a long sum: from left to right, and in pairs.
  std::puts("");
  for (const Index count : {1000, 100000, 10000000}) {
    Rng numbers{2};
    std::vector<float> x;
    double exact = 0;
    float left_to_right = 0;
    for (Index i = 0; i < count; ++i) {
      x.push_back(static_cast<float>(numbers.uniform()));
      exact += static_cast<double>(x.back());
      left_to_right += x.back();
    }
    while (x.size() > 1) {
      for (std::size_t i = 0; i < x.size() / 2; ++i) x[i] = x[2 * i] + x[2 * i + 1];
      if (x.size() % 2 == 1) x[x.size() / 2] = x.back();
      x.resize((x.size() + 1) / 2);
    }
    const auto error = [&](float sum) { return std::abs(static_cast<double>(sum) / exact - 1); };
    std::printf("%8td numbers: wrong by %.0e from left to right, by %.0e in pairs\n", count,
                error(left_to_right), error(x[0]));
  }
}
