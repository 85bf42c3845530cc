// SPDX-License-Identifier: MIT
//
// 4. A layer of your own: the leaky ReLU, y = x for x > 0 and y = slope x otherwise.
//
// Prints whether the gradient of the new layer is right, and the summary of a network that uses it.
#include <cstdio>

#include "fovea/fovea.hpp"

using namespace fovea;

struct LeakyRelu {
  static constexpr std::string_view kind = "leaky";
  double slope = 0.1;

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }

  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i)
      y.data()[i] = x.data()[i] > 0 ? x.data()[i] : static_cast<T>(slope) * x.data()[i];
  }

  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R>, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context&) const {
    for (Index i = 0; i < dx.size(); ++i)
      dx.data()[i] = x.data()[i] > 0 ? dy.data()[i] : static_cast<T>(slope) * dy.data()[i];
  }
};

int main() {
  const auto result = gradient_check(LeakyRelu{.slope = 0.2}, Shape{3, 4, 5});
  std::printf("the gradient is %s\n\n", result.max_error <= 1e-6 ? "right" : "wrong");

  Rng rng{1};
  Sequential net{Shape{1, 8, 8}, Conv2d<float>{{.in = 1, .out = 4, .kernel = 3}, rng}, LeakyRelu{},
                 Flatten{}, Linear<float>{{.in = 4 * 6 * 6, .out = 2}, rng}};
  std::printf("%s", summary(net).c_str());
}
