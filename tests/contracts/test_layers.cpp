// SPDX-License-Identifier: MIT
#include "contracts/contracts.hpp"

using namespace contracts;

namespace {

// A fused block, a convolution by itself, a pool by itself, a fused and a plain linear layer.
auto network_to_change() {
  Rng rng{1};
  return Sequential{Shape{2, 9, 8},
                    Conv2d<float>{{.in = 2, .out = 4, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<float>{{.in = 4, .out = 6, .kernel = 3, .padding = 1, .groups = 2}, rng},
                    MaxPool2d{{.kernel = 2, .stride = 1}},
                    Flatten{},
                    Linear<float>{{.in = 54, .out = 7}, rng},
                    Relu{},
                    Linear<float>{{.in = 7, .out = 3}, rng}};
}
using NetToChange = decltype(network_to_change());

const Tensor<float, 4>& three_images() {
  static const auto x = random_tensor<float>(Shape{3, 2, 9, 8}, 2);
  return x;
}

// Rows in which `change` is done to a network, and every way to run it must tell.
void add_changed(std::vector<Row>& rows, const std::string& name,
                 std::function<void(NetToChange&)> change, const std::string& expected) {
  rows.push_back({name + ": predict",
                  [=] {
                    NetToChange net = network_to_change();
                    change(net);
                    net.predict(three_images());
                  },
                  expected});
  for (const bool fuse : {true, false}) {
    const std::string how = fuse ? "" : ", layer by layer";
    rows.push_back({name + ": a workspace" + how,
                    [=] {
                      NetToChange net = network_to_change();
                      change(net);
                      net.workspace(3, {.fuse = fuse});
                    },
                    expected});
    rows.push_back({name + ": forward" + how,
                    [=] {
                      NetToChange net = network_to_change();
                      auto w = net.workspace(3, {.fuse = fuse});
                      change(net);
                      net.forward(three_images(), w);
                    },
                    expected});
    rows.push_back({name + ": backward" + how,
                    [=] {
                      NetToChange net = network_to_change();
                      auto w = net.workspace(3, {.fuse = fuse});
                      net.forward(three_images(), w);
                      w.output_gradient().fill(1);
                      change(net);
                      net.backward(w);
                    },
                    expected});
  }
  rows.push_back({name + ": a predictor",
                  [=] {
                    NetToChange net = network_to_change();
                    change(net);
                    const Predictor predictor{net, 3};
                    auto scratch = predictor.scratch(1);
                    predictor(three_images(), scratch);
                  },
                  expected});
}

template <std::size_t i>
auto& layer_of(NetToChange& net) {
  return std::get<i>(net.layers());
}

}  // namespace

TEST_CASE("contracts: options that make no sense") {
  Rng rng{1};
  const auto conv = [&](const Conv2dOptions& o) { Conv2d<float>(o, rng); };
  const auto linear = [&](LinearOptions o) { Linear<float>(o, rng); };
  const auto pool = [](MaxPool2dOptions o) { MaxPool2d{o}; };
  run({
      {"no channels", [=] { conv({.in = 0, .out = 1}); },
       "channels in and out of 1 or more, got 0 and 1"},
      {"negative channels", [=] { conv({.in = 1, .out = -1}); }, "got 1 and -1"},
      {"no groups", [=] { conv({.in = 1, .out = 1, .groups = 0}); },
       "groups that divide 1 and 1, got 0"},
      {"negative groups", [=] { conv({.in = 2, .out = 2, .groups = -1}); }, "got -1"},
      {"groups that do not divide", [=] { conv({.in = 4, .out = 6, .groups = 4}); }, "got 4"},
      {"no kernel",
       [=] {
         conv({.in = 1, .out = 1, .kernel = {3, 0}});
       },
       "kernel: expected 1 or more, got 3x0"},
      {"no stride", [=] { conv({.in = 1, .out = 1, .stride = 0}); }, "stride: expected 1 or more"},
      {"negative padding", [=] { conv({.in = 1, .out = 1, .padding = -1}); },
       "padding: expected 0 or more"},
      {"no dilation", [=] { conv({.in = 1, .out = 1, .dilation = 0}); },
       "dilation: expected 1 or more"},
      {"a kernel beyond all limits", [=] { conv({.in = 1, .out = 1, .kernel = huge}); },
       "at most 2147483647"},
      {"a stride beyond all limits", [=] { conv({.in = 1, .out = 1, .stride = largest}); },
       "at most 2147483647"},
      {"a padding beyond all limits", [=] { conv({.in = 1, .out = 1, .padding = largest}); },
       "at most 2147483647"},
      {"a dilation beyond all limits", [=] { conv({.in = 1, .out = 1, .dilation = largest}); },
       "at most 2147483647"},
      {"a kernel larger than memory", [=] { conv({.in = 1, .out = 1, .kernel = largest_extent}); },
       "memory"},
      {"a product of channels and kernel that overflows",
       [=] { conv({.in = huge, .out = huge, .kernel = 3}); }, "does not fit into 63 bits"},
      {"no features", [=] { linear({.in = 0, .out = 1}); },
       "features in and out of 1 or more, got 0 and 1"},
      {"negative features", [=] { linear({.in = 1, .out = -1}); }, "got 1 and -1"},
      {"features that overflow", [=] { linear({.in = huge, .out = 4}); }, "63 bits"},
      {"a pool without kernel", [=] { pool({.kernel = 0}); }, "kernel: expected 1 or more"},
      {"a pool without stride in one direction",
       [=] {
         pool({.kernel = 2, .stride = {0, 1}});
       },
       "stride: expected 1 or more"},
      {"a pool with a negative stride", [=] { pool({.kernel = 2, .stride = -1}); },
       "stride: expected 1 or more"},
      {"a pool with much padding", [=] { pool({.kernel = 3, .padding = 2}); },
       "at most half the kernel, got 2 for 3"},
      {"a pool whose padding overflows", [=] { pool({.kernel = 2, .padding = huge}); },
       "at most 2147483647"},
      {"a pool beyond all limits", [=] { pool({.kernel = largest}); }, "at most 2147483647"},
  });
}

TEST_CASE("contracts: layers and images that do not fit together") {
  Rng rng{1};
  const auto conv = [&](Shape<3> x, Conv2dOptions o) {
    const Sequential net{x, Conv2d<float>(o, rng)};
    net.workspace(1);
  };
  const auto block = [&](Shape<3> x, Conv2dOptions o) {
    const Sequential net{x, Conv2d<float>(o, rng), Relu{}, MaxPool2d{{.kernel = 2}}};
    net.workspace(1);
  };
  const auto pool = [](Shape<3> x, MaxPool2dOptions o) {
    const Sequential net{x, MaxPool2d{o}};
    net.workspace(1);
  };
  const Index most = largest_extent;
  run({
      {"a kernel that does not fit",
       [=] {
         conv({1, 3, 9}, {.in = 1, .out = 1, .kernel = 4});
       },
       "conv1: a kernel of 4 does not fit into (1, 1, 3, 9)"},
      {"a dilated kernel that does not fit",
       [=] {
         conv({1, 9, 9}, {.in = 1, .out = 1, .kernel = 2, .dilation = most});
       },
       "a kernel of 2 does not fit"},
      {"a padding that makes it too large",
       [=] {
         conv({1, 9, 9}, {.in = 1, .out = 1, .padding = most / 2});
       },
       "with a padding of 1073741823 is too large"},
      {"a padding that makes a fused one too large",
       [=] {
         block({200, 9, 9}, {.in = 200, .out = 1, .kernel = 3, .padding = 2000});
       },
       "an image of (200, 9, 9) with a padding of 2000 is too large"},
      {"an output larger than 63 bits",
       [=] {
         conv({1, 9, 9}, {.in = 1, .out = 4, .padding = most});
       },
       "does not fit into 63 bits"},
      {"a dilation and a padding that just fit together",
       [=] {
         conv({1, 9, 9}, {.in = 1, .out = 1, .kernel = 2, .padding = most / 2, .dilation = most});
       },
       "too large"},
      {"a stride of thousands in as much padding",
       [=] {
         conv({1, 1, 1}, {.in = 1, .out = 1, .stride = 40001, .padding = 20000});
       },
       "too large"},
      {"an image beyond all limits",
       [=] {
         conv({1, huge, 1}, {.in = 1, .out = 1});
       },
       "an image of at most 2147483647 rows and columns"},
      {"a negative image",
       [=] {
         conv({1, -9, -9}, {.in = 1, .out = 1});
       },
       "got -9"},
      {"negative channels",
       [=] {
         conv({-1, 9, -9}, {.in = 1, .out = 1});
       },
       "expected"},
      {"other channels",
       [=] {
         conv({2, 9, 9}, {.in = 1, .out = 1});
       },
       "expected (N, 1, H, W), got (1, 2, 9, 9)"},
      {"a pool that does not fit",
       [=] {
         pool({1, 3, 3}, {.kernel = 4});
       },
       "pool1: a window of 4 does not fit"},
      {"a pool of an image too large for its winners",
       [=] {
         pool({1, most, 2}, {.kernel = 1});
       },
       "is too large"},
      {"a pool of an image beyond all limits",
       [=] {
         pool({1, 1, huge}, {.kernel = 1});
       },
       "an image of at most"},
      {"a batch beyond all limits", [] { network_to_change().workspace(huge); }, "63 bits"},
      {"a batch larger than memory", [] { network_to_change().workspace(Index{1} << 40); },
       "memory"},
      {"a stride that leads out of the image",
       [&] {
         for (const Index stride : {8, 9, 1000, 40000, 2147483647}) {
           const Conv2d<float> layer(
               {.in = 2, .out = 3, .kernel = {2, 3}, .stride = stride, .padding = 1}, rng);
           const auto x = random_tensor<float>(Shape{2, 2, 5, 6}, 3);
           const Sequential net{Shape{2, 5, 6}, layer};
           CHECK(relative_error(net.predict(x), slow_conv<float>(x, layer)) <= 1e-6);
         }
         for (const Index stride : {3, 8, 2147483647}) {
           const Conv2d<double> layer(
               {.in = 2, .out = 3, .kernel = {2, 3}, .stride = stride, .padding = 1}, rng);
           CHECK(gradient_check(layer, Shape{2, 2, 5, 6}).max_error <= 1e-6);
         }
       },
       {}},
  });
}

TEST_CASE("contracts: weights and options assigned after a network was made") {
  std::vector<Row> rows;
  add_changed(
      rows, "a larger kernel in the weight",
      [](NetToChange& net) {
        layer_of<0>(net).weight = Tensor<float, 4>(Shape{4, 2, 5, 5});
      },
      "Conv2d: expected a weight (4, 2, 3, 3) and a bias of 4 numbers for these options, got "
      "(4, 2, 5, 5) and 4");
  add_changed(
      rows, "fewer filters in the weight",
      [](NetToChange& net) {
        layer_of<3>(net).weight = Tensor<float, 4>(Shape{5, 2, 3, 3});
      },
      "expected a weight (6, 2, 3, 3)");
  add_changed(
      rows, "no weight", [](NetToChange& net) { layer_of<3>(net).weight = {}; },
      "got (0, 0, 0, 0) and 6");
  add_changed(
      rows, "a weight moved away",
      [](NetToChange& net) { const auto stolen = std::move(layer_of<0>(net).weight); },
      "got (0, 0, 0, 0)");
  add_changed(
      rows, "a layer moved away",
      [](NetToChange& net) { const auto stolen = std::move(layer_of<0>(net)); },
      "got (0, 0, 0, 0)");
  add_changed(
      rows, "a shorter bias",
      [](NetToChange& net) { layer_of<0>(net).bias = Tensor<float, 1>(Shape{3}); },
      "a bias of 4 numbers for these options, got (4, 2, 3, 3) and 3");
  add_changed(
      rows, "no bias", [](NetToChange& net) { layer_of<3>(net).bias = {}; },
      "and a bias of 6 numbers");
  add_changed(
      rows, "bias: false", [](NetToChange& net) { layer_of<3>(net).options.bias = false; },
      "and a bias of 0 numbers");
  add_changed(
      rows, "other channels", [](NetToChange& net) { layer_of<3>(net).options.in = 8; },
      "expected a weight (6, 4, 3, 3)");
  add_changed(
      rows, "other filters", [](NetToChange& net) { layer_of<0>(net).options.out = 5; },
      "expected a weight (5, 2, 3, 3)");
  add_changed(
      rows, "no groups", [](NetToChange& net) { layer_of<3>(net).options.groups = 0; },
      "groups that divide 4 and 6, got 0");
  add_changed(
      rows, "another number of groups",
      [](NetToChange& net) { layer_of<3>(net).options.groups = 1; },
      "expected a weight (6, 4, 3, 3)");
  add_changed(
      rows, "a larger kernel", [](NetToChange& net) { layer_of<0>(net).options.kernel = 5; },
      "expected a weight (4, 2, 5, 5)");
  add_changed(
      rows, "no stride", [](NetToChange& net) { layer_of<0>(net).options.stride = 0; },
      "stride: expected 1 or more");
  add_changed(
      rows, "another stride", [](NetToChange& net) { layer_of<0>(net).options.stride = 2; },
      "expected");
  add_changed(
      rows, "more padding", [](NetToChange& net) { layer_of<3>(net).options.padding = 2; },
      "expected");
  add_changed(
      rows, "a padding beyond all limits",
      [](NetToChange& net) { layer_of<0>(net).options.padding = largest; }, "at most 2147483647");
  add_changed(
      rows, "a pool without kernel", [](NetToChange& net) { layer_of<2>(net).options.kernel = 0; },
      "kernel: expected 1 or more");
  add_changed(
      rows, "a pool with much padding",
      [](NetToChange& net) { layer_of<4>(net).options.padding = 2; }, "at most half the kernel");
  add_changed(
      rows, "a pool with a larger window",
      [](NetToChange& net) { layer_of<4>(net).options.kernel = 3; }, "expected (N, 54), got (");
  add_changed(
      rows, "a wider weight",
      [](NetToChange& net) {
        layer_of<6>(net).weight = Tensor<float, 2>(Shape{7, 55});
      },
      "Linear: expected a weight (7, 54) and a bias of 7 numbers for these options, got "
      "(7, 55) and 7");
  add_changed(
      rows, "a transposed weight",
      [](NetToChange& net) {
        layer_of<8>(net).weight = Tensor<float, 2>(Shape{7, 3});
      },
      "expected a weight (3, 7)");
  add_changed(
      rows, "a longer bias of a linear layer",
      [](NetToChange& net) { layer_of<8>(net).bias = Tensor<float, 1>(Shape{4}); },
      "a bias of 3 numbers");
  add_changed(
      rows, "other features", [](NetToChange& net) { layer_of<6>(net).options.out = 8; },
      "expected a weight (8, 54)");
  add_changed(
      rows, "no features", [](NetToChange& net) { layer_of<8>(net).options.in = 0; },
      "features in and out of 1 or more, got 0");
  run(rows);
}

TEST_CASE("contracts: a layer called by itself with views and a Pass that do not fit") {
  Rng rng{1};
  const Context context{.threads = 2};
  const Conv2d<float> conv{{.in = 2, .out = 4, .kernel = 3}, rng};
  const Linear<float> linear{{.in = 6, .out = 4}, rng};
  const MaxPool2d pool{{.kernel = 2}};
  const auto x = random_tensor<float>(Shape{3, 2, 8, 6}, 1);
  Tensor<float, 4> y(Shape{3, 4, 6, 4}), short_y(Shape{2, 4, 6, 4}), dx(x.shape());
  const auto dy = random_tensor<float>(y.shape(), 2);
  Tensor<float, 4> pooled(Shape{3, 2, 4, 3});
  const auto features = random_tensor<float>(Shape{3, 6}, 3);
  Tensor<float, 2> z(Shape{3, 4}), wide(Shape{3, 5}), dfeatures(features.shape());
  NoPass nothing;
  const auto made = [&](Shape<4> shape, Keep keep = Keep::for_backward) {
    return conv.pass(shape, {.keep = keep, .threads = 2});
  };
  run({
      {"conv: x with other channels",
       [&] {
         auto pass = made(x.shape());
         conv.forward(Tensor<float, 4>(Shape{3, 3, 8, 6}), y, pass, context);
       },
       "expected (N, 2, H, W), got (3, 3, 8, 6)"},
      {"conv: a y too short",
       [&] {
         auto pass = made(x.shape());
         conv.forward(x, short_y, pass, context);
       },
       "conv: expected y of shape (3, 4, 6, 4) for x (3, 2, 8, 6), got (2, 4, 6, 4)"},
      {"conv: a Pass for smaller images",
       [&] {
         auto pass = made({3, 2, 6, 6});
         conv.forward(x, y, pass, context);
       },
       "expected a Pass for x (3, 2, 8, 6)"},
      {"conv: a Pass from nowhere",
       [&] {
         Conv2d<float>::Pass pass;
         conv.forward(x, y, pass, context);
       },
       "expected a Pass for x (3, 2, 8, 6)"},
      {"conv: the Pass of another one",
       [&] {
         const Conv2d<float> other{{.in = 2, .out = 4, .kernel = 3, .stride = {1, 2}}, rng};
         auto pass = other.pass(x.shape(), {});
         conv.forward(x, y, pass, context);
       },
       "expected a Pass for x"},
      {"conv: backward with a Pass for prediction",
       [&] {
         auto pass = made(x.shape(), Keep::output);
         conv.forward(x, y, pass, context);
         conv.backward(x, y, dy, dx, pass, context);
       },
       "conv: expected a gradient of shape (4, 2, 3, 3) of weight in the Pass, found (0, 0, 0, 0)"},
      {"conv: dx with a Pass for prediction",
       [&] {
         auto pass = made(x.shape(), Keep::output);
         conv.backward(x, y, dy, dx, pass, {.threads = 2, .parameter_gradients = false});
       },
       "expected scratch memory of"},
      {"conv: a dy too short",
       [&] {
         auto pass = made(x.shape());
         conv.backward(x, y, short_y, dx, pass, context);
       },
       "conv: expected dy of shape (3, 4, 6, 4), got (2, 4, 6, 4)"},
      {"conv: a dx too short",
       [&] {
         auto pass = made(x.shape());
         conv.backward(x, y, dy, short_y, pass, context);
       },
       "conv: expected dx of shape (3, 2, 8, 6), got (2, 4, 6, 4)"},
      {"conv: more threads and a larger batch than the Pass was made for",
       [&] {
         auto large = made(x.shape());
         auto small = conv.pass({1, 2, 8, 6}, {.parameter_gradients = false, .threads = 1});
         Tensor<float, 4> other(y.shape()), other_dx(dx.shape());
         conv.forward(x, y, large, context);
         conv.forward(x, other, small, {.threads = 7});
         CHECK(std::equal(y.begin(), y.end(), other.begin()));
         conv.backward(x, y, dy, dx, large, {.threads = 7, .parameter_gradients = false});
         conv.backward(x, y, dy, other_dx, small, {.threads = 7, .parameter_gradients = false});
         CHECK(std::equal(dx.begin(), dx.end(), other_dx.begin()));
       },
       {}},
      {"scratch memory: for fewer threads, and too little",
       [] {
         const kernels::Scratch<float> scratch{2, {.each = 100, .shared = 10}};
         CHECK(scratch.provide(7, {.each = 100, .shared = 10}) == 2);
         scratch.provide(2, {.each = 200, .shared = 10});
       },
       "expected scratch memory of 200 numbers for each thread and 10 for all, found 112 and 16"},
      {"scratch memory: beyond all limits",
       [] {
         kernels::Scratch<float>{3, {.each = huge, .shared = 0}};
       },
       "scratch memory for 3 threads is too large"},
      {"an empty batch: no output, and gradients of 0",
       [&] {
         auto pass = made(x.shape());
         pass.scratch.shared()[0] = 5;
         pass.dweight.fill(7), pass.dbias.fill(7);
         conv.forward(x.sub(0, 0), y.sub(0, 0), pass, context);
         conv.backward(x.sub(0, 0), y.sub(0, 0), dy.sub(0, 0), {}, pass, context);
         CHECK(max(pass.dweight) == 0);
         CHECK(max(pass.dbias) == 0);
         auto linear_pass = linear.pass(features.shape(), {});
         linear_pass.dweight.fill(7), linear_pass.dbias.fill(7);
         linear.backward(features.sub(0, 0), z.sub(0, 0), z.sub(0, 0), {}, linear_pass, context);
         CHECK(max(linear_pass.dweight) == 0);
         CHECK(max(linear_pass.dbias) == 0);
       },
       {}},
      {"linear: a y too wide",
       [&] {
         auto pass = linear.pass(features.shape(), {});
         linear.forward(features, wide, pass, context);
       },
       "fc: expected y of shape (3, 4) for x (3, 6), got (3, 5)"},
      {"linear: a dx too wide",
       [&] {
         auto pass = linear.pass(features.shape(), {});
         linear.backward(features, z, z, wide, pass, context);
       },
       "fc: expected dx of shape (3, 6), got (3, 5)"},
      {"linear: backward with a Pass from nowhere",
       [&] {
         Linear<float>::Pass pass;
         linear.backward(features, z, z, dfeatures, pass, context);
       },
       "fc: expected a gradient of shape (4, 6) of weight in the Pass, found (0, 0)"},
      {"pool: a Pass from nowhere",
       [&] {
         MaxPool2d::Pass pass;
         pool.forward<float>(x, pooled, pass, context);
       },
       "MaxPool2d: expected a Pass for an output (3, 2, 4, 3), got one for (0, 0, 0, 0)"},
      {"pool: a Pass for a smaller batch",
       [&] {
         auto pass = pool.pass({2, 2, 8, 6}, {});
         pool.forward<float>(x, pooled, pass, context);
       },
       "got one for (2, 2, 4, 3)"},
      {"pool: a dy of another shape",
       [&] {
         auto pass = pool.pass(x.shape(), {});
         pool.backward<float>(x, pooled, dx, dx, pass, context);
       },
       "pool: expected dy of shape (3, 2, 4, 3), got (3, 2, 8, 6)"},
      {"linear: in place",
       [&] {
         const Linear<float> square{{.in = 6, .out = 6}, rng};
         auto pass = square.pass(features.shape(), {});
         square.forward(features, dfeatures, pass, context);
         square.forward(dfeatures, dfeatures, pass, context);
       },
       "fc: expected a y with memory of its own, got one that overlaps x"},
      {"conv: in place",
       [&] {
         const Conv2d<float> same{{.in = 2, .out = 2, .kernel = 1}, rng};
         auto pass = same.pass(x.shape(), {});
         auto inside = x;
         same.forward(inside, inside, pass, context);
       },
       "conv: expected a y with memory of its own"},
      {"conv: back in place",
       [&] {
         const Conv2d<float> same{{.in = 2, .out = 2, .kernel = 1}, rng};
         auto pass = same.pass(x.shape(), {});
         auto inside = x;
         same.backward(x, x, inside, inside, pass, context);
       },
       "conv: expected a dx with memory of its own, got one that overlaps x or dy"},
      {"relu: in place",
       [&] {
         auto inside = x, back = dx;
         relu.forward<float, 4>(inside, inside, nothing, context);
         relu.backward<float, 4>(inside, inside, back, back, nothing, context);
         CHECK(max(inside) == max(x));
       },
       {}},
      {"relu: a y too short", [&] { relu.forward<float, 4>(y, short_y, nothing, context); },
       "relu: expected y of shape (3, 4, 6, 4)"},
      {"relu: a dx too long",
       [&] { relu.backward<float, 4>(short_y, short_y, short_y, y, nothing, context); },
       "relu: expected dx of shape (2, 4, 6, 4), got (3, 4, 6, 4)"},
      {"flatten: a y too short", [&] { flatten.forward<float, 4>(x, z, nothing, context); },
       "flatten: expected y of shape (3, 96)"},
      {"flatten: a dx of another shape",
       [&] {
         flatten.backward<float, 4>(x, Tensor<float, 2>(Shape{3, 96}),
                                    Tensor<float, 2>(Shape{3, 96}), y, nothing, context);
       },
       "flatten: expected dx of shape (3, 2, 8, 6), got (3, 4, 6, 4)"},
  });
}

TEST_CASE("contracts: softmax and cross-entropy") {
  const auto z = random_tensor<float>(Shape{4, 3}, 1);
  const Tensor<Label, 1> labels{0, 2, 1, 1};
  Tensor<float, 2> dz(z.shape()), other(z.shape()), longer(Shape{5, 3});
  auto own = z;
  std::vector<float> memory(24);
  const View<float, 2> front(memory.data(), Shape{4, 3}), across(memory.data() + 11, Shape{4, 3}),
      back(memory.data() + 12, Shape{4, 3});
  std::copy(z.begin(), z.end(), front.begin());
  run({
      {"no example",
       [] {
         cross_entropy(Tensor<float, 2>(Shape{0, 3}), Tensor<Label, 1>{});
       },
       "expected logits (N, K), got (0, 3)"},
      {"no class",
       [&] {
         cross_entropy(Tensor<float, 2>(Shape{4, 0}), labels);
       },
       "got (4, 0)"},
      {"no class, softmax",
       [] {
         softmax(Tensor<float, 2>(Shape{4, 0}));
       },
       "K > 0, got (4, 0)"},
      {"fewer labels", [&] { cross_entropy(z, labels.sub(0, 3)); }, "expected 4 labels, got 3"},
      {"a label too large",
       [&] {
         cross_entropy(z, Tensor<Label, 1>{0, 1, 3, 0});
       },
       "[0, 3), got 3 at 2"},
      {"a negative label",
       [&] {
         cross_entropy(z, Tensor<Label, 1>{0, -1, 0, 0});
       },
       "got -1 at 1"},
      {"a longer gradient", [&] { cross_entropy(z, labels, longer); },
       "a gradient (4, 3), got (5, 3)"},
      {"a gradient in the logits", [&] { cross_entropy(own, labels, own.view()); },
       "a gradient with memory of its own, got one that overlaps the logits"},
      {"a gradient that begins in the logits", [&] { cross_entropy(front, labels, across); },
       "overlaps the logits"},
      {"a smoothing of NaN",
       [&] {
         cross_entropy(z, labels, dz, {.smoothing = std::numeric_limits<double>::quiet_NaN()});
       },
       "a smoothing in [0, 1), got nan"},
      {"nothing is written for a wrong label",
       [&] {
         dz.fill(7);
         CHECK(contains(error_of([&] {
                          cross_entropy(z, Tensor<Label, 1>{0, 1, 2, 3}, dz);
                        }),
                        "got 3"));
         CHECK(sum(dz) == 7 * 12);
       },
       {}},
      {"a gradient right after the logits, and right before them",
       [&] {
         const float loss = cross_entropy(z, labels, dz);
         CHECK(cross_entropy(front, labels, back) == loss);
         CHECK(std::equal(dz.begin(), dz.end(), back.begin()));
         std::copy(z.begin(), z.end(), back.begin());
         CHECK(cross_entropy(back, labels, front) == loss);
       },
       {}},
      {"a gradient that changes its shape before the call",
       [&] {
         View<float, 2> rows = longer;  // what a workspace hands out, before its forward has run
         const auto forward = [&] {
           rows = longer.sub(0, 4);
           return z.view();
         };
         const float loss = cross_entropy(forward(), labels, rows);
         CHECK(loss == cross_entropy(z, labels, other));
         CHECK(std::equal(other.begin(), other.end(), longer.begin()));
       },
       {}},
      {"a network, its loss and its gradient in one expression, a smaller batch at last",
       [&] {
         Rng rng{1};
         const Sequential net{Shape{3}, Linear<float>{{.in = 3, .out = 3}, rng}};
         auto w = net.workspace(4), expected = net.workspace(4);
         for (const Index n : {4, 2, 4, 1}) {
           cross_entropy(net.forward(z.sub(0, n), w), labels.sub(0, n), w.output_gradient());
           net.backward(w);
           const auto logits = net.forward(z.sub(0, n), expected);
           cross_entropy(logits, labels.sub(0, n), expected.output_gradient());
           net.backward(expected);
           CHECK(to_string(w.layer<0>().dweight) == to_string(expected.layer<0>().dweight));
         }
       },
       {}},
  });
}
