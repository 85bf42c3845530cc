// SPDX-License-Identifier: MIT
//
// Draws the figures of the book: figures DIR writes layout.svg, window.svg, im2col.svg, pooling.svg,
// adam.svg and winograd.svg. Every number in them is computed by the library.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "drawing.hpp"

using namespace figures;

namespace {

std::string number(double value) { return concat(value + 0.0); }  // no -0
constexpr auto plain = [](int, int) { return "cell"; };

// Two images with three channels of 2 x 2 pixels, and the same cells in memory.
std::string layout() {
  constexpr Index N = 2, C = 3, H = 2, W = 2;
  const Tensor<float, 4> x(Shape{N, C, H, W});
  Drawing d("Where the elements of a tensor stand", 720, 250);
  const char* const looks[] = {"a", "b", "c"};
  for (int n = 0; n < N; ++n) {
    d.word(20 + 340 * n, 30, concat("image n = ", n), "start", "quiet");
    for (int c = 0; c < C; ++c) {
      const double left = 20 + 340 * n + 85 * c;
      d.cells(
          left, 44, 32, H, W,
          [&](int h, int w) { return number(static_cast<double>(&x(n, c, h, w) - x.data())); },
          [&](int, int) { return looks[c]; });
      d.word(left, 126, concat("c = ", c), "start", "quiet");
    }
  }
  d.word(20, 172, "in memory", "start", "quiet");
  for (int i = 0; i < x.size(); ++i) {
    const double size = 680.0 / static_cast<double>(x.size());
    d.rectangle(20 + i * size, 184, size, 32, looks[i / (H * W) % C]);
    d.word(20 + (i + 0.5) * size, 205, number(i), "middle");
  }
  d.word(20, 238, "n = 0", "start", "quiet");
  d.word(360, 238, "n = 1", "start", "quiet");
  return d.finish();
}

// One place of a convolution with padding 1: nine pixels, nine weights, one number.
std::string window() {
  const Tensor<double, 4> x{
      {{{1, 0, 2, 1, 0}, {0, 1, 3, 0, 1}, {2, 1, 0, 1, 2}, {1, 0, 1, 2, 0}, {0, 2, 1, 0, 1}}}};
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 5, 5}, rng,
                                conv2d({.out = 1, .kernel = 3, .padding = 1, .bias = false}));
  auto& conv1 = std::get<0>(net.layers());
  conv1.weight = {{{{-1, 0, 1}, {-2, 0, 2}, {-1, 0, 1}}}};
  const auto y = net.predict(x);  // (1, 1, 5, 5)
  constexpr int i = 0, j = 1;     // the place that is shown
  Drawing d("A convolution at one place", 720, 290);
  d.word(20, 30, "x, 5 x 5, with padding 1", "start", "quiet");
  d.cells(
      20, 44, 32, 7, 7,
      [&](int h, int w) {
        const bool inside = h > 0 && h < 6 && w > 0 && w < 6;
        return inside ? number(x(0, 0, h - 1, w - 1)) : "0";
      },
      [&](int h, int w) {
        if (h >= i && h < i + 3 && w >= j && w < j + 3) return "a";
        return h > 0 && h < 6 && w > 0 && w < 6 ? "cell" : "faint";
      });
  d.word(290, 30, "W, 3 x 3", "start", "quiet");
  d.cells(
      290, 108, 32, 3, 3, [&](int h, int w) { return number(conv1.weight(0, 0, h, w)); },
      [](int, int) { return "b"; });
  d.word(267, 161, "*", "middle");
  d.arrow(400, 156, 450);
  d.word(480, 30, "y, 5 x 5", "start", "quiet");
  d.cells(
      480, 76, 32, 5, 5, [&](int h, int w) { return number(y(0, 0, h, w)); },
      [&](int h, int w) { return h == i && w == j ? "c" : "cell"; });
  return d.finish();
}

