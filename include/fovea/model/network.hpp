// SPDX-License-Identifier: MIT
//
// Network: a network whose layers are chosen while the program runs,
// from a file or a configuration.
//
//   Network<float> net;
//   auto x = net.input(Shape{3, 32, 32});
//   x = net.add(Conv2d<float>{{.in = 3, .out = 16, .kernel = 3, .padding = 1}, rng}, x);
//   for (int block = 0; block < blocks; ++block) {
//     auto y = net.add(Conv2d<float>{{.in = 16, .out = 16, .kernel = 3, .padding = 1}, rng}, x);
//     y = net.add(Relu{}, y);
//     x = net.add(Add{}, x, y);
//   }
//
// A Value represents an activation; the last one is the output. Its rank is a type, so a Linear on
// images does not compile here either. Workspace, forward, backward and optimizers are those of
// Sequential, the plan is the same, and so is every bit of the result.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fovea/engine/any_workspace.hpp"
#include "fovea/fused/rules.hpp"
#include "fovea/model/held_layer.hpp"
#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

template <class T>
class Network;

/// All memory of one forward and one backward of a Network.
template <class T>
class Workspace<Network<T>> : public AnyWorkspace<T> {
 public:
  /// Where the loss writes its gradient: of the shape of the last output.
  AnyView<T> output_gradient() {
    check(this->goes_back(), "output_gradient: this workspace is for prediction; ",
          "make it with {.keep = Keep::for_backward}");
    return this->plan_.gradient(drawn_.back().number);
  }
  /// ds/dx of the network's input after backward.
  AnyView<const T> input_gradient() const {
    check(this->options().input_gradient,
          "input_gradient: make the workspace with {.input_gradient = true}");
    return this->plan_.gradient(0);
  }
  /// Throws unless `net` can be trained with it.
  void check_trains(const char* what, const Network<T>& net) {
    this->check_gradients(what);
    check_belongs(what, net);
  }

 private:
  friend Network<T>;

  [[gnu::cold]] Workspace(const Network<T>& net, Index capacity, const WorkspaceOptions& options,
                          std::span<const FusionRule<T>> rules)
      : AnyWorkspace<T>(net.identity(), capacity, options) {
    net.draw(this->plan_, drawn_);
    this->plan_.finish(drawn_.back().number, rules);
  }
  void check_belongs(const char* what, const Network<T>& net) {
    const std::pair both{&net, &drawn_};
    AnyWorkspace<T>::check_belongs(
        what, net.identity(), &both, [](const void* pointers, Plan<T>& plan) {
          const auto [network, drawn] =
              *static_cast<const std::pair<const Network<T>*, std::vector<detail::DrawnValue>*>*>(
                  pointers);
          network->draw(plan, *drawn);
        });
  }

  std::vector<detail::DrawnValue> drawn_{};
};

/// A network made of values, layer by layer.
template <class T>
class Network {
 public:
  using value_type = T;

  Network() = default;
  Network(Network&&) = default;
  Network& operator=(Network&&) = default;
  Network(const Network& other) : input_(other.input_), shapes_(other.shapes_) {
    for (const auto& layer : other.layers_) layers_.push_back(layer->copy());
  }
  /// The same network with other layers.
  Network& operator=(const Network& other) { return *this = Network(other); }

  /// What the first layers read: the shape of one example, without the batch.
  template <std::size_t R>
  Value<R + 1> input(const Shape<R>& shape) {
    check(shapes_.empty(), "Network: it has an input already");
    input_ = shape.prepend(1);
    shapes_.push_back(input_);
    return {shape.prepend(1), 0};
  }

