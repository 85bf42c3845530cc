// SPDX-License-Identifier: MIT
//
// Workspace: all memory of one forward and one backward of a network. It is made once, for a largest batch
// size, and used again for every step: after the first one nothing is allocated.
//
//   auto w = net.workspace(64);                                // what training needs
//   auto w = net.workspace(1, {.keep = Keep::everything});     // every activation and gradient, to look at
//
//   Keep::output         forward only; an activation is kept until the next layer has read it
//   Keep::for_backward   the activations that backward reads; a gradient is kept until it has been read
//   Keep::everything     all activations and all gradients, layer by layer
//
// Unless everything is kept, neighbours that can run as one do so (blocks.hpp), and the values between them
// are never written. Where each value is follows from the steps in which it is alive (memory_plan.hpp). A
// layer whose output is its input under another shape (Flatten) shares its memory.
//
// A workspace belongs to the network that made it: another one, a copy or one whose tensors have other extents
// by now is refused. Every view it returns has the batch size at hand, at most the capacity.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fovea/core/parallel.hpp"
#include "fovea/engine/memory_plan.hpp"
#include "fovea/model/identity.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// An error in a layer, with the path to it: "residual1.branch.conv2: the message".
class LayerError : public Error {
 public:
  LayerError(std::string_view child, std::string_view layer, std::string_view inside,
             std::string_view message)
      : LayerError(
            concat(child, child.empty() ? "" : ".", layer, inside.empty() ? "" : ".", inside),
            std::string(message)) {}
  const std::string& path() const { return path_; }
  const std::string& message() const { return message_; }

 private:
  LayerError(std::string path, std::string message)
      : Error(concat(path, ": ", message)), path_(std::move(path)), message_(std::move(message)) {}
  std::string path_, message_;
};

// The views of tensors of these shapes.
template <class T, class Shapes>
struct ViewsOf;
template <class T, std::size_t... R>
struct ViewsOf<T, std::tuple<Shape<R>...>> {
  using type = std::tuple<View<T, R>...>;
};

}  // namespace detail

/// All memory of one forward and one backward of a network.
template <class Net>
class Workspace {
 public:
  using T = typename Net::value_type;

  /// For batches of at most `capacity`; `net.workspace(capacity, options)` says the same.
  [[gnu::cold]] Workspace(const Net& net, Index capacity, const WorkspaceOptions& options)
      : options_(resolved(options)),
        nested_(options.nested != nullptr),
        capacity_(checked(net, capacity)),
        batch_(capacity),
        network_(net.identity()),
        blocks_(net.blocks(capacity, options_)),
        layers_(net.layer_passes(capacity, options_, blocks_)) {
    if (options.nested) ++*options.nested;
    plan(net, std::make_index_sequence<depth>{});
    net.dimensions(dimensions_, &ends_);
    found_ = dimensions_;
  }

  Workspace(Workspace&&) = default;
  Workspace& operator=(Workspace&&) = default;

  /// The largest batch size.
  Index capacity() const { return capacity_; }
  int threads() const { return options_.threads; }
  /// How it was made, with the number of threads resolved.
  const WorkspaceOptions& options() const { return options_; }

  /// The output of layer i in the last forward: `w.activation<Net::index("conv1")>()`.
  template <std::size_t i>
  auto activation() const {
    check_kept(i + 1 == depth, "activation", i);
    return as_const(output<i>());
  }

  /// The gradient of the output of layer i in the last backward.
  template <std::size_t i>
  auto gradient() const {
    check_kept(false, "gradient", i);
    return as_const(dy<i>());
  }

  /// Where the loss writes its gradient, for backward to read: the shape of the network's last output. A
  /// reference, so that `cross_entropy(net.forward(x, w), labels, w.output_gradient())` sees the batch of
  /// this forward, whichever argument is evaluated first.
  const auto& output_gradient() {
    check(options_.keep != Keep::output, "output_gradient: this workspace is for prediction; ",
          "make it with {.keep = Keep::for_backward}");
    return dy<depth - 1>();
  }

