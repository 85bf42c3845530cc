// SPDX-License-Identifier: MIT
// expected: Sequential: pass() of this layer would be ignored
#include <fovea/fovea.hpp>

using namespace fovea;

struct Scale {
  static constexpr std::string_view kind = "scale";
  using value_type = float;
  Tensor<float, 1> a{1.0f};
  struct Pass {
    Tensor<float, 1> da{0.0f};
  };
  Pass pass(Shape<2>) const { return {}; }
  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const float, 2>, View<float, 2>, Pass&, const Context&) const {}
  void backward(View<const float, 2>, View<const float, 2>, View<const float, 2>, View<float, 2>,
                Pass&, const Context&) const {}
};

void mistake() { Sequential{Shape{3}, Scale{}}; }
