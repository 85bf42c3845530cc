// SPDX-License-Identifier: MIT
//
// What the readers of PNG and of JPEG share: rows of samples go in, a grey picture of bounded size comes
// out, so that the memory needed does not depend on how large the picture is.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "fovea/core/tensor.hpp"
#include "mnist/decode_image.hpp"

/// The bytes of a file.
using Input = std::span<const std::uint8_t>;
/// Grey levels (H, W).
using Grey = fovea::Tensor<std::uint8_t, 2>;

/// As ITU-R BT.601 weighs the colours: the Y of a JPEG file.
inline int luma(int red, int green, int blue) {
  return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

/// The smallest k for which boxes of k x k pixels leave at most most_decoded_side pixels a side.
inline fovea::Index box_side(fovea::Index height, fovea::Index width) {
  return (std::max(height, width) + most_decoded_side - 1) / most_decoded_side;
}

/// Averages a picture over boxes of pixels; rows may come in any order, and in parts.
class BoxAverage {
 public:
  /// For a picture (height, width) and boxes of side x side pixels, or what is left of them at its end.
  BoxAverage(fovea::Index height, fovea::Index width, fovea::Index side, bool alpha)
      : extents_(height, width),
        side_(side),
        boxes_((height + side_ - 1) / side_, (width + side_ - 1) / side_),
        light_(static_cast<std::size_t>(boxes_.size())),
        opacity_(alpha ? light_.size() : 0) {}

  /// Pixels first, first + step, ... of a row: grey (1 channel), grey and alpha (2), colour (3), colour
  /// and alpha (4).
  void add(fovea::Index row, const std::uint8_t* samples, int channels, fovea::Index first = 0,
           fovea::Index step = 1);

  /// The averages. A transparent picture lies on white; or on black, if little of it is drawn and that
  /// is light.
  Grey finish() const;

 private:
  fovea::Shape<2> extents_;
  fovea::Index side_;
  fovea::Shape<2> boxes_;
  // Sums over each box: of grey, times alpha if there is one, and of alpha. A box has at most 32 x 32
  // pixels, so that 32 bits hold 32 * 32 * 255 * 255.
  std::vector<std::uint32_t> light_, opacity_;
};

/// A PNG file as decode_image() returns it.
Grey decode_png(Input bytes, std::string_view name);
/// A JPEG file as decode_image() returns it.
Grey decode_jpeg(Input bytes, std::string_view name);

/// Throws when a picture is larger than the limits.
void check_extents(std::string_view name, fovea::Index height, fovea::Index width);
