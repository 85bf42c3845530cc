// SPDX-License-Identifier: MIT
//
// Randomness that is a function of its arguments.
//
// Rng is SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA
// 2014): the n-th number of a stream is mix(key + n * golden ratio), so streams are cheap, skipping
// ahead is an addition, and the numbers are the same bits on every platform; those of `normal` in
// every build without floating-point contraction (core/math.hpp).
//
//   Rng rng{1};                      // seed 1
//   rng.uniform(-1, 1)               // U[-1, 1)
//   Rng at{1, epoch, image};         // a stream of its own for each (seed, epoch, image)
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "fovea/core/check.hpp"
#include "fovea/core/math.hpp"

namespace fovea::inline FOVEA_ABI {

/// A stream of random numbers: SplitMix64 (Steele, Lea, Flood 2014).
class Rng {
 public:
  /// One stream for every tuple of integers.
  template <std::integral... Keys>
  explicit Rng(std::uint64_t seed, Keys... keys) : state_(mix(seed + golden)) {
    ((state_ = mix((state_ ^ static_cast<std::uint64_t>(keys)) + golden)), ...);
  }

  /// 64 random bits.
  std::uint64_t bits() { return mix(state_ += golden); }

  /// U[0, 1) with 53 random bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// U[low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }

  /// An integer in [0, n), each equally likely (the biased tail is drawn again).
  Index below(Index n) {
    check(n > 0, "random: below(n) expected n > 0, got ", n);
    const auto range = static_cast<std::uint64_t>(n);
    const std::uint64_t tail = (0 - range) % range;  // 2^64 mod n
    std::uint64_t draw = bits();
    while (draw < tail) draw = bits();
    return static_cast<Index>(draw % range);
  }

  /// N(0, 1), by Box and Muller.
  double normal() {
    const double radius = std::sqrt(-2.0 * math::log1p(-uniform()));
    return radius * math::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  static constexpr std::uint64_t golden = 0x9E3779B97F4A7C15u;

  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

/// The numbers 0 .. n-1 in random order (Fisher and Yates).
inline std::vector<Index> permutation(Index n, Rng rng) {
  check(n >= 0, "permutation: expected 0 or more numbers, got ", n);
  std::vector<Index> order(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  for (Index i = n - 1; i > 0; --i)
    std::swap(order[static_cast<std::size_t>(i)],
              order[static_cast<std::size_t>(rng.below(i + 1))]);
  return order;
}

}  // namespace fovea::inline FOVEA_ABI
