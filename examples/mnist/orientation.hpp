// SPDX-License-Identifier: MIT
//
// How the camera was held, as a picture's metadata have it: a number from 1, upright, to 8.
//
// The number is tag 0x112 of an Exif block, which is a little TIFF file, or the property
// tiff:Orientation of an XMP packet, which is XML. When a file has several, this order decides:
//
//   1  Exif           JPEG: any APP1 segment before the first scan     PNG: the chunk eXIf
//   2  Exif in text   PNG: "Raw profile type exif" or "APP1" in a text chunk, hexadecimal
//   3  XMP            JPEG: any APP1 segment before the first scan     PNG: "XML:com.adobe.xmp" or
//                     "Raw profile type xmp" in a text chunk
//
// Within a rank the first number from 1 to 8 counts; a block without one, or with damage, is skipped.
// Only the first directory of an Exif block is read: the second is about the thumbnail.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "fovea/core/tensor.hpp"

/// Collects the orientations in the blocks of metadata of a file.
class Orientation {
 public:
  /// An Exif block, with or without the letters "Exif" and two bytes before it.
  void add_exif(std::span<const std::uint8_t> block) { add(exif, read_exif(block)); }
  /// The XMP packet of a PNG file.
  void add_xmp(std::string_view packet) { add(xmp, read_xmp(packet)); }
  /// An APP1 segment of a JPEG file: Exif, XMP or something else.
  void add_app1(std::span<const std::uint8_t> segment) { add_app1(segment, exif); }
  /// A text chunk of a PNG file, unpacked.
  void add_text(std::string_view keyword, std::string_view text);

  /// From 1 to 8; 1 when no block has one.
  int value() const;

 private:
  enum Rank { exif, exif_in_text, xmp, ranks };

  static int read_exif(std::span<const std::uint8_t> block);
  static int read_xmp(std::string_view packet);
  void add_app1(std::span<const std::uint8_t> segment, Rank rank);
  void add(Rank rank, int value) {
    if (found_[rank] == 0) found_[rank] = value;
  }

  std::array<int, ranks> found_{};  // 0: none
};

/// Whether a text chunk of a PNG file with this keyword may have an orientation.
bool may_hold_orientation(std::string_view keyword);

/// The picture turned and mirrored so that its orientation becomes 1.
fovea::Tensor<std::uint8_t, 2> upright(fovea::Tensor<std::uint8_t, 2> image, int orientation);
