// SPDX-License-Identifier: MIT
//
// A network without its type: what compare.cpp asks of every network. The comparing itself is compiled
// once; of each network only the functions in this header are.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fovea/core/random.hpp"
#include "fovea/fused/conv_pool.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/layer.hpp"

namespace random_networks {

using namespace fovea;

template <class T>
using Numbers = std::vector<T>;

/// Groups that are not among those of the library; ways to run a network without them are compared, too.
template <class T>
std::span<const FusionRule<T>> more_rules(const WorkspaceOptions& how) {
  if (!how.recompute) return {};
  return conv_pool<T>;
}

/// A tensor that has a name: "output", "conv1.weight", ...
template <class T>
struct Named {
  std::string name;
  Numbers<T> values;
};
template <class T>
using Tensors = std::vector<Named<T>>;

/// What one layer has seen in a forward and a backward with Keep::everything. Layers inside layers too.
struct Trace {
  std::string kind;
  std::vector<Index> x_shape;
  Numbers<double> x, dy;              // its input, and the gradient of its output
  Numbers<double> weight;             // empty if it has none
  std::vector<Index> weight_shape{};  // (outputs, inputs, ...)
  Window window{};                    // of a convolution or a pool
};

/// A workspace with its network.
template <class T>
class Run {
 public:
  virtual ~Run() = default;

  /// Of the n images in x. Runs on a copy of x, which is NaN afterwards: backward must not read it.
  virtual Numbers<T> forward(const Numbers<T>& x, Index n, std::optional<Mode> mode) = 0;
  virtual void backward(const Numbers<T>& dy) = 0;
  /// From or behind layer i. Throws an Error if the layer runs as one with its neighbours.
  virtual Numbers<T> forward_after(std::size_t i, const Numbers<T>& y, Index n, Mode mode) = 0;
  virtual void backward_from(std::size_t i, const Numbers<T>& dy) = 0;

  virtual Numbers<T> activation(std::size_t i) const = 0;
  virtual Numbers<T> gradient(std::size_t i) const = 0;
  virtual Numbers<T> input_gradient() const = 0;
  virtual Tensors<T> parameter_gradients() = 0;
  virtual void fill_parameter_gradients(T value) = 0;
  /// What commit_buffers would make of the buffers.
  virtual Tensors<T> new_buffers() = 0;
  /// T = double and Keep::everything, after forward(x) and backward.
  virtual std::vector<Trace> traces() const = 0;
};

/// A network.
template <class T>
class Subject {
 public:
  virtual ~Subject() = default;

  virtual std::size_t depth() const = 0;
  virtual std::string layer_name(std::size_t i) const = 0;
  virtual Index input_size() const = 0;   // of one example
  virtual Index output_size() const = 0;  // of one example
  /// f(name, shape, values) for all parameters and buffers.
  using EachState = void(const std::string&, std::span<const Index>, std::span<T>);
  virtual void each_state(const std::function<EachState>& f) = 0;

  virtual std::unique_ptr<Run<T>> workspace(Index capacity, const WorkspaceOptions& how) = 0;
  /// A Predictor with its scratch.
  virtual std::unique_ptr<Run<T>> predictor(Index capacity, int threads) = 0;
  virtual Numbers<T> predict(const Numbers<T>& x, Index n, int threads) const = 0;
  /// The same layers in a Network, or nullptr if it is one.
  virtual std::unique_ptr<Subject<T>> as_network() const { return nullptr; }
};

/// What is fixed about a network besides its layers.
struct Description {
  int number;                 // in its program
  std::uint64_t seed;         // of its weights, inputs and output gradients
  bool whole;                 // whether these are whole numbers
  bool modes;                 // whether training and prediction differ
  Index batch, capacity;      // images, and the most that a workspace is made for
  std::vector<Index> reused;  // batches that one workspace sees, one after the other
};

/// A network of the program, in float and in double.
struct Entry {
  Description description;
  std::function<std::unique_ptr<Subject<float>>()> in_float;
  std::function<std::unique_ptr<Subject<double>>()> in_double;
};

/// What became of a network.
struct Verdict {
  std::vector<std::string> lines;  // what differs
  bool undecided;                  // and may, in each of several draws
  bool exact;                      // compared to the last bit
  double worst;                    // relative error
  bool disagrees() const { return !lines.empty() && !undecided; }
};

/// Compares all ways to run it.
Verdict judge(const Entry& entry);
/// Writes its numbers: a line for each tensor, "count name", an empty line, then all of them.
void dump(const Entry& entry, const char* path);

inline std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}
struct Registered {
  explicit Registered(Entry entry) { entries().push_back(std::move(entry)); }
};

}  // namespace random_networks
