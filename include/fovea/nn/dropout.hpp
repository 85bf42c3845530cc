// SPDX-License-Identifier: MIT
//
// Dropout: in training each number is zero with probability p, so that no unit can rely on another
// one being there (Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple
// way to prevent neural networks from overfitting, JMLR 2014).
//
//   y = m x / (1 - p),   m = 0 with probability p, else 1          E[y] = x
//   dx = m dy / (1 - p)
//
//   Dropout    an m for each number of x (N, ...)
//   Dropout2d  an m for each map of x (N, C, H, W): neighbours in a map are nearly the same, and to
//              drop one of them would take nothing away (Tompson et al., CVPR 2015)
//
// In prediction y = x. The mask is a function of seed, step, layer, example in the whole batch and
// element, so backward draws it again instead of keeping it, and neither threads nor a resumed
// training change it.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/core/random.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

/// y[n] = m x[n] / (1 - p); the same m for `unit` numbers in a row. Or a copy, in prediction.
template <class T, std::size_t R>
void drop(View<const T, R> x, View<T, R> y, double p, Index unit, const Context& context) {
  if (y.empty()) return;
  check(0 <= p && p < 1, "Dropout: expected a probability in [0, 1), got ", p);
  const Index size = x.size() / x.extent(0);
  const auto scale = static_cast<T>(1 / (1 - p));
  // uniform() < p, as integers: of 64 random bits the first 53.
  const auto limit = static_cast<std::uint64_t>(p * 0x1p53);
  parallel_for(context.threads, x.extent(0), [&](Index n, int) {
    const T* const from = x.data() + n * size;
    T* const to = y.data() + n * size;
    if (context.mode == Mode::eval || limit == 0) {
      std::copy_n(from, size, to);
      return;
    }
    Rng rng{context.seed, context.step, context.layer, context.first_example + n};
    for (Index i = 0; i < size; i += unit) {
      const T factor = rng.bits() >> 11 < limit ? T{0} : scale;
      for (Index j = i; j < i + unit; ++j) to[j] = from[j] * factor;
    }
  });
}

}  // namespace detail

/// Zeros at random: x (N, ...) to y of the same shape.
struct Dropout {
  static constexpr std::string_view kind = "dropout";
  double p = 0.5;  ///< the probability of a zero, in [0, 1)

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    check(0 <= p && p < 1, "Dropout: expected a probability in [0, 1), got ", p);
    return x;
  }
  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context& context) const {
    check_shapes(*this, x, y);
    detail::drop(x, y, p, 1, context);
  }
  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    detail::drop(dy, dx, p, 1, context);
  }
};

/// Zero maps at random: x (N, C, H, W) to y of the same shape.
struct Dropout2d {
  static constexpr std::string_view kind = "dropout2d";
  double p = 0.5;  ///< the probability of a map of zeros, in [0, 1)

  Shape<4> output_shape(Shape<4> x) const { return Dropout{p}.output_shape(x); }
  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, NoPass&, const Context& context) const {
    check_shapes(*this, x, y);
    detail::drop(x, y, p, x.extent(2) * x.extent(3), context);
  }
  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx, NoPass&,
                const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    detail::drop(dy, dx, p, x.extent(2) * x.extent(3), context);
  }
};

/// dropout(0.5), for sequential<float>(...).
inline Dropout dropout(double p = 0.5) { return {p}; }
/// dropout2d(0.2), for sequential<float>(...).
inline Dropout2d dropout2d(double p = 0.5) { return {p}; }

}  // namespace fovea::inline FOVEA_ABI
