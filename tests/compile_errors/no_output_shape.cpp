// SPDX-License-Identifier: MIT
// expected: this layer has no output_shape(Shape<R>) const
#include <fovea/fovea.hpp>

using namespace fovea;

struct Twice {
  static constexpr std::string_view kind = "twice";

  void forward(View<const float, 2>, View<float, 2>, NoPass&, const Context&) const {}
  void backward(View<const float, 2>, View<const float, 2>, View<const float, 2>, View<float, 2>,
                NoPass&, const Context&) const {}
};

void mistake() { Sequential net{Shape{3}, Twice{}}; }
