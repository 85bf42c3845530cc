// SPDX-License-Identifier: MIT
//
// Pictures out of files that nobody vouches for: PNG, JPEG, or IDX, told apart by their first bytes.
//
//   const Tensor<std::uint8_t, 2> grey = decode_image(read_picture("seven.jpg"), "seven.jpg");
//
// What a header promises is compared with the limits below before memory is asked for it, and a file that
// ends early or whose pixels are damaged is an error in words; other faults do not keep it from being
// read. A transparent picture lies on white; or on black, if little of it is drawn and that is light. A
// picture taken with the camera turned is turned upright (orientation.hpp).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fovea/core/file.hpp"
#include "fovea/core/tensor.hpp"

// The limits. Beside the file itself, a picture at any of them is read in less than 100 MB, but for a JPEG
// file in several scans, of which libjpeg keeps all numbers.

/// What a file may have in bytes: a photograph of 200 megapixels has up to 100 MB.
inline constexpr std::size_t most_picture_bytes = std::size_t{256} << 20;
/// A picture's height or width: a JPEG file has no room for more.
inline constexpr fovea::Index most_picture_side = 65'535;
/// Height times width: twice what the largest camera in a telephone has.
inline constexpr fovea::Index most_picture_pixels = 400'000'000;
/// What libjpeg may keep of a JPEG file in several scans: 3 bytes a pixel in most of them, 6 in some.
inline constexpr std::size_t most_progressive_bytes = 400'000'000;
/// The longer side of what is returned: larger pictures are averages over boxes of pixels.
inline constexpr fovea::Index most_decoded_side = 2048;
/// For IDX, in a gzip archive before and after it is unpacked. The 60 000 images that MNIST has for training fit.
inline constexpr std::size_t most_idx_bytes = std::size_t{48} << 20;

/// The grey levels (H, W) of the PNG or JPEG file in `bytes`; `name` is for errors. H and W are those of
/// the picture, divided by the smallest whole number that brings both to most_decoded_side.
fovea::Tensor<std::uint8_t, 2> decode_image(std::span<const std::uint8_t> bytes,
                                            std::string_view name);

/// Whether this is an IDX file, or a gzip archive, which may hold one.
bool holds_idx(std::span<const std::uint8_t> bytes);

/// The images (N, H, W) of the IDX file in `bytes`, which may be in a gzip archive.
fovea::Tensor<std::uint8_t, 3> decode_idx(std::span<const std::uint8_t> bytes,
                                          std::string_view name);

/// A file's content, or that of standard input for "-", within the limits.
fovea::Bytes read_picture(const std::string& path);
