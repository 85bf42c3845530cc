// SPDX-License-Identifier: MIT
#include "fovea/viz/boxes.hpp"
#include "fovea/viz/overlay.hpp"
#include "fovea/viz/patches.hpp"
#include "fovea/viz/poster.hpp"
#include "support.hpp"

using namespace test;

namespace {
Color at(const Image& image, Index y, Index x) {
  return {image.pixels()(y, x, 0), image.pixels()(y, x, 1), image.pixels()(y, x, 2)};
}
bool same(Color a, Color b) { return a.r == b.r && a.g == b.g && a.b == b.b; }
Index count(const Image& image, Color color) {
  Index found = 0;
  for (Index y = 0; y < image.height(); ++y)
    for (Index x = 0; x < image.width(); ++x) found += same(at(image, y, x), color);
  return found;
}
constexpr Color seen{0, 200, 0};  // what NaN looks like
}  // namespace

TEST_CASE("image: outline, line, paste") {
  Image image(10, 12);
  image.outline(2, 3, 5, 6, black, 1);
  CHECK(count(image, black) == 2 * 6 + 2 * 3);
  CHECK(same(at(image, 6, 8), black));
  CHECK(same(at(image, 3, 4), white));
  image.line(0, 0, 9, 9, ink);
  for (Index i = 0; i < 10; ++i) CHECK(same(at(image, i, i), ink));
  image.line(9, 11, 9, 11, ink);
  CHECK(same(at(image, 9, 11), ink));
  image.paste(8, 10, Image(5, 5, frame));  // cut off
  CHECK(count(image, frame) == 4);
}

TEST_CASE("poster: stages on their scales, dead maps counted, bars") {
  Tensor<double, 3> maps(Shape{3, 4, 6});
  maps(0, 0, 0) = 2;
  maps(1, 3, 5) = 1;
  Tensor<float, 3> logits(Shape{2, 1, 1});
  logits(0, 0, 0) = -1;
  logits(1, 0, 0) = 3;
  const Stage conv = stage("conv1", maps, Show::activations);
  CHECK(conv.shape == "3 x 4 x 6");
  CHECK(stage("fc1", logits, Show::bars).shape == "2");
  const Image one = poster({conv, stage("logits", logits, Show::bars, {"a", "b"})}, {.title = "t"});
  const Image own = poster({conv}, {.per_map = true});
  CHECK(count(one, sequential(1)) == 4 * 4);  // 28 / 6 pixels for a number
  CHECK(count(one, sequential(0.5)) == 4 * 4);
  CHECK(count(own, sequential(1)) == 2 * 4 * 4);
  CHECK(count(one, {213, 94, 0}) > 0);  // the largest logit
  maps(2, 0, 0) = std::nan("");
  CHECK(count(poster({stage("conv1", maps, Show::signed_values)}), seen) == 4 * 4);
  logits(0, 0, 0) = std::nanf("");
  CHECK(count(poster({stage("l", logits, Show::bars)}), seen) > 100);
  CHECK(contains(error_of([] { poster({}); }), "poster: expected at least one stage"));
  CHECK(contains(error_of([] { poster({{.name = "x"}}); }), "expected maps (M, H, W) in x"));
  CHECK(contains(error_of([&] { poster({stage("x", maps, Show::bars)}); }),
                 "expected bars (M, 1, 1) in x, got (3, 4, 6)"));
}

TEST_CASE("overlay: the sign is the hue, each map has a scale of its own") {
  Tensor<float, 2> image(Shape{4, 6}), small(Shape{4, 6}), large(Shape{4, 6});
  image(0, 0) = 1;
  small(1, 1) = 0.01F;
  small(2, 2) = -0.01F;
  large(1, 1) = 100;
  const Image picture = overlay(image, {{"small", small}, {"large", large}}, {.zoom = 5});
  const auto strongest = [](double v) { return detail::multiply(diverging(v), white); };
  CHECK(count(picture, strongest(1)) == 2 * 25);
  CHECK(count(picture, strongest(-1)) == 25);
  CHECK(count(picture, white) > 0);
  large(0, 5) = std::nanf("");
  CHECK(count(overlay(image, {{"large", large}}, {.zoom = 5}), seen) == 25);
  large.fill(0);  // no division by it
  CHECK(overlay(image, {{"zero", large}}).width() > 0);
  // With a quantile, a single peak does not decide the scale.
  Tensor<float, 2> peak(Shape{4, 6}, 1.F);
  peak(0, 1) = 1000;
  CHECK(detail::magnitude_quantile(peak, 0.9) == 1);
  CHECK(detail::magnitude_quantile(peak, 1) == 1000);
  CHECK(contains(error_of([&] {
                   overlay(image, {{"p", Tensor<float, 2>(Shape{6, 4})}});
                 }),
                 "overlay: expected a map (4, 6) in p, got (6, 4)"));
  CHECK(contains(error_of([&] { overlay(Tensor<float, 2>(), {}); }), "expected an image"));
  CHECK(contains(error_of([&] { overlay(image, {}, {.quantile = 2}); }),
                 "quantile in [0, 1], got 2"));
  CHECK(contains(error_of([&] { overlay(image, {}, {.zoom = 0}); }), "got 0 and 4"));
}