  /// ds/dx of the network's input after backward.
  auto input_gradient() const {
    check(options_.input_gradient,
          "input_gradient: make the workspace with {.input_gradient = true}");
    return as_const(dinput_);
  }

  /// What layer i left behind, its parameters' gradients among it.
  template <std::size_t i>
  auto& layer() {
    return std::get<i>(layers_);
  }
  template <std::size_t i>
  const auto& layer() const {
    return std::get<i>(layers_);
  }

  /// The block that begins with layer i, if one does: `w.block<0>().active()`.
  template <std::size_t i>
  const auto& block() const {
    return std::get<i>(blocks_);
  }

  /// Throws unless `net` can be trained with it: it is of this network, with gradients, and for weights that
  /// may change.
  void check_trains(const char* what, const Net& net) {
    check(
        goes_back() && options_.parameter_gradients, what, ": expected a workspace with gradients ",
        "of the parameters, got one with {.keep = Keep::output} or {.parameter_gradients = false}");
    check(!options_.prepack_weights, what, ": expected a workspace for training, got one with ",
          "{.prepack_weights = true}, which says that the weights do not change");
    check_belongs(what, net);
  }

  /// The steps of training so far; an optimizer sets it, and so does loading a checkpoint.
  std::uint64_t step = 0;

 private:
  friend Net;
  static constexpr std::size_t depth = Net::depth;
  template <std::size_t i>
  static constexpr std::size_t rank = Net::template rank_after<i>;
  using Views = typename detail::ViewsOf<T, typename Net::OutputShapes>::type;

  static WorkspaceOptions resolved(WorkspaceOptions options) {
    options.threads = resolve_threads(options.threads);
    if (options.keep == Keep::everything) options.fuse = false;
    options.nested = nullptr;
    return options;
  }
  // Everything else is made for this many examples, so whether that can be is checked first.
  static Index checked(const Net& net, Index capacity) {
    net.identity().check_used("workspace");
    check(capacity > 0, "workspace: expected a batch size of 1 or more, got ", capacity);
    net.input_shape().prepend(capacity).size();
    std::apply([](const auto&... shape) { (shape.size(), ...); }, net.output_shapes(capacity));
    return capacity;
  }

  bool goes_back() const { return options_.keep != Keep::output; }
  Mode default_mode() const {
    return options_.keep == Keep::for_backward ? Mode::train : Mode::eval;
  }

  void check_kept(bool always, const char* what, std::size_t i) const {
    if (!always && options_.keep != Keep::everything)
      fail(what, ": this workspace did not keep that of ", Net::layer_name(i),
           "; make it with {.keep = Keep::everything}");
  }

  // The network that this workspace was made for, with tensors of the extents that it had then.
  FOVEA_OUT_OF_LINE void check_belongs(const char* what, const Net& net) {
    network_.check_same(what, net.identity(), options_.prepack_weights);
    found_.clear();
    net.dimensions(found_, nullptr);
    if (found_ == dimensions_) return;
    std::size_t at = 0;
    while (at < found_.size() && at < dimensions_.size() && found_[at] == dimensions_[at]) ++at;
    const auto end = std::upper_bound(ends_.begin(), ends_.end() - 1, at);
    fail(what, ": ", Net::layer_name(static_cast<std::size_t>(end - ends_.begin())),
         " has other extents or options than when this workspace was made; make a new one");
  }

  void check_outermost(const char* what) const {
    check(!nested_, what, ": this workspace belongs to a layer, whose network runs in the layer's ",
          "context: forward(x, pass.branch, context.child(\"branch\"))");
  }

  // Runs f and says in which layer it failed: "residual1.branch.conv2: ...". `at` is the layer.
  template <class F>
  void naming(const std::size_t& at, const F& f) const {
    try {
      f();
    } catch (const detail::LayerError& error) {
      throw detail::LayerError(child_, Net::layer_name(at), error.path(), error.message());
    } catch (const Error& error) {
      throw detail::LayerError(child_, Net::layer_name(at), "", error.what());
    }
  }

