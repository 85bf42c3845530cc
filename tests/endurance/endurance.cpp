// SPDX-License-Identifier: MIT
//
// Trains, saves, loads and predicts in a loop, in one process, for so many minutes (30 unless told):
//
//   endurance [MINUTES]
//
// Every round begins from nothing: it draws its digits, trains the course network to the middle, saves a
// checkpoint, goes on with another network that was loaded from it, saves the weights, loads them into a
// third one, and predicts. Every round must end with the bits of the first one: the file and all logits.
// Resident memory is read at the end of every round; from the tenth one on, when all has been allocated
// once, it must stay within 1 %. The last line says how it was; the status is 1 if it was not so.
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include "fovea/io/checkpoint.hpp"
#include "fovea/io/model_file.hpp"
#include "support/course_cnn.hpp"

using namespace fovea;

namespace {

constexpr Index batch = 64;
constexpr int warm_up = 10;

// What malloc keeps for the next round is given back first: it is more or less, as rounds happen to end.
double resident_megabytes() {
  malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

auto network(std::uint64_t seed) {
  Rng rng{seed};
  return course_cnn<float>(rng);
}

struct Training {
  decltype(network(0)) net;
  Adam<float> adam;
  Workspace<decltype(network(0))> w;
  TrainingState at{.run = {{"seed", "1"}}};

  explicit Training(std::uint64_t seed) : net(network(seed)), adam(net), w(net.workspace(batch)) {}

  // Up to and without step `end` of the only epoch.
  void go(const Dataset& data, std::uint64_t end) {
    for (const auto& [images, labels] :
         batches(data, batch, {.first_step = static_cast<Index>(at.step)})) {
      if (at.step == end) return;
      const auto logits = net.forward(images, w);
      at.losses.push_back(cross_entropy(logits, labels, w.output_gradient()));
      net.backward(w);
      adam.step(net, w);
      ++at.step;
    }
  }
};

struct Result {
  Bytes file;
  std::vector<float> logits;
  double resident;  // megabytes, with all that the round has made still there

  bool same_bits(const Result& other) const { return file == other.file && logits == other.logits; }
};

Result round(const std::filesystem::path& directory) {
  const Dataset digits = synthetic_digits(20 * batch, 1), others = synthetic_digits(300, 2);
  const CheckpointFile checkpoint(directory / "run.ckpt");
  {
    Training first{1};
    first.go(digits, 10);
    checkpoint.save(first.net, first.adam, first.w, first.at);
  }
  Training second{9};
  check(checkpoint.load(second.net, second.adam, second.w, second.at),
        "endurance: the checkpoint is gone");
  second.go(digits, 20);
  save_model(directory / "model.safetensors", second.net, mnist_scaling);

  Result result{.file = read_file(directory / "model.safetensors"), .logits = {}, .resident = 0};
  auto third = network(7);
  load_model(directory / "model.safetensors", third);
  const Predictor predictor(std::move(third), batch);
  auto scratch = predictor.scratch();
  for (const auto& [images, labels] : batches(others, batch, {.shuffle = false})) {
    const auto logits = predictor(images, scratch);
    result.logits.insert(result.logits.end(), logits.begin(), logits.end());
  }
  result.resident = resident_megabytes();
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const double minutes = argc > 1 ? std::atof(argv[1]) : 30;
  const auto directory = std::filesystem::temp_directory_path() /
                         concat("fovea-endurance-", static_cast<long>(getpid()));
  std::filesystem::create_directories(directory);
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const Result expected = round(directory);
  double least = std::numeric_limits<double>::infinity(), most = 0;
  int rounds = 1, different = 0;
  for (; rounds < 2 * warm_up || seconds() < 60 * minutes; ++rounds) {
    const Result result = round(directory);
    different += !result.same_bits(expected);
    if (rounds < warm_up) continue;
    least = std::min(least, result.resident), most = std::max(most, result.resident);
    if (rounds % 100 == 0)
      std::printf("round %d, %.0f s: %.2f MB\n", rounds, seconds(), result.resident);
  }
  std::filesystem::remove_all(directory);
  const double spread = 100 * (most - least) / least;
  std::printf(
      "%d rounds in %.0f s, %d of them with other bits than the first; resident memory %.2f to "
      "%.2f MB, %.2f %% apart\n",
      rounds, seconds(), different, least, most, spread);
  return different == 0 && spread <= 1 ? 0 : 1;
}
