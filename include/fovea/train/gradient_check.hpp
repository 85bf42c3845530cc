// SPDX-License-Identifier: MIT
//
// gradient_check: is a hand-written backward the derivative of its forward?
//
// By definition backward assigns the gradients of s = <y, dy>. So choose a random x and a random
// dy, and compare every entry with the central difference
//
//   ds/dtheta ~ (s(theta + h) - s(theta - h)) / 2h
//
// whose own error is of order h^2. Do it in double: in float, rounding drowns the difference.
//
//   const auto result = gradient_check(MyLayer{}, Shape{2, 3, 5, 4});   // your own layer
//   result.max_error <= 1e-6
//
// Gradients must be assigned, not accumulated and not left out. So the parameters'
// gradients are filled with NaN, a first backward with dy = NaN does the same to every dx,
// and only then comes the real one.
//
// All of this in three ways: layer by layer, with fused neighbours, and with fused neighbours
// and no ds/dx of the input. A single layer is also put inside another one, and is given an
// empty dx, which it must leave alone.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "fovea/core/random.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {

/// The largest difference of two entries, relative to the largest entry of either
/// tensor, or to `least` if that is larger; NaN if one has a NaN.
template <TensorLike A, TensorLike B>
double relative_error(const A& a, const B& b, double least = 0) {
  check(as_const(a).size() == as_const(b).size(), "relative_error: expected equal sizes, got ",
        a.shape(), " and ", b.shape());
  double difference = 0, largest = least;
  for (Index i = 0; i < as_const(a).size(); ++i) {
    const auto x = static_cast<double>(as_const(a).begin()[i]);
    const auto y = static_cast<double>(as_const(b).begin()[i]);
    if (std::isnan(x - y)) return std::numeric_limits<double>::quiet_NaN();
    difference = std::max(difference, std::abs(x - y));
    largest = std::max({largest, std::abs(x), std::abs(y)});
  }
  return exactly_equal(difference, 0) ? 0 : difference / largest;
}

namespace detail {

// The larger of both, NaN if one is.
inline double larger(double a, double b) { return std::isnan(a) || a > b ? a : b; }

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

// A layer that contains another one and does nothing of its own.
template <class Layer>
struct Nest {
  static constexpr std::string_view kind = "nest";
  Layer inside;
  static constexpr auto children() { return std::tuple{Child{"inside", &Nest::inside}}; }
  auto compose(auto& graph, const auto& x) const { return graph.run("inside", inside, x); }
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
  std::vector<Entry> entries{};  ///< the input first
  double max_error = 0;          ///< the largest relative error of all; NaN if there is a NaN
  double min_largest = std::numeric_limits<double>::infinity();  ///< the smallest `largest` of all

  /// Takes one more tensor into account.
  void add(Entry entry) {
    max_error = detail::larger(max_error, entry.error);
    min_largest = std::min(min_largest, entry.largest);
    entries.push_back(std::move(entry));
  }

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
  const auto workspace = [&](Keep keep, bool input_gradient) {
    return net.workspace(x.extent(0), {.keep = keep,
                                       .input_gradient = input_gradient,
                                       .threads = options.threads,
                                       .seed = options.seed});
  };
  auto plain = workspace(Keep::everything, true), fused = workspace(Keep::for_backward, true),
       no_dx = workspace(Keep::for_backward, false);
  const auto y0 = net.forward(x, plain, options.mode);
  Tensor<double, Net::output_rank> dy(y0.shape());
  Rng rng{options.seed, 2};
  for (double& g : dy) g = rng.uniform(-1, 1);
  // Where ds/dtheta is 0, as for a bias before a BatchNorm2d, the central difference is rounding
  // of s, at most epsilon |y| / h. So every gradient counts as 10^7 times that, or more.
  double least = 0;
  for (const double y : y0) least += 2.2e-9 * std::abs(y) / options.step;

