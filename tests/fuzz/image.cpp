// SPDX-License-Identifier: MIT
//
// PNG, JPEG and IDX, as mnist_predict takes them, down to the digit that the network would be given.
#include "fovea/data/fit_digit.hpp"
#include "fuzz.hpp"
#include "support/decode_image.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  fuzz::attempt([&] {
    if (holds_idx(bytes)) {
      decode_idx(bytes, "images");
      return;
    }
    const auto grey = decode_image(bytes, "picture");
    if (std::max(grey.extent(0), grey.extent(1)) > most_decoded_side) std::abort();
    if (grey.size() <= 1 << 16) fovea::fit_digit(grey, "picture");
  });
  return 0;
}
