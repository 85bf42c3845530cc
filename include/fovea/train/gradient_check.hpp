// SPDX-License-Identifier: MIT
//
// gradient_check: is a hand-written backward the derivative of its forward?
//
// By definition backward assigns the gradients of s = <y, dy>. So choose a random x and a random dy,
// and compare every entry with the central difference
//
//   ds/dtheta ~ (s(theta + h) - s(theta - h)) / 2h
//
// whose own error is of order h^2. Do it in double: in float, rounding drowns the difference.
//
//   const auto result = gradient_check(MyLayer{}, Shape{2, 3, 5, 4});   // one line for your own layer
//   result.max_error <= 1e-6
//
// Gradients must be assigned, not accumulated and not left out. So the parameters' gradients are filled
// with NaN, a first backward with dy = NaN does the same to every dx, and only then comes the real one.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "fovea/core/random.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {

/// The largest difference of two entries, relative to the largest entry of either tensor; NaN if one
/// has a NaN.
template <TensorLike A, TensorLike B>
double relative_error(const A& a, const B& b) {
  check(as_const(a).size() == as_const(b).size(), "relative_error: expected equal sizes, got ",
        a.shape(), " and ", b.shape());
  double difference = 0, largest = 0;
  for (Index i = 0; i < as_const(a).size(); ++i) {
    const auto x = static_cast<double>(as_const(a).begin()[i]);
    const auto y = static_cast<double>(as_const(b).begin()[i]);
    if (std::isnan(x - y)) return std::numeric_limits<double>::quiet_NaN();
    difference = std::max(difference, std::abs(x - y));
    largest = std::max({largest, std::abs(x), std::abs(y)});
  }
  return difference == 0 ? 0 : difference / largest;
}

namespace detail {

// y = x in double: says that a network of layers without a T of their own runs in double.
struct Identity {
  using value_type = double;
  static constexpr std::string_view kind = "identity";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }
  template <std::size_t R>
  void forward(View<const double, R> x, View<double, R> y, NoPass&, const Context&) const {
    std::copy(x.begin(), x.end(), y.begin());
  }
  template <std::size_t R>
  void backward(View<const double, R>, View<const double, R>, View<const double, R> dy,
                View<double, R> dx, NoPass&, const Context&) const {
    std::copy_n(dy.begin(), dx.size(), dx.begin());
  }
};

}  // namespace detail

/// How far backward is from what forward says, for every tensor.
struct GradientCheck {
  /// One tensor: a parameter, or the input.
  struct Entry {
    std::string name;  ///< "conv1.weight", or "input"
    double error;      ///< relative_error of backward against the central difference
    double largest;    ///< the largest entry of the gradient: 0 would mean that nothing was checked
  };
  std::vector<Entry> entries;  ///< the input first
  double max_error = 0;        ///< the largest relative error of all; NaN if there is a NaN
  double min_largest = std::numeric_limits<double>::infinity();  ///< the smallest `largest` of all

  friend std::string to_string(const GradientCheck& check) {
    std::string text;
    for (const auto& [name, error, largest] : check.entries)
      text += concat(name, ": relative error ", error, ", largest gradient ", largest, "\n");
    return text;
  }
};

/// How it is measured.
struct GradientCheckOptions {
  std::uint64_t seed = 1;
  double step = 1e-5;       ///< h
  Mode mode = Mode::train;  ///< of the layers
  int threads = 1;
};

/// Checks every parameter of a network, and its input x (N, ...), entry by entry.
template <std::size_t R, class... Layers>
GradientCheck gradient_check(Sequential<R, Layers...> net, Tensor<double, R + 1> x,
                             GradientCheckOptions options = {}) {
  using Net = Sequential<R, Layers...>;
  static_assert(std::is_same_v<typename Net::value_type, double>,
                "gradient_check: make the layers with T = double; float is too coarse");
  auto w = net.workspace(x.extent(0), {.keep = Keep::everything,
                                       .input_gradient = true,
                                       .threads = options.threads,
                                       .seed = options.seed});
  Tensor<double, Net::output_rank> dy(net.forward(x, w, options.mode).shape());
  Rng rng{options.seed, 2};
  for (double& g : dy) g = rng.uniform(-1, 1);
  const auto s = [&] {
    const auto y = net.forward(x, w, options.mode);
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += y.begin()[i] * dy.begin()[i];
    return sum;
  };

  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  s();
  w.output_gradient().fill(nan);
  net.backward(w);
  net.for_each_parameter(w, [&](auto, auto gradient) { gradient.fill(nan); });
  std::copy(dy.begin(), dy.end(), w.output_gradient().begin());
  net.backward(w);

  GradientCheck result;
  const auto compare = [&](std::string name, View<double, 1> values,
                           View<const double, 1> gradient) {
    const Tensor<double, 1> analytic(
        gradient);  // the forwards below may use the workspace's memory
    Tensor<double, 1> numeric(values.shape());
    double largest = 0;
    for (Index i = 0; i < values.size(); ++i) {
      const double value = values[i];
      values[i] = value + options.step;
      const double above = s();
      values[i] = value - options.step;
      const double below = s();
      values[i] = value;
      numeric[i] = (above - below) / (2 * options.step);
      largest = std::max(largest, std::abs(analytic[i]));
    }
    const double error = relative_error(analytic, numeric);
    result.entries.push_back({std::move(name), error, largest});
    if (!std::isnan(result.max_error) && !(error <= result.max_error)) result.max_error = error;
    result.min_largest = std::min(result.min_largest, largest);
  };

  std::vector<std::string> names;
  net.for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); });
  auto name = names.begin();
  compare("input", x.reshape(Shape{x.size()}), w.input_gradient().reshape(Shape{x.size()}));
  net.for_each_parameter(w, [&](auto values, auto gradient) {
    const Shape flat{values.size()};
    compare(*name++, values.reshape(flat), as_const(gradient).reshape(flat));
  });
  return result;
}

/// Checks one layer on a random input of this shape, (N, ...).
template <std::size_t R, AcceptsRank<R> Layer>
GradientCheck gradient_check(Layer layer, Shape<R> shape, GradientCheckOptions options = {}) {
  if constexpr (requires { typename Layer::value_type; })
    static_assert(std::is_same_v<typename Layer::value_type, double>,
                  "gradient_check: make the layer with T = double; float is too coarse");
  Tensor<double, R> x(shape);
  Rng rng{options.seed, 1};
  for (double& value : x) value = rng.uniform(-1, 1);
  Shape<R - 1> example;
  for (std::size_t axis = 1; axis < R; ++axis) example[axis - 1] = shape[axis];
  // The identity in front fixes T = double for layers, such as Relu, that are not templates on T.
  return gradient_check(Sequential{example, detail::Identity{}, std::move(layer)}, std::move(x),
                        options);
}

}  // namespace fovea::inline FOVEA_ABI
