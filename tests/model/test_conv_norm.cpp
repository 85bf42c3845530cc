// SPDX-License-Identifier: MIT
//
// Convolutions with batch normalisation as one step, beside the layers one by one.
#include "fovea/fused/conv_norm.hpp"
#include "support.hpp"

using namespace test;

namespace conv_norm_tests {
namespace {

/// All that a training step leaves, running values too.
template <class T, class Net>
StepNumbers<T> one_step(Net& net, Workspace<Net>& w, const Tensor<T, 4>& x, Mode mode) {
  auto all = training_step(net, w, x, mode);
  if (mode == Mode::train) net.commit_buffers(w);
  net.for_each_state([&](auto, auto b) { all.emplace_back(b.begin(), b.end()); });
  return all;
}

template <class T>
void check_close(const StepNumbers<T>& got, const StepNumbers<T>& expected, double limit) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    CAPTURE(k);
    REQUIRE(got[k].size() == expected[k].size());
    double most = sizeof(T) == 4 ? 1 : 0.05, error = 0;  // the sum of du is 0
    for (std::size_t i = 0; i < got[k].size(); ++i) {
      most = std::max(most, std::abs(static_cast<double>(expected[k][i])));
      error = std::max(error, std::abs(static_cast<double>(got[k][i] - expected[k][i])));
    }
    CHECK(error <= most * limit);
  }
}

/// Parameters and running values that are not those that a network begins with.
template <class T>
void stir(auto& net) {
  Rng rng{8};
  net.for_each_state([&](auto, auto state) {
    for (T& v : state) v += static_cast<T>(rng.uniform(0, 0.3));
  });
}

/// A branch of two stages and what follows.
template <class T, class Activation>
auto network(Index C, Index O, Index padding, bool bias, Index H, Index W, bool frozen,
             const Activation& activation) {
  Rng rng{7};
  auto net = sequential<T>(
      Shape{C, H, W}, rng, conv2d({.out = O, .kernel = 3, .padding = padding, .bias = bias}),
      batch_norm2d({.frozen = frozen}), activation,
      conv2d({.out = 2 * O, .kernel = 3, .padding = 1, .bias = bias}),
      batch_norm2d({.affine = bias, .frozen = frozen}), global_avg_pool2d, flatten, linear(3));
  stir<T>(net);
  return net;
}

/// One step of this network with any number of threads, beside one of its layers one by one.
template <class T, class Net>
void compare(const Net& fresh, Index N, Mode mode, const std::string& steps) {
  auto net = fresh;
  const Shape<3> image = net.input_shape();
  const Shape x_shape{N, image[0], image[1], image[2]};
  CAPTURE(concat(x_shape, " ", steps));
  const auto x = random_tensor<T>(x_shape, 3);
  auto alone = net.workspace(N, {.input_gradient = true, .threads = 1, .fuse = false});
  const auto expected = one_step(net, alone, x, mode);
  StepNumbers<T> first;
  for (const int threads : {1, 2, 3, 7})
    for (const bool recompute : {false, true}) {
      net = fresh;
      auto w = net.workspace(N + 2,
                             {.input_gradient = true, .threads = threads, .recompute = recompute});
      REQUIRE(w.plan().step_name(0) == steps);
      const auto got = one_step(net, w, x, mode);
      if (first.empty()) first = got;
      CHECK(got == first);
    }
  check_close(first, expected, sizeof(T) == 4 ? 2e-4 : 1e-10);
}
template <class T, class Activation>
void compare(Index C, Index O, Index padding, bool bias, Index H, Index W, Index N, Mode mode,
             bool frozen, const Activation& activation) {
  const auto net = network<T>(C, O, padding, bias, H, W, frozen, activation);
  const auto w = net.workspace(1, {.fuse = false});
  std::string steps;
  for (std::size_t s = 0; s < 5; ++s) steps += (s > 0 ? " " : "") + w.plan().step_name(s);
  compare<T>(net, N, mode, steps);
}

TEST_CASE("conv_norm: y, gradients and running values are those of the layers, with any threads") {
  for (const bool bias : {false, true}) {
    compare<double>(8, 16, 1, bias, 9, 12, 3, Mode::train, false, relu);
    compare<double>(24, 32, 0, bias, 31, 31, 2, Mode::train, false, gelu);
    compare<double>(17, 48, 2, bias, 2, 5, 19, Mode::train, false, leaky_relu);
    compare<double>(9, 16, 1, bias, 1, 3, 18, Mode::train, false, silu);
    compare<float>(24, 64, 1, bias, 50, 41, 5, Mode::train, false, relu);
    compare<float>(64, 256, 1, bias, 15, 15, 3, Mode::train, false, gelu);
    compare<float>(64, 32, 1, bias, 7, 7, 40, Mode::train, false, relu);
  }
}

TEST_CASE("conv_norm: with running values, in eval mode and where they are frozen") {
  compare<double>(8, 16, 1, true, 9, 12, 3, Mode::eval, false, relu);
  compare<double>(8, 16, 1, true, 9, 12, 3, Mode::train, true, gelu);
  compare<float>(16, 32, 1, false, 16, 16, 20, Mode::eval, false, hardswish);
}

