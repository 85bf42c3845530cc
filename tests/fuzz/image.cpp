// SPDX-License-Identifier: MIT
//
// PNG, JPEG and IDX, as mnist_predict takes them, down to the digit that the network would be given, and in
// colour at another size, as a folder of images is read. Chance does not hit on checksums, so a PNG file is read
// twice, as it is and with the right ones.
#include <zlib.h>

#include "fovea/data/fit_digit.hpp"
#include "fovea/images/decode_image.hpp"
#include "fovea/images/resize.hpp"
#include "fuzz.hpp"
#include "mnist/read_picture.hpp"

namespace {

using Input = std::span<const std::uint8_t>;

void read(Input bytes) {
  fuzz::attempt([&] {
    if (holds_idx(bytes)) {
      decode_idx(bytes, "images");
      return;
    }
    const auto grey = decode_grey(bytes, "picture");
    if (std::max(grey.extent(0), grey.extent(1)) > most_decoded_side) std::abort();
    if (grey.size() <= 1 << 16) fovea::fit_digit(grey, "picture");
    const auto rgb = fovea::decode_image(bytes, "picture");
    if (grey.shape() != rgb[0].shape() && rgb.size() <= 3 * most_decoded_side) std::abort();
    const auto how = static_cast<fovea::Resize>(bytes.size() % 3);
    fovea::resize_image(rgb.view(), 7, 5, how);
  });
}

// A PNG file's chunks, length, four letters, data and checksum, with what zlib makes of the letters and data.
fovea::Bytes with_checksums(Input file) {
  fovea::Bytes bytes(file.begin(), file.end());
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    std::uint8_t* const chunk = bytes.data() + at;
    const std::size_t length = std::size_t{chunk[0]} << 24 | std::size_t{chunk[1]} << 16 |
                               std::size_t{chunk[2]} << 8 | chunk[3];
    if (length > bytes.size() - at - 12) break;
    const auto sum = crc32(0, chunk + 4, static_cast<uInt>(length + 4));
    for (int i = 0; i < 4; ++i)
      chunk[8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    at += 12 + length;
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Input bytes(data, size);
  read(bytes);
  if (size > 8 && data[0] == 0x89) read(with_checksums(bytes));
  return 0;
}
