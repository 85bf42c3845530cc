// SPDX-License-Identifier: MIT
//
// A plan: what runs a network. Value 0 is the input, layer k writes value k + 1. A step runs one
// layer or a fused group. Forward is a loop over the steps, backward the same loop from the end:
//
//   step   runs                  reads   writes
//   0      conv1 relu1 pool1     0       3           values 1 and 2 are never written
//   1      residual1.f.conv1     3       4
//   2      residual1.add         3, 4    5
//
// Value 3 has two readers. In backward each of them assigns its gradient, and the plan adds these
// up, the last reader first: it assigns the gradient of value 3, and those of the others are added
// to it. So a layer never has to know how often its input is read.
//
// Memory: value v is written in step a, read for the last time in step b; its gradient is written
// when backward runs step b, and read for the last time at step a. memory_plan.hpp does the rest.
// Backward ends at the first step with a parameter that is trained.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/core/parallel.hpp"
#include "fovea/engine/fused_group.hpp"
#include "fovea/engine/memory_plan.hpp"

namespace fovea::inline FOVEA_ABI {

/// The steps of a network and their memory.
template <class T>
class Plan {
 public:
  using value_type = T;

  /// An empty plan; add() layers, then finish() it.
  Plan(Index capacity, const WorkspaceOptions& options) : options_(options), capacity_(capacity) {}
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  Plan(Plan&&) = default;
  Plan& operator=(Plan&&) = default;

  /// Records the layer at `path`, or, once the plan is finished, the new address of the next layer.
  template <class Layer, std::size_t... R>
  [[gnu::cold]] FOVEA_OUT_OF_LINE auto add(const Path& path, const Layer& layer,
                                           const Value<R>&... x) {
    const auto y = detail::ShapeRecorder::output_shape(path, layer, x.shape...);
    if (finished_)
      bind(layer, y);
    else
      append<Layer, R...>(path, layer, Extents(y.with_batch(capacity_)), {x.number...});
    return Value<decltype(y)::rank>{y, ++at_};
  }

  /// Before the layers are recorded, and again before they are bound.
  void begin(const Extents& input) {
    at_ = 0;
    if (finished_) {
      found_.clear();
    } else {
      values_.push_back({.extents = input.with_batch(capacity_)});
      input.with_batch(capacity_).size();
    }
  }