/// A residual of one, two or three stages.
template <class T>
void compare_residuals(Index C, Index H, Index W, Index N, Mode mode) {
  Rng rng{7};
  const auto conv = conv2d({.out = C, .kernel = 3, .padding = 1});
  const auto bare = conv2d({.out = C, .kernel = 3, .padding = 1, .bias = false});
  const auto bn = batch_norm2d();
  const auto check = [&](auto net, const std::string& steps) {
    stir<T>(net);
    compare<T>(net, N, mode, steps);
  };
  const Shape x{C, H, W};
  check(sequential<T>(x, rng, residual(conv, bn, relu, bare, bn), relu, global_avg_pool2d),
        "residual1.f.conv1 residual1.f.bn1 residual1.f.relu1 residual1.f.conv2 residual1.f.bn2 "
        "residual1.add relu1");
  check(sequential<T>(x, rng, residual(conv, bn), relu, conv),
        "residual1.f.conv1 residual1.f.bn1 residual1.add relu1");
  check(sequential<T>(x, rng, residual(bare, bn, gelu, bare, bn, bare, bn, gelu), relu, gelu),
        "residual1.f.conv1 residual1.f.bn1 residual1.f.gelu1 residual1.f.conv2 residual1.f.bn2 "
        "residual1.f.conv3 residual1.f.bn3 residual1.f.gelu2");
  check(sequential<T>(x, rng, residual(bare, bn, gelu, conv, bn, bare, bn), relu, gelu),
        "residual1.f.conv1 residual1.f.bn1 residual1.f.gelu1 residual1.f.conv2 residual1.f.bn2 "
        "residual1.f.conv3 residual1.f.bn3 residual1.add relu1");
  // The input of the block has another reader, before it and after it.
  check(sequential<T>(x, rng, residual(conv, bn, relu, conv, bn), gelu, residual(relu), conv),
        "residual1.f.conv1 residual1.f.bn1 residual1.f.relu1 residual1.f.conv2 residual1.f.bn2 "
        "residual1.add");
}

TEST_CASE("conv_norm: residual blocks") {
  compare_residuals<double>(16, 9, 12, 3, Mode::train);
  compare_residuals<double>(16, 9, 12, 3, Mode::eval);
  compare_residuals<double>(32, 3, 2, 18, Mode::train);
  compare_residuals<float>(64, 23, 41, 5, Mode::train);
}

TEST_CASE("conv_norm: a value that two blocks and a third layer read") {
  Rng rng{3};
  Network<double> net;
  const auto x = net.input(Shape{16, 10, 10});
  const auto block = [&] {
    return Residual{Conv2d<double>{{.in = 16, .out = 16, .kernel = 3, .padding = 1}, rng},
                    BatchNorm2d<double>{{.channels = 16}}};
  };
  const auto a = net.add(block(), x), b = net.add(block(), x);
  net.add(Add{}, net.add(Add{}, a, b), x);
  const auto images = random_tensor<double>(Shape{3, 16, 10, 10}, 3);
  const auto step = [&](Workspace<Network<double>>& w) {
    StepNumbers<double> all;
    const auto y = net.forward(AnyView<const double>{images.data(), images.shape()}, w);
    all.emplace_back(y.data, y.data + y.extents.size());
    std::fill_n(w.output_gradient().data, y.extents.size(), 0.5);
    net.backward(w);
    net.for_each_parameter(w,
                           [&](auto, auto g) { all.emplace_back(g.data(), g.data() + g.size()); });
    const auto dx = w.input_gradient();
    all.emplace_back(dx.data, dx.data + dx.extents.size());
    return all;
  };
  auto alone = net.workspace(3, {.input_gradient = true, .fuse = false});
  auto w = net.workspace(3, {.input_gradient = true});
  REQUIRE(w.plan().step_name(0) == "residual1.f.conv1 residual1.f.bn1 residual1.add");
  check_close(step(w), step(alone), 1e-11);
}

TEST_CASE("conv_norm: a prediction, after any stage too, and without gradients of parameters") {
  auto net = network<double>(8, 16, 1, true, 13, 12, false, relu);
  const auto x = random_tensor<double>(Shape{5, 8, 13, 12}, 3);
  auto alone = net.workspace(5, {.keep = Keep::everything, .threads = 2});
  const auto apart = [](const auto& a, const auto& b) {
    REQUIRE(a.shape() == b.shape());
    double most = 0;
    for (Index i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a.data()[i] - b.data()[i]));
    return most;
  };
  const Tensor<double, 2> expected(net.forward(x, alone, Mode::eval));
  auto w = net.workspace(5, {.keep = Keep::output, .threads = 2});
  REQUIRE(w.plan().step_name(0) == "conv1 bn1 relu1 conv2 bn2");
  CHECK(apart(net.forward(x, w), expected) < 1e-12);
  CHECK(apart(net.template forward_after<2>(alone.template activation<2>(), w), expected) < 1e-12);
  CHECK_THROWS_WITH_AS(net.template forward_after<1>(alone.template activation<1>(), w),
                       doctest::Contains("runs as one with its neighbours"), Error);

  auto attack =
      net.workspace(5, {.input_gradient = true, .parameter_gradients = false, .threads = 2});
  net.forward(x, attack, Mode::eval);
  net.forward(x, alone, Mode::eval);
  for (auto* each : {&attack, &alone}) {
    each->output_gradient().fill(1);
    net.backward(*each);
  }
  auto whole = net.workspace(5, {.input_gradient = true, .threads = 1, .fuse = false});
  net.forward(x, whole, Mode::eval);
  whole.output_gradient().fill(1);
  net.backward(whole);
  CHECK(apart(attack.input_gradient(), whole.input_gradient()) < 1e-12);
}

