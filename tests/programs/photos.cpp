// SPDX-License-Identifier: MIT
//
// photos DIR COUNT [IMAGES LABELS]: the first digits of two IDX files, or synthetic digits, as a camera or a
// scanner might have them: enlarged, on a larger sheet, off its centre, dark on light or light on dark,
// under uneven light, with noise, in colour. Each goes into DIR as 00012_is_7.png and 00012_is_7.jpg, and all
// as they were into DIR/originals. The same arguments give the same files.
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"
#include "fovea/viz/png.hpp"

using namespace fovea;

namespace {

Image photograph(View<const std::uint8_t, 2> digit, Rng& rng) {
  const double zoom =
      std::exp(rng.uniform(0, std::log(12)));  // 1 to 12, small ones as often as large ones
  const double side = 28 * zoom;
  const Index H = std::lround(side * rng.uniform(1, 2)), W = std::lround(side * rng.uniform(1, 2));
  const double top = rng.uniform(0, static_cast<double>(H) - side),
               left = rng.uniform(0, static_cast<double>(W) - side);
  const double dark = rng.uniform(10, 70), light = rng.uniform(180, 240), noise = rng.uniform(0, 6);
  const bool dark_on_light = rng.below(2) == 0;
  // The share of the light that is missing or added at each side, and missing in the corners.
  const double across = rng.uniform(-0.1, 0.1), down = rng.uniform(-0.1, 0.1),
               corners = rng.uniform(0, 0.1);

  const auto ink_at = [&](Index i, Index j) {
    return 0 <= i && i < 28 && 0 <= j && j < 28 ? digit(i, j) / 255.0 : 0.0;
  };
  Image image(H, W);
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j) {
      const double y = (static_cast<double>(i) + 0.5 - top) / zoom - 0.5,
                   x = (static_cast<double>(j) + 0.5 - left) / zoom - 0.5;
      const double row = std::floor(y), col = std::floor(x), v = y - row, u = x - col;
      const Index r = static_cast<Index>(row), c = static_cast<Index>(col);
      const double ink = (1 - v) * ((1 - u) * ink_at(r, c) + u * ink_at(r, c + 1)) +
                         v * ((1 - u) * ink_at(r + 1, c) + u * ink_at(r + 1, c + 1));
      const double q = 2 * static_cast<double>(i) / static_cast<double>(H) - 1,
                   p = 2 * static_cast<double>(j) / static_cast<double>(W) - 1;
      const double lit = 1 + across * p + down * q - corners * (p * p + q * q) / 2;
      const double grain = noise * rng.normal();
      const double value =
          lit * (dark_on_light ? light + (dark - light) * ink : dark + (light - dark) * ink) +
          grain;
      const auto tinted = [&](double tint) {
        return static_cast<std::uint8_t>(std::clamp(std::lround(tint * value), 0L, 255L));
      };
      image.set(i, j, {tinted(1), tinted(0.97), tinted(0.9)});
    }
  return image;
}

Bytes encode_jpeg(const Image& image, int quality) {
  Bytes bytes;
  const auto append = [](void* context, void* data, int size) {
    const auto* const first = static_cast<const std::uint8_t*>(data);
    static_cast<Bytes*>(context)->insert(static_cast<Bytes*>(context)->end(), first, first + size);
  };
  stbi_write_jpg_to_func(append, &bytes, static_cast<int>(image.width()),
                         static_cast<int>(image.height()), 3, image.pixels().data(), quality);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 5) return 2;
  const std::filesystem::path directory = argv[1];
  const Index count = std::atol(argv[2]);
  Dataset digits;
  if (argc == 3) {
    digits = synthetic_digits(count, 3);
  } else {
    const auto images = read_idx<3>(argv[3], read_file_or_gzip);
    const auto labels = read_idx<1>(argv[4], read_file_or_gzip);
    digits.images = Tensor<std::uint8_t, 4>(images.sub(0, count).reshape(Shape{count, 1, 28, 28}));
    digits.labels = map(labels, [](std::uint8_t label) { return Label{label}; });
  }

  Bytes idx{0,
            0,
            8,
            3,
            0,
            0,
            static_cast<std::uint8_t>(count >> 8),
            static_cast<std::uint8_t>(count),
            0,
            0,
            0,
            28,
            0,
            0,
            0,
            28};
  idx.insert(idx.end(), digits.images.begin(), digits.images.end());
  write_file(directory / "originals", idx);
  stbi_write_png_compression_level = 1;
  for (Index n = 0; n < count; ++n) {
    Rng rng{1, n};
    const Image photo = photograph(digits.images[n][0], rng);
    char name[40];
    std::snprintf(name, sizeof name, "%05td_is_%d", n, digits.labels(n));
    write_png(directory / (name + std::string(".png")), photo);
    write_file(directory / (name + std::string(".jpg")),
               encode_jpeg(photo, 60 + static_cast<int>(rng.below(36))));
  }
}
