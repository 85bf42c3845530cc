// SPDX-License-Identifier: MIT
//
// Concatenation: the maps of two paths through a network, side by side.
//
//   y[n, c] = a[n, c]           c < A
//   y[n, A + c] = b[n, c]       c < B
//
//   a (N, A, ...)    b (N, B, ...)    y (N, A + B, ...)
//
// In backward each gets its own channels of dy.
//
//   graph.run("concat", Concat{}, a, b)          joins two values, in compose()
//   Concat{Chain{...}, Chain{...}, Relu{}}       a layer: branches of the same x, side by side
//                                                (Szegedy et al., Going deeper with convolutions,
//                                                CVPR 2015)
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/nn/specification.hpp"

namespace fovea::inline FOVEA_ABI {

/// Branches of one value, side by side; without any, two values along their channels or features.
template <class... Branches>
class Concat;
Concat()->Concat<>;
template <class... Branches>
Concat(Branches...) -> Concat<Branches...>;

/// Joins two values along their channels or features.
template <>
class Concat<> {
 public:
  static constexpr std::string_view kind = "concat";

  template <std::size_t R>
  Shape<R> output_shape(Shape<R> a, Shape<R> b) const {
    static_assert(R >= 2, "Concat: the channels are the second axis");
    Shape<R> y = a;
    y[1] = b[1];
    check(y == b, "expected two values that differ in their channels alone, got ", a, " and ", b);
    y[1] = a[1] + b[1];
    return y;
  }

  /// y = a, b
  template <class T, std::size_t R>
  void forward(View<const T, R> a, View<const T, R> b, View<T, R> y, NoPass&,
               const Context& context) const {
    check_parts(a.shape(), b.shape(), y.shape());
    parallel_for(context.threads, y.extent(0), [&](Index n, int) {
      std::copy(b[n].begin(), b[n].end(), std::copy(a[n].begin(), a[n].end(), y[n].begin()));
    });
  }

  /// da, db = dy
  template <class T, std::size_t R>
  void backward(View<const T, R> a, View<const T, R> b, View<const T, R> y, View<const T, R> dy,
                View<T, R> da, View<T, R> db, NoPass&, const Context& context) const {
    check_parts(a.shape(), b.shape(), y.shape());
    check(dy.shape() == y.shape() && (da.empty() || da.shape() == a.shape()) &&
              (db.empty() || db.shape() == b.shape()),
          "Concat: expected gradients of the shapes of a, b and y, got ", da.shape(), ", ",
          db.shape(), " and ", dy.shape());
    parallel_for(context.threads, dy.extent(0), [&](Index n, int) {
      const T* const from = dy[n].data();
      if (!da.empty()) std::copy_n(from, da[n].size(), da[n].data());
      if (!db.empty()) std::copy_n(from + a[n].size(), db[n].size(), db[n].data());
    });
  }

 private:
  template <std::size_t R>
  void check_parts(const Shape<R>& a, const Shape<R>& b, const Shape<R>& y) const {
    const auto expected = output_shape(a, b);
    check(y == expected, "Concat: expected y of shape ", expected, ", got ", y);
  }
};

/// y = branch_1(x), branch_2(x), ... along the channels.
template <class... Branches>
class Concat {
 public:
  static constexpr std::string_view kind = "concat";
  static constexpr bool is_chain = true;   ///< its children are numbered
  using Inside = std::tuple<Branches...>;  ///< what it is made of
  std::tuple<Branches...> branches;        ///< in the order of their channels

  /// Of these branches.
  explicit Concat(Branches... all) : branches(std::move(all)...) {}

  /// Calls f(branch, "branch", ordinal, i) for each of them.
  template <class F>
  void each_layer(const F& f) {
    each([&](std::size_t i, auto& branch) { f(branch, branch_kind, i + 1, i); }, branches);
  }
  template <class F>
  void each_layer(const F& f) const {
    each([&](std::size_t i, const auto& branch) { f(branch, branch_kind, i + 1, i); }, branches);
  }

  /// The first branch, and each next one beside what there is.
  template <class Graph, std::size_t R>
  auto compose(Graph& graph, const Value<R>& x) const {
    return joined<1>(graph, x, graph.run(branch_kind, 1, 0, std::get<0>(branches), x));
  }

 private:
  static constexpr std::string_view branch_kind = "branch";

  template <std::size_t i, class Graph, std::size_t R, class Y>
  auto joined(Graph& graph, const Value<R>& x, const Y& y) const {
    if constexpr (i == sizeof...(Branches)) {
      return y;
    } else {
      const auto next = graph.run(branch_kind, i + 1, i, std::get<i>(branches), x);
      return joined<i + 1>(graph, x,
                           graph.run("join", i, sizeof...(Branches) + i, Concat<>{}, y, next));
    }
  }
  template <class F, class Tuple>
  static void each(const F& f, Tuple& all) {
    [&]<std::size_t... i>(std::index_sequence<i...>) { (f(i, std::get<i>(all)), ...); }
    (std::make_index_sequence<sizeof...(Branches)>{});
  }
};

/// Specifies branches side by side.
template <class... Specs>
struct ConcatSpec {
  /// The layer that it specifies.
  template <class T>
  using Layer = Concat<detail::layer_of<Specs, T>...>;
  std::tuple<Specs...> specs;  ///< of the branches
  /// The layer for inputs of this shape.
  template <class T, std::size_t R>
  Layer<T> make(const Shape<R>& x, Rng& rng) const {
    return std::apply(
        [&](const auto&... spec) { return Layer<T>{detail::make_layer<T>(spec, x, rng)...}; },
        specs);
  }
};
/// A Concat: branches(chain(...), chain(...)), for sequential<float>(...).
template <class... Specs>
ConcatSpec<Specs...> branches(const Specs&... specs) {
  static_assert(sizeof...(Specs) > 0, "at least one branch");
  return {{specs...}};
}

}  // namespace fovea::inline FOVEA_ABI
