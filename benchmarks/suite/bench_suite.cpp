// SPDX-License-Identifier: MIT
//
// bench_suite: images/s of one network of the suite, as JSON.
//
//   bench_suite NETWORK WHAT BATCH THREADS [SECONDS]     WHAT is train or predict
//   bench_suite peak - 1 THREADS                         GFLOP/s of multiply-adds
//
// A training step is forward, cross-entropy, backward and SGD with Nesterov's momentum, on random
// images. The step before the clock starts makes all memory.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "suite/networks.hpp"
#include "support/peak.hpp"

using namespace fovea;

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Images/s of step(), which takes `batch` images.
template <class Step>
double rate(Index batch, double seconds, const Step& step) {
  step();
  const auto start = std::chrono::steady_clock::now();
  double steps = 0, taken = 0;
  for (; taken < seconds; taken = seconds_since(start)) {
    step();
    ++steps;
  }
  return steps * static_cast<double>(batch) / taken;
}

}  // namespace

int main(int argc, char** argv) try {
  check(argc >= 5, "bench_suite: expected NETWORK, train or predict, BATCH and THREADS");
  const std::string_view name = argv[1], what = argv[2];
  const Index batch = std::atoi(argv[3]);
  const int threads = std::atoi(argv[4]);
  if (name == "peak") {
    std::printf("{\"gflops\": %.1f}\n", measured_peak<float>(threads));
    return 0;
  }
  const double seconds = argc > 5 ? std::atof(argv[5]) : 2;
  check(what == "train" || what == "predict", "bench_suite: expected train or predict, found ",
        what);
  check(batch > 0 && threads > 0, "bench_suite: expected a batch and threads of 1 or more, found ",
        argv[3], " and ", argv[4]);
  double result = 0, gflop = 0;
  const bool found = suite::with_network(name, [&](auto net) {
    const auto [C, H, W] = net.input_shape();
    Tensor<float, 4> x(Shape{batch, C, H, W});
    Tensor<Label, 1> labels(Shape{batch});
    Rng rng{1};
    for (float& v : x) v = static_cast<float>(rng.normal());
    for (Index n = 0; n < batch; ++n) labels(n) = static_cast<Label>(n % 10);
    const auto one = net.workspace(1, {.keep = Keep::output, .threads = 1});
    for (std::size_t layer = 0; layer < one.plan().layer_count(); ++layer)
      gflop += 2e-9 * static_cast<double>(one.plan().layer(layer).multiply_adds);
    if (what == "train") gflop *= 3;  // dx and dW are as much work as y
    if (what == "predict") {
      const Predictor predictor{net, batch};
      auto scratch = predictor.scratch(threads);
      result = rate(batch, seconds, [&] { predictor(x, scratch); });
    } else {
      auto w = net.workspace(batch, {.threads = threads});
      Sgd sgd{net, {.learning_rate = 1e-3, .momentum = 0.9, .nesterov = true}};
      result = rate(batch, seconds, [&] {
        cross_entropy(net.forward(x, w), labels, w.output_gradient());
        net.backward(w);
        sgd.step(net, w);
      });
    }
  });
  check(found,
        "bench_suite: expected lenet5, course, vgg, resnet8, resnet20, mobile or cifar, found ",
        name);
  std::printf("{\"images_per_second\": %.1f, \"gflop_per_image\": %.6f}\n", result, gflop);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
