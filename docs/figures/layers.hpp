// SPDX-License-Identifier: MIT
//
// Figures of chapters 1 to 7: tensors, and what the layers do.
#pragma once

#include <fovea/fovea.hpp>

#include <numeric>
#include <vector>

#include "drawing.hpp"

namespace figures {

// Two images with three channels of 2 x 2 pixels, and the same cells in memory.
inline std::string layout() {
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

// Five layers and the loss: activations to the right, gradients back to the left.
inline std::string chain() {
  const char* const names[] = {"conv1", "relu1", "pool1", "flatten1", "fc1"};
  Drawing d("A network is a chain: forward to the right, backward to the left", 730, 256);
  constexpr double width = 72, gap = 40, first = 66, top = 66;
  d.word(30, 30, "forward: activations", "start", "quiet");
  for (int k = 0; k <= 5; ++k) {
    const double left = first + k * (width + gap);
    d.arrow(left - gap + 6, top + 22, left - 6);
    d.arrow(left - 6, top + 62, left - gap + 6);
    d.word(left - gap / 2, top + 10, concat("x", k), "middle");
    d.word(left - gap / 2, top + 84, concat("dx", k), "middle");
    const bool loss = k == 5;
    d.rectangle(left, top, width, 84, loss ? "c" : k == 0 || k == 4 ? "b" : "a");
    d.word(left + width / 2, top + 47, loss ? "loss L" : names[k], "middle");
    if (k == 0 || k == 4) {
      d.arrow_down(left + width / 2, top + 90, top + 116);
      d.word(left + width / 2, top + 136, "dW, db", "middle");
    }
  }
  d.word(700, 238, "backward: gradients", "end", "quiet");
  return d.finish();
}

// y = x W^T + b, and the two products of the way back, with the numbers of chapter 3.
inline std::string linear_layer() {
  using Matrix = Tensor<double, 2>;
  const Matrix x{{1, 0, 2}, {3, 1, 1}}, W{{1, 2, 3}, {0, -1, 1}}, b{{10, 20}}, dy{{1, 2}, {-1, 0}};
  Rng rng{1};
  auto net = sequential<double>(Shape{3}, rng, linear(2));
  auto& [fc1] = net.layers();
  fc1.weight = W;
  fc1.bias = {10, 20};
  auto w = net.workspace(2, {.input_gradient = true});
  const Matrix y(net.forward(x, w));
  std::copy(dy.begin(), dy.end(), w.output_gradient().begin());
  net.backward(w);
  const Matrix dx(as_const(w.input_gradient()));
  const auto pass = w.layer<0>();

  Drawing d("The three products of a linear layer", 720, 420);
  constexpr double size = 34;
  // One matrix, its name and shape above; `bold` says which cells take part in the number shown.
  const auto show = [&](double left, double top, std::string_view name, const auto& m,
                        std::string_view look, auto&& bold) {
    d.word(left, top - 10, name, "start", "quiet");
    d.cells(
        left, top, size, static_cast<int>(m.extent(0)), static_cast<int>(m.extent(1)),
        [&](int i, int j) { return number(m(i, j)); },
        [&](int i, int j) { return bold(i, j) ? look : std::string_view{"cell"}; });
  };
  const auto row0 = [](int i, int) { return i == 0; };
  const auto col0 = [](int, int j) { return j == 0; };
  const auto corner = [](int i, int j) { return i == 0 && j == 0; };
  const auto sign = [&](double left, double top, std::string_view text) {
    d.word(left, top, text, "middle");
  };
  constexpr double first = 50, second = 200, third = 320;
  show(20, first + 17, "x (N, I)", x, "a", row0);
  sign(147, first + 56, "*");
  show(175, first, "W^T (I, O)", Matrix(transpose(W)), "b", col0);
  sign(272, first + 56, "+");
  show(300, first + 34, "b (O)", b, "b", corner);
  d.arrow(385, first + 51, 420);
  show(440, first + 17, "y (N, O)", y, "c", corner);
  show(20, second, "dy (N, O)", dy, "c", row0);
  sign(115, second + 39, "*");
  show(145, second, "W (O, I)", W, "b", col0);
  d.arrow(385, second + 34, 420);
  show(440, second, "dx (N, I)", dx, "a", corner);
  show(20, third, "dy^T (O, N)", Matrix(transpose(dy)), "c", row0);
  sign(115, third + 39, "*");
  show(145, third, "x (N, I)", x, "a", col0);
  d.arrow(385, third + 34, 420);
  show(440, third, "dW (O, I)", pass.dweight, "b", corner);
  show(600, third + 17, "db (O)", Matrix(pass.dbias.reshape(Shape{1, 2})), "b",
       [](int, int) { return false; });
  return d.finish();
}

// The ReLU with its slope, and |x| from two of them.
inline std::string relu_layer() {
  Rng rng{1};
  const auto curve = [&](auto net, const std::vector<double>& at) {
    Tensor<double, 2> x(Shape{static_cast<Index>(at.size()), 1});
    std::copy(at.begin(), at.end(), x.begin());
    const auto y = net.predict(x);
    return std::vector<double>(y.begin(), y.end());
  };
  const auto units = [&](double left, double right) {
    auto net = sequential<double>(Shape{1}, rng, linear({.out = 2, .bias = false}), relu,
                                  linear({.out = 1, .bias = false}));
    std::get<0>(net.layers()).weight = {{1}, {-1}};
    std::get<2>(net.layers()).weight = {{right, left}};
    return net;
  };
  const std::vector<double> x{-2, 0, 2};
  Drawing d("ReLU, its slope, and the absolute value from two of them", 720, 250);
  const auto panel = [&](double left, std::string_view name) {
    d.word(left, 30, name, "start", "quiet");
    const Plot plot{d, left, 50, 190, 170, -2, 2, -0.4, 2.2};
    plot.axes(0, 0);
    d.word(plot.x(0) - 8, plot.y(2) + 5, "2", "end", "quiet");
    d.word(plot.x(2), plot.y(0) + 20, "2", "end", "quiet");
    d.word(plot.x(-2), plot.y(0) + 20, "-2", "start", "quiet");
    return plot;
  };
  panel(20, "y = max(x, 0)").curve(x, curve(units(0, 1), x), "pa");
  const Plot slope = panel(265, "its slope dy/dx");
  slope.curve(std::vector<double>{-2, 0}, std::vector<double>{0, 0}, "pb");
  slope.curve(std::vector<double>{0, 2}, std::vector<double>{1, 1}, "pb");
  d.dot(slope.x(0), slope.y(0), "b");
  d.dot(slope.x(0), slope.y(1), "cell");
  d.word(slope.x(0) - 8, slope.y(1) + 5, "1", "end", "quiet");
  const Plot sum = panel(510, "relu(x) + relu(-x) = |x|");
  sum.curve(x, curve(units(1, 1), x), "band");
  sum.curve(x, curve(units(1, 0), x), "pb");
  sum.curve(x, curve(units(0, 1), x), "pa");
  return d.finish();
}

// One place of a convolution with padding 1: nine pixels, nine weights, one number.
inline std::string window() {
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
inline std::string im2col() {
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

// Stride 2: the padded image in four colours, its four planes, and which taps read which.
inline std::string phases() {
  const char* const looks[] = {"a", "b", "c", "e"};
  const auto look = [&](int h, int w) { return looks[h % 2 * 2 + w % 2]; };
  const kernels::PaddedChannel channel{2, 0, {3, 3}};  // of 6 x 6, padding included
  std::vector<double> image(36), copy(static_cast<std::size_t>(channel.size()) + 64);
  std::iota(image.begin(), image.end(), 0);
  channel.copy(image.data(), 6, 6, image.data(), image.data() + 36, copy.data());
  Drawing d("A stride of 2 cuts the padded image into four phases", 720, 300);
  d.word(20, 30, "padded image, 6 x 6", "start", "quiet");
  d.cells(
      20, 44, 32, 6, 6, [](int h, int w) { return number(6 * h + w); }, look);
  d.path("M84 44h96v96h-96z", "frame");
  d.arrow(222, 140, 262);
  d.word(280, 30, "its phases (h mod 2, w mod 2)", "start", "quiet");
  for (int phase = 0; phase < 4; ++phase) {
    const double left = 280 + phase % 2 * 112, top = 58 + phase / 2 * 128;
    d.word(left, top - 6, concat("(", phase / 2, ", ", phase % 2, ")"), "start", "quiet");
    d.cells(
        left, top, 32, 3, 3,
        [&](int i, int j) {
          const Index h = 2 * i + phase / 2, w = 2 * j + phase % 2;
          return number(copy[static_cast<std::size_t>(channel.offset(h, w))]);
        },
        [&](int, int) { return looks[phase]; });
    // The numbers that output (0, 1) takes from this plane.
    d.path(concat("M", left + 32, " ", top, "h", phase % 2 ? 32 : 64, "v", phase / 2 ? 32 : 64, "h",
                  phase % 2 ? -32 : -64, "z"),
           "frame");
  }
  d.word(530, 30, "taps (u, v), 3 x 3", "start", "quiet");
  d.cells(
      530, 90, 54, 3, 3, [](int u, int v) { return concat(u, ", ", v); }, look);
  return d.finish();
}

// Forward and backward of 2 x 2 max-pooling, as the library does it.
inline std::string pooling() {
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

}  // namespace figures
