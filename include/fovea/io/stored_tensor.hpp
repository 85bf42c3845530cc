// SPDX-License-Identifier: MIT
//
// StoredTensor: a tensor as files have it. Its type and shape are known only when the program runs,
// its numbers are bytes, least significant first.
//
//   I64   whole numbers with a sign        U8   bytes            BOOL   a byte, 0 or 1
//   F64   1 sign, 11 exponent and 52 fraction bits               F32    1, 8, 23
//   F16   1, 5, 10: fine steps, but nothing above 65 504         BF16   1, 8, 7: the upper half of
//         an F32
//
//   StoredTensor stored = store(weight);                // with the type of weight
//   stored.copy_to(weight.flat(), "weight");            // converted to it
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/any_view.hpp"
#include "fovea/core/bits.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/io/little_endian.hpp"

namespace fovea::inline FOVEA_ABI {

/// Widest first, as a safetensors file has them.
enum class Dtype { I64, F64, F32, BF16, F16, U8, BOOL };

namespace detail {

inline constexpr std::array<std::string_view, 7> dtype_names{"I64", "F64", "F32", "BF16",
                                                             "F16", "U8",  "BOOL"};

inline std::optional<Dtype> dtype_named(std::string_view name) {
  for (std::size_t i = 0; i < dtype_names.size(); ++i)
    if (dtype_names[i] == name) return static_cast<Dtype>(i);
  return {};
}

template <class T>
inline constexpr bool can_be_stored = std::same_as<T, float> || std::same_as<T, double> ||
                                      std::same_as<T, std::uint8_t> || std::same_as<T, bool> ||
                                      (std::signed_integral<T> && sizeof(T) == 8);

template <class T>
requires can_be_stored<T>
constexpr Dtype dtype_of() {
  if (std::floating_point<T>) return sizeof(T) == 8 ? Dtype::F64 : Dtype::F32;
  if (std::same_as<T, bool>) return Dtype::BOOL;
  return sizeof(T) == 8 ? Dtype::I64 : Dtype::U8;
}

inline double from_float16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double size = exponent == 31 ? (fraction ? std::numeric_limits<double>::quiet_NaN()
                                                 : std::numeric_limits<double>::infinity())
                      : exponent > 0 ? (1024 + fraction) * power_of_two(exponent - 25)
                                     : fraction * power_of_two(-24);
  return bits >> 15 ? -size : size;
}
inline double from_bfloat16(std::uint16_t bits) {
  return static_cast<double>(bit_cast<float>(std::uint32_t{bits} << 16));
}

// Whether a T can be this very number.
template <class T, class Number>
bool holds(Number number) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::same_as<T, bool>) {
    return exactly_equal(number, 0) || exactly_equal(number, 1);
  } else if constexpr (std::integral<T> && std::integral<Number>) {
    return std::in_range<T>(number);
  } else if constexpr (std::integral<T>) {
    const auto wide = static_cast<double>(number);
    return static_cast<double>(Limits::min()) <= wide && wide < power_of_two(Limits::digits) &&
           std::floor(wide) >= wide;
  } else if constexpr (std::integral<Number>) {  // from its first bit to its last
    const auto bits = static_cast<std::uint64_t>(number);
    const std::uint64_t size = number < 0 ? 0 - bits : bits;
    return std::bit_width(size >> (std::countr_zero(size) & 63)) <= Limits::digits;
  } else {
    const auto wide = static_cast<double>(number);
    return !std::isfinite(wide) ||
           (std::abs(wide) <= static_cast<double>(Limits::max()) &&
            exactly_equal(static_cast<double>(static_cast<T>(number)), wide));
  }
}

// Whether a T can hold `number`, after rounding if T is a floating-point type.
template <class T, class Number>
bool fits(Number number) {
  if constexpr (std::floating_point<T>)
    return !std::isfinite(number) || std::abs(static_cast<double>(number)) <=
                                         static_cast<double>(std::numeric_limits<T>::max());
  else
    return holds<T>(number);
}

}  // namespace detail

/// As safetensors spells it: "F32".
inline std::string to_string(Dtype dtype) {
  return std::string(detail::dtype_names[static_cast<std::size_t>(dtype)]);
}

