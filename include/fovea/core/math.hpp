// SPDX-License-Identifier: MIT
//
// exp, log, sin and their relatives, with the same bits on every platform.
//
// C libraries round these functions differently, and glibc uses fused multiply-add where the
// processor has it. Here are only +, -, *, /, comparisons, floor and the bits of a double,
// which IEEE 754 defines to the last bit. So a build without contraction (-ffp-contract=off,
// or no such instruction) gives the same bits with any compiler, C library and processor;
// one with it gives other bits within the same errors. Numeric code calls these functions,
// and of libm only sqrt and floor.
//
//                error/ulp  method
//   exp, expm1   0.8, 1.4   x = k ln 2 + r with |r| <= ln(2) / 2, and the Taylor series of e^r - 1
//   log, log1p   0.9        x = 2^k (1 + f), s = f / (2 + f), ln(1 + f) = 2 (s + s^3/3 + ...)
//   sin, cos     0.8        x = n pi/2 + r, and the Taylor series; NaN for |x| > 1e9
//   tanh         2.0        e / (e + 2) with e = e^2x - 1
//   erf          1.7        Taylor series, and from 0.9 on 1 - exp(-x^2) P(x) / Q(x)
//   pow          0.8        exp(y ln x), where ln x and the product have two doubles each
//
// The errors are the largest that tests/core/test_math.cpp allows, against long double. Special
// values are those of the C standard. Reductions: Cody and Waite, Software manual for the
// elementary functions, 1980. P and Q: Cody, Rational Chebyshev approximations for the error
// function, Mathematics of Computation, 1969.
#pragma once

#include <initializer_list>
#include <numbers>

#include "fovea/core/bits.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

inline constexpr double ln2_high = 0x1.62e42fefp-1, ln2_low = 0x1.473de6af278edp-34;  // sum: ln 2

// c + c1 x + c2 x^2 + ...
constexpr double polynomial(double, double c) { return c; }
template <class... C>
constexpr double polynomial(double x, double c, C... more) {
  return c + x * polynomial(x, more...);
}

// e^(x + low) = 2^k (1 + p.high + p.low).
struct Exponential {
  TwoDoubles p;
  int k;
};
constexpr Exponential exponential(double x, double low = 0) {
  const double k = nearest(x * std::numbers::log2e);
  const double a = x - k * ln2_high, b = k * ln2_low - low, r = a - b, lost = (a - r) - b;
  const double r2 = r * r;  // powers by twos: two chains of operations side by side
  const double even =
      polynomial(r2, 1.0 / 2, 1.0 / 24, 1.0 / 720, 1.0 / 40320, 1.0 / 3628800, 1.0 / 479001600);
  const double odd = polynomial(r2, 1.0 / 6, 1.0 / 120, 1.0 / 5040, 1.0 / 362880, 1.0 / 39916800,
                                1.0 / 6227020800);
  return {{r, r2 * (even + r * odd) + lost}, static_cast<int>(k)};
}
constexpr double rounded(const Exponential& e) {
  const auto [high, low] = exact_sum(1, e.p.high);
  return scaled(high + (low + e.p.low), e.k);
}

// k ln 2 + ln(1 + f) + low. With 2s = f - s f the largest term
// of ln(1 + f) is f, which has no error.
constexpr double logarithm(int k, double f, double low) {
  const double s = f / (2 + f), z = s * s, z2 = z * z, half = 0.5 * f * f;
  const double series = z * (polynomial(z2, 2.0 / 3, 2.0 / 7, 2.0 / 11, 2.0 / 15, 2.0 / 19) +
                             z * polynomial(z2, 2.0 / 5, 2.0 / 9, 2.0 / 13, 2.0 / 17, 2.0 / 21));
  return k * ln2_high - ((half - (s * (half + series) + (k * ln2_low + low))) - f);
}

// ln x to 65 bits, for a finite x > 0: the same series with its largest terms in two doubles.
constexpr TwoDoubles long_logarithm(double x) {
  const auto [m, k] = split(x);
  const double f = m - 1, quotient = f / (2 + f);
  const TwoDoubles divisor = exact_sum(2, f), back = exact_product(quotient, divisor.high);
  const double left = (f - back.high) - back.low - quotient * divisor.low;
  const TwoDoubles s{quotient, left / divisor.high}, z = s * s;
  const double rest =
      z.high * polynomial(z.high, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17,
                          1.0 / 19, 1.0 / 21, 1.0 / 23, 1.0 / 25);
  const TwoDoubles series = s * (z * exact_sum(1.0 / 3, rest + 0x1.5555555555555p-56));
  const TwoDoubles part = exact_sum(s.high, series.high);  // half of ln m
  const TwoDoubles sum = exact_sum(k * ln2_high, 2 * part.high);
  return {sum.high, sum.low + (2 * (part.low + (s.low + series.low)) + k * ln2_low)};
}

