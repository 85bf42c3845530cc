// SPDX-License-Identifier: MIT
//
// Predictor: a trained network with prepack_weights, for serving. It holds its own
// copy of the weights and nothing in it changes, so any number of threads may use one,
// each with a scratch of its own.
//
//   const Predictor predictor{net, 64};
//   auto scratch = predictor.scratch();          // one for each thread of yours
//   const auto logits = predictor(images, scratch);
//
// `net.predict(images)` is the convenience for when a new tensor per call is good enough.
#pragma once

#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {

/// A network whose weights will not change, for several callers at once.
template <class Net>
class Predictor {
 public:
  using T = typename Net::value_type;

  /// For batches of at most `capacity`.
  Predictor(Net net, Index capacity) : net_(std::move(net)), capacity_(capacity) {}

  /// Working memory for one caller, weights in the order in which the kernels read them among it,
  /// so that no call has to pack them; `threads` as in WorkspaceOptions.
  Workspace<Net> scratch(int threads = 0) const {
    return net_.workspace(capacity_,
                          {.keep = Keep::output, .threads = threads, .prepack_weights = true});
  }

  /// The output for x; the view is good until this scratch is used again.
  View<const T, Net::output_rank> operator()(View<const T, Net::input_rank> x,
                                             Workspace<Net>& scratch) const {
    return net_.forward(x, scratch, Mode::eval);
  }

  /// The network.
  const Net& net() const { return net_; }

 private:
  Net net_;
  Index capacity_;
};

}  // namespace fovea::inline FOVEA_ABI
