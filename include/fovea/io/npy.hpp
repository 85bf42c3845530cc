// SPDX-License-Identifier: MIT
//
// npy: one array in a file, the format of NumPy (its manual, numpy.lib.format).
//
//   6 bytes        \x93 N U M P Y
//   2 bytes        the version: 1.0, 2.0 or 3.0
//   2 or 4 bytes   n, least significant byte first; four since version 2.0
//   n bytes        {'descr': '<f4', 'fortran_order': False, 'shape': (10000, 10), }, then spaces up to
//                  a multiple of 64, and a newline
//   then           the numbers, least significant byte first, the last index fastest
//
//   write_npy("logits.npy", logits);                          // np.load("logits.npy")
//   const auto filters = read_npy<float, 4>("filters.npy");   // np.save("filters.npy", filters)
//
// The writer's bytes are those of np.save. The reader trusts nothing. It takes numbers in our order and of
// the type that was asked for; a pickled object is refused, not run; and before memory is asked for, the
// file has to be just as long as its header promises.
#pragma once

#include "fovea/core/tensor.hpp"
#include "fovea/io/little_endian.hpp"
#include "fovea/io/npy_header.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

inline constexpr std::uint8_t npy_magic[]{0x93, 'N', 'U', 'M', 'P', 'Y'};

// `read(count)` returns the next so many of the `size` bytes of a file, of which `size` then are left.
template <class Read>
NpyHeader take_npy_header(std::size_t& size, std::string_view file, Read& read) {
  check(size >= 12, file, ": expected an npy file, found only ", size, " bytes");
  const Bytes start = read(8);
  check(std::equal(start.begin(), start.begin() + 6, npy_magic), file,
        ": expected an npy file, which begins with \\x93NUMPY, found something else");
  const int major = start[6], minor = start[7];
  check(1 <= major && major <= 3 && minor == 0, file,
        ": expected an npy file of version 1.0, 2.0 or 3.0, found ", major, ".", minor);

  constexpr std::size_t most = 10'000;  // as NumPy has it
  const auto length = major == 1 ? from_little_endian<std::uint16_t>(read(2))
                                 : from_little_endian<std::uint32_t>(read(4));
  size -= major == 1 ? 10 : 12;
  check(length <= most, file, ": expected a header of at most ", most, " bytes, found ", length);
  check(length <= size, file, ": expected a header of ", length, " bytes, found only ", size,
        " (a truncated file?)");
  size -= length;
  const Bytes bytes = read(length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  check(text.ends_with('\n'), file, ": expected a header that ends with a newline, found ",
        text.empty() ? "an empty one" : "none at its end");
  return NpyParser(text, file).parse();
}

template <class T, std::size_t R, class Read>
Tensor<T, R> take_npy(std::size_t size, std::string_view file, Read read) {
  const NpyHeader header = take_npy_header(size, file, read);
  check(header.descr == npy_descr<T>, file, ": expected numbers of type ", npy_descr<T>, ", found ",
        printable(header.descr),
        header.descr.starts_with(">")    ? " (most significant byte first)"
        : header.descr.starts_with("|O") ? " (pickled objects, which are not read)"
                                         : "");
  check(!header.fortran_order, file,
        ": expected the last index to run fastest (C order), found the first (Fortran order)");
  check(header.shape.size() == R, file, ": expected an array of rank ", R, ", found shape ",
        extents_text(header.shape));
  Shape<R> shape;
  std::copy(header.shape.begin(), header.shape.end(), &shape[0]);
  // Divided, as products of extents may overflow; a number of zero is no help against that.
  const bool none = std::count(header.shape.begin(), header.shape.end(), 0) > 0;
  std::size_t left = none ? std::size_t{PTRDIFF_MAX} : size / sizeof(T);
  for (const Index extent : header.shape)
    left /= static_cast<std::size_t>(std::max<Index>(extent, 1));
  check(left > 0 && static_cast<std::size_t>(shape.size()) * sizeof(T) == size, file,
        ": expected the ", shape, " numbers of ", sizeof(T),
        " bytes that its header promises, found ", size, " bytes",
        left > 0 ? "" : " (a truncated file?)");
  Tensor<T, R> array(shape);
  copy_little_endian(read(size), array.flat());
  return array;
}

}  // namespace detail

/// The array in an npy file, of this type and rank; an error in words if it is another.
template <class T, std::size_t R>
Tensor<T, R> read_npy(const std::string& path) {
  InputFile file(path);
  return detail::take_npy<T, R>(file.size(), file.name(),
                                [&](std::size_t count) { return file.read(count); });
}

/// The array in `bytes`, the content of a whole file; `name` is for errors.
template <class T, std::size_t R>
Tensor<T, R> parse_npy(std::span<const std::uint8_t> bytes, std::string_view name) {
  return detail::take_npy<T, R>(bytes.size(), name, detail::reader_of(bytes));
}

/// The bytes of a whole file: what np.save writes.
template <TensorLike X>
Bytes encode_npy(const X& array) {
  using T = Value<X>;
  std::vector<Index> extents;
  for (std::size_t axis = 0; axis < X::rank; ++axis) extents.push_back(array.extent(axis));
  std::string text = detail::npy_text({std::string(detail::npy_descr<T>), false, extents});
  text.resize((10 + text.size() + 1) / 64 * 64 + 64 - 11,
              ' ');  // one space at least, as NumPy has it
  text += '\n';

  Bytes bytes(detail::npy_magic, detail::npy_magic + 6);
  bytes.push_back(1), bytes.push_back(0);  // the version
  const auto length = static_cast<std::uint16_t>(text.size());
  append_little_endian(bytes, std::span(&length, 1));
  bytes.insert(bytes.end(), text.begin(), text.end());
  append_little_endian(bytes, as_const(array).flat());
  return bytes;
}
/// Writes a whole file or, on any failure, throws and leaves what was there.
template <TensorLike X>
void write_npy(const std::string& path, const X& array) {
  write_file(path, encode_npy(array));
}

}  // namespace fovea::inline FOVEA_ABI
