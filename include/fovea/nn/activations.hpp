// SPDX-License-Identifier: MIT
//
// Activations: functions of one number, applied to each. Relu has a page of its own (nn/relu.hpp).
//
//   layer          y                                    dy/dx
//   LeakyRelu      x, slope x below 0                   1, slope below 0
//   Elu            x, alpha (e^x - 1) below 0           1, alpha e^x below 0
//   Sigmoid        1 / (1 + e^-x)                       y (1 - y)
//   Tanh           tanh x                               1 - y^2
//   Silu           x s,  s = sigmoid x                  s (1 + x (1 - s))
//   Gelu           x P(z < x),  z normal                P + x e^(-x^2/2) / sqrt(2 pi)
//     .tanh        x (1 + t) / 2,                       (1 + t) / 2 + x (1 - t^2) u' / 2
//                  t = tanh u,  u = sqrt(2/pi) (x + 0.044715 x^3)
//   Softplus       log(1 + e^(beta x)) / beta           sigmoid(beta x)
//   Hardsigmoid    x / 6 + 1/2, kept in [0, 1]          1/6 inside
//   Hardswish      x Hardsigmoid(x)                     x / 3 + 1/2 inside, then 0 or 1
//   Clip           x, kept in [low, high]               1 inside; Clip{0, 6} is ReLU6
//
// At a kink the derivative is that from the left, as PyTorch has it; for Hardswish, which has none,
// that of its formula. A NaN stays one. e^x and its relatives are those of
// kernels/vector_functions.hpp, which have the same bits on every platform.
//
// Sources: LeakyRelu Maas et al. 2013; Elu Clevert et al. 2016; Silu and Gelu Hendrycks and Gimpel
// 2016; Softplus Dugas et al. 2001; Hardswish Howard et al. 2019; ReLU6 Krizhevsky 2010.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/activation_functions.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// y = f(x), number by number; `Function` has `V value(V x)` and `V slope(V x, V y)` for vectors V.
template <class Function>
struct Activation : Function {
  /// That of x.
  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    if constexpr (requires { Function::validate(); }) Function::validate();
    return x;
  }

  /// y = f(x)
  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context& context) const {
    check_shapes(*this, x, y);
    parallel_blocks(context.threads, x.size(), block, [&](Index first, Index last) {
      kernels::map_vectors(
          last - first, y.data() + first, [&](Vec<T> v) { return Function::value(v); },
          x.data() + first);
    });
  }

  /// dx = f'(x) dy
  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    parallel_blocks(context.threads, dx.size(), block, [&](Index first, Index last) {
      kernels::map_vectors(
          last - first, dx.data() + first,
          [&](Vec<T> v, Vec<T> f, Vec<T> g) { return g * Function::slope(v, f); }, x.data() + first,
          y.data() + first, dy.data() + first);
    });
  }

 private:
  static constexpr Index block = 16384;  // elements a thread takes at a time
};

/// The layers of the table, as types and, with their usual numbers, for sequential<float>(...);
/// Tanh{} has no such name, which would hide the function of the C library.
using LeakyRelu = Activation<functions::LeakyRelu>;      ///< see the table
using Elu = Activation<functions::Elu>;                  ///< see the table
using Sigmoid = Activation<functions::Sigmoid>;          ///< see the table
using Tanh = Activation<functions::Tanh>;                ///< see the table
using Silu = Activation<functions::Silu>;                ///< see the table
using Gelu = Activation<functions::Gelu>;                ///< see the table
using Softplus = Activation<functions::Softplus>;        ///< see the table
using Hardsigmoid = Activation<functions::Hardsigmoid>;  ///< see the table
using Hardswish = Activation<functions::Hardswish>;      ///< see the table
using Clip = Activation<functions::Clip>;                ///< see the table
inline constexpr LeakyRelu leaky_relu{};                 ///< with its usual numbers
inline constexpr Elu elu{};                              ///< with its usual numbers
inline constexpr Sigmoid sigmoid{};                      ///< with its usual numbers
inline constexpr Silu silu{};                            ///< with its usual numbers
inline constexpr Gelu gelu{};                            ///< with its usual numbers
inline constexpr Softplus softplus{};                    ///< with its usual numbers
inline constexpr Hardsigmoid hardsigmoid{};              ///< with its usual numbers
inline constexpr Hardswish hardswish{};                  ///< with its usual numbers
inline constexpr Clip relu6{};                           ///< with its usual numbers

}  // namespace fovea::inline FOVEA_ABI
