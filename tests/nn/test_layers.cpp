// SPDX-License-Identifier: MIT
#include <limits>
#include <numeric>

#include "fovea/nn/reference/linear.hpp"
#include "support.hpp"

using namespace test;

namespace {

constexpr double gradient_tolerance = 1e-6;

void check_gradients(const GradientCheck& result) {
  CAPTURE(to_string(result));
  CHECK(result.max_error <= gradient_tolerance);
  CHECK(result.min_largest > 1e-3);  // a gradient of zeros would check nothing
}

}  // namespace

TEST_CASE("conv2d: forward agrees with the formula") {
  for (const auto& [options, shape] : conv_cases()) {
    Rng rng{3}, again{3};
    const Conv2d<double> conv(options, rng);
    const Conv2d<float> small(options, again);
    const auto x = random_tensor<double>(shape, 4);
    const auto xf = map(x, [](double v) { return static_cast<float>(v); });
    const Sequential net{Shape{shape[1], shape[2], shape[3]}, conv};
    const Sequential net_f{Shape{shape[1], shape[2], shape[3]}, small};
    CHECK(relative_error(net.predict(x), slow_conv<double>(x, conv)) <= 1e-14);
    CHECK(relative_error(net_f.predict(xf), slow_conv<float>(xf, small)) <= 1e-5);
  }
}

TEST_CASE("conv2d: backward agrees with the formula") {
  for (const auto& [options, shape] : conv_cases()) {
    Rng rng{3};
    const Conv2d<double> conv(options, rng);
    auto pass = conv.pass(shape, {.threads = 1});
    const auto x = random_tensor<double>(shape, 4);
    const auto dy = random_tensor<double>(conv.output_shape(shape), 5);
    Tensor<double, 4> dx(shape), dx_slow(shape), dweight(conv.weight.shape());
    Tensor<double, 1> dbias(conv.bias.shape());
    conv.backward(x, dy, dy, dx, pass, Context{.threads = 1});
    reference::conv2d_backward<double>(x, conv.weight, dy, conv.window(), options.groups, dweight,
                                       dbias, dx_slow);
    CHECK(relative_error(dx, dx_slow) <= 1e-14);
    CHECK(relative_error(pass.dweight, dweight) <= 1e-14);
    if (options.bias) CHECK(relative_error(pass.dbias, dbias) <= 1e-14);
  }
}

TEST_CASE("linear: forward and backward agree with the formula") {
  Rng rng{3};
  for (const bool bias : {true, false}) {
    const Linear<double> linear({.in = 19, .out = 7, .bias = bias}, rng);
    auto pass = linear.pass(Shape<2>(5, 19), {.threads = 1});
    const auto x = random_tensor<double>(Shape<2>(5, 19), 4);
    const auto dy = random_tensor<double>(Shape<2>(5, 7), 5);
    Tensor<double, 2> y(dy.shape()), y_slow(dy.shape()), dx(x.shape()), dx_slow(x.shape());
    Tensor<double, 2> dweight(linear.weight.shape());
    Tensor<double, 1> dbias(linear.bias.shape());
    linear.forward(x, y, pass, Context{.threads = 1});
    reference::linear<double>(x, linear.weight, linear.bias, y_slow);
    linear.backward(x, y, dy, dx, pass, Context{.threads = 1});
    reference::linear_backward<double>(x, linear.weight, dy, dweight, dbias, dx_slow);
    CHECK(relative_error(y, y_slow) <= 1e-14);
    CHECK(relative_error(dx, dx_slow) <= 1e-14);
    CHECK(relative_error(pass.dweight, dweight) <= 1e-14);
    if (bias) CHECK(relative_error(pass.dbias, dbias) <= 1e-14);
  }
}

