// SPDX-License-Identifier: MIT
//
// Where the data set is: --data, FOVEA_DATA_DIR, data/ in the checkout, or Debian's package.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/data/mnist.hpp"

/// Loads "mnist" or "fashion"; `found` becomes the directory it came from.
fovea::TrainAndTest find_data(const std::filesystem::path& given, const std::string& dataset,
                              std::filesystem::path& found);
