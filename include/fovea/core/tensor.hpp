// SPDX-License-Identifier: MIT
//
// Tensor<T, R> owns a block of numbers; View<T, R> looks at one.
//
// Both are contiguous and row-major: the last index runs fastest, so in an image batch x of shape
// (N, C, H, W) the element x(n, c, h, w) is at offset ((n*C + c)*H + h)*W + w.
//
//   Tensor<float, 2> a{{1, 2, 3}, {4, 5, 6}};   // (2, 3), 64-byte aligned; copies are deep
//   View<float, 2> v = a;                       // pointer and shape, owns nothing, any alignment
//   View<const float, 2> c = a;                 // the same, read only: what layers take as input
//   a(1, 2) == 6    a.at(1, 2) checks the indices    a[1] is the row {4, 5, 6}, a View of rank 1
//
// Reshapes, sub-batches and memory that the caller owns are views: no element is copied.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "fovea/core/view.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

template <class T, std::size_t R>
struct NestedList {
  using type = std::initializer_list<typename NestedList<T, R - 1>::type>;
};
template <class T>
struct NestedList<T, 0> {
  using type = T;
};

// Where owned memory starts: a cache line, and the widest vector register there is.
inline constexpr std::align_val_t alignment{64};

// Memory for `count` elements of `size` bytes, nullptr for none. Compiled once, for all tensors.
FOVEA_OUT_OF_LINE inline void* allocate(std::span<const Index> extents, Index count,
                                        std::size_t size) {
  if (count == 0) return nullptr;
  void* memory = nullptr;
  if (static_cast<std::size_t>(count) <= PTRDIFF_MAX / size)
    memory = ::operator new(static_cast<std::size_t>(count) * size, alignment, std::nothrow);
  if (!memory)
    fail("tensor: ", extents_text(extents), " with ", size, " bytes each does not fit into memory");
  return memory;
}

}  // namespace detail

/// Owns its numbers: 64-byte aligned, without gaps, row-major. A value: copies are deep.
template <class T, std::size_t R>
class Tensor {
  static_assert(std::is_arithmetic_v<T> && !std::is_const_v<T>, "a tensor holds numbers");

 public:
  using value_type = T;
  static constexpr std::size_t rank = R;
  /// `{{1, 2}, {3, 4}}` for R = 2.
  using List = typename detail::NestedList<T, R>::type;

  /// Empty: every extent is zero.
  Tensor() = default;

  /// Every element is `value`.
  explicit Tensor(Shape<R> shape, T value = T{}) : Tensor(shape, Uninitialised{}) { fill(value); }

  /// From nested braces; throws when the rows are not equally long.
  Tensor(List list) : Tensor(shape_of(list), Uninitialised{}) {
    T* out = data();
    copy_list<R>(list, out);
  }

  /// A deep copy of what the view looks at.
  explicit Tensor(View<const T, R> source) : Tensor(source.shape(), Uninitialised{}) {
    std::copy(source.begin(), source.end(), data());
  }

  Tensor(const Tensor& other) : Tensor(other.view()) {}
  Tensor(Tensor&& other) noexcept : view_(std::exchange(other.view_, {})) {}
  /// Takes over a copy, shape included.
  Tensor& operator=(Tensor other) noexcept {
    std::swap(view_, other.view_);
    return *this;
  }
  ~Tensor() { ::operator delete(data(), detail::alignment); }

  View<T, R> view() & { return view_; }
  View<const T, R> view() const& { return view_; }
  void view() && = delete;  // it would look at memory that is gone by the end of the expression
  /// A Tensor is passed where a View is expected.
  operator View<T, R>() { return view_; }
  /// The same, read only.
  operator View<const T, R>() const { return view_; }

  const Shape<R>& shape() const { return view_.shape(); }
  Index extent(std::size_t axis) const { return view_.extent(axis); }
  Index size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  T* data() { return view_.data(); }
  const T* data() const { return view_.data(); }
  T* begin() { return view_.begin(); }
  T* end() { return view_.end(); }
  const T* begin() const { return view_.begin(); }
  const T* end() const { return view_.end(); }

