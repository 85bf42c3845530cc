// SPDX-License-Identifier: MIT
//
// Shape<R>: R extents. The rank R is part of the type, the extents are run-time values.
//
//   Shape s{64, 1, 28, 28};               // Shape<4>
//   const auto [N, C, H, W] = s;          // the alphabet of this library
//   s.size() == 64 * 1 * 28 * 28
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "fovea/core/check.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {
[[gnu::cold]] inline std::string extents_text(std::span<const Index> extents) {
  std::string text = "(";
  for (const Index extent : extents) text += concat(text.size() > 1 ? ", " : "", extent);
  return concat(text, ")");
}

// Their product; throws if one is negative or the product does not fit. An extent of 0 makes it 0,
// however large the others are. Compiled once, for all ranks.
FOVEA_OUT_OF_LINE inline Index checked_product(std::span<const Index> extents) {
  bool none = false;
  for (const Index extent : extents) {
    check(extent >= 0, "shape: expected extents of 0 or more, got ", extent);
    none = none || extent == 0;
  }
  if (none) return 0;
  Index product = 1;
  for (const Index extent : extents) {
    if (product > std::numeric_limits<Index>::max() / extent)
      fail("shape: the number of elements of ", extents_text(extents), " does not fit into ",
           std::numeric_limits<Index>::digits, " bits");
    product *= extent;
  }
  return product;
}
}  // namespace detail

/// What an extent or an index may be: an integer, but no 2.5, which would
/// lose its fraction in silence.
template <class T>
concept IndexLike = std::convertible_to<T, Index> && !std::floating_point<std::remove_cvref_t<T>>;

/// R extents. A shape is a value; compare with ==.
template <std::size_t R>
class Shape {
  static_assert(R >= 1, "a shape has at least one extent; a single number is a T, not a tensor");

 public:
  static constexpr std::size_t rank = R;

  /// All extents zero: the shape of an empty tensor.
  constexpr Shape() = default;

  /// From R integers: Shape{64, 1, 28, 28}.
  template <IndexLike... Extents>
  requires(sizeof...(Extents) == R) constexpr Shape(Extents... extents)
      : extents_{static_cast<Index>(extents)...} {}

  /// The extent of one axis, unchecked.
  constexpr Index operator[](std::size_t axis) const { return extents_[axis]; }
  constexpr Index& operator[](std::size_t axis) { return extents_[axis]; }

  /// All extents.
  constexpr std::span<const Index, R> extents() const { return extents_; }

  /// The number of elements; throws if an extent is negative or the
  /// product does not fit into an Index.
  constexpr Index size() const {
    Index product = 1;
    bool unusual = false;
    for (const Index extent : extents_)
      unusual = bool(unusual | (extent < 0) | __builtin_mul_overflow(product, extent, &product));
    return unusual ? detail::checked_product(extents_) : product;
  }

  /// The same without the checks, for extents that have passed them, and
  /// for any number of those from the second on.
  constexpr Index unchecked_size() const {
    std::size_t product = 1;  // unsigned: it may wrap around on its way to 0
    for (const Index extent : extents_) product *= static_cast<std::size_t>(extent);
    return static_cast<Index>(product);
  }

  /// The same extents with another first one: the shape of a part of a batch.
  constexpr Shape with_batch(Index n) const {
    Shape result = *this;
    result[0] = n;
    return result;
  }

  /// (C, H, W) and N make (N, C, H, W).
  constexpr Shape<R + 1> prepend(Index n) const {
    Shape<R + 1> result;
    result[0] = n;
    for (std::size_t axis = 0; axis < R; ++axis) result[axis + 1] = extents_[axis];
    return result;
  }

  friend constexpr bool operator==(const Shape&, const Shape&) = default;

  template <std::size_t axis>
  friend constexpr Index get(const Shape& s) {
    return s.extents_[axis];
  }

  /// "(64, 1, 28, 28)"
  friend std::string to_string(const Shape& s) { return detail::extents_text(s.extents_); }

 private:
  std::array<Index, R> extents_{};
};

template <class... Extents>
Shape(Extents...) -> Shape<sizeof...(Extents)>;

}  // namespace fovea::inline FOVEA_ABI

// Structured bindings: const auto [N, C, H, W] = shape.
template <std::size_t R>
struct std::tuple_size<fovea::Shape<R>> : std::integral_constant<std::size_t, R> {};
template <std::size_t axis, std::size_t R>
struct std::tuple_element<axis, fovea::Shape<R>> {
  using type = fovea::Index;
};
