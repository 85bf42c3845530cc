// SPDX-License-Identifier: MIT
// Chapter 9, exercise 1: exchanged indices are found on square images, exchanged extents are not.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

enum class Mistake { none, indices, extents };

/// y[n, c, h, w] = (h + 2 w) x[n, c, h, w], with a mistake in backward on request.
struct Ramp {
  static constexpr std::string_view kind = "ramp";
  using value_type = double;
  Mistake mistake = Mistake::none;

  Shape<4> output_shape(Shape<4> x) const { return x; }
  void forward(View<const double, 4> x, View<double, 4> y, NoPass&, const Context&) const {
    const Index H = x.extent(2), W = x.extent(3);
    for (Index i = 0; i < x.size(); ++i) {
      const Index h = i / W % H, w = i % W;
      y.data()[i] = static_cast<double>(h + 2 * w) * x.data()[i];
    }
  }
  void backward(View<const double, 4>, View<const double, 4>, View<const double, 4> dy,
                View<double, 4> dx, NoPass&, const Context&) const {
    Index H = dy.extent(2), W = dy.extent(3);
    if (mistake == Mistake::extents) std::swap(H, W);
    for (Index i = 0; i < dx.size(); ++i) {
      Index h = i / W % H, w = i % W;
      if (mistake == Mistake::indices) std::swap(h, w);
      dx.data()[i] = static_cast<double>(h + 2 * w) * dy.data()[i];
    }
  }
};

int main() {
  for (const Shape<4> shape : {Shape{2, 3, 6, 6}, Shape{2, 3, 7, 6}}) {
    std::printf("images of %td x %td\n", shape[2], shape[3]);
    const auto verdict = [&](Mistake mistake) {
      return gradient_check(Ramp{mistake}, shape).max_error <= 1e-6 ? "right" : "wrong";
    };
    std::printf("  no mistake:        %s\n", verdict(Mistake::none));
    std::printf("  indices exchanged: %s\n", verdict(Mistake::indices));
    std::printf("  extents exchanged: %s\n", verdict(Mistake::extents));
  }
}
