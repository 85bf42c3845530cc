// SPDX-License-Identifier: MIT
#include "fovea/images/resize.hpp"
#include "support.hpp"

using namespace test;

namespace {

// One pixel along one axis at any real extents, by the definition: what the pixels weigh.
std::vector<double> weights_of(Index in, double size, double i) {
  std::vector<double> weights(static_cast<std::size_t>(in));
  const double step = static_cast<double>(in) / size;
  for (Index k = 0; k < in; ++k) {
    double& weight = weights[static_cast<std::size_t>(k)];
    const auto x = static_cast<double>(k);
    if (size <= static_cast<double>(in)) {
      weight = std::max(0.0, std::min(x + 1, (i + 1) * step) - std::max(x, i * step)) / step;
    } else {
      const double at = std::clamp((i + 0.5) * step - 0.5, 0.0, static_cast<double>(in - 1));
      weight = std::max(0.0, 1 - std::abs(at - x));
    }
  }
  return weights;
}

// Pixel (i, j) of the picture at rows x columns.
double pixel_at(View<const std::uint8_t, 2> image, Index rows, Index columns, Index i, Index j) {
  const auto down = weights_of(image.extent(0), double(rows), double(i)),
             across = weights_of(image.extent(1), double(columns), double(j));
  double sum = 0;
  for (Index y = 0; y < image.extent(0); ++y)
    for (Index x = 0; x < image.extent(1); ++x)
      sum += down[static_cast<std::size_t>(y)] * across[static_cast<std::size_t>(x)] * image(y, x);
  return sum;
}

Tensor<std::uint8_t, 3> noise_image(Index C, Index H, Index W) {
  Tensor<std::uint8_t, 3> image(Shape{C, H, W});
  Rng rng{7};
  for (auto& byte : image) byte = static_cast<std::uint8_t>(rng.uniform(0, 256));
  return image;
}

// Whether `value` is `exact` rounded; either way where it is a half.
bool is_rounded(std::uint8_t value, double exact) { return std::abs(value - exact) <= 0.5 + 1e-9; }

}  // namespace

TEST_CASE("resize: exact, crop and pad against plain loops") {
  const std::pair<Index, Index> extents[]{{1, 1}, {1, 9}, {8, 8}, {5, 12}, {13, 4}, {7, 7}};
  for (const auto& [H, W] : extents)
    for (const auto& [h, w] : extents)
      for (const Resize how : {Resize::exact, Resize::crop, Resize::pad}) {
        const auto image = noise_image(2, H, W);
        const auto found = resize_image(image.view(), h, w, how);
        REQUIRE(found.shape() == Shape(2, h, w));
        Index rows = h, columns = w;
        const double scale = how == Resize::crop
                                 ? std::max(double(h) / double(H), double(w) / double(W))
                                 : std::min(double(h) / double(H), double(w) / double(W));
        if (how != Resize::exact) {
          rows = std::max<Index>(1, static_cast<Index>(std::floor(scale * double(H) + 0.5 + 1e-9)));
          columns =
              std::max<Index>(1, static_cast<Index>(std::floor(scale * double(W) + 0.5 + 1e-9)));
        }
        // What is cut off, or added: above and on the left the smaller half.
        const Index up = rows > h ? (rows - h) / 2 : -((h - rows) / 2),
                    left = columns > w ? (columns - w) / 2 : -((w - columns) / 2);
        bool right = true;
        for (Index c = 0; c < 2; ++c)
          for (Index i = 0; i < h; ++i)
            for (Index j = 0; j < w; ++j) {
              const Index y = i + up, x = j + left;
              const bool inside = 0 <= y && y < rows && 0 <= x && x < columns;
              right = right && is_rounded(found(c, i, j),
                                          inside ? pixel_at(image[c], rows, columns, y, x) : 0);
            }
        CAPTURE(image.shape());
        CAPTURE(found.shape());
        CAPTURE(int(how));
        CHECK(right);
      }
}

TEST_CASE("resize: known values") {
  const Tensor<std::uint8_t, 3> row{{{0, 100, 200, 50}}};
  const auto halves = resize_image(row.view(), 1, 2, Resize::exact);
  CHECK(halves(0, 0, 0) == 50);
  CHECK(halves(0, 0, 1) == 125);
  const auto thirds = resize_image(row.view(), 1, 3, Resize::exact);  // 4/3 of a pixel: 3/4 and 1/4
  CHECK(thirds(0, 0, 0) == 25);
  CHECK(thirds(0, 0, 1) == 150);
  CHECK(thirds(0, 0, 2) == 88);  // 87.5
  const Tensor<std::uint8_t, 3> pair{{{0, 100}}};
  const auto four = resize_image(pair.view(), 1, 4, Resize::exact);
  CHECK(std::vector<int>(four.begin(), four.end()) == std::vector{0, 25, 75, 100});
  const auto same = noise_image(3, 6, 5);
  for (const Resize how : {Resize::exact, Resize::crop, Resize::pad}) {
    const auto found = resize_image(same.view(), 6, 5, how);
    CHECK(std::equal(same.begin(), same.end(), found.begin(), found.end()));
  }
  // The middle, and a border on both sides.
  const Tensor<std::uint8_t, 3> wide{{{1, 2, 3, 4, 5, 6}, {1, 2, 3, 4, 5, 6}}};
  const auto cut = resize_image(wide.view(), 2, 2, Resize::crop),
             bordered = resize_image(wide.view(), 6, 6, Resize::pad);
  CHECK(std::vector<int>(cut.begin(), cut.end()) == std::vector{3, 4, 3, 4});
  CHECK(int(bordered(0, 1, 2)) == 0);
  CHECK(int(bordered(0, 2, 2)) == 3);
  CHECK(int(bordered(0, 3, 5)) == 6);
  CHECK(int(bordered(0, 4, 5)) == 0);
  // Extreme shapes have no overflow.
  const Tensor<std::uint8_t, 3> thread(Shape{1, 1, 65'535}, 200);
  for (const Resize how : {Resize::exact, Resize::crop, Resize::pad}) {
    const auto little = resize_image(thread.view(), 3, 5, how);
    CHECK(int(little(0, 1, 2)) == 200);
    const auto tall = resize_image(thread.view(), 65'535, 2, how);
    CHECK(int(tall(0, 32'767, 1)) == 200);
  }
}

TEST_CASE("resize: extents that are none") {
  const Tensor<std::uint8_t, 3> image(Shape{3, 2, 2}), none(Shape{3, 0, 2});
  CHECK(contains(error_of([&] { resize_image(image.view(), 0, 2, Resize::pad); }),
                 "resize: expected a height and a width in [1, 65535], got 0 x 2"));
  CHECK(contains(error_of([&] { resize_image(image.view(), 2, 65'536, Resize::pad); }),
                 "got 2 x 65536"));
  CHECK(contains(error_of([&] { resize_image(none.view(), 2, 2, Resize::exact); }),
                 "resize: expected an image with sides in [1, 65535], got 0 x 2"));
}
