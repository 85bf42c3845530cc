// SPDX-License-Identifier: MIT
//
// Workspace: all memory of one forward and one backward of a network. It is made once, for a
// largest batch size, and used again for every step: after the first one nothing is allocated.
//
//   auto w = net.workspace(64);                             // what training needs
//   auto w = net.workspace(1, {.keep = Keep::everything});  // every activation and gradient
//
//   Keep::output         forward only; an activation is kept until its last reader has run
//   Keep::for_backward   the activations that backward reads; a gradient until it has been read
//   Keep::everything     all activations and all gradients, layer by layer
//
// With {.recompute = true} backward computes activations again that forward has not kept: the same
// bits in less memory, and one backward for each forward.
//
// Unless everything is kept, neighbours that can run as one do so (fused/), and the values between
// them are never written. What runs, and where each value is, says the plan (engine/plan.hpp). A
// layer whose output is its input under another shape (Flatten) shares its memory.
//
// A workspace belongs to the network that made it: another one, a copy or one whose
// tensors have other extents by now is refused. Every view it returns has the batch size
// at hand, at most the capacity.
#pragma once

#include <array>
#include <span>

#include "fovea/engine/any_workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// All memory of one forward and one backward of a Sequential: what an AnyWorkspace has, by the
/// numbers and with the ranks of its layers.
template <class Net>
class Workspace : public AnyWorkspace<typename Net::value_type> {
  using Base = AnyWorkspace<typename Net::value_type>;
  using Base::plan_;
  static constexpr std::size_t depth = Net::depth;
  template <std::size_t i>
  static constexpr std::size_t rank = Net::template rank_after<i>;

 public:
  using T = typename Net::value_type;
  using Base::activation, Base::gradient;

  /// For batches of at most `capacity`; `net.workspace(capacity, options)` says the same.
  [[gnu::cold]] Workspace(const Net& net, Index capacity, const WorkspaceOptions& options,
                          std::span<const FusionRule<T>> rules)
      : Base(net.identity(), capacity, options) {
    const Drawing drawing{net, values_};
    draw(&drawing, plan_);
    plan_.finish(values_[depth - 1], rules);
    look_at_gradients();
  }

  /// The output of layer i in the last forward: `w.activation<Net::index("conv1")>()`.
  template <std::size_t i>
  View<const T, rank<i>> activation() const {
    Base::check_kept(i + 1 == depth, "activation", Net::layer_name(i));
    return output<i>();
  }

  /// The gradient of the output of layer i in the last backward.
  template <std::size_t i>
  View<const T, rank<i>> gradient() const {
    Base::check_kept(false, "gradient", Net::layer_name(i));
    return plan_.gradient(values_[i]).template as<rank<i>>();
  }

  /// Where the loss writes its gradient, for backward to read: the shape of the network's last
  /// output. A reference, so that `cross_entropy(net.forward(x, w), labels, w.output_gradient())`
  /// sees the batch of this forward, whichever argument is evaluated first.
  const View<T, Net::output_rank>& output_gradient() {
    check(Base::goes_back(), "output_gradient: this workspace is for prediction; ",
          "make it with {.keep = Keep::for_backward}");
    return output_gradient_;
  }

  /// ds/dx of the network's input after backward.
  View<const T, Net::input_rank> input_gradient() const {
    check(Base::options().input_gradient,
          "input_gradient: make the workspace with {.input_gradient = true}");
    return plan_.gradient(0).template as<Net::input_rank>();
  }

  /// The Pass of layer i, its parameters' gradients among it.
  template <std::size_t i>
  auto& layer() {
    return pass<i>();
  }
  template <std::size_t i>
  const auto& layer() const {
    return pass<i>();
  }

  /// Throws unless `net` can be trained with it: it is of this network, with gradients, and
  /// for weights that may change.
  void check_trains(const char* what, const Net& net) {
    Base::check_gradients(what);
    check_belongs(what, net);
  }

 private:
  friend Net;

  void check_belongs(const char* what, const Net& net) {
    const Drawing drawing{net, values_};
    Base::check_belongs(what, net.identity(), &drawing, &draw);
  }
  struct Drawing {
    const Net& net;
    std::array<std::size_t, depth>& values;
  };
  [[gnu::cold]] static void draw(const void* address, Plan<T>& plan) {
    const auto& drawing = *static_cast<const Drawing*>(address);
    drawing.net.draw(plan, [&](auto i, const auto& y) { drawing.values[i] = y.number; });
  }

  template <std::size_t i>
  auto& pass() const {
    static_assert(!Composite<typename Net::template LayerAt<i>>,
                  "layer: a layer made of layers has no Pass of its own");
    return plan_.layer(values_[i] - 1).template pass<typename Net::template PassAt<i>>();
  }

  void look_at_gradients() {
    output_gradient_ = plan_.gradient(values_[depth - 1]).template as<Net::output_rank>();
  }

  template <std::size_t i>
  View<T, rank<i>> output() const {
    return plan_.value(values_[i]).template as<rank<i>>();
  }

  std::array<std::size_t, depth> values_{};  // that each layer of the network writes
  View<T, Net::output_rank> output_gradient_{};
};

}  // namespace fovea::inline FOVEA_ABI
