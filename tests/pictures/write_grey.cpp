// SPDX-License-Identifier: MIT
//
// write_grey OUT FILE...: what decode_grey() makes of each file, as OUT/name.pgm. For each file a line,
// its name, a tab, and "ok" or the sentence that refuses it.
#include <cstdio>
#include <filesystem>

#include "mnist/read_picture.hpp"

int main(int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    const std::filesystem::path path = argv[i];
    const std::string name = path.filename().string();
    try {
      const auto grey = decode_grey(fovea::read_file(path), name);
      const auto out = (std::filesystem::path(argv[1]) / (name + ".pgm")).string();
      std::FILE* const file = std::fopen(out.c_str(), "wb");
      if (file == nullptr) return 2;
      std::fprintf(file, "P5\n%td %td\n255\n", grey.extent(1), grey.extent(0));
      std::fwrite(grey.data(), 1, static_cast<std::size_t>(grey.size()), file);
      if (std::fclose(file) != 0) return 2;
      std::printf("%s\tok\n", name.c_str());
    } catch (const fovea::Error& error) {
      std::printf("%s\t%s\n", name.c_str(), error.what());
    }
  }
}
