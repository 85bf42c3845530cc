// SPDX-License-Identifier: MIT
//
// Sequential: layers one after the other, y = f_L( ... f_2(f_1(x))).
//
//   Rng rng{1};
//   Sequential net{Shape{1, 28, 28},
//                  Conv2d<float>{{.in = 1, .out = 8, .kernel = 3}, rng}, Relu{},
//                  Flatten{}, Linear<float>{{.in = 8 * 26 * 26, .out = 10}, rng}};
//
// It is a value: a flat tuple of layers, no base class, no pointers. The chain rule is the loop in
// backward: each layer turns ds/dy into ds/dx, which is ds/dy of the layer in front of it.
//
// Shape mistakes show early: a wrong rank does not compile, a wrong extent throws when the network is
// made ("fc1: expected (N, 3136), got (1, 1024)"). Layers are named by kind and ordinal, conv1 relu1
// ... fc2, and so are parameters (conv1.weight), summary lines, errors and files.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "fovea/model/blocks.hpp"
#include "fovea/model/layer_check.hpp"
#include "fovea/model/layer_types.hpp"
#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// A network: layers one after the other, a value. R is the rank of one example.
template <std::size_t R, class... Layers>
class Sequential {
  static_assert(R > 0,
                "Sequential: the shape of one example comes first, as in "
                "Sequential{Shape{1, 28, 28}, ...}");
  static_assert(sizeof...(Layers) > 0, "Sequential: at least one layer");

 public:
  using value_type = typename detail::FirstValueType<Layers...>::type;
  using T = value_type;
  /// The shape after every layer, as a tuple.
  using OutputShapes = typename detail::Chain<R + 1, std::tuple<>, Layers...>::type;
  static_assert(detail::LayerChecks<T, R + 1, OutputShapes, std::index_sequence_for<Layers...>,
                                    Layers...>::passed);
  /// The Pass of every layer, as a tuple.
  using LayerPasses =
      typename detail::LayerPasses<std::tuple<>, Shape<R + 1>, OutputShapes, Layers...>::type;
  /// For every layer the block that could begin with it, as a tuple.
  using Blocks = typename detail::Blocks<std::tuple<>, Layers...>::type;
  /// The block that could begin with layer i.
  template <std::size_t i>
  using BlockAt = std::tuple_element_t<i, Blocks>;
  /// The number of layers.
  static constexpr std::size_t depth = sizeof...(Layers);
  /// The rank of an input, batch included.
  static constexpr std::size_t input_rank = R + 1;
  /// The rank of the output of layer i, batch included.
  template <std::size_t i>
  static constexpr std::size_t rank_after = std::tuple_element_t<i, OutputShapes>::rank;
  /// The rank of the output, batch included.
  static constexpr std::size_t output_rank = rank_after<depth - 1>;
  /// Whether a block that begins with layer i runs in a chain, see blocks.hpp.
  template <std::size_t i>
  static constexpr bool in_chains = requires {
    typename BlockAt<i>::Stage;
  };
  /// Whether another block of that kind could be behind it.
  template <std::size_t i>
  static constexpr bool chains = [] {
    if constexpr (constexpr std::size_t next = i + BlockAt<i>::span; next < sizeof...(Layers))
      return requires(BlockAt<i> & block, BlockAt<next> & behind) { block.hand_over_to(behind); };
    else
      return false;
  }();
  /// Whether the output of layer i is its input under another shape.
  template <std::size_t i>
  static constexpr bool is_view = requires {
    std::tuple_element_t<i, std::tuple<Layers...>>::is_view;
  };

  /// `input` is the shape of one example, without the batch.
  Sequential(Shape<R> input, Layers... layers) : input_(input), layers_(std::move(layers)...) {
    output_shapes(1);
  }

  /// conv1, relu1, pool1, conv2, ...: kind and ordinal.
  static std::string layer_name(std::size_t i) { return concat(kinds[i], ordinal(i)); }

  /// The place of a layer: `Net::index("conv2")`, also at compile time.
  static constexpr std::size_t index(std::string_view name) {
    for (std::size_t i = 0; i < depth; ++i) {
      if (!name.starts_with(kinds[i])) continue;
      std::size_t number = 0;
      for (const char digit : name.substr(kinds[i].size()))
        number = number * 10 + static_cast<std::size_t>(digit - '0');
      if (number == ordinal(i) && name.size() > kinds[i].size()) return i;
    }
    no_such_layer(name);
  }

