// SPDX-License-Identifier: MIT
//
// The range test for a learning rate: train for a while with a rate that grows from step to step,
// and see where the loss begins to fall and where it explodes (Smith, Cyclical learning rates for
// training neural networks, WACV 2017).
//
//   const auto curve = rate_test(net, train, [](const auto& net) { return Sgd{net}; });
//   for (const auto& [rate, loss] : curve) ...
//
// How to read it: a good rate is some 3 to 10 times below the one with the smallest loss, where the
// curve falls fastest. examples/mnist/rate_test.cpp draws the curve.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "fovea/core/math.hpp"
#include "fovea/data/batches.hpp"
#include "fovea/nn/cross_entropy.hpp"

namespace fovea::inline FOVEA_ABI {

/// How the rates grow.
struct RateTestOptions {
  double from = 1e-5, to = 1;  ///< the first and the last rate
  Index steps = 100;           ///< from one to the other, by a constant factor
  Index batch_size = 64;       ///< images in a step
  double smoothing = 0.9;      ///< of the loss, in [0, 1): the share of the mean so far
  std::uint64_t seed = 1;      ///< of the order of the images
  int threads = 0;             ///< 0: OMP_NUM_THREADS, or all
};

/// A rate, and the smoothed loss at it.
struct RateTestPoint {
  double rate, loss;  ///< at that step
};

/// The curve, of a copy of the network, which stays as it is. It ends early where the loss is more
/// than four times its smallest, or NaN. `make(net)` makes the optimizer.
template <class Net, class Make>
std::vector<RateTestPoint> rate_test(Net net, const Dataset& data, const Make& make,
                                     const RateTestOptions& o = {}) {
  check(0 < o.from && o.from < o.to && std::isfinite(o.to) && o.steps >= 2,
        "rate_test: expected two rates, 0 < from < to, and 2 steps or more, got ", o.from, ", ",
        o.to, " and ", o.steps);
  check(0 <= o.smoothing && o.smoothing < 1, "rate_test: expected a smoothing in [0, 1), got ",
        o.smoothing);
  check(data.size() > 0, "rate_test: expected images to train on, found none");
  auto w = net.workspace(std::min(o.batch_size, data.size()), {.threads = o.threads});
  auto optimizer = make(std::as_const(net));
  std::vector<RateTestPoint> curve;
  double mean = 0, weight = 0, smallest = std::numeric_limits<double>::infinity();
  for (std::uint64_t epoch = 0;; ++epoch)
    for (const auto& [images, labels] :
         batches<typename Net::value_type>(data, o.batch_size, {.seed = o.seed, .epoch = epoch})) {
      const auto step = static_cast<double>(curve.size()), last = static_cast<double>(o.steps - 1);
      const double rate = o.from * math::exp(math::log(o.to / o.from) * step / last);
      optimizer.options.learning_rate = rate;
      const auto loss =
          static_cast<double>(cross_entropy(net.forward(images, w), labels, w.output_gradient()));
      net.backward(w);
      optimizer.step(net, w);
      mean = o.smoothing * mean + (1 - o.smoothing) * loss;
      weight = o.smoothing * weight + (1 - o.smoothing);
      curve.push_back({rate, mean / weight});
      smallest = std::min(smallest, mean / weight);
      if (std::ssize(curve) == o.steps || !(mean / weight <= 4 * smallest)) return curve;
    }
}

}  // namespace fovea::inline FOVEA_ABI
