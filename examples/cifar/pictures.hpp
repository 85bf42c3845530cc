// SPDX-License-Identifier: MIT
//
// What cifar_train draws: filters, mistakes, the confusion matrix, the loss, and a page with all.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cifar/six_views.hpp"

namespace cifar {

struct Pictures {
  std::string network;                  // the summary
  fovea::View<const float, 4> filters;  // (24, 3, 2, 2)
  const fovea::Dataset* test;
  const Judged* judged;
  std::string judged_by;  // "test images"
  const std::vector<float>& losses;
  fovea::Index steps_per_epoch;
  double seconds;
};

void write_pictures(const Pictures& p, const std::filesystem::path& directory);

}  // namespace cifar