  /// The layers, for `auto& [conv1, relu1, fc1] = net.layers();`.
  auto& layers() { return layers_; }
  const auto& layers() const { return layers_; }

  /// One example, without the batch.
  const Shape<R>& input_shape() const { return input_; }

  /// The shape after every layer for a batch of N.
  [[gnu::cold]] OutputShapes output_shapes(Index N) const {
    OutputShapes shapes;
    std::size_t at = 0;
    try {
      each_layer([&]<std::size_t i>() {
        at = i;
        std::get<i>(shapes) = shape_behind(std::get<i>(layers_), shape_before<i>(shapes, N));
      });
    } catch (const Error& error) {
      fail(layer_name(at), ": ", error.what());
    }
    return shapes;
  }

  /// Memory for a forward and a backward of at most `capacity` examples.
  Workspace<Sequential> workspace(Index capacity, WorkspaceOptions options = {}) const {
    return {*this, capacity, options};
  }

  /// Which network this is, for what is made for one network.
  const NetworkIdentity& identity() const { return identity_; }

  /// The output for x (N, ...), N <= w.capacity(). The view is good until the next forward; x need not outlive
  /// the call. A workspace for backward runs in train mode, any other in eval mode.
  View<const T, output_rank> forward(View<const T, input_rank> x, Workspace<Sequential>& w) const {
    return forward(x, w, w.default_mode());
  }
  /// The same in this mode.
  View<const T, output_rank> forward(View<const T, input_rank> x, Workspace<Sequential>& w,
                                     Mode mode) const {
    w.check_outermost("forward");
    return forward_in(context_of(w, mode), {}, x, w);
  }
  /// The same for a network inside a layer, which has the context: `context.child("branch")`.
  View<const T, output_rank> forward(View<const T, input_rank> x, Workspace<Sequential>& w,
                                     const ChildContext& child) const {
    check(w.nested_, child.name, ": expected a workspace that was made from the options that the ",
          "layer's pass(shape, options) was given");
    Context context = child.context;
    context.threads = std::min(context.threads, w.options_.threads);
    return forward_in(context, child.name, x, w);
  }

  /// All gradients of s = <output, output_gradient()> for the x of the last forward: those of the parameters,
  /// and of the input if the workspace was made for it.
  void backward(Workspace<Sequential>& w) const {
    backward_from<depth - 1>(w.output_gradient(), w);
  }

  /// The same for s = <output of layer i, dy>: what a unit in the middle depends on.
  template <std::size_t i>
  void backward_from(View<const T, rank_after<i>> dy, Workspace<Sequential>& w) const {
    check(w.options_.keep != Keep::output, "backward: this workspace is for prediction; make it ",
          "with {.keep = Keep::for_backward}");
    w.check_belongs("backward", *this);
    check(w.began_ != depth, "backward: expected a forward in this workspace before it, and one ",
          "that ran to its end");
    check(w.began_ == 0, "backward: the last forward began in the middle ",
          "(forward_after), so the layers before it have nothing to go back to");
    const auto& y = w.template output<i>();
    check(dy.shape() == y.shape(), "backward: expected a gradient ", y.shape(), ", got ",
          dy.shape());
    check_apart("backward: ", i, !inside_a_block<i>(w) && !w.chained_[i + 1]);
    const auto& kept = w.template dy<i>();
    if (dy.data() != kept.data()) std::copy(dy.begin(), dy.end(), kept.begin());
    go_back(i, w.input_.view().sub(0, w.input_.empty() ? 0 : w.batch_), w);
  }

