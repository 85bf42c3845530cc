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
#include <cstdint>
#include <limits>

#include "fovea/core/math.hpp"
#include "fovea/core/parallel.hpp"
#include "fovea/core/simd.hpp"
#include "fovea/model/workspace.hpp"

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
class AdamW {
 public:
  AdamWOptions options;  ///< may change between steps: `adamw.options.learning_rate = schedule(t)`

  /// m and v at zero. Throws on options outside their range.
  template <class Net>
  [[gnu::cold]] explicit AdamW(const Net& net, AdamWOptions o = {})
      : options(o),
        network_(net.identity()),
        mean_(Shape{net.parameter_count()}),
        square_(Shape{net.parameter_count()}) {
    check_options();
  }

  /// The number of steps taken.
  std::uint64_t steps() const { return steps_; }

  /// Goes on from here, with the tensors below as they were.
  void set_steps(std::uint64_t steps) { steps_ = steps; }

  /// What a checkpoint keeps besides steps(): names and members.
  static constexpr auto state() {
    return std::make_tuple(std::pair{"mean", &AdamW::mean_}, std::pair{"square", &AdamW::square_});
  }

  /// One step on every parameter of `net` with the gradients in `workspace`. Throws, and changes
  /// nothing, on another network than it was made for, on a workspace that is not for training, and
  /// on options outside their range.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    network_.check_same("Adam", net.identity(), false);
    check(net.parameter_count() == mean_.size(), "Adam: expected the ", mean_.size(),
          " parameters that it was made for, found ", net.parameter_count());
    workspace.check_trains("Adam", net);
    check_options();
    net.commit_buffers(workspace);
    ++steps_;
    Index offset = 0;
    net.for_each_parameter(workspace, [&](auto parameter, auto gradient) {
      update(parameter.data(), gradient.data(), offset, parameter.size(), workspace.threads());
      offset += parameter.size();
    });
    workspace.step = steps_;
  }

 private:
  static constexpr Index block = 16384;  // parameters a thread takes at a time

  // In a T: in float 1e-60 is an epsilon of 0, 1e60 an infinite rate and 1 - 1e-9 a beta of 1.
  void check_options() const {
    constexpr auto least = static_cast<double>(std::numeric_limits<T>::denorm_min()),
                   most = static_cast<double>(std::numeric_limits<T>::max());
    const AdamWOptions& o = options;
    check(0 <= o.learning_rate && o.learning_rate <= most,
          "Adam: expected a finite learning rate of 0 or more, got ", o.learning_rate);
    const auto is_beta = [](double b) { return 0 <= b && b < 1 && static_cast<T>(b) < 1; };
    check(is_beta(o.beta1) && is_beta(o.beta2), "Adam: expected betas in [0, 1), got ", o.beta1,
          " and ", o.beta2);
    check(least <= o.epsilon && o.epsilon <= most, "Adam: expected a finite epsilon above 0 (",
          least, " or more), got ", o.epsilon);
    check(0 <= o.weight_decay && o.weight_decay <= most,
          "AdamW: expected a finite weight decay of 0 or more, got ", o.weight_decay);
  }

  // `size` parameters at w with the gradients at g; their m and v begin at `offset`. A float has
  // 0.99900001 for a beta2 of 0.999. The corrections use the number it has, because m and v
  // do: with 0.999 the first step would be 6.7e-6 too long.
  FOVEA_OUT_OF_LINE void update(T* w, const T* g, Index offset, Index size, int threads) {
    const auto t = static_cast<double>(steps_);
    const auto b1 = static_cast<T>(options.beta1), b2 = static_cast<T>(options.beta2);
    const double correction1 = 1.0 - math::pow(static_cast<double>(b1), t),
                 correction2 = 1.0 - math::pow(static_cast<double>(b2), t);
    const auto rate = static_cast<T>(options.learning_rate / correction1);
    const auto scale = static_cast<T>(1.0 / std::sqrt(correction2));
    const auto epsilon = static_cast<T>(options.epsilon);
    const auto keep = static_cast<T>(1.0 - options.learning_rate * options.weight_decay);
    T* const m = mean_.data() + offset;
    T* const v = square_.data() + offset;
    parallel_blocks(threads, size, block, [=](Index first, Index last) {
      FOVEA_INDEPENDENT
      for (Index i = first; i < last; ++i) {
        m[i] = flush_denormal(b1 * m[i] + (T{1} - b1) * g[i]);
        v[i] = flush_denormal(b2 * v[i] + (T{1} - b2) * g[i] * g[i]);
        w[i] = keep * w[i] - rate * m[i] / (scale * std::sqrt(v[i]) + epsilon);
      }
    });
  }

  NetworkIdentity::Owner network_;
  std::uint64_t steps_ = 0;
  Tensor<T, 1> mean_, square_;  // m and v of all parameters, one after the other
};

template <class Net>
AdamW(const Net&, AdamWOptions = {}) -> AdamW<typename Net::value_type>;

/// AdamW without decay. A class and not an alias of one: clang 14 deduces the T of `Adam
/// adam{net}` for classes alone.
template <class T>
class Adam : public AdamW<T> {
 public:
  /// See AdamW.
  template <class Net>
  explicit Adam(const Net& net, AdamOptions o = {})
      : AdamW<T>(net, {o.learning_rate, o.beta1, o.beta2, o.epsilon, 0.0}) {}
};

template <class Net>
Adam(const Net&, AdamOptions = {}) -> Adam<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
