// SPDX-License-Identifier: MIT
//
// Images to PNG files, by stb_image_write: the only file that includes it. Link fovea::viz.
#pragma once

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

#include <string>

#include "fovea/core/file.hpp"
#include "fovea/viz/image.hpp"

namespace fovea::inline FOVEA_ABI {

/// The bytes of a PNG file. stb computes sizes in int: Image's limit of 16384 x 16384 x 3 bytes
/// keeps them inside it.
inline Bytes encode_png(const Image& image) {
  Bytes bytes;
  const auto append = [](void* context, void* data, int size) {
    const auto* first = static_cast<const std::uint8_t*>(data);
    static_cast<Bytes*>(context)->insert(static_cast<Bytes*>(context)->end(), first, first + size);
  };
  const int width = static_cast<int>(image.width()), height = static_cast<int>(image.height());
  check(stbi_write_png_to_func(append, &bytes, width, height, 3, image.pixels().data(),
                               3 * width) != 0,
        "png: an image of ", height, " x ", width, " cannot be encoded");
  return bytes;
}

/// Writes a whole PNG file or throws.
inline void write_png(const std::string& path, const Image& image) {
  write_file(path, encode_png(image));
}

}  // namespace fovea::inline FOVEA_ABI
