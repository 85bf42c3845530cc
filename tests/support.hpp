// SPDX-License-Identifier: MIT
//
// What the tests share: random tensors, the reference implementations, and a way to read an error message.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fovea/fovea.hpp"
#include "fovea/nn/reference/conv2d.hpp"

namespace test {

using namespace fovea;

template <class T, std::size_t R>
Tensor<T, R> random_tensor(Shape<R> shape, std::uint64_t seed) {
  Tensor<T, R> x(shape);
  Rng rng{seed};
  for (T& value : x) value = static_cast<T>(rng.uniform(-1, 1));
  return x;
}

template <class T>
using StepNumbers = std::vector<std::vector<T>>;

/// All that a training step leaves in a workspace with input_gradient: y, every gradient, and dx.
template <class T, class Net>
StepNumbers<T> training_step(Net& net, Workspace<Net>& w, const Tensor<T, 4>& x,
                             Mode mode = Mode::train) {
  StepNumbers<T> all;
  const auto y = net.forward(x, w, mode);
  all.emplace_back(y.begin(), y.end());
  const auto dy = random_tensor<T>(y.shape(), 5);
  std::copy(dy.begin(), dy.end(), w.output_gradient().begin());
  net.backward(w);
  net.for_each_parameter(w, [&](auto, auto g) { all.emplace_back(g.begin(), g.end()); });
  const auto dx = w.input_gradient();
  all.emplace_back(dx.begin(), dx.end());
  return all;
}

/// The sentence of the Error that f throws, or "" if it throws none.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A directory of its own for one test, gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            concat("fovea-test-", static_cast<long>(getpid()), "-", count++);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Reference implementation: a convolution as the formula says it, summed in double.
template <class T>
Tensor<T, 4> slow_conv(View<const T, 4> x, const Conv2d<T>& conv) {
  const auto wide = [](const auto& t) { return map(t, [](T v) { return double{v}; }); };
  Tensor<double, 4> y(conv.output_shape(x.shape()));
  reference::conv2d<double>(wide(x), wide(conv.weight), wide(conv.bias), conv.window(),
                            conv.options.groups, y);
  return map(y, [](double v) { return static_cast<T>(v); });
}

/// Convolutions with every option, on odd shapes: H != W, strides that leave a remainder, and a batch
/// larger than the number of parts that dW is summed in.
struct ConvCase {
  Conv2dOptions options;
  Shape<4> x;
};
inline std::vector<ConvCase> conv_cases() {
  return {
      {{.in = 1, .out = 4, .kernel = 3, .padding = 1}, {3, 1, 7, 6}},
      {{.in = 3, .out = 5, .kernel = 3}, {2, 3, 8, 5}},
      {{.in = 1, .out = 2, .kernel = 2}, {37, 1, 3, 4}},
      {{.in = 2, .out = 17, .kernel = {1, 4}, .padding = {0, 2}}, {1, 2, 5, 9}},
      {{.in = 17, .out = 2, .kernel = 1}, {2, 17, 3, 4}},
      {{.in = 3, .out = 4, .kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0}}, {2, 3, 8, 12}},
      {{.in = 2, .out = 3, .kernel = 3, .padding = 2, .dilation = 2}, {2, 2, 9, 7}},
      {{.in = 2, .out = 3, .kernel = {2, 3}, .dilation = {3, 1}, .bias = false}, {3, 2, 6, 5}},
      {{.in = 4, .out = 6, .kernel = 3, .stride = 2, .padding = 1, .groups = 2}, {3, 4, 7, 8}},
      {{.in = 5, .out = 5, .kernel = 3, .padding = 1, .groups = 5}, {2, 5, 6, 4}},
      {{.in = 2, .out = 2, .kernel = 5, .stride = 3, .padding = 4}, {2, 2, 3, 2}},
      {{.in = 2, .out = 3, .kernel = 3, .stride = {2, 3}, .padding = 2, .dilation = {3, 2}},
       {2, 2, 9, 11}},
      {{.in = 3, .out = 3, .kernel = 3, .padding = 1, .groups = 3}, {2, 3, 5, 19}},
      {{.in = 2, .out = 2, .kernel = 3, .groups = 2}, {3, 2, 4, 70}},
      {{.in = 2, .out = 2, .kernel = 3, .padding = 2, .groups = 2}, {1, 2, 3, 33}},
      {{.in = 9, .out = 10, .kernel = 3, .padding = 1}, {3, 9, 7, 5}},  // Winograd's way
      {{.in = 8, .out = 8, .kernel = 3, .padding = 2, .bias = false}, {2, 8, 3, 6}},
      {{.in = 17, .out = 19, .kernel = 3, .padding = 1}, {3, 17, 7, 12}},  // in tiles of 4 x 4
      {{.in = 16, .out = 33, .kernel = 3, .padding = 2}, {1, 16, 9, 5}},
      {{.in = 6, .out = 9, .kernel = 1}, {3, 6, 5, 7}},  // planes are read where they are
      {{.in = 5, .out = 18, .kernel = 1, .bias = false}, {19, 5, 4, 8}},
      {{.in = 6, .out = 4, .kernel = 1, .groups = 2}, {2, 6, 4, 8}},
      {{.in = 33, .out = 16, .kernel = 3, .bias = false}, {18, 33, 6, 5}},
  };
}

}  // namespace test
