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

/// One message between ranks 0 and 1, there and back, of which half is taken.
double latency_of(mpi::Ranks& ranks) {
  char byte = 0;
  const int rank = ranks.rank();
  const auto send = [&] { MPI_Send(&byte, 1, MPI_BYTE, 1 - rank, 99, MPI_COMM_WORLD); };
  return median(ranks, 101,
                [&] {
                  if (rank > 1) return;
                  if (rank == 0) send();
                  MPI_Recv(&byte, 1, MPI_BYTE, 1 - rank, 99, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                  if (rank == 1) send();
                }) /
         2;
}

/// Bytes a second of eight messages of 1 MiB each way at once between ranks 0 and 1, as an exchange uses a link.
double bandwidth_of(mpi::Ranks& ranks) {
  constexpr int messages = 8, bytes = 1 << 20;
  std::vector<char> out(messages * bytes), in(messages * bytes);
  const int rank = ranks.rank();
  const double seconds = median(ranks, 15, [&] {
    if (rank > 1) return;
    std::vector<MPI_Request> requests(2 * messages);
    for (int m = 0; m < messages; ++m) {
      MPI_Irecv(in.data() + m * bytes, bytes, MPI_BYTE, 1 - rank, m, MPI_COMM_WORLD,
                &requests[2 * static_cast<std::size_t>(m)]);
      MPI_Isend(out.data() + m * bytes, bytes, MPI_BYTE, 1 - rank, m, MPI_COMM_WORLD,
                &requests[2 * static_cast<std::size_t>(m) + 1]);
    }
    MPI_Waitall(2 * messages, requests.data(), MPI_STATUSES_IGNORE);
  });
  return messages * bytes / seconds;
}

int run(int count, char** arguments, mpi::Ranks& ranks) {
  const int P = ranks.size();
  check(P > 1, "expected two ranks or more (mpirun -n 2 bench_exchange)");
  const double latency = latency_of(ranks), bandwidth = bandwidth_of(ranks);
  if (ranks.rank() == 0)
    std::printf("%d ranks; a byte takes %.0f us, MiB both ways at once %.0f Mbit/s each\n", P,
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
