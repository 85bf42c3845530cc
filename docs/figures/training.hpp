// SPDX-License-Identifier: MIT
//
// Figures of chapters 8 to 12: the loss, the way back, and training.
#pragma once

#include <fovea/fovea.hpp>

#include <cmath>
#include <numeric>
#include <vector>

#include "drawing.hpp"

namespace figures {

// One example: its logits, the probabilities, the truth, and their difference, the gradient. And the loss.
inline std::string cross_entropy_loss() {
  const Tensor<double, 2> z{{2, 1, 0}};
  const Tensor<Label, 1> label{0};
  const auto p = softmax(z);
  Tensor<double, 2> dz(z.shape());
  const double loss = cross_entropy(z, label, dz);
  Drawing d("From logits to the gradient p - y, and the loss", 720, 270);
  const char* const titles[] = {"logits z", "softmax p", "truth y", "dz = p - y"};
  for (int panel = 0; panel < 4; ++panel) {
    const double left = 20 + 122 * panel, zero = 170, unit = panel == 0 ? 50 : 100;
    d.word(left, 30, titles[panel], "start", "quiet");
    for (int k = 0; k < 3; ++k) {
      const double y = k == label(0) ? 1 : 0;
      const double value = panel == 0 ? z(0, k) : panel == 1 ? p(0, k) : panel == 2 ? y : dz(0, k);
      const double height = std::round(10 * std::abs(value) * unit) / 10, x = left + 34 * k;
      d.rectangle(x, value > 0 ? zero - height : zero, 26, height, k == label(0) ? "c" : "a");
      d.word(x + 13, value < 0 ? zero + height + 16 : zero - height - 6,
             fixed(value, panel == 0 || panel == 2 ? 0 : 2), "middle");
    }
    d.path(concat("M", left - 3, " ", zero, "h100"), "line");
  }
  for (int k = 0; k < 3; ++k) d.word(33 + 34 * k, 190, concat(k), "middle", "quiet");
  d.word(20, 214, "class 0 is right", "start", "quiet");
  d.word(515, 30, "L = -log p of the right class", "start", "quiet");
  const Plot plot{d, 540, 50, 160, 170, 0, 1, 0, 5};
  plot.axes(0, 0);
  for (int v = 1; v <= 5; ++v) plot.level(v, concat(v));
  std::vector<double> at, cost;
  for (int i = 0; i <= 100; ++i) {
    at.push_back(std::exp(-5.0 * (100 - i) / 100));
    cost.push_back(-std::log(at.back()));
  }
  plot.curve(at, cost, "pa");
  d.dot(plot.x(p(0, 0)), plot.y(loss), "c");
  d.word(plot.x(p(0, 0)), plot.y(1.25), concat("L = ", fixed(loss, 2)), "middle");
  d.word(plot.x(0), 242, "0", "middle", "quiet");
  d.word(plot.x(1), 242, "p = 1", "end", "quiet");
  return d.finish();
}

// conv, ReLU, pooling, linear, loss: every number of one forward and one backward pass.
inline std::string backpropagation() {
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 3, 7}, rng, conv2d({.out = 1, .kernel = 2}), relu,
                                max_pool2d(2), flatten, linear(2));
  std::get<0>(net.layers()).weight = {{{{1, 0}, {-1, 2}}}};
  std::get<0>(net.layers()).bias = {-1};
  std::get<4>(net.layers()).weight = {{1, 2, -1}, {-1, 1, 2}};
  std::get<4>(net.layers()).bias = {0, 0};
  const Tensor<double, 4> x{
      {{{0, 2, 0, 0, 1, 3, 1}, {2, 1, 1, 0, 0, 0, 0}, {0, 1, 1, 0, 0, 0, 1}}}};
  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  const Tensor<double, 2> z(net.forward(x, w));
  const double loss = cross_entropy(z, Tensor<Label, 1>{0}, w.output_gradient());
  net.backward(w);
  const auto p = softmax(z);

  Drawing d("Every number of one forward and one backward pass", 764, 672);
  constexpr double size = 34, right = 506, middle = 284;
  const auto show = [&](double left, double top, const auto& m, std::string_view look) {
    const bool plane = m.extent(m.rank - 2) > 1 || m.rank == 4;
    const Index cols = m.extent(m.rank - 1), rows = plane ? m.size() / cols : 1;
    d.cells(
        left, top, size, static_cast<int>(rows), static_cast<int>(cols),
        [&](int i, int j) { return number(m.data()[i * cols + j]); },
        [&](int i, int j) {
          return number(m.data()[i * cols + j]) == "0" ? std::string_view{"faint"} : look;
        });
  };
  const auto step = [&](double top, std::string_view name, std::string_view back) {
    d.arrow_down(80, top, top + 34);
    d.arrow_down(right + 60, top + 34, top);
    d.word(96, top + 22, name);
    d.word(right + 76, top + 22, back);
  };
  d.word(20, 30, "forward, downwards", "start", "quiet");
  d.word(right, 30, "backward, upwards", "start", "quiet");
  d.word(middle, 30, "parameters, gradients", "start", "quiet");
  show(20, 46, x, "a");
  show(right, 46, as_const(w.input_gradient()), "b");
  step(152, "conv1", "conv1");
  show(20, 194, w.template activation<0>(), "a");
  show(right, 194, w.template gradient<0>(), "b");
  step(266, "relu1", "where y > 0");
  show(20, 308, w.template activation<1>(), "a");
  show(right, 308, w.template gradient<1>(), "b");
  step(380, "pool1", "to the winners");
  show(20, 422, w.template activation<2>(), "a");
  show(right, 422, w.template gradient<2>(), "b");
  step(460, "fc1", "dz W");
  show(20, 502, z, "a");
  show(right, 502, w.template gradient<4>(), "b");
  d.word(right + 76, 524, "dz = p - y");
  d.word(96, 524, "z");
  step(540, "softmax", "the loss");
  show(20, 582, p, "a");
  d.word(98, 604, "p");
  d.word(20, 650, concat("class 0 is right: L = -log ", number(p(0, 0)), " = ", fixed(loss, 3)));
  const auto names = [&](double top, std::string_view W, std::string_view dW) {
    d.word(middle, top - 8, W, "start", "quiet");
    d.word(middle + 112, top - 8, dW, "start", "quiet");
  };
  const auto& [conv1, relu1, pool1, flatten1, fc1] = net.layers();
  const auto conv = w.template layer<0>();
  const auto fc = w.template layer<4>();
  names(140, "W", "dW");
  show(middle, 140, conv1.weight.view(), "c");
  show(middle + 112, 140, conv.dweight, "b");
  names(236, "b", "db");
  d.cell(middle, 236, size, number(conv1.bias(0)), "c");
  d.cell(middle + 112, 236, size, number(conv.dbias(0)), "b");
  names(460, "W", "dW");
  show(middle, 460, fc1.weight.view(), "c");
  show(middle + 112, 460, fc.dweight, "b");
  names(556, "b", "db");
  for (int k = 0; k < 2; ++k) {
    d.cell(middle + k * size, 556, size, number(fc1.bias(k)), "c");
    d.cell(middle + 112 + k * size, 556, size, number(fc.dbias(k)), "b");
  }
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