  // The gradients of all tensors, the input first, as backward assigns them.
  using Gradients = std::vector<Tensor<double, 1>>;
  const auto flat = [](const auto& tensor) {
    return Tensor<double, 1>(as_const(tensor).reshape(Shape{tensor.size()}));
  };
  const auto gradients = [&](auto& w, bool input_gradient) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    net.forward(x, w, options.mode);
    w.output_gradient().fill(nan);
    net.backward(w);
    net.for_each_parameter(w, [&](auto, auto gradient) { gradient.fill(nan); });
    std::copy(dy.begin(), dy.end(), w.output_gradient().begin());
    net.backward(w);
    Gradients all;
    if (input_gradient) all.push_back(flat(w.input_gradient()));
    net.for_each_parameter(w, [&](auto, auto gradient) { all.push_back(flat(gradient)); });
    return all;
  };
  const Gradients expected = gradients(plain, true);
  const Gradients ways[] = {expected, gradients(fused, true), gradients(no_dx, false)};

  const auto s = [&] {
    const auto y = net.forward(x, plain, options.mode);
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += y.begin()[i] * dy.begin()[i];
    return sum;
  };
  GradientCheck result;
  std::size_t at = 0;  // among the tensors
  const auto compare = [&](std::string name, View<double, 1> values) {
    Tensor<double, 1> numeric(values.shape());
    for (Index i = 0; i < values.size(); ++i) {
      const double value = values[i];
      values[i] = value + options.step;
      const double above = s();
      values[i] = value - options.step;
      const double below = s();
      values[i] = value;
      numeric[i] = (above - below) / (2 * options.step);
    }
    double error = 0, largest = 0;
    for (const Gradients& way : ways) {
      const std::size_t left_out = expected.size() - way.size();
      if (at >= left_out)
        error = detail::larger(error, relative_error(way[at - left_out], numeric, least));
    }
    for (const double g : expected[at]) largest = std::max(largest, std::abs(g));
    result.add({std::move(name), error, largest});
    ++at;
  };

  std::vector<std::string> names;
  net.for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); });
  auto name = names.begin();
  compare("input", x.reshape(Shape{x.size()}));
  net.for_each_parameter(
      plain, [&](auto values, auto) { compare(*name++, values.reshape(Shape{values.size()})); });
  return result;
}

namespace detail {

// Runs backward of a layer with an empty dx whose pointer leads to memory,
// and throws if that is written.
template <class Layer, std::size_t R>
void check_empty_dx(const Layer& layer, View<const double, R> x,
                    const GradientCheckOptions& options) {
  auto pass = make_pass(layer, {.threads = options.threads, .seed = options.seed}, x.shape());
  Tensor<double, output_rank_of<Layer, R>> y(layer.output_shape(x.shape()));
  const Context context{.mode = options.mode, .threads = options.threads, .seed = options.seed};
  layer.forward(x, y.view(), pass, context);
  const double untouched = 0.5;
  Tensor<double, 1> memory(Shape{2 * x.size() + 64}, untouched);
  const View<double, R> empty(memory.data(), Shape<R>{});
  layer.backward(x, as_const(y), as_const(y), empty, pass, context);
  for (const double value : memory)
    check(exactly_equal(value, untouched), Layer::kind,
          ": backward writes to an empty dx, which says that ", "ds/dx is not needed");
}

}  // namespace detail

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
  Sequential net{example, detail::Identity{}, layer};
  GradientCheck result = gradient_check(net, x, options);
  const auto inside =
      gradient_check(Sequential{example, detail::Nest<decltype(net)>{net}}, x, options);
  for (std::size_t i = 0; i < inside.entries.size(); ++i)
    result.entries[i].error = detail::larger(result.entries[i].error, inside.entries[i].error);
  result.max_error = detail::larger(result.max_error, inside.max_error);
  if constexpr (!Composite<Layer>) detail::check_empty_dx(layer, as_const(x), options);
  return result;
}

}  // namespace fovea::inline FOVEA_ABI
