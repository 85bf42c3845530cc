// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>

#include "fovea/core/tensor.hpp"
#include "fovea/kernels/activation_functions.hpp"

using namespace fovea;

namespace {

// The largest difference to `expected`, relative or absolute, over [low, high].
template <class F, class Expected>
double largest_error(double low, double high, bool relative, const F& f, const Expected& expected) {
  double worst = 0;
  for (double at = low; at <= high; at += (high - low) / 400003) {
    const auto x = static_cast<float>(at);
    const double found = static_cast<double>(f(kernels::all<Vec<float>>(at))[0]);
    const double wanted = expected(static_cast<double>(x));
    worst = std::max(worst, std::abs(found - wanted) / (relative ? std::abs(wanted) : 1.0));
  }
  return worst;
}

}  // namespace

TEST_CASE("vector functions: errors in float are as the page says") {
  const auto exp = [](Vec<float> x) { return kernels::exp(x); };
  const auto expm1 = [](Vec<float> x) { return kernels::expm1(x); };
  const auto tanh = [](Vec<float> x) { return kernels::tanh(x); };
  const auto sigmoid_of = [](Vec<float> x) { return kernels::sigmoid(x); };
  const auto below = [](Vec<float> x) { return kernels::normal(x).below; };
  const auto density = [](Vec<float> x) { return kernels::normal(x).density; };
  const auto normal = [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; };
  CHECK(largest_error(-87, 88, true, exp, [](double x) { return std::exp(x); }) < 2e-7);
  for (const double size : {88.0, 1.0, 1e-3, 1e-12}) {
    CHECK(largest_error(1e-3 * size, size, true, expm1, [](double x) { return std::expm1(x); }) <
          2e-7);
    CHECK(largest_error(-size, -1e-3 * size, true, expm1, [](double x) { return std::expm1(x); }) <
          2e-7);
    CHECK(largest_error(1e-3 * size, size, true, tanh, [](double x) { return std::tanh(x); }) <
          3e-7);
  }
  CHECK(largest_error(-87, 88, true, sigmoid_of, [](double x) { return 1 / (1 + std::exp(-x)); }) <
        3e-7);
  CHECK(largest_error(-12, 12, false, below, normal) < 3e-7);
  CHECK(largest_error(-11.4, 0, true, below, normal) < 5e-6);
  CHECK(largest_error(-12, 12, false, density, [](double x) {
          return std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846);
        }) < 1e-7);
}

TEST_CASE("vector functions: ends of the range, and NaN in its lane alone") {
  constexpr auto infinity = static_cast<float>(math::infinity);
  const auto one = [](const auto& f, float x) { return f(Vec<float>{} + x)[0]; };
  const auto exp = [](auto x) { return kernels::exp(x); };
  const auto expm1 = [](auto x) { return kernels::expm1(x); };
  const auto tanh = [](auto x) { return kernels::tanh(x); };
  const auto sigmoid_of = [](auto x) { return kernels::sigmoid(x); };
  const auto below = [](auto x) { return kernels::normal(x).below; };
  CHECK(exactly_equal(one(exp, -infinity), 0.0f));
  CHECK(exactly_equal(one(exp, infinity), infinity));
  CHECK(exactly_equal(one(expm1, -infinity), -1.0f));
  CHECK(exactly_equal(one(expm1, infinity), infinity));
  CHECK(exactly_equal(one(tanh, infinity), 1.0f));
  CHECK(exactly_equal(one(tanh, -infinity), -1.0f));
  CHECK(exactly_equal(one(sigmoid_of, infinity), 1.0f));
  CHECK(exactly_equal(one(sigmoid_of, -infinity), 0.0f));
  CHECK(exactly_equal(one(below, infinity), 1.0f));
  CHECK(exactly_equal(one(below, -infinity), 0.0f));
  CHECK(exactly_equal(one(below, 0.0f), one(below, -0.0f)));
  // The derivative of what has x^3 inside, where that is infinite.
  const auto by_tanh = [](auto x) { return functions::Gelu{.tanh = true}.slope(x, x); };
  CHECK(exactly_equal(one(by_tanh, 1e30f), 1.0f));
  CHECK(exactly_equal(one(by_tanh, -1e30f), 0.0f));
  const auto nan_in_lane_1 = [](const auto& f) {
    Vec<float> x{};
    x[1] = static_cast<float>(math::nan);
    const Vec<float> y = f(x);
    return std::isnan(y[1]) && !std::isnan(y[0]) && !std::isnan(y[2]);
  };
  CHECK(nan_in_lane_1(exp));
  CHECK(nan_in_lane_1(expm1));
  CHECK(nan_in_lane_1(tanh));
  CHECK(nan_in_lane_1(sigmoid_of));
  CHECK(nan_in_lane_1(below));
}

namespace {

// One instance, as in a layer: elsewhere the compiler may contract sums and products in another way.
template <class T>
[[gnu::noinline]] void map_gelu(Index n, T* y, const T* x) {
  kernels::map_vectors(
      n, y, [](Vec<T> v) { return functions::Gelu{}.value(v); }, x);
}

}  // namespace

TEST_CASE_TEMPLATE("map_vectors: every element once, the same bits at any place", T, float,
                   double) {
  Tensor<T, 1> x(Shape{Index{70}}), whole(x.shape());
  for (Index i = 0; i < x.size(); ++i) x(i) = static_cast<T>(i - 35) / 8;
  map_gelu(x.size(), whole.data(), std::as_const(x).data());
  for (Index n = 0; n < x.size(); ++n) {
    Tensor<T, 1> y(x.shape(), T{7});
    map_gelu(n, y.data(), std::as_const(x).data());
    bool same = true;
    for (Index i = 0; i < x.size(); ++i)
      same = same && exactly_equal(y(i), i < n ? whole(i) : T{7});
    CHECK_MESSAGE(same, n);
    // And beginning elsewhere.
    Tensor<T, 1> late(x.shape());
    map_gelu(x.size() - n, late.data(), std::as_const(x).data() + n);
    same = true;
    for (Index i = n; i < x.size(); ++i) same = same && exactly_equal(late(i - n), whole(i));
    CHECK_MESSAGE(same, n);
  }
}
