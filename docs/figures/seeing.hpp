// SPDX-License-Identifier: MIT
//
// Figures of chapters 13 to 15: receptive fields, Winograd, and a layer of your own.
#pragma once

#include <fovea/explain/receptive_field.hpp>
#include <fovea/fovea.hpp>

#include <vector>

#include "drawing.hpp"

namespace figures {

// One axis: which pixels, and which units between, a unit of conv2 depends on.
inline std::string receptive_field() {
  Rng rng{1};
  const auto net =
      sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 4, .kernel = 3, .padding = 1}), relu,
                         max_pool2d(2), conv2d({.out = 4, .kernel = 3, .padding = 1}));
  const auto all = receptive_fields(net);                    // conv1, relu1, pool1, conv2
  const ReceptiveField fields[] = {all[0], all[2], all[3]};  // ReLU looks at one number
  const Window windows[] = {
      {.kernel = 3, .padding = 1}, {.kernel = 2, .stride = 2}, {.kernel = 3, .padding = 1}};
  const char* const names[] = {"pixels", "conv1", "pool1", "conv2"};
  constexpr int pixels = 14;
  constexpr double size = 44, left = 84;
  Drawing d("What a unit of conv2 sees, along one axis", 720, 330);
  // Row `level` has units whose jump and start say where they stand over the pixels.
  const auto centre = [&](int level, Index i) {
    if (level == 0) return left + size * (static_cast<double>(i) + 0.5);
    const auto& f = fields[level - 1];
    return left + size * (static_cast<double>(f.start.h + i * f.jump.h) +
                          static_cast<double>(f.size.h) / 2);
  };
  const auto top = [](int level) { return 262.0 - 76 * level; };
  // From the unit downwards: the first and last unit of each level that it depends on.
  Index first[4], last[4];
  first[3] = last[3] = 3;
  for (int level = 3; level > 0; --level) {
    const Window& w = windows[level - 1];
    first[level - 1] = first[level] * w.stride.h - w.padding.h;
    last[level - 1] = last[level] * w.stride.h - w.padding.h + w.kernel.h - 1;
  }
  for (int level = 3; level > 0; --level)
    for (Index o = first[level]; o <= last[level]; ++o)
      for (Index k = 0; k < windows[level - 1].kernel.h; ++k) {
        const Index i = o * windows[level - 1].stride.h - windows[level - 1].padding.h + k;
        d.path(concat("M", centre(level, o), " ", top(level) + 30, "L", centre(level - 1, i), " ",
                      top(level - 1)),
               "line");
      }
  const char* const looks[] = {"a", "b", "c", "e"};
  for (int level = 0; level < 4; ++level) {
    const int jump = level < 2 ? 1 : 2;
    d.word(20, top(level) + 20, names[level], "start", "quiet");
    for (Index i = 0; i < pixels / jump; ++i)
      d.rectangle(centre(level, i) - 15, top(level), 30, 30,
                  i >= first[level] && i <= last[level] ? looks[level] : "faint");
    for (Index i = 0; i < pixels / jump; ++i)
      d.word(centre(level, i), top(level) + 20, concat(i), "middle");
  }
  d.word(700, 318,
         concat("unit 3 of conv2 sees the pixels ", first[0], " to ", last[0],
                ": r = ", fields[2].size.h),
         "end", "quiet");
  return d.finish();
}

inline std::string winograd() {
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

/// The layer of chapter 15.
struct Softsign {
  using value_type = double;
  static constexpr std::string_view kind = "softsign";

  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const double, 2> x, View<double, 2> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = x.data()[i] / (1 + std::abs(x.data()[i]));
  }
  void backward(View<const double, 2> x, View<const double, 2>, View<const double, 2> dy,
                View<double, 2> dx, NoPass&, const Context&) const {
    for (Index i = 0; i < dx.size(); ++i) {
      const double shrink = 1 / (1 + std::abs(x.data()[i]));
      dx.data()[i] = dy.data()[i] * shrink * shrink;
    }
  }
};

// Softsign, the slope that backward says, and the one that a central difference measures.
inline std::string softsign() {
  Sequential net{Shape{1}, Softsign{}};
  const auto value = [&](double at) { return net.predict(Tensor<double, 2>{{at}})(0, 0); };
  const auto slope = [&](double at) {
    auto w = net.workspace(1, {.input_gradient = true});
    net.forward(Tensor<double, 2>{{at}}, w);
    w.output_gradient().fill(1);
    net.backward(w);
    return w.input_gradient()(0, 0);
  };
  constexpr double h = 0.5;
  std::vector<double> at, y, promised, measured;
  for (int i = -40; i <= 40; ++i) {
    at.push_back(i / 20.0);
    y.push_back(value(at.back()));
    promised.push_back(slope(at.back()));
    measured.push_back((value(at.back() + h) - value(at.back() - h)) / (2 * h));
  }
  Drawing d("Softsign and its slope, promised and measured", 720, 280);
  d.word(20, 30, "softsign, and y = x", "start", "quiet");
  const Plot left{d, 30, 50, 280, 200, -2, 2, -1.2, 1.2};
  left.axes(0, 0);
  left.curve(std::vector<double>{-1.2, 1.2}, std::vector<double>{-1.2, 1.2}, "dash");
  left.curve(at, y, "pa");
  d.word(left.x(-2), left.y(value(-2)) + 22, concat("y(-2) = ", number(value(-2))), "start",
         "quiet");
  d.word(left.x(2), left.y(0) + 20, "2", "end", "quiet");
  d.word(left.x(0) - 8, left.y(1) + 5, "1", "end", "quiet");
  d.word(390, 30, "its slope: backward, and measured", "start", "quiet");
  const Plot right{d, 420, 50, 280, 200, -2, 2, 0, 1.2};
  right.axes(-2, 0);
  for (const double v : {slope(2), slope(0)}) right.level(v, number(v));
  right.curve(at, promised, "pc");
  right.curve(at, measured, "dash");
  for (const double v : {-2.0, -h, 0.0, h, 2.0})
    d.word(right.x(v), right.y(0) + 20, number(v), "middle", "quiet");
  return d.finish();
}

}  // namespace figures
