// SPDX-License-Identifier: MIT
//
// The functions of nn/activations.hpp and their derivatives, one struct each, to be read against
// the table there. V is a vector of numbers (core/simd.hpp); `a < b ? c : d` chooses lane by lane.
// slope(x, y) has y = value(x), where that is the shorter way.
#pragma once

#include <numbers>

#include "fovea/core/check.hpp"
#include "fovea/kernels/vector_functions.hpp"

namespace fovea::inline FOVEA_ABI::functions {

using kernels::all;

/// x, slope x below 0.
struct LeakyRelu {
  static constexpr std::string_view kind = "leakyrelu";
  double negative_slope = 0.01;  ///< of the line below 0
  std::string settings() const { return concat("slope ", negative_slope); }
  template <class V>
  V value(V x) const {
    return x < V{} ? all<V>(negative_slope) * x : x;
  }
  template <class V>
  V slope(V x, V) const {
    return x > V{} ? all<V>(1) : all<V>(negative_slope);
  }
};

/// x, alpha (e^x - 1) below 0.
struct Elu {
  static constexpr std::string_view kind = "elu";
  double alpha = 1;  ///< -alpha is where it ends below
  std::string settings() const { return concat("alpha ", alpha); }
  template <class V>
  V value(V x) const {
    return x > V{} ? x : all<V>(alpha) * kernels::expm1(x > V{} ? V{} : x);
  }
  template <class V>
  V slope(V x, V y) const {
    return x > V{} ? all<V>(1) : y + all<V>(alpha);
  }
};

/// 1 / (1 + e^-x).
struct Sigmoid {
  static constexpr std::string_view kind = "sigmoid";
  template <class V>
  V value(V x) const {
    return kernels::sigmoid(x);
  }
  template <class V>
  V slope(V, V y) const {
    return y * (all<V>(1) - y);
  }
};

/// tanh x.
struct Tanh {
  static constexpr std::string_view kind = "tanh";
  template <class V>
  V value(V x) const {
    return kernels::tanh(x);
  }
  template <class V>
  V slope(V, V y) const {
    return all<V>(1) - y * y;
  }
};

/// x sigmoid x.
struct Silu {
  static constexpr std::string_view kind = "silu";
  static constexpr bool ignores_output = true;  ///< backward does not read y
  template <class V>
  V value(V x) const {
    return x * kernels::sigmoid(x);
  }
  template <class V>
  V slope(V x, V) const {
    const V s = kernels::sigmoid(x);
    return s * (all<V>(1) + x * kernels::sigmoid(-x));
  }
};

/// x P(z < x), z normal.
struct Gelu {
  static constexpr std::string_view kind = "gelu";
  static constexpr bool ignores_output = true;  ///< backward does not read y
  bool tanh = false;                            ///< the approximation by tanh, |error| < 5e-4
  std::string settings() const { return tanh ? "by tanh" : ""; }
  template <class V>
  V value(V x) const {
    return tanh ? x * (all<V>(1) + kernels::tanh(inner(x))) * all<V>(0.5)
                : x * kernels::normal(x).below;
  }
  template <class V>
  V slope(V x, V) const {
    if (!tanh) {
      const auto z = kernels::normal(x);
      return z.below + x * z.density;
    }
    x = x > all<V>(20) ? all<V>(20) : x;  // beyond, the slope is 1 or 0, and x^2 may be infinite
    x = x < all<V>(-20) ? all<V>(-20) : x;
    const V t = kernels::tanh(inner(x)), one = all<V>(1);
    return all<V>(0.5) *
           ((one + t) + x * (one - t * t) * all<V>(scale) * (one + all<V>(3 * cubic) * x * x));
  }

 private:
  // sqrt(2 / pi), and the weight of x^3
  static constexpr double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, cubic = 0.044715;
  template <class V>
  static V inner(V x) {
    return all<V>(scale) * (x + all<V>(cubic) * x * x * x);
  }
};

/// log(1 + e^(beta x)) / beta.
struct Softplus {
  static constexpr std::string_view kind = "softplus";
  double beta = 1;  ///< the larger, the nearer to a ReLU
  std::string settings() const { return concat("beta ", beta); }
  void validate() const { check(beta > 0, "Softplus: expected a beta above 0, got ", beta); }
  template <class V>
  V value(V x) const {
    return kernels::lane_by_lane(x, [&](double v) {
      return std::max(v, 0.0) + math::log1p(math::exp(-std::abs(beta * v))) / beta;
    });
  }
  template <class V>
  V slope(V x, V) const {
    return kernels::sigmoid(all<V>(beta) * x);
  }
};

/// x / 6 + 1/2, kept in [0, 1].
struct Hardsigmoid {
  static constexpr std::string_view kind = "hardsigmoid";
  template <class V>
  V value(V x) const {
    const V line = x / all<V>(6) + all<V>(0.5), top = x >= all<V>(3) ? all<V>(1) : line;
    return x <= all<V>(-3) ? V{} : top;
  }
  template <class V>
  V slope(V x, V) const {
    const V below = x < all<V>(3) ? all<V>(1) / all<V>(6) : V{};
    return x > all<V>(-3) ? below : V{};
  }
};

/// x Hardsigmoid(x).
struct Hardswish {
  static constexpr std::string_view kind = "hardswish";
  template <class V>
  V value(V x) const {
    return x * Hardsigmoid{}.value(x);
  }
  template <class V>
  V slope(V x, V) const {
    const V below = x <= all<V>(3) ? x / all<V>(3) + all<V>(0.5) : all<V>(1);
    return x < all<V>(-3) ? V{} : below;
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
  template <class V>
  V value(V x) const {
    const V below = x > all<V>(high) ? all<V>(high) : x;
    return x < all<V>(low) ? all<V>(low) : below;
  }
  template <class V>
  V slope(V x, V) const {
    const V below = x < all<V>(high) ? all<V>(1) : V{};
    return x > all<V>(low) ? below : V{};
  }
};

}  // namespace fovea::inline FOVEA_ABI::functions
