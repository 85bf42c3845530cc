// SPDX-License-Identifier: MIT
//
// How long the gradients of a step travel, without anything else: medians over many exchanges, beside a message there and
// back between ranks 0 and 1, whose times say what the link gives. links.sh runs it between network namespaces.
//
//   mpirun -n 4 bench_exchange [PARAMETERS...]        default: those of the course CNN and of the CIFAR network
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "fovea/fovea.hpp"
#include "fovea/mpi/shared_batches.hpp"

using namespace fovea;
using Clock = std::chrono::steady_clock;

namespace {

/// The median of the seconds of `body`, each time from a moment at which all ranks are ready.
template <class Body>
double median(mpi::Ranks& ranks, int times, const Body& body) {
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    ranks.any(false);
    const auto start = Clock::now();
    body();
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds[seconds.size() / 2];
}

/// `bytes` bytes between ranks 0 and 1: there and back, of which half is taken, or both ways at once, as an exchange uses
/// a link.
double between_two(mpi::Ranks& ranks, std::size_t bytes, bool at_once, int times) {
  std::vector<char> out(bytes), in(bytes);
  const int count = static_cast<int>(bytes), rank = ranks.rank();
  const double seconds = median(ranks, times, [&] {
    if (rank > 1) return;
    const auto send = [&] { MPI_Send(out.data(), count, MPI_BYTE, 1 - rank, 99, MPI_COMM_WORLD); };
    if (at_once) {
      MPI_Sendrecv(out.data(), count, MPI_BYTE, 1 - rank, 99, in.data(), count, MPI_BYTE, 1 - rank,
                   99, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      return;
    }
    if (rank == 0) send();
    MPI_Recv(in.data(), count, MPI_BYTE, 1 - rank, 99, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank == 1) send();
  });
  return at_once ? seconds : seconds / 2;
}

int run(int count, char** arguments, mpi::Ranks& ranks) {
  const int P = ranks.size();
  check(P > 1, "expected two ranks or more (mpirun -n 2 bench_exchange)");
  constexpr std::size_t large = std::size_t{1} << 22;
  const double latency = between_two(ranks, 8, false, 101),
               time = between_two(ranks, large, true, 15);
  const double bandwidth = static_cast<double>(large) / (time - latency);
  if (ranks.rank() == 0)
    std::printf("%d ranks; 8 bytes take %.0f us, 4 MiB both ways give %.0f Mbit/s\n", P,
                latency * 1e6, bandwidth * 8e-6);
  std::vector<Index> sizes;
  for (int i = 1; i < count; ++i) sizes.push_back(std::stoll(arguments[i]));
  if (sizes.empty()) sizes = {421'642, 1'972'792};
  for (const Index size : sizes) {
    // Eight layers, so that gradients travel in buckets as those of a network do.
    Rng rng{1};
    Network<float> net;
    const Index width = 64, wide = std::max<Index>(1, size / (8 * width));
    auto x = net.input(Shape{width});
    for (int k = 0; k < 4; ++k) {
      const auto h = net.add(Linear<float>{{.in = width, .out = wide, .bias = false}, rng}, x);
      x = net.add(Linear<float>{{.in = wide, .out = width, .bias = false}, rng}, h);
    }
    auto w = net.workspace(1, {.threads = 1});
    mpi::SharedBatches<float> shared(ranks, w);
    const double seconds = median(ranks, 31, [&] {
      shared.begin(BatchSplit::most);
      shared.finish();
    });
    const double bytes = static_cast<double>(shared.gradient_count()) * sizeof(float);
    const double travels = 2.0 * (P - 1) / P * bytes;
    if (ranks.rank() == 0)
      std::printf("%.2f MB of gradients: %.2f ms, by bytes alone %.2f ms\n", bytes * 1e-6,
                  seconds * 1e3, travels / bandwidth * 1e3);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  mpi::Ranks ranks;
  return run(count, arguments, ranks);
}
