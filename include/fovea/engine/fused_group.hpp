// SPDX-License-Identifier: MIT
//
// The contract: what a fused group is.
//
// A fused group runs layers that follow each other as one step, y = f_n( ... f_1(x)),
// and never writes the values between them. Which neighbours it takes is decided
// once, when a workspace is made:
//
//   template <class T>
//   struct LinearRelu final : FusedGroup<T> {
//     using First = Linear<T>;            // only networks with a Linear try this rule,
//     using Second = Relu;                // and with a Relu, if that is said, too
//     // How many layers it takes.
//     static std::size_t match(Neighbours<T> layers, const Extents& x, const WorkspaceOptions&) {
//       return layers.size() >= 2 && layers[0]->template is<Linear<T>>() &&
//              layers[1]->template is<Relu>() ? 2 : 0;
//     }
//     // Makes all memory.
//     LinearRelu(Neighbours<T> layers, const Extents& x, const WorkspaceOptions&);
//     void forward(AnyView<const T> x, AnyView<T> y, const Context&) override;
//     void backward(AnyView<const T> x, AnyView<const T> y, AnyView<const T> dy, AnyView<T> dx,
//                   const Context&) override;  // dx is empty when it is not needed
//   };
//
// backward assigns dx, and the gradients of parameters in the Pass of each layer,
// layers[0]->template pass<typename Linear<T>::Pass>(). fused/rules.hpp lists the groups of the
// library; a workspace takes more: net.workspace(64, {},
// std::array{fusion_rule<LinearRelu<float>, float>}).
#pragma once

#include <memory>
#include <span>

#include "fovea/engine/any_layer.hpp"

namespace fovea::inline FOVEA_ABI {

/// Layers that follow each other: each reads what the one before it writes, and no other layer
/// does; the first has one input, x. Where a group says `static constexpr bool input_again = true`,
/// there may be layers among them that read x, too: an Add at the end of a residual block.
template <class T>
using Neighbours = std::span<AnyLayer<T>* const>;

/// Layers that run as one step.
template <class T>
class FusedGroup {
 public:
  virtual ~FusedGroup() = default;
  /// y of the last layer from x of the first.
  virtual void forward(AnyView<const T> x, AnyView<T> y, const Context& context) = 0;
  /// Assigns dx, unless it is empty, and the gradients of all parameters.
  virtual void backward(AnyView<const T> x, AnyView<const T> y, AnyView<const T> dy, AnyView<T> dx,
                        const Context& context) = 0;
  /// y if x were the output of the layer with this number in the group: the layers after it run.
  /// False if the group cannot begin there.
  virtual bool forward_after(std::size_t, AnyView<const T>, AnyView<T>, const Context&) {
    return false;
  }
  /// Whether backward reads a copy of x that forward makes, so that x need not be kept for it.
  virtual bool keeps_input() const { return false; }
  /// Whether forward costs so little that it may run again before backward (Context::again).
  virtual bool runs_again() const { return false; }
  /// Whether backward does not read y.
  virtual bool ignores_output() const { return false; }
};

/// When a group applies, and how it is made.
template <class T>
struct FusionRule {
  /// How many of these layers, from the first on, the group takes for inputs x of
  /// the first: 0, or 2 and more.
  std::size_t (*match)(Neighbours<T> layers, const Extents& x, const WorkspaceOptions& options);
  /// The group of exactly these layers, for inputs of at most the extents of x.
  std::unique_ptr<FusedGroup<T>> (*make)(Neighbours<T> layers, const Extents& x,
                                         const WorkspaceOptions& options);
  bool input_again = false;  ///< whether layers may read x, too
};

namespace detail {

template <class Group>
inline constexpr bool input_again = [] {
  if constexpr (requires { Group::input_again; }) return Group::input_again;
  return false;
}();

}  // namespace detail

/// The rule of a group.
template <class Group, class T>
inline constexpr FusionRule<T> fusion_rule{
    &Group::match,
    [](Neighbours<T> layers, const Extents& x, const WorkspaceOptions& options)
        -> std::unique_ptr<FusedGroup<T>> { return std::make_unique<Group>(layers, x, options); },
    detail::input_again<Group>};

}  // namespace fovea::inline FOVEA_ABI
