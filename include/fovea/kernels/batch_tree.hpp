// SPDX-License-Identifier: MIT
//
// Sums over a batch, which the gradients of parameters are, and how a batch is cut.
//
// Floating-point sums depend on their order, so it is fixed: the batch is cut into 16 chunks of
// neighbours, or as many as it has examples; a leaf is the sum over a chunk, example after example;
// and leaves are added as a binary tree.
//
//   ((c0 + c1) + (c2 + c3)) + ((c4 + c5) + (c6 + c7))   ...; a node without a neighbour is kept
//
// The tree is a function of the number of examples alone. Any thread may compute any node, and the
// sum has the same bits. So may any workspace: of a batch that several share each has a node.
#pragma once

#include <algorithm>

#include "fovea/core/parallel.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI {

class Exchange;

/// Which part of a batch that several workspaces share is at hand: a node of the tree.
struct BatchPart {
  Index whole = 0;               ///< examples of the whole batch; 0: those at hand
  Index first = 0;               ///< which of them is the first one at hand
  Exchange* exchange = nullptr;  ///< with those that have the other parts (batch_part.hpp)
  /// Examples of the whole batch, where N are at hand.
  Index all(Index N) const { return whole > 0 ? whole : N; }
};

namespace kernels {
/// The chunks of a batch, or of a part of one.
struct BatchChunks {
  static constexpr Index most = 16;  ///< of them
  Index count = 0;                   ///< of them; 1 of no example, because that sum is 0

  /// Of a batch of N, or of a part of N. Throws if that does not begin and end with a chunk.
  BatchChunks(Index N, const BatchPart& part = {}) {
    const Index whole = part.all(N), first = part.whole > 0 ? part.first : 0;
    const Index all = std::clamp<Index>(whole, 1, most);
    bool ends = first + N == whole;
    for (Index chunk = 0; chunk < all; ++chunk) {
      const Index begin = chunk_range(whole, all, chunk).first - first;
      if (0 <= begin && (begin < N || N == 0)) begins_[count++] = begin;
      ends = ends || begin == N;
    }
    begins_[count] = N;
    check(count > 0 && begins_[0] == 0 && ends, "expected whole chunks of the ", whole,
          " examples of a batch, got ", N, " from example ", first, " on");
  }
  /// The first example of this one.
  Index begin(Index chunk) const { return begins_[chunk]; }

 private:
  Index begins_[most + 1];
};

namespace detail {

// sum = the node of 2^level leaves from this chunk on, as far as there are any before `last`.
template <int level, class Sum, class Leaf>
[[gnu::always_inline]] inline void tree_node(Index chunk, Index last, Sum& sum, const Leaf& leaf) {
  if constexpr (level == 0) {
    leaf(chunk, sum);
  } else {
    tree_node<level - 1>(chunk, last, sum, leaf);
    const Index right = chunk + (Index{1} << (level - 1));
    if (right >= last) return;
    Sum other;
    tree_node<level - 1>(right, last, other, leaf);
    sum += other;
  }
}

}  // namespace detail

/// sum = the leaves of the chunks [first, last), which leaf(chunk, sum) assigns, as the tree, of
/// which they are a node. Those of 2^level leaves are computed in registers, level + 1 sums at
/// once, and wait in memory for their neighbour.
template <int level, class Sum, class Leaf>
[[gnu::always_inline]] inline void sum_leaves(Index first, Index last, Sum& sum, const Leaf& leaf) {
  Sum waiting[4];  // of 1, 2, 4 and 8 nodes
  Index number = 0;
  for (Index chunk = first; chunk < last; ++number) {
    detail::tree_node<level>(chunk, last, sum, leaf);
    chunk += Index{1} << level;
    // Bit l of the number says that the sum of 2^l nodes waits. After the last
    // one nothing waits any longer.
    int l = 0;
    for (; number >> l != 0 && (chunk >= last || (number >> l & 1)); ++l)
      if (number >> l & 1) sum += waiting[l];
    if (chunk < last) waiting[l] = sum;
  }
}

/// The sum of term(n) over the examples n of these chunks, as the tree. Where terms have more
/// digits than a T, their sum is rounded where a chunk ends: every node of the tree is a T.
template <class T, class Term>
T sum_in_chunks(const BatchChunks& chunks, const Term& term) {
  T total{0};
  sum_leaves<0>(0, chunks.count, total, [&](Index chunk, T& leaf) {
    decltype(term(chunk)) sum{0};
    for (Index n = chunks.begin(chunk); n < chunks.begin(chunk + 1); ++n) sum += term(n);
    leaf = static_cast<T>(sum);
  });
  return total;
}
/// The same with nodes as the terms are.
template <class Term>
auto sum_of_examples(const BatchChunks& chunks, const Term& term) {
  return sum_in_chunks<decltype(term(Index{0}))>(chunks, term);
}

/// sum[j] = the sum over the batch of x[n][j], of rows of `width` numbers.
template <class T>
FOVEA_OUT_OF_LINE void sum_rows(const T* x, const BatchChunks& chunks, Index width, T* sum) {
  constexpr Index block = 64;
  struct Row {
    T at[block];
    void operator+=(const Row& other) {
      for (Index i = 0; i < block; ++i) at[i] += other.at[i];
    }
  };
  for (Index j = 0; j < width; j += block) {
    const Index count = std::min(block, width - j);
    Row total;
    sum_leaves<0>(0, chunks.count, total, [&](Index chunk, Row& row) {
      row = {};
      for (Index n = chunks.begin(chunk); n < chunks.begin(chunk + 1); ++n)
        for (Index i = 0; i < count; ++i) row.at[i] += x[n * width + j + i];
    });
    std::copy_n(total.at, count, sum + j);
  }
}

/// sum[i] = the sum over `chunks` chunks of leaves[chunk][i], as the tree; chunks are `stride`
/// apart. `sum` may be the first.
template <class T>
void sum_chunks(int threads, const T* leaves, Index chunks, Index stride, T* sum, Index size) {
  constexpr int V = vector_registers / 8;  // of each level of the tree, in registers
  parallel_blocks(threads, size, 1024, [&](Index first, Index last) FOVEA_WIDE_VECTORS {
    Index i = first;
    for (; i + V * lanes<T> <= last; i += V * lanes<T>) {
      TileSum<T, 1, V> total;
      sum_leaves<4>(
          0, chunks,
          total, [&](Index chunk, TileSum<T, 1, V> & leaf) __attribute__((always_inline)) {
#pragma GCC unroll 8
            for (int v = 0; v < V; ++v)
              leaf.tile[0][v] = load(leaves + chunk * stride + i + v * lanes<T>);
          });
      store_tile<T, 1, V>(total.tile, sum + i, 0);
    }
    for (; i < last; ++i) {
      T total{};
      sum_leaves<0>(0, chunks, total,
                    [&](Index chunk, T& leaf) { leaf = leaves[chunk * stride + i]; });
      sum[i] = total;
    }
  });
}

/// How sums of `size` numbers over a batch of N share memory and threads: each thread
/// takes a subtree of `span` leaves.
struct BatchSums {
  BatchChunks chunks;  ///< of the batch: the leaves
  Index span;          ///< leaves that one thread adds up
  Index stride;        ///< from one sum to the next in memory, in numbers

