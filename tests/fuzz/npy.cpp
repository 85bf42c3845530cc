// SPDX-License-Identifier: MIT
//
// What is read must be written again to something that reads as the same.
#include "fovea/io/npy.hpp"
#include "fuzz.hpp"

namespace {

template <class T, std::size_t R>
void there_and_back(std::span<const std::uint8_t> bytes) {
  fuzz::attempt([&] {
    const auto array = fovea::parse_npy<T, R>(bytes, "array");
    const auto written = fovea::encode_npy(array);
    const auto again = fovea::parse_npy<T, R>(written, "again");
    if (again.shape() != array.shape() || fovea::encode_npy(again) != written) std::abort();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  there_and_back<float, 1>({data, size});
  there_and_back<double, 2>({data, size});
  there_and_back<std::uint8_t, 3>({data, size});
  there_and_back<bool, 1>({data, size});
  there_and_back<std::int64_t, 4>({data, size});
  return 0;
}
