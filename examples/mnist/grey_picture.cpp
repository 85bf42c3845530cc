// SPDX-License-Identifier: MIT
#include "mnist/grey_picture.hpp"

#include <numeric>

using namespace fovea;

void check_extents(std::string_view name, Index height, Index width) {
  check(0 < height && height <= most_picture_side && 0 < width && width <= most_picture_side &&
            height * width <= most_picture_pixels,
        name, ": expected a height and a width in [1, ", most_picture_side, "] and at most ",
        most_picture_pixels, " pixels, found ", height, " x ", width);
}

void BoxAverage::add(Index row, const std::uint8_t* samples, int channels, Index first,
                     Index step) {
  const bool alpha = !opacity_.empty();
  const auto start = static_cast<std::size_t>(row / side_ * boxes_[1]);
  for (Index x = first; x < extents_[1]; x += step, samples += channels) {
    const auto box = start + static_cast<std::size_t>(x / side_);
    const int grey = channels < 3 ? samples[0] : luma(samples[0], samples[1], samples[2]);
    const int opacity = alpha ? samples[channels - 1] : 1;
    light_[box] += static_cast<std::uint32_t>(grey * opacity);
    if (alpha) opacity_[box] += static_cast<std::uint32_t>(opacity);
  }
}

Grey BoxAverage::finish() const {
  const bool alpha = !opacity_.empty();
  const std::uint64_t all = alpha ? 255 : 1;  // what a pixel counts that is not transparent
  const double light = std::accumulate(light_.begin(), light_.end(), 0.0),
               visible = std::accumulate(opacity_.begin(), opacity_.end(), 0.0);
  const bool little = visible < 255.0 * static_cast<double>(extents_.size()) / 2;
  const std::uint64_t paper = little && light > 127.5 * visible ? 0 : 255;
  Grey grey(boxes_);
  for (Index i = 0; i < boxes_[0]; ++i)
    for (Index j = 0; j < boxes_[1]; ++j) {
      const auto box = static_cast<std::size_t>(i * boxes_[1] + j);
      const Index pixels =
          std::min(side_, extents_[0] - i * side_) * std::min(side_, extents_[1] - j * side_);
      const std::uint64_t whole = all * static_cast<std::uint64_t>(pixels);
      const std::uint64_t bare = alpha ? whole - opacity_[box] : 0;
      grey(i, j) = static_cast<std::uint8_t>((light_[box] + paper * bare + whole / 2) / whole);
    }
  return grey;
}
