// SPDX-License-Identifier: MIT
//
// Arithmetic on whole tensors: elementwise operators, map, reductions over chosen axes, transpose
// and text. Every function takes a Tensor or a View and returns a new Tensor (or a number).
//
//   Tensor<float, 2> a{{1, 2, 3}, {4, 5, 6}};
//   a + 2 * a                      // elementwise, equal shapes or a scalar
//   map(a, [](float x) { return x * x; })
//   sum(a) == 21                   // over everything: a number
//   mean<0>(a)                     // over axis 0: {2.5, 3.5, 4.5}
//   argmax<1>(a)                   // over axis 1: {2, 2}, the first one on ties
//
// Among the largest, a NaN is larger than every number, so that it cannot hide.
//
// These are for clarity, not for inner loops: layers and kernels have their own.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <type_traits>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// f(element) for every element.
template <TensorLike X, class F>
auto map(const X& x, F&& f) {
  using Result = std::decay_t<std::invoke_result_t<F&, const ElementOf<X>&>>;
  Tensor<Result, X::rank> y(x.shape());
  std::transform(as_const(x).begin(), as_const(x).end(), y.begin(), f);
  return y;
}

/// f(a, b) for every pair of elements at the same index; the shapes must be equal.
template <TensorLike A, Ranked<A::rank> B, class F>
auto map(const A& a, const B& b, F&& f) {
  check(a.shape() == b.shape(), "elementwise: expected equal shapes, got ", a.shape(), " and ",
        b.shape());
  using Result = std::decay_t<std::invoke_result_t<F&, const ElementOf<A>&, const ElementOf<B>&>>;
  Tensor<Result, A::rank> y(a.shape());
  std::transform(as_const(a).begin(), as_const(a).end(), as_const(b).begin(), y.begin(), f);
  return y;
}

// The four operators: tensor with tensor, tensor with number, number with tensor, and in place.
#define FOVEA_DETAIL_OPERATOR(op)                                                                 \
  template <TensorLike A, Matching<A> B>                                                          \
  auto operator op(const A& a, const B& b) {                                                      \
    return map(a, b, [](auto x, auto y) { return static_cast<ElementOf<A>>(x op y); });           \
  }                                                                                               \
  template <TensorLike A>                                                                         \
  auto operator op(const A& a, std::type_identity_t<ElementOf<A>> b) {                            \
    return map(a, [b](auto x) { return static_cast<ElementOf<A>>(x op b); });                     \
  }                                                                                               \
  template <TensorLike B>                                                                         \
  auto operator op(std::type_identity_t<ElementOf<B>> a, const B& b) {                            \
    return map(b, [a](auto y) { return static_cast<ElementOf<B>>(a op y); });                     \
  }                                                                                               \
  template <TensorLike A, Matching<A> B>                                                          \
  A& operator op##=(A& a, const B& b) {                                                           \
    check(a.shape() == b.shape(), "elementwise: expected equal shapes, got ", a.shape(), " and ", \
          b.shape());                                                                             \
    std::transform(a.begin(), a.end(), as_const(b).begin(), a.begin(),                            \
                   [](auto x, auto y) { return static_cast<ElementOf<A>>(x op y); });             \
    return a;                                                                                     \
  }                                                                                               \
  template <TensorLike A>                                                                         \
  A& operator op##=(A& a, std::type_identity_t<ElementOf<A>> b) {                                 \
    for (auto& x : a) x = static_cast<ElementOf<A>>(x op b);                                      \
    return a;                                                                                     \
  }

FOVEA_DETAIL_OPERATOR(+)
FOVEA_DETAIL_OPERATOR(-)
FOVEA_DETAIL_OPERATOR(*)
FOVEA_DETAIL_OPERATOR(/)
#undef FOVEA_DETAIL_OPERATOR

namespace detail {

// The order of `max` and `argmax`: numbers, and a NaN above them all.
inline constexpr auto less = [](const auto& a, const auto& b) {
  return a < b || (std::isnan(b) && !std::isnan(a));
};

// What is less than everything else, or as little.
template <class T>
inline constexpr T least = std::numeric_limits<T>::has_infinity
                               ? -std::numeric_limits<T>::infinity()
                               : std::numeric_limits<T>::lowest();

template <std::size_t R, std::size_t... axes>
inline constexpr bool valid_axes = [] {
  std::array<int, R> seen{};
  return ((axes < R && seen[axes]++ == 0) && ...);
}();

/// Calls step(out, in, position) for every element: `out` is its offset in the tensor
/// that has the axes in `axes` removed, `position` its index along the last of the removed ones.
template <std::size_t... axes, std::size_t R, class Step>
auto walk_axes(const Shape<R>& shape, Step&& step) {
  static_assert(valid_axes<R, axes...>, "axes: each one once, and below the rank");
  constexpr std::size_t Q = R - sizeof...(axes);
  std::array<bool, R> removed{};
  ((removed[axes] = true), ...);
  Shape<Q> kept;
  std::array<Index, R> stride{};  // in the result; 0 along a removed axis
  for (std::size_t axis = 0, q = 0; axis < R; ++axis)
    if (!removed[axis]) kept[q++] = shape[axis];
  const Index count = shape.size();
  if (count == 0) return kept;
  Index product = 1;
  for (std::size_t axis = R; axis-- > 0;)
    if (!removed[axis]) {
      stride[axis] = product;
      product *= shape[axis];
    }
  constexpr std::size_t last = std::max({axes...});
  for (Index in = 0; in < count; ++in) {
    Index out = 0, rest = in, position = 0;
    for (std::size_t axis = R; axis-- > 0;) {
      const Index i = rest % shape[axis];
      rest /= shape[axis];
      out += i * stride[axis];
      if (axis == last) position = i;
    }
    step(out, in, position);
  }
  return kept;
}

template <std::size_t... axes, TensorLike X, class Op>
auto reduce(const X& x, ElementOf<X> start, Op op) {
  if constexpr (sizeof...(axes) == 0 || sizeof...(axes) == X::rank) {
    ElementOf<X> result = start;
    for (const auto& element : as_const(x)) result = static_cast<ElementOf<X>>(op(result, element));
    return result;
  } else {
    Shape<X::rank - sizeof...(axes)> kept;
    for (std::size_t axis = 0, q = 0; axis < X::rank; ++axis)
      if (((axis != axes) && ...)) kept[q++] = x.extent(axis);
    Tensor<ElementOf<X>, X::rank - sizeof...(axes)> y(kept, start);
    walk_axes<axes...>(x.shape(), [&](Index out, Index in, Index) {
      y.data()[out] = static_cast<ElementOf<X>>(op(y.data()[out], as_const(x).data()[in]));
    });
    return y;
  }
}

}  // namespace detail