TEST_CASE("conv2d: what is larger than L2's share is worked on in parts") {
  // Odd numbers of rows and outputs; 5 x 120 x 119 doubles and 17 planes of dy are 570 KB and 1.9 MB. Of the
  // last one both the images and Winograd's weights are too large.
  for (const auto& [options, shape] : std::vector<ConvCase>{
           {{.in = 5, .out = 17, .kernel = 2}, {1, 5, 120, 119}},
           {{.in = 5, .out = 9, .kernel = 3, .stride = 2, .padding = 1}, {1, 5, 120, 119}},
           {{.in = 70, .out = 130, .kernel = 3, .padding = 1}, {2, 70, 9, 69}},
           {{.in = 520, .out = 521, .kernel = 3, .padding = 1}, {1, 520, 4, 3}}}) {
    Rng rng{3};
    const Conv2d<double> conv(options, rng);
    const auto x = random_tensor<double>(shape, 4);
    const Sequential net{Shape{shape[1], shape[2], shape[3]}, conv};
    CHECK(relative_error(net.predict(x, 3), slow_conv<double>(x, conv)) <= 3e-14);  // 4680 terms

    // dx by the definition of the adjoint: <dy, conv(v)> = <dx, v>, without the bias.
    auto workspace = net.workspace(shape[0], {.input_gradient = true, .threads = 2});
    const auto dy = random_tensor<double>(net.forward(x, workspace).shape(), 5);
    std::copy(dy.begin(), dy.end(), workspace.output_gradient().begin());
    net.backward(workspace);
    const auto direction = random_tensor<double>(x.shape(), 6);
    auto unbiased = conv;
    unbiased.bias.fill(0);
    const auto y = slow_conv<double>(direction, unbiased);
    const auto dx = workspace.input_gradient();
    const double out = std::inner_product(y.begin(), y.end(), dy.begin(), 0.0);
    const double in = std::inner_product(dx.begin(), dx.end(), direction.begin(), 0.0);
    CHECK(std::abs(out - in) <= 1e-11 * std::abs(out));
  }
}

TEST_CASE("conv2d: dW of 65536 numbers without a bias has the memory that it takes") {
  // More numbers than that are added up by fewer threads at once, and one for each bias was counted.
  Rng rng{3};
  const Conv2d<double> conv({.in = 256, .out = 256, .kernel = 1, .bias = false}, rng);
  const Shape shape{17, 256, 2, 3};
  auto pass = conv.pass(shape, {.threads = 1});
  // More than it asks for, so that what it must not touch can be looked at.
  auto size = pass.kernel.scratch(true, true);
  const Index asked = size.shared + size.each;
  size.each += 1'000'000;
  pass.scratch = {1, size};
  std::fill(pass.scratch.flat().begin(), pass.scratch.flat().end(), 7);
  const auto x = random_tensor<double>(shape, 4), dy = random_tensor<double>(shape, 5);
  Tensor<double, 4> dx(shape), dx_slow(shape), dweight(conv.weight.shape());
  Tensor<double, 1> dbias;
  conv.backward(x, dy, dy, dx, pass, Context{.threads = 1});
  reference::conv2d_backward<double>(x, conv.weight, dy, conv.window(), 1, dweight, dbias, dx_slow);
  const auto beyond = pass.scratch.flat().subspan(static_cast<std::size_t>(asked) + 64);
  CHECK(std::all_of(beyond.begin(), beyond.end(), [](double v) { return exactly_equal(v, 7); }));
  CHECK(relative_error(pass.dweight, dweight) <= 1e-14);
}

