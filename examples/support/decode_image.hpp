// SPDX-License-Identifier: MIT
//
// Pictures out of files that nobody vouches for: PNG, JPEG, or IDX, told apart by their first bytes.
//
//   const Tensor<std::uint8_t, 2> grey = decode_image(read_picture("seven.jpg"), "seven.jpg");
//
// What a header promises is compared with the limits below before memory is asked for it, and a file that
// ends early or is damaged is an error in words. A transparent picture lies on white; or on black, if little
// of it is drawn and that is light. A picture taken with the camera turned is turned upright.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fovea/core/file.hpp"
#include "fovea/core/tensor.hpp"

/// For PNG and JPEG.
inline constexpr std::size_t most_picture_bytes = std::size_t{16} << 20;
inline constexpr fovea::Index most_picture_pixels = 15'000'000;
/// For IDX, in a gzip archive before and after it is unpacked. The 60 000 images that MNIST has for training fit.
inline constexpr std::size_t most_idx_bytes = std::size_t{48} << 20;

/// The grey levels (H, W) of the PNG or JPEG file in `bytes`; `name` is for errors. Of a large JPEG it
/// decodes a half, a quarter or an eighth of the size, as long as the longer side has 1024 pixels.
fovea::Tensor<std::uint8_t, 2> decode_image(std::span<const std::uint8_t> bytes,
                                            std::string_view name);

/// Whether this is an IDX file of images, or a gzip archive, which may hold one.
bool holds_idx(std::span<const std::uint8_t> bytes);

/// The images (N, H, W) of the IDX file in `bytes`, which may be in a gzip archive.
fovea::Tensor<std::uint8_t, 3> decode_idx(std::span<const std::uint8_t> bytes,
                                          std::string_view name);

/// A file's content, or that of standard input for "-", within the limits.
fovea::Bytes read_picture(const std::string& path);
