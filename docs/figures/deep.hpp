// SPDX-License-Identifier: MIT
//
// Figures of chapters 16 to 19: normalisation, residuals, regularisation, other losses.
#pragma once

#include <fovea/fovea.hpp>
#include <fovea/nn/losses.hpp>

#include <cmath>
#include <vector>

#include "drawing.hpp"

namespace figures {

// Four numbers of one channel, normalised; and their gradient, less its mean and its part along x'.
inline std::string batch_norm() {
  BatchNorm2d<double> bn{{.channels = 1}};
  bn.weight = {2}, bn.bias = {1};
  Sequential net{Shape{1, 1, 2}, bn};
  const Tensor<double, 4> x{{{{-6, 0}}}, {{{2, 8}}}};
  const std::vector<double> g{0, 1, -1, 4};
  auto w = net.workspace(2, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, w, Mode::train);
  std::copy(g.begin(), g.end(), w.output_gradient().begin());
  net.backward(w);
  const auto& pass = w.template layer<0>();
  const double mean = pass.mean(0, 0), inverse = pass.inverse(0, 0);
  const double g_mean = pass.dbias(0) / 4, share = pass.dweight(0) / 4;

  Drawing d("Batch normalisation of four numbers, and of their gradient", 720, 400);
  const auto bars = [&](int panel, double zero, double unit, std::string_view title,
                        std::string_view look, const auto& value) {
    const double left = 20 + 142 * panel;
    d.word(left, zero - 84, title, "start", "quiet");
    for (Index i = 0; i < 4; ++i) {
      const double v = value(i), height = std::round(10 * std::abs(v) * unit) / 10;
      const double at = left + 32 * static_cast<double>(i);
      d.rectangle(at, v > 0 ? zero - height : zero, 24, height, look);
      d.word(at + 12, v < 0 ? zero + height + 15 : zero - height - 5, number(v, 2), "middle");
    }
    d.path(concat("M", left - 4, " ", zero, "h128"), "line");
  };
  const auto normal = [&](Index i) { return (x.data()[i] - mean) * inverse; };
  bars(0, 114, 7, "x", "a", [&](Index i) { return x.data()[i]; });
  bars(1, 114, 7, "less the mean", "a", [&](Index i) { return x.data()[i] - mean; });
  bars(2, 114, 35, "x', over 5", "a", normal);
  bars(3, 114, 14, "y = 2 x' + 1", "c", [&](Index i) { return y.data()[i]; });
  d.word(588, 60, "forward", "start", "quiet");
  d.word(588, 104, concat("mean ", number(mean, 2)), "start", "quiet");
  d.word(588, 124, concat("deviation ", number(1 / inverse, 2)), "start", "quiet");
  d.word(588, 144, "gamma 2, beta 1", "start", "quiet");
  d.path("M20 204H700", "level");
  bars(0, 320, 17, "g = dy", "b", [&](Index i) { return g[static_cast<std::size_t>(i)]; });
  bars(1, 320, 17, "less its mean", "faint", [&](Index) { return g_mean; });
  bars(2, 320, 17, concat("less ", number(share, 2), " x'"), "faint",
       [&](Index i) { return share * normal(i); });
  bars(3, 320, 17, "is what is left", "e",
       [&](Index i) { return g[static_cast<std::size_t>(i)] - g_mean - share * normal(i); });
  bars(4, 320, 17, "dx, 2/5 of that", "b", [&](Index i) { return w.input_gradient().data()[i]; });
  return d.finish();
}

// A block with its sum, and the size of a gradient on its way to the first of 48 blocks.
inline std::string residual_blocks() {
  Drawing d("A residual block, and the gradient on its way through 48 blocks", 720, 400);
  d.word(20, 30, "y = x + f(x)", "start", "quiet");
  d.word(60, 56, "x", "middle");
  d.arrow_down(60, 62, 92);
  const char* const layers[] = {"relu", "conv", "relu", "conv"};
  for (int k = 0; k < 4; ++k) {
    d.rectangle(26, 92 + 48 * k, 68, 30, k % 2 == 0 ? "a" : "b");
    d.word(60, 112 + 48 * k, layers[k], "middle");
    d.arrow_down(60, 122 + 48 * k, 140 + 48 * k);
  }
  d.rectangle(45, 284, 30, 30, "c");
  d.word(60, 304, "+", "middle");
  d.path("M60 76H140V299H75m7 -5l-7 5l7 5", "line");
  d.word(150, 190, "x as it is", "start", "quiet");
  d.arrow_down(60, 314, 346);
  d.word(60, 364, "y", "middle");
  d.word(20, 390, "dx = dy + what f sends back", "start", "quiet");

  constexpr Index blocks = 48;
  const auto norms = [](const auto& block, const char* kind, const char* last, double gain) {
    Rng rng{1};
    auto net = sequential<double>(
        Shape{1, 8, 8}, rng, conv2d({.out = 8, .kernel = 3, .padding = 1}), repeat(blocks, block));
    net.for_each_parameter([&](const auto& name, auto&& tensor) {
      if (name.find("conv") != name.npos && name.ends_with("weight"))
        for (Index i = 0; i < tensor.size(); ++i) tensor.data()[i] *= gain;
    });
    auto w = net.workspace(8, {.keep = Keep::everything});
    Tensor<double, 4> x(Shape{8, 1, 8, 8});
    for (double& value : x) value = rng.normal();
    net.forward(x, w, Mode::train);
    const auto dy = w.output_gradient();
    for (double& g : dy) g = rng.normal() / std::sqrt(static_cast<double>(dy.size()));
    net.backward(w);
    std::vector<double> sizes;  // of the gradient of each block's output, from the last one on
    for (Index k = blocks; k >= 0; --k) {
      const auto part = w.gradient(k == 0 ? "conv1" : concat("repeat1.", kind, k, ".", last));
      double squares = 0;
      for (Index i = 0; i < part.extents.size(); ++i) squares += part.data[i] * part.data[i];
      sizes.push_back(std::log10(squares) / 2);
    }
    return sizes;
  };
  const auto conv = conv2d({.out = 8, .kernel = 3, .padding = 1});
  const auto bn = batch_norm2d();
  const double he = std::sqrt(6);
  const Plot plot{d, 290, 50, 290, 300, 0, 48, -8, 8};
  d.word(250, 30, "norm of the gradient, on a logarithmic scale", "start", "quiet");
  for (int v = -8; v <= 8; v += 4) plot.level(v, v == 0 ? "1" : concat("1e", v));
  std::vector<double> at(blocks + 1);
  for (std::size_t k = 0; k < at.size(); ++k) at[k] = static_cast<double>(k);
  const auto draw = [&](const std::vector<double>& sizes, const char* look, const char* name,
                        double shift) {
    std::size_t shown = 0;
    while (shown < sizes.size() && sizes[shown] >= -8) ++shown;
    plot.curve(std::vector<double>(at.begin(), at.begin() + static_cast<Index>(shown)),
               std::vector<double>(sizes.begin(), sizes.begin() + static_cast<Index>(shown)), look);
    const double last = sizes[shown - 1];
    if (shown == sizes.size())
      d.word(plot.x(48) + 8, plot.y(last) + 5 + shift, name);
    else
      d.word(plot.x(static_cast<double>(shown)) + 6, plot.y(-7.2), name);
  };
  const auto no_sum = chain(relu, conv, relu, conv);
  const auto residuals = residual(relu, conv, relu, conv);
  draw(norms(no_sum, "chain", "conv2", 1), "pb", "plain", 0);
  draw(norms(no_sum, "chain", "conv2", he), "dash", "plain, He", 4);
  draw(norms(residuals, "residual", "add", 1), "pa", "residual", 4);
  draw(norms(residuals, "residual", "add", he), "line", "residual, He", 4);
  draw(norms(chain(bn, relu, conv, bn, relu, conv), "chain", "conv2", 1), "dash", "plain, bn", -4);
  draw(norms(residual(bn, relu, conv, bn, relu, conv), "residual", "add", 1), "pc", "residual, bn",
       -4);
  for (int k = 0; k <= 48; k += 12)
    d.word(plot.x(k), 370, k == 0 ? "out" : concat(k), "middle", "quiet");
  d.word(435, 392, "blocks that it has come through", "middle", "quiet");
  return d.finish();
}

// One digit moved five times, and what a network of chapter 18 loses on 200 images and on others.
inline std::string regularisation() {
  Drawing d("A digit moved at random, and the loss of training and test", 720, 400);
  const auto data = synthetic_train_and_test(200, 500);
  const Augment moved{.shift = 2, .rotate = 10, .scale = 0.1};
  constexpr double pixel = 3.6;
  Tensor<float, 3> image(Shape{1, 28, 28});
  for (Index k = 0; k < 6; ++k) {
    Tensor<float, 3> original(image.shape());
    for (Index i = 0; i < original.size(); ++i)
      original.data()[i] = static_cast<float>(as_const(data.train.images)[3].data()[i]) / 255;
    if (k == 0)
      image = original;
    else
      augment<float>(original, image, moved, Rng{1, static_cast<std::uint64_t>(k)});
    const double left = 20 + 116 * static_cast<double>(k);
    d.word(left, 28, k == 0 ? "an image" : k == 1 ? "moved at random" : "", "start", "quiet");
    d.rectangle(left, 38, 28 * pixel, 28 * pixel, "cell");
    for (const auto& [low, high, look] :
         {std::tuple{0.25F, 0.6F, "quiet"}, std::tuple{0.6F, 2.0F, "ink"}}) {
      std::string path;  // runs of pixels in a row
      for (Index h = 0; h < 28; ++h)
        for (Index from = 0, to; from < 28; from = to) {
          to = from + 1;
          const auto in = [&](Index i) { return image(0, h, i) >= low && image(0, h, i) < high; };
          if (!in(from)) continue;
          while (to < 28 && in(to)) ++to;
          path += concat("M", std::round(10 * (left + pixel * static_cast<double>(from))) / 10, " ",
                         std::round(10 * (38 + pixel * static_cast<double>(h))) / 10, "h",
                         std::round(10 * pixel * static_cast<double>(to - from)) / 10, "v3.6h-",
                         std::round(10 * pixel * static_cast<double>(to - from)) / 10, "z");
        }
      d.path(path, look);
    }
  }
  const auto loss_on = [](const auto& net, const Dataset& set) {
    double total = 0;
    for (const auto& [images, labels] : batches<double>(set, 100, {.shuffle = false}))
      total += cross_entropy(net.predict(images), labels) * 100;
    return std::log10(total / static_cast<double>(set.size()));
  };
  const Plot plot{d, 80, 190, 480, 170, 0, 40, -3.2, 0.5};
  d.word(20, 172, "loss, on a logarithmic scale", "start", "quiet");
  for (int v = -3; v <= 0; ++v) plot.level(v, v == 0 ? "1" : concat("1e", v));
  for (int k = 0; k <= 40; k += 10)
    d.word(plot.x(k), 380, k == 0 ? "start" : concat("epoch ", k), "middle", "quiet");
  for (const bool change : {false, true}) {
    Rng rng{1};
    auto net =
        sequential<double>(Shape{1, 28, 28}, rng, conv2d({.out = 8, .kernel = 5, .stride = 2}),
                           relu, max_pool2d(2), flatten, linear(64), relu, linear(10));
    auto w = net.workspace(20, {.seed = 1});
    AdamW adamw{net, {.learning_rate = 3e-3, .weight_decay = 0}};
    std::vector<double> at{0}, training{loss_on(net, data.train)}, test{loss_on(net, data.test)};
    for (std::uint64_t epoch = 0; epoch < 40; ++epoch) {
      for (const auto& [images, labels] : batches<double>(
               data.train, 20, {.seed = 1, .epoch = epoch}, change ? moved : Augment{})) {
        cross_entropy(net.forward(images, w), labels, w.output_gradient());
        net.backward(w);
        adamw.step(net, w);
      }
      at.push_back(static_cast<double>(epoch + 1));
      training.push_back(loss_on(net, data.train)), test.push_back(loss_on(net, data.test));
    }
    plot.curve(at, training, change ? "line" : "dash");
    plot.curve(at, test, change ? "pa" : "pb");
    d.word(plot.x(40) + 8, plot.y(test.back()) + (change ? 1 : 5),
           change ? "test, moved" : "test, none");
    d.word(plot.x(40) + 8, plot.y(training.back()) + (change ? 11 : 5),
           change ? "training, moved" : "training, none", "start", "quiet");
  }
  return d.finish();
}

// Three losses of one number, their slopes, and a line through points of which five are wrong.
inline std::string other_losses() {
  Drawing d("Losses of one number, their slopes, and two lines through the same points", 720, 300);
  const Tensor<double, 1> zero{0}, yes{1};
  Tensor<double, 1> slope{0};
  const char* const titles[] = {"loss", "slope"};
  for (int panel = 0; panel < 2; ++panel) {
    const Plot plot{d,
                    panel == 0 ? 30.0 : 250.0,
                    50,
                    180,
                    190,
                    -3,
                    3,
                    panel == 0 ? 0.0 : -4.0,
                    panel == 0 ? 5.0 : 4.0};
    d.word(plot.left, 30, titles[panel], "start", "quiet");
    plot.axes(0, 0);
    for (const int look : {0, 1, 2}) {
      std::vector<double> at, values;
      for (int i = -60; i <= 60; ++i) {
        const Tensor<double, 1> y{i / 20.0};
        const double loss = look == 0   ? mse(y, zero, slope)
                            : look == 1 ? huber(y, zero, slope)
                                        : bce_with_logits(y, yes, slope);
        const double value = panel == 0 ? loss : slope(0);
        if (value > plot.y_max || value < plot.y_min) continue;
        at.push_back(y(0)), values.push_back(value);
      }
      plot.curve(at, values, look == 0 ? "pb" : look == 1 ? "pa" : "pc");
    }
    d.word(plot.x(-3), plot.y(panel == 0 ? 0.0 : -4.0) + 18, "-3", "middle", "quiet");
    d.word(plot.x(3), plot.y(panel == 0 ? 0.0 : -4.0) + 18, "3", "middle", "quiet");
  }
  const char* const looks[] = {"pb", "pa", "pc"};
  const char* const names[] = {"mse", "huber, a = 1", "bce, t = 1"};
  for (int k = 0; k < 3; ++k) {
    d.path(concat("M", 30 + 145 * k, " 280h24"), looks[k]);
    d.word(60 + 145 * k, 285, names[k]);
  }

  Tensor<double, 2> x(Shape{40, 1}), t(Shape{40, 1});
  Rng points{1};
  const Plot plot{d, 500, 50, 200, 190, -1, 1, -10, 4};
  d.word(470, 30, "40 points, of which 5 are wrong", "start", "quiet");
  for (int v = -8; v <= 4; v += 4) plot.level(v, concat(v));
  for (Index n = 0; n < 40; ++n) {
    x(n, 0) = points.uniform(-1, 1);
    t(n, 0) = 2 * x(n, 0) + 1 + 0.1 * points.normal() - (n % 8 == 0 ? 8 : 0);
    d.dot(std::round(plot.x(x(n, 0))), std::round(10 * plot.y(t(n, 0))) / 10,
          n % 8 == 0 ? "b" : "a");
  }
  for (const bool robust : {false, true}) {
    Rng rng{1};
    auto net = sequential<double>(Shape{1}, rng, linear(1));
    auto w = net.workspace(40);
    Sgd sgd{net, {.learning_rate = 0.1}};
    for (int step = 0; step < 2000; ++step) {
      const auto y = net.forward(x, w);
      if (robust)
        huber(y, t, w.output_gradient(), {.delta = 0.3});
      else
        mse(y, t, w.output_gradient());
      net.backward(w);
      sgd.step(net, w);
    }
    const auto& [fc1] = net.layers();
    const double slope_of = fc1.weight(0, 0), at_zero = fc1.bias(0);
    plot.curve(std::vector<double>{-1, 1},
               std::vector<double>{at_zero - slope_of, at_zero + slope_of}, robust ? "pa" : "pb");
  }
  return d.finish();
}

}  // namespace figures