  // Everything below means what it means for a View; see there. Parts of a Tensor without a name,
  // such as net.predict(x)[0], are tensors of their own.
  std::span<T> flat() & { return view().flat(); }
  std::span<const T> flat() const& { return view().flat(); }
  void flat() && = delete;
  T& operator()(IndexLike auto... i) { return view_(i...); }
  const T& operator()(IndexLike auto... i) const { return view_(i...); }
  T& at(IndexLike auto... i) { return view_.at(i...); }
  const T& at(IndexLike auto... i) const { return view_.at(i...); }
  decltype(auto) operator[](Index i) & { return view()[i]; }
  decltype(auto) operator[](Index i) const& { return view()[i]; }
  auto operator[](Index i) && {
    if constexpr (R == 1)
      return view_[i];
    else
      return Tensor<T, R - 1>(view_[i]);
  }
  View<T, R> sub(Index first, Index count) & { return view().sub(first, count); }
  View<const T, R> sub(Index first, Index count) const& { return view().sub(first, count); }
  Tensor sub(Index first, Index count) && { return Tensor(view_.sub(first, count)); }
  template <std::size_t Q>
  View<T, Q> reshape(Shape<Q> shape) & {
    return view().reshape(shape);
  }
  template <std::size_t Q>
  View<const T, Q> reshape(Shape<Q> shape) const& {
    return view().reshape(shape);
  }
  template <std::size_t Q>
  Tensor<T, Q> reshape(Shape<Q> shape) && {
    return Tensor<T, Q>(view_.reshape(shape));
  }
  void fill(T value) { view().fill(value); }

 private:
  struct Uninitialised {};

  Tensor(const Shape<R>& shape, Uninitialised tag) : Tensor(shape, tag, shape.size()) {}
  Tensor(const Shape<R>& shape, Uninitialised, Index size)
      : view_(static_cast<T*>(detail::allocate(shape.extents(), size, sizeof(T))), shape, size) {}

  static Shape<R> shape_of(const List& list) {
    Shape<R> shape;
    measure<R>(list, shape);
    return shape;
  }

  template <std::size_t Level>
  static void measure(const typename detail::NestedList<T, Level>::type& list, Shape<R>& shape) {
    shape[R - Level] = static_cast<Index>(list.size());
    if constexpr (Level > 1)
      if (list.size() > 0) measure<Level - 1>(*list.begin(), shape);
  }

  template <std::size_t Level>
  void copy_list(const typename detail::NestedList<T, Level>::type& list, T*& out) {
    check(static_cast<Index>(list.size()) == shape()[R - Level], "tensor: expected rows of ",
          shape()[R - Level], ", got one of ", list.size());
    for (const auto& item : list) {
      if constexpr (Level == 1)
        *out++ = item;
      else
        copy_list<Level - 1>(item, out);
    }
  }

  View<T, R> view_{};  // of memory that is its own
};

/// Anything that can be looked at: a Tensor or a View.
template <class X>
concept TensorLike = requires(const X& x) {
  typename X::value_type;
  { x.view() } -> std::convertible_to<View<const typename X::value_type, X::rank>>;
};

/// One of rank R.
template <class X, std::size_t R>
concept Ranked = TensorLike<X> && X::rank == R;

/// The type of the elements of X, without const.
template <TensorLike X>
using ElementOf = std::remove_const_t<typename X::value_type>;

/// Of the same rank and with the same type of elements.
template <class B, class A>
concept Matching = Ranked<B, A::rank> && std::is_same_v<ElementOf<B>, ElementOf<A>>;

/// Whether two views look at memory in common.
template <class T, std::size_t R, class U, std::size_t S>
bool overlap(const View<T, R>& a, const View<U, S>& b) {
  constexpr std::less<const void*> before;  // < compares pointers into one array alone
  return !a.empty() && !b.empty() && before(a.begin(), b.end()) && before(b.begin(), a.end());
}

/// X, to read from: what functions that accept a Tensor or a View work on.
template <TensorLike X>
View<const ElementOf<X>, X::rank> as_const(const X& x) {
  return x.view();
}

}  // namespace fovea::inline FOVEA_ABI
