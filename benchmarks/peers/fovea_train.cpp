// SPDX-License-Identifier: MIT
//
// Trains the course network and measures the multiply-add peak around it, both with the flags this
// file was compiled with.
//
//   fovea_train DIR THREADS IMAGES EPOCHS
//
// Prints JSON: instruction set, images/s of every epoch, GFLOP/s of the peak before and after.
#include <cstdio>
#include <cstdlib>

#include "benchmarks/support/peak.hpp"
#include "examples/support/course_cnn.hpp"
#include "peers.hpp"

using namespace fovea;

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  auto [train, test] = load_mnist(argv[1]);
  const int threads = std::atoi(argv[2]);
  train = train.part(0, std::min<Index>(std::atol(argv[3]), train.size()));
  const auto epochs = static_cast<std::uint64_t>(std::atol(argv[4]));

  Rng rng{1};
  auto net = course_cnn<float>(rng);
  auto w = net.workspace(64, {.threads = threads});
  Adam adam{net, {.learning_rate = 1e-3}};

  const double before = measured_peak<float>(threads);
  std::printf("{\"isa\": \"%s\", \"rates\": [", std::string(build_info().isa).c_str());
  for (std::uint64_t epoch = 0; epoch < epochs; ++epoch) {
    const double start = now();
    for (const auto& [images, labels] : batches(train, 64, {.seed = 1, .epoch = epoch})) {
      const auto logits = net.forward(images, w);
      cross_entropy(logits, labels, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
    }
    std::printf("%s%g", epoch == 0 ? "" : ", ",
                static_cast<double>(train.size()) / (now() - start));
  }
  std::printf("], \"peak_before\": %g, \"peak_after\": %g}\n", before,
              measured_peak<float>(threads));
}