TEST_CASE("conv_norm: frozen blocks have the statistics of prediction, however they are run") {
  Rng rng{5};
  const auto conv = conv2d({.out = 16, .kernel = 3, .padding = 1, .bias = false});
  auto fresh = sequential<double>(Shape{16, 9, 8}, rng, conv, batch_norm2d(), relu, conv,
                                  batch_norm2d(), relu, residual(conv, batch_norm2d()),
                                  global_avg_pool2d, flatten, linear(3));
  stir<double>(fresh);
  const auto frozen = [](std::string_view name) { return !name.starts_with("fc"); };
  const auto x = random_tensor<double>(Shape{6, 16, 9, 8}, 3);
  StepNumbers<double> first;
  for (const bool fuse : {false, true})
    for (const bool recompute : {false, true}) {
      auto net = fresh;
      auto w =
          net.workspace(6, {.threads = 2, .fuse = fuse, .recompute = recompute, .frozen = frozen});
      StepNumbers<double> all;
      const auto keep = [&](const auto& y) { all.emplace_back(y.begin(), y.end()); };
      keep(net.forward(x, w));
      w.output_gradient().fill(1);
      net.backward(w);
      net.for_each_parameter(w, [&](auto, auto g) { keep(g); });
      keep(net.forward_after<2>(random_tensor<double>(Shape{6, 16, 9, 8}, 9), w));
      net.commit_buffers(w);
      net.for_each_state([&](auto, auto state) { keep(state); });
      if (first.empty()) first = all;
      check_close(all, first, 1e-11);
    }
}

TEST_CASE("conv_norm: mistakes are named by the layer that they are in") {
  Rng rng{5};
  auto net =
      sequential<float>(Shape{16, 3, 3}, rng, conv2d({.out = 16, .kernel = 3, .padding = 1}),
                        batch_norm2d(), relu, conv2d({.out = 16, .kernel = 3}), batch_norm2d());
  auto w = net.workspace(2);
  CHECK(contains(error_of([&] {
                   net.forward(random_tensor<float>(Shape{1, 16, 3, 3}, 1), w);
                 }),
                 "bn2: expected at least two numbers of each channel in a batch of training"));
  std::get<4>(net.layers()).options.statistics = Statistics::chunk;
  CHECK(contains(error_of([&] {
                   net.forward(random_tensor<float>(Shape{2, 16, 3, 3}, 1), w);
                 }),
                 "bn2: expected statistics of the batch, as when this workspace was made"));
}

TEST_CASE("conv_norm: which layers it takes") {
  Rng rng{1};
  const auto steps = [](const auto& net) {
    const auto w = net.workspace(4);
    std::string all;
    for (std::size_t s = 0; s < w.plan().step_count(); ++s) all += w.plan().step_name(s) + "; ";
    return all;
  };
  const auto conv = conv2d({.out = 16, .kernel = 3, .padding = 1});
  const Shape x{16, 8, 8};
  CHECK(steps(sequential<float>(x, rng, residual(conv, batch_norm2d(), relu, conv, batch_norm2d()),
                                relu)) ==
        "residual1.f.conv1 residual1.f.bn1 residual1.f.relu1 residual1.f.conv2 residual1.f.bn2 "
        "residual1.add relu1; ");
  // Statistics of chunks, other kernels, and an activation of another group.
  CHECK(steps(sequential<float>(x, rng, conv, batch_norm2d({.statistics = Statistics::chunk}),
                                relu)) == "conv1; bn1 relu1; ");
  CHECK(steps(sequential<float>(x, rng, conv2d({.out = 16, .kernel = 5}), batch_norm2d(), relu)) ==
        "conv1; bn1 relu1; ");
  CHECK(steps(sequential<float>(x, rng, conv2d({.out = 24, .kernel = 3}), batch_norm2d(), relu)) ==
        "conv1; bn1 relu1; ");
  CHECK(steps(sequential<float>(x, rng, conv, batch_norm2d(), gelu, conv, batch_norm2d(), relu)) ==
        "conv1 bn1 gelu1; conv2 bn2 relu1; ");
  CHECK(steps(sequential<float>(x, rng, conv, batch_norm2d(), max_pool2d(2), relu)) ==
        "conv1 bn1; pool1; relu1; ");
}

}  // namespace
}  // namespace conv_norm_tests
