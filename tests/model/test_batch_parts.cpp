// SPDX-License-Identifier: MIT
//
// A batch in parts, one for each of several workspaces, has the bits of the whole batch: the loss, all gradients, what
// batch normalisation remembers, and with them the weights after a few steps. Threads stand in for machines.
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "fovea/kernels/batch_part.hpp"
#include "fovea/nn/conv_transpose2d.hpp"
#include "fovea/nn/group_norm.hpp"
#include "fovea/nn/losses.hpp"
#include "networks.hpp"
#include "support.hpp"

using namespace test;

namespace batch_part_tests {
namespace {

/// Where threads wait for each other, and what they hand over.
struct Meeting {
  explicit Meeting(Index count) : threads(count), bytes(static_cast<std::size_t>(count)) {}

  void wait() {
    std::unique_lock lock(mutex);
    const long now = round;
    if (++arrived == threads) {
      arrived = 0, ++round;
      all_here.notify_all();
    }
    all_here.wait(lock, [&] { return round != now; });
  }

  Index threads, arrived = 0;
  long round = 0;
  std::mutex mutex{};
  std::condition_variable all_here{};
  std::vector<std::vector<char>> bytes;
};

/// One of the threads.
struct Peer final : Exchange {
  Peer(Meeting& at, Index number) : meeting(at), rank(number) {}

  const BatchSplit& split() const override { return cut; }
  void* gather(const void* mine, std::size_t size) override {
    const auto* const from = static_cast<const char*>(mine);
    meeting.bytes[static_cast<std::size_t>(rank)].assign(from, from + size);
    meeting.wait();
    all.resize(size * meeting.bytes.size() / sizeof(double) + 1);
    for (std::size_t r = 0; r < meeting.bytes.size(); ++r)
      std::memcpy(reinterpret_cast<char*>(all.data()) + r * size, meeting.bytes[r].data(), size);
    meeting.wait();
    return all.data();
  }
  void backward_has_reached(std::size_t layer) override { reached.push_back(layer); }

  /// The part of this thread in a batch of `whole`.
  BatchPart begin(Index whole) {
    reached.clear();
    cut = BatchSplit(whole, meeting.threads);
    if (cut.count() == 1) return {};
    return {whole, cut.begin(rank), this};
  }

