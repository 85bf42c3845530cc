// SPDX-License-Identifier: MIT
//
// exp and its relatives on whole vectors, for activations.
//
// The functions of core/math.hpp work in double, with branches, one number at a time: 17 ns for a
// GELU and its derivative, a fifth of the time of a network that has them. These work in T on
// lanes<T> numbers at once, without a branch: 0.8 ns for a float. In double they are those of
// core/math.hpp, lane by lane, so the gradient checks see their full precision.
//
//   exp      x = k ln 2 + r with |r| <= ln(2)/2; e^r - 1 by its Taylor series; times 2^k
//   normal   P(z < -a) = d(a) t (c0 + c1 t + ... + c7 t^7),  t = 1 / (1 + 0.3 a),  a >= 0,
//            d the density: the form of Abramowitz and Stegun (Handbook of mathematical functions,
//            1964, 26.2.17), with coefficients fitted to a relative error of 1.5e-7
//
// Relative errors in float: 2e-7 for exp and expm1, 3e-7 for tanh and sigmoid; of P the absolute
// error is 3e-7 and the relative one 5e-6 down to P = 1e-30, for which a^2/2 has to be rounded
// (tests/kernels/test_vector_functions.cpp). Only +, -, *, /, comparisons and bits are used: the
// same bits in all builds without fused multiply-add.
#pragma once

#include <algorithm>

#include "fovea/core/math.hpp"
#include "fovea/core/simd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// c in every lane.
template <class V>
[[gnu::always_inline]] inline V all(double c) {
  return V{} + static_cast<Element<V>>(c);
}

/// f of every lane, one after the other.
// Compiled once, so that sums and products are contracted in the same way wherever it is called.
template <class V, class F>
FOVEA_OUT_OF_LINE V lane_by_lane(V x, const F& f) {
  for (int i = 0; i < lanes<Element<V>>; ++i)
    x[i] = static_cast<Element<V>>(f(static_cast<double>(x[i])));
  return x;
}

/// |x|, of -0 too.
template <class V>
[[gnu::always_inline]] inline V absolute(V x) {
  return x < V{} ? -x : x + V{};
}

namespace detail {

// e^x = scale (1 + p), for -87 <= x <= 88.
struct ScaledExponential {
  Vec<float> scale, p;
};
[[gnu::always_inline]] inline ScaledExponential scaled_exponential(Vec<float> x) {
  constexpr float shift = 0x1.8p23f;  // a float of this size has no fraction
  const Vec<float> k = (x * 0x1.715476p+0f + shift) - shift;
  const Vec<float> r = (x - k * 0x1.62ep-1f) - k * 0x1.0bfbe8p-15f;  // k * 0x1.62ep-1 is exact
  const Vec<float> series =
      ((((r * (1.0f / 5040) + 1.0f / 720) * r + 1.0f / 120) * r + 1.0f / 24) * r + 1.0f / 6) * r +
      0.5f;
  // The bits of a float: its exponent, plus 127, begins at bit 23.
  const auto exponent = __builtin_convertvector(k, Integers<float>) + 127;
  Vec<float> scale;
  const auto bits = exponent << 23;
  std::memcpy(&scale, &bits, sizeof scale);
  return {scale, r + r * r * series};
}
// Within the range of scaled_exponential, NaN included.
[[gnu::always_inline]] inline Vec<float> in_range(Vec<float> x) {
  x = x < -87.0f ? all<Vec<float>>(-87) : x;
  return x > 88.0f ? all<Vec<float>>(88) : x;
}

}  // namespace detail