// The image, its four windows, and the matrix whose columns they are.
std::string im2col() {
  const char* const looks[] = {"a", "b", "c", "faint"};
  Drawing d("im2col", 720, 220);
  d.word(20, 30, "x, 3 x 3", "start", "quiet");
  d.cells(
      20, 44, 32, 3, 3, [](int h, int w) { return number(3 * h + w + 1); }, plain);
  d.arrow(130, 92, 165);
  d.word(180, 30, "its windows, 2 x 2", "start", "quiet");
  for (int k = 0; k < 4; ++k)
    d.cells(
        180 + k % 2 * 80, 44 + k / 2 * 80, 32, 2, 2,
        [k](int h, int w) { return number(3 * (k / 2 + h) + k % 2 + w + 1); },
        [&](int, int) { return looks[k]; });
  d.arrow(345, 118, 385);
  d.word(400, 30, "columns, (C KH KW) x (OH OW) = 4 x 4", "start", "quiet");
  d.cells(
      400, 44, 32, 4, 4,
      [](int row, int k) { return number(3 * (k / 2 + row / 2) + k % 2 + row % 2 + 1); },
      [&](int, int k) { return looks[k]; });
  for (int row = 0; row < 4; ++row)
    d.word(540, 65 + 32 * row, concat("u, v = ", row / 2, ", ", row % 2), "start", "quiet");
  return d.finish();
}

// Forward and backward of 2 x 2 max-pooling, as the library does it.
std::string pooling() {
  Sequential net{Shape{1, 4, 4}, max_pool2d(2)};
  const Tensor<float, 4> x{{{{1, 3, 2, 0}, {4, 2, 1, 5}, {0, 0, 6, 6}, {0, 7, 6, 2}}}};
  auto workspace = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, workspace);
  float next = 10;
  for (float& g : workspace.output_gradient()) g = next++;
  net.backward(workspace);
  const auto winner = workspace.layer<0>().winner.view();  // (1, 1, 2, 2)
  const auto dx = workspace.input_gradient();
  const auto won = [&](int h, int w) { return winner(0, 0, h / 2, w / 2) == 4 * h + w; };
  Drawing d("Max-pooling and its way back", 720, 200);
  const auto four = [&](double left, std::string_view name, auto text, auto look) {
    d.word(left, 30, name, "start", "quiet");
    d.cells(left, 44, 34, 4, 4, text, look);
    for (int k = 0; k < 4; ++k)
      d.path(concat("M", left + k % 2 * 68, " ", 44 + k / 2 * 68, "h68v68h-68z"), "line");
  };
  const auto two = [&](double left, std::string_view name, auto text, std::string_view look) {
    d.word(left, 64, name, "start", "quiet");
    d.cells(left, 78, 34, 2, 2, text, [&](int, int) { return look; });
  };
  const auto value = [](float v) { return number(static_cast<double>(v)); };
  four(
      20, "x", [&](int h, int w) { return value(x(0, 0, h, w)); },
      [&](int h, int w) { return won(h, w) ? "a" : "cell"; });
  d.arrow(170, 112, 205);
  two(
      220, "y", [&](int h, int w) { return value(y(0, 0, h, w)); }, "a");
  two(
      420, "dy", [&](int h, int w) { return value(workspace.output_gradient()(0, 0, h, w)); }, "b");
  d.arrow(500, 112, 535);
  four(
      550, "dx", [&](int h, int w) { return value(dx(0, 0, h, w)); },
      [&](int h, int w) { return won(h, w) ? "b" : "faint"; });
  d.word(354, 116, "and back", "middle", "quiet");
  return d.finish();
}

// 60 steps of an optimizer in the valley of chapter 10, as the d of a path.
template <class Optimizer, class Options, class At>
std::string walk(Options options, At&& at) {
  Rng rng{1};
  auto net = sequential<double>(Shape{1}, rng, linear({.out = 2, .bias = false}));
  auto& [fc1] = net.layers();
  fc1.weight = {{4}, {1}};
  const Tensor<double, 2> one{{1}};
  auto workspace = net.workspace(1);
  Optimizer optimizer{net, options};
  std::string path = "M" + at(4, 1);
  for (int step = 0; step < 60; ++step) {
    const auto w = net.forward(one, workspace);
    workspace.output_gradient()(0, 0) = w(0, 0);
    workspace.output_gradient()(0, 1) = 25 * w(0, 1);
    net.backward(workspace);
    optimizer.step(net, workspace);
    path += " " + at(fc1.weight(0, 0), fc1.weight(1, 0));
  }
  return path;
}

