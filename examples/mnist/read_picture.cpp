// SPDX-License-Identifier: MIT
#include "mnist/read_picture.hpp"

#include "fovea/data/idx.hpp"
#include "fovea/images/decode_image.hpp"
#include "fovea/io/gzip.hpp"

using namespace fovea;

namespace {

using Input = std::span<const std::uint8_t>;

const DecodeOptions decoding{
    .channels = 1, .background = Background::contrast, .most_side = most_decoded_side};

bool is_gzip(Input bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }
// Two zeros, then the type of the numbers: 8 for bytes, up to 14.
bool is_idx(Input bytes) {
  return bytes.size() >= 3 && bytes[0] == 0 && bytes[1] == 0 && 8 <= bytes[2] && bytes[2] <= 14;
}

}  // namespace

Tensor<std::uint8_t, 2> decode_grey(Input bytes, std::string_view name) {
  check(bytes.size() > decoding.most_bytes || is_png(bytes) || is_jpeg(bytes), name,
        ": expected a PNG, JPEG or IDX file, found ", other_format(bytes));
  const auto image = decode_image(bytes, name, decoding);  // (1, H, W)
  return Tensor<std::uint8_t, 2>(image[0]);
}

bool holds_idx(Input bytes) { return is_idx(bytes) || is_gzip(bytes); }

Tensor<std::uint8_t, 3> decode_idx(Input bytes, std::string_view name) {
  check(bytes.size() <= most_idx_bytes, name, ": expected at most ", most_idx_bytes,
        " bytes, found ", bytes.size());
  if (is_gzip(bytes)) return parse_idx<3>(gunzip(bytes, most_idx_bytes, name), name);
  return parse_idx<3>(bytes, name);
}

Bytes read_picture(const std::string& path) {
  return read_file(path == "-" ? "/dev/stdin" : path, decoding.most_bytes);
}
