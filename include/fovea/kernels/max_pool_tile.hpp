// SPDX-License-Identifier: MIT
//
// Bias, ReLU and 2 x 2 max-pooling of sums that are still in registers, and the way back.
//
// The four numbers of a pooling window arrive in four vectors, so that a lane is a window:
//
//   winner = which of the four is largest: 0 1 / 2 3 in raster order, the first one on a tie; or
//            `nobody`, if y is 0
//   y      = max(largest + bias, 0)
//
// Bias and ReLU may wait until after the maximum, for both keep the order of numbers. What stands
// before pooling is never written to memory: a byte that names the winner is all that backward needs.
// A NaN wins over everything, as in MaxPool2d. Slow twins: the layers Relu and MaxPool2d.
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

/// The winner of a window whose unit is dead: no gradient comes back.
inline constexpr int nobody = 4;

/// What a window yields.
template <class T>
struct Pooled {
  Vec<T> y;                          ///< the pooled values, one for each lane
  typename Winners<T>::type winner;  ///< 0 to 3, or nobody
};

/// max over the four, plus bias, clipped at zero, and who won.
template <class T>
[[gnu::always_inline]] inline Pooled<T> max_pool_tile(const Vec<T> (&window)[4], Vec<T> bias) {
  using Places = Integers<T>;
  // b, which stands behind a, beats it if it is larger, or a NaN where a is a number.
  const auto beats = [](Vec<T> b, Vec<T> a) { return ~(b <= a) & (a == a); };
  const auto right = beats(window[1], window[0]), right_below = beats(window[3], window[2]);
  const Vec<T> above = right ? window[1] : window[0];
  const Vec<T> below = right_below ? window[3] : window[2];
  const auto lower = beats(below, above);
  const Vec<T> sum = (lower ? below : above) + bias;
  const Places zero{};
  const Places place = lower ? (right_below ? zero + 3 : zero + 2) : (right ? zero + 1 : zero);
  const Places winner = sum > Vec<T>{} ? place : zero + nobody;
  return {sum < Vec<T>{} ? Vec<T>{} : sum,
          __builtin_convertvector(winner, typename Winners<T>::type)};
}

/// The gradients of up to `lanes` neighbouring windows, each at the position that won.
template <class T>
class WindowGradients {
 public:
  WindowGradients() = default;

  /// `left`: how many numbers may be read from dy on; `count`: how many of them are meant.
  [[gnu::always_inline]] WindowGradients(const T* dy, const std::uint8_t* winner, Index left,
                                         Index count) {
    typename Winners<T>::type bytes;
    if (left >= lanes<T>) {
      gradient_ = load(dy);
      std::memcpy(&bytes, winner, sizeof bytes);
    } else {
      T numbers[lanes<T>] = {};
      std::uint8_t places[lanes<T>] = {};
      std::copy_n(dy, left, numbers);
      std::copy_n(winner, left, places);
      gradient_ = load(numbers);
      std::memcpy(&bytes, places, sizeof bytes);
    }
    // In two steps, from bytes to shorts to ints: g++ 12 does one alone number by number.
    typedef std::int16_t Shorts __attribute__((vector_size(2 * lanes<T>)));
    place_ = __builtin_convertvector(__builtin_convertvector(bytes, Shorts), Places);
    if (count < lanes<T>)
      place_ = lane_numbers<T>() < static_cast<int>(count) ? place_ : Places{} + nobody;
  }

  /// dy where position e won, zero elsewhere.
  Vec<T> at(int e) const { return place_ == e ? gradient_ : Vec<T>{}; }
  /// dy where anybody won.
  Vec<T> sum() const { return place_ == nobody ? Vec<T>{} : gradient_; }

 private:
  using Places = Integers<T>;
  Vec<T> gradient_;
  Places place_;
};

/// dy (rows, cols) of a pooled plane back to the positions it came from, (2 rows, 2 cols) with rows
/// `pitch` apart and zeros everywhere else, also between the rows. `left` is how many numbers may be
/// read from dy on. Writes up to two vectors beyond the last row.
template <class T>
FOVEA_KERNEL void unpool(const T* dy, const std::uint8_t* winner, Index left, Index rows,
                         Index cols, T* dx, Index pitch) {
  for (Index i = 0; i < rows; ++i) {
    T* const top = dx + 2 * i * pitch;
    T* const bottom = top + pitch;
    // From the right to the left, for the top row's last vector may reach into the bottom row.
    for (Index j = (cols - 1) / lanes<T> * lanes<T>; j >= 0; j -= lanes<T>) {
      const Index at = i * cols + j;
      const WindowGradients<T> g(dy + at, winner + at, left - at, cols - j);
      store(top + 2 * j, zip_low<T>(g.at(0), g.at(1)));
      store(top + 2 * j + lanes<T>, zip_high<T>(g.at(0), g.at(1)));
      store(bottom + 2 * j, zip_low<T>(g.at(2), g.at(3)));
      store(bottom + 2 * j + lanes<T>, zip_high<T>(g.at(2), g.at(3)));
    }
    const Index written = 2 * ((cols + lanes<T> - 1) / lanes<T> * lanes<T>);
    for (Index j = written; j < pitch; ++j) top[j] = bottom[j] = T{0};
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
