// SPDX-License-Identifier: MIT
//
// The command lines of mnist_train and mnist_explain.
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
  std::filesystem::path checkpoint = {};  // empty: none
  int every = 500;                        // steps between checkpoints
  bool resume = false;
};

struct ExplainOptions : TrainOptions {
  int image = 0;                // of the test images
  int target = -1;              // the class to explain; -1: the true one
  std::string layer = "relu2";  // of Grad-CAM
  bool full = false;            // judge on all test images
};

/// End the program after --help (status 0) or on a bad option (one sentence, status 2).
TrainOptions parse_train_options(int argc, char** argv);
ExplainOptions parse_explain_options(int argc, char** argv);

/// Finds out before the training, not after it, whether results can be written.
void prepare_directory(const std::filesystem::path& directory);