  /// y = layer(x, ...).
  template <class Layer, std::size_t... R>
  auto add(Layer layer, const Value<R>&... x) {
    (check_mine(x), ...);
    const std::size_t place = layers_.size();
    std::size_t ordinal = 1;
    for (const auto& other : layers_) ordinal += other->kind() == Layer::kind;
    detail::ShapeRecorder shapes;
    const Path root;
    Graph graph{shapes, root};
    static_assert(detail::LayerCheck<Layer, T, R...>::passed);
    const auto y = graph.run(Layer::kind, ordinal, place, layer, x...);
    auto held =
        std::make_unique<detail::Held<T, Layer, R...>>(std::move(layer), std::array{x.number...});
    held->ordinal = ordinal, held->place = place;
    layers_.push_back(std::move(held));
    shapes_.push_back(y.shape);
    return Value<decltype(y.shape)::rank>{y.shape, layers_.size()};
  }

  /// One example, without the batch.
  Extents input_shape() const { return one_of(0); }
  /// One output, without the batch.
  Extents output_shape() const { return one_of(shapes_.size() - 1); }

  /// Memory for a forward and a backward of at most `capacity` examples.
  Workspace<Network> workspace(Index capacity, const WorkspaceOptions& options = {},
                               std::span<const FusionRule<T>> more = {}) const {
    std::vector<FusionRule<T>> rules(more.begin(), more.end());
    const auto& own = detail::all_rules<T>;
    rules.insert(rules.end(), own.begin(), own.end());
    return {*this, capacity, options, rules};
  }

  /// As in Sequential: a copy for inputs of another shape, with the same weights.
  template <std::size_t R>
  Network with_input(const Shape<R>& shape) const {
    const Extents one = one_of(0);
    check(R == one.rank, "with_input: expected as many axes as ", one, ", got ", shape);
    Network other = *this;
    other.input_ = shape.prepend(1);
    Plan<T> plan(1, {});
    std::vector<detail::DrawnValue> values;
    other.draw(plan, values);
    for (std::size_t v = 0; v < values.size(); ++v) other.shapes_[v] = values[v].shape;
    return other;
  }

  /// Which network this is, for what is made for one network.
  const NetworkIdentity& identity() const { return identity_; }

  /// The output for x (N, ...), as Sequential::forward.
  AnyView<const T> forward(AnyView<const T> x, Workspace<Network>& w) const {
    return forward(x, w, w.default_mode());
  }
  AnyView<const T> forward(AnyView<const T> x, Workspace<Network>& w, Mode mode) const {
    w.check_belongs("forward", *this);
    w.AnyWorkspace<T>::forward(x, mode);
    return w.plan_.value(w.drawn_.back().number);
  }

  /// All gradients of s = <output, output_gradient()> for the x of the last forward.
  void backward(Workspace<Network>& w) const {
    w.check_belongs("backward", *this);
    w.AnyWorkspace<T>::backward(w.output_gradient(), w.drawn_.back().number);
  }

  /// As in Sequential.
  void backward_from(std::string_view path, AnyView<const T> dy, Workspace<Network>& w) const {
    w.check_belongs("backward", *this);
    w.AnyWorkspace<T>::backward(dy, w.plan_.find(path));
  }
  /// As in Sequential.
  AnyView<const T> forward_after(std::string_view path, AnyView<const T> y, Workspace<Network>& w,
                                 Mode mode) const {
    w.check_belongs("forward_after", *this);
    w.AnyWorkspace<T>::forward_after(y, w.plan_.find(path), mode);
    return w.plan_.value(w.drawn_.back().number);
  }

  /// The output for any number of examples, of rank Q, in eval mode.
  template <std::size_t Q, TensorLike X>
  Tensor<T, Q> predict(const X& images, int threads = 0) const {
    const View<const T, X::rank> x = images;
    constexpr Index block = 64;
    auto scratch = workspace(std::clamp<Index>(x.extent(0), 1, block),
                             {.keep = Keep::output, .threads = threads});
    Tensor<T, Q> y(shapes_.back().with_batch(x.extent(0)).template shape<Q>());
    for (Index n = 0; n < x.extent(0); n += block) {
      const Index count = std::min(block, x.extent(0) - n);
      const auto part = forward(x.sub(n, count), scratch).template as<Q>();
      std::copy(part.begin(), part.end(), y.sub(n, count).begin());
    }
    return y;
  }

