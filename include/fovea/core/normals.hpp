// SPDX-License-Identifier: MIT
//
// Many normal numbers at a time, as Gaussian noise on a whole image needs.
//
// Box and Muller (A note on the generation of random normal deviates, 1958): if u and t are
// independent and uniform in (0, 1), then
//
//   sqrt(-2 ln u) cos(2 pi t)   and   sqrt(-2 ln u) sin(2 pi t)
//
// are independent N(0, 1). Rng::normal has all digits of a double; here 64 pairs are made side by
// side in vector registers, with a logarithm and a cosine of a few multiplications. 64 random bits
// give a pair: 24 of them are u, which ends the tails at 5.9 standard deviations (one true normal
// number in 250 million lies further out), and 32 are the angle.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>

#include "fovea/core/bits.hpp"
#include "fovea/core/random.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// ln x for an ordinary x > 0: x = 2^k m with m in [sqrt(1/2), sqrt(2)), and with z = (m-1) / (m+1)
// ln m = 2 (z + z^3/3 + z^5/5 + ...), where |z| < 0.172.
inline float short_log(float x) {
  constexpr std::int32_t root_half = 0x3f3504f3;  // the bits of sqrt(1/2)
  const std::int32_t bits = bit_cast<std::int32_t>(x) - root_half;
  const float k = static_cast<float>(bits >> 23);
  const float m = bit_cast<float>((bits & 0x7fffff) + root_half);
  const float z = (m - 1) / (m + 1), z2 = z * z;
  return k * std::numbers::ln2_v<float> +
         2 * z * (1 + z2 * (1.0f / 3 + z2 * (1.0f / 5 + z2 * (1.0f / 7))));
}

// The cosine of turn / 2^32 turns: -sin(2 pi (|t| - 1/4)) by its Taylor series in [-pi/2, pi/2].
inline float short_cos(std::uint32_t turn) {
  const float t = static_cast<float>(static_cast<std::int32_t>(turn)) * 0x1p-32f;
  const float x = 2 * std::numbers::pi_v<float> * (0.25f - std::abs(t)), x2 = x * x;
  return x * (1 - x2 / 6 * (1 - x2 / 20 * (1 - x2 / 42 * (1 - x2 / 72 * (1 - x2 / 110)))));
}

inline constexpr int normal_pairs = 64;

// The next 128 numbers. Loops of a length that the compiler knows: it makes vectors of them.
inline void normal_block(Rng& rng, float (&z)[2 * normal_pairs]) {
  std::uint64_t bits[normal_pairs];
  for (std::uint64_t& b : bits) b = rng.bits();
  for (int i = 0; i < normal_pairs; ++i) {
    const auto high = static_cast<std::int32_t>(bits[i] >> 40);
    const auto turn = static_cast<std::uint32_t>(bits[i]);
    const float u = (static_cast<float>(high) + 0.5f) * 0x1p-24f;
    const float radius = std::sqrt(-2 * short_log(u));
    z[i] = radius * short_cos(turn);
    z[normal_pairs + i] = radius * short_cos(turn - (1u << 30));  // a quarter turn back: the sine
  }
}

}  // namespace detail

/// x[i] += sigma * z[i] with independent z[i] ~ N(0, 1), single precision. z[i] is a function of
/// the state of `rng` and of i, however long x is.
template <class T>
void add_normal(std::span<T> x, double sigma, Rng rng) {
  constexpr std::size_t block = 2 * detail::normal_pairs;
  const T s = static_cast<T>(sigma);
  float z[block];
  while (!x.empty()) {
    detail::normal_block(rng, z);
    const std::size_t count = std::min(block, x.size());
    for (std::size_t i = 0; i < count; ++i) x[i] += s * static_cast<T>(z[i]);
    x = x.subspan(count);
  }
}

}  // namespace fovea::inline FOVEA_ABI
