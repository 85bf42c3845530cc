// SPDX-License-Identifier: MIT
//
// Stochastic gradient descent with momentum: a ball that rolls down the loss.
//
//   g  = dL/dw + wd w         weight decay, if any
//   v  = mu v + g             the first step has v = g
//   w -= lr v                 or, with Nesterov's momentum, w -= lr (g + mu v)
//
// Nesterov's step looks at the gradient where the momentum will have led (Nesterov, A method of
// solving a convex programming problem with convergence rate O(1/k^2), 1983; Sutskever et al., On
// the importance of initialization and momentum in deep learning, ICML 2013; both in the form that
// PyTorch uses).
#pragma once

#include "fovea/train/optimizer.hpp"

namespace fovea::inline FOVEA_ABI {

/// The numbers of SGD.
struct SgdOptions {
  double learning_rate = 1e-2;
  double momentum = 0;      ///< mu, in [0, 1)
  double weight_decay = 0;  ///< the share of a weight that is added to its gradient
  bool nesterov = false;    ///< Nesterov's step; takes a momentum above 0
};

/// Gradient descent with momentum, for all parameters of one network.
template <class T>
class Sgd : public Optimizer<T> {
 public:
  SgdOptions options;  ///< may change between steps

  /// v at zero. Throws on options outside their range.
  template <class Net, class Groups = OneGroup>
  explicit Sgd(const Net& net, SgdOptions o = {}, const Groups& groups = {})
      : Optimizer<T>("Sgd", net, groups), options(o), velocity_(this->zeros()) {
    check_options(*this, options);
  }

  /// What a checkpoint keeps besides steps(): name and member.
  static constexpr auto state() { return std::make_tuple(std::pair{"velocity", &Sgd::velocity_}); }

  /// One step on every parameter of `net` with the gradients in `workspace`. Throws, and changes
  /// nothing, on another network than it was made for, on a workspace that is not for training, and
  /// on options outside their range.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    check_options(*this, options);
    this->each(net, workspace, [&](const auto& p) {
      update(p, velocity_.data() + p.offset, options, workspace.threads());
    });
  }

  /// The step on one parameter, with its v.
  static void update(const auto& p, T* v, const SgdOptions& o, int threads) {
    const auto rate = static_cast<T>(o.learning_rate * p.group.rate);
    const auto momentum = static_cast<T>(o.momentum);
    const auto decay = static_cast<T>(o.weight_decay * p.group.decay);
    T* const w = p.w;
    const T* const gradient = p.g;
    parallel_blocks(threads, p.size, Sgd::block,
                    [=, nesterov = o.nesterov](Index first, Index last) {
                      FOVEA_INDEPENDENT
                      for (Index i = first; i < last; ++i) {
                        const T g = gradient[i] + decay * w[i];
                        v[i] = flush_denormal(momentum * v[i] + g);
                        w[i] -= rate * (nesterov ? g + momentum * v[i] : v[i]);
                      }
                    });
  }

  /// Throws unless these are numbers for `optimizer`. In a T: 1e60 would be an infinite rate in
  /// float.
  static void check_options(const Optimizer<T>& optimizer, const SgdOptions& o) {
    optimizer.check_number(o.learning_rate, "learning rate");
    optimizer.check_share(o.momentum, "momentum");
    optimizer.check_number(o.weight_decay, "weight decay");
    check(!o.nesterov || o.momentum > 0, "Sgd: expected a momentum above 0 with nesterov, got ",
          o.momentum);
  }

 private:
  Tensor<T, 1> velocity_;  // v of all parameters, one after the other
};

template <class Net>
Sgd(const Net&, SgdOptions = {}) -> Sgd<typename Net::value_type>;
template <class Net, class Groups>
Sgd(const Net&, SgdOptions, const Groups&) -> Sgd<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
