// SPDX-License-Identifier: MIT
//
// Repeat: n blocks of one kind, each with weights of its own, one after the other. How many is said
// while the program runs; a block keeps the rank of its input.
//
//   Repeat{3, [&] { return Residual{Conv2d<float>{{...}, rng}, Relu{}}; }}     drawn three times
//   repeat(3, residual(conv2d({...}), relu))                                   a specification
//
// The blocks are layers 1 to n inside: repeat1.residual2.f.conv1 is in the second.
#pragma once

#include <vector>

#include "fovea/nn/specification.hpp"

namespace fovea::inline FOVEA_ABI {

/// y = block_n( ... block_1(x)).
template <class Block>
class Repeat {
 public:
  static constexpr std::string_view kind = "repeat";
  static constexpr bool is_chain = true;  ///< its children are numbered
  using Inside = std::tuple<Block>;       ///< what it is made of

  std::vector<Block> blocks{};  ///< the first one reads the input

  /// These blocks. Throws if there is none.
  explicit Repeat(std::vector<Block> all) : blocks(std::move(all)) {
    check(!blocks.empty(), "Repeat: expected one block or more, got none");
  }
  /// n blocks, each what make() returns.
  template <class Make>
  Repeat(Index n, const Make& make) : Repeat(made(n, make)) {}

  /// Calls f(block, kind, ordinal, i) for each of them.
  template <class F>
  void each_layer(const F& f) {
    for (std::size_t i = 0; i < blocks.size(); ++i) f(blocks[i], Block::kind, i + 1, i);
  }
  template <class F>
  void each_layer(const F& f) const {
    for (std::size_t i = 0; i < blocks.size(); ++i) f(blocks[i], Block::kind, i + 1, i);
  }

  /// y = block_n( ... block_1(x))
  template <class Graph, std::size_t R>
  auto compose(Graph& graph, Value<R> x) const {
    for (std::size_t i = 0; i < blocks.size(); ++i)
      x = graph.run(Block::kind, i + 1, i, blocks[i], x);
    return x;
  }

 private:
  template <class Make>
  static std::vector<Block> made(Index n, const Make& make) {
    check(n > 0, "Repeat: expected one block or more, got ", n);
    std::vector<Block> all;
    for (Index i = 0; i < n; ++i) all.push_back(make());
    return all;
  }
};

template <class Make>
Repeat(Index, const Make&) -> Repeat<std::invoke_result_t<const Make&>>;

/// Specifies n blocks, each drawn by itself.
template <class Spec>
struct RepeatSpec {
  /// The layer that it specifies.
  template <class T>
  using Layer = Repeat<detail::layer_of<Spec, T>>;
  Index n;     ///< how many
  Spec block;  ///< of what
  /// The layer for inputs of this shape.
  template <class T, std::size_t R>
  Layer<T> make(Shape<R> x, Rng& rng) const {
    return Layer<T>(n, [&] {
      auto layer = detail::make_layer<T>(block, x, rng);
      x = detail::output_shape(layer, x);
      return layer;
    });
  }
};
/// repeat(3, residual(...)), for sequential<float>(...).
template <class Spec>
RepeatSpec<Spec> repeat(Index n, const Spec& block) {
  return {n, block};
}

}  // namespace fovea::inline FOVEA_ABI