  /// Calls f(name, view) for every parameter, and for every buffer too in for_each_state. Or
  /// f(view), where names are not needed: that allocates nothing.
  void for_each_parameter(auto&& f) { changed().visit(f, nullptr, false); }
  void for_each_parameter(auto&& f) const { visit(reading(f), nullptr, false); }
  /// The same for parameters and buffers.
  void for_each_state(auto&& f) { changed().visit(f, nullptr, true); }
  void for_each_state(auto&& f) const { visit(reading(f), nullptr, true); }
  /// Calls f(parameter, gradient) in the same order, both as views of all their numbers; the
  /// gradient of a frozen parameter is empty. Allocates nothing.
  template <class F>
  void for_each_parameter(Workspace<Network>& w, F&& f) {
    w.check_trains("parameters", *this);
    const auto flat = [](const AnyView<T>& view) {
      return view.data ? View<T, 1>(view.data, Shape{view.extents.size()}) : View<T, 1>();
    };
    auto both = [&](const std::string&, AnyView<T> tensor, AnyView<T> gradient) {
      f(flat(tensor), flat(gradient));
    };
    changed().visit(both, &w.plan_, false);
  }
  /// As in Sequential.
  void commit_buffers(Workspace<Network>& w) {
    w.check_belongs("buffers", *this);
    if (!w.take_buffers()) return;
    for (const auto& layer : layers_) layer->commit_buffers(w.plan_);
  }

  /// The number of trained numbers.
  [[gnu::cold]] Index parameter_count() const {
    Index count = 0;
    for (const auto& layer : layers_) count += layer->parameter_count();
    return count;
  }

  /// Draws the network as a graph; `values` gets the number of each value in the plan.
  void draw(Plan<T>& plan, std::vector<detail::DrawnValue>& values) const {
    values.resize(layers_.size() + 1);
    plan.begin(input_);
    values[0] = {input_, 0};
    const Path root;
    Graph graph{plan, root};
    for (std::size_t k = 0; k < layers_.size(); ++k) layers_[k]->draw(graph, values, k);
  }

 private:
  // One example of a value, without the batch.
  Extents one_of(std::size_t value) const {
    check(!shapes_.empty(), "Network: expected an input(shape) before this, found none");
    const Extents& batch = shapes_[value];
    Extents one;
    one.rank = batch.rank - 1;
    std::copy_n(batch.at.begin() + 1, one.rank, one.at.begin());
    return one;
  }

  template <std::size_t R>
  void check_mine(const Value<R>& x) const {
    check(x.number < shapes_.size() && shapes_[x.number] == Extents(x.shape),
          "Network: expected a value of this network, got one of another");
  }

  const Network& changed() {
    identity_.changed();
    return *this;
  }

  // f with tensors that cannot be written.
  static auto reading(auto& f) {
    if constexpr (std::is_invocable_v<decltype(f), AnyView<const T>>)
      return [&f](AnyView<T> x) { f(AnyView<const T>(x)); };
    else
      return [&f](const std::string& name, AnyView<T> x) { f(name, AnyView<const T>(x)); };
  }
  template <class F>
  void visit(F&& f, const Plan<T>* plan, bool buffers) const {
    using Body = std::remove_reference_t<F>;
    constexpr bool nameless = std::is_invocable_v<Body&, AnyView<T>&>;
    const typename detail::HeldLayer<T>::Visitor visitor{
        [](void* body, const std::string& name, AnyView<T> tensor, AnyView<T> gradient) {
          Body& call = *static_cast<Body*>(body);
          if constexpr (nameless)
            call(tensor);
          else if constexpr (std::is_invocable_v<Body&, const std::string&, AnyView<T>, AnyView<T>>)
            call(name, tensor, gradient);
          else
            call(name, tensor);
        },
        &f, plan, buffers, plan == nullptr && !nameless};
    for (const auto& layer : layers_) layer->visit(visitor);
  }

  Extents input_{};
  std::vector<std::unique_ptr<detail::HeldLayer<T>>> layers_{};
  std::vector<Extents> shapes_{};  // of each value
  NetworkIdentity identity_{};
};

}  // namespace fovea::inline FOVEA_ABI
