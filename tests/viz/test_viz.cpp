// SPDX-License-Identifier: MIT
#include <set>

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

TEST_CASE("font: every character of ASCII has ink, others are blanks") {
  using Text = detail::TextCoverage;
  const auto ink_of = [](const Text& text) {
    double sum = 0;
    for (Index y = text.top(); y < text.bottom(); ++y)
      for (Index x = text.left(); x < text.right(); ++x) sum += text(y, x);
    return sum;
  };
  for (char c = '!'; c <= '~'; ++c) {
    CAPTURE(c);
    const std::string line(1, c);
    const double one = ink_of(Text(line, 1));
    CHECK(one > 1);
    CHECK(one < 35);
    for (const Index zoom : {2, 3, 7})  // the same shape, larger
      CHECK(ink_of(Text(line, zoom)) / double(zoom * zoom) == doctest::Approx(one).epsilon(0.06));
    CHECK(Text::width(line + line, 5) <= 2 * Text::width(line, 5));
  }
  for (const char* const blank : {" ", "\t", "\x7f", "\xe9"}) {
    CHECK(ink_of(Text(blank, 3)) == 0);
    CHECK(Text::width(blank, 3) == Text::width(" ", 3));
  }
  CHECK(ink_of(Text("", 2)) == 0);
}

TEST_CASE("font: what is covered is the area inside of an outline") {
  // A sum over its corners, and for each parabola two thirds of the triangle with its tangents.
  using Point = detail::OutlinePoint;
  const auto cross = [](Point a, Point b) { return a.x * b.y - b.x * a.y; };
  const auto minus = [](Point a, Point b) { return Point{a.x - b.x, a.y - b.y, true}; };
  for (char c = '!'; c <= '~'; ++c) {
    CAPTURE(c);
    double area = 0;
    for (const auto& contour : detail::glyph(c).contours) {
      std::vector<Point> all;  // with the points that are between two others, and the first again
      for (const Point& point : contour) {
        if (!point.is_on && !all.back().is_on)
          all.push_back({(all.back().x + point.x) / 2, (all.back().y + point.y) / 2, true});
        all.push_back(point);
      }
      all.push_back(contour[0]);
      for (std::size_t k = 0; k + 1 < all.size();) {
        const std::size_t next = all[k + 1].is_on ? k + 1 : k + 2;
        area += cross(all[k], all[next]) / 2;
        if (next == k + 2)
          area += cross(minus(all[k + 1], all[k]), minus(all[next], all[k + 1])) / 3;
        k = next;
      }
    }
    const detail::TextCoverage text(std::string(1, c), 3);
    double sum = 0;
    for (Index y = text.top(); y < text.bottom(); ++y)
      for (Index x = text.left(); x < text.right(); ++x) sum += text(y, x);
    CHECK(sum == doctest::Approx(9 * std::abs(area)).epsilon(0.02));
  }
}

TEST_CASE("font: capitals, digits and small letters end where pixels end") {
  for (const Index zoom : {1, 2, 3, 4})
    for (const char c : std::string("ABCDEFGHIKLMNOPRSTUVWXYZ0123456789acemnorsuvwxzbdhkl")) {
      CAPTURE(zoom);
      CAPTURE(c);
      const detail::TextCoverage text(std::string(1, c), zoom);
      const auto most = [&](Index y) {
        double found = 0;
        for (Index x = text.left(); x < text.right(); ++x) found = std::max(found, text(y, x));
        return found;
      };
      const Index top = contains("acemnorsuvwxz", std::string(1, c)) ? 2 * zoom : 0;
      CHECK(most(top - 1) == 0);
      CHECK(most(top) > 0.4);
      CHECK(most(7 * zoom - 1) > 0.4);
      CHECK(most(7 * zoom) == 0);
    }
}

TEST_CASE("text: mixed with what is there, by what it covers") {
  Image dark(30, 90), light(30, 90, black), over(30, 90, Color{200, 100, 0});
  const std::string line = "Rag 12";
  dark.text(8, 5, line, 2, black);
  light.text(8, 5, line, 2, white);
  over.text(8, 5, line, 2, Color{0, 200, 100});
  std::set<int> greys;
  for (Index y = 0; y < 30; ++y)
    for (Index x = 0; x < 90; ++x) {
      const Color d = pixel(dark, y, x), l = pixel(light, y, x), o = pixel(over, y, x);
      CHECK(std::abs(d.r + l.r - 255) <= 1);
      greys.insert(d.r);
      const double part = l.r / 255.0;
      CHECK(std::abs(o.r - 200 * (1 - part)) <= 1.5);
      CHECK(std::abs(o.g - (100 + 100 * part)) <= 1.5);
      CHECK(std::abs(o.b - 100 * part) <= 1.5);
    }
  CHECK(greys.size() > 20);
  CHECK((greys.contains(0) && greys.contains(255)));
  CHECK(Image::text_width(line) <= 12 * 6);
  CHECK(Image::text_width("ii") < Image::text_width("mm"));
  CHECK(Image::text_width("") == 0);
  CHECK(
      contains(error_of([&] { dark.text(0, 0, line, 0); }), "text: expected a zoom of at least 1"));
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
