// SPDX-License-Identifier: MIT
//
// Solutions to chapter 21: how many sums there are, and what each of P machines has and sends.
#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "fovea/fovea.hpp"

using namespace fovea;

int main() {
  // Every order of eight numbers, from left to right.
  std::array<float, 8> x{1.1f, -2.2f, 3.3f, -4.4f, 5.5f, -6.6f, 7.7f, -8.8f};
  std::sort(x.begin(), x.end());
  std::set<float> sums;
  do {
    float sum = 0;
    for (const float number : x) sum += number;
    sums.insert(sum);
  } while (std::next_permutation(x.begin(), x.end()));
  std::printf("%zu different sums of eight numbers, from %.7f to %.7f\n", sums.size(),
              static_cast<double>(*sums.begin()), static_cast<double>(*sums.rbegin()));

  for (const Index machines : {2, 3, 4, 6, 8, 12, 16}) {
    const BatchSplit split(1600, machines);
    Index most = 0;
    for (Index m = 0; m < machines; ++m) most = std::max(most, split.size(m) / 100);
    std::printf(
        "%2td machines: the largest has %2td of 16 chunks, so %4.1f times as fast; each sends %.2f "
        "of the gradients\n",
        machines, most, 16.0 / static_cast<double>(most),
        2.0 * static_cast<double>(machines - 1) / static_cast<double>(machines));
  }
}
