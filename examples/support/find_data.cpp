// SPDX-License-Identifier: MIT
#include "support/find_data.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "fovea/io/gzip.hpp"

namespace {

// The two sets have the same files and sizes. The first test labels tell them apart, so that one is
// never reported under the name of the other.
constexpr std::array<fovea::Label, 8> mnist_labels{7, 2, 1, 0, 4, 1, 4, 9};
constexpr std::array<fovea::Label, 8> fashion_labels{9, 2, 1, 1, 6, 1, 4, 6};

bool begins_with(const fovea::Dataset& test, const std::array<fovea::Label, 8>& labels) {
  return test.size() >= 8 && std::equal(labels.begin(), labels.end(), test.labels.begin());
}

}  // namespace

fovea::TrainAndTest find_data(const std::filesystem::path& given, const std::string& dataset,
                              std::filesystem::path& found) {
  const bool fashion = dataset == "fashion";
  const auto load = [&](const std::filesystem::path& directory) {
    return fashion ? fovea::load_fashion_mnist(directory, fovea::read_file_or_gzip)
                   : fovea::load_mnist(directory, fovea::read_file_or_gzip);
  };
  const auto is_the_other = [&](const fovea::TrainAndTest& data) {
    return begins_with(data.test, fashion ? mnist_labels : fashion_labels);
  };

  // What the user names must be there; a variable that names the other set is passed over.
  const char* const variable = std::getenv("FOVEA_DATA_DIR");
  const std::filesystem::path named = given.empty() && variable ? variable : given;
  if (!named.empty()) {
    auto data = load(named);
    fovea::check(given.empty() || !is_the_other(data), given.string(), ": expected ",
                 fashion ? "Fashion-MNIST" : "MNIST", ", found ",
                 fashion ? "MNIST" : "Fashion-MNIST", " (choose with --dataset)");
    found = named;
    if (!is_the_other(data)) return data;
  }

  // The other places are guesses.
  std::vector<std::filesystem::path> places{
      std::filesystem::path(FOVEA_SOURCE_DIR) / "data" / dataset,
      std::filesystem::path("data") / dataset};
  if (fashion) places.emplace_back("/usr/share/datasets/fashion-mnist");
  for (const auto& place : places) {
    if (!std::filesystem::is_directory(place)) continue;
    auto data = load(place);
    if (is_the_other(data)) continue;
    found = place;
    return data;
  }
  fovea::fail("no ", fashion ? "Fashion-MNIST" : "MNIST",
              " found: give its directory with --data or ",
              "FOVEA_DATA_DIR, or let scripts/quickstart.sh fetch it into data/", dataset);
}

fovea::TrainAndTest find_cifar10(const std::filesystem::path& given, std::filesystem::path& found) {
  const char* const variable = std::getenv("FOVEA_CIFAR_DIR");
  found = given.empty() && variable ? variable : given;
  for (const auto& place : {std::filesystem::path(FOVEA_SOURCE_DIR) / "data" / "cifar10",
                            std::filesystem::path("data") / "cifar10"})
    if (found.empty() && std::filesystem::is_directory(place)) found = place;
  fovea::check(!found.empty(), "no CIFAR-10 found: give its directory with --data or ",
               "FOVEA_CIFAR_DIR, or let scripts/quickstart.sh --cifar fetch it into data/cifar10");
  return fovea::load_cifar10(found, fovea::read_file_or_gzip);
}
