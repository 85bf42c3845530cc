// SPDX-License-Identifier: MIT
//
// write_idx DIR TRAIN TEST: synthetic digits as four IDX files, for tests of the programs.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fovea/fovea.hpp"

using namespace fovea;

namespace {

void write(const std::filesystem::path& directory, const std::string& part, const Dataset& data) {
  const auto number = [](Bytes& bytes, Index value) {
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  Bytes images, labels;
  for (const Index value : {Index{0x803}, data.size(), Index{28}, Index{28}}) number(images, value);
  for (const Index value : {Index{0x801}, data.size()}) number(labels, value);
  images.insert(images.end(), data.images.begin(), data.images.end());
  for (const Label label : data.labels) labels.push_back(static_cast<std::uint8_t>(label));
  write_file(directory / (part + "-images-idx3-ubyte"), images);
  write_file(directory / (part + "-labels-idx1-ubyte"), labels);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  write(argv[1], "train", synthetic_digits(std::atol(argv[2]), 1));
  write(argv[1], "t10k", synthetic_digits(std::atol(argv[3]), 2));
}