TEST_CASE("conv2d: rounding errors are as the pages of Winograd's algorithm say") {
  // Root mean square of the error, over that of the numbers.
  const auto rms = [](const auto& x, const auto& exact) {
    double error = 0, size = 0;
    for (Index i = 0; i < x.size(); ++i) {
      const double e = static_cast<double>(x.data()[i]) - exact.data()[i];
      error += e * e, size += exact.data()[i] * exact.data()[i];
    }
    return std::sqrt(error / size);
  };
  const auto normal = [](auto tensor, std::uint64_t seed) {
    Rng rng{seed};
    for (auto& x : tensor) x = static_cast<float>(rng.normal());  // the same in float and double
    return tensor;
  };
  struct Case {
    Index channels;  // 15: tiles of 2 x 2, 64: of 4 x 4
    double limit;
  };
  for (const Case& c : {Case{15, 3e-7}, Case{64, 1e-6}}) {
    const Index channels = c.channels;
    const double limit = c.limit;
    CAPTURE(channels);
    Rng rng{3};
    const Conv2d<float> conv({.in = channels, .out = channels, .kernel = 3, .padding = 1}, rng);
    const Shape shape{16, channels, 16, 16};
    auto pass = conv.pass(shape, {.threads = 1});
    const auto x = normal(Tensor<float, 4>(shape), 4), dy = normal(Tensor<float, 4>(shape), 5);
    Tensor<float, 4> y(shape), dx(shape);
    conv.forward(x, y, pass, Context{.threads = 1});
    conv.backward(x, y, dy, dx, pass, Context{.threads = 1});
    const auto exact = [](const auto& t) {
      return map(t, [](float v) { return static_cast<double>(v); });
    };
    Tensor<double, 4> y_exact(shape), dx_exact(shape), dweight(conv.weight.shape());
    Tensor<double, 1> dbias(conv.bias.shape());
    const auto w = exact(conv.weight), X = exact(x), DY = exact(dy);
    reference::conv2d<double>(X, w, exact(conv.bias), conv.window(), 1, y_exact);
    reference::conv2d_backward<double>(X, w, DY, conv.window(), 1, dweight, dbias, dx_exact);
    CHECK(rms(y, y_exact) < limit);
    CHECK(rms(dx, dx_exact) < limit);
    CHECK(rms(pass.dweight, dweight) < limit);
    CHECK(rms(y, y_exact) > limit / 10);  // or the case does not take the way that it is about
  }
}

TEST_CASE("conv2d: gradients, every option, a layer before and one after") {
  for (const auto& [options, shape] : conv_cases()) {
    Rng rng{5};
    check_gradients(gradient_check(Conv2d<double>(options, rng), shape, {.threads = 2}));
  }
  Rng rng{6};
  const Sequential net{Shape{2, 9, 7}, Conv2d<double>{{.in = 2, .out = 3, .kernel = 3}, rng},
                       Conv2d<double>{{.in = 3, .out = 4, .kernel = 2, .stride = 2}, rng},
                       Conv2d<double>{{.in = 4, .out = 2, .kernel = 1}, rng}};
  check_gradients(gradient_check(net, random_tensor<double>(Shape{3, 2, 9, 7}, 7)));
}

TEST_CASE("conv2d: mistakes are error messages") {
  Rng rng{1};
  const auto make = [&](const Conv2dOptions& o) {
    return error_of([&] { Conv2d<float>(o, rng); });
  };
  CHECK(contains(make({.in = 0, .out = 3}), "channels"));
  CHECK(contains(make({.in = 4, .out = 6, .groups = 3}), "groups that divide 4 and 6, got 3"));
  CHECK(contains(make({.in = 1, .out = 1, .kernel = 0}),
                 "Conv2d: kernel: expected 1 or more, got 0"));
  CHECK(
      contains(make({.in = 1, .out = 1, .stride = {1, 0}}), "stride: expected 1 or more, got 1x0"));
  CHECK(contains(make({.in = 1, .out = 1, .padding = -1}), "padding"));
  CHECK(contains(make({.in = 1, .out = 1, .dilation = 0}), "dilation"));
  const auto net = [&](Shape<3> input) {
    return error_of([&] {
      Sequential{input, Conv2d<float>{{.in = 2, .out = 3, .kernel = 5}, rng}};
    });
  };
  CHECK(contains(net({1, 9, 9}), "conv1: expected (N, 2, H, W), got (1, 1, 9, 9)"));
  CHECK(contains(net({2, 4, 9}), "conv1: a kernel of 5 does not fit into (1, 2, 4, 9)"));
  CHECK(net({2, 5, 5}) == "");
}

