// SPDX-License-Identifier: MIT
//
// Averages of the weights on their way, which are often better than the last ones.
//
//   Ema         a = d a + (1 - d) w after every step: an exponential moving average (Polyak and
//               Juditsky, Acceleration of stochastic approximation by averaging, 1992)
//   Lookahead   every k steps a += (1 - d) (w - a), and w = a: the optimizer runs ahead, and the
//               slow weights follow some of the way (Zhang, Lucas, Hinton and Ba, Lookahead
//               optimizer: k steps forward, 1 step back, NeurIPS 2019)
//
// Parameters and buffers, all that a file of the network holds, are averaged.
//
//   Ema ema{net, 0.999};
//   ...  sgd.step(net, w);  ema.update(net);
//   ema.swap(net);  evaluate(net, test);  ema.swap(net);      // look at the average, and go on
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// What both have: a copy of the state of a network.
template <class T>
class StateAverage {
 public:
  /// What a checkpoint keeps.
  static constexpr auto state() {
    return std::make_tuple(std::pair{"average", &StateAverage::average_});
  }

 protected:
  template <class Net>
  explicit StateAverage(const char* name, const Net& net) : name_(name), network_(net.identity()) {
    Index size = 0;
    net.for_each_state([&](const auto& tensor) { size += std::ssize(numbers(tensor)); });
    average_ = Tensor<T, 1>(Shape{size});
    T* a = average_.data();
    net.for_each_state([&](const auto& tensor) {
      const std::span<const T> w = numbers(tensor);
      a = std::copy(w.begin(), w.end(), a);
    });
  }

  /// Calls f(a, w) for every number of the average and of the network. Allocates nothing.
  template <class Net, class F>
  void each(Net& net, const F& f) {
    network_.check_same(name_.data(), net.identity(), false);
    Index at = 0;
    net.for_each_state([&](auto& tensor) {
      const std::span<T> w = numbers(tensor);
      check(std::ssize(w) <= average_.size() - at, name_, ": expected the ", average_.size(),
            " numbers that it was made for, found more");
      for (T& x : w) f(average_.data()[at++], x);
    });
    check(at == average_.size(), name_, ": expected the ", average_.size(),
          " numbers that it was made for, found ", at);
  }

  static void check_decay(const char* name, double decay) {
    check(0 <= decay && decay <= 1, name, ": expected a decay in [0, 1], got ", decay);
  }

 private:
  // All of a tensor, which a Network shows as an AnyView.
  static auto numbers(auto& tensor) {
    if constexpr (requires { tensor.extents; })
      return std::span(tensor.data, static_cast<std::size_t>(tensor.extents.size()));
    else
      return tensor.flat();
  }

  std::string_view name_;
  NetworkIdentity::Owner network_;
  Tensor<T, 1> average_{};
};

/// The moving average of the state of a network.
template <class T>
class Ema : public StateAverage<T> {
 public:
  static constexpr const char* name = "ema";  ///< in checkpoints
  double decay;                               ///< d, in [0, 1]

  /// Begins with the state as it is.
  template <class Net>
  explicit Ema(const Net& net, double d = 0.999) : StateAverage<T>("Ema", net), decay(d) {
    this->check_decay("Ema", d);
  }

  /// a = d a + (1 - d) w, after each step.
  template <class Net>
  void update(Net& net) {
    this->check_decay("Ema", decay);
    const auto d = static_cast<T>(decay), rest = static_cast<T>(1 - decay);
    this->each(net, [=](T& a, const T& w) { a = d * a + rest * w; });
  }

  /// The network gets the average, and the other way round.
  template <class Net>
  void swap(Net& net) {
    this->each(net, [](T& a, T& w) { std::swap(a, w); });
  }
};
template <class Net>
Ema(const Net&, double = 0) -> Ema<typename Net::value_type>;

/// Slow weights that follow those of the optimizer.
template <class T>
class Lookahead : public StateAverage<T> {
 public:
  static constexpr const char* name = "lookahead";  ///< in checkpoints
  std::uint64_t every;                              ///< k, steps
  double decay;                                     ///< d: the share of the way that they do not go

  /// Begins with the state as it is. Throws on k = 0 and on a decay outside [0, 1].
  template <class Net>
  explicit Lookahead(const Net& net, std::uint64_t k = 5, double d = 0.5)
      : StateAverage<T>("Lookahead", net), every(k), decay(d) {
    this->check_decay("Lookahead", d);
    check(k > 0, "Lookahead: expected to follow every 1 steps or more, got 0");
  }

  /// After step number `steps` of the optimizer, sgd.steps(). Whether the slow weights followed.
  template <class Net>
  bool update(Net& net, std::uint64_t steps) {
    this->check_decay("Lookahead", decay);
    check(every > 0, "Lookahead: expected to follow every 1 steps or more, got 0");
    if (steps % every != 0) return false;
    const auto way = static_cast<T>(1 - decay);
    this->each(net, [=](T& a, T& w) { a += way * (w - a), w = a; });
    return true;
  }
};
template <class Net>
Lookahead(const Net&, std::uint64_t = 0, double = 0) -> Lookahead<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
