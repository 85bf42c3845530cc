// SPDX-License-Identifier: MIT
//
// Vector registers by the compilers' vector extensions: Vec<float> is one zmm, ymm or xmm register,
// and +, -, * on it are one instruction each. No intrinsics, so one kernel serves all machines.
#pragma once

#include <cstring>

#include "fovea/core/check.hpp"

// Clang splits 64-byte vectors in two under -march=native unless a function asks for whole ones.
#if defined(__clang__) && FOVEA_VECTOR_BYTES == 64
#  define FOVEA_WIDE_VECTORS __attribute__((min_vector_width(512)))
#else
#  define FOVEA_WIDE_VECTORS
#endif

namespace fovea::inline FOVEA_ABI {

namespace detail {
template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(FOVEA_VECTOR_BYTES)));
};
}  // namespace detail

template <class T>
using Vec = typename detail::VectorOf<T>::type;

/// Elements in a vector register: 16 floats or 8 doubles with AVX-512.
template <class T>
inline constexpr Index lanes = FOVEA_VECTOR_BYTES / static_cast<Index>(sizeof(T));

/// How many vector registers the instruction set has: the budget of a kernel's tile.
inline constexpr int vector_registers = FOVEA_VECTOR_BYTES == 64 ? 32 : 16;

template <class T>
inline Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
inline void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

/// The sum of n numbers, one running sum for each lane: a single one would wait for every addition.
template <class T>
T sum_of(const T* x, Index n) {
  Vec<T> sums{};
  Index i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) sums += load(x + i);
  T parts[lanes<T>];
  store(parts, sums);
  T total{0};
  for (const T part : parts) total += part;
  for (; i < n; ++i) total += x[i];
  return total;
}

}  // namespace fovea::inline FOVEA_ABI
