// SPDX-License-Identifier: MIT
//
// What the decoders of PNG and JPEG are told: the channels that are wanted, what is under
// transparent pixels, and limits. Files are not trusted: what a header promises is compared with
// the limits before memory is allocated for it.
#pragma once

#include <cstdint>
#include <string_view>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

/// A picture's height or width at most: a JPEG file has no room for more.
inline constexpr Index most_image_side = 65'535;

/// What is under a transparent picture: white, black, or the one with more contrast, which is black
/// if less than half is drawn and that is light.
enum class Background { light, dark, contrast };

/// How pictures are decoded, and the limits.
struct DecodeOptions {
  Index channels = 3;  ///< 3: red, green, blue; 1: grey, as ITU-R BT.601 weighs the colours
  Background background = Background::light;  ///< under what is transparent
  /// Of what is returned, a side and height times width: larger pictures are averages over boxes
  /// of k x k pixels, with the smallest k that is enough. At least 256 and 65 536.
  Index most_side = most_image_side, most_area = Index{2048} * 2048;
  /// Height times width in the file: twice what the largest camera in a telephone has.
  std::int64_t most_pixels = 400'000'000;
  /// The file, in bytes: a photograph of 200 megapixels has up to 100 MB.
  std::size_t most_bytes = std::size_t{256} << 20;
  /// What libjpeg may keep of a JPEG file in several scans: 3 bytes a pixel in most, 6 in some.
  std::size_t most_scan_bytes = 400'000'000;

  /// Throws unless there are 1 or 3 channels and the limits are not too small.
  void validate() const {
    check(channels == 1 || channels == 3, "channels: expected 1 or 3, got ", channels);
    check(most_side >= 256 && most_area >= 65'536,
          "expected a side of at least 256 and an area of at least 65536 pixels, got ", most_side,
          " and ", most_area);
  }
};

namespace detail {

// Throws unless a picture is within the limits; `name` is for errors.
[[gnu::cold]] inline void check_image_extents(std::string_view name, Index height, Index width,
                                              const DecodeOptions& options) {
  check(0 < height && height <= most_image_side && 0 < width && width <= most_image_side &&
            std::int64_t{height} * width <= options.most_pixels,
        name, ": expected a height and a width in [1, ", most_image_side, "] and at most ",
        options.most_pixels, " pixels, found ", height, " x ", width);
}

// The smallest k for which boxes of k x k pixels are within most_side and most_area.
inline Index box_side(Index height, Index width, const DecodeOptions& options) {
  Index k = 1;
  const auto boxes = [&](Index extent) { return (extent + k - 1) / k; };
  while (boxes(height) > options.most_side || boxes(width) > options.most_side ||
         std::int64_t{boxes(height)} * boxes(width) > options.most_area)
    ++k;
  return k;
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
