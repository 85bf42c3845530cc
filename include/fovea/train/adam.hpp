// SPDX-License-Identifier: MIT
//
// Adam: every parameter gets a step of its own size, about the learning rate, smaller where the
// gradient keeps changing its sign (Kingma and Ba, Adam: a method for
// stochastic optimization, 2015).
//
//   t  += 1                                    one count of steps for all parameters
//   m   = b1 m + (1 - b1) g                    running mean of the gradient
//   v   = b2 v + (1 - b2) g^2                  running mean of its square
//   w  -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
//
// AdamW first shrinks the weights, w -= lr wd w, apart from the gradient (Loshchilov and Hutter,
// Decoupled weight decay regularization, 2019). Adam is AdamW without decay.
//
// The two denominators make up for m and v starting at zero; a count that goes up once a
// tensor instead of once a step would make them wrong. A moment that decays below the
// normal numbers becomes zero.
#pragma once

#include <cmath>

#include "fovea/core/math.hpp"
#include "fovea/train/optimizer.hpp"

namespace fovea::inline FOVEA_ABI {

/// The numbers of Adam; the defaults are those of Kingma and Ba.
struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< how much of m and v is kept, each in [0, 1)
  double epsilon = 1e-8;              ///< against a division by zero
};

/// The numbers of AdamW.
struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;  ///< how much of m and v is kept, each in [0, 1)
  double epsilon = 1e-8;              ///< against a division by zero
  double weight_decay = 1e-2;         ///< the share of a weight that a step of size 1 takes away
};

/// Adam with decoupled weight decay, for all parameters of one network.
template <class T>
class AdamW : public Optimizer<T> {
 public:
  AdamWOptions options;  ///< may change between steps: `adamw.options.learning_rate = schedule(t)`

  /// m and v at zero. Throws on options outside their range.
  template <class Net, class Groups = OneGroup>
  [[gnu::cold]] explicit AdamW(const Net& net, AdamWOptions o = {}, const Groups& groups = {})
      : Optimizer<T>("Adam", net, groups),
        options(o),
        mean_(this->zeros()),
        square_(this->zeros()) {
    check_options();
  }

  /// What a checkpoint keeps besides steps(): names and members.
  static constexpr auto state() {
    return std::make_tuple(std::pair{"mean", &AdamW::mean_}, std::pair{"square", &AdamW::square_});
  }

  /// One step on every parameter of `net` with the gradients in `workspace`. Throws, and changes
  /// nothing, on another network than it was made for, on a workspace that is not for training, and
  /// on options outside their range.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    check_options();
    this->each(net, workspace, [&](const auto& p) {
      update(p.w, p.g, p.offset, p.size, p.group, workspace.threads());
    });
  }

 private:
  // In a T: in float 1e-60 is an epsilon of 0, 1e60 an infinite rate and 1 - 1e-9 a beta of 1.
  void check_options() const {
    const AdamWOptions& o = options;
    this->check_number(o.learning_rate, "learning rate");
    this->check_share(o.beta1, "beta");
    this->check_share(o.beta2, "beta");
    this->check_epsilon(o.epsilon);
    this->check_number(o.weight_decay, "weight decay");
  }

  // `size` parameters at w with the gradients at g; their m and v begin at `offset`. A float has
  // 0.99900001 for a beta2 of 0.999. The corrections use the number it has, because m and v
  // do: with 0.999 the first step would be 6.7e-6 too long.
  FOVEA_OUT_OF_LINE void update(T* w, const T* g, Index offset, Index size,
                                const ParameterGroup& group, int threads) {
    const auto t = static_cast<double>(this->steps());
    const auto b1 = static_cast<T>(options.beta1), b2 = static_cast<T>(options.beta2);
    const double correction1 = 1.0 - math::pow(static_cast<double>(b1), t),
                 correction2 = 1.0 - math::pow(static_cast<double>(b2), t);
    const double learning_rate = options.learning_rate * group.rate;
    const auto rate = static_cast<T>(learning_rate / correction1);
    const auto scale = static_cast<T>(1.0 / std::sqrt(correction2));
    const auto epsilon = static_cast<T>(options.epsilon);
    const auto keep = static_cast<T>(1.0 - learning_rate * options.weight_decay * group.decay);
    T* const m = mean_.data() + offset;
    T* const v = square_.data() + offset;
    parallel_blocks(threads, size, this->block, [=](Index first, Index last) {
      FOVEA_INDEPENDENT
      for (Index i = first; i < last; ++i) {
        m[i] = flush_denormal(b1 * m[i] + (T{1} - b1) * g[i]);
        v[i] = flush_denormal(b2 * v[i] + (T{1} - b2) * g[i] * g[i]);
        w[i] = keep * w[i] - rate * m[i] / (scale * std::sqrt(v[i]) + epsilon);
      }
    });
  }

  Tensor<T, 1> mean_, square_;  // m and v of all parameters, one after the other
};

template <class Net>
AdamW(const Net&, AdamWOptions = {}) -> AdamW<typename Net::value_type>;
template <class Net, class Groups>
AdamW(const Net&, AdamWOptions, const Groups&) -> AdamW<typename Net::value_type>;

/// AdamW without decay. A class and not an alias of one: clang 14 deduces the T of `Adam
/// adam{net}` for classes alone.
template <class T>
class Adam : public AdamW<T> {
 public:
  /// See AdamW.
  template <class Net, class Groups = OneGroup>
  explicit Adam(const Net& net, AdamOptions o = {}, const Groups& groups = {})
      : AdamW<T>(net, {o.learning_rate, o.beta1, o.beta2, o.epsilon, 0.0}, groups) {}
};

template <class Net>
Adam(const Net&, AdamOptions = {}) -> Adam<typename Net::value_type>;
template <class Net, class Groups>
Adam(const Net&, AdamOptions, const Groups&) -> Adam<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
