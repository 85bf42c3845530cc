// SPDX-License-Identifier: MIT
//
// SharedBatches: training on several machines with the bits of one. Each rank has a copy of the
// network and runs its part of every batch; the gradients are added by the tree of batch_tree.hpp,
// and every rank makes the same step.
//
//   mpi::Ranks ranks;
//   auto w = net.workspace(mpi::largest_part(64, ranks.size()));
//   mpi::SharedBatches shared{ranks, w};
//   ...
//     const auto [first, count] = shared.begin(whole);       // the part of this rank
//     const auto logits = net.forward(images, w);            // of that part
//     cross_entropy(logits, labels, w.output_gradient(), {.part = w.part});
//     net.backward(w);                                       // gradients leave while it runs
//     shared.finish();                                       // those of the whole batch are there
//     adam.step(net, w);
//
// Gradients travel in buckets, those of the last layers first, while backward computes the others:
//
//   1. of P slices of a bucket, slice r goes to rank r     (P - 1) / P of the bucket sent
//   2. rank r adds the P nodes of its slice, as the tree
//   3. and sends the sum to all others                     (P - 1) / P of the bucket sent
//
// which is 2 (P - 1) / P times the size of the gradients for any P, the least there is (Patarasuk
// and Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, 2009). P is at
// most 16.
//
// Where a batch has fewer chunks than there are ranks, each computes all of it, and nothing
// travels.
#pragma once

#include <cstring>
#include <span>

#include "fovea/kernels/batch_part.hpp"
#include "fovea/model/workspace.hpp"
#include "fovea/mpi/ranks.hpp"

namespace fovea::inline FOVEA_ABI::mpi {

/// The most examples that a rank has of any batch of at most `batch`: the capacity of its
/// workspace.
inline Index largest_part(Index batch, int ranks) {
  Index most = 1;
  for (Index whole = 1; whole <= batch; ++whole) {
    const BatchSplit split(whole, ranks);
    for (int r = 0; r < ranks; ++r) most = std::max(most, split.size(r));
  }
  return most;
}

/// The exchange of one workspace with those of the other ranks.
template <class T>
class SharedBatches final : public Exchange {
 public:
  /// Of a workspace for training, which must not move while this exists. A bucket has
  /// `bucket_bytes` or more, but for the last.
  SharedBatches(Ranks& ranks, AnyWorkspace<T>& w, std::size_t bucket_bytes = std::size_t{1} << 20)
      : ranks_(ranks), workspace_(w) {
    check(ranks.size() <= BatchSplit::most, "mpi: expected at most ", BatchSplit::most,
          " ranks, as many as a batch has chunks, got ", ranks.size());
    if (ranks.size() > 1) make_buckets(bucket_bytes);
  }
  ~SharedBatches() override { workspace_.part = {}; }
  SharedBatches(const SharedBatches&) = delete;
  SharedBatches& operator=(const SharedBatches&) = delete;

  /// Neighbouring examples of a batch.
  struct Range {
    Index first;  ///< example of the whole batch
    Index count;  ///< of them
  };
  /// Which of the next batch of `whole` examples this rank has; to be called before forward. Throws
  /// unless the gradients of the batch before have arrived (finish()).
  Range begin(Index whole) {
    for (const Bucket& bucket : buckets_)
      check(bucket.state == State::idle, "mpi: begin: expected finish() after the backward before");
    split_ = BatchSplit(whole, ranks_.size());
    if (split_.count() == 1) {
      workspace_.part = {};
      return {0, whole};
    }
    const Index first = split_.first(ranks_.rank());
    workspace_.part = {whole, first, this};
    return {first, split_.size(ranks_.rank())};
  }
  /// After backward, once: waits until the gradients are those of the whole batch.
  void finish() {
    if (!workspace_.part.exchange) return;
    backward_has_reached(0);
    while (active_ > 0) {
      // The first that left is the first to arrive.
      for (Bucket& bucket : buckets_)
        if (bucket.state != State::done) {
          ranks_.wait(bucket.transfer);
          break;
        }
      progress();
    }
    for (Bucket& bucket : buckets_) bucket.state = State::idle;
  }

  /// Numbers of all gradients that travel.
  Index gradient_count() const { return gradient_count_; }

  const BatchSplit& split() const override { return split_; }
  void* gather(const void* mine, std::size_t bytes) override { return ranks_.gather(mine, bytes); }
  void backward_has_reached(std::size_t layer) override {
    for (std::size_t b = 0; b < buckets_.size(); ++b)
      if (buckets_[b].state == State::idle && buckets_[b].lowest_layer >= layer) send_slices(b);
    progress();
  }

 private:
  enum class State { idle, slices, sums, done };
  struct Bucket {
    std::size_t lowest_layer = 0;
    std::vector<std::span<T>> gradients{};
    std::vector<T> numbers{};  // all of them, one after the other
    std::vector<T> nodes{};    // of the slice of this rank, those of the other ranks
    State state = State::idle;
    Ranks::Transfer transfer{};
  };