TEST_CASE("initialisers: bounds and spread") {
  Rng rng{1};
  const Conv2d<double> conv({.in = 8, .out = 30, .kernel = 3, .groups = 2}, rng);
  const double bound = 1 / std::sqrt(4.0 * 9);
  CHECK(max(map(conv.weight, [](double w) { return std::abs(w); })) <= bound);
  CHECK(max(map(conv.weight, [](double w) { return std::abs(w); })) > 0.98 * bound);
  CHECK(std::abs(mean(conv.weight)) < 0.05 * bound);
  CHECK(max(map(conv.bias, [](double w) { return std::abs(w); })) <= bound);
  CHECK(max(map(conv.bias, [](double w) { return std::abs(w); })) > 0.5 * bound);

  const Linear<double> linear({.in = 40, .out = 50, .init = Init::xavier_uniform}, rng);
  const double glorot = std::sqrt(6.0 / 90);
  CHECK(max(linear.weight) <= glorot);
  CHECK(max(linear.weight) > 0.98 * glorot);
  CHECK(max(linear.weight) > bound);  // not the other initialiser
  for (const double b : linear.bias) CHECK(b == 0);
}

TEST_CASE("max_pool2d: windows, ties, padding, NaN") {
  const Tensor<float, 4> x{{{{1, 2, 2, 0, 9}, {2, 0, 2, 1, 9}, {5, 5, -1, -2, 9}}}};
  const Sequential net{Shape{1, 3, 5}, MaxPool2d{{.kernel = 2}}};
  auto workspace = net.workspace(1);
  const auto y = net.forward(x, workspace);
  CHECK(y.shape() == Shape{1, 1, 1, 2});
  CHECK(y(0, 0, 0, 0) == 2);
  CHECK(workspace.layer<0>().winner(0, 0, 0, 0) == 1);  // the first 2 in raster order
  CHECK(workspace.layer<0>().winner(0, 0, 0, 1) == 2);

  const Sequential padded{Shape{1, 3, 5}, MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}}};
  const auto z = padded.predict(1 - x);
  CHECK(to_string(z[0][0]) == "{{1, 1, 1},\n {1, 3, 3}}");

  constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                  inf = std::numeric_limits<float>::infinity();
  const Tensor<float, 4> odd{
      {{{nan, 1, 1, 1}, {1, 1, 1, nan}, {-inf, -inf, 3, 4}, {-inf, -inf, 3, 3}}}};
  const auto o = Sequential{Shape{1, 4, 4}, MaxPool2d{{.kernel = 2}}}.predict(odd);
  CHECK(std::isnan(o(0, 0, 0, 0)));
  CHECK(std::isnan(o(0, 0, 0, 1)));
  CHECK(o(0, 0, 1, 0) == -inf);
  CHECK(o(0, 0, 1, 1) == 4);
}

TEST_CASE("max_pool2d: forward agrees with the formula, gradients are right") {
  for (const auto& [options, shape] : std::vector<std::pair<MaxPool2dOptions, Shape<4>>>{
           {{.kernel = 2}, {3, 2, 6, 8}},
           {{.kernel = 2}, {2, 3, 7, 5}},
           {{.kernel = {3, 2}, .stride = {1, 2}}, {2, 2, 6, 7}},
           {{.kernel = 3, .stride = 2, .padding = 1}, {2, 3, 9, 6}},
           {{.kernel = {1, 4}, .stride = 3, .padding = {0, 2}}, {1, 2, 5, 37}},
           {{.kernel = 5, .stride = 1, .padding = 2}, {2, 1, 3, 2}}}) {
    const MaxPool2d pool(options);
    const auto x = random_tensor<double>(shape, 9);
    const auto y =
        Sequential{Shape{shape[1], shape[2], shape[3]}, detail::Identity{}, pool}.predict(x);
    const auto [k, s, p, d] = pool.window();
    for (Index n = 0; n < shape[0]; ++n)
      for (Index c = 0; c < shape[1]; ++c)
        for (Index i = 0; i < y.extent(2); ++i)
          for (Index j = 0; j < y.extent(3); ++j) {
            double best = -2;
            for (Index h = i * s.h - p.h; h < i * s.h - p.h + k.h; ++h)
              for (Index w = j * s.w - p.w; w < j * s.w - p.w + k.w; ++w)
                if (0 <= h && h < shape[2] && 0 <= w && w < shape[3])
                  best = std::max(best, x(n, c, h, w));
            CHECK(y(n, c, i, j) == best);
          }
    check_gradients(gradient_check(pool, shape, {.threads = 2}));
  }
  CHECK(contains(error_of([] { MaxPool2d{{.kernel = 2, .padding = 2}}; }), "half the kernel"));
  CHECK(contains(error_of([] {
                   Sequential{Shape{1, 2, 9}, MaxPool2d{{.kernel = 3}}};
                 }),
                 "pool1: a window"));
}

