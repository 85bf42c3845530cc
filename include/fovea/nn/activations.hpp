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
// that of its formula. A NaN stays one. e^x and its relatives are computed in double, by
// core/math.hpp, and have the same bits on every platform.
//
// Sources: LeakyRelu Maas et al. 2013; Elu Clevert et al. 2016; Silu and Gelu Hendrycks and Gimpel
// 2016; Softplus Dugas et al. 2001; Hardswish Howard et al. 2019; ReLU6 Krizhevsky 2010.
#pragma once

#include <numbers>

#include "fovea/core/math.hpp"
#include "fovea/core/parallel.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// y = f(x), number by number; `Function` has `T value(T x)` and `T slope(T x)`.
template <class Function>
struct Activation : Function {
  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    if constexpr (requires { Function::validate(); }) Function::validate();
    return x;
  }

  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context& context) const {
    check_shapes(*this, x, y);
    parallel_blocks(context.threads, x.size(), block, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) y.data()[i] = Function::value(x.data()[i]);
    });
  }

  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    parallel_blocks(context.threads, dx.size(), block, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i)
        dx.data()[i] = dy.data()[i] * Function::slope(x.data()[i]);
    });
  }

 private:
  static constexpr Index block = 16384;  // elements a thread takes at a time
};

namespace detail {

// The same number in double and back.
template <class T, class F>
T in_double(T x, const F& f) {
  return static_cast<T>(f(static_cast<double>(x)));
}
// Of a large |x| the exponential is the small one, so nothing overflows.
inline double sigmoid(double x) {
  const double e = math::exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

}  // namespace detail

// What f and its derivative are. One struct each, to be read against the table above.
namespace functions {

struct LeakyRelu {
  static constexpr std::string_view kind = "leakyrelu";
  double negative_slope = 0.01;  ///< of the line below 0
  std::string settings() const { return concat("slope ", negative_slope); }
  template <class T>
  T value(T x) const {
    return x < 0 ? static_cast<T>(negative_slope) * x : x;
  }
  template <class T>
  T slope(T x) const {
    return x > 0 ? T{1} : static_cast<T>(negative_slope);
  }
};

struct Elu {
  static constexpr std::string_view kind = "elu";
  double alpha = 1;  ///< -alpha is where it ends below
  std::string settings() const { return concat("alpha ", alpha); }
  template <class T>
  T value(T x) const {
    return x > 0 ? x : detail::in_double(x, [&](double v) { return alpha * math::expm1(v); });
  }
  template <class T>
  T slope(T x) const {
    return x > 0 ? T{1} : detail::in_double(x, [&](double v) { return alpha * math::exp(v); });
  }
};

struct Sigmoid {
  static constexpr std::string_view kind = "sigmoid";
  template <class T>
  T value(T x) const {
    return detail::in_double(x, detail::sigmoid);
  }
  template <class T>
  T slope(T x) const {
    return detail::in_double(x, [](double v) { return detail::sigmoid(v) * detail::sigmoid(-v); });
  }
};

struct Tanh {
  static constexpr std::string_view kind = "tanh";
  template <class T>
  T value(T x) const {
    return detail::in_double(x, math::tanh);
  }
  template <class T>
  T slope(T x) const {
    return detail::in_double(x, [](double v) { return 1 - math::tanh(v) * math::tanh(v); });
  }
};

struct Silu {
  static constexpr std::string_view kind = "silu";
  template <class T>
  T value(T x) const {
    return detail::in_double(x, [](double v) { return v * detail::sigmoid(v); });
  }
  template <class T>
  T slope(T x) const {
    return detail::in_double(
        x, [](double v) { return detail::sigmoid(v) * (1 + v * detail::sigmoid(-v)); });
  }
};

struct Gelu {
  static constexpr std::string_view kind = "gelu";
  bool tanh = false;  ///< the approximation by tanh, |error| < 5e-4
  std::string settings() const { return tanh ? "by tanh" : ""; }
  template <class T>
  T value(T x) const {
    return detail::in_double(x, [&](double v) {
      return v * (tanh ? (1 + math::tanh(inner(v))) / 2 : (1 + math::erf(v / root2)) / 2);
    });
  }
  template <class T>
  T slope(T x) const {
    return detail::in_double(x, [&](double v) {
      if (!tanh)
        return (1 + math::erf(v / root2)) / 2 + v * math::exp(-v * v / 2) / (root2 * root_pi);
      const double t = math::tanh(inner(v));
      return (1 + t) / 2 + v * (1 - t * t) / 2 * root2 / root_pi * (1 + 3 * 0.044715 * v * v);
    });
  }