/// The bytes of one number.
constexpr Index size_of(Dtype dtype) {
  constexpr Index sizes[]{8, 8, 4, 2, 2, 1, 1};
  return sizes[static_cast<std::size_t>(dtype)];
}

/// Numbers of any type and rank, as a file holds them.
struct StoredTensor {
  Dtype dtype = Dtype::F32;    ///< the type of a number
  std::vector<Index> shape{};  // of any rank; a single number has rank 0
  Bytes bytes{};               ///< row-major, little-endian

  /// How many numbers it has.
  Index size() const { return static_cast<Index>(bytes.size()) / size_of(dtype); }

  /// Throws unless the shape has as many numbers as there are bytes for; `name` is for errors.
  void validate(std::string_view name) const {
    const auto known = static_cast<std::size_t>(dtype) < detail::dtype_names.size();
    check(known, name, ": expected a Dtype, found number ", static_cast<int>(dtype));
    const Index count = detail::checked_product(shape);
    check(size() == count && static_cast<Index>(bytes.size()) % size_of(dtype) == 0, name,
          ": expected the bytes of ", count, " numbers, ", dtype, " ", detail::extents_text(shape),
          ", found ", bytes.size());
  }

  /// Fills `to` with the numbers, converted to T: floating-point types into each other (rounded),
  /// whole numbers into each other. Throws, and writes nothing, when the kinds differ or a number
  /// does not fit; `name` is for errors.
  template <class T>
  void copy_to(std::span<T> to, std::string_view name) const {
    convert_to(to, name, false);
    convert_to(to, name, true);
  }
  /// Throws if copy_to would.
  template <class T>
  void check_copy_to(std::span<T> to, std::string_view name) const {
    convert_to(to, name, false);
  }

 private:
  // Looks at every number, and writes it if `write`.
  template <class T>
  void convert_to(std::span<T> to, std::string_view name, bool write) const {
    validate(name);
    check(std::ssize(to) == size(), name, ": expected ", to.size(), " numbers, found ", size());
    const bool real = dtype >= Dtype::F64 && dtype <= Dtype::F16;
    check(real == std::floating_point<T>, name, ": expected ",
          std::floating_point<T> ? "floating-point" : "whole", " numbers, found ", dtype);
    const auto as_is = [](auto number) { return number; };
    if (dtype == Dtype::I64) convert<std::int64_t>(to, name, write, as_is);
    if (dtype == Dtype::F64) convert<double>(to, name, write, as_is);
    if (dtype == Dtype::F32) convert<float>(to, name, write, as_is);
    if (dtype == Dtype::BF16) convert<std::uint16_t>(to, name, write, detail::from_bfloat16);
    if (dtype == Dtype::F16) convert<std::uint16_t>(to, name, write, detail::from_float16);
    if (dtype == Dtype::BOOL)
      for (const int byte : bytes)
        check(byte < 2, name, ": expected 0 or 1 for a BOOL, found ", byte);
    if (dtype == Dtype::U8 || dtype == Dtype::BOOL) convert<std::uint8_t>(to, name, write, as_is);
  }

  // A Stored is read, decoded into a number, and has to fit into T.
  template <class Stored, class T, class Decode>
  void convert(std::span<T> to, std::string_view name, bool write, Decode decode) const {
    for (std::size_t i = 0; i < to.size(); ++i) {
      const auto number =
          decode(from_little_endian<Stored>(std::span(bytes).subspan(i * sizeof(Stored))));
      check(detail::fits<T>(number), name, ": expected numbers that fit into ",
            detail::dtype_of<T>(), ", found ", number, " at ", i);
      if (write) to[i] = static_cast<T>(number);
    }
  }
};

/// A copy of `x` in the form that files have.
template <class T>
StoredTensor store(const AnyView<const T>& x) {
  const auto& [rank, extents] = x.extents;
  StoredTensor stored{detail::dtype_of<T>(), {}, {}};
  stored.shape.assign(extents.begin(), extents.begin() + static_cast<std::ptrdiff_t>(rank));
  append_little_endian(stored.bytes, x.flat());
  return stored;
}
template <class T, std::size_t R>
StoredTensor store(View<const T, R> x) {
  return store(AnyView<const T>(x));
}
template <class T, std::size_t R>
StoredTensor store(const Tensor<T, R>& x) {
  return store(x.view());
}

}  // namespace fovea::inline FOVEA_ABI
