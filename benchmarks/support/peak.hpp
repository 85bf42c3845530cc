// SPDX-License-Identifier: MIT
//
// The roof: how many multiply-adds this machine can do when nothing else is in the way.
#pragma once

#include <chrono>

#include "fovea/core/parallel.hpp"
#include "fovea/core/simd.hpp"

// Independent chains of multiply-adds, enough of them to hide the latency of each.
template <class T>
FOVEA_WIDE_VECTORS inline double multiply_add_chains(long rounds) {
  using namespace fovea;
  constexpr int chains = vector_registers == 32 ? 24 : 12;
  Vec<T> sum[chains];
  for (int c = 0; c < chains; ++c) sum[c] = Vec<T>{} + T(c);  // equal chains would be computed once
  Vec<T> factor = Vec<T>{} + T(0.999999), term = Vec<T>{} + T(1e-6);
  for (long round = 0; round < rounds; ++round) {
    asm volatile("" : "+v"(factor), "+v"(term));  // keeps the compiler from solving the recurrence
#pragma GCC unroll 24
    for (int c = 0; c < chains; ++c) sum[c] = sum[c] * factor + term;
  }
  Vec<T> total{};
  for (const Vec<T>& s : sum) total += s;
  double result = 0;
  T parts[lanes<T>];
  store(parts, total);
  for (const T part : parts) result += static_cast<double>(part);
  return result;
}

/// Measured multiply-add peak in GFLOP/s on this many threads: the best of five tries.
template <class T>
double measured_peak(int threads) {
  using Clock = std::chrono::steady_clock;
  constexpr long rounds = 2000000;
  constexpr double chains = fovea::vector_registers == 32 ? 24 : 12;
  const double work = 2.0 * chains * static_cast<double>(fovea::lanes<T>) * rounds * threads;
  double best = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto start = Clock::now();
    fovea::parallel_for(threads, threads, [&](fovea::Index, int) {
      volatile double keep = multiply_add_chains<T>(rounds);
      (void)keep;
    });
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, work / seconds / 1e9);
  }
  return best;
}
