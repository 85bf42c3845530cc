// SPDX-License-Identifier: MIT
//
// Concatenation: the maps of two paths through a network, side by side.
//
//   y[n, c] = a[n, c]           c < A
//   y[n, A + c] = b[n, c]       c < B
//
//   a (N, A, ...)    b (N, B, ...)    y (N, A + B, ...)
//
// In backward each gets its own channels of dy.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

/// Two values along their channels (or features).
struct Concat {
  static constexpr std::string_view kind = "concat";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> a, Shape<R> b) const {
    static_assert(R >= 2, "Concat: the channels are the second axis");
    Shape<R> y = a;
    y[1] = b[1];
    check(y == b, "expected two values that differ in their channels alone, got ", a, " and ", b);
    y[1] = a[1] + b[1];
    return y;
  }

  /// y = a, b
  template <class T, std::size_t R>
  void forward(View<const T, R> a, View<const T, R> b, View<T, R> y, NoPass&,
               const Context& context) const {
    check_parts(a.shape(), b.shape(), y.shape());
    parallel_for(context.threads, y.extent(0), [&](Index n, int) {
      std::copy(b[n].begin(), b[n].end(), std::copy(a[n].begin(), a[n].end(), y[n].begin()));
    });
  }

  /// da, db = dy
  template <class T, std::size_t R>
  void backward(View<const T, R> a, View<const T, R> b, View<const T, R> y, View<const T, R> dy,
                View<T, R> da, View<T, R> db, NoPass&, const Context& context) const {
    check_parts(a.shape(), b.shape(), y.shape());
    check(dy.shape() == y.shape() && (da.empty() || da.shape() == a.shape()) &&
              (db.empty() || db.shape() == b.shape()),
          "Concat: expected gradients of the shapes of a, b and y, got ", da.shape(), ", ",
          db.shape(), " and ", dy.shape());
    parallel_for(context.threads, dy.extent(0), [&](Index n, int) {
      const T* const from = dy[n].data();
      if (!da.empty()) std::copy_n(from, da[n].size(), da[n].data());
      if (!db.empty()) std::copy_n(from + a[n].size(), db[n].size(), db[n].data());
    });
  }

 private:
  template <std::size_t R>
  void check_parts(const Shape<R>& a, const Shape<R>& b, const Shape<R>& y) const {
    const auto expected = output_shape(a, b);
    check(y == expected, "Concat: expected y of shape ", expected, ", got ", y);
  }
};

}  // namespace fovea::inline FOVEA_ABI
