// SPDX-License-Identifier: MIT
//
// Bias, ReLU and 2 x 2 max-pooling of sums that are still in registers, and their backward pass.
//
// The four numbers of a pooling window arrive in four vectors, one lane for each output:
//
//   winner = which of the four is largest: 0 1 / 2 3 in raster order, the first one on a tie; or
//            `no_winner`, if y is 0
//   y      = max(largest + bias, 0)
//
// Bias and ReLU may wait until after the maximum, because both keep the order of numbers.
// The values before pooling are never written to memory: a byte that names the winner is all
// that backward needs. A NaN wins over everything, as in MaxPool2d. Reference
// implementation: the layers Relu and MaxPool2d.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "fovea/core/simd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// As many bytes as a vector of T has lanes.
template <class T>
struct Winners {
  typedef std::int8_t type __attribute__((vector_size(lanes<T>)));
};

/// The winner of a window whose unit is dead: it has no gradient.
inline constexpr int no_winner = 4;

/// What a window yields.
template <class T>
struct Pooled {
  Vec<T> y;                          ///< the pooled values, one for each lane
  typename Winners<T>::type winner;  ///< 0 to 3, or no_winner
};

/// max over the four, and which of them it is.
template <class T>
[[gnu::always_inline]] inline Vec<T> largest_of(const Vec<T> (&window)[4], Integers<T>& winner) {
  // b, which comes after a, beats it if it is larger, or a NaN where a is a number.
  const auto beats = [](Vec<T> b, Vec<T> a) { return ~(b <= a) & (a == a); };
  const auto right = beats(window[1], window[0]), right_below = beats(window[3], window[2]);
  const Vec<T> above = right ? window[1] : window[0];
  const Vec<T> below = right_below ? window[3] : window[2];
  const auto lower = beats(below, above);
  const Integers<T> zero{};
  winner = lower ? (right_below ? zero + 3 : zero + 2) : (right ? zero + 1 : zero);
  return lower ? below : above;
}

/// max over the four, plus bias, clipped at zero, and the winner.
template <class T>
[[gnu::always_inline]] inline Pooled<T> max_pool_tile(const Vec<T> (&window)[4], Vec<T> bias) {
  Integers<T> largest;
  const Vec<T> sum = largest_of<T>(window, largest) + bias;
  const Integers<T> winner = sum > Vec<T>{} ? largest : Integers<T>{} + no_winner;
  return {sum < Vec<T>{} ? Vec<T>{} : sum,
          __builtin_convertvector(winner, typename Winners<T>::type)};
}

/// The gradients of a window of `lanes` outputs, each at the position that won.
template <class T>
class WindowGradients {
 public:
  /// dy and winner of `lanes` outputs; as many may be read.
  [[gnu::always_inline]] WindowGradients(const T* dy, const std::uint8_t* winner)
      : gradient_(load(dy)) {
    typename Winners<T>::type bytes;
    std::memcpy(&bytes, winner, sizeof bytes);
    // In two steps, from bytes to shorts to ints: g++ 12 does one alone number by number.
    typedef std::int16_t Shorts __attribute__((vector_size(2 * lanes<T>)));
    winner_ = __builtin_convertvector(__builtin_convertvector(bytes, Shorts), Winner);
  }

  /// dy where position e won, zero elsewhere.
  Vec<T> at(int e) const { return winner_ == e ? gradient_ : Vec<T>{}; }
  /// dy where the window has a winner.
  Vec<T> sum() const { return winner_ == no_winner ? Vec<T>{} : gradient_; }

 private:
  using Winner = Integers<T>;
  Vec<T> gradient_;
  Winner winner_{};
};

/// db of `lanes` outputs: adds dy over all windows where they have a winner. That of window i is at
/// dy + pixels[i], its winner at winner + i * step.
template <class T>
FOVEA_KERNEL void add_pooled_bias(const T* dy, const std::int32_t* pixels,
                                  const std::uint8_t* winner, Index step, Index count, T* db) {
  Vec<T> sum = load(db);
  for (Index i = 0; i < count; ++i)
    sum += WindowGradients<T>(dy + pixels[i], winner + i * step).sum();
  store(db, sum);
}

}  // namespace fovea::inline FOVEA_ABI::kernels
