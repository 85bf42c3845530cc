// SPDX-License-Identifier: MIT
//
// The contract: what a layer is.
//
// A layer is a plain value that holds its parameters. It computes y = f(x; theta), and the way back:
// for s = <y, dy> it ASSIGNS dx = ds/dx and dtheta = ds/dtheta (nothing accumulates, so there is
// nothing to set to zero). What a pass leaves behind lives with the caller, in a `Pass`.
//
//   struct Scale {                                          // y = a x, a reader's own layer
//     static constexpr std::string_view kind = "scale";     // Sequential will call it scale1
//     using value_type = double;                            // T, of a layer that has one
//     Tensor<double, 1> a{1.0};
//     struct Pass { Tensor<double, 1> da{0.0}; };           // what backward assigns
//     static constexpr auto parameters() {
//       return std::tuple{Parameter{"a", &Scale::a, &Pass::da}};
//     }
//
//     Shape<2> output_shape(Shape<2> x) const { return x; } // throws when x cannot be taken
//     void forward(View<const double, 2> x, View<double, 2> y, Pass&, const Context&) const;
//     void backward(View<const double, 2> x, View<const double, 2> y, View<const double, 2> dy,
//                   View<double, 2> dx, Pass& pass, const Context&) const;
//   };
//
// Optional members, each with the default that suits a simple layer:
//   Pass                  what one pass leaves behind (default: nothing)
//   pass(shape, options)  makes it for inputs of at most that shape (default: Pass{})
//   parameters()          trained: name, member of the layer, its gradient in the Pass
//   buffers()             saved but not trained: name, member of the layer, its new value in the Pass
//   children()            layers that contain a Sequential: its name, the member, its pass
//   multiply_adds(shape), window()  for summary() and receptive fields; without them see model/seen.hpp
//   is_view              a constant: y is x under another shape and may share its memory
//
// `dx` is empty when nobody asks for it. Extents are run-time values, ranks are types, and T is a
// template parameter: `float` trains, `double` is the same code gradient-checked.
#pragma once

#include <string_view>
#include <tuple>

#include "fovea/core/random.hpp"
#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// Some layers (dropout, batch normalisation) behave differently once training is over.
enum class Mode { train, eval };

/// What a workspace lets you look at. `output`: forward only, for prediction. `for_backward`: also the
/// gradients of parameters and input. `everything`: every activation and its gradient.
enum class Keep { output, for_backward, everything };

/// How a workspace is made: `net.workspace(64, {.keep = Keep::everything})`.
struct WorkspaceOptions {
  Keep keep = Keep::for_backward;   ///< what is held on to
  bool input_gradient = false;      ///< whether backward also computes ds/dx of the network's input
  bool parameter_gradients = true;  ///< false: backward may leave out ds/dtheta, which saves time
  int threads = 0;                  ///< 0: OMP_NUM_THREADS, or all
  bool fuse = true;                 ///< false: layer by layer, as Keep::everything implies
  std::uint64_t seed = 0;           ///< for layers that draw random numbers
  bool prepack_weights = false;     ///< the weights will not change: what is packed is packed once
  int* nested = nullptr;            ///< set in the options that a layer is given, see Child
};

struct ChildContext;

/// What a layer is told about the pass it runs in. Random numbers inside a layer are a function of
/// (seed, step, layer, element), so neither threads nor a resumed training can change them.
struct Context {
  Mode mode = Mode::train;  ///< training, or not any more
  int threads = 1;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;           ///< steps of training so far, see Adam::steps
  std::uint64_t layer = 0;          ///< the layer's identity: another number for every layer
  bool parameter_gradients = true;  ///< false: ds/dtheta will not be read

  /// The same of layer number i inside a network that runs in this context.
  Context of_layer(std::uint64_t i) const {
    Context inside = *this;
    inside.layer = Rng{layer, i}.bits();
    return inside;
  }
  /// What a layer gives to the network inside it that children() lists under this name: the same mode,
  /// threads, seed and step, and an identity of its own.
  ChildContext child(std::string_view name) const;
};

/// The context of a network inside a layer; only Context::child makes one.
struct ChildContext {
  Context context;
  std::string_view name;  ///< for errors, "residual1.branch.conv2: ..."
};

inline ChildContext Context::child(std::string_view name) const {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return {of_layer(hash), name};
}

/// A trained tensor: its name, the member that holds it, the member of Pass that gets its gradient.
template <class Value, class Gradient>
struct Parameter {
  std::string_view name;
  Value value;        ///< pointer to a member of the layer
  Gradient gradient;  ///< pointer to a member of its Pass
};
template <class Value, class Gradient>
Parameter(std::string_view, Value, Gradient) -> Parameter<Value, Gradient>;

/// A saved tensor that is not trained; `update` is the member of Pass with its value after the step.
template <class Value, class Update>
struct Buffer {
  std::string_view name;
  Value value;    ///< pointer to a member of the layer
  Update update;  ///< pointer to a member of its Pass
};
template <class Value, class Update>
Buffer(std::string_view, Value, Update) -> Buffer<Value, Update>;

/// A network inside a layer, and its workspace inside the layer's Pass. The layer makes it from the
/// options that it is given itself, `branch.workspace(N, options)`, and runs it with
/// `branch.forward(x, pass.branch, context.child("branch"))`.
template <class Net, class NetPass>
struct Child {
  std::string_view name;
  Net net;       ///< pointer to a member of the layer
  NetPass pass;  ///< pointer to a member of its Pass
};
template <class Net, class NetPass>
Child(std::string_view, Net, NetPass) -> Child<Net, NetPass>;

/// The Pass of a layer that leaves nothing behind.
struct NoPass {};

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

// Calls f with every entry of one of a layer's lists, if the layer has that list.
template <class Layer, class F>
constexpr void each_parameter(F&& f) {
  if constexpr (requires { Layer::parameters(); })
    std::apply([&](const auto&... p) { (f(p), ...); }, Layer::parameters());
}
template <class Layer, class F>
constexpr void each_buffer(F&& f) {
  if constexpr (requires { Layer::buffers(); })
    std::apply([&](const auto&... b) { (f(b), ...); }, Layer::buffers());
}
template <class Layer, class F>
constexpr void each_child(F&& f) {
  if constexpr (requires { Layer::children(); })
    std::apply([&](const auto&... c) { (f(c), ...); }, Layer::children());
}

template <class Layer>
Index parameter_count(const Layer& layer) {
  Index count = 0;
  each_parameter<Layer>([&](const auto& p) { count += (layer.*p.value).size(); });
  each_child<Layer>([&](const auto& c) { count += (layer.*c.net).parameter_count(); });
  return count;
}

template <class Layer, std::size_t R>
auto make_pass(const Layer& layer, Shape<R> shape, const WorkspaceOptions& options) {
  if constexpr (requires { layer.pass(shape, options); })
    return layer.pass(shape, options);
  else if constexpr (requires { typename Layer::Pass; })
    return typename Layer::Pass{};
  else
    return NoPass{};
}

}  // namespace detail

/// A layer that can take an input of rank R.
template <class Layer, std::size_t R>
concept AcceptsRank = requires(const Layer& layer, Shape<R> shape) {
  layer.output_shape(shape);
};
}  // namespace fovea::inline FOVEA_ABI
