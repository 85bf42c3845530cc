// SPDX-License-Identifier: MIT
//
// The functions of nn/activations.hpp and their derivatives, one struct each, to be read against
// the table there. slope(x, y) has y = value(x), where that is the shorter way.
#pragma once

#include <numbers>

#include "fovea/core/check.hpp"
#include "fovea/core/math.hpp"

namespace fovea::inline FOVEA_ABI {

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

namespace functions {

/// x, slope x below 0.
struct LeakyRelu {
  static constexpr std::string_view kind = "leakyrelu";
  double negative_slope = 0.01;  ///< of the line below 0
  std::string settings() const { return concat("slope ", negative_slope); }
  template <class T>
  T value(T x) const {
    return x < 0 ? static_cast<T>(negative_slope) * x : x;
  }
  template <class T>
  T slope(T x, T) const {
    return x > 0 ? T{1} : static_cast<T>(negative_slope);
  }
};

/// x, alpha (e^x - 1) below 0.
struct Elu {
  static constexpr std::string_view kind = "elu";
  double alpha = 1;  ///< -alpha is where it ends below
  std::string settings() const { return concat("alpha ", alpha); }
  template <class T>
  T value(T x) const {
    return x > 0 ? x : detail::in_double(x, [&](double v) { return alpha * math::expm1(v); });
  }
  template <class T>
  T slope(T x, T y) const {
    return x > 0 ? T{1} : y + static_cast<T>(alpha);
  }
};

/// 1 / (1 + e^-x).
struct Sigmoid {
  static constexpr std::string_view kind = "sigmoid";
  template <class T>
  T value(T x) const {
    return detail::in_double(x, detail::sigmoid);
  }
  template <class T>
  T slope(T, T y) const {
    return y * (1 - y);
  }
};

/// tanh x.
struct Tanh {
  static constexpr std::string_view kind = "tanh";
  template <class T>
  T value(T x) const {
    return detail::in_double(x, math::tanh);
  }
  template <class T>
  T slope(T, T y) const {
    return 1 - y * y;
  }
};

/// x sigmoid x.
struct Silu {
  static constexpr std::string_view kind = "silu";
  template <class T>
  T value(T x) const {
    return detail::in_double(x, [](double v) { return v * detail::sigmoid(v); });
  }
  template <class T>
  T slope(T x, T) const {
    return detail::in_double(
        x, [](double v) { return detail::sigmoid(v) * (1 + v * detail::sigmoid(-v)); });
  }
};

/// x P(z < x), z normal.
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
  T slope(T x, T) const {
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

/// log(1 + e^(beta x)) / beta.
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
  T slope(T x, T) const {
    return detail::in_double(x, [&](double v) { return detail::sigmoid(beta * v); });
  }
};

/// x / 6 + 1/2, kept in [0, 1].
struct Hardsigmoid {
  static constexpr std::string_view kind = "hardsigmoid";
  template <class T>
  T value(T x) const {
    return x <= -3 ? T{0} : x >= 3 ? T{1} : x / 6 + T{0.5};
  }
  template <class T>
  T slope(T x, T) const {
    return x > -3 && x < 3 ? T{1} / 6 : T{0};
  }
};

/// x Hardsigmoid(x).
struct Hardswish {
  static constexpr std::string_view kind = "hardswish";
  template <class T>
  T value(T x) const {
    return x * Hardsigmoid{}.value(x);
  }
  template <class T>
  T slope(T x, T) const {
    return x < -3 ? T{0} : x <= 3 ? x / 3 + T{0.5} : T{1};
  }
};

/// x, kept in [low, high].
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
  T slope(T x, T) const {
    return x > static_cast<T>(low) && x < static_cast<T>(high) ? T{1} : T{0};
  }
};

}  // namespace functions

}  // namespace fovea::inline FOVEA_ABI