inline std::string adam() {
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
  d.rectangle(0, 328, 720, 32, "paper");
  const char* const looks[] = {"pb", "pc", "pa"};
  const char* const names[] = {"SGD, rate 0.07", "momentum 0.8, rate 0.02", "Adam, rate 0.2"};
  for (int k = 0; k < 3; ++k) {
    const int left = k == 0 ? 20 : k == 1 ? 220 : 480;
    d.path(concat("M", left, " 26h30"), looks[k]);
    d.word(left + 38, 31, names[k]);
  }
  d.word(700, 345, "w0 to the right, w1 upwards; all start at (4, 1)", "end", "quiet");
  return d.finish();
}

// The order of two epochs, and the loss of every batch of a small training.
inline std::string batches_and_losses() {
  Drawing d("Two epochs in batches, and the loss of each batch", 720, 400);
  const char* const looks[] = {"a", "b", "c"};
  constexpr Index count = 20, size = 8;
  const auto row = [&](double top, std::string_view name, const std::vector<Index>& order,
                       bool coloured) {
    d.word(20, top + 20, name, "start", "quiet");
    for (std::size_t i = 0; i < order.size(); ++i)
      d.cell(100 + 30 * static_cast<double>(i), top, 30, concat(order[i]),
             coloured ? looks[i / size] : "cell");
  };
  std::vector<Index> as_stored(count);
  std::iota(as_stored.begin(), as_stored.end(), 0);
  row(20, "examples", as_stored, false);
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch)
    row(62 + 42 * static_cast<double>(epoch), concat("epoch ", epoch),
        permutation(count, Rng{1, epoch}), true);

  const auto data = synthetic_train_and_test(500, 1);
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 4, .kernel = 5, .stride = 2}),
                                relu, flatten, linear(10));
  auto w = net.workspace(32, {.threads = 1});
  Adam adam{net, {.learning_rate = 3e-3}};
  std::vector<double> steps, losses, means;
  for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
    double total = 0;
    for (const auto& [images, labels] :
         batches<double>(data.train, 32, {.seed = 1, .epoch = epoch})) {
      losses.push_back(cross_entropy(net.forward(images, w), labels, w.output_gradient()));
      steps.push_back(static_cast<double>(losses.size()));
      total += losses.back() * static_cast<double>(labels.size());
      net.backward(w);
      adam.step(net, w);
    }
    means.push_back(total / static_cast<double>(data.train.size()));
  }
  const double last = steps.back(), epoch = last / 3;
  const Plot plot{d, 60, 180, 640, 180, 0.5, last + 0.5, 0, 2.6};
  d.word(60, 172, "loss of each batch", "start", "quiet");
  for (int v = 0; v <= 2; ++v) plot.level(v, concat(v));
  for (int k = 0; k < 3; ++k) {
    const double from = k * epoch + 0.5, to = (k + 1) * epoch + 0.5;
    if (k > 0) d.path("M" + plot.at(from, 0) + " V" + concat(plot.top), "level");
    d.path("M" + plot.at(from, means[static_cast<std::size_t>(k)]) + " " +
               plot.at(to, means[static_cast<std::size_t>(k)]),
           "dash");
    d.word((plot.x(from) + plot.x(to)) / 2, 384,
           concat("epoch ", k + 1, ", mean ", fixed(means[static_cast<std::size_t>(k)], 3)),
           "middle", "quiet");
  }
  plot.curve(steps, losses, "pa");
  return d.finish();
}