  Meeting& meeting;
  Index rank;
  BatchSplit cut{};
  std::vector<double> all{};
  std::vector<std::size_t> reached{};
};

template <class T>
std::vector<T> state_of(auto& net) {
  std::vector<T> all;
  net.for_each_state(
      [&](const auto& tensor) { all.insert(all.end(), tensor.begin(), tensor.end()); });
  return all;
}

/// The losses and the state of the network after one step for each of these batch sizes.
template <class T>
struct Outcome {
  std::vector<T> losses{}, state{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

template <class Net>
Outcome<typename Net::value_type> train(const Net& original, const std::vector<Index>& batches,
                                        Index peers, int threads, bool fuse) {
  using T = typename Net::value_type;
  const Index classes = std::get<Net::depth - 1>(original.output_shapes(1))[1];
  Meeting meeting(peers);
  std::vector<Outcome<T>> outcomes(static_cast<std::size_t>(peers));
  const auto run = [&](Index rank) {
    Outcome<T>& outcome = outcomes[static_cast<std::size_t>(rank)];
    Net net = original;
    auto w = net.workspace(
        100, {.threads = threads, .fuse = fuse, .seed = 3, .recompute = peers % 2 == 0});
    Sgd sgd{net, {.learning_rate = 0.1, .momentum = 0.9}};
    Peer peer(meeting, rank);
    for (const Index whole : batches) {
      const auto images = random_tensor<T>(net.input_shape().prepend(whole), 5);
      Tensor<Label, 1> labels(Shape{whole});
      for (Index n = 0; n < whole; ++n) labels(n) = static_cast<Label>(n * n % classes);
      w.part = peer.begin(whole);
      const Index first = w.part.first, count = peer.cut.size(rank);
      const auto logits = net.forward(images.view().sub(first, count), w);
      outcome.losses.push_back(cross_entropy(logits, labels.view().sub(first, count),
                                             w.output_gradient(),
                                             {.smoothing = 0.1, .part = w.part}));
      net.backward(w);
      if (w.part.exchange) CHECK(peer.reached.back() == 0);
      net.for_each_parameter(w, [&](auto, auto gradient) {
        kernels::add_parts(
            w.part, std::span<T>(gradient.data(), static_cast<std::size_t>(gradient.size())));
      });
      sgd.step(net, w);
    }
    outcome.state = state_of<T>(net);
  };
  std::vector<std::thread> team;
  for (Index rank = 1; rank < peers; ++rank) team.emplace_back(run, rank);
  run(0);
  for (auto& thread : team) thread.join();
  for (const auto& outcome : outcomes) CHECK(outcome == outcomes[0]);
  return outcomes[0];
}

template <class Net>
void check_parts(const Net& net, const std::vector<Index>& batches = {64, 41, 17, 100, 5, 3}) {
  for (const bool fuse : {true, false}) {
    const auto alone = train(net, batches, 1, 1, fuse);
    for (const auto loss : alone.losses) CHECK(std::isfinite(loss));
    for (const Index peers : {2, 3, 4, 5, 8, 16})
      for (const int threads : {1, 3}) {
        if (threads == 3 && peers > 3) continue;
        CAPTURE(fuse);
        CAPTURE(peers);
        CAPTURE(threads);
        CHECK((train(net, batches, peers, threads, fuse) == alone));
      }
  }
}

TEST_CASE("batch parts: the largest node is cut first") {
  const auto begins = [](Index whole, Index workspaces) {
    const BatchSplit split(whole, workspaces);
    std::vector<Index> all;
    for (Index i = 0; i < split.count(); ++i) all.push_back(split.begin(i));
    Index sum = 0;
    for (Index i = 0; i < workspaces; ++i) sum += split.size(i);
    CHECK(sum == (split.count() == 1 ? workspaces * whole : whole));
    return all;
  };
  using Begins = std::vector<Index>;
  CHECK(begins(64, 1) == Begins{0});
  CHECK(begins(64, 2) == Begins{0, 32});
  CHECK(begins(64, 3) == Begins{0, 16, 32});
  CHECK(begins(64, 5) == Begins{0, 8, 16, 32, 48});
  CHECK(begins(5, 2) == Begins{0, 4});
  CHECK(begins(5, 4) == Begins{0, 1, 2, 4});
  CHECK(begins(5, 6) == Begins{0});
  for (Index whole = 1; whole < 200; ++whole)
    for (Index workspaces = 1; workspaces <= 16; ++workspaces) {
      // Each part is whole chunks, and the nodes above are the tree.
      const BatchSplit split(whole, workspaces);
      const auto term = [](Index n) { return 1 / static_cast<double>(3 * n + 1); };
      std::vector<double> nodes;
      for (Index i = 0; i < split.count(); ++i) {
        const Index first = split.begin(i), N = split.begin(i + 1) - first;
        const kernels::BatchChunks chunks(N, {whole, first});
        nodes.push_back(kernels::sum_of_examples(chunks, [&](Index n) { return term(first + n); }));
      }
      split.add_up([&](Index a, Index b) {
        nodes[static_cast<std::size_t>(a)] += nodes[static_cast<std::size_t>(b)];
      });
      CHECK(nodes[0] == kernels::sum_of_examples(whole, term));
    }
  CHECK_THROWS_WITH_AS(BatchSplit(64, 17), doctest::Contains("1 to 16"), Error);
  CHECK_THROWS_WITH_AS(kernels::BatchChunks(31, {64, 0}),
                       doctest::Contains("got 31 from example 0 on"), Error);
  CHECK_THROWS_WITH_AS(kernels::BatchChunks(32, {64, 1}), doctest::Contains("whole chunks"), Error);
}

TEST_CASE("batch parts: convolutions and linear layers") {
  Rng rng{7};
  check_parts(networks::lenet5(rng));
  check_parts(Sequential{Shape{1, 12, 12}, networks::conv(rng, 1, 8, 3), Relu{}, MaxPool2d{},
                         networks::conv(rng, 8, 16, 3), Relu{}, MaxPool2d{}, Flatten{},
                         Linear<float>{{.in = 144, .out = 40}, rng}, Relu{}, Dropout{0.3},
                         Linear<float>{{.in = 40, .out = 10}, rng}});
  check_parts(Sequential{Shape{3, 9, 8}, networks::conv(rng, 3, 8, 3), Relu{},
                         networks::conv(rng, 8, 8, 3), Relu{}, networks::conv(rng, 8, 6, 1, 2),
                         networks::conv(rng, 6, 6, 3, 1, 6), networks::conv(rng, 6, 70, 5),
                         Flatten{}, Linear<float>{{.in = 1400, .out = 10}, rng}},
              {64, 17});
}

TEST_CASE("batch parts: normalisation, with statistics of the batch and of chunks") {
  for (const Statistics statistics : {Statistics::batch, Statistics::chunk}) {
    CAPTURE(statistics == Statistics::chunk);
    Rng rng{8};
    const auto norm = [&](Index channels) {
      return BatchNorm2d<float>{{.channels = channels, .statistics = statistics}};
    };
    check_parts(Sequential{Shape{2, 8, 7}, networks::conv(rng, 2, 8, 3), norm(8), Relu{},
                           networks::conv(rng, 8, 12, 3), norm(12), Gelu{}, MaxPool2d{}, Flatten{},
                           Linear<float>{{.in = 144, .out = 7}, rng}},
                {64, 41, 100, 5});
    // A residual block that runs as one step, where statistics are those of the batch.
    check_parts(
        Sequential{Shape{2, 8, 7}, networks::conv(rng, 2, 16, 3), norm(16), Relu{},
                   Residual{networks::conv(rng, 16, 16, 3), norm(16), Relu{},
                            networks::conv(rng, 16, 16, 3), norm(16)},
                   Relu{}, GlobalAvgPool2d{}, Flatten{}, Linear<float>{{.in = 16, .out = 7}, rng}},
        {64, 41, 5});
  }
  Rng rng{9};
  check_parts(Sequential{Shape{4, 5, 6}, GroupNorm<float>{{.channels = 4, .groups = 2}}, Relu{},
                         ConvTranspose2d<float>{{.in = 4, .out = 5, .kernel = 2, .stride = 2}, rng},
                         BatchNorm2d<float>{{.channels = 5, .affine = false}}, GlobalAvgPool2d{},
                         Flatten{}},
              {64, 41, 5});
}

TEST_CASE("batch parts: moments, of which a sum has an order too") {
  const Index whole = 100;
  const auto x = random_tensor<double>(Shape{whole, 1, 7}, 11);
  const auto moments_of = [&](Index N, const BatchPart& part) {
    const auto at = x.view().sub(part.first, N);
    return kernels::channel_moments(at.data(), kernels::ChannelPlanes(at.shape()),
                                    kernels::BatchGroups(N, Statistics::batch, part), 0, 0);
  };
  const kernels::Moments expected = moments_of(whole, {});
  for (const Index peers : {2, 3, 4, 5, 7, 8, 16}) {
    Meeting meeting(peers);
    std::vector<std::thread> team;
    for (Index rank = 0; rank < peers; ++rank)
      team.emplace_back([&, rank] {
        Peer peer(meeting, rank);
        const BatchPart part = peer.begin(whole);
        kernels::Moments m = moments_of(peer.cut.size(rank), part);
        kernels::add_parts(part, std::span(&m, 1));
        CHECK(m.count == expected.count);
        CHECK(m.mean == expected.mean);
        CHECK(m.squares == expected.squares);
      });
    for (auto& thread : team) thread.join();
  }
}

TEST_CASE("batch parts: the losses") {
  const Index whole = 37, classes = 5;
  const auto logits = random_tensor<float>(Shape{whole, classes}, 1);
  const auto targets =
      map(random_tensor<float>(Shape{whole, classes}, 2), [](float x) { return 1 / (1 + x * x); });
  Tensor<Label, 1> labels(Shape{whole});
  for (Index n = 0; n < whole; ++n) labels(n) = static_cast<Label>(n % classes);
  const Tensor<float, 1> weights{0.1f, 0.7f, 1.3f, 0.0f, 2.1f};
  const auto losses = [&](BatchPart part, Index N, Tensor<float, 3>& gradients) {
    const auto z = logits.view().sub(part.first, N), t = targets.view().sub(part.first, N);
    const auto l = as_const(labels).sub(part.first, N);
    const auto to = [&](Index i) { return gradients[i].sub(part.first, N); };
    return std::array{
        cross_entropy(z, l, to(0), {.class_weights = weights, .part = part}),
        cross_entropy(z, t, to(1), {.part = part}),
        mse(z, t, to(2), Reduction::mean, part),
        huber(z, t, to(3), {.delta = 0.5, .part = part}),
        bce_with_logits(z, t, to(4), {.part = part}),
    };
  };
  Tensor<float, 3> alone(Shape{5, whole, classes}), shared(Shape{5, whole, classes});
  const auto expected = losses({}, whole, alone);
  for (const Index peers : {2, 3, 7}) {
    Meeting meeting(peers);
    std::vector<std::thread> team;
    for (Index rank = 0; rank < peers; ++rank)
      team.emplace_back([&, rank] {
        Peer peer(meeting, rank);
        const BatchPart part = peer.begin(whole);
        CHECK(losses(part, peer.cut.size(rank), shared) == expected);
      });
    for (auto& thread : team) thread.join();
    CHECK(std::equal(alone.begin(), alone.end(), shared.begin()));
  }
}

}  // namespace
}  // namespace batch_part_tests
