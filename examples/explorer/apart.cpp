// SPDX-License-Identifier: MIT
//
// Apart: one convolution on the drawing with any kernel, and the network of chapter 9, which is small
// enough to show every number of a training step.
#include "explorer/session.hpp"

namespace explorer {

using namespace fovea;

namespace {

std::vector<double> numbers(const Json& command, const char* name, std::size_t count) {
  const auto list = needed<Json>(command, name);
  check(list.is_array() && list.size() == count, name, ": expected ", count, " numbers, found ",
        list.is_array() ? concat(list.size()) : "something else");
  std::vector<double> values;
  for (const Json& one : list) {
    check(one.is_number() && std::abs(one.get<double>()) <= 1e6, name,
          ": expected numbers from -1e6 to 1e6, found ", one.dump().substr(0, 40));
    values.push_back(one.get<double>());
  }
  return values;
}

}  // namespace

// y = kernel over the drawing, pixels in [0, 1], and the window, the products and the sum at ("row",
// "col") of y.
Reply Session::convolve(const Json& command) {
  const auto size = [&](const char* name, Index otherwise, Index least, Index most) {
    const Index value = option<Index>(command, name, otherwise);
    check(least <= value && value <= most, name, ": expected ", least, " to ", most, ", found ",
          value);
    return value;
  };
  const Index K = size("size", 3, 1, 7), s = size("stride", 1, 1, 4), p = size("padding", 0, 0, 4),
              d = size("dilation", 1, 1, 4);
  check(d * (K - 1) + 1 <= 28 + 2 * p, "kernel: expected one that fits into the drawing");
  const auto kernel = numbers(command, "kernel", static_cast<std::size_t>(K * K));
  Rng rng{1};
  Conv2d<float> conv(
      {.in = 1, .out = 1, .kernel = K, .stride = s, .padding = p, .dilation = d, .bias = false},
      rng);
  std::transform(kernel.begin(), kernel.end(), conv.weight.begin(),
                 [](double w) { return static_cast<float>(w); });
  Net one;
  one.add(conv, one.input(Shape{1, 28, 28}));
  Tensor<float, 4> x(Shape{1, 1, 28, 28});
  std::transform(pixels_.begin(), pixels_.end(), x.begin(),
                 [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
  const auto y = one.predict<4>(as_const(x).view(), 1);
  const Index H = y.extent(2), W = y.extent(3);
  const Index i = std::clamp<Index>(option<Index>(command, "row", 0), 0, H - 1),
              j = std::clamp<Index>(option<Index>(command, "col", 0), 0, W - 1);
  Tensor<float, 2> window(Shape{K, K}), products(Shape{K, K});
  double sum = 0;
  for (Index a = 0; a < K; ++a)
    for (Index b = 0; b < K; ++b) {
      const Index row = i * s - p + a * d, col = j * s - p + b * d;
      const bool inside = 0 <= row && row < 28 && 0 <= col && col < 28;
      window(a, b) = inside ? x(0, 0, row, col) : 0;
      products(a, b) = window(a, b) * conv.weight(0, 0, a, b);
      sum += double(products(a, b));
    }
  Reply reply;
  reply.text["output"] = reply.place(y[0][0]);
  reply.text["input"] = reply.place(x[0][0]);
  reply.text["window"] = reply.place(window);
  reply.text["kernel"] = reply.place(conv.weight[0][0]);
  reply.text["products"] = reply.place(products);
  reply.text["value"] = y(0, 0, i, j);
  reply.text["sum"] = sum;
  reply.text["row"] = i, reply.text["col"] = j;
  return reply;
}

// docs/book/09_backpropagation.md: an image of 3 x 7 pixels, a 2 x 2 convolution, ReLU, pooling, a linear
// layer with two outputs, the loss. All values, all gradients, and the parameters after a step.
Reply Session::tiny(const Json& command) {
  const auto x_values = numbers(command, "x", 21), weight = numbers(command, "weight", 4),
             bias = numbers(command, "bias", 1), fc = numbers(command, "fc", 6),
             fc_bias = numbers(command, "fc_bias", 2);
  const Index label = option<Index>(command, "label", 0);
  check(label == 0 || label == 1, "label: expected 0 or 1, found ", label);
  const double rate = option(command, "learning_rate", 0.1);
  check(0 <= rate && rate <= 10, "learning rate: expected 0 to 10, found ", rate);
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 3, 7}, rng, conv2d({.out = 1, .kernel = 2}), relu,
                                max_pool2d(2), flatten, linear(2));
  auto& layers = net.layers();
  auto& conv1 = std::get<0>(layers);
  auto& fc1 = std::get<4>(layers);
  std::copy(weight.begin(), weight.end(), conv1.weight.begin());
  std::copy(bias.begin(), bias.end(), conv1.bias.begin());
  std::copy(fc.begin(), fc.end(), fc1.weight.begin());
  std::copy(fc_bias.begin(), fc_bias.end(), fc1.bias.begin());
  Tensor<double, 4> x(Shape{1, 1, 3, 7});
  std::copy(x_values.begin(), x_values.end(), x.begin());
  const Tensor<Label, 1> labels(Shape{1}, static_cast<Label>(label));
  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true, .threads = 1});
  const auto z = net.forward(x, w);
  Reply reply;
  const auto list = [](const auto& tensor) {
    return std::vector<double>(tensor.begin(), tensor.end());
  };
  reply.text = {{"conv", list(w.template activation<0>())},
                {"relu", list(w.template activation<1>())},
                {"pool", list(w.template activation<2>())},
                {"z", list(z)},
                {"p", list(softmax(z))}};
  reply.text["loss"] = cross_entropy(z, labels, w.output_gradient());
  net.backward(w);
  reply.text["dz"] = list(w.template gradient<4>());
  reply.text["dfc"] = list(w.template layer<4>().dweight);
  reply.text["dfc_bias"] = list(w.template layer<4>().dbias);
  reply.text["dpool"] = list(w.template gradient<2>());
  reply.text["drelu"] = list(w.template gradient<1>());
  reply.text["dconv"] = list(w.template gradient<0>());
  reply.text["dweight"] = list(w.template layer<0>().dweight);
  reply.text["dbias"] = list(w.template layer<0>().dbias);
  reply.text["dx"] = list(w.input_gradient());
  if (option(command, "step", false)) {
    Sgd<double> sgd{net, {.learning_rate = rate}};
    sgd.step(net, w);
  }
  reply.text["weight"] = list(conv1.weight), reply.text["bias"] = list(conv1.bias);
  reply.text["fc"] = list(fc1.weight), reply.text["fc_bias"] = list(fc1.bias);
  return reply;
}

}  // namespace explorer
