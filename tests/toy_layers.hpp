// SPDX-License-Identifier: MIT
//
// Toy layers, one of each kind that the contract of a layer must carry: a buffer, randomness, children.
// They are written for tests, as a user would write them, and are no part of the library.
#pragma once

#include <cmath>

#include "fovea/fovea.hpp"

namespace toy {

using namespace fovea;

/// y = x minus the mean over the batch: a buffer, its update left in the Pass.
struct Centre {
  using value_type = double;
  static constexpr std::string_view kind = "centre";
  Tensor<double, 1> running;  // (K): the running mean
  explicit Centre(Index K) : running(Shape{K}) {}

  struct Pass {
    Tensor<double, 1> running;
  };
  Pass pass(Shape<2>, const WorkspaceOptions&) const { return {running}; }
  static constexpr auto buffers() {
    return std::tuple{Buffer{"running", &Centre::running, &Pass::running}};
  }
  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const double, 2> x, View<double, 2> y, Pass& pass,
               const Context& context) const {
    const bool train = context.mode == Mode::train;
    const auto batch_mean = mean<0>(x);
    for (Index n = 0; n < x.extent(0); ++n)
      for (Index k = 0; k < x.extent(1); ++k)
        y(n, k) = x(n, k) - (train ? batch_mean(k) : running(k));
    if (train) pass.running = running * 0.9 + batch_mean * 0.1;
  }
  void backward(View<const double, 2> x, View<const double, 2>, View<const double, 2> dy,
                View<double, 2> dx, Pass&, const Context& context) const {
    if (dx.empty()) return;
    const auto batch_mean = mean<0>(dy);
    for (Index n = 0; n < x.extent(0); ++n)
      for (Index k = 0; k < x.extent(1); ++k)
        dx(n, k) = dy(n, k) - (context.mode == Mode::train ? batch_mean(k) : 0);
  }
};

/// Batch normalisation of images: parameters and buffers. A step allocates nothing.
///
///   y = gamma (x - mean) / sqrt(variance + 1e-5) + beta       over n, h and w of each channel
template <class T>
struct BatchNorm2d {
  using value_type = T;
  static constexpr std::string_view kind = "bn";
  Tensor<T, 1> gamma, beta, running_mean, running_var;  // (C)
  double momentum = 0.1;                                // share of the batch in the running values
  explicit BatchNorm2d(Index C)
      : gamma(Shape{C}, T{1}),
        beta(Shape{C}),
        running_mean(Shape{C}),
        running_var(Shape{C}, T{1}) {}

