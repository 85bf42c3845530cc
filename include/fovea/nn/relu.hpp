// SPDX-License-Identifier: MIT
//
// The rectifier: without something that is not linear, a stack of layers would be one layer.
//
//   forward     y = max(x, 0)
//   backward    dx = dy where x > 0, else 0        (at the kink, x = 0, we choose 0)
//
// x and y of any shape. y > 0 says the same as x > 0. A NaN stays a NaN.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// y = max(x, 0), element by element, for any shape.
struct Relu {
  static constexpr std::string_view kind = "relu";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }

  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context& context) const {
    check_shapes(*this, x, y);
    parallel_blocks(context.threads, x.size(), block, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) y.data()[i] = x.data()[i] < T{0} ? T{0} : x.data()[i];
    });
  }

  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    parallel_blocks(context.threads, dx.size(), block, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) {
        const T g = dy.data()[i];  // loaded in any case, or this would be a branch, not a vector
        dx.data()[i] = y.data()[i] > T{0} ? g : T{0};
      }
    });
  }

 private:
  static constexpr Index block = 16384;  // elements a thread takes at a time
};

/// A Relu, for sequential<float>(...).
inline constexpr Relu relu{};

}  // namespace fovea::inline FOVEA_ABI
