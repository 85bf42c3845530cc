// SPDX-License-Identifier: MIT
//
// Stochastic gradient descent with momentum: a ball that rolls down the loss.
//
//   g  = dL/dw + wd w         weight decay, if any
//   v  = mu v + g             the first step has v = g
//   w -= lr v
//
// With `.nesterov` w -= lr (g + mu v): the gradient is looked at where the momentum will have led
// (Nesterov 1983).
//
// (Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013,
// in the form that PyTorch uses.)
#pragma once

#include <limits>

#include "fovea/core/parallel.hpp"
#include "fovea/core/simd.hpp"
#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// The numbers of SGD.
struct SgdOptions {
  double learning_rate = 1e-2;
  double momentum = 0;      ///< mu, in [0, 1)
  double weight_decay = 0;  ///< the share of a weight that is added to its gradient
  bool nesterov = false;    ///< looks ahead, which takes a momentum above 0
};

/// Gradient descent with momentum, for all parameters of one network.
template <class T>
class Sgd {
 public:
  SgdOptions options;  ///< may change between steps

  /// v at zero. Throws on options outside their range.
  template <class Net>
  explicit Sgd(const Net& net, SgdOptions o = {})
      : options(o), network_(net.identity()), velocity_(Shape{net.parameter_count()}) {
    check_options();
  }

  /// The number of steps taken.
  std::uint64_t steps() const { return steps_; }

  /// Goes on from here, with the tensor below as it was.
  void set_steps(std::uint64_t steps) { steps_ = steps; }

  /// What a checkpoint keeps besides steps(): name and member.
  static constexpr auto state() { return std::make_tuple(std::pair{"velocity", &Sgd::velocity_}); }

  /// One step on every parameter of `net` with the gradients in `workspace`. Throws, and changes
  /// nothing, on another network than it was made for, on a workspace that is not for training, and
  /// on options outside their range.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    network_.check_same("Sgd", net.identity(), false);
    check(net.parameter_count() == velocity_.size(), "Sgd: expected the ", velocity_.size(),
          " parameters that it was made for, found ", net.parameter_count());
    workspace.check_trains("Sgd", net);
    check_options();
    net.commit_buffers(workspace);
    ++steps_;
    const auto rate = static_cast<T>(options.learning_rate);
    const auto momentum = static_cast<T>(options.momentum);
    const auto decay = static_cast<T>(options.weight_decay);
    const bool nesterov = options.nesterov;
    Index offset = 0;
    net.for_each_parameter(workspace, [&](auto parameter, auto gradient) {
      T *const v = velocity_.data() + offset, *const w = parameter.data();
      const T* const g = gradient.data();
      parallel_blocks(workspace.threads(), parameter.size(), 16384, [=](Index first, Index last) {
        FOVEA_INDEPENDENT
        for (Index i = first; i < last; ++i) {
          const T decayed = g[i] + decay * w[i];
          v[i] = flush_denormal(momentum * v[i] + decayed);
          w[i] -= rate * (nesterov ? decayed + momentum * v[i] : v[i]);
        }
      });
      offset += parameter.size();
    });
    workspace.step = steps_;
  }

 private:
  // In a T: 1e60 would be an infinite rate in float.
  void check_options() const {
    constexpr auto most = static_cast<double>(std::numeric_limits<T>::max());
    const SgdOptions& o = options;
    check(0 <= o.learning_rate && o.learning_rate <= most,
          "Sgd: expected a finite learning rate of 0 or more, got ", o.learning_rate);
    check(0 <= o.momentum && o.momentum < 1, "Sgd: expected a momentum in [0, 1), got ",
          o.momentum);
    check(0 <= o.weight_decay && o.weight_decay <= most,
          "Sgd: expected a finite weight decay of 0 or more, got ", o.weight_decay);
    check(!o.nesterov || o.momentum > 0, "Sgd: expected a momentum above 0 with nesterov, got ",
          o.momentum);
  }

  NetworkIdentity::Owner network_;
  std::uint64_t steps_ = 0;
  Tensor<T, 1> velocity_;
};

template <class Net>
Sgd(const Net&, SgdOptions = {}) -> Sgd<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
