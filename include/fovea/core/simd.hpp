// SPDX-License-Identifier: MIT
//
// Vector registers by the compilers' vector extensions: Vec<float> is one zmm, ymm or xmm register,
// and +, -, * on it are one instruction each. No intrinsics, so one kernel serves all machines.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "fovea/core/check.hpp"

// Clang splits 64-byte vectors in two under -march=native unless a function demands whole ones.
#if defined(__clang__) && FOVEA_VECTOR_BYTES == 64
#  define FOVEA_WIDE_VECTORS __attribute__((min_vector_width(512)))
#else
#  define FOVEA_WIDE_VECTORS
#endif

// A function around one register tile. Inlined into loops it would have to share the registers.
#define FOVEA_KERNEL FOVEA_OUT_OF_LINE FOVEA_WIDE_VECTORS

// Says that no iteration of the next loop reads what another one writes, so vectors
// may be used. Clang takes it for an order and warns where it cannot obey, as with a
// square root that sets errno.
#if defined(__clang__) && defined(__NO_MATH_ERRNO__)
#  define FOVEA_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__clang__)
#  define FOVEA_INDEPENDENT
#else
#  define FOVEA_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace fovea::inline FOVEA_ABI {

namespace detail {
template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(FOVEA_VECTOR_BYTES)));
};
}  // namespace detail

/// A vector register of T: lanes<T> numbers, with the arithmetic operators of one.
template <class T>
using Vec = typename detail::VectorOf<T>::type;

/// The type of the numbers in a vector V.
template <class V>
using Element = std::remove_cvref_t<decltype(std::declval<V&>()[0])>;

/// N elements side by side: an array of C, whose bound has a sign as its indices have.
template <class E, Index N>
using Array = E[std::size_t{N}];

/// Elements in a vector register: 16 floats or 8 doubles with AVX-512.
template <class T>
inline constexpr Index lanes = FOVEA_VECTOR_BYTES / static_cast<Index>(sizeof(T));

/// Numbers in whole vectors of T.
template <class T>
constexpr Index whole_vectors(Index count) {
  return (count + lanes<T> - 1) / lanes<T> * lanes<T>;
}

/// Integers as wide as T, one for each lane: what a comparison of vectors yields.
template <class T>
using Integers = decltype(Vec<T>{} < Vec<T>{});

/// {0, 1, 2, ...}
template <class T>
inline Integers<T> lane_numbers() {
  Integers<T> numbers{};
  for (int i = 0; i < lanes<T>; ++i) numbers[i] = i;
  return numbers;
}

/// How many vector registers the instruction set has: the budget of a kernel's tile.
inline constexpr int vector_registers = FOVEA_VECTOR_BYTES == 64 ? 32 : 16;

/// lanes<T> numbers from `from` on, whatever its alignment; and the inverse.
template <class T>
inline Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}

/// Writes lanes<T> numbers from `to` on, whatever its alignment.
template <class T>
inline void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof v);
}

/// The same value, in a register: g++ 12 would rather read an operand from memory again each time
/// it is used, and there are only two reads a cycle.
template <class T>
inline Vec<T> in_register(Vec<T> v) {
#if defined(__x86_64__) && defined(__GNUC__)
  asm("" : "+v"(v));
#endif
  return v;
}

/// {a0, a2, a4, ..., b0, b2, b4, ...} and {a1, a3, a5, ..., b1, b3, b5, ...}.
template <class T>
inline Vec<T> evens(Vec<T> a, Vec<T> b) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (2 * i)...);
  }
  (std::make_integer_sequence<int, int{lanes<T>}>{});
}
/// The odd ones, see evens().
template <class T>
inline Vec<T> odds(Vec<T> a, Vec<T> b) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (2 * i + 1)...);
  }
  (std::make_integer_sequence<int, int{lanes<T>}>{});
}

/// {a0, b0, a1, b1, ...}: the first halves of a and b in turns, or the second halves.
template <class T>
inline Vec<T> zip_low(Vec<T> a, Vec<T> b) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (i / 2 + i % 2 * int{lanes<T>})...);
  }
  (std::make_integer_sequence<int, int{lanes<T>}>{});
}
/// The second halves in turns, see zip_low().
template <class T>
inline Vec<T> zip_high(Vec<T> a, Vec<T> b) {
  return [&]<int... i>(std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, (int{lanes<T>} / 2 + i / 2 + i % 2 * int{lanes<T>})...);
  }
  (std::make_integer_sequence<int, int{lanes<T>}>{});
}

/// sums[i] = the sum over the lanes of v[i], for 4 or 8 vectors at once: neighbours are added until
/// one number is left of each, so all lanes work until the end. `v` is used up.
template <class T, int R>
inline void add_lanes(Array<Vec<T>, R>& v, T* sums) {
  static_assert((R & (R - 1)) == 0, "a power of two");
  int count = R;
#pragma GCC unroll 4
  for (Index width = lanes<T>; width > 1; width /= 2) {
    const int half = count > 1 ? count / 2 : 1;
#pragma GCC unroll 4
    for (int i = 0; i < half; ++i) {
      const Vec<T> a = v[count > 1 ? 2 * i : 0], b = v[count > 1 ? 2 * i + 1 : 0];
      v[i] = evens<T>(a, b) + odds<T>(a, b);
    }
    count = half;
  }
  constexpr int left = R > lanes<T> ? R / int{lanes<T>} : 1;  // what count is now
  T all[left * lanes<T>];
#pragma GCC unroll 4
  for (int i = 0; i < left; ++i) store(all + i * lanes<T>, v[i]);
  for (int i = 0; i < R; ++i) sums[i] = all[i];
}

/// The sum of n numbers. One running sum would wait for every addition, so there are four vectors.
template <class T>
T sum_of(const T* x, Index n) {
  Vec<T> sums[4] = {};
  Index i = 0;
  for (; i + 4 * lanes<T> <= n; i += 4 * lanes<T>)
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) sums[k] += load(x + i + k * lanes<T>);
  for (; i + lanes<T> <= n; i += lanes<T>) sums[0] += load(x + i);
  T parts[lanes<T>];
  store(parts, (sums[0] + sums[1]) + (sums[2] + sums[3]));
  T total{0};
  for (const T part : parts) total += part;
  for (; i < n; ++i) total += x[i];
  return total;
}

/// x, or zero where x is denormal: closer to zero than any number with a full mantissa. A value
/// that decays, as a moment does without gradients, would end there and stay, for 0.9 times
/// four of the smallest numbers is rounded to four of them; and some processors take a hundred
/// cycles for such an operation.
template <class T>
inline T flush_denormal(T x) {
  return std::abs(x) < std::numeric_limits<T>::min() ? T{0} : x;
}

}  // namespace fovea::inline FOVEA_ABI
