// SPDX-License-Identifier: MIT
//
// Numbers by their bits, and sums and products with known rounding errors, for core/math.hpp.
//
// `bit_cast` is std::bit_cast by the compilers' builtin, because the libc++ of
// emscripten 3.1.6 has none. The rest replaces ceil, round, copysign, ldexp, frexp and nextafter of
// libm, and numbers of 106 bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <type_traits>

#include "fovea/core/abi.hpp"

#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ == 2
#  error "fovea needs doubles that are rounded to 53 bits: on 32-bit x86 use -msse2 -mfpmath=sse"
#endif

namespace fovea::inline FOVEA_ABI {

/// a == b, where rounding is no reason for another answer: 0 that was never touched, a
/// number and its copy. By std::equal_to, so that -Wfloat-equal of a program shows the
/// comparisons that are not meant.
template <class T>
constexpr bool exactly_equal(T a, std::type_identity_t<T> b) {
  return std::equal_to<T>{}(a, b);
}

namespace detail {

template <class To, class From>
constexpr To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From) && std::is_trivially_copyable_v<To> &&
                std::is_trivially_copyable_v<From>);
  return __builtin_bit_cast(To, from);
}

// 2^k, for -1022 <= k <= 1023.
constexpr double power_of_two(int k) {
  return bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

// 2^k x for 1/2 <= x < 2 and |k| <= 2044, rounded once: only the second product can be denormal.
constexpr double scaled(double x, int k) {
  return x * power_of_two(k >> 1) * power_of_two(k - (k >> 1));
}

// x = 2^k m with m in [sqrt(1/2), sqrt(2)), for a finite x > 0.
struct Split {
  double m;
  int k;
};
constexpr Split split(double x) {
  constexpr std::uint64_t root_half = 0x3fe6a09e667f3bcd;  // the bits of sqrt(1/2)
  const int raised = x < std::numeric_limits<double>::min() ? 54 : 0;
  const std::uint64_t bits = bit_cast<std::uint64_t>(raised ? x * 0x1p54 : x) - root_half;
  return {bit_cast<double>((bits & 0xfffffffffffffu) + root_half),
          static_cast<int>(static_cast<std::int64_t>(bits) >> 52) - raised};
}

// The smallest T above x, for a finite x. T is float or double.
template <class T>
constexpr T next_above(T x) {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  if (exactly_equal(x, 0)) return std::numeric_limits<T>::denorm_min();
  return bit_cast<T>(bit_cast<Bits>(x) + (x > 0 ? Bits{1} : ~Bits{0}));
}

// The nearest whole number, for |x| < 2^51: between 2^52 and 2^53 a double has no fraction.
constexpr double nearest(double x) { return (x + 0x1.8p52) - 0x1.8p52; }

// A number as a sum: `low` is about 2^-53 of `high`, or less (T. J. Dekker, A floating-point
// technique for extending the available precision, Numerische Mathematik 18, 1971).
struct TwoDoubles {
  double high, low;
};

// a + b without an error, for |a| >= |b| or a = 0.
constexpr TwoDoubles exact_sum(double a, double b) {
  const double sum = a + b;
  return {sum, b - (sum - a)};
}

// a b with an error of 2^-106: halves of 26 and 27 bits have products that fit into a double.
// (Dekker finds the halves by a product, which fused multiply-add would spoil.)
constexpr TwoDoubles exact_product(double a, double b) {
  const auto upper = [](double x) {
    return bit_cast<double>(bit_cast<std::uint64_t>(x) & 0xfffffffff8000000u);
  };
  const double a1 = upper(a), a2 = a - a1, b1 = upper(b), b2 = b - b1, product = a * b;
  return {product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2};
}

constexpr TwoDoubles operator*(TwoDoubles a, TwoDoubles b) {
  const TwoDoubles product = exact_product(a.high, b.high);
  return exact_sum(product.high, product.low + (a.high * b.low + a.low * b.high));
}

}  // namespace detail

namespace math {

inline constexpr double infinity = std::numeric_limits<double>::infinity();  ///< larger than all
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();      ///< no number

/// The size of `size` with the sign of `sign`, also of zeros.
constexpr double copysign(double size, double sign) {
  constexpr std::uint64_t top = std::uint64_t{1} << 63;
  return detail::bit_cast<double>((detail::bit_cast<std::uint64_t>(size) & ~top) |
                                  (detail::bit_cast<std::uint64_t>(sign) & top));
}

/// The smallest whole number that is not below x.
inline double ceil(double x) { return -std::floor(-x); }

/// The whole number nearest to x; halves go away from zero.
inline double round(double x) {
  const double size = std::abs(x), below = std::floor(size);
  return copysign(size - below < 0.5 ? below : below + 1, x);
}

}  // namespace math

}  // namespace fovea::inline FOVEA_ABI
