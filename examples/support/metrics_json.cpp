// SPDX-License-Identifier: MIT
#include "support/metrics_json.hpp"

#include <nlohmann/json.hpp>

std::string to_json(const Metrics& metrics) {
  nlohmann::ordered_json json{{"dataset", metrics.dataset}, {"parameters", metrics.parameters},
                              {"threads", metrics.threads}, {"isa", metrics.isa},
                              {"seed", metrics.seed},       {"epochs", nlohmann::json::array()}};
  for (const EpochMetrics& e : metrics.epochs)
    json["epochs"].push_back(nlohmann::ordered_json{{"epoch", e.epoch},
                                                    {"train_loss", e.train_loss},
                                                    {"test_accuracy", e.test_accuracy},
                                                    {"seconds", e.seconds},
                                                    {"images_per_second", e.images_per_second}});
  json["test_accuracy"] = nullptr;
  if (metrics.test_accuracy) json["test_accuracy"] = *metrics.test_accuracy;
  return json.dump(2) + "\n";
}
