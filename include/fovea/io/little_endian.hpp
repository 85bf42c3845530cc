// SPDX-License-Identifier: MIT
//
// Numbers in files, least significant byte first, whatever the machine does in memory.
//
//   append_little_endian(bytes, weight.flat());        // numbers to bytes
//   copy_little_endian(bytes, weight.flat());          // and back
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "fovea/core/file.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {
// Turns the bytes of each number round where memory has the most significant one first.
template <class T>
void swap_if_big_endian(std::uint8_t* bytes, std::size_t count) {
  if constexpr (std::endian::native == std::endian::big && sizeof(T) > 1)
    for (std::size_t i = 0; i < count; ++i)
      std::reverse(bytes + i * sizeof(T), bytes + (i + 1) * sizeof(T));
}

// A file in memory, to read from its beginning: `read(count)` returns the next so many bytes of it.
inline auto reader_of(std::span<const std::uint8_t> bytes) {
  return [rest = bytes](std::size_t count) mutable {
    const Bytes part(rest.begin(), rest.begin() + static_cast<Index>(count));
    rest = rest.subspan(count);
    return part;
  };
}
}  // namespace detail

/// Fills `to` with the numbers in `bytes`, to.size() * sizeof(T) of them.
template <class T>
void copy_little_endian(std::span<const std::uint8_t> bytes, std::span<T> to) {
  check(bytes.size() == to.size_bytes(), "copy_little_endian: expected ", to.size_bytes(),
        " bytes, got ", bytes.size());
  if (to.empty()) return;
  auto* const memory = reinterpret_cast<std::uint8_t*>(to.data());
  std::memcpy(memory, bytes.data(), bytes.size());
  detail::swap_if_big_endian<T>(memory, to.size());
}

/// The number at the beginning of `bytes`.
template <class T>
T from_little_endian(std::span<const std::uint8_t> bytes) {
  T value{};
  copy_little_endian(bytes.first(sizeof(T)), std::span<T>(&value, 1));
  return value;
}

/// Appends the bytes of all numbers in `from`.
// Out of line, or g++ 12 takes what callers append next for an overflow (-Warray-bounds).
template <class T>
FOVEA_OUT_OF_LINE void append_little_endian(Bytes& bytes, std::span<const T> from) {
  const std::size_t before = bytes.size();
  bytes.resize(before + from.size_bytes());
  if (from.empty()) return;
  std::memcpy(bytes.data() + before, from.data(), from.size_bytes());
  detail::swap_if_big_endian<T>(bytes.data() + before, from.size());
}

}  // namespace fovea::inline FOVEA_ABI
