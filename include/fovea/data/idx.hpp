// SPDX-License-Identifier: MIT
//
// IDX, the file format of MNIST: a header, then bytes.
//
//   offset 0   0 0 t r     t: type of the numbers (8 = unsigned byte), r: rank
//   offset 4   r extents, 32 bits each, most significant byte first
//   then       the numbers, last index fastest
//
// The reader trusts nothing: the file's length must be exactly what its header promises, and that is
// checked before any memory is asked for.
#pragma once

#include <string>
#include <string_view>

#include "fovea/core/file.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// Reads a whole file of at most so many bytes. `read_file` reads what is there;
/// `read_file_or_gzip`, in io/gzip.hpp, also unpacks .gz.
using FileReader = Bytes (*)(const std::string& path, std::size_t limit);

/// The tensor in `bytes`; `name` is for errors. Throws unless rank, type and length are right.
template <std::size_t R>
[[gnu::cold]] Tensor<std::uint8_t, R> parse_idx(std::span<const std::uint8_t> bytes,
                                                std::string_view name) {
  constexpr std::size_t header = 4 + 4 * R;
  check(bytes.size() >= 4, name, ": expected an IDX header of ", header, " bytes, found ",
        bytes.size(), " bytes");
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(bytes[i]); };
  const auto number = [&](std::size_t i) {
    return byte(i) << 24 | byte(i + 1) << 16 | byte(i + 2) << 8 | byte(i + 3);
  };
  constexpr std::uint32_t magic = 0x0800 + R;
  check(number(0) >> 16 != 0x1f8b, name,
        ": expected an IDX file, found a gzip archive; read it with ",
        "read_file_or_gzip (fovea/io/gzip.hpp, target fovea::io) or unpack it");
  check(number(0) == magic, name, ": expected the IDX magic number ", magic,
        " (unsigned bytes, rank ", R, "), found ", number(0));
  check(bytes.size() >= header, name, ": expected an IDX header of ", header, " bytes, found ",
        bytes.size(), " bytes");
  Shape<R> shape;
  std::size_t left = bytes.size() - header, promised = 1;
  bool fits = true;
  for (std::size_t axis = 0; axis < R; ++axis) {
    const std::uint32_t extent = number(4 + 4 * axis);
    shape[axis] = static_cast<Index>(extent);
    // Three 32-bit extents can overflow 64 bits, so compare with what is there at every step.
    if (promised != 0 && extent > (left / promised)) fits = false;
    promised = fits ? promised * extent : promised;
  }
  check(fits, name, ": expected the ", shape, " bytes its header promises, found ", left,
        " (a truncated file?)");
  check(promised == left, name, ": expected ", promised, " bytes after the header, found ", left,
        " (trailing bytes)");
  Tensor<std::uint8_t, R> tensor(shape);
  std::copy(bytes.begin() + header, bytes.end(), tensor.begin());
  return tensor;
}

/// The tensor in an IDX file.
template <std::size_t R>
[[gnu::cold]] Tensor<std::uint8_t, R> read_idx(const std::string& path,
                                               FileReader reader = read_file) {
  return parse_idx<R>(reader(path, std::size_t{1} << 30), path);
}

}  // namespace fovea::inline FOVEA_ABI
