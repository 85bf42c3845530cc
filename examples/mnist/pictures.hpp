// SPDX-License-Identifier: MIT
//
// The pictures of the course report.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/core/tensor.hpp"

struct Pictures {
  std::string dataset;
  fovea::View<const float, 2> input;             // (H, W), pixels in [0, 1]
  std::string input_caption;                     // "test image 0: a 7, the network says 7 (99.9 %)"
  fovea::View<const float, 4> filters;           // (32, 1, 3, 3)
  fovea::View<const float, 3> conv1;             // (32, 28, 28), after ReLU
  fovea::View<const float, 3> conv2;             // (64, 14, 14), after ReLU
  fovea::View<const fovea::Index, 2> confusion;  // (10, 10)
  std::vector<float> losses;                     // one for each step
  fovea::Index steps_per_epoch;
};

/// Writes input.png conv1_filters.png conv1_activations.png conv2_activations.png
/// confusion_matrix.png loss_curve.svg.
void write_pictures(const Pictures& pictures, const std::filesystem::path& directory);
