// SPDX-License-Identifier: MIT
//
// Draws the figures of the book: figures DIR writes one SVG file for each name below. Every number in
// them is computed by the library.
#include <cstdio>
#include <fstream>

#include "deep.hpp"
#include "layers.hpp"
#include "seeing.hpp"
#include "training.hpp"

using namespace figures;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "figures: expected one directory, got %d arguments\n", argc - 1);
    return 2;
  }
  const std::pair<const char*, std::string> files[] = {{"layout", layout()},
                                                       {"chain", chain()},
                                                       {"linear", linear_layer()},
                                                       {"relu", relu_layer()},
                                                       {"window", window()},
                                                       {"im2col", im2col()},
                                                       {"phases", phases()},
                                                       {"pooling", pooling()},
                                                       {"cross_entropy", cross_entropy_loss()},
                                                       {"backpropagation", backpropagation()},
                                                       {"adam", adam()},
                                                       {"training", batches_and_losses()},
                                                       {"initialisation", initialisation()},
                                                       {"receptive_field", receptive_field()},
                                                       {"winograd", winograd()},
                                                       {"softsign", softsign()},
                                                       {"batch_norm", batch_norm()},
                                                       {"residual", residual_blocks()},
                                                       {"regularisation", regularisation()},
                                                       {"other_losses", other_losses()}};
  for (const auto& [name, svg] : files) {
    std::ofstream file(concat(argv[1], "/", name, ".svg"), std::ios::binary);
    file << svg;
    if (!file.flush()) {
      std::fprintf(stderr, "figures: expected to write %s.svg in %s, could not\n", name, argv[1]);
      return 2;
    }
  }
}
