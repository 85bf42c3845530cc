// SPDX-License-Identifier: MIT
//
// Encodes a picture with the component viz; status 0 if it is a PNG file.
#include <fovea/viz/png.hpp>

int main() {
  const auto bytes = fovea::encode_png(fovea::Image(2, 3));
  return bytes.size() > 8 && bytes[1] == 'P' && bytes[2] == 'N' && bytes[3] == 'G' ? 0 : 1;
}
