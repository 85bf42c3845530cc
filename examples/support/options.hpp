// SPDX-License-Identifier: MIT
//
// The command line of mnist_train.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

struct TrainOptions {
  std::filesystem::path data;  // empty: FOVEA_DATA_DIR, then the usual places
  std::string dataset = "mnist";
  int epochs = 3;
  int batch_size = 64;
  double learning_rate = 1e-3;
  std::string schedule = "constant";
  std::uint64_t seed = 1;
  int threads = 0;
  int limit = 0;  // 0: all training images
  std::filesystem::path out = "out";
  bool quiet = false;
};

/// Ends the program after --help (status 0) or on a bad option (one sentence, status 2).
TrainOptions parse_train_options(int argc, char** argv);
