// SPDX-License-Identifier: MIT
//
// What the decoders of PNG and of JPEG share: rows of samples go in, a picture of bounded size
// comes out, so that the memory needed does not depend on how large the picture is.
//
//   average of a box = (sum of a c + (pixels - sum of a) background) / pixels
//
// for colours c and opacities a in [0, 1] of its pixels, in integers and rounded once.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "fovea/core/tensor.hpp"
#include "fovea/images/decode_options.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// As ITU-R BT.601 weighs the colours: the Y of a JPEG file.
inline unsigned luma(unsigned red, unsigned green, unsigned blue) {
  return (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16;
}

// Averages a picture over boxes of pixels; rows may come in any order, and in parts.
class BoxAverage {
 public:
  // For a picture (height, width) and boxes of side x side pixels, or what is left of them at its
  // end; 3 planes for one in colour, 1 for one that is grey or becomes so.
  BoxAverage(Index height, Index width, Index side, Index planes, bool alpha)
      : extents_(height, width),
        side_(side),
        boxes_((height + side - 1) / side, (width + side - 1) / side),
        light_(static_cast<std::size_t>(planes * boxes_.size())),
        opacity_(alpha ? static_cast<std::size_t>(boxes_.size()) : 0) {}

  // Pixels first, first + step, ... of a row: grey (1 channel), grey and alpha (2), colour (3),
  // colour and alpha (4).
  void add(Index row, const std::uint8_t* samples, Index channels, Index first = 0,
           Index step = 1) {
    const bool alpha = !opacity_.empty(), colour = light_.size() > count();
    const auto start = static_cast<std::size_t>(row / side_ * boxes_[1]);
    for (Index x = first; x < extents_[1]; x += step, samples += channels) {
      const auto box = start + static_cast<std::size_t>(x / side_);
      const unsigned opacity = alpha ? samples[channels - 1] : 1;
      if (alpha) opacity_[box] += opacity;
      if (!colour) {
        const unsigned grey = channels < 3 ? samples[0] : luma(samples[0], samples[1], samples[2]);
        light_[box] += grey * opacity;
        continue;
      }
      for (std::size_t c = 0; c < 3; ++c) light_[c * count() + box] += samples[c] * opacity;
    }
  }

  // The averages (channels, H, W); a grey picture has equal channels.
  Tensor<std::uint8_t, 3> finish(Index channels, Background background) const {
    const bool alpha = !opacity_.empty(), colour = light_.size() > count();
    const std::uint64_t all = alpha ? 255 : 1;  // what a pixel counts that is not transparent
    const std::uint64_t paper = is_black(background) ? 0 : 255;
    Tensor<std::uint8_t, 3> image(Shape{channels, boxes_[0], boxes_[1]});
    for (Index c = 0; c < channels; ++c) {
      const std::uint32_t* const light =
          light_.data() + (colour ? static_cast<std::size_t>(c) * count() : 0);
      std::uint8_t* to = image[c].data();
      for (Index i = 0; i < boxes_[0]; ++i)
        for (Index j = 0; j < boxes_[1]; ++j) {
          const auto box = static_cast<std::size_t>(i * boxes_[1] + j);
          const Index pixels =
              std::min(side_, extents_[0] - i * side_) * std::min(side_, extents_[1] - j * side_);
          const std::uint64_t whole = all * static_cast<std::uint64_t>(pixels);
          const std::uint64_t bare = alpha ? whole - opacity_[box] : 0;
          *to++ = static_cast<std::uint8_t>((light[box] + paper * bare + whole / 2) / whole);
        }
    }
    return image;
  }

 private:
  std::size_t count() const { return static_cast<std::size_t>(boxes_.size()); }

  bool is_black(Background background) const {
    if (background != Background::contrast || opacity_.empty())
      return background == Background::dark;
    const auto sum = [&](std::size_t plane) {
      const auto begin = light_.begin() + static_cast<std::ptrdiff_t>(plane * count());
      return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count()), 0.0);
    };
    const double visible = std::accumulate(opacity_.begin(), opacity_.end(), 0.0);
    const double light = light_.size() == count()
                             ? sum(0)
                             : (19595 * sum(0) + 38470 * sum(1) + 7471 * sum(2)) / 65536;
    const bool little = visible < 255.0 * static_cast<double>(extents_.size()) / 2;
    return little && light > 127.5 * visible;
  }

  Shape<2> extents_;
  Index side_;
  Shape<2> boxes_;
  // Sums over each box: of the samples, times alpha if there is one, and of alpha. The limits of
  // DecodeOptions leave at most 257 x 257 pixels to a box, and 32 bits hold 257 * 257 * 255 * 255.
  std::vector<std::uint32_t> light_, opacity_;
};

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
