// SPDX-License-Identifier: MIT
//
// Workspace: everything that one forward and one backward of a network leave behind. It is made once, for
// a largest batch size, and used again for every step: after the first one nothing is allocated.
//
//   auto pass = net.workspace(64);                            // what training needs
//   auto pass = net.workspace(1, {.keep = Keep::everything});        // every activation and gradient, to look at
//
//   Keep::output   forward only: two pieces of memory take turns as input and output
//   Keep::for_backward    the activations that backward needs; two pieces take turns as the gradients
//   Keep::everything       all activations and all gradients
//
// Unless all is kept, neighbours that can run as one do so (blocks.hpp), and what stands between them
// does not exist. A layer that only is_view its input (Flatten) shares its memory.
//
// Every view it hands out has the batch size at hand, which may be smaller than the capacity.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include "fovea/core/parallel.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// The views of tensors of these shapes.
template <class T, class Shapes>
struct ViewsOf;
template <class T, std::size_t... R>
struct ViewsOf<T, std::tuple<Shape<R>...>> {
  using type = std::tuple<View<T, R>...>;
};

}  // namespace detail

/// What one forward and one backward of a network leave behind.
template <class Net>
class Workspace {
 public:
  using T = typename Net::value_type;

  /// For batches of at most `capacity`; `net.workspace(capacity, options)` says the same.
  [[gnu::cold]] Workspace(const Net& net, Index capacity, WorkspaceOptions options)
      : options_(resolved(options)),
        capacity_(positive(capacity)),
        batch_(capacity),
        blocks_(net.blocks(capacity, options_)),
        layers_(net.layer_passes(capacity, options_, blocks_)) {
    plan(net, std::make_index_sequence<depth>{});
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

  /// Where the loss writes its gradient, for backward to read: the shape of the network's output.
  auto output_gradient() {
    check(options_.keep != Keep::output,
          "output_gradient: this workspace is for prediction; make it with ",
          "{.keep = Keep::for_backward}");
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

  /// The step of training that this workspace is in; the optimizer sets it to its clock.
  std::uint64_t step = 0;

 private:
  friend Net;
  static constexpr std::size_t depth = Net::depth;
  template <std::size_t i>
  static constexpr std::size_t rank = Net::template rank_after<i>;
  using Views = typename detail::ViewsOf<T, typename Net::OutputShapes>::type;

  static WorkspaceOptions resolved(WorkspaceOptions options) {
    options.threads = resolve_threads(options.threads);
    return options;
  }
  static Index positive(Index capacity) {
    check(capacity > 0, "workspace: expected a batch size of 1 or more, got ", capacity);
    return capacity;
  }

  void check_kept(bool always, const char* what, std::size_t i) const {
    if (!always && options_.keep != Keep::everything)
      fail(what, ": this workspace did not keep that of ", Net::layer_name(i),
           "; make it with {.keep = Keep::everything}");
  }

  // Without memory for a gradient, as in a Pass that nobody made, backward would write beyond its end.
  template <std::size_t i, class Layer>
  void check_gradients(const Layer& layer) const {
    if (options_.keep == Keep::output || !options_.parameter_gradients) return;
    detail::each_parameter<Layer>([&](const auto& p) {
      check_gradient(i, p.name, (layer.*p.value).shape().extents(),
                     (std::get<i>(layers_).*p.gradient).shape().extents());
    });
  }
  [[gnu::cold]] static void check_gradient(std::size_t i, std::string_view parameter,
                                           std::span<const Index> expected,
                                           std::span<const Index> found) {
    if (!std::equal(expected.begin(), expected.end(), found.begin(), found.end()))
      fail(Net::layer_name(i), ": expected a gradient ", detail::extents_text(expected), " of ",
           parameter, " in its Pass, found ", detail::extents_text(found),
           " (the layer's pass(shape, options) makes it)");
  }

  // Joins chains, asks for the memory, and shows the views their places in it.
  template <std::size_t... i>
  [[gnu::cold]] void plan(const Net& net, std::index_sequence<i...>) {
    (check_gradients<i>(std::get<i>(net.layers())), ...);
    (join_chain<i>(), ...);
    // The size of what each layer writes: 0 inside a block, and where it shares its input's memory.
    const auto shapes = net.output_shapes(capacity_);
    std::array<Index, depth> sizes{std::get<i>(shapes).size()...};
    const bool active[] = {std::get<i>(blocks_).active()...};
    constexpr bool is_view[] = {(i > 0 && Net::template is_view<i>)...};
    constexpr std::size_t spans[] = {Net::template BlockAt<i>::span...};
    for (std::size_t k = 0; k < depth; ++k) {
      if (active[k]) std::fill_n(sizes.begin() + k, spans[k] - 1, Index{0});
      if (is_view[k]) sizes[k] = 0;
    }
    const bool goes_back = options_.keep != Keep::output;
    const auto input = net.input_shape().prepend(capacity_);
    Index used = 0;
    // A chain runs as one: what stands between its blocks is written by nobody, except by forward_after,
    // which needs it while the rest of the chain runs. So it has a place of its own and takes no turn.
    std::array<bool, depth> apart{};
    for (std::size_t k = 0; k + 1 < depth; ++k) apart[k] = chained_[k + 1];
    const auto y = places(sizes, apart, !goes_back, used);
    const auto dy = goes_back ? places(sizes, apart, options_.keep == Keep::for_backward, used) : y;
    storage_ = Tensor<T, 1>(Shape{used + (options_.input_gradient ? input.size() : 0)});
    T* const memory = storage_.data();
    (look(std::get<i>(outputs_), memory + y[i], std::get<i>(shapes), capacity_), ...);
    if (goes_back)
      (look(std::get<i>(gradients_), memory + dy[i], std::get<i>(shapes), capacity_), ...);
    if (options_.input_gradient) dinput_ = {memory + used, input};
  }

  // Where the block of layer i and the one behind it are active, they run as a chain.
  template <std::size_t i>
  void join_chain() {
    if constexpr (Net::template chains<i>) {
      constexpr std::size_t next = i + Net::template BlockAt<i>::span;
      auto &block = std::get<i>(blocks_), &behind = std::get<next>(blocks_);
      if (!block.active() || !behind.active()) return;
      block.hand_over_to(behind);
      chained_[next] = true;
    }
  }

  // The place in memory of what each layer writes, behind the first `used` numbers: one for every layer, or
  // two in turns, of which one is read while the other is written, besides those that stand `apart`.
  [[gnu::cold]] static std::array<Index, depth> places(const std::array<Index, depth>& sizes,
                                                       const std::array<bool, depth>& apart,
                                                       bool turns, Index& used) {
    constexpr Index line = 64 / sizeof(T);  // of the cache
    const auto take = [&](Index size) {
      return std::exchange(used, used + (size + line - 1) / line * line);
    };
    const Index largest = turns ? *std::max_element(sizes.begin(), sizes.end()) : 0;
    const Index pieces[] = {take(largest), take(largest)};
    std::array<Index, depth> places{};
    int turn = 0;
    for (std::size_t i = 0; i < depth; ++i) {
      if (sizes[i] > 0)
        places[i] = turns && !apart[i] ? pieces[turn++ % 2] : take(sizes[i]);
      else if (i > 0)
        places[i] = places[i - 1];  // a layer that is_view; inside a block nobody looks
    }
    return places;
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
  Index capacity_;
  Index batch_;  // the N at hand
  Mode mode_ = Mode::train;
  typename Net::Blocks blocks_;
  typename Net::LayerPasses layers_;
  Tensor<T, 1> storage_;  // of all that the views look at
  Views outputs_, gradients_;
  std::array<bool, depth + 1>
      chained_{};  // whether layer i begins a block that another one hands over to
  View<T, Net::input_rank> dinput_;
};

}  // namespace fovea::inline FOVEA_ABI
