// SPDX-License-Identifier: MIT
//
// Gives the component images the beginning of a PNG and of a JPEG file, and enlarges a picture; status 0 if it
// says that the files are damaged and the picture is right.
#include <fovea/images/image_folder.hpp>

int main() {
  int refused = 0;
  for (const char* const start : {"\x89PNG\r\n\x1a\n", "\xff\xd8\xff"}) try {
      const std::string_view file(start);
      fovea::decode_image(fovea::Bytes(file.begin(), file.end()), "damaged");
    } catch (const fovea::Error&) {
      ++refused;
    }
  const fovea::Tensor<std::uint8_t, 3> white(fovea::Shape{3, 2, 2}, 255);
  const auto larger = fovea::resize_image(white, 4, 5, fovea::Resize::exact);
  return refused == 2 && larger.size() == 60 && larger(2, 3, 4) == 255 ? 0 : 1;
}
