// SPDX-License-Identifier: MIT
//
// IDX, the file format of MNIST: a header, then bytes.
//
//   offset 0   0 0 t r     t: type of the numbers (8 = unsigned byte), r: rank
//   offset 4   r extents, 32 bits each, most significant byte first
//   then       the numbers, last index fastest
//
// The reader trusts nothing: the file's length must be exactly what its header promises, and that
// is checked before any memory is allocated.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <tuple>

#include "fovea/core/file.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// Reads a whole file of at most so many bytes. `read_file` reads what is there;
/// `read_file_or_gzip`, in io/gzip.hpp, also unpacks .gz.
using FileReader = Bytes (*)(const std::string& path, std::size_t limit);

namespace detail {

// Checks the header of an IDX file, writes its extents and returns the numbers after it.
// Compiled once, for all ranks.
[[gnu::cold]] inline std::span<const std::uint8_t> idx_numbers(std::span<const std::uint8_t> bytes,
                                                               std::string_view name,
                                                               std::span<Index> extents) {
  const std::size_t rank = extents.size(), header = 4 + 4 * rank;
  const auto long_enough = [&](std::size_t size) {
    check(bytes.size() >= size, name, ": expected an IDX header of ", header, " bytes, found ",
          bytes.size(), " bytes");
  };
  const auto number = [&](std::size_t i) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : bytes.subspan(i, 4)) value = value << 8 | byte;
    return value;
  };
  long_enough(4);
  const std::size_t magic = 0x0800 + rank;
  check(number(0) >> 16 != 0x1f8b, name,
        ": expected an IDX file, found a gzip archive; read it with ",
        "read_file_or_gzip (fovea/io/gzip.hpp, target fovea::io) or unpack it");
  check(number(0) == magic, name, ": expected the IDX magic number ", magic,
        " (unsigned bytes, rank ", rank, "), found ", number(0));
  long_enough(header);
  const auto numbers = bytes.subspan(header);
  bool none = false, fits = true;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    extents[axis] = static_cast<Index>(number(4 + 4 * axis));
    none = none || extents[axis] == 0;
    fits = fits && extents[axis] >= 0;  // into an Index of 32 bits
  }
  // Three 32-bit extents can overflow 64 bits, so they are compared with what is there at every
  // step. With an extent of 0 nothing is there, however large the others are.
  std::size_t promised = none ? 0 : 1;
  for (std::size_t axis = 0; axis < rank && fits && !none; ++axis) {
    const auto extent = static_cast<std::size_t>(extents[axis]);
    fits = extent <= numbers.size() / promised;
    if (fits) promised *= extent;
  }
  if (!fits)
    fail(name, ": expected the ", extents_text(extents), " bytes its header promises, found ",
         numbers.size(), " (a truncated file?)");
  check(promised == numbers.size(), name, ": expected ", promised,
        " bytes after the header, found ", numbers.size(), " (trailing bytes)");
  return numbers;
}

inline constexpr std::size_t idx_limit = std::size_t{1} << 30;  // bytes

}  // namespace detail

/// The tensor in `bytes`; `name` is for errors. Throws unless rank, type and length are right.
template <std::size_t R>
[[gnu::cold]] Tensor<std::uint8_t, R> parse_idx(std::span<const std::uint8_t> bytes,
                                                std::string_view name) {
  std::array<Index, R> extents;
  const auto numbers = detail::idx_numbers(bytes, name, extents);
  const auto shape = std::apply([](auto... e) { return Shape{e...}; }, extents);
  return Tensor<std::uint8_t, R>(View<const std::uint8_t, R>(numbers.data(), shape));
}

/// The tensor in an IDX file.
template <std::size_t R>
[[gnu::cold]] Tensor<std::uint8_t, R> read_idx(const std::string& path,
                                               FileReader reader = read_file) {
  return parse_idx<R>(reader(path, detail::idx_limit), path);
}

}  // namespace fovea::inline FOVEA_ABI
