// SPDX-License-Identifier: MIT
#include "fovea/data/idx.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(data, size);
  fuzz::attempt([&] { fovea::parse_idx<1>(bytes, "labels"); });
  fuzz::attempt([&] { fovea::parse_idx<3>(bytes, "images"); });
  return 0;
}
