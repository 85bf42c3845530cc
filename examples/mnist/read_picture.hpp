// SPDX-License-Identifier: MIT
//
// Pictures of digits out of files that nobody vouches for: PNG, JPEG, or IDX, told apart by their first bytes.
//
//   const Tensor<std::uint8_t, 2> grey = decode_grey(read_picture("seven.jpg"), "seven.jpg");
//
// PNG and JPEG are decoded by fovea::images, with its limits. A transparent picture lies on white; or on black,
// if little of it is drawn and that is light.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "fovea/core/file.hpp"
#include "fovea/core/tensor.hpp"

/// The longer side of what is returned: larger pictures are averages over boxes of pixels.
inline constexpr fovea::Index most_decoded_side = 2048;
/// For IDX, in a gzip archive before and after it is unpacked. The 60 000 images that MNIST has for training fit.
inline constexpr std::size_t most_idx_bytes = std::size_t{48} << 20;

/// The grey levels (H, W) of the PNG or JPEG file in `bytes`; `name` is for errors. H and W are those of
/// the picture, divided by the smallest whole number that brings both to most_decoded_side.
fovea::Tensor<std::uint8_t, 2> decode_grey(std::span<const std::uint8_t> bytes,
                                           std::string_view name);

/// Whether this is an IDX file, or a gzip archive, which may hold one.
bool holds_idx(std::span<const std::uint8_t> bytes);

/// The images (N, H, W) of the IDX file in `bytes`, which may be in a gzip archive.
fovea::Tensor<std::uint8_t, 3> decode_idx(std::span<const std::uint8_t> bytes,
                                          std::string_view name);

/// A file's content, or that of standard input for "-", within the limits.
fovea::Bytes read_picture(const std::string& path);
