// SPDX-License-Identifier: MIT
//
// Toy layers that the contract of a layer must carry and the library does not have. They are written
// for tests, as a user would write them, and are no part of the library.
#pragma once

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

}  // namespace toy
