// SPDX-License-Identifier: MIT
//
// A layer without its type, so that what runs a network is ordinary code over a list of them.
// AnyLayer<T> is what the engine calls; LayerAdapter translates to one layer type at one rank and
// keeps its Pass, and is compiled once, however often the layer occurs in a network.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/any_view.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/composite.hpp"

namespace fovea::inline FOVEA_ABI {

/// The most values that a layer reads.
inline constexpr std::size_t most_inputs = 8;

namespace detail {

// An address for each type, to tell types apart.
template <class Type>
inline constexpr char type_tag = 0;

// While it exists, this thread is inside of a layer. A network that a layer runs by itself
// is no part of the plan: it has no step count, and its parameters are never trained.
class InsideLayer {
 public:
  InsideLayer() { ++count(); }
  ~InsideLayer() { --count(); }
  InsideLayer(const InsideLayer&) = delete;
  InsideLayer& operator=(const InsideLayer&) = delete;

  static void check_outside(const char* what) {
    check(count() == 0, what, ": expected a network that no layer runs by itself, for its ",
          "parameters would never be trained; list it in children() and run it in compose()");
  }

 private:
  static int& count() {
    static thread_local int layers = 0;
    return layers;
  }
};

// Appends what a workspace depends on in one layer: extents of its tensors, its window.
template <class Layer>
FOVEA_OUT_OF_LINE void add_dimensions(const Layer& layer, std::vector<Index>& all) {
  const auto add = [&](std::span<const Index> numbers) {
    all.insert(all.end(), numbers.begin(), numbers.end());
  };
  each_parameter<Layer>([&](const auto& p) { add((layer.*p.value).shape().extents()); });
  each_buffer<Layer>([&](const auto& b) { add((layer.*b.value).shape().extents()); });
  if constexpr (requires { layer.window(); }) {
    const Window w = layer.window();
    for (const Extent2& e : {w.kernel, w.stride, w.padding, w.dilation}) add(std::array{e.h, e.w});
  }
}

}  // namespace detail

/// One layer of a plan: y = f(x, ...), with its Pass.
template <class T>
class AnyLayer {
 public:
  /// What it reads.
  using Inputs = std::span<const AnyView<const T>>;
  /// Where ds/dx goes, for each input; empty where it is not needed.
  using Gradients = std::span<const AnyView<T>>;

  virtual ~AnyLayer() = default;

  /// Makes the Pass for inputs of at most these extents. `fused`: a group does the work.
  virtual void prepare(std::span<const Extents> x, const WorkspaceOptions& options, bool fused) = 0;
  /// y = f(x, ...)
  virtual void forward(Inputs x, const AnyView<T>& y, const Context& context) = 0;
  /// Assigns ds/dx of each input and the gradients in the Pass.
  virtual void backward(Inputs x, const AnyView<const T>& y, const AnyView<const T>& dy,
                        Gradients dx, const Context& context) = 0;
  /// Appends what the memory of a workspace depends on.
  virtual void add_dimensions(std::vector<Index>& all) const = 0;
  /// Throws unless buffers still have the extents of their new values.
  virtual void check_buffers() const = 0;
  /// Notes which of its parameters stay as they are.
  virtual void freeze(bool (*frozen)(std::string_view parameter)) = 0;
  /// Appends the gradients that backward assigns: those of parameters that are not frozen.
  virtual void add_gradients(std::vector<std::span<T>>& all) const = 0;

  /// Whether the layer is of this type.
  template <class Layer>
  bool is() const {
    return type_ == &detail::type_tag<Layer>;
  }
  /// The layer, of which the caller knows the type.
  template <class Layer>
  const Layer& get() const {
    return *static_cast<const Layer*>(layer_);
  }
  /// Its Pass, of which the caller knows the type.
  template <class Pass>
  Pass& pass() const {
    return *static_cast<Pass*>(pass_);
  }

  /// Where the layer is now: a network may move. Throws if that is a layer of another type.
  template <class Layer>
  void bind(const Layer& layer) {
    check(is<Layer>(), "the layers of this network are others than when ",
          "the workspace was made; make a new one");
    layer_ = &layer;
  }

  std::string path{};          ///< "residual1.f.conv2"
  std::uint64_t identity = 0;  ///< for its random numbers
  std::vector<std::size_t>
      inputs{};                    ///< the values it reads; it writes the one after its own number
  bool is_view = false;            ///< y is x under another shape
  bool ignores_output = false;     ///< backward does not read y
  std::optional<Window> window{};  ///< what it slides over its input, if it says so
  bool sees_all = false;           ///< each of its units reads whole maps
  bool sees_elsewhere = false;     ///< its units read other places, where the extents stay too
  std::int64_t multiply_adds = 0;  ///< for one example, if it says so
  bool has_parameters = false;     ///< or buffers
  std::uint64_t frozen = 0;        ///< bit i: parameter i stays as it is
  bool all_frozen = false;         ///< all of them do

