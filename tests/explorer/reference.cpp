// SPDX-License-Identifier: MIT
//
// The training of the page in the library's own words, and the hash of its weights: what the page must have
// after as many steps, bit by bit, when this is built without fused multiply-add and with 16-byte vectors.
//
//   reference STEPS SEED...      prints "SEED HASH IMAGES/S" for each
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "support/course_cnn.hpp"

using namespace fovea;

int main(int argc, char** argv) {
  const auto steps = static_cast<std::uint64_t>(std::atoi(argc > 1 ? argv[1] : "50"));
  const Dataset train = synthetic_digits(8000, Rng{1, 0}.bits());
  for (int i = 2; i < argc; ++i) {
    const auto seed = static_cast<std::uint64_t>(std::atoi(argv[i]));
    Rng rng{seed};
    auto net = course_cnn<float>(rng);
    auto w = net.workspace(64, {.threads = 1, .seed = seed});
    Adam adam{net, {.learning_rate = 1e-3}};
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t epoch = 0; adam.steps() < steps; ++epoch)
      for (const auto& [images, labels] :
           batches(train, 64, {.seed = seed, .epoch = epoch, .shuffle = epoch > 0})) {
        cross_entropy(net.forward(images, w), labels, w.output_gradient());
        net.backward(w);
        adam.step(net, w);
        if (adam.steps() == steps) break;
      }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::uint64_t h = 0xcbf29ce484222325u;  // FNV-1a of the bits
    net.for_each_state([&](const std::string&, const auto& x) {
      for (const float value : x) h = (h ^ detail::bit_cast<std::uint32_t>(value)) * 0x100000001b3u;
    });
    std::printf("%d %016llx %.0f\n", static_cast<int>(seed), static_cast<unsigned long long>(h),
                64.0 * static_cast<double>(steps) / seconds.count());
  }
}