/// The sum over the given axes, which disappear; over everything when none is given.
template <std::size_t... axes, TensorLike X>
auto sum(const X& x) {
  return detail::reduce<axes...>(x, ElementOf<X>{0}, [](auto a, auto b) { return a + b; });
}

/// The largest element over the given axes; over everything when none is given.
template <std::size_t... axes, TensorLike X>
auto max(const X& x) {
  check(!as_const(x).empty(), "max: expected at least one element, got ", x.shape());
  return detail::reduce<axes...>(x, detail::least<ElementOf<X>>,
                                 [](auto a, auto b) { return detail::less(a, b) ? b : a; });
}

/// The mean over the given axes; over everything when none is given.
template <std::size_t... axes, TensorLike X>
auto mean(const X& x) {
  static_assert(std::is_floating_point_v<ElementOf<X>>, "mean: convert to float or double first");
  check(!as_const(x).empty(), "mean: expected at least one element, got ", x.shape());
  auto total = sum<axes...>(x);
  Index count = sizeof...(axes) == 0 ? as_const(x).size() : 1;
  ((count *= x.extent(axes)), ...);
  total /= static_cast<ElementOf<X>>(count);
  return total;
}

/// The index along `axis` of the largest element, the first one on ties.
template <std::size_t axis, TensorLike X>
Tensor<Index, X::rank - 1> argmax(const X& x) {
  check(x.extent(axis) > 0, "argmax: expected at least one element, got ", x.shape());
  const auto largest = max<axis>(x);
  Tensor<Index, X::rank - 1> where(largest.shape(), Index{-1});
  detail::walk_axes<axis>(x.shape(), [&](Index out, Index in, Index position) {
    if (where.data()[out] < 0 && !detail::less(as_const(x).data()[in], largest.data()[out]))
      where.data()[out] = position;
  });
  return where;
}

/// The offset of the largest of all elements in memory order, the first one on ties.
template <TensorLike X>
Index argmax(const X& x) {
  check(!as_const(x).empty(), "argmax: expected at least one element, got ", x.shape());
  const auto view = as_const(x);
  return std::max_element(view.begin(), view.end(), detail::less) - view.begin();
}

/// Axis i of the result is axis `order[i]` of x: permute<0, 2, 3, 1> turns NCHW into NHWC.
template <std::size_t... order, Ranked<sizeof...(order)> X>
auto permute(const X& x) {
  static_assert(detail::valid_axes<X::rank, order...>, "permute: each axis once");
  constexpr std::array<std::size_t, X::rank> from{order...};
  Tensor<ElementOf<X>, X::rank> y(Shape<X::rank>(x.extent(order)...));
  if (y.empty()) return y;
  std::array<Index, X::rank> stride{};  // of y, along the axes of x
  Index product = 1;
  for (std::size_t axis = X::rank; axis-- > 0;) {
    stride[from[axis]] = product;
    product *= y.extent(axis);
  }
  for (Index in = 0; in < y.size(); ++in) {
    Index out = 0, rest = in;
    for (std::size_t axis = X::rank; axis-- > 0;) {
      out += rest % x.extent(axis) * stride[axis];
      rest /= x.extent(axis);
    }
    y.data()[out] = as_const(x).data()[in];
  }
  return y;
}

/// Rows become columns.
template <Ranked<2> X>
auto transpose(const X& x) {
  return permute<1, 0>(x);
}

/// "{{1, 2},\n {3, 4}}", with the middle of long axes left out.
template <TensorLike X>
std::string to_string(const X& x) {
  constexpr Index edge = 4;  // elements shown at either end of a long axis
  const std::string separator = X::rank > 1 ? ",\n" : ", ";
  const auto view = as_const(x);
  std::string text;
  for (Index i = 0; i < view.extent(0); ++i) {
    if (i > 0) text += separator;
    if (view.extent(0) > 3 * edge && i == edge) {
      text += "...";
      text += separator;
      i = view.extent(0) - edge;
    }
    text += to_string(view[i]);
  }
  if constexpr (X::rank > 1)
    for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1))
      text.insert(at + 1, 1, ' ');
  return concat("{", text, "}");
}

}  // namespace fovea::inline FOVEA_ABI
