// SPDX-License-Identifier: MIT
//
// What is read must be written again to something that reads as the same.
#include "fovea/io/safetensors.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::attempt([&] {
    const auto file = fovea::parse_safetensors({data, size}, "file");
    const auto again = fovea::parse_safetensors(fovea::encode_safetensors(file), "again");
    if (again.metadata != file.metadata || again.tensors.size() != file.tensors.size())
      std::abort();
    for (const auto& [name, tensor] : file.tensors) {
      const auto& other = again.tensors.at(name);
      if (other.dtype != tensor.dtype || other.shape != tensor.shape || other.bytes != tensor.bytes)
        std::abort();
      std::vector<float> numbers(static_cast<std::size_t>(tensor.size()));
      fuzz::attempt([&, &stored = tensor] { stored.copy_to(std::span(numbers), "x"); });
    }
  });
  return 0;
}
