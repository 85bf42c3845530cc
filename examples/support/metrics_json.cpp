// SPDX-License-Identifier: MIT
#include "support/metrics_json.hpp"

#include <nlohmann/json.hpp>

#include "fovea/core/check.hpp"

using Json = nlohmann::ordered_json;

namespace {

Json epochs_json(const std::vector<EpochMetrics>& epochs) {
  Json json = Json::array();
  for (const EpochMetrics& e : epochs)
    json.push_back({{"epoch", e.epoch},
                    {"train_loss", e.train_loss},
                    {"test_accuracy", e.test_accuracy},
                    {"seconds", e.seconds},
                    {"images_per_second", e.images_per_second}});
  return json;
}

}  // namespace

std::string to_json(const Metrics& metrics) {
  Json json{{"dataset", metrics.dataset}, {"parameters", metrics.parameters},
            {"threads", metrics.threads}, {"isa", metrics.isa},
            {"seed", metrics.seed},       {"epochs", epochs_json(metrics.epochs)}};
  if (metrics.ranks) json["ranks"] = *metrics.ranks;
  json["test_accuracy"] = nullptr;
  if (metrics.test_accuracy) json["test_accuracy"] = *metrics.test_accuracy;
  if (metrics.test_accuracy_one_view)
    json["test_accuracy_one_view"] = *metrics.test_accuracy_one_view;
  if (metrics.held_out) json["held_out"] = *metrics.held_out;
  if (metrics.training_seconds) json["training_seconds"] = *metrics.training_seconds;
  return json.dump(2) + "\n";
}

std::string to_json(const std::vector<EpochMetrics>& epochs) { return epochs_json(epochs).dump(); }

std::vector<EpochMetrics> epochs_from_json(const std::string& text) {
  std::vector<EpochMetrics> epochs;
  try {
    for (const Json& e : Json::parse(text))
      epochs.push_back({e.at("epoch"), e.at("train_loss"), e.at("test_accuracy"), e.at("seconds"),
                        e.at("images_per_second")});
  } catch (const nlohmann::json::exception&) {
    fovea::fail("notes.epochs: expected the metrics of epochs in JSON, found ",
                fovea::printable(text));
  }
  return epochs;
}
