// SPDX-License-Identifier: MIT
//
// Where the data set is: --data, FOVEA_DATA_DIR, data/ in the checkout, or Debian's package.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/data/cifar.hpp"
#include "fovea/data/mnist.hpp"

/// Loads "mnist" or "fashion"; `found` becomes the directory it came from.
fovea::TrainAndTest find_data(const std::filesystem::path& given, const std::string& dataset,
                              std::filesystem::path& found);

/// Loads CIFAR-10: --data, FOVEA_CIFAR_DIR, or data/ in the checkout.
fovea::TrainAndTest find_cifar10(const std::filesystem::path& given, std::filesystem::path& found);