  /// The output if layer i had answered `y`: the layers after it run, those before it do not. For
  /// asking "what if", with one channel silenced for instance. The mode as in forward.
  template <std::size_t i>
  View<const T, output_rank> forward_after(View<const T, rank_after<i>> y,
                                           Workspace<Sequential>& w) const {
    return forward_after<i>(y, w, w.default_mode());
  }
  template <std::size_t i>
  View<const T, output_rank> forward_after(View<const T, rank_after<i>> y, Workspace<Sequential>& w,
                                           Mode mode) const {
    w.check_outermost("forward_after");
    w.check_belongs("forward_after", *this);
    const auto expected = w.template output<i>().shape().with_batch(w.capacity());
    check(
        y.shape() == expected.with_batch(y.extent(0)) && !y.empty() && y.extent(0) <= w.capacity(),
        "forward_after: expected the output of ", layer_name(i), ", ", expected, " or fewer, got ",
        y.shape());
    check_apart("forward_after: ", i, !inside_a_block<i>(w));
    const auto& output = w.template output<i>();
    check(y.data() == output.data() || !overlap(y, as_const(w.storage_)),
          "forward_after: expected an input outside of this workspace's memory; copy it first");
    w.began_ = depth;
    w.set_batch(y.extent(0));
    w.context_ = context_of(w, mode);
    w.child_ = {};
    if (y.data() != output.data()) std::copy(y.begin(), y.end(), output.begin());
    run(i + 1, {}, w);
    w.began_ = i + 1 == depth ? depth : i + 1;
    return as_const(w.template output<depth - 1>());
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

  /// Calls f(name, tensor) for every parameter: "conv1.weight", "conv1.bias", ...
  template <class F>
  void for_each_parameter(F&& f) {
    identity_.changed();
    visit_named<false>(*this, "", f);
  }
  template <class F>
  void for_each_parameter(F&& f) const {
    visit_named<false>(*this, "", f);
  }

  /// The same for all that a file of this network holds: parameters and buffers.
  template <class F>
  void for_each_state(F&& f) {
    identity_.changed();
    visit_named<true>(*this, "", f);
  }
  template <class F>
  void for_each_state(F&& f) const {
    visit_named<true>(*this, "", f);
  }

  /// Calls f(parameter, gradient) in the same order. Allocates nothing. Throws unless the workspace is this
  /// network's and has gradients.
  template <class F>
  void for_each_parameter(Workspace<Sequential>& w, F&& f) {
    w.check_trains("parameters", *this);
    identity_.changed();
    each_layer([&]<std::size_t i>() {
      using Layer = std::tuple_element_t<i, std::tuple<Layers...>>;
      auto& layer = std::get<i>(layers_);
      auto& left = std::get<i>(w.layers_);
      detail::each_parameter<Layer>([&](const auto& p) {
        if (!(layer.*p.value).empty()) f((layer.*p.value).view(), (left.*p.gradient).view());
      });
      detail::each_child<Layer>(
          [&](const auto& c) { (layer.*c.net).for_each_parameter(left.*c.pass, f); });
    });
  }

  /// Takes over the new values of all buffers if a forward in train mode has run since the last time. The
  /// optimizer calls this beside its step.
  void commit_buffers(Workspace<Sequential>& w) {
    w.check_belongs("buffers", *this);
    const bool are_new = std::exchange(w.buffers_are_new_, false);
    each_layer([&]<std::size_t i>() {
      if (are_new) w.template check_buffers<i>(std::get<i>(layers_));
    });
    each_layer([&]<std::size_t i>() {
      using Layer = std::tuple_element_t<i, std::tuple<Layers...>>;
      auto& layer = std::get<i>(layers_);
      auto& left = std::get<i>(w.layers_);
      if (are_new)
        detail::each_buffer<Layer>([&](const auto& b) {
          const auto& update = left.*b.update;
          std::copy(update.begin(), update.end(), (layer.*b.value).begin());
        });
      detail::each_child<Layer>(
          [&](const auto& c) { (layer.*c.net).commit_buffers(left.*c.pass); });
    });
  }

  /// The number of trained numbers.
  [[gnu::cold]] Index parameter_count() const {
    Index count = 0;
    each_layer([&]<std::size_t i>() { count += detail::parameter_count(std::get<i>(layers_)); });
    return count;
  }

  /// The blocks that a workspace for batches of N runs, made of neighbouring layers.
  [[gnu::cold]] Blocks blocks(Index N, const WorkspaceOptions& options) const {
    const auto shapes = output_shapes(N);
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return Blocks{
          detail::Made{[&] { return make_block<i>(shape_before<i>(shapes, N), options); }}...};
    }
    (std::make_index_sequence<depth>{});
  }

