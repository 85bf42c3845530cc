// SPDX-License-Identifier: MIT
//
// A window that slides over an image: what convolution and pooling have in common.
//
// With kernel K, stride s, padding p and dilation d, output position o looks at the input positions
//
//   i = o s - p + k d,   k = 0 .. K-1
//
// and there are floor((in + 2p - d (K-1) - 1) / s) + 1 of them. Rows and columns are independent.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <utility>

#include "fovea/core/shape.hpp"

namespace fovea::inline FOVEA_ABI {

/// One number for rows and one for columns; a single number means both: `.kernel = 3`.
struct Extent2 {
  Index h, w;  ///< rows, columns
  /// The same for both.
  constexpr Extent2(Index both) : h(both), w(both) {}
  /// One for each.
  constexpr Extent2(Index rows, Index columns) : h(rows), w(columns) {}
  friend constexpr bool operator==(const Extent2&, const Extent2&) = default;
};

/// "3", or "3x5" where they differ.
inline std::string to_string(const Extent2& e) {
  return e.h == e.w ? to_string(e.h) : concat(e.h, "x", e.w);
}

/// The largest kernel, stride, padding, dilation and image along an axis. Sums and products of two
/// of them cannot overflow, neither in 64 bits nor in the 32 that Index has in WebAssembly.
inline constexpr Index largest_extent = sizeof(Index) > 4 ? INT32_MAX : INT16_MAX;

/// What 32-bit offsets reach; a quarter of it, which is all memory that there
/// is, where Index has 32 bits.
inline constexpr Index largest_offset = sizeof(Index) > 4 ? INT32_MAX : INT32_MAX / 4;

/// Whether the product of these factors, 0 or more each, is so small that
/// 32-bit offsets reach all of it.
constexpr bool offsets_reach(std::initializer_list<Index> factors) {
  Index product = 1;
  for (const Index factor : factors) {
    if (factor == 0) return true;
    if (factor > (largest_offset - 1) / product) return false;
    product *= factor;
  }
  return true;
}

/// How many positions a window has along one axis; 0 if it does not fit in even once.
constexpr Index output_extent(Index in, Index kernel, Index stride, Index padding, Index dilation) {
  const Index room = in + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/// The outputs [first, last) of `out` whose input position o s - p + offset lies in [0, in).
constexpr std::pair<Index, Index> outputs_inside(Index in, Index out, Index stride, Index padding,
                                                 Index offset) {
  const Index left = padding - offset, right = in - 1 + left;
  const Index first = left > 0 ? (left + stride - 1) / stride : 0;
  const Index last = right < 0 ? 0 : std::min(out, right / stride + 1);
  return {std::min(first, last), last};
}

/// Kernel, stride, padding and dilation, in rows and columns.
struct Window {
  Extent2 kernel{1}, stride{1}, padding{0}, dilation{1};  ///< elements, pixels, pixels, pixels

  /// How many positions it has on H x W pixels; 0 where it does not fit. Throws if it is not valid.
  Extent2 output(Index H, Index W) const {
    validate();
    check(0 <= H && H <= largest_extent && 0 <= W && W <= largest_extent,
          "expected an image of at most ", largest_extent, " rows and columns, got ",
          Extent2{H, W});
    return {output_extent(H, kernel.h, stride.h, padding.h, dilation.h),
            output_extent(W, kernel.w, stride.w, padding.w, dilation.w)};
  }

  friend constexpr bool operator==(const Window&, const Window&) = default;

  /// Throws unless kernel, stride and dilation are 1 or more, the padding 0
  /// or more, and none too large. `kind` begins the message.
  void validate(const char* kind = "window") const {
    check(kernel.h > 0 && kernel.w > 0, kind, ": kernel: expected 1 or more, got ", kernel);
    check(stride.h > 0 && stride.w > 0, kind, ": stride: expected 1 or more, got ", stride);
    check(padding.h >= 0 && padding.w >= 0, kind, ": padding: expected 0 or more, got ", padding);
    check(dilation.h > 0 && dilation.w > 0, kind, ": dilation: expected 1 or more, got ", dilation);
    const Index largest = std::max(
        {kernel.h, kernel.w, stride.h, stride.w, padding.h, padding.w, dilation.h, dilation.w});
    check(largest <= largest_extent, "expected a kernel, stride, padding and dilation of at most ",
          largest_extent, ", got ", largest);
  }
};

/// {first, count}: the places of a window that lie in [0, size), of k places from `begin` on that
/// are d apart.
constexpr std::pair<Index, Index> places_inside(Index begin, Index k, Index d, Index size) {
  const Index skipped = begin < 0 ? (-begin + d - 1) / d : 0;
  const Index first = begin + skipped * d;
  return {first, std::min(k - skipped, (size - first + d - 1) / d)};
}

/// How many windows of a pooling there are on H x W pixels. Rounded up, a last one may reach beyond
/// the image if it begins inside. Throws where a window has no pixel.
inline Extent2 pool_windows(const Window& window, Index H, Index W, bool round_up) {
  Extent2 count = window.output(H, W);
  const auto along = [&](Index Extent2::*axis, Index size) {
    const Index k = window.kernel.*axis, s = window.stride.*axis, p = window.padding.*axis,
                d = window.dilation.*axis;
    Index& n = count.*axis;
    const Index begin = n * s - p, end_of_last = begin - s + d * (k - 1) + 1;
    if (round_up && begin < size && end_of_last < size + p) ++n;
    // Only what begins before the image can step over all of it.
    for (Index i = 0; i < n && i * s < p; ++i)
      check(places_inside(i * s - p, k, d, size).second > 0,
            "expected windows with a pixel each, found one of ", k, " places, ", d,
            " apart, that steps over an image of ", size);
  };
  along(&Extent2::h, H);
  along(&Extent2::w, W);
  return count;
}

/// What the units after a sequence of windows see of the input. Unit i sees `size` positions from
/// start + i jump on (negative ones are padding). It begins as the input
/// itself, and each window adds
///
///   size += d (K - 1) jump      start -= p jump      jump *= s
struct Field {
  Extent2 size{1}, jump{1}, start{0};  ///< in positions of the input

  /// What the units of one more window see. Throws if its numbers are too large.
  Field after(const Window& w) const {
    check_room(w);
    return {{size.h + w.dilation.h * (w.kernel.h - 1) * jump.h,
             size.w + w.dilation.w * (w.kernel.w - 1) * jump.w},
            {jump.h * w.stride.h, jump.w * w.stride.w},
            {start.h - w.padding.h * jump.h, start.w - w.padding.w * jump.w}};
  }

 private:
  // Throws where a sum or a product above could overflow.
  void check_room(const Window& w) const {
    w.validate();
    constexpr Index most = std::numeric_limits<Index>::max() / 4;
    const auto fits = [&](auto axis) {
      const Index reach = w.dilation.*axis * (w.kernel.*axis - 1);
      const Index factor = std::max({reach, w.stride.*axis, w.padding.*axis});
      return jump.*axis > 0 && factor <= most / jump.*axis && size.*axis <= most &&
             start.*axis >= -most && start.*axis <= most;
    };
    check(fits(&Extent2::h) && fits(&Extent2::w),
          "receptive field: expected smaller extents, got a size of ", size, " and a jump of ",
          jump, " before a kernel of ", w.kernel, " with a stride of ", w.stride);
  }
};

}  // namespace fovea::inline FOVEA_ABI
