// SPDX-License-Identifier: MIT
//
// View: a pointer and a shape. The numbers belong to a Tensor or to the caller.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

#include "fovea/core/shape.hpp"

namespace fovea::inline FOVEA_ABI {

/// Numbers that it does not own, without gaps and row-major. T may be const: then it only reads.
template <class T, std::size_t R>
class View {
 public:
  using value_type = T;
  static constexpr std::size_t rank = R;

  /// Empty. An empty `dx` says that a layer need not compute it.
  View() = default;

  /// Looks at `shape.size()` elements from `data` on, which must outlive the view. Throws
  /// on extents that are negative or too large together, and where there should be
  /// elements but `data` is null.
  View(T* data, const Shape<R>& shape) : View(data, shape, shape.size()) {
    check(data != nullptr || size_ == 0, "view: expected memory for ", shape,
          ", got a null pointer");
  }

  /// A view that may write is also a view that may only read.
  template <std::same_as<std::remove_const_t<T>> U>
  requires std::is_const_v<T> View(const View<U, R>& other)
      : View(other.data(), other.shape(), other.size()) {}

  /// All extents.
  const Shape<R>& shape() const { return shape_; }
  /// The extent of one axis.
  Index extent(std::size_t axis) const { return shape_[axis]; }
  /// The number of elements.
  Index size() const { return size_; }
  /// Whether there is no element.
  bool empty() const { return size_ == 0; }
  /// The first element; the others follow in memory order.
  T* data() const { return data_; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }
  /// Itself; so that functions may ask a Tensor or a View alike.
  View view() const { return *this; }

  /// All elements in memory order.
  std::span<T> flat() const { return {data_, static_cast<std::size_t>(size_)}; }

  /// The element at these indices, unchecked.
  template <IndexLike... Indices>
  T& operator()(Indices... indices) const {
    static_assert(sizeof...(Indices) == R, "a tensor of rank R has R indices");
    return data_[offset(static_cast<Index>(indices)...)];
  }

  /// The element at these indices; throws if one is out of range.
  template <IndexLike... Indices>
  T& at(Indices... indices) const {
    const Shape<R> where{indices...};
    for (std::size_t axis = 0; axis < R; ++axis)
      check(0 <= where[axis] && where[axis] < shape_[axis], "at", where, ": axis ", axis,
            " expected an index in [0, ", shape_[axis], "), got ", where[axis]);
    return (*this)(indices...);
  }

  /// The i-th slice along the first axis: a view of rank R - 1, or an element for R = 1. Unchecked.
  decltype(auto) operator[](Index i) const {
    if constexpr (R == 1) {
      return (data_[i]);
    } else {
      Shape<R - 1> rest;
      for (std::size_t axis = 1; axis < R; ++axis) rest[axis - 1] = shape_[axis];
      const Index size = rest.unchecked_size();
      return View<T, R - 1>(data_ + i * size, rest, size);
    }
  }

  /// `count` slices along the first axis from `first` on: a part of a batch.
  View sub(Index first, Index count) const {
    check(0 <= first && first <= shape_[0] && 0 <= count && count <= shape_[0] - first,
          "sub: expected a part of [0, ", shape_[0], "), got ", count, " from ", first, " on");
    const Index slice = shape_[0] == 0 ? 0 : size_ / shape_[0];
    return View(data_ + first * slice, shape_.with_batch(count), count * slice);
  }

  /// The same elements under another shape of the same size.
  template <std::size_t Q>
  View<T, Q> reshape(Shape<Q> shape) const {
    check(shape.size() == size_, "reshape: ", shape_, " has ", size_, " elements, ", shape, " has ",
          shape.size());
    return View<T, Q>(data_, shape, size_);
  }

  /// Assigns `value` to every element.
  void fill(std::remove_const_t<T> value) const { std::fill(begin(), end(), value); }

 private:
  template <class, std::size_t>
  friend class View;
  template <class, std::size_t>
  friend class Tensor;

  // Of a shape that has been looked at: nothing is checked on the hot path.
  View(T* data, const Shape<R>& shape, Index size) : data_(data), shape_(shape), size_(size) {}

  template <class... Indices>
  Index offset(Indices... indices) const {
    Index sum = 0;
    std::size_t axis = 0;
    ((sum = sum * shape_[axis++] + indices), ...);
    return sum;
  }

  T* data_ = nullptr;
  Shape<R> shape_{};
  Index size_ = 0;
};

}  // namespace fovea::inline FOVEA_ABI
