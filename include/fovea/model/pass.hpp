// SPDX-License-Identifier: MIT
//
// Pass: everything that one forward and one backward of a network leave behind. It is made once, for
// a largest batch size, and used again for every step: after the first one nothing is allocated.
//
//   auto pass = net.pass(64);                            // what training needs
//   auto pass = net.pass(1, {.keep = Keep::all});        // every activation and gradient, to look at
//
//   Keep::nothing   forward only: two pieces of memory take turns as input and output
//   Keep::needed    the activations that backward needs; two pieces take turns as the gradients
//   Keep::all       all activations and all gradients
//
// Unless all is kept, neighbours that can run as one do so (blocks.hpp), and what stands between them
// does not exist. A layer that only relabels its input (Flatten) shares its memory.
//
// Every view it hands out has the batch size at hand, which may be smaller than the capacity.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "fovea/core/parallel.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// Without memory for a gradient, as in a Pass that nobody made, backward would write beyond its end.
template <class Layer, class LayerPass>
[[gnu::cold]] void check_gradients(const LayerPass& pass, const Layer& layer,
                                   const std::string& name) {
  each_parameter<Layer>([&](const auto& p) {
    const auto expected = (layer.*p.value).shape(), found = (pass.*p.gradient).shape();
    check(expected == found, name, ": expected a gradient ", expected, " of ", p.name,
          " in its Pass, found ", found, " (the layer's pass(shape, options) makes it)");
  });
}

}  // namespace detail

/// What one forward and one backward of a network leave behind.
template <class Net>
class Pass {
 public:
  using T = typename Net::value_type;

  /// For batches of at most `capacity`; `net.pass(capacity, options)` says the same.
  [[gnu::cold]] Pass(const Net& net, Index capacity, PassOptions options)
      : options_(resolved(options)),
        capacity_(positive(capacity)),
        batch_(capacity),
        input_(net.input_shape().prepend(capacity)),
        outputs_(net.output_shapes(capacity)),
        layers_(net.layer_passes(capacity, options_)),
        blocks_(net.blocks(capacity, options_)) {
    if (options_.keep != Keep::nothing && options_.parameter_gradients)
      each_layer([&]<std::size_t i>() {
        detail::check_gradients(std::get<i>(layers_), std::get<i>(net.layers()),
                                Net::layer_name(i));
      });
    // The size of what each layer writes: 0 inside a block, and where it shares its input's memory.
    std::array<Index, depth> sizes{};
    each_layer([&]<std::size_t i>() { sizes[i] = std::get<i>(outputs_).size(); });
    each_layer([&]<std::size_t i>() {
      if (std::get<i>(blocks_).active())
        std::fill_n(sizes.begin() + i, std::get<i>(blocks_).span - 1, Index{0});
    });
    each_layer([&]<std::size_t i>() {
      if (i > 0 && Net::template relabels<i>) sizes[i] = 0;
    });
    each_layer([&]<std::size_t i>() {
      if constexpr (Net::template chains<i>) {
        constexpr std::size_t next = i + Net::template BlockAt<i>::span;
        auto &block = std::get<i>(blocks_), &behind = std::get<next>(blocks_);
        if (!block.active() || !behind.active()) return;
        block.hand_over_to(behind);
        chained_[next] = true;
      }
    });
    place(sizes, options_.keep == Keep::nothing, activations_);
    if (options_.keep != Keep::nothing) place(sizes, options_.keep == Keep::needed, gradients_);
    if (options_.input_gradient) input_gradient_ = allocate(input_.size());
  }

  Pass(Pass&&) = default;
  Pass& operator=(Pass&&) = default;

  /// The largest batch size.
  Index capacity() const { return capacity_; }
  int threads() const { return options_.threads; }
  /// How it was made, with the number of threads resolved.
  const PassOptions& options() const { return options_; }