TEST_CASE("relu: values, kink, NaN, gradients") {
  const Tensor<float, 2> x{{-1, 0, 2}, {3, std::numeric_limits<float>::quiet_NaN(), -0.5f}};
  const Sequential net{Shape{3}, Relu{}};
  auto workspace = net.workspace(2, {.input_gradient = true});
  const auto y = net.forward(x, workspace);
  CHECK(y(0, 0) == 0);
  CHECK(y(0, 2) == 2);
  CHECK(std::isnan(y(1, 1)));
  workspace.output_gradient().fill(1);
  net.backward(workspace);
  CHECK(workspace.input_gradient()(0, 0) == 0);
  CHECK(workspace.input_gradient()(0, 1) == 0);
  CHECK(workspace.input_gradient()(0, 2) == 1);
  check_gradients(gradient_check(Relu{}, Shape{2, 3, 5}));
  // Longer than one block of work.
  const auto large = random_tensor<float>(Shape{3, 20000}, 1);
  const auto rectified = Sequential{Shape{20000}, Relu{}}.predict(large, 2);
  for (Index i = 0; i < large.size(); ++i)
    CHECK(rectified.begin()[i] == std::max(0.f, large.begin()[i]));
}

TEST_CASE("flatten and linear: values and gradients") {
  const Tensor<float, 3> x{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}};
  CHECK(to_string(Sequential{Shape{2, 2}, Flatten{}}.predict(x)) ==
        "{{1, 2, 3, 4},\n {5, 6, 7, 8}}");
  check_gradients(gradient_check(Flatten{}, Shape{2, 3, 4}));

  Rng rng{1};
  Sequential net{Shape{2}, Linear<float>{{.in = 2, .out = 3}, rng}};
  auto& [fc1] = net.layers();
  fc1.weight = {{1, 2}, {3, 4}, {5, 6}};
  fc1.bias = {10, 20, 30};
  CHECK(to_string(net.predict(Tensor<float, 2>{{1, 1}, {1, -1}})) ==
        "{{13, 27, 41},\n {9, 19, 29}}");
  check_gradients(
      gradient_check(Linear<double>{{.in = 5, .out = 130}, rng}, Shape{3, 5}, {.threads = 2}));
  check_gradients(
      gradient_check(Linear<double>{{.in = 70, .out = 2, .bias = false}, rng}, Shape{1, 70}));
  CHECK(contains(error_of([&] { Linear<float>({.in = 0, .out = 1}, rng); }), "features"));
  CHECK(contains(error_of([&] {
                   Sequential{Shape{4}, Linear<float>{{.in = 3, .out = 1}, rng}};
                 }),
                 "fc1: expected (N, 3), got (1, 4)"));
}

