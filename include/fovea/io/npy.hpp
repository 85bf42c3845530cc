// SPDX-License-Identifier: MIT
//
// npy: one array in a file, the format of NumPy (its manual, numpy.lib.format).
//
//   6 bytes        \x93 N U M P Y
//   2 bytes        the version: 1.0, 2.0 or 3.0
//   2 or 4 bytes   n, least significant byte first; four since version 2.0
//   n bytes        {'descr': '<f4', 'fortran_order': False, 'shape': (10000, 10), }, then spaces up
//                  to a multiple of 64, and a newline
//   then           the numbers, the last index fastest, or the first in Fortran order
//
//   write_npy("logits.npy", logits);                          // np.load("logits.npy")
//   const auto filters = read_npy<float, 4>("filters.npy");   // np.save("filters.npy", filters)
//
// The writer's bytes are those of np.save. The reader takes the plain numbers that np.load takes,
// in any order of bytes and indices and of any type, as long as each is exactly a T: 3 may come as
// any type, 0.1 in 64 bits is no float. It trusts nothing: a pickled object is refused, not run;
// and before memory is allocated, the file has to be just as long as its header promises.
#pragma once

#include "fovea/core/tensor.hpp"
#include "fovea/io/little_endian.hpp"
#include "fovea/io/npy_header.hpp"
#include "fovea/io/stored_tensor.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

inline constexpr std::uint8_t npy_magic[]{0x93, 'N', 'U', 'M', 'P', 'Y'};

// `read(count)` returns the next so many of the `size` bytes of a file,
// of which `size` then are left.
template <class Read>
NpyHeader take_npy_header(std::size_t& size, std::string_view file, Read& read) {
  check(size >= 12, file, ": expected an npy file, found only ", size, " bytes");
  const Bytes start = read(8);
  check(std::equal(start.begin(), start.begin() + 6, npy_magic), file,
        ": expected an npy file, which begins with \\x93NUMPY, found something else");
  const int version = start[6], revision = start[7];
  check(1 <= version && version <= 3 && revision == 0, file,
        ": expected an npy file of version 1.0, 2.0 or 3.0, found ", version, ".", revision);

  constexpr std::size_t most = 10'000;  // as NumPy has it
  const auto length = version == 1 ? from_little_endian<std::uint16_t>(read(2))
                                   : from_little_endian<std::uint32_t>(read(4));
  size -= version == 1 ? 10 : 12;
  check(length <= most, file, ": expected a header of at most ", most, " bytes, found ", length);
  check(length <= size, file, ": expected a header of ", length, " bytes, found only ", size,
        " (a truncated file?)");
  size -= length;
  const Bytes bytes = read(length);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return NpyParser(text, file).parse();
}

// The offset with the last index fastest of what has offset i with the first index fastest.
template <std::size_t R>
Index transposed_offset(Index i, const Shape<R>& shape) {
  Index offset = 0;
  for (const Index extent : shape.extents()) {
    offset = offset * extent + i % extent;
    i /= extent;
  }
  return offset;
}

// Decodes each number of the file into the place it has in `array`.
template <class Stored, class T, std::size_t R, class Decode>
void decode_npy_as(std::span<const std::uint8_t> bytes, const NpyHeader& header,
                   std::string_view file, View<T, R> array, Decode decode) {
  for (Index i = 0; i < array.size(); ++i) {
    const auto from = static_cast<std::size_t>(i) * sizeof(Stored);
    const auto number = decode(from_little_endian<Stored>(bytes.subspan(from)));
    const Index to = header.fortran_order ? transposed_offset(i, array.shape()) : i;
    if (!holds<T>(number))
      fail(file, ": expected numbers that are exactly ", npy_descr<T>, ", found the ", header.type,
           " ", number, " at offset ", to);
    array.data()[to] = static_cast<T>(number);
  }
}

// The same, for the type that the header names.
template <class T, std::size_t R>
void decode_npy(std::span<const std::uint8_t> bytes, const NpyHeader& header, std::string_view file,
                View<T, R> array) {
  const auto as = [&]<class Stored>(std::string_view stored, Stored, auto decode) {
    if (header.type == stored) decode_npy_as<Stored>(bytes, header, file, array, decode);
  };
  const auto as_is = [](auto number) { return number; };
  const auto truth = [&](int byte) {
    check(byte < 2, file, ": expected 0 or 1 for b1, found ", byte);
    return byte;
  };
  as("b1", std::uint8_t{}, truth);
  as("i1", std::int8_t{}, as_is);
  as("i2", std::int16_t{}, as_is);
  as("i4", std::int32_t{}, as_is);
  as("i8", std::int64_t{}, as_is);
  as("u1", std::uint8_t{}, as_is);
  as("u2", std::uint16_t{}, as_is);
  as("u4", std::uint32_t{}, as_is);
  as("u8", std::uint64_t{}, as_is);
  as("f2", std::uint16_t{}, from_float16);
  as("f4", float{}, as_is);
  as("f8", double{}, as_is);
}

template <class T, std::size_t R, class Read>
Tensor<T, R> take_npy(std::size_t size, std::string_view file, Read read) {
  const NpyHeader header = take_npy_header(size, file, read);
  const bool single = header.shape.empty() && R == 1;  // a number is read as an array of one
  check(header.shape.size() == R || single, file, ": expected an array of rank ", R,
        ", found shape ", extents_text(header.shape));
  Shape<R> shape;
  shape[0] = 1;
  std::copy(header.shape.begin(), header.shape.end(), &shape[0]);
  // Divided, as products of extents may overflow; a number of zero is no help against that.
  const auto width = static_cast<std::size_t>(header.type[1] - '0');
  const bool none = std::count(header.shape.begin(), header.shape.end(), 0) > 0;
  std::size_t left = none ? std::size_t{PTRDIFF_MAX} : size / width;
  for (const Index extent : header.shape)
    left /= static_cast<std::size_t>(std::max<Index>(extent, 1));
  check(left > 0 && static_cast<std::size_t>(shape.size()) * width == size, file, ": expected the ",
        shape, " numbers of ", width, " bytes that its header promises, found ", size, " bytes",
        left > 0 ? "" : " (a truncated file?)");

  Bytes bytes = read(size);
  if (header.big_endian)
    for (std::size_t i = 0; i < size; i += width) std::reverse(&bytes[i], &bytes[i] + width);
  Tensor<T, R> array(shape);
  decode_npy(bytes, header, file, array.view());
  return array;
}

}  // namespace detail

/// The array in an npy file; an error in words if it has another rank or numbers that no T is. A
/// number alone, of rank 0, is read as an array of one.
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
  using T = ElementOf<X>;
  std::vector<Index> extents;
  for (std::size_t axis = 0; axis < X::rank; ++axis) extents.push_back(array.extent(axis));
  std::string text = detail::npy_text(detail::npy_descr<T>, extents);
  text.resize((10 + text.size() + 1) / 64 * 64 + 64 - 11,
              ' ');  // one space at least, as NumPy has it
  text += '\n';

  Bytes bytes(detail::npy_magic, detail::npy_magic + 6);
  bytes.push_back(1);
  bytes.push_back(0);  // the version
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