  // A gradient or a buffer's new value of the wrong size would be written beyond its end, or half.
  template <std::size_t i, class Layer>
  void check_sizes(const Layer& layer) const {
    if (!goes_back()) return;
    if (options_.parameter_gradients)
      detail::each_parameter<Layer>([&](const auto& p) {
        check_size(i, "a gradient ", p.name, (layer.*p.value).shape().extents(),
                   (std::get<i>(layers_).*p.gradient).shape().extents());
      });
    check_buffers<i>(layer);
  }
  template <std::size_t i, class Layer>
  void check_buffers(const Layer& layer) const {
    detail::each_buffer<Layer>([&](const auto& b) {
      check_size(i, "a new value ", b.name, (layer.*b.value).shape().extents(),
                 (std::get<i>(layers_).*b.update).shape().extents());
    });
  }
  [[gnu::cold]] static void check_size(std::size_t i, const char* what, std::string_view name,
                                       std::span<const Index> expected,
                                       std::span<const Index> found) {
    if (!std::equal(expected.begin(), expected.end(), found.begin(), found.end()))
      fail(Net::layer_name(i), ": expected ", what, detail::extents_text(expected), " of ", name,
           " in its Pass, found ", detail::extents_text(found),
           " (the layer's pass(shape, options) makes it)");
  }

  // Joins chains, plans the memory, and points the views at their places in it.
  template <std::size_t... i>
  [[gnu::cold]] void plan(const Net& net, std::index_sequence<i...>) {
    (check_sizes<i>(std::get<i>(net.layers())), ...);
    (join_chain<i>(), ...);
    const auto shapes = net.output_shapes(capacity_);
    const auto input = net.input_shape().prepend(capacity_);
    const Index sizes[] = {std::get<i>(shapes).size()...};
    const bool active[] = {std::get<i>(blocks_).active()...};
    constexpr bool is_view[] = {(i > 0 && Net::template is_view<i>)...};
    constexpr std::size_t spans[] = {Net::template BlockAt<i>::span...};
    const auto values = lifetimes(sizes, active, is_view, spans, input.size());
    const MemoryPlan memory = plan_memory(values, 64 / sizeof(T));  // a cache line
    storage_ = Tensor<T, 1>(Shape{memory.size});
    // A view has the offset of the value that it looks at.
    std::array<Index, 2 * depth> offsets{};
    for (std::size_t k = 0; k < depth; ++k)
      for (const std::size_t at : {k, depth + k})
        offsets[at] = is_view[k] ? offsets[at - 1] : memory.offsets[at];
    T* const from = storage_.data();
    (look(std::get<i>(outputs_), from + offsets[i], std::get<i>(shapes), capacity_), ...);
    if (goes_back())
      (look(std::get<i>(gradients_), from + offsets[depth + i], std::get<i>(shapes), capacity_),
       ...);
    if (options_.input_gradient) dinput_ = {from + memory.offsets[2 * depth], input};
    if (goes_back() && !keeps_input()) input_ = Tensor<T, Net::input_rank>(input);
  }