// The size of a signal after each of ten layers, for three bounds of the first weights.
inline std::string initialisation() {
  const auto follow = [](double bound) {
    constexpr Index N = 64, units = 256;
    Rng rng{1};
    Tensor<double, 2> x(Shape{N, units});
    for (double& value : x) value = rng.normal();
    std::vector<double> sizes{std::log10(std::sqrt(mean(x * x)))};
    for (int depth = 1; depth <= 10; ++depth) {
      Tensor<double, 2> weight(Shape{units, units});
      fill_uniform(weight.flat(), bound, rng);
      x = map(matmul(x, transpose(weight)), [](double y) { return y > 0 ? y : 0; });
      sizes.push_back(std::log10(std::sqrt(mean(x * x))));
    }
    return sizes;
  };
  Drawing d("How large a signal is after each of ten layers", 720, 330);
  const Plot plot{d, 80, 50, 500, 240, 0, 10, -5, 9};
  d.word(20, 30, "root of the mean square, on a logarithmic scale", "start", "quiet");
  for (int v = -4; v <= 8; v += 4) plot.level(v, v == 0 ? "1" : concat("1e", v));
  std::vector<double> depth(11);
  std::iota(depth.begin(), depth.end(), 0);
  for (int k = 0; k <= 10; k += 2)
    d.word(plot.x(k), 312, k == 0 ? "input" : concat("layer ", k), "middle", "quiet");
  const std::pair<const char*, double> starts[] = {
      {"b = 1", 1}, {"b = sqrt(6 / n)", std::sqrt(6 / 256.0)}, {"b = 1 / sqrt(n)", 1 / 16.0}};
  const char* const looks[] = {"pb", "pc", "pa"};
  for (int k = 0; k < 3; ++k) {
    const auto sizes = follow(starts[k].second);
    plot.curve(depth, sizes, looks[k]);
    d.word(plot.x(10) + 12, plot.y(sizes.back()) + 5, starts[k].first);
  }
  return d.finish();
}

}  // namespace figures