  /// The output of layer i in the last forward: `pass.activation<Net::index("conv1")>()`.
  template <std::size_t i>
  auto activation() const {
    check(options_.keep == Keep::all || i + 1 == depth,
          "activation: this pass did not keep that of ", Net::layer_name(i),
          "; make it with {.keep = Keep::all}");
    return View<const T, rank<i>>(output<i>());
  }

  /// The gradient of the output of layer i in the last backward.
  template <std::size_t i>
  auto gradient() const {
    check(options_.keep == Keep::all, "gradient: this pass did not keep that of ",
          Net::layer_name(i), "; make it with {.keep = Keep::all}");
    return View<const T, rank<i>>(output_gradient<i>());
  }

  /// Where the loss writes its gradient, for backward to read: the shape of the network's output.
  auto dlogits() {
    check(options_.keep != Keep::nothing, "dlogits: this pass is for prediction; make it with ",
          "{.keep = Keep::needed}");
    return output_gradient<depth - 1>();
  }

  /// ds/dx of the network's input after backward.
  auto input_gradient() const {
    check(options_.input_gradient, "input_gradient: make the pass with {.input_gradient = true}");
    return View<const T, Net::input_rank>(dinput());
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

  /// The block that begins with layer i, if one does: `pass.block<0>().active()`.
  template <std::size_t i>
  const auto& block() const {
    return std::get<i>(blocks_);
  }

  /// The step of training this pass is in; the optimizer sets it to its clock.
  std::uint64_t step = 0;

 private:
  friend Net;
  static constexpr std::size_t depth = Net::depth;
  template <std::size_t i>
  static constexpr std::size_t rank = Net::template rank_after<i>;

  static PassOptions resolved(PassOptions options) {
    options.threads = resolve_threads(options.threads);
    return options;
  }
  static Index positive(Index capacity) {
    check(capacity > 0, "pass: expected a batch size of 1 or more, got ", capacity);
    return capacity;
  }

  template <class F>
  static void each_layer(F&& f) {
    [&]<std::size_t... i>(std::index_sequence<i...>) { (f.template operator()<i>(), ...); }
    (std::make_index_sequence<depth>{});
  }

  T* allocate(Index size) {
    storage_.emplace_back(Shape{size});
    return storage_.back().data();
  }

  // Memory for every layer, or two pieces in turns: one is read while the other is written.
  [[gnu::cold]] void place(const std::array<Index, depth>& sizes, bool turns,
                           std::array<T*, depth>& places) {
    const Index largest = *std::max_element(sizes.begin(), sizes.end());
    T* const pieces[2] = {turns ? allocate(largest) : nullptr, turns ? allocate(largest) : nullptr};
    int turn = 0;
    for (std::size_t i = 0; i < depth; ++i) {
      if (sizes[i] > 0)
        places[i] = turns ? pieces[turn++ % 2] : allocate(sizes[i]);
      else if (i > 0)
        places[i] = places[i - 1];  // a layer that relabels; inside a block nobody looks
    }
  }

  template <std::size_t i>
  View<T, rank<i>> output() const {
    return {activations_[i], std::get<i>(outputs_).with_batch(batch_)};
  }
  template <std::size_t i>
  View<T, rank<i>> output_gradient() const {
    return {gradients_[i], std::get<i>(outputs_).with_batch(batch_)};
  }
  View<T, Net::input_rank> dinput() const {
    if (!options_.input_gradient) return {};
    return {input_gradient_, input_.with_batch(batch_)};
  }

  PassOptions options_;
  Index capacity_;
  Index batch_;  // the N at hand
  Mode mode_ = Mode::train;
  Shape<Net::input_rank> input_;
  typename Net::OutputShapes outputs_;
  typename Net::LayerPasses layers_;
  typename Net::Blocks blocks_;
  std::vector<Tensor<T, 1>> storage_;
  std::array<T*, depth> activations_{}, gradients_{};
  std::array<bool, depth + 1>
      chained_{};  // whether layer i begins a block that another one hands over to
  T* input_gradient_ = nullptr;
};

}  // namespace fovea::inline FOVEA_ABI
