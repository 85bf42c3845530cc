// SPDX-License-Identifier: MIT
//
// Pixels out of a PNG or JPEG file that is not trusted; its first bytes say which it is.
//
//   const auto rgb = decode_image(read_file("cat.jpg"), "cat.jpg");  // (3, H, W)
//
// What a header promises is compared with the limits of DecodeOptions before memory is allocated,
// and a file that ends early or whose pixels are damaged is an error in words; other faults do not
// keep it from being read. A picture is made upright by its metadata (orientation.hpp). Beside the
// file, and but for a JPEG file in several scans, of which libjpeg keeps all numbers, a picture at
// the limits takes about 100 MB: four sums of 4 bytes for each of most_area pixels, and the result.
#pragma once

#include "fovea/images/decode_jpeg.hpp"
#include "fovea/images/decode_png.hpp"
#include "fovea/images/format.hpp"

namespace fovea::inline FOVEA_ABI {

/// The pixels (channels, H, W) of the PNG or JPEG file in `bytes`; `name` is for errors. A grey
/// picture has equal channels.
[[gnu::cold]] inline Tensor<std::uint8_t, 3> decode_image(std::span<const std::uint8_t> bytes,
                                                          std::string_view name,
                                                          const DecodeOptions& options = {}) {
  options.validate();
  check(bytes.size() <= options.most_bytes, name, ": expected at most ", options.most_bytes,
        " bytes, found ", bytes.size());
  if (is_png(bytes)) return detail::decode_png(bytes, name, options);
  if (is_jpeg(bytes)) return detail::decode_jpeg(bytes, name, options);
  fail(name, ": expected a PNG or JPEG file, found ", other_format(bytes));
}

}  // namespace fovea::inline FOVEA_ABI