  // When each value is alive: outputs, their gradients, and that of the input. Layer k runs forward in step k
  // and backward in step 2 depth - 1 - k; neighbours that run as one take the steps of all of them. What
  // backward reads is kept to the end, so that backward may run again with another output gradient.
  [[gnu::cold]] std::vector<Lifetime> lifetimes(const Index (&sizes)[depth],
                                                const bool (&active)[depth],
                                                const bool (&is_view)[depth],
                                                const std::size_t (&spans)[depth],
                                                Index input_size) const {
    constexpr auto L = static_cast<Index>(depth);
    constexpr Index end = 2 * L;
    std::array<std::size_t, depth> begin{};  // of what runs as one with layer k
    std::array<Index, depth> last{};         // and its last layer
    std::array<bool, depth> inside{};        // whether the output of layer k is never written
    for (std::size_t k = 0; k < depth;) {
      const std::size_t span = active[k] ? spans[k] : 1;
      for (std::size_t j = k; j < k + span; ++j) {
        begin[j] = k > 0 && chained_[k] ? begin[k - 1] : k;
        inside[j] = j + 1 < k + span;
      }
      for (std::size_t j = begin[k]; j < k + span; ++j) last[j] = static_cast<Index>(k + span) - 1;
      k += span;
    }
    std::vector<Lifetime> values(2 * depth + 1);
    for (std::size_t k = 0; k < depth; ++k) {
      const auto here = static_cast<Index>(k);
      const bool output = k + 1 == depth, all = options_.keep == Keep::everything;
      // Between the blocks of a chain only forward_after writes, and the rest of the chain reads.
      const bool between = !output && chained_[k + 1];
      const Index size = inside[k] || is_view[k] ? 0 : sizes[k];
      const Index written = between ? here : static_cast<Index>(begin[k]);
      const Index read = output ? end : last[k + 1];
      values[k] = {size, all ? 0 : written, all || goes_back() ? end : read};
      const Index back = output ? 0 : end - 1 - last[k + 1];
      values[depth + k] = {!goes_back() || between ? 0 : size, all ? 0 : back,
                           all || output ? end : end - 1 - static_cast<Index>(begin[k])};
    }
    // The memory of a view is alive as long as any of those that look at it.
    for (std::size_t k = depth; k-- > 1;)
      for (const std::size_t at : {k, depth + k})
        if (is_view[k]) {
          values[at - 1].first = std::min(values[at - 1].first, values[at].first);
          values[at - 1].last = std::max(values[at - 1].last, values[at].last);
        }
    values[2 * depth] = {options_.input_gradient ? input_size : 0, 0, end};
    return values;
  }

  // Whether backward reads the input from a copy that the first block makes in any case.
  bool keeps_input() const {
    if constexpr (requires { std::get<0>(blocks_).keeps_input(); })
      return std::get<0>(blocks_).keeps_input();
    else
      return false;
  }

  // Where the block of layer i and the one after it are active, they run as a chain.
  template <std::size_t i>
  void join_chain() {
    if constexpr (Net::template chains<i>) {
      constexpr std::size_t next = i + Net::template BlockAt<i>::span;
      auto &block = std::get<i>(blocks_), &after = std::get<next>(blocks_);
      if (!block.active() || !after.active()) return;
      block.hand_over_to(after);
      chained_[next] = true;
    }
  }

  // Out of line, so that views of one rank share what is compiled for them.
  template <std::size_t R>
  FOVEA_OUT_OF_LINE static void look(View<T, R>& view, T* data, const Shape<R>& shape, Index n) {
    view = {data, shape.with_batch(n)};
  }

  // The number of examples at hand, for all views.
  void set_batch(Index n) {
    if (n == batch_) return;
    batch_ = n;
    const auto resize = [n](auto&... view) { (look(view, view.data(), view.shape(), n), ...); };
    std::apply(resize, outputs_);
    std::apply(resize, gradients_);
    resize(dinput_);
  }

  template <std::size_t i>
  const auto& output() const {
    return std::get<i>(outputs_);
  }
  template <std::size_t i>
  const auto& dy() const {
    return std::get<i>(gradients_);
  }

  WorkspaceOptions options_;
  bool nested_;  // whether it was made from the options of another workspace
  Index capacity_;
  Index batch_;          // the N at hand
  Context context_{};    // of the last forward
  std::string child_{};  // its name in the layer around it
  // The layer at which the last forward that ran to its end began; depth: there is none.
  std::size_t began_ = depth;
  bool buffers_are_new_ = false;  // since the last commit, by a forward in train mode
  NetworkIdentity::Owner network_;
  typename Net::Blocks blocks_;
  typename Net::LayerPasses layers_;
  Tensor<T, 1> storage_{};  // of all that the views look at
  Views outputs_{}, gradients_{};
  // Whether layer i begins a block that another one hands over to.
  std::array<bool, depth + 1> chained_{};
  View<T, Net::input_rank> dinput_{};
  Tensor<T, Net::input_rank> input_{};  // a copy, for backward; empty: the first block has one
  // What the memory depends on, as it was, where that of each layer ends, and as it is now.
  std::vector<Index> dimensions_{}, found_{};
  std::vector<std::size_t> ends_{};
};

}  // namespace fovea::inline FOVEA_ABI
