// SPDX-License-Identifier: MIT
//
// A program that is one rank where it is started by hand.
#include <fovea/fovea.hpp>
#include <fovea/mpi/shared_batches.hpp>

int main() {
  fovea::mpi::Ranks ranks;
  return ranks.rank() == 0 && ranks.size() == 1 && fovea::mpi::largest_part(64, 3) == 32 ? 0 : 1;
}
