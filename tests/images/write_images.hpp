// SPDX-License-Identifier: MIT
//
// PNG and JPEG files for the tests, put together here so that no binary file is in git: PNG by hand over zlib,
// JPEG by libjpeg.
#pragma once

#include <functional>

#include "fovea/images/decode_image.hpp"
#include "support.hpp"

namespace test {

inline void append(Bytes& to, std::span<const std::uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}
inline Bytes written_bytes(std::string_view text) { return Bytes(text.begin(), text.end()); }

inline Bytes big_endian_32(std::uint32_t x) {
  return {static_cast<std::uint8_t>(x >> 24), static_cast<std::uint8_t>(x >> 16),
          static_cast<std::uint8_t>(x >> 8), static_cast<std::uint8_t>(x)};
}

inline Bytes png_chunk(std::string_view kind, const Bytes& data) {
  Bytes checked = written_bytes(kind),
        chunk = big_endian_32(static_cast<std::uint32_t>(data.size()));
  append(checked, data);
  append(chunk, checked);
  append(chunk, big_endian_32(static_cast<std::uint32_t>(
                    crc32(0, checked.data(), static_cast<uInt>(checked.size())))));
  return chunk;
}

inline Bytes zipped(const Bytes& bytes) {
  uLongf size = compressBound(bytes.size());
  Bytes packed(size);
  compress(packed.data(), &size, bytes.data(), bytes.size());
  packed.resize(size);
  return packed;
}

/// The parts of a PNG file; a test changes one and joins them.
struct PngParts {
  std::uint32_t height = 1, width = 1;
  std::uint8_t depth = 8, colour = 2, interlaced = 0;
  Bytes rows{};    // with the filter's number, 0, before each
  Bytes extra{};   // chunks between IHDR and IDAT
  Bytes after{};   // chunks between IDAT and IEND
  Bytes packed{};  // instead of zipped(rows)

  Bytes file() const {
    Bytes header = big_endian_32(width);
    append(header, big_endian_32(height));
    append(header, Bytes{depth, colour, 0, 0, interlaced});
    Bytes bytes = written_bytes("\x89PNG\r\n\x1a\n");
    append(bytes, png_chunk("IHDR", header));
    append(bytes, extra);
    append(bytes, png_chunk("IDAT", packed.empty() ? zipped(rows) : packed));
    append(bytes, after);
    append(bytes, png_chunk("IEND", {}));
    return bytes;
  }
};

/// The sample of channel c at row y and column x.
using Sample = std::function<std::uint8_t(Index y, Index x, Index c)>;

/// A PNG of 8 bits: colour 0 is grey, 2 colour, 4 grey and alpha, 6 colour and alpha.
inline PngParts png_parts(Index height, Index width, std::uint8_t colour, const Sample& sample,
                          bool interlaced = false) {
  const Index channels = colour == 0 ? 1 : colour == 2 ? 3 : colour == 4 ? 2 : 4;
  PngParts png{.height = static_cast<std::uint32_t>(height),
               .width = static_cast<std::uint32_t>(width),
               .colour = colour,
               .interlaced = interlaced};
  const auto pass = [&](Index top, Index down, Index left, Index right) {
    if (left >= width) return;
    for (Index y = top; y < height; y += down) {
      png.rows.push_back(0);
      for (Index x = left; x < width; x += right)
        for (Index c = 0; c < channels; ++c) png.rows.push_back(sample(y, x, c));
    }
  };
  if (!interlaced) {
    pass(0, 1, 0, 1);
  } else {  // Adam7
    pass(0, 8, 0, 8), pass(0, 8, 4, 8), pass(4, 8, 0, 4), pass(0, 4, 2, 4);
    pass(2, 4, 0, 2), pass(0, 2, 1, 2), pass(1, 2, 0, 1);
  }
  return png;
}
inline Bytes png_file(Index height, Index width, std::uint8_t colour, const Sample& sample) {
  return png_parts(height, width, colour, sample).file();
}

/// An Exif block with an orientation, as big-endian TIFF.
inline Bytes exif_block(std::uint8_t orientation) {
  return {'M', 'M', 0, 42, 0, 0, 0,           8, 0, 1, 1, 0x12, 0,
          3,   0,   0, 0,  1, 0, orientation, 0, 0, 0, 0, 0,    0};
}

struct JpegForm {
  J_COLOR_SPACE space = JCS_RGB;
  bool progressive = false;
  int quality = 100;
  Bytes app1{};
};
inline Bytes jpeg_file(Index height, Index width, const Sample& sample, const JpegForm& form = {}) {
  const int channels = form.space == JCS_GRAYSCALE ? 1 : form.space == JCS_CMYK ? 4 : 3;
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_height = static_cast<JDIMENSION>(height);
  info.image_width = static_cast<JDIMENSION>(width);
  info.input_components = channels;
  info.in_color_space = form.space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, form.quality, TRUE);
  if (form.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (!form.app1.empty())
    jpeg_write_marker(&info, JPEG_APP0 + 1, form.app1.data(),
                      static_cast<unsigned>(form.app1.size()));
  Bytes row(static_cast<std::size_t>(width * channels));
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x)
      for (Index c = 0; c < channels; ++c)
        row[static_cast<std::size_t>(x * channels + c)] = sample(y, x, c);
    std::uint8_t* pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  Bytes bytes(memory, memory + size);
  jpeg_destroy_compress(&info);
  std::free(memory);
  return bytes;
}

/// Bytes that look random, one for each position.
inline std::uint8_t noise_at(Index y, Index x, Index c) {
  auto h = static_cast<std::uint32_t>(y * 7919 + x * 104729 + c * 1299709 + 1);
  h ^= h >> 15, h *= 0x2c1b3c6dU, h ^= h >> 12, h *= 0x297a2d39U, h ^= h >> 15;
  return static_cast<std::uint8_t>(h);
}

}  // namespace test
