// SPDX-License-Identifier: MIT
// Chapter 9: gradient checks find a wrong sign, a forgotten factor and a sum that should be assigned.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

enum class Mistake { none, sign, factor, added };

/// y = x^2, so dx = 2 x dy, with a mistake on request.
struct Square {
  static constexpr std::string_view kind = "square";
  Mistake mistake = Mistake::none;

  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const double, 2> x, View<double, 2> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = x.data()[i] * x.data()[i];
  }
  void backward(View<const double, 2> x, View<const double, 2> /*y*/, View<const double, 2> dy,
                View<double, 2> dx, NoPass&, const Context&) const {
    const double two = mistake == Mistake::sign ? -2 : mistake == Mistake::factor ? 1 : 2;
    for (Index i = 0; i < dx.size(); ++i) {
      const double before = mistake == Mistake::added ? dx.data()[i] : 0;
      dx.data()[i] = before + two * x.data()[i] * dy.data()[i];
    }
  }
};

int main() {
  Rng rng{1};
  const auto net =
      sequential<double>(Shape{2, 7, 6}, rng, conv2d({.out = 3, .kernel = 3, .padding = 1}), relu,
                         max_pool2d(2), flatten, linear(4));
  Tensor<double, 4> x(Shape{2, 2, 7, 6});
  for (double& value : x) value = rng.uniform(-1, 1);
  for (const auto& entry : gradient_check(net, x).entries)
    std::printf("%-12s %s\n", entry.name.c_str(), entry.error <= 1e-6 ? "right" : "wrong");

  const auto error = [](Mistake m) { return gradient_check(Square{m}, Shape{3, 5}).max_error; };
  std::printf("\nx^2, no mistake:      %.1f\n", error(Mistake::none));
  std::printf("x^2, wrong sign:      %.1f\n", error(Mistake::sign));
  std::printf("x^2, the 2 forgotten: %.1f\n", error(Mistake::factor));
  std::printf("x^2, dx += instead of dx =: %s\n",
              std::isnan(error(Mistake::added)) ? "NaN" : "a number");
}
