// SPDX-License-Identifier: MIT
//
// Sequential: a network, y = f_L( ... f_2(f_1(x))).
//
//   Rng rng{1};
//   auto net = sequential<float>(Shape{1, 28, 28}, rng,
//                                conv2d({.out = 8, .kernel = 3}), relu, flatten, linear(10));
//
// is short for what a network of layers of one's own can also say:
//
//   Sequential net{Shape{1, 28, 28},
//                  Conv2d<float>{{.in = 1, .out = 8, .kernel = 3}, rng}, Relu{},
//                  Flatten{}, Linear<float>{{.in = 8 * 26 * 26, .out = 10}, rng}};
//
// It is a Chain of layers that knows the shape of its input. What runs is a plan (engine/plan.hpp),
// made with a workspace; this class is its typed front: ranks are checked when the program is
// compiled, extents when the network is made ("fc1: expected (N, 3136), got (1, 1024)").
#pragma once

#include <string>
#include <tuple>
#include <utility>

#include "fovea/fused/rules.hpp"
#include "fovea/model/workspace.hpp"
#include "fovea/nn/chain.hpp"
#include "fovea/nn/specification.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// The output shapes of layers that follow each other, as a tuple type: `Done`, and those of
// `Layers`, the first of which takes rank R.
template <std::size_t R, class Done, class... Layers>
struct OutputShapes {
  using type = Done;
};
template <std::size_t R, class... Done, class Layer, class... Rest>
requires AcceptsRank<Layer, R>
struct OutputShapes<R, std::tuple<Done...>, Layer, Rest...> {
  using Out = output_shape_of<Layer, R>;
  using type = typename OutputShapes<Out::rank, std::tuple<Done..., Out>, Rest...>::type;
};
// After a layer that does not fit nothing is said about those that follow.
template <std::size_t R, class... Done, class Layer, class... Rest>
requires(!AcceptsRank<Layer, R>) struct OutputShapes<R, std::tuple<Done...>, Layer, Rest...> {
  using type = std::tuple<Done...>;
};

}  // namespace detail

/// A network: layers one after the other, a value. R is the rank of one example.
template <std::size_t R, class... Layers>
class Sequential : public Chain<Layers...> {
  static_assert(R > 0,
                "Sequential: the shape of one example comes first, as in "
                "Sequential{Shape{1, 28, 28}, ...}");
  using Base = Chain<Layers...>;
  using FirstType = typename detail::FirstValueType<Layers...>::type;

 public:
  using Base::depth, Base::layer_name;
  /// What it computes in; float if no layer says.
  using value_type = std::conditional_t<std::is_void_v<FirstType>, float, FirstType>;
  using T = value_type;
  /// The shape after every layer, as a tuple.
  using OutputShapes = typename detail::OutputShapes<R + 1, std::tuple<>, Layers...>::type;
  static_assert(detail::LayerChecks<T, R + 1, OutputShapes, std::index_sequence_for<Layers...>,
                                    Layers...>::passed);
  /// The rank of an input, batch included.
  static constexpr std::size_t input_rank = R + 1;
  /// The rank of the output of layer i, batch included.
  template <std::size_t i>
  static constexpr std::size_t rank_after = std::tuple_element_t<i, OutputShapes>::rank;
  /// The rank of the output, batch included.
  static constexpr std::size_t output_rank = rank_after<depth - 1>;
  /// The type of layer i.
  template <std::size_t i>
  using LayerAt = std::tuple_element_t<i, std::tuple<Layers...>>;
  /// The type of its Pass.
  template <std::size_t i>
  using PassAt = detail::PassOf<LayerAt<i>, i == 0 ? input_rank : rank_after<i == 0 ? 0 : i - 1>>;

  /// `input` is the shape of one example, without the batch.
  Sequential(Shape<R> input, Layers... layers) : Base(std::move(layers)...), input_(input) {
    output_shapes(1);
  }

  Sequential(Shape<R> input, Base layers) : Base(std::move(layers)), input_(input) {
    output_shapes(1);
  }

  /// One example, without the batch.
  const Shape<R>& input_shape() const { return input_; }

  /// One output, without the batch.
  [[gnu::cold]] auto output_shape() const {
    const auto batch = std::get<depth - 1>(output_shapes(1));
    Shape<output_rank - 1> one;
    for (std::size_t axis = 0; axis + 1 < output_rank; ++axis) one[axis] = batch[axis + 1];
    return one;
  }

