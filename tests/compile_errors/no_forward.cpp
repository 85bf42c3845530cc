// SPDX-License-Identifier: MIT
// expected: this layer has no forward(
#include <fovea/fovea.hpp>

using namespace fovea;

struct Twice {
  static constexpr std::string_view kind = "twice";

  Shape<2> output_shape(Shape<2> x) const { return x; }
  void backward(View<const float, 2>, View<const float, 2>, View<const float, 2>, View<float, 2>,
                NoPass&, const Context&) const {}
};

void mistake() { Sequential net{Shape{3}, Twice{}}; }
