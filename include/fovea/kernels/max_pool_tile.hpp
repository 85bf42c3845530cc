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
  typedef std::uint8_t type __attribute__((vector_size(lanes<T>)));
};

/// The winner of a window whose unit is dead: no gradient comes back.
inline constexpr int nobody = 4;

/// What a window yields.
template <class T>
struct Pooled {
  Vec<T> y;
  typename Winners<T>::type winner;
};

template <class T>
[[gnu::always_inline]] inline Pooled<T> max_pool_tile(const Vec<T> (&window)[4], Vec<T> bias) {
  using Places = decltype(bias < bias);
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

/// dy (rows, cols) of a pooled plane back to the windows it came from, (2 rows, 2 cols) with rows
/// `pitch` apart: dy where it won, zero elsewhere, also between the rows. `left` is how many numbers
/// may be read from dy on. Writes up to two vectors beyond the last row.
template <class T>
FOVEA_WIDE_VECTORS void unpool(const T* dy, const std::uint8_t* winner, Index left, Index rows,
                               Index cols, T* dx, Index pitch) {
  using Bytes = typename Winners<T>::type;
  using Places = decltype(Vec<T>{} < Vec<T>{});
  Places lane;
  for (int i = 0; i < lanes<T>; ++i) lane[i] = i;
  for (Index i = 0; i < rows; ++i) {
    T* const top = dx + 2 * i * pitch;
    T* const bottom = top + pitch;
    // From the right to the left, for the top row's last vector may reach into the bottom row.
    for (Index j = (cols - 1) / lanes<T> * lanes<T>; j >= 0; j -= lanes<T>) {
      const Index at = i * cols + j;
      Vec<T> gradient;
      Bytes bytes;
      if (left - at >= lanes<T>) {
        gradient = load(dy + at);
        std::memcpy(&bytes, winner + at, sizeof bytes);
      } else {
        T numbers[lanes<T>] = {};
        std::uint8_t places[lanes<T>] = {};
        std::copy_n(dy + at, left - at, numbers);
        std::copy_n(winner + at, left - at, places);
        gradient = load(numbers);
        std::memcpy(&bytes, places, sizeof bytes);
      }
      const Places place = __builtin_convertvector(bytes, Places);
      const Vec<T> none{}, g = lane < static_cast<int>(cols - j) ? gradient : none;
      const Vec<T> e0 = place == 0 ? g : none, e1 = place == 1 ? g : none;
      const Vec<T> e2 = place == 2 ? g : none, e3 = place == 3 ? g : none;
      store(top + 2 * j, zip_low<T>(e0, e1));
      store(top + 2 * j + lanes<T>, zip_high<T>(e0, e1));
      store(bottom + 2 * j, zip_low<T>(e2, e3));
      store(bottom + 2 * j + lanes<T>, zip_high<T>(e2, e3));
    }
    const Index written = 2 * ((cols + lanes<T> - 1) / lanes<T> * lanes<T>);
    for (Index j = written; j < pitch; ++j) top[j] = bottom[j] = T{0};
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
