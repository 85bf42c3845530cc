// SPDX-License-Identifier: MIT
#include "fovea/io/gzip.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/gallery.hpp"
#include "fovea/viz/png.hpp"
#include "support.hpp"

using namespace test;

namespace {
bool operator==(Color a, Color b) { return a.r == b.r && a.g == b.g && a.b == b.b; }
Color pixel(const Image& image, Index y, Index x) {
  return {image.pixels()(y, x, 0), image.pixels()(y, x, 1), image.pixels()(y, x, 2)};
}
int lightness(Color c) { return 2 * c.r + 7 * c.g + c.b; }
}  // namespace

TEST_CASE("colours: ends, zero, order, NaN") {
  CHECK(pixel(Image(1, 1, grey(0)), 0, 0) == black);
  CHECK(grey(1) == white);
  CHECK(grey(7) == white);
  CHECK(diverging(0) == Color{247, 247, 247});
  CHECK(diverging(-1).b > diverging(-1).r);
  CHECK(diverging(1).r > diverging(1).b);
  for (double v = 0; v < 1; v += 0.01)
    CHECK(lightness(sequential(v + 0.01)) >= lightness(sequential(v)));
  CHECK(grey(std::nan("")) == Color{0, 200, 0});
}

TEST_CASE("image: drawing stays inside") {
  Image image(20, 30);
  image.rectangle(-5, -5, 100, 7, black);
  CHECK(pixel(image, 19, 1) == black);
  CHECK(pixel(image, 0, 2) == white);
  image.text(2, 10, "Ij9");
  Index dark = 0;
  for (Index y = 0; y < 20; ++y)
    for (Index x = 10; x < 30; ++x) dark += lightness(pixel(image, y, x)) < 1000;
  CHECK(dark > 60);
  CHECK(contains(error_of([] { Image(0, 5); }), "got 0 and 5"));
  CHECK(contains(error_of([] { Image(20000, 5); }), "[1, 16384]"));
}

TEST_CASE("font: every character of our captions has its dots") {
  for (const char c : std::string(
           "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,:-+%=/()[]<>_?!'")) {
    int dots = 0;
    detail::draw_glyph(c, [&](std::size_t column, std::size_t row) {
      ++dots;
      CHECK(column < 5);
      CHECK(row < 9);
    });
    CAPTURE(c);
    CHECK(dots >= 2);
  }
  for (const auto& block : detail::font)
    for (const auto row : block.rows) CHECK(row.size() == 60);
}

TEST_CASE("gallery: one symmetric scale for all maps") {
  Tensor<float, 3> maps(Shape{3, 2, 2});
  maps(0, 0, 0) = -4;
  maps(1, 0, 0) = 2;
  maps(2, 1, 1) = 4;
  const Image image =
      gallery(maps, {.title = "t", .signed_values = true, .zoom = 10, .columns = 3});
  // The first pixel of map m stands at margin + header below, and a cell further to the right.
  const auto corner = [&](Index m, Index i, Index j) {
    return pixel(image, 60 + 10 * i + 5, 24 + m * 36 + 10 * j + 5);
  };
  CHECK(corner(0, 0, 0) == diverging(-1));
  CHECK(corner(1, 0, 0) == diverging(0.5));
  CHECK(corner(2, 1, 1) == diverging(1));
  CHECK(corner(1, 1, 1) == diverging(0));
  CHECK(gallery(Tensor<float, 3>(Shape{5, 3, 3})).width() > 0);  // all zero: no division by it
  // 32 maps hang in four rows of eight, none of them half empty; a caption may be missing.
  const Tensor<float, 3> many(Shape{32, 2, 2});
  const auto size = [&](Index columns) {
    const Image picture = gallery(many, {.columns = columns, .captions = {"0"}});
    return Shape{picture.height(), picture.width()};
  };
  CHECK(size(0) == size(8));
  CHECK(contains(error_of([] { gallery(Tensor<float, 3>()); }), "expected maps"));
}

TEST_CASE("png: a file whose pixels are ours") {
  Image image(3, 2);
  image.set(0, 0, {1, 2, 3});
  image.set(2, 1, {250, 251, 252});
  const Bytes png = encode_png(image);
  const Bytes signature{0x89, 'P', 'N', 'G', 13, 10, 26, 10};
  CHECK(std::equal(signature.begin(), signature.end(), png.begin()));
  CHECK(png[19] == 2);  // IHDR: width
  CHECK(png[23] == 3);  // height
  CHECK(png[24] == 8);  // bits
  CHECK(png[25] == 2);  // truecolour
  const TemporaryDirectory directory;
  write_png(directory.path() / "a.png", image);
  CHECK(read_file(directory.path() / "a.png") == png);
  CHECK(contains(error_of([&] { write_png(directory.path() / "no" / "a.png", image); }),
                 "a.png: cannot be written (No such file or directory)"));
}

TEST_CASE("confusion: counts as an image") {
  Tensor<Index, 2> counts(Shape{3, 3}, Index{2});
  counts(0, 0) = 100;
  const Image image = draw_confusion(counts, "title");
  CHECK(image.width() > 180);
  CHECK(contains(error_of([] { draw_confusion(Tensor<Index, 2>(Shape{2, 3}), ""); }), "(K, K)"));
}
