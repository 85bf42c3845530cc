// SPDX-License-Identifier: MIT
//
// Learner: a network, its optimizer and where they are, one training step at a time.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "explorer/blueprint.hpp"
#include "explorer/digits.hpp"

namespace explorer {

/// How a network is trained.
struct Recipe {
  double learning_rate = 1e-3;
  fovea::Index batch_size = 64;
  std::string optimizer = "adam";  ///< or "sgd", "momentum"
  std::uint64_t seed = 1;          ///< of weights and of the order of the images

  /// From a command. Throws on what makes no training.
  static Recipe from(const Json& command);
};

/// A network in training. The digits must outlive it.
class Learner {
 public:
  Learner(Built built, const Recipe& recipe, Digits& digits);

  /// One batch: forward, loss, backward, and a step of the optimizer. Throws on a loss that is no
  /// number, and the step is not taken.
  void step();
  /// Steps and tests for that long, or until that many steps are done; at least one of them.
  void work(double milliseconds, std::uint64_t until);
  /// Tests to the end, if a test has begun.
  void finish_test();

  Net& net() { return built_.net; }
  const Net& net() const { return built_.net; }
  const Built& built() const { return built_; }
  const Digits& digits() const { return digits_; }
  Recipe& recipe() { return recipe_; }
  const Recipe& recipe() const { return recipe_; }

  std::uint64_t steps() const { return steps_; }
  std::uint64_t epoch() const;
  /// The share of the test images that were right, in percent; -1 before the first test.
  double accuracy() const { return accuracy_; }
  /// Of training alone, over the last second or so.
  double images_per_second() const { return speed_; }
  /// Whether a test has begun and not ended.
  bool testing() const { return tested_ >= 0; }
  /// (steps, percent) of each test.
  const std::vector<std::pair<std::uint64_t, double>>& tests() const { return tests_; }
  /// Of every step.
  const std::vector<float>& losses() const { return losses_; }
  /// FNV-1a of the bits of all parameters and buffers, 16 hexadecimal digits.
  std::string hash() const;

 private:
  void begin_epoch();
  void test_some();

  Built built_;
  Recipe recipe_;
  Digits& digits_;
  std::variant<fovea::Sgd<float>, fovea::Adam<float>> optimizer_;
  fovea::Workspace<Net> train_space_, test_space_;
  std::optional<fovea::Batches<float, fovea::Augment>> batches_{};
  std::optional<fovea::Batches<float>> tests_in_order_{};
  std::uint64_t steps_ = 0;
  fovea::Index tested_ = -1, right_ = 0;  // the next batch of the test; -1: none is running
  double accuracy_ = -1, speed_ = 0, seconds_ = 0;
  fovea::Index images_ = 0;  // trained in those seconds
  std::vector<std::pair<std::uint64_t, double>> tests_{};
  std::vector<float> losses_{};
};

}  // namespace explorer