  struct Pass {
    Tensor<T, 1> dgamma, dbeta, running_mean, running_var;
    Tensor<double, 1> mean, scale;  // of the last forward: y = gamma (x - mean) scale + beta
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"gamma", &BatchNorm2d::gamma, &Pass::dgamma},
                      Parameter{"beta", &BatchNorm2d::beta, &Pass::dbeta}};
  }
  static constexpr auto buffers() {
    return std::tuple{Buffer{"running_mean", &BatchNorm2d::running_mean, &Pass::running_mean},
                      Buffer{"running_var", &BatchNorm2d::running_var, &Pass::running_var}};
  }
  Shape<4> output_shape(Shape<4> x) const {
    check(x[1] == gamma.size(), "expected (N, ", gamma.size(), ", H, W), got ", x);
    return x;
  }
  Pass pass(Shape<4>, const WorkspaceOptions&) const {
    return {gamma,
            beta,
            running_mean,
            running_var,
            Tensor<double, 1>(gamma.shape()),
            Tensor<double, 1>(gamma.shape())};
  }
  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    const bool train = context.mode == Mode::train;
    const auto count = static_cast<double>(x.size() / x.extent(1));
    parallel_for(context.threads, x.extent(1), [&](Index c, int) {
      double mean = static_cast<double>(running_mean(c)), var = static_cast<double>(running_var(c));
      if (train) {
        mean = var = 0;
        for_channel(x, c, [&](Index i) { mean += static_cast<double>(x.data()[i]) / count; });
        for_channel(x, c, [&](Index i) {
          const double d = static_cast<double>(x.data()[i]) - mean;
          var += d * d / count;
        });
        const auto mixed = [&](T before, double now) {
          return static_cast<T>((1 - momentum) * static_cast<double>(before) + momentum * now);
        };
        pass.running_mean(c) = mixed(running_mean(c), mean);
        pass.running_var(c) = mixed(running_var(c), count > 1 ? var * count / (count - 1) : var);
      }
      pass.mean(c) = mean, pass.scale(c) = 1 / std::sqrt(var + 1e-5);
      const double scale = static_cast<double>(gamma(c)) * pass.scale(c);
      const auto shift = static_cast<double>(beta(c));
      for_channel(x, c, [&](Index i) {
        y.data()[i] = static_cast<T>((static_cast<double>(x.data()[i]) - mean) * scale + shift);
      });
    });
  }
  void backward(View<const T, 4> x, View<const T, 4>, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    const bool train = context.mode == Mode::train;
    const auto count = static_cast<double>(x.size() / x.extent(1));
    parallel_for(context.threads, x.extent(1), [&](Index c, int) {
      const auto normal = [&](Index i) {
        return (static_cast<double>(x.data()[i]) - pass.mean(c)) * pass.scale(c);
      };
      double dgamma = 0, dbeta = 0;
      for_channel(x, c, [&](Index i) {
        dbeta += static_cast<double>(dy.data()[i]);
        dgamma += static_cast<double>(dy.data()[i]) * normal(i);
      });
      pass.dgamma(c) = static_cast<T>(dgamma), pass.dbeta(c) = static_cast<T>(dbeta);
      if (dx.empty()) return;
      const double scale = static_cast<double>(gamma(c)) * pass.scale(c);
      for_channel(x, c, [&](Index i) {
        const double through = train ? (dbeta + normal(i) * dgamma) / count : 0;
        dx.data()[i] = static_cast<T>(scale * (static_cast<double>(dy.data()[i]) - through));
      });
    });
  }

 private:
  // Calls f with the offset of every element of channel c.
  template <class F>
  static void for_channel(View<const T, 4> x, Index c, const F& f) {
    const Index plane = x.extent(2) * x.extent(3);
    for (Index n = 0; n < x.extent(0); ++n)
      for (Index i = 0, first = (n * x.extent(1) + c) * plane; i < plane; ++i) f(first + i);
  }
};

/// Randomness that is a function of (seed, step, layer, element).
struct Dropout {
  static constexpr std::string_view kind = "dropout";
  double rate = 0.5;
  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }
  template <class T>
  T factor(const Context& c, Index i, Index size) const {
    if (c.mode == Mode::eval) return T{1};
    return Rng{c.seed, c.step, c.layer, c.first_example * size + i}.uniform() < rate
               ? T{0}
               : static_cast<T>(1 / (1 - rate));
  }
  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context& c) const {
    for (Index i = 0; i < x.size(); ++i)
      y.data()[i] = x.data()[i] * factor<T>(c, i, x.size() / x.extent(0));
  }
  template <class T, std::size_t R>
  void backward(View<const T, R>, View<const T, R>, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context& c) const {
    for (Index i = 0; i < dx.size(); ++i)
      dx.data()[i] = dy.data()[i] * factor<T>(c, i, dx.size() / dx.extent(0));
  }
};

/// y = left(x) + right(x), for instance a branch and a shortcut that changes the extents: two children.
template <class Left, class Right>
struct Sum {
  static constexpr std::string_view kind = "sum";
  Left left;
  Right right;
  static constexpr auto children() {
    return std::tuple{Child{"left", &Sum::left}, Child{"right", &Sum::right}};
  }
  auto compose(auto& graph, const auto& x) const {
    const auto a = graph.run("left", left, x);
    const auto b = graph.run("right", right, x);
    return graph.run("add", Add{}, a, b);
  }
};
template <class Left, class Right>
Sum(Left, Right) -> Sum<Left, Right>;

}  // namespace toy
