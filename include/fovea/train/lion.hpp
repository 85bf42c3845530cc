// SPDX-License-Identifier: MIT
//
// Lion: every parameter moves by the same amount, only the sign is learned (Chen et al., Symbolic
// discovery of optimization algorithms, NeurIPS 2023).
//
//   u  = sign(b1 m + (1 - b1) g)
//   w -= lr (u + wd w)
//   m  = b2 m + (1 - b2) g
//
// The rate is some 3 to 10 times smaller than Adam's, and the decay so much larger.
#pragma once

#include "fovea/train/optimizer.hpp"

namespace fovea::inline FOVEA_ABI {

/// The numbers of Lion.
struct LionOptions {
  double learning_rate = 1e-4;
  double beta1 = 0.9, beta2 = 0.99;  ///< how much of m is kept: for the step, and for the next m
  double weight_decay = 0;           ///< the share of a weight that a step of size 1 takes away
};

/// Lion, for all parameters of one network.
template <class T>
class Lion : public Optimizer<T> {
 public:
  LionOptions options;  ///< may change between steps

  /// m at zero. Throws on options outside their range.
  template <class Net, class Groups = OneGroup>
  explicit Lion(const Net& net, LionOptions o = {}, const Groups& groups = {})
      : Optimizer<T>("Lion", net, groups), options(o), mean_(this->zeros()) {
    check_options();
  }

  /// What a checkpoint keeps besides steps(): name and member.
  static constexpr auto state() { return std::make_tuple(std::pair{"mean", &Lion::mean_}); }

  /// One step, with the checks of Sgd::step.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    check_options();
    const auto b1 = static_cast<T>(options.beta1), b2 = static_cast<T>(options.beta2);
    this->each(net, workspace, [&](const auto& p) {
      const double learning_rate = options.learning_rate * p.group.rate;
      const auto rate = static_cast<T>(learning_rate);
      const auto keep = static_cast<T>(1 - learning_rate * options.weight_decay * p.group.decay);
      T *const m = mean_.data() + p.offset, *const w = p.w;
      const T* const g = p.g;
      parallel_blocks(workspace.threads(), p.size, this->block, [=](Index first, Index last) {
        FOVEA_INDEPENDENT
        for (Index i = first; i < last; ++i) {
          const T u = b1 * m[i] + (T{1} - b1) * g[i];
          // A NaN stays one: u itself is added where it has no sign.
          const T sign = u > T{0} ? T{1} : u < T{0} ? T{-1} : u;
          w[i] = keep * w[i] - rate * sign;
          m[i] = flush_denormal(b2 * m[i] + (T{1} - b2) * g[i]);
        }
      });
    });
  }

 private:
  void check_options() const {
    this->check_number(options.learning_rate, "learning rate");
    this->check_share(options.beta1, "beta");
    this->check_share(options.beta2, "beta");
    this->check_number(options.weight_decay, "weight decay");
  }

  Tensor<T, 1> mean_;  // m of all parameters, one after the other
};

template <class Net>
Lion(const Net&, LionOptions = {}) -> Lion<typename Net::value_type>;
template <class Net, class Groups>
Lion(const Net&, LionOptions, const Groups&) -> Lion<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