  /// Each layer's own Pass, for batches of N. The model's workspace is made of these.
  [[gnu::cold]] LayerPasses layer_passes(Index N, const WorkspaceOptions& options,
                                         const Blocks& blocks) const {
    const auto shapes = output_shapes(N);
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return LayerPasses{detail::Made{
          [&] { return layer_pass<i>(shape_before<i>(shapes, N), options, blocks); }}...};
    }
    (std::make_index_sequence<depth>{});
  }

  /// Appends what the memory of a workspace depends on, and to `ends`, if there is one, where the numbers of
  /// each layer end: extents of tensors and outputs, windows. Throws if layers do not fit together any more.
  FOVEA_OUT_OF_LINE void dimensions(std::vector<Index>& all, std::vector<std::size_t>* ends) const {
    const auto shapes = output_shapes(1);
    each_layer([&]<std::size_t i>() {
      detail::add_dimensions(std::get<i>(layers_), all);
      for (const Index extent : std::get<i>(shapes).extents()) all.push_back(extent);
      if (ends) ends->push_back(all.size());
    });
  }

 private:
  template <std::size_t, class...>
  friend class Sequential;

  static constexpr std::array<std::string_view, depth> kinds{Layers::kind...};

  static constexpr std::size_t ordinal(std::size_t i) {
    std::size_t count = 0;
    for (std::size_t j = 0; j <= i; ++j) count += kinds[j] == kinds[i];
    return count;
  }

  [[noreturn, gnu::cold]] static void no_such_layer(std::string_view name) {
    std::string all;
    for (std::size_t i = 0; i < depth; ++i) all += concat(" ", layer_name(i));
    fail("there is no layer ", name, " in this network, only", all);
  }

  template <class F>
  static void each_layer(F&& f) {
    [&]<std::size_t... i>(std::index_sequence<i...>) { (f.template operator()<i>(), ...); }
    (std::make_index_sequence<depth>{});
  }

  static void check_apart(const char* who, std::size_t i, bool apart) {
    if (!apart)
      fail(who, layer_name(i),
           " runs as one with its neighbours here; make the workspace with {.keep = "
           "Keep::everything}");
  }

  // Whether the output of layer i does not exist.
  template <std::size_t i>
  static bool inside_a_block(const Workspace<Sequential>& w) {
    constexpr std::size_t first = block_around<i>();
    return first + BlockAt<first>::span > i + 1 && std::get<first>(w.blocks_).active();
  }

  View<const T, output_rank> forward_in(const Context& context, std::string_view child,
                                        View<const T, input_rank> x,
                                        Workspace<Sequential>& w) const {
    check(x.shape() == input_.prepend(x.extent(0)) && !x.empty(), "forward: expected ",
          input_.prepend(w.capacity()), " or fewer, got ", x.shape());
    check(x.extent(0) <= w.capacity(), "forward: this workspace holds at most ", w.capacity(),
          " examples, got ", x.extent(0));
    w.check_belongs("forward", *this);
    check(!overlap(x, as_const(w.storage_)), "forward: expected an input outside of this ",
          "workspace's memory; copy it first");
    w.began_ = depth;
    w.set_batch(x.extent(0));
    w.context_ = context;
    w.child_ = child;
    if (!w.input_.empty()) std::copy(x.begin(), x.end(), w.input_.begin());
    run(0, x, w);
    w.began_ = 0;
    w.buffers_are_new_ = context.mode == Mode::train;
    return as_const(w.template output<depth - 1>());
  }

  // Layer after layer from layer `from` on, a block where it begins.
  void run(std::size_t from, View<const T, input_rank> x, Workspace<Sequential>& w) const {
    std::size_t at = from;
    w.naming(at, [&] {
      each_layer([&]<std::size_t i>() {
        if (i == at) at = step<i>(x, w, w.context_.of_layer(i), i == from);
      });
    });
  }

  // Layer i or the block that begins with it, `first` or not; returns the layer behind it.
  template <std::size_t i>
  std::size_t step(const View<const T, input_rank>& x, Workspace<Sequential>& w,
                   const Context& context, bool first) const {
    using Block = BlockAt<i>;
    constexpr std::size_t behind = i + Block::span;
    if constexpr (Block::span > 1)
      if (auto& block = std::get<i>(w.blocks_); block.active()) {
        if constexpr (in_chains<i>) {
          if (!first && w.chained_[i]) return behind;  // it has run with the one before it
          std::array<typename Block::Stage, depth> stages;
          const std::size_t length = chain<i>(w, stages.data());
          stages[0].x = input_of<i>(x, w);
          Block::forward({stages.data(), length}, context);
        } else {
          block.forward(input_of<i>(x, w), w.template output<behind - 1>(), std::get<i>(layers_),
                        std::get<i>(w.layers_), context);
        }
        return behind;
      }
    const auto& y = w.template output<i>();
    const auto& input = input_of<i>(x, w);
    if (i == 0 || !is_view<i> || y.data() != input.data())
      run_forward(std::get<i>(layers_), input, y, std::get<i>(w.layers_), context);
    return i + 1;
  }

  // The block that begins with layer i and those that it hands over to; returns how many.
  template <std::size_t i, class Stage>
  std::size_t chain(Workspace<Sequential>& w, Stage* stages) const {
    constexpr std::size_t behind = i + BlockAt<i>::span;
    stages->block = &std::get<i>(w.blocks_), stages->conv = &std::get<i>(layers_);
    stages->pass = &std::get<i>(w.layers_);
    stages->y = w.template output<behind - 1>();
    stages->dy = w.template dy<behind - 1>();
    if constexpr (chains<i>)
      if (w.chained_[behind]) return 1 + chain<behind>(w, stages + 1);
    return 1;
  }

  // From layer `from` back to the first, a block where it ends.
  void go_back(std::size_t from, View<const T, input_rank> x, Workspace<Sequential>& w) const {
    std::size_t left = from + 1, at = from;
    w.naming(at, [&] {
      each_layer([&]<std::size_t j>() {
        constexpr std::size_t i = depth - 1 - j;
        if (i + 1 != left) return;
        at = i;
        left = step_back<i>(x, w, w.context_.of_layer(i));
      });
    });
  }

  // Layer i or the block that ends with it; returns how many layers are in front of it.
  template <std::size_t i>
  std::size_t step_back(const View<const T, input_rank>& x, Workspace<Sequential>& w,
                        const Context& context) const {
    const auto& y = w.template output<i>();
    const auto& dy = w.template dy<i>();
    constexpr std::size_t first = block_around<i>();
    if constexpr (first < i && first + BlockAt<first>::span == i + 1)
      if (auto& block = std::get<first>(w.blocks_); block.active()) {
        const auto& dx = input_gradient_of<first>(w);
        if constexpr (in_chains<first>) {
          if (w.chained_[first]) return first;  // the first of a chain runs all of it
          using Block = BlockAt<first>;
          std::array<typename Block::Stage, depth> stages;
          const std::size_t length = chain<first>(w, stages.data());
          stages[0].x = input_of<first>(x, w);
          stages[0].dx = dx;
          Block::backward({stages.data(), length}, context);
        } else {
          block.backward(input_of<first>(x, w), y, dy, dx, std::get<first>(layers_),
                         std::get<first>(w.layers_), context);
        }
        return first;
      }
    const auto& dx = input_gradient_of<i>(w);
    if (i == 0 || !is_view<i> || dx.data() != dy.data())
      run_backward(std::get<i>(layers_), input_of<i>(x, w), y, dy, dx, std::get<i>(w.layers_),
                   context);
    return i;
  }

  // Out of line, so that layers of one type share what is compiled for them.
  template <class Layer, std::size_t rank>
  FOVEA_OUT_OF_LINE static auto shape_behind(const Layer& layer, Shape<rank> x) {
    return layer.output_shape(x);
  }
  template <class Layer, class X, class Y, class LayerPass>
  FOVEA_OUT_OF_LINE static void run_forward(const Layer& layer, const X& x, const Y& y,
                                            LayerPass& pass, const Context& context) {
    layer.forward(as_const(x), y, pass, context);
  }
  template <class Layer, class X, class Y, class DX, class LayerPass>
  FOVEA_OUT_OF_LINE static void run_backward(const Layer& layer, const X& x, const Y& y,
                                             const Y& dy, const DX& dx, LayerPass& pass,
                                             const Context& context) {
    layer.backward(as_const(x), as_const(y), as_const(dy), dx, pass, context);
  }

  // Where the block begins that layer i could be a part of; i if there is none.
  template <std::size_t i>
  static constexpr std::size_t block_around() {
    std::size_t found = i;
    [&]<std::size_t... j>(std::index_sequence<j...>) {
      constexpr std::size_t spans[] = {BlockAt<j>::span...};
      for (std::size_t first = 0; first <= i; ++first)
        if (spans[first] > 1 && first + spans[first] > i) found = first;
    }
    (std::make_index_sequence<depth>{});
    return found;
  }

  template <std::size_t i>
  auto make_block(const auto& shape, const WorkspaceOptions& options) const {
    using Block = BlockAt<i>;
    return [&]<std::size_t... j>(std::index_sequence<j...>) {
      return Block(shape, options, std::get<i + j>(layers_)...);
    }
    (std::make_index_sequence<Block::span>{});
  }

  template <std::size_t i>
  auto shape_before(const OutputShapes& shapes, Index N) const {
    if constexpr (i == 0)
      return input_.prepend(N);
    else
      return std::get<i - 1>(shapes);
  }

  template <std::size_t i>
  static const auto& input_of(const View<const T, input_rank>& x, const Workspace<Sequential>& w) {
    if constexpr (i == 0)
      return x;
    else
      return w.template output<i - 1>();
  }

  template <std::size_t i>
  static const auto& input_gradient_of(const Workspace<Sequential>& w) {
    if constexpr (i == 0)
      return w.dinput_;
    else
      return w.template dy<i - 1>();
  }

  static Context context_of(const Workspace<Sequential>& w, Mode mode) {
    return {.mode = mode,
            .threads = w.options_.threads,
            .seed = w.options_.seed,
            .step = w.step,
            .parameter_gradients = w.options_.parameter_gradients};
  }

  // A layer's own Pass, without what only the layer by itself would need if it runs in a block. Every network
  // inside it must be listed, and have a workspace made from these options: else its parameters would not be
  // trained, or it would run in another mode than the layer.
  template <std::size_t i>
  auto layer_pass(const auto& x, WorkspaceOptions options, const Blocks& blocks) const {
    using Layer = std::tuple_element_t<i, std::tuple<Layers...>>;
    const Layer& layer = std::get<i>(layers_);
    constexpr std::size_t first = block_around<i>();
    if constexpr (BlockAt<first>::span > 1)
      if constexpr (requires { layer.fused_pass(x, options); })
        if (std::get<first>(blocks).active()) return layer.fused_pass(x, options);
    int made = 0, listed = 0;
    options.nested = &made;
    auto pass = detail::make_pass(layer, x, options);
    detail::each_child<Layer>([&](const auto&) { ++listed; });
    check(made == listed, layer_name(i),
          ": expected a workspace made from the options that pass() ", "is given for each of the ",
          listed, " networks in children(), found ", made);
    return pass;
  }

  template <bool with_buffers, class Self, class F>
  static void visit_named(Self& self, const std::string& prefix, F&& f) {
    each_layer([&]<std::size_t i>() {
      using Layer = std::tuple_element_t<i, std::tuple<Layers...>>;
      auto& layer = std::get<i>(self.layers_);
      const std::string name = concat(prefix, layer_name(i), ".");
      detail::each_parameter<Layer>([&](const auto& p) {
        if (!(layer.*p.value).empty()) f(concat(name, p.name), layer.*p.value);
      });
      if constexpr (with_buffers)
        detail::each_buffer<Layer>([&](const auto& b) { f(concat(name, b.name), layer.*b.value); });
      detail::each_child<Layer>([&](const auto& c) {
        auto& net = layer.*c.net;
        net.template visit_named<with_buffers>(net, concat(name, c.name, "."), f);
      });
    });
  }

  Shape<R> input_;
  std::tuple<Layers...> layers_;
  NetworkIdentity identity_{};
};

// Who leaves the shape out is told so, by the first sentence in the class.
template <class... Layers>
Sequential(Layers...) -> Sequential<0, Layers...>;

}  // namespace fovea::inline FOVEA_ABI
