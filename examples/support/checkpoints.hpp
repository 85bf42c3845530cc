// SPDX-License-Identifier: MIT
//
// What the trainings that can go on have in common: the file that --checkpoint names, and what was
// measured so far, which it keeps.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fovea/io/checkpoint.hpp"
#include "support/metrics_json.hpp"

/// The checkpoint at this path, or none if it is empty. Throws without --resume if there is one already.
std::optional<fovea::CheckpointFile> open_checkpoint(const std::filesystem::path& file,
                                                     bool resume);

/// What a training has measured.
struct Measured {
  std::vector<EpochMetrics> epochs = {};  // those that were finished
  double seconds = 0;                     // of the one that was not
};

/// As notes of a checkpoint, and back. Throws where those of `file` are damaged.
fovea::Metadata to_notes(const Measured& measured);
Measured measured_in(fovea::Metadata& notes, const std::string& file);