// sin(x + quarter pi/2) for |x| <= 1e9. In x = n pi/2 + r n has 30 bits and each part of pi/2 has
// 23, so all products but the last are exact; what the differences lose goes into r.low.
constexpr double sine(double x, int quarter) {
  const double n = nearest(x * (2 / std::numbers::pi));
  double rest = x, low = 0;
  for (const double part :
       {0x1.921fb4p+0, 0x1.4442dp-24, 0x1.846988p-48, 0x1.8cc514p-72, 0x1.80dc1cd129025p-95}) {
    const double step = n * part, next = rest - step, taken = rest - next;
    low += (taken - step) + (rest - (next + taken));
    rest = next;
  }
  const int quadrant = (static_cast<int>(n) + quarter) & 3;
  const TwoDoubles r = exact_sum(rest, low);
  const double z = r.high * r.high, cosine = 1 - z / 2;
  const double sin_series =
      polynomial(z, -1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800,
                 1.0 / 6227020800, -1.0 / 1307674368000, 1.0 / 355687428096000);
  const double cos_series = polynomial(z, 1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800,
                                       1.0 / 479001600, -1.0 / 87178291200, 1.0 / 20922789888000);
  const double size = quadrant % 2 == 0
                          ? r.high + (r.low * cosine + r.high * z * sin_series)
                          : cosine + ((1 - cosine - z / 2) + (z * z * cos_series - r.high * r.low));
  return quadrant < 2 ? size : -size;
}

}  // namespace detail

namespace math {

/// e^x.
inline double exp(double x) {
  if (!(x > -746)) return x < 0 ? 0 : x;
  return x > 710 ? infinity : detail::rounded(detail::exponential(x));
}

/// e^x - 1, precise near zero.
inline double expm1(double x) {
  if (exactly_equal(x, 0) || std::isnan(x)) return x;
  if (std::abs(x) > 40) return exp(x) - 1;
  const auto [p, k] = detail::exponential(x);
  const double size = detail::power_of_two(k);
  const auto sum = detail::exact_sum(size - 1, size * p.high);
  return sum.high + (sum.low + size * p.low);
}

/// ln x.
inline double log(double x) {
  if (!(x > 0 && x < infinity)) return exactly_equal(x, 0) ? -infinity : x < 0 ? nan : x;
  const auto [m, k] = detail::split(x);
  return detail::logarithm(k, m - 1, 0);
}

/// ln(1 + x), precise near zero.
inline double log1p(double x) {
  if (std::abs(x) < 0.25) return exactly_equal(x, 0) ? x : detail::logarithm(0, x, 0);
  const double sum = 1 + x, lost = x < 1 ? x - (sum - 1) : 1 - (sum - x);
  if (!(sum > 0 && sum < infinity)) return log(sum);
  const auto [m, k] = detail::split(sum);
  return detail::logarithm(k, m - 1, lost / sum);
}

/// sin x, for |x| <= 1e9; NaN beyond.
inline double sin(double x) {
  if (exactly_equal(x, 0)) return x;
  return std::abs(x) <= 1e9 ? detail::sine(x, 0) : nan;
}

/// cos x, for |x| <= 1e9; NaN beyond.
inline double cos(double x) { return std::abs(x) <= 1e9 ? detail::sine(x, 1) : nan; }

/// The hyperbolic tangent.
inline double tanh(double x) {
  if (std::isnan(x)) return x;
  const double size = std::abs(x), e = expm1(2 * size);
  const auto sum = detail::exact_sum(2, e);
  const double part = e / sum.high;
  return copysign(size < 0.5 ? part - part * sum.low / sum.high : 1 - 2 / sum.high, x);
}

/// The error function: 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.
inline double erf(double x) {
  using detail::polynomial;
  constexpr double c = 0x1.06eba8214db69p-3;  // 2 / sqrt(pi) - 1
  const double size = std::abs(x), z = x * x;
  const double series = polynomial(
      z, -1.0 / 3, 1.0 / 10, -1.0 / 42, 1.0 / 216, -1.0 / 1320, 1.0 / 9360, -1.0 / 75600,
      1.0 / 685440, -1.0 / 6894720, 1.0 / 76204800, -1.0 / 918086400, 1.0 / 11975040000,
      -1.0 / 168129561600, 1.0 / 2528170444800, -1.0 / 40537905408000, 1.0 / 690452066304000);
  if (size < 0.9) return x + x * (c + (1 + c) * z * series);
  if (!(size < 6)) return std::isnan(x) ? x : copysign(1, x);
  const double p = polynomial(size, 1230.33935479799725, 2051.07837782607147, 1712.04761263407058,
                              881.95222124176909, 298.635138197400131, 66.1191906371416295,
                              8.88314979438837594, 0.564188496988670089, 2.15311535474403846e-8);
  const double q = polynomial(size, 1230.33935480374942, 3439.36767414372164, 4362.61909014324716,
                              3290.79923573345963, 1621.38957456669019, 537.181101862009858,
                              117.693950891312499, 15.7449261107098347, 1.0);
  return copysign(1 - exp(-z) * p / q, x);
}

/// x^y.
inline double pow(double x, double y) {
  if (exactly_equal(y, 0) || exactly_equal(x, 1)) return 1;
  if (std::isnan(x) || std::isnan(y)) return nan;
  const double size = std::abs(x);
  const bool whole = std::floor(y) >= y, odd = whole && 2 * std::floor(y / 2) < y;
  if (x < 0 && !whole && size < infinity) return nan;
  const double one = odd ? copysign(1, x) : 1;
  if (exactly_equal(size, 1)) return one;
  if (!(0 < size && size < infinity)) return (size < 1) == (y < 0) ? one * infinity : one * 0;
  const detail::TwoDoubles log = detail::long_logarithm(size);
  if (std::abs(y * log.high) > 746) return (y < 0) == (size < 1) ? one * infinity : one * 0;
  const detail::TwoDoubles product = detail::TwoDoubles{y, 0} * log;
  return one * detail::rounded(detail::exponential(product.high, product.low));
}

}  // namespace math

}  // namespace fovea::inline FOVEA_ABI
