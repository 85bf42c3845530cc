// SPDX-License-Identifier: MIT
//
// Images in channels-last order, (H, W, C), with their padding around them.
//
// All channels of a pixel are neighbours, so a vector holds as many channels as it has
// lanes, whatever the size of the image is, and a kernel row over KW pixels is KW C
// neighbours. A block that is followed by another one hands its output over in this order,
// already padded (fused/conv_stage.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/kernels/transpose.hpp"
#include "fovea/kernels/window.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// How such an image lies in memory: pixel (h, w) is C numbers at
/// inside() + h * row() + w * channels.
template <class T>
struct ChannelsLast {
  Index channels = 0;  ///< C
  Extent2 extent{0};   ///< H and W of the image
  Extent2 padding{0};  ///< zeros on each side

  /// Elements from row to row.
  Index row() const { return (extent.w + 2 * padding.w) * channels; }
  /// Elements before pixel (0, 0).
  Index inside() const { return padding.h * row() + padding.w * channels; }
  /// Throws unless 32-bit offsets reach all of that many images with their padding.
  void validate(Index images) const {
    check(offsets_reach({images, extent.h + 2 * padding.h, extent.w + 2 * padding.w, channels}) &&
              std::int64_t{images} * size() < largest_offset,
          "an image of ", Shape{channels, extent.h, extent.w}, " with a padding of ", padding,
          " is too large");
  }

  /// Elements from image to image: a vector may be read beyond the last pixel.
  Index size() const { return whole_vectors<T>((extent.h + 2 * padding.h) * row()) + lanes<T>; }

  /// The offsets of tiles: `count` of them down and across, `step` pixels apart from element `from`
  /// on, in each of `images` images.
  std::vector<std::int32_t> tile_offsets(Index from, Extent2 count, Index step,
                                         Index images) const {
    std::vector<std::int32_t> offsets;
    for (Index n = 0; n < images; ++n)
      for (Index i = 0; i < count.h; ++i)
        for (Index j = 0; j < count.w; ++j)
          offsets.push_back(static_cast<std::int32_t>(from + n * size() + step * i * row() +
                                                      step * j * channels));
    return offsets;
  }

  /// The pixels of `image` from x (C, H, W).
  void read(const T* x, T* image) const {
    to_channels_last(x, extent.h * extent.w, channels, extent.h, extent.w, image + inside(), row(),
                     channels);
  }
  /// Rows of x, of this shape and with this padding around it, from row `first` of the padded image
  /// on; `image` has no padding of its own, and pixels beyond x are zero.
  void read_rows(const T* x, const Shape<3>& shape, Extent2 around, Index first, T* image) const {
    const Index H = shape[1], W = shape[2];
    surround({H, W}, around, first, image, [&](Index begin, Index end, T* inner) {
      to_channels_last(x + begin * W, H * W, channels, end - begin, W, inner, row(), channels);
    });
  }
  /// The same where write(begin, end, inner) writes rows [begin, end) of x, their pixels from
  /// `inner` on and from there row() after row().
  template <class Write>
  void surround(Extent2 x, Extent2 around, Index first, T* image, const Write& write) const {
    const Index above = first - around.h;  // the row of x that comes first; it may be padding
    const Index begin = std::max<Index>(above, 0), end = std::min(above + extent.h, x.h);
    const Index left = around.w * channels, right = left + x.w * channels;
    T* inner = image + (begin - above) * row();
    std::fill(image, inner, T{0});
    for (Index h = begin; h < end; ++h, inner += row()) {
      std::fill_n(inner, left, T{0});
      std::fill(inner + right, inner + row(), T{0});
    }
    std::fill(inner, image + size(), T{0});
    write(begin, end, image + (begin - above) * row() + left);
  }
  /// Channels [first, last) of x (C, H, W) from the pixels of `image`.
  void write(const T* image, Index first, Index last, T* x) const {
    const Index plane = extent.h * extent.w;
    from_channels_last(image + inside() + first, row(), channels, last - first, extent.h, extent.w,
                       x + first * plane, plane);
  }
};

}  // namespace fovea::inline FOVEA_ABI::kernels
