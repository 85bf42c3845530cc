// SPDX-License-Identifier: MIT
//
// Gives the component io something that is no gzip file; status 0 if it says so.
#include <fovea/io/gzip.hpp>

int main() {
  try {
    (void)fovea::gunzip(fovea::Bytes(20), 100, "twenty zeros");
  } catch (const fovea::Error&) {
    return 0;
  }
  return 1;
}
