// SPDX-License-Identifier: MIT
//
// A small training on as many ranks as mpirun started, for test_mpi.sh: a network with convolutions, batch normalisation
// and dropout, batches of 60 with a last one of 10. Rank 0 prints a hash of weights and losses, or what was sent.
//
//   train_parts batch|chunk [THREADS]
//   train_parts batch|chunk THREADS option|throw|weight RANK      what goes wrong, and on which rank
//   train_parts batch|chunk THREADS bytes
#include <cstdio>
#include <cstring>

#include "fovea/fovea.hpp"
#include "fovea/mpi/same_weights.hpp"
#include "fovea/mpi/shared_batches.hpp"

using namespace fovea;

namespace {

int run(int count, char** arguments, mpi::Ranks& ranks) {
  const auto argument = [&](int i) { return std::string(i < count ? arguments[i] : ""); };
  const Statistics statistics = argument(1) == "chunk" ? Statistics::chunk : Statistics::batch;
  const int threads = std::max(1, std::atoi(argument(2).c_str()));
  const std::string wrong = argument(3);
  const bool here = argument(4) == to_string(ranks.rank());

  Rng rng{3};
  auto net = sequential<float>(
      Shape{1, 28, 28}, rng, conv2d({.out = 8, .kernel = 3, .stride = 2, .bias = false}),
      batch_norm2d({.statistics = statistics}), relu, conv2d({.out = 16, .kernel = 3}),
      batch_norm2d({.statistics = statistics}), relu, max_pool2d(2), flatten, dropout(0.2),
      linear(32), relu, linear(10));
  const Dataset data = synthetic_digits(250, 5);
  mpi::begin_alike(ranks, {{"learning rate", wrong == "option" && here ? "0.1" : "0.05"}});

  constexpr Index batch = 60;
  auto w = net.workspace(mpi::largest_part(batch, ranks.size()), {.threads = threads, .seed = 9});
  mpi::SharedBatches shared(ranks, w, 4096);
  Sgd sgd{net, {.learning_rate = 0.05, .momentum = 0.9}};
  std::vector<float> losses;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    auto order = batches(data, batch,
                         {.seed = 1,
                          .epoch = epoch,
                          .threads = threads,
                          .parts = ranks.size(),
                          .part = ranks.rank()},
                         Augment{.shift = 1});
    for (Index step = 0; step < order.count(); ++step) {
      shared.begin(std::min(batch, data.size() - step * batch));
      const auto [images, labels] = order[step];
      losses.push_back(
          cross_entropy(net.forward(images, w), labels, w.output_gradient(), {.part = w.part}));
      net.backward(w);
      shared.finish();
      sgd.step(net, w);
      if (losses.size() == 5 && wrong == "throw" && here) fail("this rank has had enough");
      if (losses.size() == 5 && wrong == "weight" && here)
        std::get<0>(net.layers()).weight(0, 0, 1, 1) *= 1.0000001f;
      mpi::check_same_weights(ranks, net, sgd.steps());
    }
  }
  if (wrong == "bytes") {
    // Without what batch normalisation and the checks say: the gradients of one step alone.
    const auto before = ranks.bytes_sent();
    mpi::SharedBatches again(ranks, w, 4096);
    again.begin(batch);
    again.finish();
    std::printf("rank %d sent %llu bytes of gradients of %td\n", ranks.rank(),
                static_cast<unsigned long long>(ranks.bytes_sent() - before),
                again.gradient_count() * Index{sizeof(float)});
    return 0;
  }
  std::uint64_t hash = mpi::hash_of(std::span<const float>(losses));
  net.for_each_state([&](const auto& tensor) { hash = mpi::hash_of(tensor.flat(), hash); });
  if (ranks.rank() == 0) std::printf("%016llx\n", static_cast<unsigned long long>(hash));
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  mpi::Ranks ranks;
  try {
    return run(count, arguments, ranks);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "train_parts, rank %d: %s\n", ranks.rank(), error.what());
    ranks.abort(2);
    return 2;
  }
}
