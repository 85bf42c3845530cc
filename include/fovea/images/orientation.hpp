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
// Within a rank the first number from 1 to 8 counts; a block without one, or with damage, is
// skipped. Only the first directory of an Exif block is read: the second is about the thumbnail.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

inline constexpr std::string_view xmp_in_png = "XML:com.adobe.xmp",
                                  raw_profile = "Raw profile type ";
inline constexpr std::string_view xmp_in_jpeg{"http://ns.adobe.com/xap/1.0/\0", 29};

inline std::string_view letters(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool is_xml_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
inline std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && is_xml_space(text.front())) text.remove_prefix(1);
  return text;
}

// What is after `start`, if the text begins so.
inline std::optional<std::string_view> text_after(std::string_view text, std::string_view start) {
  if (!text.starts_with(start)) return std::nullopt;
  return text.substr(start.size());
}

// Three lines, a name, a length, then digits: as ImageMagick writes metadata into text.
[[gnu::cold]] inline std::vector<std::uint8_t> from_hexadecimal(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const auto end = text.find('\n');
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
  std::vector<std::uint8_t> bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = '0' <= c && c <= '9'   ? c - '0'
                      : 'a' <= c && c <= 'f' ? c - 'a' + 10
                      : 'A' <= c && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) continue;
    if (high >= 0) bytes.push_back(static_cast<std::uint8_t>(16 * high + digit));
    high = high < 0 ? digit : -1;
  }
  return bytes;
}

// Whether a text chunk of a PNG file with this keyword may have an orientation.
inline bool may_hold_orientation(std::string_view keyword) {
  const auto kind = text_after(keyword, raw_profile);
  return keyword == xmp_in_png || kind == "exif" || kind == "APP1" || kind == "app1" ||
         kind == "xmp";
}

// Collects the orientations in the blocks of metadata of a file.
class Orientation {
 public:
  // An Exif block, with or without the letters "Exif" and two bytes before it.
  void add_exif(std::span<const std::uint8_t> block) { add(exif, read_exif(block)); }
  // The XMP packet of a PNG file.
  void add_xmp(std::string_view packet) { add(xmp, read_xmp(packet)); }
  // An APP1 segment of a JPEG file: Exif, XMP or something else.
  void add_app1(std::span<const std::uint8_t> segment) { add_app1(segment, exif); }
  // A text chunk of a PNG file, unpacked.
  [[gnu::cold]] void add_text(std::string_view keyword, std::string_view text) {
    if (keyword == xmp_in_png) return add_xmp(text);
    const auto kind = text_after(keyword, raw_profile);
    if (!kind || !may_hold_orientation(keyword)) return;
    const auto bytes = from_hexadecimal(text);
    if (*kind == "xmp")
      add_xmp(letters(bytes));
    else
      add_app1(bytes, exif_in_text);
  }

  // From 1 to 8; 1 when no block has one.
  int value() const {
    for (const int value : found_)
      if (value != 0) return value;
    return 1;
  }

 private:
  enum Rank : std::size_t { exif, exif_in_text, xmp, ranks };

  static int one_to_eight(std::size_t value) {
    return 1 <= value && value <= 8 ? static_cast<int>(value) : 0;
  }
  void add_app1(std::span<const std::uint8_t> segment, Rank rank) {
    if (const auto packet = text_after(letters(segment), xmp_in_jpeg))
      add_xmp(*packet);
    else
      add(rank, read_exif(segment));
  }
  void add(Rank rank, int value) {
    if (found_[rank] == 0) found_[rank] = value;
  }

  [[gnu::cold]] static int read_exif(std::span<const std::uint8_t> block) {
    if (letters(block).starts_with(std::string_view("Exif\0", 5)))
      block = block.subspan(std::min<std::size_t>(6, block.size()));
    const bool little = letters(block).starts_with(std::string_view("II*\0", 4));
    if (!little && !letters(block).starts_with(std::string_view("MM\0*", 4))) return 0;
    const auto at = [&](std::size_t from, std::size_t count) {
      std::size_t value = 0;
      for (std::size_t i = 0; i < count; ++i)
        if (from + i < block.size())
          value |= std::size_t{block[from + i]} << 8 * (little ? i : count - 1 - i);
      return value;
    };
    const std::size_t table = at(4, 4), entries = at(table, 2);
    for (std::size_t i = 0; i < entries; ++i) {
      const std::size_t entry = table + 2 + 12 * i, type = at(entry + 2, 2);
      const std::size_t bytes = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;
      if (at(entry, 2) != 0x112 || bytes == 0) continue;
      if (const int value = one_to_eight(at(entry + 8, bytes))) return value;
    }
    return 0;
  }

  // Not a reader of XML: it finds the property by the prefix that the packet gives to TIFF's
  // properties, as an attribute, tiff:Orientation="6", or as an element,
  // <tiff:Orientation>6</tiff:Orientation>.
  [[gnu::cold]] static int read_xmp(std::string_view packet) {
    std::string name = "tiff";
    if (const auto space = packet.find("http://ns.adobe.com/tiff/1.0/"); space != packet.npos) {
      const auto declared = packet.substr(0, space).rfind("xmlns:");
      if (declared != packet.npos) {
        const auto prefix = packet.substr(declared + 6, space - declared - 6);
        name = prefix.substr(0, prefix.find_first_of(" \t\r\n="));
      }
    }
    name += ":Orientation";
    for (std::size_t at = packet.find(name); at != packet.npos; at = packet.find(name, at + 1)) {
      std::string_view rest = packet.substr(at + name.size());
      const char before = at > 0 ? packet[at - 1] : ' ';
      if (before == '<') {
        if (!rest.starts_with('>') && (rest.empty() || !is_xml_space(rest[0]))) continue;
        const auto end = rest.substr(0, 256).find('>');
        if (end == rest.npos) continue;
        rest.remove_prefix(end);
      } else if (is_xml_space(before)) {
        rest = without_spaces(rest);
        if (!rest.starts_with('=')) continue;
        rest = without_spaces(rest.substr(1));
        if (!rest.starts_with('"') && !rest.starts_with('\'')) continue;
      } else {
        continue;  // the end of an element, or another name
      }
      rest = without_spaces(rest.substr(1));
      const bool digit = !rest.empty() && '0' <= rest[0] && rest[0] <= '9';
      const bool more = rest.size() > 1 && '0' <= rest[1] && rest[1] <= '9';
      const int value = digit ? one_to_eight(static_cast<std::size_t>(rest[0] - '0')) : 0;
      if (value != 0 && !more) return value;
    }
    return 0;
  }

  std::array<int, ranks> found_{};  // 0: none
};

// The image (C, H, W) rotated and mirrored so that its orientation becomes 1.
[[gnu::cold]] inline Tensor<std::uint8_t, 3> upright(Tensor<std::uint8_t, 3> image,
                                                     int orientation) {
  if (orientation == 1) return image;
  const Index C = image.extent(0), H = image.extent(1), W = image.extent(2);
  const bool swap = orientation >= 5,
             up = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7,
             mirror = orientation == 2 || orientation == 3 || orientation >= 7;
  Tensor<std::uint8_t, 3> result(swap ? Shape{C, W, H} : Shape{C, H, W});
  for (Index c = 0; c < C; ++c)
    for (Index i = 0; i < result.extent(1); ++i)
      for (Index j = 0; j < result.extent(2); ++j) {
        const Index row = swap ? j : i, col = swap ? i : j;
        result(c, i, j) = image(c, up ? H - 1 - row : row, mirror ? W - 1 - col : col);
      }
  return result;
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
