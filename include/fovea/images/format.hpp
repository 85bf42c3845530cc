// SPDX-License-Identifier: MIT
//
// What kind of file it is, by its first bytes; the extension of its name decides nothing.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

inline bool has_at(std::span<const std::uint8_t> bytes, std::size_t offset,
                   std::string_view letters) {
  return bytes.size() >= offset + letters.size() &&
         std::equal(letters.begin(), letters.end(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

// Letters at an offset by which a format is known.
struct Format {
  template <std::size_t N>
  constexpr Format(std::size_t at, const char (&letters)[N], std::string_view kind)
      : offset(at), magic(letters, N - 1), name(kind) {}
  std::size_t offset;
  std::string_view magic, name;
};

}  // namespace detail

/// Whether a PNG file begins so.
inline bool is_png(std::span<const std::uint8_t> bytes) {
  return detail::has_at(bytes, 0, "\x89PNG\r\n\x1a\n");
}
/// Whether a JPEG file begins so.
inline bool is_jpeg(std::span<const std::uint8_t> bytes) {
  return detail::has_at(bytes, 0, "\xff\xd8\xff");
}

/// What is not PNG or JPEG, in words for an error message: "a GIF file (convert it to PNG or
/// JPEG)", "an empty file", "something else".
[[gnu::cold]] inline std::string other_format(std::span<const std::uint8_t> bytes) {
  // The formats in which people have pictures, by their magic bytes at an offset; the first that
  // fits.
  constexpr detail::Format formats[] = {
      {4, "ftypheic", "a HEIC"},
      {4, "ftypheix", "a HEIC"},
      {4, "ftyphevc", "a HEIC"},
      {4, "ftypmif1", "a HEIC"},
      {4, "ftypmsf1", "a HEIC"},
      {4, "ftypavif", "an AVIF"},
      {4, "ftypavis", "an AVIF"},
      {4, "ftypcrx ", "a Canon CR3"},
      {4, "ftypqt  ", "a QuickTime"},
      {4, "ftyp", "an MP4"},
      {8, "WEBP", "a WebP"},
      {0, "GIF8", "a GIF"},
      {0, "BM", "a BMP"},
      {0, "II*\0", "a TIFF"},
      {0, "MM\0*", "a TIFF"},
      {0, "II+\0", "a TIFF"},
      {0, "MM\0+", "a TIFF"},
      {0, "\0\0\0\x0cjP  ", "a JPEG 2000"},
      {0, "\xff\x4f\xff\x51", "a JPEG 2000"},
      {0, "\0\0\0\x0cJXL ", "a JPEG XL"},
      {0, "\xff\x0a", "a JPEG XL"},
      {0, "8BPS", "a Photoshop"},
      {0, "gimp xcf", "a GIMP"},
      {0, "\0\0\1\0", "an ICO"},
      {0, "qoif", "a QOI"},
      {0, "\x76\x2f\x31\x01", "an OpenEXR"},
      {0, "%PDF", "a PDF"},
      {0, "%!PS", "a PostScript"},
      {0, "PK\3\4", "a ZIP"},
      {0, "P1", "a PBM"},
      {0, "P2", "a PGM"},
      {0, "P3", "a PPM"},
      {0, "P4", "a PBM"},
      {0, "P5", "a PGM"},
      {0, "P6", "a PPM"},
      {0, "P7", "a PAM"},
  };
  if (bytes.empty()) return "an empty file";
  const auto picture = [](std::string_view name) {
    return concat(name, " file (convert it to PNG or JPEG)");
  };
  for (const auto& [offset, magic, name] : formats)
    if (detail::has_at(bytes, offset, magic)) return picture(name);
  // Text says early what it is, after a byte order mark, a declaration or comments.
  std::string text(bytes.begin(), bytes.begin() + std::min(std::ssize(bytes), Index{1024}));
  for (char& c : text)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (text.find("<svg") != text.npos) return picture("an SVG");
  if (text.find("<html") != text.npos || text.find("<!doctype html") != text.npos)
    return "an HTML file";
  return "something else";
}

}  // namespace fovea::inline FOVEA_ABI
