// SPDX-License-Identifier: MIT
//
// The command lines of mnist_train, cifar_train, mnist_explain and mnist_predict.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

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

struct CifarOptions {
  std::filesystem::path data;  // empty: FOVEA_CIFAR_DIR, then the usual places
  int epochs = 9;
  int batch_size = 2000;
  std::uint64_t seed = 1;
  int threads = 0;
  int limit = 0;     // 0: all training images
  int hold_out = 0;  // training images to judge by instead of the test images
  std::filesystem::path out = "out";
  bool quiet = false;
  std::filesystem::path checkpoint = {};  // empty: none
  int every = 25;                         // steps between checkpoints
  bool resume = false;
};

struct ExplainOptions : TrainOptions {
  int image = 0;                       // of the test images
  int target = -1;                     // the class to explain; -1: the true one
  std::string layer = "relu2";         // of Grad-CAM
  bool full = false;                   // judge on all test images
  std::filesystem::path weights = {};  // of the first network; empty: it is trained here
  bool selftest = true;                // of the file of weights
};

struct PredictOptions {
  std::filesystem::path weights;
  std::vector<std::filesystem::path> images;  // "-": standard input
  std::filesystem::path idx, logits;          // both or none
  std::filesystem::path show;                 // empty: no picture
  bool json = false, quiet = false, selftest = true;
  int threads = 0;
};

/// End the program after --help (status 0) or on a bad option (one sentence, status 2).
TrainOptions parse_train_options(int argc, char** argv);
CifarOptions parse_cifar_options(int argc, char** argv);
ExplainOptions parse_explain_options(int argc, char** argv);
PredictOptions parse_predict_options(int argc, char** argv);

/// Finds out before the training, not after it, whether results can be written.
void prepare_directory(const std::filesystem::path& directory);