  /// For sums of this size.
  BatchSums(const BatchChunks& leaves, Index size)
      // Leaves of many numbers are added up while they are in L2, and fewer
      // of them are in memory at once.
      : chunks(leaves), span(size > 65536 ? 4 : 1), stride((size + 15) / 16 * 16) {}
  /// Sums that are left when each thread has added its leaves.
  Index subtrees() const { return (chunks.count + span - 1) / span; }
  /// Numbers that all threads share, and that each needs.
  ScratchSize scratch() const {
    return {.each = span == 1 ? 0 : 2 * stride, .shared = subtrees() * stride};
  }
};

/// sum = the leaves [first, first + span) of the batch, of `size` numbers each, which leaf(chunk,
/// sum) assigns. `more` has room for log2(span) sums, `stride` apart.
template <class T, class Leaf>
void sum_subtree(const BatchSums& sums, Index first, Index span, Index size, T* sum, T* more,
                 const Leaf& leaf) {
  if (span == 1) return leaf(first, sum);
  const Index right = first + span / 2;
  sum_subtree(sums, first, span / 2, size, sum, more, leaf);
  if (right >= sums.chunks.count) return;
  sum_subtree(sums, right, span / 2, size, more, more + sums.stride, leaf);
  for (Index i = 0; i < size; ++i) sum[i] += more[i];
}

/// How dw of this size and db share memory and threads, whether there is a db or not.
inline BatchSums gradient_sums(const BatchChunks& chunks, Index dw_size, Index outputs) {
  return {chunks, dw_size + outputs};
}

/// dw and db as sums over the batch: body(first, last, dw, db, thread) adds those of images [first,
/// last). `shared` and own(thread) are memory as the scratch() of gradient_sums says.
template <class T, class Own, class Body>
void sum_over_batch(const BatchChunks& chunks, Work work, View<T, 4> dw, View<T, 1> db, T* shared,
                    const Own& own, int threads, const Body& body) {
  const Index size = dw.size() + db.size();
  const BatchSums sums = gradient_sums(chunks, dw.size(), dw.extent(0));
  parallel_for(work < small_work ? 1 : threads, sums.subtrees(), [&](Index tree, int thread) {
    sum_subtree(sums, tree * sums.span, sums.span, size, shared + tree * sums.stride, own(thread),
                [&](Index chunk, T* sum) {
                  std::fill_n(sum, size, T{0});
                  body(sums.chunks.begin(chunk), sums.chunks.begin(chunk + 1), sum,
                       db.empty() ? nullptr : sum + dw.size(), thread);
                });
  });
  sum_chunks(threads, shared, sums.subtrees(), sums.stride, dw.data(), dw.size());
  sum_chunks(threads, shared + dw.size(), sums.subtrees(), sums.stride, db.data(), db.size());
}
}  // namespace kernels

}  // namespace fovea::inline FOVEA_ABI
