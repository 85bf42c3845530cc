// SPDX-License-Identifier: MIT
//
// metrics.json: what a training measured. Accuracies in percent, times in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct EpochMetrics {
  int epoch;          // from 1 on
  double train_loss;  // mean over the images
  double test_accuracy;
  double seconds;  // of training alone: shuffle to last Adam step
  double images_per_second;
};

struct Metrics {
  std::string dataset;
  std::int64_t parameters;
  int threads;
  std::string isa;
  std::uint64_t seed;
  std::vector<EpochMetrics> epochs;
  std::optional<double> test_accuracy;  // of the last finished epoch
  std::optional<double> test_accuracy_one_view = {}, training_seconds = {};  // of cifar_train
  std::optional<int> held_out =
      {};                         // training images that it was judged by, in place of test images
  std::optional<int> ranks = {};  // processes that trained together, where it was built with MPI
};

std::string to_json(const Metrics& metrics);

/// The epochs alone, and back.
std::string to_json(const std::vector<EpochMetrics>& epochs);
std::vector<EpochMetrics> epochs_from_json(const std::string& text);
