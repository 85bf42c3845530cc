// SPDX-License-Identifier: MIT
//
// 1. Tensors: blocks of numbers, and views that look at them.
//
// Prints a matrix, its column means, a matrix product and one row.
#include <err.h>

#include <cstdio>

#include "fovea/fovea.hpp"

using namespace fovea;

int main() {
  Tensor<float, 2> a{{1, 2, 3}, {4, 5, 6}};  // (2, 3): two rows, three columns
  std::printf("a has shape %s:\n%s\n", to_string(a.shape()).c_str(), to_string(a).c_str());

  // Elementwise arithmetic makes new tensors; a reduction removes the axes it runs over.
  const auto b = 2 * a + 1;
  std::printf("2 a + 1 =\n%s\n", to_string(b).c_str());
  std::printf("column means of a: %s\n", to_string(mean<0>(a)).c_str());
  std::printf("largest of a: %g, at column %td of row 1\n", static_cast<double>(max(a)),
              argmax(a[1]));

  // (2, 3) times (3, 2) gives (2, 2).
  std::printf("a a^T =\n%s\n", to_string(matmul(a, transpose(a))).c_str());

  // A view owns nothing: writing through it writes into a.
  View<float, 1> row = a[1];
  row.fill(0);
  std::printf("a with its second row set to zero:\n%s\n", to_string(a).c_str());

  // Mistakes are sentences.
  try {
    a.at(2, 0);
  } catch (const Error& error) {
    std::printf("a.at(2, 0): %s\n", error.what());
  }
  if (std::fflush(stdout) != 0) err(1, "standard output");  // a full disk, for instance
}
