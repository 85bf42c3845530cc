// SPDX-License-Identifier: MIT
//
// 4. A layer of your own: softsign, y = x / (1 + |x|), which keeps y between -1 and 1.
//
// Prints whether the gradient of the new layer is right, and the summary of a network that uses it.
#include <err.h>

#include <cmath>
#include <cstdio>

#include "fovea/fovea.hpp"

using namespace fovea;

struct Softsign {
  static constexpr std::string_view kind = "softsign";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }

  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = x.data()[i] / (1 + std::abs(x.data()[i]));
  }

  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R>, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context&) const {
    for (Index i = 0; i < dx.size(); ++i) {
      const T shrink = 1 / (1 + std::abs(x.data()[i]));
      dx.data()[i] = dy.data()[i] * shrink * shrink;
    }
  }
};

int main() {
  const auto result = gradient_check(Softsign{}, Shape{3, 4, 5});
  std::printf("the gradient is %s\n\n", result.max_error <= 1e-6 ? "right" : "wrong");

  Rng rng{1};
  Sequential net{Shape{1, 8, 8}, Conv2d<float>{{.in = 1, .out = 4, .kernel = 3}, rng}, Softsign{},
                 Flatten{}, Linear<float>{{.in = 4 * 6 * 6, .out = 2}, rng}};
  std::printf("%s", summary(net).c_str());
  if (std::fflush(stdout) != 0) err(1, "standard output");  // a full disk, for instance
}