TEST_CASE("draw_boxes: where the numbers say, also outside") {
  Tensor<float, 2> image(Shape{5, 7}, 1.F);
  const Color green{0, 158, 115};
  const Image inside =
      draw_boxes(image, {{.top = 1, .left = 2, .height = 2, .width = 3}}, {.zoom = 10});
  CHECK(same(at(inside, 24 + 10, 24 + 20), green));
  CHECK(same(at(inside, 24 + 29, 24 + 49), green));
  CHECK(same(at(inside, 24 + 30 + 1, 24 + 20), white));  // outside the box the image
  const Image outside =
      draw_boxes(image, {{.top = -2, .left = -1, .height = 4, .width = 20}}, {.zoom = 10});
  CHECK(outside.height() == inside.height() + 20);
  CHECK(outside.width() == 2 * 24 + 200);
  CHECK(same(at(outside, 24, 24), green));
  const std::vector<LabelledBox> two{{.label = "a"}, {.top = 3}};
  const Image labelled = draw_boxes(image, two, {.zoom = 10});
  CHECK(labelled.height() > inside.height());  // a line for the one that has a label
  CHECK(count(labelled, ink) > 10);
  image(0, 0) = 4;
  CHECK(count(draw_boxes(image, {}, {.zoom = 10, .color_of = sequential, .scale = 0}),
              sequential(0.25)) == 34 * 100);
  CHECK(contains(error_of([&] { draw_boxes(image, {{.height = 0, .label = "b"}}); }),
                 "draw_boxes: expected a box of at least 1 x 1 for b, got 0 x 1"));
  CHECK(contains(error_of([&] { draw_boxes(image, {}, {.zoom = 0}); }), "zoom"));
}

TEST_CASE("draw_boxes: boxes that share edges do not hide each other, in any order") {
  const Color green{0, 158, 115}, orange{230, 159, 0}, blue{86, 180, 233};
  const Tensor<float, 2> image(Shape{8, 8});
  const LabelledBox small{.top = 2, .left = 2, .height = 2, .width = 2},
      middle{.top = 2, .left = 2, .height = 4, .width = 4},
      large{.top = 2, .left = 0, .height = 4, .width = 8};
  const Image one = draw_boxes(image, {small, middle, large}, {.zoom = 12}),
              other = draw_boxes(image, {large, middle, small}, {.zoom = 12});
  for (const Color color : {green, orange, blue}) {
    CHECK(count(one, color) > 2 * 3 * 12);
    CHECK(count(other, color) > 2 * 3 * 12);
  }
  // Two equal ones: the second inside of the first.
  const Image equal = draw_boxes(image, {middle, middle}, {.zoom = 12});
  CHECK(same(at(equal, 24 + 24, 24 + 48), green));
  CHECK(same(at(equal, 24 + 24 + 5, 24 + 48), orange));
}

TEST_CASE("patch_grid and kernel_matrix: every number has its square") {
  Tensor<float, 4> patches(Shape{3, 5, 2, 4}, 0.5F);
  CHECK(count(patch_grid(patches, {.title = "t", .zoom = 3, .columns = 2}), grey(0.5)) ==
        3 * 5 * 2 * 4 * 9);
  CHECK(count(patch_grid(patches, {.captions = {"one"}}), ink) > 0);
  CHECK(contains(error_of([] { patch_grid(Tensor<float, 4>()); }),
                 "patch_grid: expected patches (C, P, H, W)"));
  CHECK(contains(error_of([&] { patch_grid(patches, {.columns = 0}); }), "got 3 and 0"));

  Tensor<double, 4> kernels(Shape{4, 2, 3, 2});
  kernels(3, 1, 2, 1) = -5;
  const Image matrix = kernel_matrix(kernels, {.zoom = 4});
  CHECK(same(at(matrix, 100 + 1 * 14 + 2 * 4, 64 + 3 * 10 + 1 * 4), diverging(-1)));
  kernels(0, 0, 0, 0) = std::nan("");
  CHECK(count(kernel_matrix(kernels, {.zoom = 4}), seen) == 16);
  CHECK(kernel_matrix(Tensor<float, 4>(Shape{64, 32, 3, 3})).width() <= 1100);
  CHECK(contains(error_of([] { kernel_matrix(Tensor<float, 4>()); }),
                 "kernel_matrix: expected kernels"));
  CHECK(contains(error_of([&] { kernel_matrix(kernels, {.zoom = -1}); }),
                 "zoom of at least 1, got -1"));
}

TEST_CASE("readable_on: every colour of every scale has 4.5 : 1") {
  const auto luminance = [](Color c) {
    const auto linear = [](std::uint8_t part) {
      const double s = part / 255.0;
      return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
    };
    return 0.2126 * linear(c.r) + 0.7152 * linear(c.g) + 0.0722 * linear(c.b);
  };
  for (double v = -1; v <= 1; v += 0.01)
    for (const Color c : {grey(v), sequential(v), diverging(v), grey(std::nan(""))}) {
      const double a = luminance(c), b = luminance(readable_on(c));
      CHECK((std::max(a, b) + 0.05) / (std::min(a, b) + 0.05) >= 4.5);
    }
}
