// SPDX-License-Identifier: MIT
// Solutions to chapter 15: three layers and their gradient checks.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

/// y = 1 / (1 + exp(-x)); backward needs y alone.
struct Logistic {
  static constexpr std::string_view kind = "logistic";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }
  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = T{1} / (T{1} + std::exp(-x.data()[i]));
  }
  template <class T, std::size_t R>
  void backward(View<const T, R>, View<const T, R> y, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context&) const {
    for (Index i = 0; i < dx.size(); ++i)
      dx.data()[i] = dy.data()[i] * y.data()[i] * (T{1} - y.data()[i]);
  }
};

/// y = x for x > 0 and a x otherwise, where a is trained.
template <class T>
struct PRelu {
  using value_type = T;
  static constexpr std::string_view kind = "prelu";
  Tensor<T, 1> a{T(0.25)};

  struct Pass {
    Tensor<T, 1> da{T(0)};
  };
  static constexpr auto parameters() { return std::tuple{Parameter{"a", &PRelu::a, &Pass::da}}; }

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }
  template <std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, Pass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i)
      y.data()[i] = x.data()[i] > 0 ? x.data()[i] : a(0) * x.data()[i];
  }
  template <std::size_t R>
  void backward(View<const T, R> x, View<const T, R>, View<const T, R> dy, View<T, R> dx,
                Pass& pass, const Context&) const {
    pass.da(0) = 0;  // assigned, not added to what was there
    for (Index i = 0; i < x.size(); ++i)
      if (x.data()[i] <= 0) pass.da(0) += x.data()[i] * dy.data()[i];
    for (Index i = 0; i < dx.size(); ++i)
      dx.data()[i] = x.data()[i] > 0 ? dy.data()[i] : a(0) * dy.data()[i];
  }
};

/// Moves images (N, C, H, W) by one pixel to the right; back, gradients move to the left.
struct Shift {
  static constexpr std::string_view kind = "shift";

  Shape<4> output_shape(Shape<4> x) const { return x; }
  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, NoPass&, const Context&) const {
    const Index W = x.extent(3);
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = i % W == 0 ? T{0} : x.data()[i - 1];
  }
  template <class T>
  void backward(View<const T, 4> x, View<const T, 4>, View<const T, 4> dy, View<T, 4> dx, NoPass&,
                const Context&) const {
    const Index W = x.extent(3);
    for (Index i = 0; i < dx.size(); ++i) dx.data()[i] = i % W == W - 1 ? T{0} : dy.data()[i + 1];
  }
};

int main() {
  const auto verdict = [](const GradientCheck& check) {
    return check.max_error <= 1e-6 && check.min_largest > 0 ? "right" : "wrong";
  };
  std::printf("logistic: %s\n", verdict(gradient_check(Logistic{}, Shape{3, 4})));
  std::printf("prelu:    %s\n", verdict(gradient_check(PRelu<double>{}, Shape{3, 4, 5})));
  std::printf("shift:    %s\n", verdict(gradient_check(Shift{}, Shape{2, 3, 4, 5})));
}