  // The last layers first.
  void make_buckets(std::size_t bytes) {
    const Plan<T>& plan = workspace_.plan();
    std::size_t size = 0;
    const auto close = [&] {
      if (size == 0) return;
      buckets_.back().numbers.resize(size);
      const auto [first, last] = slice(buckets_.back(), ranks_.rank());
      buckets_.back().nodes.resize((last - first) * static_cast<std::size_t>(ranks_.size()));
      gradient_count_ += static_cast<Index>(size);
      size = 0;
    };
    for (std::size_t k = plan.layer_count(); k-- > 0;) {
      std::vector<std::span<T>> gradients;
      plan.layer(k).add_gradients(gradients);
      for (const auto& g : gradients) {
        if (g.empty()) continue;
        if (size == 0) buckets_.emplace_back();
        buckets_.back().gradients.push_back(g);
        buckets_.back().lowest_layer = k;
        size += g.size();
      }
      if (size * sizeof(T) >= bytes) close();
    }
    close();
  }

  // The numbers that rank r adds up.
  std::pair<std::size_t, std::size_t> slice(const Bucket& bucket, int r) const {
    const auto [first, last] = chunk_range(std::ssize(bucket.numbers), ranks_.size(), r);
    return {static_cast<std::size_t>(first), static_cast<std::size_t>(last)};
  }

  void send_slices(std::size_t b) {
    Bucket& bucket = buckets_[b];
    T* at = bucket.numbers.data();
    for (const auto& g : bucket.gradients) at = std::copy(g.begin(), g.end(), at);
    const auto [own_first, own_last] = slice(bucket, ranks_.rank());
    const std::size_t own = own_last - own_first;
    std::vector<Ranks::Message> out, in;
    for (int r = 0; r < ranks_.size(); ++r) {
      const auto [first, last] = slice(bucket, r);
      out.push_back({bucket.numbers.data() + first, (last - first) * sizeof(T)});
      in.push_back({bucket.nodes.data() + static_cast<std::size_t>(r) * own, own * sizeof(T)});
    }
    std::copy_n(bucket.numbers.data() + own_first, own,
                bucket.nodes.data() + static_cast<std::size_t>(ranks_.rank()) * own);
    ranks_.begin(out, in, tag(b, 0), bucket.transfer);
    bucket.state = State::slices;
    ++active_;
  }

  void send_sums(std::size_t b) {
    Bucket& bucket = buckets_[b];
    const auto [own_first, own_last] = slice(bucket, ranks_.rank());
    const std::size_t own = own_last - own_first;
    T* const nodes = bucket.nodes.data();
    split_.add_up([&, size = own](Index left, Index right) {
      T* const sum = nodes + static_cast<std::size_t>(left) * size;
      const T* const other = nodes + static_cast<std::size_t>(right) * size;
      for (std::size_t i = 0; i < size; ++i) sum[i] += other[i];
    });
    std::copy_n(nodes, own, bucket.numbers.data() + own_first);
    std::vector<Ranks::Message> out, in;
    for (int r = 0; r < ranks_.size(); ++r) {
      const auto [first, last] = slice(bucket, r);
      out.push_back({bucket.numbers.data() + own_first, own * sizeof(T)});
      in.push_back({bucket.numbers.data() + first, (last - first) * sizeof(T)});
    }
    ranks_.begin(out, in, tag(b, 1), bucket.transfer);
    bucket.state = State::sums;
  }

  // Buckets whose messages have arrived go on.
  void progress() {
    for (std::size_t b = 0; b < buckets_.size(); ++b) {
      Bucket& bucket = buckets_[b];
      if (bucket.state != State::slices && bucket.state != State::sums) continue;
      if (!ranks_.done(bucket.transfer)) continue;
      if (bucket.state == State::slices) {
        send_sums(b);
        continue;
      }
      const T* at = bucket.numbers.data();
      for (const auto& g : bucket.gradients) {
        std::copy_n(at, g.size(), g.begin());
        at += g.size();
      }
      bucket.state = State::done;
      --active_;
    }
  }
  static int tag(std::size_t b, int round) {
    return Ranks::gather_tag + 1 + 2 * static_cast<int>(b) + round;
  }

  Ranks& ranks_;
  AnyWorkspace<T>& workspace_;
  BatchSplit split_{};
  std::vector<Bucket> buckets_{};
  std::size_t active_ = 0;  // buckets that are on their way
  Index gradient_count_ = 0;
};
template <class Net>
SharedBatches(Ranks&, Workspace<Net>&) -> SharedBatches<typename Net::value_type>;
template <class Net>
SharedBatches(Ranks&, Workspace<Net>&, std::size_t) -> SharedBatches<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI::mpi
