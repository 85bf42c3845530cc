// SPDX-License-Identifier: MIT
//
// A copy of a channel with its padding around it, in which the kernels work: no border is special
// any more. For a stride s it is cut into s x s phases, pixel (h, w) in plane (h % s, w % s) at (h
// / s, w / s), so that the pixels that a sweep visits one after the other are neighbours in memory.
//
// Rows are copied in whole vectors; the next row overwrites what is written beyond the end of one.
#pragma once

#include <algorithm>

#include "fovea/core/simd.hpp"
#include "fovea/kernels/window.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// How a padded copy of one channel lies in memory.
struct PaddedChannel {
  Extent2 phases{1};  ///< the stride: into how many planes it is cut
  Extent2 before{0};  ///< zeros above and to the left of the image
  Extent2 extent{0};  ///< rows and pitch of one plane

  /// Elements of one plane, and of all.
  Index plane() const { return extent.h * extent.w + (phases.w == 2 ? slack : 0); }
  /// Elements of all phases.
  Index size() const { return phases.h * phases.w * plane(); }

  /// The offset of pixel (h, w), counted with the padding.
  Index offset(Index h, Index w) const {
    return (h % phases.h * phases.w + w % phases.w) * plane() + h / phases.h * extent.w +
           w / phases.w;
  }

  /// Copies x (H, W) to `out`, with zeros around it. May write a vector beyond the end, and may
  /// read from `begin` to `end`, the images around this one.
  template <class T>
  FOVEA_OUT_OF_LINE void copy(const T* x, Index H, Index W, const T* begin, const T* end,
                              T* out) const {
    if (phases.w == 2) return copy_even_odd(x, H, W, begin, end, out);
    for (Index a = 0; a < phases.h; ++a)
      for (Index b = 0; b < phases.w; ++b) {
        const auto [first, last] = outputs_inside(W, extent.w, phases.w, before.w, b);
        for (Index i = 0; i < extent.h; ++i, out += extent.w) {
          const Index h = i * phases.h + a - before.h;
          if (h < 0 || h >= H) {
            std::fill_n(out, extent.w, T{0});
            continue;
          }
          const T* const in = x + h * W + b - before.w;
          for (Index j = 0; j < first; ++j) out[j] = T{0};
          if (phases.w == 1)
            copy_row(in + first, last - first, end, out + first);
          else
            for (Index j = first; j < last; ++j) out[j] = in[j * phases.w];
          for (Index j = last; j < extent.w; ++j) out[j] = T{0};
        }
      }
  }

 private:
  static constexpr Index slack = 16;  // the last vector of a plane may be written beyond it

  // Two phases of columns: a pair of vectors is parted into its even and its odd numbers. Zeros
  // outside the image come by a mask: a number written by itself into a vector just stored would
  // make the next load of that vector wait until both have reached the cache.
  template <class T>
  FOVEA_KERNEL void copy_even_odd(const T* x, Index H, Index W, const T* begin, const T* end,
                                  T* out) const {
    const Index width = extent.w, plane_size = plane();
    const auto [first0, last0] = outputs_inside(W, width, 2, before.w, 0);
    const auto [first1, last1] = outputs_inside(W, width, 2, before.w, 1);
    const Integers<T> lane = lane_numbers<T>();
    const auto inside = [&](Index j, Index first, Index last) {
      return (lane >= static_cast<int>(first - j)) & (lane < static_cast<int>(last - j));
    };
    for (Index a = 0; a < phases.h; ++a, out += 2 * plane_size) {
      for (Index i = 0; i < extent.h; ++i) {
        T* const even = out + i * width;
        T* const odd = even + plane_size;
        const Index h = i * phases.h + a - before.h;
        const T* const in = x + h * W - before.w;  // below column 0 of the padded row
        if (h < 0 || h >= H) {
          for (Index j = 0; j < width; j += lanes<T>)
            store(even + j, Vec<T>{}), store(odd + j, Vec<T>{});
        } else if (in >= begin && end - in >= 2 * (width + lanes<T>)) {
          for (Index j = 0; j < width; j += lanes<T>) {
            const Vec<T> left = load(in + 2 * j), right = load(in + 2 * j + lanes<T>);
            store(even + j, inside(j, first0, last0) ? evens<T>(left, right) : Vec<T>{});
            store(odd + j, inside(j, first1, last1) ? odds<T>(left, right) : Vec<T>{});
          }
        } else {
          for (Index j = 0; j < width; ++j) {
            even[j] = j >= first0 && j < last0 ? in[2 * j] : T{0};
            odd[j] = j >= first1 && j < last1 ? in[2 * j + 1] : T{0};
          }
        }
      }
      // What lies between the planes is multiplied with zeros, and must be a number.
      std::fill_n(out + plane_size - slack, slack, T{0});
      std::fill_n(out + 2 * plane_size - slack, slack, T{0});
    }
  }

  // In whole vectors: the next row overwrites what is written beyond the end of this one. Most rows
  // are too short for a call of memcpy to pay.
  template <class T>
  static void copy_row(const T* in, Index count, const T* end, T* out) {
    if (end - in < count + lanes<T>)
      for (Index j = 0; j < count; ++j) out[j] = in[j];
    else
      for (Index j = 0; j < count; j += lanes<T>) store(out + j, load(in + j));
  }
};

/// Copies a plane (rows, cols) to rows `pitch` apart, with zeros between them. May write a vector
/// beyond the end.
template <class T>
void spread_plane(const T* x, Index rows, Index cols, T* out, Index pitch) {
  const PaddedChannel spread{1, 0, {rows, pitch}};
  spread.copy(x, rows, cols, x, x + rows * cols, out);
}

}  // namespace fovea::inline FOVEA_ABI::kernels
