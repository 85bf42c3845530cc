// SPDX-License-Identifier: MIT
//
// Addition: the sum of two paths through a network.
//
//   y = a + b          a, b, y: the same shape, any rank
//   da = dy   db = dy
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

/// The sum of two values of one shape.
struct Add {
  static constexpr std::string_view kind = "add";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> a, Shape<R> b) const {
    check(a == b, "expected two values of the same shape, got ", a, " and ", b);
    return a;
  }

  /// y = a + b
  template <class T, std::size_t R>
  void forward(View<const T, R> a, View<const T, R> b, View<T, R> y, NoPass&,
               const Context& context) const {
    check(a.shape() == b.shape() && a.shape() == y.shape(), "Add: expected three values of the ",
          "same shape, got ", a.shape(), ", ", b.shape(), " and ", y.shape());
    parallel_blocks(context.threads, y.size(), block, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) y.data()[i] = a.data()[i] + b.data()[i];
    });
  }

  /// da = dy, db = dy
  template <class T, std::size_t R>
  void backward(View<const T, R>, View<const T, R>, View<const T, R>, View<const T, R> dy,
                View<T, R> da, View<T, R> db, NoPass&, const Context& context) const {
    for (const auto& dx : {da, db}) {
      check(dx.empty() || dx.shape() == dy.shape(), "Add: expected a gradient of shape ",
            dy.shape(), ", got ", dx.shape());
      parallel_blocks(context.threads, dx.size(), block, [&](Index first, Index last) {
        std::copy_n(dy.begin() + first, last - first, dx.begin() + first);
      });
    }
  }

 private:
  static constexpr Index block = 16384;  // elements a thread takes at a time
};

}  // namespace fovea::inline FOVEA_ABI
