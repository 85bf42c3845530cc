// SPDX-License-Identifier: MIT
//
// AnyView: a View whose rank is known at run time, and Extents: a Shape likewise. Where ranks are
// types, at the borders of a network, as<R>() makes a View of it.
#pragma once

#include <array>
#include <concepts>
#include <span>
#include <string>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// A shape whose rank is known at run time: all extents, the batch first.
struct Extents {
  static constexpr std::size_t most = 8;  ///< axes, at most
  std::size_t rank = 0;
  std::array<Index, most> at{};  ///< the first `rank` of these

  Extents() = default;
  template <std::size_t R>
  Extents(const Shape<R>& shape) : rank(R) {
    static_assert(R <= most, "a value has at most 8 axes");
    for (std::size_t axis = 0; axis < R; ++axis) at[axis] = shape[axis];
  }

  /// The same as a type; R must be the rank.
  template <std::size_t R>
  Shape<R> shape() const {
    Shape<R> result{};
    for (std::size_t axis = 0; axis < R; ++axis) result[axis] = at[axis];
    return result;
  }
  /// The same extents with another first one.
  Extents with_batch(Index n) const {
    Extents result = *this;
    result.at[0] = n;
    return result;
  }
  /// The number of elements; throws if that does not fit into an Index.
  Index size() const { return detail::checked_product(std::span(at).first(rank)); }
  friend bool operator==(const Extents&, const Extents&) = default;
  friend std::string to_string(const Extents& e) {
    return detail::extents_text(std::span(e.at).first(e.rank));
  }
};

/// A View whose rank is known at run time: `w.activation("conv1").as<4>()`.
template <class T>
struct AnyView {
  T* data = nullptr;  ///< the first element; nullptr: empty
  Extents extents{};  ///< rank and extents

  /// Empty.
  AnyView() = default;
  /// Of all elements of these extents.
  AnyView(T* first, const Extents& e) : data(first), extents(e) {}
  template <class U, std::size_t R>
  requires std::convertible_to<U*, T*> AnyView(const View<U, R>& view)
      : data(view.data()), extents(view.shape()) {}
  /// Of a tensor, to read from.
  template <TensorLike X>
  requires std::same_as<T, const ElementOf<X>> AnyView(const X& x) : AnyView(x.view()) {}
  /// A view that may write is also a view that may only read.
  template <std::same_as<std::remove_const_t<T>> U>
  requires std::is_const_v<T> AnyView(const AnyView<U>& other)
      : data(other.data), extents(other.extents) {}

  /// The same as a type; throws if R is not the rank. Empty if this is.
  template <std::size_t R>
  View<T, R> as() const {
    check(!data || extents.rank == R, "view: expected ", R, " axes, found ", extents);
    return data ? View<T, R>(data, extents.shape<R>()) : View<T, R>();
  }
  /// All elements, one after the other.
  std::span<T> flat() const { return {data, static_cast<std::size_t>(data ? extents.size() : 0)}; }
  /// Whether there is no memory.
  bool empty() const { return data == nullptr; }
};

}  // namespace fovea::inline FOVEA_ABI
