// SPDX-License-Identifier: MIT
//
// RMSprop: a gradient over its recent size (Tieleman and Hinton, lecture 6.5 of Neural networks for
// machine learning, 2012, in the form that PyTorch uses).
//
//   g  = dL/dw + wd w
//   s  = a s + (1 - a) g^2
//   v  = mu v + g / (sqrt(s) + eps)
//   w -= lr v
#pragma once

#include <cmath>

#include "fovea/train/optimizer.hpp"

namespace fovea::inline FOVEA_ABI {

/// The numbers of RMSprop.
struct RmspropOptions {
  double learning_rate = 1e-2;
  double alpha = 0.99;      ///< a: how much of s is kept, in [0, 1)
  double epsilon = 1e-8;    ///< against a division by zero
  double momentum = 0;      ///< mu, in [0, 1)
  double weight_decay = 0;  ///< the share of a weight that is added to its gradient
};

/// RMSprop, for all parameters of one network.
template <class T>
class Rmsprop : public Optimizer<T> {
 public:
  RmspropOptions options;  ///< may change between steps

  /// s and v at zero. Throws on options outside their range.
  template <class Net, class Groups = OneGroup>
  explicit Rmsprop(const Net& net, RmspropOptions o = {}, const Groups& groups = {})
      : Optimizer<T>("Rmsprop", net, groups),
        options(o),
        square_(this->zeros()),
        velocity_(this->zeros()) {
    check_options();
  }

  /// What a checkpoint keeps besides steps(): names and members.
  static constexpr auto state() {
    return std::make_tuple(std::pair{"square", &Rmsprop::square_},
                           std::pair{"velocity", &Rmsprop::velocity_});
  }

  /// One step, with the checks of Sgd::step.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    check_options();
    const auto a = static_cast<T>(options.alpha), mu = static_cast<T>(options.momentum),
               epsilon = static_cast<T>(options.epsilon);
    this->each(net, workspace, [&](const auto& p) {
      const auto rate = static_cast<T>(options.learning_rate * p.group.rate);
      const auto decay = static_cast<T>(options.weight_decay * p.group.decay);
      T *const s = square_.data() + p.offset, *const v = velocity_.data() + p.offset;
      T* const w = p.w;
      const T* const gradient = p.g;
      parallel_blocks(workspace.threads(), p.size, this->block, [=](Index first, Index last) {
        FOVEA_INDEPENDENT
        for (Index i = first; i < last; ++i) {
          const T g = gradient[i] + decay * w[i];
          s[i] = flush_denormal(a * s[i] + (T{1} - a) * g * g);
          v[i] = flush_denormal(mu * v[i] + g / (std::sqrt(s[i]) + epsilon));
          w[i] -= rate * v[i];
        }
      });
    });
  }

 private:
  void check_options() const {
    this->check_number(options.learning_rate, "learning rate");
    this->check_share(options.alpha, "alpha");
    this->check_share(options.momentum, "momentum");
    this->check_epsilon(options.epsilon);
    this->check_number(options.weight_decay, "weight decay");
  }

  Tensor<T, 1> square_, velocity_;  // s and v of all parameters, one after the other
};

template <class Net>
Rmsprop(const Net&, RmspropOptions = {}) -> Rmsprop<typename Net::value_type>;
template <class Net, class Groups>
Rmsprop(const Net&, RmspropOptions, const Groups&) -> Rmsprop<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