  /// The shape after every layer for a batch of N.
  [[gnu::cold]] OutputShapes output_shapes(Index N) const {
    OutputShapes shapes;
    detail::ShapeRecorder recorder;
    draw(recorder, [&](auto i, const auto& y) { std::get<i>(shapes) = y.shape.with_batch(N); });
    return shapes;
  }

  /// Draws the network as a graph; calls seen(i, value) with the output of
  /// layer i. See nn/composite.hpp.
  template <class Recorder, class Seen>
  void draw(Recorder& recorder, const Seen& seen) const {
    const Path root;
    const Value<R + 1> x{input_.prepend(1)};
    if constexpr (requires { recorder.begin(x.shape); }) recorder.begin(x.shape);
    Graph graph{recorder, root};
    Base::compose(graph, x, seen);
  }

  /// Memory for a forward and a backward of at most `capacity` examples. Neighbours that `more` or
  /// the rules of the library match run as one.
  Workspace<Sequential> workspace(Index capacity, const WorkspaceOptions& options = {},
                                  std::span<const FusionRule<T>> more = {}) const {
    constexpr auto& own = detail::rules_for<T, Layers...>;
    if (more.empty()) return {*this, capacity, options, own};
    std::vector<FusionRule<T>> all(more.begin(), more.end());
    all.insert(all.end(), own.begin(), own.end());
    return {*this, capacity, options, all};
  }

  /// A copy for inputs of another shape, with the same weights: larger images, for a network that
  /// ends in a GlobalAvgPool2d and not in a Flatten. Throws where a layer cannot take what it gets.
  Sequential with_input(const Shape<R>& shape) const {
    Sequential other = *this;
    other.input_ = shape;
    other.output_shapes(1);
    return other;
  }

  /// Which network this is, for what is made for one network.
  const NetworkIdentity& identity() const { return identity_; }

  /// The output for x (N, ...), N <= w.capacity(). The view is good until the next forward; x need
  /// not outlive the call. A workspace for backward runs in train mode, any other in eval mode.
  View<const T, output_rank> forward(View<const T, input_rank> x, Workspace<Sequential>& w) const {
    return forward(x, w, w.default_mode());
  }
  /// The same in this mode.
  View<const T, output_rank> forward(View<const T, input_rank> x, Workspace<Sequential>& w,
                                     Mode mode) const {
    w.check_belongs("forward", *this);
    w.AnyWorkspace<T>::forward({x.data(), x.shape()}, mode);
    w.look_at_gradients();
    return w.template output<depth - 1>();
  }

  /// All gradients of s = <output, output_gradient()> for the x of the last forward: those of the
  /// parameters, and of the input if the workspace was made for it.
  void backward(Workspace<Sequential>& w) const {
    backward_from<depth - 1>(w.output_gradient(), w);
  }

  /// The same for s = <output of layer i, dy>: what a unit in the middle depends on.
  template <std::size_t i>
  void backward_from(View<const T, rank_after<i>> dy, Workspace<Sequential>& w) const {
    w.check_belongs("backward", *this);
    w.AnyWorkspace<T>::backward({dy.data(), dy.shape()}, w.values_[i]);
  }
  /// The same for the layer with this path, which may be inside of another.
  void backward_from(std::string_view path, AnyView<const T> dy, Workspace<Sequential>& w) const {
    w.check_belongs("backward", *this);
    w.AnyWorkspace<T>::backward(dy, w.plan_.find(path));
  }

  /// The output if `y` were that of layer i: the layers after it run, those before it do not. For
  /// experiments, with one channel silenced for instance. The mode as in forward.
  template <std::size_t i>
  View<const T, output_rank> forward_after(View<const T, rank_after<i>> y,
                                           Workspace<Sequential>& w) const {
    return forward_after<i>(y, w, w.default_mode());
  }
  template <std::size_t i>
  View<const T, output_rank> forward_after(View<const T, rank_after<i>> y, Workspace<Sequential>& w,
                                           Mode mode) const {
    w.check_belongs("forward_after", *this);
    w.AnyWorkspace<T>::forward_after({y.data(), y.shape()}, w.values_[i], mode);
    w.look_at_gradients();
    return w.template output<depth - 1>();
  }
  /// The same for the layer with this path. Layers that read earlier values too, as the addition of
  /// a residual does, read those of the last forward in this workspace.
  View<const T, output_rank> forward_after(std::string_view path, AnyView<const T> y,
                                           Workspace<Sequential>& w, Mode mode) const {
    w.check_belongs("forward_after", *this);
    w.AnyWorkspace<T>::forward_after(y, w.plan_.find(path), mode);
    w.look_at_gradients();
    return w.template output<depth - 1>();
  }

