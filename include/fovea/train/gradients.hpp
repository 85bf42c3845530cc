// SPDX-License-Identifier: MIT
//
// What is done to the gradients of a workspace between backward and step.
//
//   clip_norm(net, w, 1.0)    all of them times 1.0 / |g| if the norm |g| of all together is larger
//                             (Pascanu, Mikolov and Bengio, On the difficulty of training
//                             recurrent neural networks, ICML 2013)
//   clip_value(net, w, 0.5)   each number kept in [-0.5, 0.5]
//
// GradientMean makes a large batch of small ones, where memory is short:
//
//   GradientMean mean{net};
//   for (Index part = 0; part < 4; ++part) {
//     ...forward, loss and backward of 64 images...
//     mean.add(net, w);
//   }
//   mean.put(net, w);            // the mean of the four: the gradient of a batch of 256
//   sgd.step(net, w);
#pragma once

#include <cmath>

#include "fovea/kernels/channel_sums.hpp"
#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// The norm of all gradients together; before it returns, they are scaled down to `largest` if it
/// is larger. Frozen parameters do not count. Throws unless `largest` is above 0.
template <class Net>
double clip_norm(Net& net, Workspace<Net>& w, double largest) {
  using T = typename Net::value_type;
  check(largest > 0, "clip_norm: expected a norm above 0, got ", largest);
  double squares = 0;
  net.for_each_parameter(w, [&](auto, auto gradient) {
    const T* const g = gradient.data();
    squares += kernels::lane_sum<double>(gradient.size(), [g](Index i) {
      return static_cast<double>(g[i]) * static_cast<double>(g[i]);
    });
  });
  const double norm = std::sqrt(squares);
  if (!(norm > largest)) return norm;
  const auto scale = static_cast<T>(largest / norm);
  net.for_each_parameter(w, [&](auto, auto gradient) {
    for (auto& g : gradient) g *= scale;
  });
  return norm;
}

/// Every gradient in [-largest, largest]; a NaN stays one. Throws unless `largest` is above 0.
template <class Net>
void clip_value(Net& net, Workspace<Net>& w, double largest) {
  using T = typename Net::value_type;
  check(largest > 0, "clip_value: expected a value above 0, got ", largest);
  const auto limit = static_cast<T>(largest);
  net.for_each_parameter(w, [&](auto, auto gradient) {
    for (auto& g : gradient) g = g > limit ? limit : g < -limit ? -limit : g;
  });
}

/// The mean of several gradients.
template <class T>
class GradientMean {
 public:
  /// Of a network with as many parameters.
  template <class Net>
  explicit GradientMean(const Net& net)
      : network_(net.identity()), sum_(Shape{net.parameter_count()}) {}

  /// How many gradients it is of.
  Index count() const { return count_; }

  /// One more. `weight` is for parts of different sizes: the number of examples, for instance.
  template <class Net>
  void add(Net& net, Workspace<Net>& w, double weight = 1) {
    check(weight > 0 && std::isfinite(weight),
          "GradientMean: expected a finite weight above 0, got ", weight);
    each(net, w,
         [&](T& sum, T& g) { sum = (count_ == 0 ? T{0} : sum) + static_cast<T>(weight) * g; });
    weights_ = (count_ == 0 ? 0 : weights_) + weight;
    ++count_;
  }

  /// Their mean becomes the gradient in the workspace, and a new mean begins. Throws if there is
  /// none.
  template <class Net>
  void put(Net& net, Workspace<Net>& w) {
    check(count_ > 0, "GradientMean: expected a gradient before its mean, got none");
    each(net, w, [&](T& sum, T& g) { g = static_cast<T>(static_cast<double>(sum) / weights_); });
    count_ = 0;
  }

 private:
  template <class Net, class F>
  void each(Net& net, Workspace<Net>& w, const F& f) {
    network_.check_same("GradientMean", net.identity(), false);
    check(net.parameter_count() == sum_.size(), "GradientMean: expected the ", sum_.size(),
          " parameters that it was made for, found ", net.parameter_count());
    Index offset = 0;
    net.for_each_parameter(w, [&](auto parameter, auto gradient) {
      for (Index i = 0; i < gradient.size(); ++i) f(sum_(offset + i), gradient.data()[i]);
      offset += parameter.size();
    });
  }

  NetworkIdentity::Owner network_;
  Tensor<T, 1> sum_;
  double weights_ = 0;
  Index count_ = 0;
};
template <class Net>
GradientMean(const Net&) -> GradientMean<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
