// SPDX-License-Identifier: MIT
#include "mnist/decode_image.hpp"

#include <cstdio>

#include "fovea/data/idx.hpp"
#include "fovea/io/gzip.hpp"
#include "mnist/grey_picture.hpp"

using namespace fovea;
using namespace std::string_view_literals;

namespace {

bool has_at(Input bytes, std::size_t offset, std::string_view letters) {
  return bytes.size() >= offset + letters.size() &&
         std::equal(letters.begin(), letters.end(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(offset),
                    [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}
bool is_png(Input bytes) { return has_at(bytes, 0, "\x89PNG\r\n\x1a\n"); }
bool is_jpeg(Input bytes) { return has_at(bytes, 0, "\xff\xd8\xff"); }
bool is_gzip(Input bytes) { return has_at(bytes, 0, "\x1f\x8b"); }
// Two zeros, then the type of the numbers: 8 for bytes, up to 14.
bool is_idx(Input bytes) {
  return has_at(bytes, 0, "\0\0"sv) && bytes.size() >= 3 && 8 <= bytes[2] && bytes[2] <= 14;
}

// The formats that people have pictures in, by their magic bytes at an offset; the first that fits.
struct Format {
  std::size_t offset;
  std::string_view magic, name;
};
constexpr Format formats[] = {
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
    {0, "II*\0"sv, "a TIFF"},
    {0, "MM\0*"sv, "a TIFF"},
    {0, "II+\0"sv, "a TIFF"},
    {0, "MM\0+"sv, "a TIFF"},
    {0, "\0\0\0\x0cjP  "sv, "a JPEG 2000"},
    {0, "\xff\x4f\xff\x51", "a JPEG 2000"},
    {0, "\0\0\0\x0cJXL "sv, "a JPEG XL"},
    {0, "\xff\x0a", "a JPEG XL"},
    {0, "8BPS", "a Photoshop"},
    {0, "gimp xcf", "a GIMP"},
    {0, "\0\0\1\0"sv, "an ICO"},
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

std::string what_it_is(Input bytes) {
  if (bytes.empty()) return "an empty file";
  const auto picture = [](std::string_view name) {
    return concat(name, " file (convert it to PNG or JPEG)");
  };
  for (const auto& [offset, magic, name] : formats)
    if (has_at(bytes, offset, magic)) return picture(name);
  // Text says early what it is, after a byte order mark, a declaration or comments.
  std::string text(bytes.begin(), bytes.begin() + std::min(std::ssize(bytes), Index{1024}));
  for (char& c : text)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (text.find("<svg") != text.npos) return picture("an SVG");
  if (text.find("<html") != text.npos || text.find("<!doctype html") != text.npos)
    return "an HTML file";
  return "something else";
}

}  // namespace

Grey decode_image(Input bytes, std::string_view name) {
  check(bytes.size() <= most_picture_bytes, name, ": expected at most ", most_picture_bytes,
        " bytes, found ", bytes.size());
  if (is_png(bytes)) return decode_png(bytes, name);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, name);
  fail(name, ": expected a PNG, JPEG or IDX file, found ", what_it_is(bytes));
}

bool holds_idx(Input bytes) { return is_idx(bytes) || is_gzip(bytes); }

Tensor<std::uint8_t, 3> decode_idx(Input bytes, std::string_view name) {
  check(bytes.size() <= most_idx_bytes, name, ": expected at most ", most_idx_bytes,
        " bytes, found ", bytes.size());
  if (is_gzip(bytes)) return parse_idx<3>(gunzip(bytes, most_idx_bytes, name), name);
  return parse_idx<3>(bytes, name);
}

Bytes read_picture(const std::string& path) {
  return read_file(path == "-" ? "/dev/stdin" : path, most_picture_bytes);
}
