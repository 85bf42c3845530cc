// SPDX-License-Identifier: MIT
//
// One batch, several workspaces: each has the examples of a node of the tree of batch_tree.hpp.
//
//   16 chunks, 3 parts      ((c0 + ... + c3) + (c4 + ... + c7)) + (c8 + ... + c15)
//                             part 0            part 1             part 2
//
// A part sums its chunks, which gives its node; the nodes above are added afterwards, each left
// operand first. The largest node is cut first, the left one of equals: of 3 parts one is a half.
// A batch of fewer chunks than parts is not cut: each computes all of its few examples.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "fovea/kernels/batch_tree.hpp"

namespace fovea::inline FOVEA_ABI {

/// How a batch is cut into parts.
class BatchSplit {
 public:
  static constexpr Index most = kernels::BatchChunks::most;  ///< parts

  BatchSplit() = default;
  /// A batch of `whole` examples for so many workspaces. Throws unless these are 1 to 16.
  BatchSplit(Index whole, Index workspaces) : whole_(whole), count_(1) {
    check(1 <= workspaces && workspaces <= most, "a batch is cut into 1 to ", most,
          " parts, expected as many workspaces, got ", workspaces);
    const kernels::BatchChunks chunks(whole);
    struct Node {
      Index first, last, span;  // chunks; span: a power of two
    };
    Array<Node, most> nodes{{0, chunks.count, most}};
    while (count_ < workspaces && workspaces <= chunks.count) {
      Index at = 0;
      for (Index i = 1; i < count_; ++i)
        if (nodes[i].last - nodes[i].first > nodes[at].last - nodes[at].first) at = i;
      Node& left = nodes[at];
      while (left.span / 2 >= left.last - left.first) left.span /= 2;  // a node without a neighbour
      left.span /= 2;
      const Node right{left.first + left.span, left.last, left.span};
      left.last = right.first;
      left_[count_ - 1] = left.first;
      right_[count_ - 1] = right.first;
      std::copy_backward(nodes + at + 1, nodes + count_, nodes + count_ + 1);
      nodes[at + 1] = right;
      ++count_;
    }
    Array<Index, most> part_of{};  // which part a chunk is the first of
    for (Index i = 0; i < count_; ++i) {
      begins_[i] = chunks.begin(nodes[i].first);
      part_of[nodes[i].first] = i;
    }
    begins_[count_] = whole;
    for (Index& node : left_) node = part_of[node];
    for (Index& node : right_) node = part_of[node];
  }

  /// Parts: as many as workspaces, or 1 if the batch has fewer chunks.
  Index count() const { return count_; }
  /// The first example of a part; of the one after the last: the end.
  Index begin(Index part) const { return begins_[part]; }
  /// The first example that workspace number `i` has.
  Index first(Index i) const { return count_ == 1 ? 0 : begin(i); }
  /// How many it has.
  Index size(Index i) const { return count_ == 1 ? whole_ : begin(i + 1) - begin(i); }
  /// Calls add(a, b), node a += node b, for the nodes above the parts; the sum is node 0.
  template <class Add>
  void add_up(const Add& add) const {
    for (Index i = count_ - 1; i-- > 0;) add(left_[i], right_[i]);
  }

 private:
  Index whole_ = 0, count_ = 0;
  Array<Index, most + 1> begins_{};
  Array<Index, most> left_{}, right_{};  // node left += node right; those cut last are added first
};

/// What the workspaces that share a batch do together, all in the same order.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// How the batch at hand is cut.
  virtual const BatchSplit& split() const = 0;
  /// `bytes` bytes of every part, one after the other, in memory that is good until the next call.
  virtual void* gather(const void* mine, std::size_t bytes) = 0;
  /// Backward has written all gradients of the layers from this one of the plan on.
  virtual void backward_has_reached(std::size_t layer) = 0;
};

namespace kernels {
/// Each of `values`, which are nodes of this part, becomes the sum over the whole batch.
template <class V>
void add_parts(const BatchPart& part, std::span<V> values) {
  if (!part.exchange) return;
  const auto all = static_cast<V*>(part.exchange->gather(values.data(), values.size_bytes()));
  part.exchange->split().add_up([&](Index a, Index b) {
    const std::size_t size = values.size(), left = static_cast<std::size_t>(a) * size,
                      right = static_cast<std::size_t>(b) * size;
    // The left into the right, as in sum_leaves: of Moments the order of two matters.
    for (std::size_t i = 0; i < size; ++i) all[right + i] += all[left + i];
    std::copy_n(all + right, size, all + left);
  });
  std::copy_n(all, values.size(), values.data());
}

/// Something for each channel.
template <class V>
class PerChannel {
 public:
  /// For so many channels.
  PerChannel(Index channels = 0) : values_(static_cast<std::size_t>(channels)) {}
  bool empty() const { return values_.empty(); }     ///< whether there is none
  std::span<V> all() { return std::span(values_); }  ///< one after the other
  /// That of channel c.
  V& operator()(Index c) { return values_[static_cast<std::size_t>(c)]; }

 private:
  std::vector<V> values_;
};

/// A sum of each channel over all parts of a batch: of(c) is the node of this part. Empty where
/// there is one part, or nothing is wanted of all.
template <class Of>
auto shared_sums(bool wanted, const BatchPart& part, int threads, Index channels, const Of& of) {
  PerChannel<decltype(of(channels))> sums(wanted && part.exchange ? channels : 0);
  parallel_for(threads, std::ssize(sums.all()), [&](Index c, int) { sums(c) = of(c); });
  if (!sums.empty()) add_parts(part, sums.all());
  return sums;
}
}  // namespace kernels

}  // namespace fovea::inline FOVEA_ABI