TEST_CASE("cross_entropy: value and gradient") {
  const Tensor<double, 2> z{{1, 2, 3}, {0, 0, 0}};
  const Tensor<Label, 1> labels{2, 0};
  Tensor<double, 2> dz(z.shape(), std::numeric_limits<double>::quiet_NaN());
  const double loss = cross_entropy(z, labels, dz);
  const double first = std::log(std::exp(1 - 3) + std::exp(2 - 3) + 1);
  CHECK(std::abs(loss - (first + std::log(3.0)) / 2) < 1e-15);
  Tensor<double, 2> moved = z, numeric(z.shape());
  for (Index i = 0; i < z.size(); ++i) {
    const double h = 1e-5;
    moved.begin()[i] = z.begin()[i] + h;
    const double above = cross_entropy(moved, labels);
    moved.begin()[i] = z.begin()[i] - h;
    numeric.begin()[i] = (above - cross_entropy(moved, labels)) / (2 * h);
    moved.begin()[i] = z.begin()[i];
  }
  CHECK(relative_error(dz, numeric) <= gradient_tolerance);
  for (Index n = 0; n < 2; ++n) CHECK(std::abs(sum(softmax(z)[n]) - 1) < 1e-15);
}

TEST_CASE_TEMPLATE("cross_entropy: label smoothing is a mean over targets", T, float, double) {
  Rng rng{3};
  const Index N = 5, K = 4;
  Tensor<T, 2> z(Shape{N, K}), dz(z.shape()), plain(z.shape()), expected(z.shape());
  fill_uniform<T>(z.flat(), 3.0, rng);
  const Tensor<Label, 1> labels{0, 3, 1, 1, 2};
  const double s = 0.3;
  // What one-hot targets give, weighted: 1 - s for the label and s / K for each class.
  double loss = (1 - s) * static_cast<double>(cross_entropy(z, labels, plain));
  for (Index i = 0; i < z.size(); ++i) expected.data()[i] = static_cast<T>(1 - s) * plain.data()[i];
  for (Label k = 0; k < K; ++k) {
    loss += s / K * static_cast<double>(cross_entropy(z, Tensor<Label, 1>(Shape{N}, k), plain));
    for (Index i = 0; i < z.size(); ++i)
      expected.data()[i] += static_cast<T>(s / K) * plain.data()[i];
  }
  const double tolerance = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
  CHECK(std::abs(static_cast<double>(cross_entropy(z, labels, dz, {.smoothing = s})) - loss) <
        tolerance * loss);
  CHECK(relative_error(dz, expected) < tolerance);
}

TEST_CASE_TEMPLATE("cross_entropy: stable for huge logits", T, float, double) {
  const Tensor<T, 2> z{{T(1e4), T(-1e4), 0}, {T(-1e4), T(-1e4), T(-1e4)}};
  const Tensor<Label, 1> labels{1, 2};
  Tensor<T, 2> dz(z.shape());
  const double loss = static_cast<double>(cross_entropy(z, labels, dz));
  CHECK(std::abs(loss - (2e4 + std::log(3.0)) / 2) < 1e-3);
  for (const T g : dz) CHECK(std::isfinite(g));
  CHECK(dz(0, 0) == T(0.5));
  CHECK(dz(0, 1) == T(-0.5));
}

TEST_CASE("cross_entropy: mistakes are error messages") {
  const Tensor<float, 2> z(Shape{2, 3});
  CHECK(contains(error_of([&] {
                   cross_entropy(z, Tensor<Label, 1>{0, 3});
                 }),
                 "[0, 3), got 3 at 1"));
  CHECK(contains(error_of([&] { cross_entropy(z, Tensor<Label, 1>{-1, 0}); }), "got -1 at 0"));
  CHECK(contains(error_of([&] { cross_entropy(z, Tensor<Label, 1>{0}); }),
                 "expected 2 labels, got 1"));
  CHECK(contains(error_of([&] {
                   cross_entropy(z, Tensor<Label, 1>{0, 1}, {}, {.smoothing = 1.0});
                 }),
                 "a smoothing in [0, 1), got 1"));
  Tensor<float, 2> wrong(Shape{1, 3});
  CHECK(contains(error_of([&] {
                   cross_entropy(z, Tensor<Label, 1>{0, 1}, wrong);
                 }),
                 "(2, 3), got (1, 3)"));
}
