// SPDX-License-Identifier: MIT
//
// What is stored of a tensor that another program computed, and the comparison with ours.
#pragma once

#include <array>

#include "golden/fill.hpp"
#include "support.hpp"

namespace golden {

// The largest entry, the Euclidean norm, the inner product with value(.; 99), and S samples from the first
// number to the last, as entry() in make_golden.py writes them.
template <std::size_t S>
struct Entry {
  const char* name;
  long count;
  double largest, norm, projection;
  std::array<double, S> samples;
};

}  // namespace golden

namespace test {

// The tolerance is a share of the largest entry.
template <std::size_t S, TensorLike X>
void compare_golden(const golden::Entry<S>& expected, const X& tensor, double tolerance) {
  const std::string name = expected.name;
  CAPTURE(name);
  const auto x = as_const(tensor);
  REQUIRE(x.size() == expected.count);
  double largest = 0, square = 0, projection = 0, projected_norm = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const auto v = static_cast<double>(x.begin()[i]);
    largest = std::max(largest, std::abs(v));
    square += v * v;
    projection += v * golden_value(i, 99, 1.0);
    projected_norm += std::abs(golden_value(i, 99, 1.0));
  }
  CHECK(expected.largest > 0);
  const double unit = tolerance * expected.largest;
  CHECK(std::abs(largest - expected.largest) <= unit);
  CHECK(std::abs(std::sqrt(square) - expected.norm) <=
        unit * std::sqrt(static_cast<double>(x.size())));
  CHECK(std::abs(projection - expected.projection) <= unit * projected_norm);
  for (std::size_t s = 0; s < S; ++s) {
    const Index at = static_cast<Index>(s) * (x.size() - 1) / static_cast<Index>(S - 1);
    CHECK(std::abs(static_cast<double>(x.begin()[at]) - expected.samples[s]) <= unit);
  }
}

}  // namespace test
