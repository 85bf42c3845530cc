// SPDX-License-Identifier: MIT
#include "write_images.hpp"

using namespace test;

namespace {

bool all_close(View<const std::uint8_t, 2> plane, int value, int tolerance) {
  return std::all_of(plane.begin(), plane.end(),
                     [=](std::uint8_t b) { return std::abs(b - value) <= tolerance; });
}

}  // namespace

TEST_CASE("decode: PNG of every depth and kind of colour") {
  const auto decode = [](const Bytes& file, DecodeOptions options = {}) {
    return decode_image(file, "x", options);
  };
  // Grey of 1, 2, 4 and 16 bits: the ends of the scale are 0 and 255.
  const struct {
    std::uint8_t depth;
    Bytes row;
    std::vector<int> expected;
  } grey[]{{1, {0, 0b0101'0000}, {0, 255, 0, 255}},
           {2, {0, 0b0001'1011}, {0, 85, 170, 255}},
           {4, {0, 0x01, 0xef}, {0, 17, 238, 255}},
           {16, {0, 0, 0, 0x80, 0x80, 0x12, 0xff, 0xff, 0xff}, {0, 128, 19, 255}}};
  for (const auto& [depth, row, expected] : grey) {
    const int bits = depth;  // clang 14 cannot capture a structured binding
    CAPTURE(bits);
    const Bytes file = PngParts{.width = 4, .depth = depth, .colour = 0, .rows = row}.file();
    const auto rgb = decode(file), one = decode(file, {.channels = 1});
    REQUIRE(rgb.shape() == Shape(3, 1, 4));
    REQUIRE(one.shape() == Shape(1, 1, 4));
    for (Index x = 0; x < 4; ++x) {
      CHECK(int(one(0, 0, x)) == expected[static_cast<std::size_t>(x)]);
      for (Index c = 0; c < 3; ++c) CHECK(rgb(c, 0, x) == one(0, 0, x));
    }
  }
  // Colour of 8 and 16 bits, plain and interlaced, of shapes with empty passes.
  for (const auto& [H, W] : std::vector<std::pair<Index, Index>>{{1, 1}, {1, 7}, {9, 2}, {13, 11}})
    for (const bool interlaced : {false, true}) {
      const auto image = decode(png_parts(H, W, 2, noise_at, interlaced).file());
      REQUIRE(image.shape() == Shape(3, H, W));
      for (Index c = 0; c < 3; ++c)
        for (Index y = 0; y < H; ++y)
          for (Index x = 0; x < W; ++x) CHECK(image(c, y, x) == noise_at(y, x, c));
    }
  const auto deep = decode(PngParts{.depth = 16, .rows = {0, 1, 2, 200, 100, 255, 255}}.file());
  CHECK(deep(0, 0, 0) == 1);
  CHECK(deep(1, 0, 0) == 200);
  CHECK(deep(2, 0, 0) == 255);
  // A palette of 4 colours, the second transparent, at 2 bits; an index that is not in a palette of 2.
  PngParts palette{.width = 4, .depth = 2, .colour = 3, .rows = {0, 0b0001'1011}};
  palette.extra = png_chunk("PLTE", {10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3});
  append(palette.extra, png_chunk("tRNS", {255, 0}));
  const auto chosen = decode(palette.file(), {.background = Background::dark});
  CHECK(std::vector<int>{chosen(0, 0, 0), chosen(1, 0, 0), chosen(2, 0, 0)} ==
        std::vector{10, 20, 30});
  CHECK(std::vector<int>{chosen(0, 0, 1), chosen(0, 0, 2), chosen(2, 0, 3)} ==
        std::vector{0, 70, 3});
  palette.extra = png_chunk("PLTE", {10, 20, 30, 40, 50, 60});
  CHECK(contains(error_of([&] { decode(palette.file()); }), "colour that is not in the palette"));
}

TEST_CASE("decode: what is transparent lies on a background") {
  // Half of a pixel's light comes through; the other pixel is empty.
  const Bytes file = png_file(1, 2, 6, [](Index, Index x, Index c) -> std::uint8_t {
    return c < 3 ? static_cast<std::uint8_t>(200 - 50 * c) : x == 0 ? 51 : 0;
  });
  const auto on_light = decode_image(file, "x"),
             on_dark = decode_image(file, "x", {.background = Background::dark});
  for (Index c = 0; c < 3; ++c) {
    CHECK(on_light(c, 0, 0) == (200 - 50 * c + 4 * 255 + 2) / 5);
    CHECK(on_light(c, 0, 1) == 255);
    CHECK(on_dark(c, 0, 0) == (200 - 50 * c + 2) / 5);
    CHECK(on_dark(c, 0, 1) == 0);
  }
  const auto on = [](std::uint8_t light) {
    const Bytes drawn = png_file(1, 3, 4, [=](Index, Index x, Index c) -> std::uint8_t {
      return c == 0 ? light : x == 0 ? 255 : 0;
    });
    const auto rgb = decode_image(drawn, "x", {.background = Background::contrast});
    const auto one = decode_image(drawn, "x", {.channels = 1, .background = Background::contrast});
    CHECK(rgb(2, 0, 1) == one(0, 0, 1));
    return int(one(0, 0, 1));
  };
  CHECK(on(250) == 0);
  CHECK(on(5) == 255);
}

TEST_CASE("decode: JPEG, grey, in colour and of four inks, in one scan and in several") {
  for (const bool progressive : {false, true}) {
    const auto grey =
        decode_image(jpeg_file(9, 17, [](Index, Index, Index) { return std::uint8_t{77}; },
                               {.space = JCS_GRAYSCALE, .progressive = progressive}),
                     "x");
    REQUIRE(grey.shape() == Shape(3, 9, 17));
    for (Index c = 0; c < 3; ++c) CHECK(all_close(grey[c], 77, 1));
    const Bytes file = jpeg_file(
        9, 17, [](Index, Index, Index c) { return static_cast<std::uint8_t>(40 + 70 * c); },
        {.progressive = progressive});
    const auto rgb = decode_image(file, "x");
    for (Index c = 0; c < 3; ++c) CHECK(all_close(rgb[c], static_cast<int>(40 + 70 * c), 3));
    const auto one = decode_image(file, "x", {.channels = 1});
    CHECK(all_close(one[0], static_cast<int>(detail::luma(40, 110, 180)), 3));
    // Complements of inks: red is that of cyan times that of black.
    const auto inks =
        decode_image(jpeg_file(9, 17,
                               [](Index, Index, Index c) {
                                 return static_cast<std::uint8_t>(c == 3 ? 128 : 60 + 60 * c);
                               },
                               {.space = JCS_CMYK, .progressive = progressive}),
                     "x");
    for (Index c = 0; c < 3; ++c)
      CHECK(all_close(inks[c], static_cast<int>((60 + 60 * c) * 128 / 255), 3));
  }
}

TEST_CASE("decode: orientation, of PNG and of JPEG") {
  // A corner is light; where it is in the upright picture is the meaning of the number.
  const Index H = 24, W = 40;
  const auto corner = [&](Index y, Index x, Index) -> std::uint8_t {
    return y < 8 && x < 8 ? 255 : 0;
  };
  const struct {
    bool swap, bottom, right;
  } places[]{{false, false, false}, {false, false, true}, {false, true, true}, {false, true, false},
             {true, false, false},  {true, false, true},  {true, true, true},  {true, true, false}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const Bytes exif = exif_block(static_cast<std::uint8_t>(orientation));
    PngParts png = png_parts(H, W, 2, corner);
    png.extra = png_chunk("eXIf", exif);
    JpegForm form{.app1 = written_bytes(std::string_view("Exif\0\0", 6))};
    append(form.app1, exif);
    const auto& place = places[orientation - 1];
    for (const Bytes& file : {png.file(), jpeg_file(H, W, corner, form)}) {
      const auto image = decode_image(file, "x");
      REQUIRE(image.shape() == (place.swap ? Shape{Index{3}, W, H} : Shape{Index{3}, H, W}));
      for (const bool bottom : {false, true})
        for (const bool right : {false, true}) {
          const int found =
              image(1, bottom ? image.extent(1) - 4 : 3, right ? image.extent(2) - 4 : 3);
          CHECK((found > 128) == (bottom == place.bottom && right == place.right));
        }
    }
  }
}

TEST_CASE("decode: large pictures are averages over boxes, as plain loops have them") {
  const Index H = 300, W = 701;
  const DecodeOptions small{.most_area = 65'536};
  const Index k = 2;  // 150 x 351 = 52 650 boxes
  const auto png = decode_image(png_file(H, W, 2, noise_at), "x", small);
  REQUIRE(png.shape() == Shape(3, 150, 351));
  for (Index c = 0; c < 3; ++c)
    for (Index i = 0; i < 150; ++i)
      for (Index j = 0; j < 351; ++j) {
        int sum = 0, count = 0;
        for (Index y = k * i; y < std::min(H, k * i + k); ++y)
          for (Index x = k * j; x < std::min(W, k * j + k); ++x, ++count) sum += noise_at(y, x, c);
        if (png(c, i, j) != (sum + count / 2) / count) FAIL_CHECK(c << " " << i << " " << j);
      }
  // JPEG has libjpeg do it: the same extents, and a smooth picture stays what it is.
  const auto jpeg = decode_image(
      jpeg_file(H, W, [](Index y, Index, Index) { return static_cast<std::uint8_t>(y / 2); }), "x",
      small);
  REQUIRE(jpeg.shape() == Shape(3, 150, 351));
  for (Index i = 1; i < 149; ++i) CHECK(std::abs(int(jpeg(0, i, 99)) - static_cast<int>(i)) <= 3);
  CHECK(decode_image(png_file(1, 600, 0, noise_at), "x", {.most_side = 256}).shape() ==
        Shape(3, 1, 200));
}

TEST_CASE("decode: options and limits") {
  const Bytes file = png_file(3, 5, 2, noise_at);
  CHECK(contains(error_of([&] { decode_image(file, "x", {.channels = 2}); }),
                 "channels: expected 1 or 3, got 2"));
  CHECK(contains(error_of([&] { decode_image(file, "x", {.most_side = 255}); }),
                 "a side of at least 256"));
  CHECK(contains(
      error_of([&] { decode_image(file, "x", {.most_pixels = 14}); }),
      "x: expected a height and a width in [1, 65535] and at most 14 pixels, found 3 x 5"));
  CHECK(contains(error_of([&] { decode_image(file, "x", {.most_bytes = 20}); }),
                 "x: expected at most 20 bytes, found"));
  CHECK(decode_image(file, "x", {.most_pixels = 15}).shape() == Shape(3, 3, 5));
}