 protected:
  const void* type_ = nullptr;
  const void* layer_ = nullptr;
  void* pass_ = nullptr;
};

/// A layer of this type that reads values of these ranks.
template <class T, class Layer, std::size_t... R>
class LayerAdapter final : public AnyLayer<T> {
  using Base = AnyLayer<T>;
  static constexpr std::size_t Q =
      decltype(std::declval<const Layer&>().output_shape(Shape<R>{}...))::rank;
  using Pass =
      decltype(detail::make_pass(std::declval<const Layer&>(), WorkspaceOptions{}, Shape<R>{}...));

 public:
  explicit LayerAdapter(const Layer& layer) {
    static_assert(sizeof...(R) <= most_inputs);
    Base::type_ = &detail::type_tag<Layer>;
    Base::layer_ = &layer;
    if constexpr (requires { Layer::is_view; }) Base::is_view = sizeof...(R) == 1 && Layer::is_view;
    if constexpr (requires { Layer::sees_all; }) Base::sees_all = Layer::sees_all;
    if constexpr (requires { Layer::ignores_output; }) Base::ignores_output = Layer::ignores_output;
    if constexpr (requires { Layer::sees_elsewhere; }) Base::sees_elsewhere = Layer::sees_elsewhere;
    detail::each_parameter<Layer>([&](const auto&) { Base::has_parameters = true; });
    detail::each_buffer<Layer>([&](const auto&) { Base::has_parameters = true; });
  }

  void prepare(std::span<const Extents> x, const WorkspaceOptions& how, bool fused) override {
    with_index([&]<std::size_t... i>() {
      // A Pass need not be movable: it is made where it stays.
      if constexpr (requires {
                      { layer().fused_pass(Shape<R>{}..., how) } -> std::same_as<Pass>;
                    }) {
        if (fused) pass_.reset(new Pass(layer().fused_pass(x[i].template shape<R>()..., how)));
      }
      if (!pass_)
        pass_.reset(new Pass(detail::make_pass(layer(), how, x[i].template shape<R>()...)));
      if constexpr (requires { layer().window(); }) Base::window = layer().window();
      if constexpr (requires { layer().multiply_adds(Shape<R>{}...); })
        Base::multiply_adds = layer().multiply_adds(x[i].with_batch(1).template shape<R>()...);
    });
    Base::pass_ = pass_.get();
    if (how.keep == Keep::output) return;
    if (how.parameter_gradients)
      detail::each_parameter<Layer>([&](const auto& p) {
        check_size("a gradient ", p.name, layer().*p.value, *pass_.*p.gradient);
      });
    check_buffers();
  }

  /// The layer's own.
  void forward(typename Base::Inputs x, const AnyView<T>& y, const Context& context) override {
    with_index([&]<std::size_t... i>() {
      layer().forward(x[i].template as<R>()..., y.template as<Q>(), *pass_, context);
    });
  }

  /// The layer's own.
  void backward(typename Base::Inputs x, const AnyView<const T>& y, const AnyView<const T>& dy,
                typename Base::Gradients dx, const Context& context) override {
    with_index([&]<std::size_t... i>() {
      layer().backward(x[i].template as<R>()..., y.template as<Q>(), dy.template as<Q>(),
                       dx[i].template as<R>()..., *pass_, context);
    });
  }

  void add_dimensions(std::vector<Index>& all) const override {
    detail::add_dimensions(layer(), all);
  }

  /// By their paths.
  void freeze(bool (*is_frozen)(std::string_view)) override {
    int i = 0;
    bool some_stay = false, some_train = false;  // of those that are not empty
    detail::each_parameter<Layer>([&](const auto& p) {
      const bool stays = is_frozen(concat(Base::path, ".", p.name));
      Base::frozen |= std::uint64_t{stays} << i++;
      if (!(layer().*p.value).empty()) (stays ? some_stay : some_train) = true;
    });
    Base::all_frozen = some_stay && !some_train;
  }

  void add_gradients(std::vector<std::span<T>>& all) const override {
    int i = 0;
    detail::each_parameter<Layer>([&](const auto& p) {
      if ((Base::frozen >> i++ & 1) == 0) all.push_back((*pass_.*p.gradient).flat());
    });
  }

  void check_buffers() const override {
    detail::each_buffer<Layer>([&](const auto& b) {
      check_size("a new value ", b.name, layer().*b.value, *pass_.*b.update);
    });
  }

 private:
  const Layer& layer() const { return Base::template get<Layer>(); }

  template <class F>
  static void with_index(F&& f) {
    [&]<std::size_t... i>(std::index_sequence<i...>) { f.template operator()<i...>(); }
    (std::make_index_sequence<sizeof...(R)>{});
  }

  // A gradient or a buffer's new value of the wrong size would be written beyond its end, or half.
  [[gnu::cold]] static void check_size(const char* what, std::string_view name, const auto& value,
                                       const auto& found) {
    const Extents expected = value.shape(), in_pass = found.shape();
    check(expected == in_pass, "expected ", what, expected, " of ", name, " in its Pass, found ",
          in_pass, " (the layer's pass(shape, options) makes it)");
  }

  std::unique_ptr<Pass> pass_{};
};

}  // namespace fovea::inline FOVEA_ABI
