// SPDX-License-Identifier: MIT
//
// What all optimizers have in common: one count of steps for all parameters, the groups that
// parameters belong to, and the checks before a step.
//
//   Sgd sgd{net, {.learning_rate = 0.1, .momentum = 0.9}, [](std::string_view name) {
//     return ParameterGroup{.rate = name.starts_with("conv1") ? 0.1 : 1.0,
//                           .decay = name.ends_with("bias") ? 0.0 : 1.0};
//   }};
//
// An optimizer of one's own is a class that inherits this one; train/sgd.hpp is the shortest
// example.
#pragma once

#include <limits>
#include <string_view>
#include <vector>

#include "fovea/core/parallel.hpp"
#include "fovea/core/simd.hpp"
#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// How a parameter is trained, beside the options of its optimizer.
struct ParameterGroup {
  double rate = 1;      ///< times the learning rate
  double decay = 1;     ///< times the weight decay
  bool frozen = false;  ///< stays as it is; WorkspaceOptions::frozen saves its gradient too
};

/// All parameters in one group.
struct OneGroup {
  /// The group of any parameter.
  ParameterGroup operator()(std::string_view) const { return {}; }
};

/// The base of all optimizers.
template <class T>
class Optimizer {
 public:
  /// The number of steps taken.
  std::uint64_t steps() const { return steps_; }
  /// Goes on from here, with the tensors of state() as they were.
  void set_steps(std::uint64_t steps) { steps_ = steps; }

  /// Throws unless x is finite and 0 or more, also as a T: 1e60 would be infinite in float.
  void check_number(double x, const char* what) const {
    check(0 <= x && x <= most, name_, ": expected a finite ", what, " of 0 or more, got ", x);
  }
  /// Throws unless x is finite and above 0, also as a T.
  void check_epsilon(double x) const {
    constexpr auto least = static_cast<double>(std::numeric_limits<T>::denorm_min());
    check(least <= x && x <= most, name_, ": expected a finite epsilon above 0 (", least,
          " or more), got ", x);
  }
  /// Throws unless 0 <= x < 1, also as a T.
  void check_share(double x, const char* what) const {
    check(0 <= x && x < 1 && static_cast<T>(x) < 1, name_, ": expected a ", what,
          " in [0, 1), got ", x);
  }

 protected:
  /// A parameter, its gradient, and where its numbers are among those of all parameters.
  struct Update {
    T* w;                  ///< the parameter
    const T* g;            ///< its gradient
    Index offset, size;    ///< of its numbers
    Index rows;            ///< its first extent
    std::size_t rank;      ///< 4: the filters of a convolution
    ParameterGroup group;  ///< how it is trained
  };

  /// `group(name)` is the ParameterGroup of each parameter. Throws on rates and decays that are
  /// negative or not finite.
  template <class Net, class Groups>
  [[gnu::cold]] Optimizer(const char* name, const Net& net, const Groups& group)
      : name_(name), network_(net.identity()) {
    net.for_each_parameter([&](const auto& parameter, const auto& tensor) {
      const ParameterGroup g = group(std::string_view(parameter));
      check_number(g.rate, "rate of a group");
      check_number(g.decay, "weight decay of a group");
      const Extents extents = extents_of(tensor);
      parameters_.push_back({extents.size(), extents.at[0], extents.rank, g});
      size_ += extents.size();
    });
  }

  /// Calls update(Update) for every parameter that is trained, after one more step is counted.
  /// Throws, and changes nothing, on another network than it was made for, and on a workspace that
  /// is not for training.
  template <class Net, class F>
  void each(Net& net, Workspace<Net>& workspace, const F& update) {
    network_.check_same(name_.data(), net.identity(), false);
    check(net.parameter_count() == size_, name_, ": expected the ", size_,
          " parameters that it was made for, found ", net.parameter_count());
    workspace.check_trains(name_.data(), net);
    net.commit_buffers(workspace);
    ++steps_;
    Index offset = 0;
    std::size_t i = 0;
    net.for_each_parameter(workspace, [&](auto parameter, auto gradient) {
      const Parameter& p = parameters_[i++];
      if (!gradient.empty() && !p.group.frozen)
        update(Update{parameter.data(), gradient.data(), offset, p.size, p.rows, p.rank, p.group});
      offset += p.size;
    });
    workspace.step = steps_;
  }

  /// The numbers of all parameters, at zero: for a mean or a momentum.
  Tensor<T, 1> zeros() const { return Tensor<T, 1>(Shape{size_}); }

  /// The largest finite T.
  static constexpr double most = static_cast<double>(std::numeric_limits<T>::max());
  static constexpr Index block = 16384;  ///< parameters a thread takes at a time

 private:
  struct Parameter {
    Index size, rows;
    std::size_t rank;
    ParameterGroup group;
  };
  static Extents extents_of(const auto& tensor) {
    if constexpr (requires { tensor.extents; })
      return tensor.extents;
    else
      return tensor.shape();
  }

  std::string_view name_;
  NetworkIdentity::Owner network_;
  std::uint64_t steps_ = 0;
  Index size_ = 0;
  std::vector<Parameter> parameters_{};
};

}  // namespace fovea::inline FOVEA_ABI