std::string adam() {
  Drawing d("Three optimizers in a narrow valley", 720, 360);
  const auto at = [](double w0, double w1) {
    return concat(std::round(10 * (110 + 130 * w0)) / 10, " ",
                  std::round(10 * (200 - 130 * w1)) / 10);
  };
  for (const double level : {0.5, 2.0, 4.5, 8.0, 12.5, 20.5}) {  // f = level
    std::string ellipse;
    for (int k = 0; k <= 120; ++k) {
      const double angle = 2 * std::numbers::pi * k / 120;
      const double w0 = std::sqrt(2 * level) * std::cos(angle);
      const double w1 = std::sqrt(2 * level / 25) * std::sin(angle);
      ellipse += (k == 0 ? "M" : " ") + at(w0, w1);
    }
    d.path(ellipse, "level");
  }
  d.path(walk<Sgd<double>>(SgdOptions{.learning_rate = 0.07}, at), "pb");
  d.path(walk<Sgd<double>>(SgdOptions{.learning_rate = 0.02, .momentum = 0.8}, at), "pc");
  d.path(walk<Adam<double>>(AdamOptions{.learning_rate = 0.2}, at), "pa");
  d.rectangle(0, 0, 720, 44, "paper");
  d.rectangle(370, 328, 350, 32, "paper");
  const char* const looks[] = {"pb", "pc", "pa"};
  const char* const names[] = {"SGD, rate 0.07", "momentum 0.8, rate 0.02", "Adam, rate 0.2"};
  for (int k = 0; k < 3; ++k) {
    d.path(concat("M", 20 + 230 * k, " 26h30"), looks[k]);
    d.word(58 + 230 * k, 31, names[k]);
  }
  d.word(700, 345, "w0 to the right, w1 upwards; all start at (4, 1)", "end", "quiet");
  return d.finish();
}

std::string winograd() {
  using Matrix = Tensor<double, 2>;
  const Matrix BT{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  const Matrix G{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  const Matrix AT{{1, 1, 1, 0}, {0, 1, -1, -1}};
  const Matrix d{{1, 2, 0, 3}, {4, 1, 1, 0}, {0, 2, 5, 1}, {3, 1, 0, 2}};
  const Matrix g{{2, 0, 4}, {0, 2, 0}, {-2, 4, 2}};
  const auto sandwich = [](const Matrix& a, const Matrix& x) {
    return matmul(matmul(a, x), transpose(a));
  };
  const Matrix V = sandwich(BT, d), U = sandwich(G, g), M = U * V, Y = sandwich(AT, M);
  Drawing f("Winograd, one tile", 740, 390);
  const auto show = [&](double x, double y, std::string_view name, const Matrix& m,
                        const char* look) {
    f.word(x, y - 10, name, "start", "quiet");
    f.cells(
        x, y, 38, static_cast<int>(m.extent(0)), static_cast<int>(m.extent(1)),
        [&](int i, int j) { return number(m(i, j)); }, [&](int, int) { return look; });
  };
  show(10, 40, "d, 4 x 4 of the image", d, "a");
  f.arrow(170, 116, 195);
  show(205, 40, "V = B^T d B", V, "a");
  show(10, 240, "g, the kernel", g, "b");
  f.arrow(135, 297, 195);
  show(205, 221, "U = G g G^T", U, "b");
  f.path("M365 116h20v181h-20", "line");
  f.arrow(385, 206, 408);
  show(418, 130, "M = U * V, 16 products", M, "cell");
  f.arrow(578, 206, 603);
  show(615, 168, "Y = A^T M A", Y, "c");
  return f.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "figures: expected one directory, got %d arguments\n", argc - 1);
    return 2;
  }
  const std::pair<const char*, std::string> files[] = {
      {"layout", layout()},   {"window", window()}, {"im2col", im2col()},
      {"pooling", pooling()}, {"adam", adam()},     {"winograd", winograd()}};
  for (const auto& [name, svg] : files) {
    std::ofstream file(concat(argv[1], "/", name, ".svg"), std::ios::binary);
    file << svg;
    if (!file.flush()) {
      std::fprintf(stderr, "figures: expected to write %s.svg in %s, could not\n", name, argv[1]);
      return 2;
    }
  }
}