 private:
  static constexpr double root2 = std::numbers::sqrt2, root_pi = 1 / std::numbers::inv_sqrtpi;
  static double inner(double v) { return root2 / root_pi * (v + 0.044715 * v * v * v); }
};

struct Softplus {
  static constexpr std::string_view kind = "softplus";
  double beta = 1;  ///< the larger, the nearer to a ReLU
  std::string settings() const { return concat("beta ", beta); }
  void validate() const { check(beta > 0, "Softplus: expected a beta above 0, got ", beta); }
  template <class T>
  T value(T x) const {
    return detail::in_double(x, [&](double v) {
      return std::max(v, 0.0) + math::log1p(math::exp(-std::abs(beta * v))) / beta;
    });
  }
  template <class T>
  T slope(T x) const {
    return detail::in_double(x, [&](double v) { return detail::sigmoid(beta * v); });
  }
};

struct Hardsigmoid {
  static constexpr std::string_view kind = "hardsigmoid";
  template <class T>
  T value(T x) const {
    return x <= -3 ? T{0} : x >= 3 ? T{1} : x / 6 + T{0.5};
  }
  template <class T>
  T slope(T x) const {
    return x > -3 && x < 3 ? T{1} / 6 : T{0};
  }
};

struct Hardswish {
  static constexpr std::string_view kind = "hardswish";
  template <class T>
  T value(T x) const {
    return x * Hardsigmoid{}.value(x);
  }
  template <class T>
  T slope(T x) const {
    return x < -3 ? T{0} : x <= 3 ? x / 3 + T{0.5} : T{1};
  }
};

struct Clip {
  static constexpr std::string_view kind = "clip";
  double low = 0, high = 6;  ///< what y is kept between
  std::string settings() const { return concat(low, " to ", high); }
  void validate() const {
    check(low <= high, "Clip: expected low <= high, got ", low, " and ", high);
  }
  template <class T>
  T value(T x) const {
    return x < static_cast<T>(low)    ? static_cast<T>(low)
           : x > static_cast<T>(high) ? static_cast<T>(high)
                                      : x;
  }
  template <class T>
  T slope(T x) const {
    return x > static_cast<T>(low) && x < static_cast<T>(high) ? T{1} : T{0};
  }
};

}  // namespace functions

/// The layers of the table, as types and, with their usual numbers, for sequential<float>(...);
/// Tanh{} has no such name, which would hide the function of the C library.
using LeakyRelu = Activation<functions::LeakyRelu>;
using Elu = Activation<functions::Elu>;
using Sigmoid = Activation<functions::Sigmoid>;
using Tanh = Activation<functions::Tanh>;
using Silu = Activation<functions::Silu>;
using Gelu = Activation<functions::Gelu>;
using Softplus = Activation<functions::Softplus>;
using Hardsigmoid = Activation<functions::Hardsigmoid>;
using Hardswish = Activation<functions::Hardswish>;
using Clip = Activation<functions::Clip>;
inline constexpr LeakyRelu leaky_relu{};
inline constexpr Elu elu{};
inline constexpr Sigmoid sigmoid{};
inline constexpr Silu silu{};
inline constexpr Gelu gelu{};
inline constexpr Softplus softplus{};
inline constexpr Hardsigmoid hardsigmoid{};
inline constexpr Hardswish hardswish{};
inline constexpr Clip relu6{};

}  // namespace fovea::inline FOVEA_ABI