  /// The output for any number of examples, as a new tensor, in eval mode.
  Tensor<T, output_rank> predict(View<const T, input_rank> x, int threads = 0) const {
    constexpr Index block = 64;
    auto scratch = workspace(std::clamp<Index>(x.extent(0), 1, block),
                             {.keep = Keep::output, .threads = threads});
    const auto shape = std::get<depth - 1>(output_shapes(1));
    Tensor<T, output_rank> y(shape.with_batch(x.extent(0)));
    for (Index n = 0; n < x.extent(0); n += block) {
      const Index count = std::min(block, x.extent(0) - n);
      const auto part = forward(x.sub(n, count), scratch);
      std::copy(part.begin(), part.end(), y.sub(n, count).begin());
    }
    return y;
  }

  /// Calls f(name, tensor) for every parameter: "conv1.weight", "conv1.bias", ... Or f(tensor),
  /// where names are not needed: that allocates nothing.
  void for_each_parameter(auto&& f) { visit_named<false>(*this, f); }
  void for_each_parameter(auto&& f) const { visit_named<false>(*this, f); }

  /// The same for all that a file of this network holds: parameters and buffers.
  void for_each_state(auto&& f) { visit_named<true>(*this, f); }
  void for_each_state(auto&& f) const { visit_named<true>(*this, f); }

  /// Calls f(parameter, gradient) in the same order; the gradient of a frozen parameter is empty.
  /// Allocates nothing. Throws unless the workspace is this network's and has gradients.
  template <class F>
  void for_each_parameter(Workspace<Sequential>& w, F&& f) {
    w.check_trains("parameters", *this);
    identity_.changed();
    detail::visit_layers(*this, Path{}, [&]<class Layer>(Layer& layer, const Path&) {
      detail::each_gradient(layer, w.plan_, [&](const auto&, auto parameter, auto gradient) {
        f(parameter, gradient);
      });
    });
  }

  /// Takes over the new values of all buffers if a forward in train mode has run since the last
  /// time. The optimizer calls this beside its step.
  void commit_buffers(Workspace<Sequential>& w) {
    w.check_belongs("buffers", *this);
    if (!w.take_buffers()) return;
    detail::visit_layers(*this, Path{}, [&]<class Layer>(Layer& layer, const Path&) {
      detail::take_over_buffers(layer, w.plan_);
    });
  }

  /// The number of trained numbers.
  [[gnu::cold]] Index parameter_count() const { return detail::parameter_count(*this); }

 private:
  template <bool with_buffers, class Self, class F>
  static void visit_named(Self& self, F&& f) {
    if constexpr (!std::is_const_v<Self>) self.identity_.changed();
    detail::visit_layers(self, Path{}, [&]<class Layer>(Layer& layer, const Path& path) {
      using Plain = std::remove_const_t<Layer>;
      const auto call = [&](std::string_view name, auto& tensor) {
        if constexpr (std::is_invocable_v<F&, decltype(tensor)>)
          f(tensor);
        else
          f(concat(to_string(path), ".", name), tensor);
      };
      detail::each_parameter<Plain>([&](const auto& p) {
        if (!(layer.*p.value).empty()) call(p.name, layer.*p.value);
      });
      if constexpr (with_buffers)
        detail::each_buffer<Plain>([&](const auto& b) { call(b.name, layer.*b.value); });
    });
  }

  Shape<R> input_{};
  NetworkIdentity identity_{};
};

// Without a shape, the first error message in the class says what is missing.
template <class... Layers>
Sequential(Layers...) -> Sequential<0, Layers...>;

/// The network of these specifications (nn/specification.hpp), for examples of this shape.
template <class T, std::size_t R, class... Specs>
Sequential<R, detail::layer_of<Specs, T>...> sequential(const Shape<R>& input, Rng& rng,
                                                        const Specs&... specs) {
  using Inside = detail::FirstValueType<detail::layer_of<Specs, T>...>;
  static_assert(!std::is_void_v<typename Inside::type> || std::is_same_v<T, float>,
                "sequential: no layer says a type, so the network computes in float");
  return {input, detail::make_chain<T>(input.prepend(1), rng, std::tuple<Specs...>(specs...))};
}

}  // namespace fovea::inline FOVEA_ABI
