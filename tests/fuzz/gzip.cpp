// SPDX-License-Identifier: MIT
#include "fovea/io/gzip.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::attempt([&] {
    constexpr std::size_t limit = 1 << 20;
    if (fovea::gunzip({data, size}, limit, "archive").size() > limit) std::abort();
  });
  return 0;
}