  /// Whether the layers are as many and as large as they were; `at` is the first that is not.
  bool unchanged(std::size_t& at) const {
    if (at_ == layers_.size() && found_ == dimensions_) return true;
    std::size_t d = 0;
    while (d < found_.size() && d < dimensions_.size() && found_[d] == dimensions_[d]) ++d;
    at = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end() - 1, d) -
                                  ends_.begin());
    return false;
  }

  /// Decides what is fused, makes every Pass, plans the memory. `output`: what the network returns.
  [[gnu::cold]] void finish(std::size_t output, std::span<const FusionRule<T>> rules);

  std::size_t layer_count() const { return layers_.size(); }  ///< layers; the output is this value
  std::size_t step_count() const { return steps_.size(); }    ///< steps
  const auto& readers(std::size_t v) const { return values_[v].readers; }  ///< layers, of value v
  const AnyLayer<T>& layer(std::size_t k) const { return *layers_[k]; }    ///< layer k
  /// The layers of step s, by their paths: "conv1 relu1 pool1".
  std::string step_name(std::size_t s) const;
  /// The group of step s; nullptr if it runs one layer.
  const FusedGroup<T>* group(std::size_t s) const { return steps_[s].group.get(); }

  /// The value that the layer with this path writes; of a composite, that of its last layer.
  std::size_t find(std::string_view path) const;

  /// The plan's own of this layer. Throws if the layer is not part of the plan.
  template <class Layer>
  const AnyLayer<T>& own(const Layer& layer) const {
    for (const auto& any : layers_)
      if (any->template is<Layer>() && &any->template get<Layer>() == &layer) return *any;
    fail("this layer is not part of the network that the workspace was made for");
  }

  /// Whether the value that layer k - 1 writes exists: it does not inside of a fused group.
  bool exists(std::size_t value) const {
    return value == 0 || steps_[step_of_[value - 1]].last == value - 1;
  }

  /// Whether value v is kept for backward, which computes it again otherwise.
  bool is_kept(std::size_t v) const { return values_[v].again == nullptr; }

  /// How many examples there are in this pass.
  void set_batch(Index n) {
    batch_ = n;
    for (ValueInfo& v : values_) v.data = v.once, v.is_again = false;
  }
  Index batch() const { return batch_; }  ///< examples in this pass

  /// A value, for the batch at hand.
  AnyView<T> value(std::size_t v) const {
    return {values_[v].data, values_[v].extents.with_batch(batch_)};
  }
  /// Its gradient.
  AnyView<T> gradient(std::size_t v) const {
    return {values_[v].gradient, values_[v].extents.with_batch(batch_)};
  }
  /// All that values and gradients are in.
  View<const T, 1> memory() const { return storage_; }

  /// Runs the steps from layer `first` on; x is the input if that is the first of all.
  void forward(const T* x, std::size_t first, const Context& context);

  /// The same from layer k + 1 of a fused group. False if the group cannot begin there.
  bool forward_inside(std::size_t k, const AnyView<const T>& x, const Context& context);

  /// Runs backward from value v, whose gradient is written. Value 0 is the x of the last forward.
  void backward(std::size_t v);

  /// Whether a layer that runs after value v was written reads a value before it.
  bool reads_before(std::size_t v) const {
    for (std::size_t u = 0; u < v; ++u)
      if (values_[u].readers.back() >= v) return true;
    return false;
  }

  /// Throws unless the buffers still have the extents of their new values.
  void check_buffers() const {
    for (const auto& layer : layers_) try {
        layer->check_buffers();
      } catch (const Error& error) {
        fail(layer->path, ": ", error.what());
      }
  }

 private:
  struct ValueInfo {
    Extents extents;
    T* data = nullptr;      // of the input: a copy for backward, if there has to be one
    T* gradient = nullptr;  // nullptr: not needed
    T *once = nullptr, *again = nullptr;  // where forward, and where backward computes it again
    bool is_again = false;                // and whether it has; `data` is one of the two
    std::vector<std::size_t> readers{};
  };
  // Layers [first, last]; `added[i]` is where the gradient of input i is written, if an earlier
  // step of backward has assigned the gradient of that value.
  struct Step {
    std::size_t first, last;
    std::unique_ptr<FusedGroup<T>> group{};
    std::vector<T*> added{};
  };

  template <class Layer, std::size_t... R>
  [[gnu::cold]] void append(const Path& path, const Layer& layer, const Extents& y,
                            std::initializer_list<std::size_t> inputs) {
    auto any = std::make_unique<LayerAdapter<T, Layer, R...>>(layer);
    any->path = to_string(path);
    any->identity = path.identity;
    any->inputs = inputs;
    if (options_.frozen) any->freeze(options_.frozen);
    for (const auto& other : layers_)
      check(!any->has_parameters || !other->template is<Layer>() ||
                &other->template get<Layer>() != &layer,
            any->path, ": this layer runs as ", other->path,
            " already; a layer with parameters has one place in a network");
    y.size();  // throws if that is too large
    for (const std::size_t x : inputs) values_[x].readers.push_back(layers_.size());
    values_.push_back({.extents = y});
    layers_.push_back(std::move(any));
    note_dimensions(*layers_.back(), y, dimensions_);
    ends_.push_back(dimensions_.size());
  }

  template <class Layer, std::size_t Q>
  void bind(const Layer& layer, const Shape<Q>& y) {
    if (at_ >= layers_.size()) return;  // more layers than there were: unchanged() says so
    layers_[at_]->bind(layer);
    note_dimensions(*layers_[at_], y, found_);
  }
  static void note_dimensions(const AnyLayer<T>& layer, const Extents& y, std::vector<Index>& all) {
    layer.add_dimensions(all);
    all.insert(all.end(), y.at.begin() + 1, y.at.end());
  }

  bool goes_back() const { return options_.keep != Keep::output; }

  std::size_t neighbours_from(std::size_t k, bool input_again) const;
  bool alike(std::size_t first, std::size_t count) const;
  std::size_t first_trained() const;
  bool computed_again(std::size_t v) const;
  std::vector<Lifetime> read_in_backward() const;
  void make_steps(std::span<const FusionRule<T>> rules);
  void plan_memory();

  template <class F>
  void naming(const Step& step, const F& f) const {
    const detail::InsideLayer inside;
    try {
      f();
    } catch (const Error& error) {
      fail(layers_[step.first]->path, ": ", error.what());
    }
  }

  AnyView<const T> read(std::size_t v) const {
    const AnyView<T> view = value(v);
    return v == 0 ? AnyView<const T>{input_, view.extents} : AnyView<const T>(view);
  }

  Context context_of(const Step& step) const;
  void run_forward(Step& step);
  void run_backward(Step& step);
  void compute_again(const AnyLayer<T>& reader);
  void add(const T* addend, const AnyView<T>& sum) const;

  WorkspaceOptions options_;
  Index capacity_, batch_ = 0;
  Context context_{};
  const T* input_ = nullptr;
  bool finished_ = false;
  std::size_t at_ = 0;  // layers recorded or bound since begin()
  std::vector<ValueInfo> values_{};
  std::vector<std::unique_ptr<AnyLayer<T>>> layers_{};
  std::vector<Step> steps_{};
  std::vector<std::size_t> step_of_{};  // of each layer
  std::size_t first_back_ = 0;          // the step at which backward ends
  Tensor<T, 1> storage_{};              // of all values and gradients
  // What the memory depends on, as it was, where that of each layer ends, and as it is now.
  std::vector<Index> dimensions_{}, found_{};
  std::vector<std::size_t> ends_{};
};

}  // namespace fovea::inline FOVEA_ABI

#include "fovea/engine/make_plan.hpp"
#include "fovea/engine/run_plan.hpp"
