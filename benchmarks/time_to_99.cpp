// SPDX-License-Identifier: MIT
//
// time_to_99: seconds of training until the course network reads 99 % of the MNIST test digits.
//
//   time_to_99 DIR                     ten seeds, one recipe, the test set looked at once, at the end
//   time_to_99 DIR --validate          on 10 000 held-out training images instead: how the recipe was found
//
// The recipe: Adam under a one-cycle schedule, whose peak a longer training could not afford and whose
// end is small enough to settle; label smoothing, so that digits which are right already keep on
// teaching; and squares of gradients that are forgotten soon (beta2), for there are few steps to know
// them by. The clock runs while steps are made, and not while data is read or tested.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "fovea/fovea.hpp"
#include "support/course_cnn.hpp"

using namespace fovea;

namespace {

struct Recipe {
  double epochs = 0.6;
  Index batch = 64;
  double peak = 6e-3, warmup = 0.2, beta2 = 0.95, smoothing = 0.2;
};

// Test accuracy in percent and seconds of training.
std::pair<double, double> run(const TrainAndTest& data, const Recipe& recipe, std::uint64_t seed,
                              int threads) {
  Rng rng{seed};
  auto net = course_cnn<float>(rng);
  auto w = net.workspace(recipe.batch, {.threads = threads, .seed = seed});
  Adam adam{net, {.beta2 = recipe.beta2}};
  const auto steps = static_cast<std::uint64_t>(
      recipe.epochs * static_cast<double>(data.train.size()) / static_cast<double>(recipe.batch));
  const OneCycle schedule{.peak = recipe.peak, .steps = steps, .warmup = recipe.warmup};
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t epoch = 0; adam.steps() < steps; ++epoch)
    for (const auto& [images, labels] :
         batches(data.train, recipe.batch, {.seed = seed, .epoch = epoch})) {
      if (adam.steps() == steps) break;
      adam.options.learning_rate = schedule(adam.steps());
      const auto logits = net.forward(images, w);
      cross_entropy(logits, labels, w.output_gradient(), {.smoothing = recipe.smoothing});
      net.backward(w);
      adam.step(net, w);
    }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {evaluate(net, data.test, {.threads = threads}).accuracy().percent(), seconds};
}

}  // namespace

int main(int argc, char** argv) try {
  Recipe recipe;
  std::string directory;
  bool validate = false;
  int threads = 0, first = 1, last = 10;
  CLI::App app("Seconds of training to 99 % on MNIST.", "time_to_99");
  app.add_option("DIR", directory, "the four unpacked IDX files")->required();
  app.add_option("--epochs", recipe.epochs, "passes over the training images")
      ->capture_default_str();
  app.add_option("--batch-size", recipe.batch)->check(CLI::Range(1, 65536))->capture_default_str();
  app.add_option("--peak", recipe.peak, "of the learning rate")->capture_default_str();
  app.add_option("--warmup", recipe.warmup, "share of the steps")->capture_default_str();
  app.add_option("--beta2", recipe.beta2, "of Adam")->capture_default_str();
  app.add_option("--smoothing", recipe.smoothing, "of the labels")->capture_default_str();
  app.add_option("--first", first, "seed")->capture_default_str();
  app.add_option("--last", last, "seed")->capture_default_str();
  app.add_option("--threads", threads, "0: OMP_NUM_THREADS, or all")->check(CLI::Range(0, 1024));
  app.add_flag("--validate", validate, "test on held-out training images");
  CLI11_PARSE(app, argc, argv);

  auto data = load_mnist(directory);
  if (validate) {
    auto [kept, held_out] = split(data.train, 10000, 0);
    data = {std::move(kept), std::move(held_out)};
  }
  double accuracy = 0, seconds = 0;
  for (int seed = first; seed <= last; ++seed) {
    const auto [percent, time] = run(data, recipe, static_cast<std::uint64_t>(seed), threads);
    std::printf("| %d | %.2f %% | %.2f s |\n", seed, percent, time);
    std::fflush(stdout);
    accuracy += percent / (last - first + 1);
    seconds += time / (last - first + 1);
  }
  std::printf("| mean | %.3f %% | %.2f s |\n", accuracy, seconds);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "time_to_99: %s\n", error.what());
  return 2;
}