/// e^x: 0 below -87, and infinity above 88 in float.
[[gnu::always_inline]] inline Vec<float> exp(Vec<float> x) {
  const auto [scale, p] = detail::scaled_exponential(detail::in_range(x));
  const Vec<float> y = scale + scale * p;
  const Vec<float> above = x > 88.0f ? all<Vec<float>>(math::infinity) : y;
  return x < -87.0f ? Vec<float>{} : above;
}
/// e^x - 1, precise near zero.
[[gnu::always_inline]] inline Vec<float> expm1(Vec<float> x) {
  const auto [scale, p] = detail::scaled_exponential(detail::in_range(x));
  const Vec<float> y = (scale - 1.0f) + scale * p;
  return x > 88.0f ? all<Vec<float>>(math::infinity) : y;
}
inline Vec<double> exp(Vec<double> x) { return lane_by_lane(x, math::exp); }
inline Vec<double> expm1(Vec<double> x) { return lane_by_lane(x, math::expm1); }

/// tanh x = e / (e + 2) with e = e^2|x| - 1, and the sign of x.
template <class V>
[[gnu::always_inline]] inline V tanh(V x) {
  if constexpr (std::is_same_v<V, Vec<double>>) return lane_by_lane(x, math::tanh);
  const V size = absolute(x);
  const V e = expm1(size > Element<V>{20} ? all<V>(40) : size + size), y = e / (e + Element<V>{2});
  return x < V{} ? -y : y;
}

/// 1 / (1 + e^-x). Of a large |x| the exponential is the small one, so nothing overflows.
template <class V>
[[gnu::always_inline]] inline V sigmoid(V x) {
  const V e = exp(-absolute(x)), one = all<V>(1);
  return (x < V{} ? e : one) / (one + e);
}

/// The normal distribution at x.
template <class V>
struct Normal {
  V below;    ///< P(z < x)
  V density;  ///< e^(-x^2/2) / sqrt(2 pi)
};
/// In float by the polynomial above.
[[gnu::always_inline]] inline Normal<Vec<float>> normal(Vec<float> x) {
  const Vec<float> a = absolute(x);
  const Vec<float> e = exp(a * a * -0.5f), t = 1.0f / (1.0f + 0.3f * a);
  Vec<float> sum = all<Vec<float>>(0.03567504772609769);
  for (const float c :
       {-0.15720417665195915f, 0.20635529504841607f, -0.05368518865389102f, 0.12856238442922874f,
        0.09991328137260076f, 0.12075398673948057f, 0.11962929702029775f})
    sum = sum * t + c;
  const Vec<float> tail = e * (t * sum), above = 1.0f - tail;
  return {x < Vec<float>{} ? tail : above, e * 0.39894228f};
}
/// In double by core/math.hpp.
inline Normal<Vec<double>> normal(Vec<double> x) {
  constexpr double root2 = std::numbers::sqrt2;
  return {lane_by_lane(x, [](double v) { return (1 + math::erf(v / root2)) / 2; }),
          lane_by_lane(x, [](double v) {
            return math::exp(-v * v / 2) * std::numbers::inv_sqrtpi / root2;
          })};
}

/// y[i] = f(x[i], ...) for 0 <= i < n, vector by vector; f takes and gives a Vec<T>. What is less
/// than a vector at the end goes through one, too. There is one f in the loop, so that products and
/// sums are contracted in the same way for every number.
template <class T, class F, class... X>
[[gnu::always_inline]] inline void map_vectors(Index n, T* y, const F& f, const X*... x) {
  Array<T, Index{sizeof...(X)} * lanes<T>> copies;
  T rest[lanes<T>];
  for (Index i = 0; i < n; i += lanes<T>) {
    const Index count = std::min(n - i, lanes<T>);
    T* copy = copies;
    const auto from = [&](const T* numbers) {
      if (count == lanes<T>) return numbers + i;
      const T* const start = copy;
      std::fill(std::copy_n(numbers + i, count, copy), copy + lanes<T>, T{0});
      copy += lanes<T>;
      return start;
    };
    store(count == lanes<T> ? y + i : rest, f(load(from(x))...));
    if (count < lanes<T>) std::copy_n(rest, count, y + i);
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
