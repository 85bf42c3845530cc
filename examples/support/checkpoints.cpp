// SPDX-License-Identifier: MIT
#include "support/checkpoints.hpp"

using namespace fovea;

std::optional<CheckpointFile> open_checkpoint(const std::filesystem::path& file, bool resume) {
  if (file.empty()) return std::nullopt;
  check(resume || !std::filesystem::is_regular_file(file), file.string(),
        ": expected no checkpoint yet, found a file (go on with --resume, or remove it)");
  return std::optional<CheckpointFile>(std::in_place, file);
}

Metadata to_notes(const Measured& measured) {
  return {{"epochs", to_json(measured.epochs)},
          {"seconds", nlohmann::json(measured.seconds).dump()}};
}

Measured measured_in(Metadata& notes, const std::string& file) {
  Measured measured{epochs_from_json(notes["epochs"])};
  const auto seconds = detail::parse_json(notes["seconds"]);
  check(seconds.is_number(), file, ": expected a number for notes.seconds, found ",
        printable(notes["seconds"]));
  measured.seconds = seconds.get<double>();
  return measured;
}
