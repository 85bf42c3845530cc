// SPDX-License-Identifier: MIT
//
// Neighbouring layers that run as one, against the same layers one by one (Keep::everything).
#include "support.hpp"

using namespace test;

namespace {

// The first stage of the first step, if that is a chain of them.
template <class W>
const auto* first_stage(const W& w) {
  using T = typename W::T;
  const auto* const chain = dynamic_cast<const ConvChain<T>*>(w.plan().group(0));
  return chain ? dynamic_cast<const PooledStage<T>*>(&chain->stage(0)) : nullptr;
}

// What runs, step after step: "conv1 relu1 pool1, flatten1".
template <class W>
std::string steps_of(const W& w) {
  std::string text;
  for (std::size_t s = 0; s < w.plan().step_count(); ++s)
    text += (s > 0 ? ", " : "") + w.plan().step_name(s);
  return text;
}

struct BlockCase {
  Conv2dOptions options;
  Shape<4> x;
  bool by_winograd, sparse;
};

std::vector<BlockCase> block_cases() {
  return {
      // First layers of one channel: the gradient is spread out in registers.
      {{.in = 1, .out = 6, .kernel = 3, .padding = 1}, {5, 1, 28, 26}, false, false},
      {{.in = 1, .out = 35, .kernel = 3}, {19, 1, 12, 9}, false, false},
      {{.in = 1, .out = 5, .kernel = 5}, {19, 1, 12, 9}, false, true},
      // Winograd forward; lists backward. Odd sizes, channels that fill no vector, more images than
      // parts, images that are taken one by one.
      {{.in = 32, .out = 64, .kernel = 3, .padding = 1}, {6, 32, 14, 14}, true, true},
      {{.in = 17, .out = 11, .kernel = 3, .padding = 1}, {5, 17, 9, 13}, true, true},
      {{.in = 8, .out = 9, .kernel = 3}, {37, 8, 5, 7}, true, true},
      {{.in = 9, .out = 8, .kernel = 3, .padding = 2, .bias = false}, {2, 9, 6, 6}, true, true},
      {{.in = 40, .out = 50, .kernel = 3, .padding = 1}, {1, 40, 62, 70}, true, true},
      // Summed directly; lists backward.
      {{.in = 20, .out = 5, .kernel = 5, .padding = 2}, {3, 20, 15, 11}, false, true},
      {{.in = 16, .out = 3, .kernel = 3, .padding = 1}, {2, 16, 7, 8}, false, true},
      {{.in = 3, .out = 70, .kernel = {3, 2}, .padding = {0, 1}}, {3, 3, 9, 8}, false, true},
  };
}

template <class A, class B>
double difference(const A& a, const B& b) {
  return b.empty() ? 0 : relative_error(a, b);
}

template <class T>
void check_block(const BlockCase& c, int threads) {
  CAPTURE(c.x);
  CAPTURE(c.options.out);
  CAPTURE(c.options.kernel);
  Rng rng{7};
  const auto [N, C, H, W] = c.x;
  const Sequential net{Shape{C, H, W}, Conv2d<T>{c.options, rng}, Relu{}, MaxPool2d{}};
  const auto x = random_tensor<T>(c.x, 3);
  auto fused = net.workspace(N, {.input_gradient = true, .threads = threads});
  auto first = net.workspace(N, {.threads = threads});  // without dx
  auto all =
      net.workspace(N, {.keep = Keep::everything, .input_gradient = true, .threads = threads});
  REQUIRE(steps_of(fused) == "conv1 relu1 pool1");
  REQUIRE(steps_of(all) == "conv1, relu1, pool1");
  REQUIRE(first_stage(fused));
  CHECK(first_stage(fused)->by_winograd() == c.by_winograd);
  if (std::is_same_v<T, float> && FOVEA_VECTOR_BYTES == 64)
    CHECK(first_stage(fused)->sparse() == c.sparse);

  const double tolerance = std::is_same_v<T, float> ? 5e-6 : 1e-13;
  const auto y = net.forward(x, fused);
  CHECK(relative_error(y, net.forward(x, all)) <= tolerance);
  net.forward(x, first);
  const auto dy = random_tensor<T>(y.shape(), 4);
  for (auto* workspace : {&fused, &first, &all}) {
    auto& left = workspace->template layer<0>();
    std::copy(dy.begin(), dy.end(), workspace->output_gradient().begin());
    // Twice, for the first time makes the memory; whatever is left in it must not come back.
    for (int time = 0; time < 2; ++time) {
      for (const std::span<T> written :
           {left.dweight.flat(), left.dbias.flat(), left.scratch.flat()})
        std::fill(written.begin(), written.end(), std::numeric_limits<T>::quiet_NaN());
      net.backward(*workspace);
    }
  }
  const auto& expected = all.template layer<0>();
  for (const auto* workspace : {&fused, &first}) {
    CHECK(relative_error(workspace->template layer<0>().dweight, expected.dweight) <= tolerance);
    CHECK(difference(workspace->template layer<0>().dbias, expected.dbias) <= tolerance);
  }
  CHECK(relative_error(fused.input_gradient(), all.input_gradient()) <= tolerance);
  CHECK(max(all.input_gradient()) > 0);

  // Without the parameters' gradients dx has the same bits, and the others are not readable.
  auto dx_only =
      net.workspace(N, {.input_gradient = true, .parameter_gradients = false, .threads = threads});
  net.forward(x, dx_only);
  std::copy(dy.begin(), dy.end(), dx_only.output_gradient().begin());
  net.backward(dx_only);
  const auto dx = fused.input_gradient(), dx_alone = dx_only.input_gradient();
  CHECK(std::equal(dx.begin(), dx.end(), dx_alone.begin()));
  CHECK(max(dx_only.template layer<0>().dweight) == T{0});
  auto copy = net;
  CHECK_THROWS_WITH_AS(copy.for_each_parameter(dx_only, [](auto&&, auto&&) {}),
                       doctest::Contains("parameter_gradients"), Error);
}

}  // namespace

TEST_CASE_TEMPLATE("blocks: conv, ReLU and max-pool as one, and one by one", T, float, double) {
  for (const auto& c : block_cases())
    for (const int threads : {1, 3}) check_block<T>(c, threads);
}

TEST_CASE_TEMPLATE("blocks: linear and ReLU as one, and one by one", T, float, double) {
  const double tolerance = std::is_same_v<T, float> ? 5e-6 : 1e-13;
  for (const bool bias : {true, false})
    for (const T shift : {T{-1}, T{1}}) {  // with few units alive over lists, with many not
      Rng rng{3};
      Sequential net{Shape{150}, Linear<T>{{.in = 150, .out = 140, .bias = bias}, rng}, Relu{}};
      auto& linear = std::get<0>(net.layers());
      for (T& w : linear.weight) w += shift / 100;
      auto x = random_tensor<T>(Shape{33, 150}, 1);
      for (T& value : x) value = std::abs(value);
      auto all = net.workspace(33, {.keep = Keep::everything, .input_gradient = true});
      for (const int threads : {1, 3}) {
        auto fused = net.workspace(40, {.input_gradient = true, .threads = threads});
        auto dx_only = net.workspace(
            33, {.input_gradient = true, .parameter_gradients = false, .threads = threads});
        const auto y = net.forward(x, all);
        const auto dy = random_tensor<T>(y.shape(), 4);
        for (auto* workspace : {&all, &fused, &dx_only}) {
          CHECK(relative_error(net.forward(x, *workspace), y) <= tolerance);
          std::copy(dy.begin(), dy.end(), workspace->output_gradient().begin());
          net.backward(*workspace);
        }
        const auto& group = dynamic_cast<const LinearRelu<T>&>(*fused.plan().group(0));
        CHECK(group.sparse() == (shift < T{0}));
        const auto &one = fused.template layer<0>(), &expected = all.template layer<0>();
        CHECK(relative_error(one.dweight, expected.dweight) <= tolerance);
        CHECK(difference(one.dbias, expected.dbias) <= tolerance);
        CHECK(relative_error(fused.input_gradient(), all.input_gradient()) <= tolerance);
        CHECK(relative_error(dx_only.input_gradient(), all.input_gradient()) <= tolerance);
        CHECK(max(dx_only.template layer<0>().dweight) == T{0});
      }
    }
}

TEST_CASE("blocks: a batch cut between threads, and no bit changes") {
  Rng rng{1};
  const Sequential net{Shape{32, 28, 28},
                       Conv2d<float>{{.in = 32, .out = 32, .kernel = 3, .padding = 1}, rng}, Relu{},
                       MaxPool2d{}};
  const auto x = random_tensor<float>(Shape{64, 32, 28, 28}, 2);
  auto one = net.workspace(64, {.input_gradient = true, .threads = 1});
  auto three = net.workspace(64, {.input_gradient = true, .threads = 3});
  REQUIRE(first_stage(three)->by_winograd());
  const auto same = [](const auto& a, const auto& b) {
    return std::equal(a.begin(), a.end(), b.begin());
  };
  const auto expected = net.forward(x, one);
  one.output_gradient().fill(1);
  net.backward(one);
  // Some tens of milliseconds: on a machine that has other things to do, threads of less take turns.
  for (int round = 0; round < 8; ++round) {
    CHECK(same(net.forward(x, three), expected));
    three.output_gradient().fill(1);
    net.backward(three);
    CHECK(same(three.layer<0>().dweight, one.layer<0>().dweight));
    CHECK(same(three.input_gradient(), one.input_gradient()));
  }
}

TEST_CASE("blocks: gradients of a network whose layers run as one") {
  Rng rng{1};
  Sequential net{Shape{9, 11, 8},
                 Conv2d<double>{{.in = 9, .out = 8, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{},
                 Conv2d<double>{{.in = 8, .out = 3, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{},
                 Flatten{},
                 Linear<double>{{.in = 12, .out = 5}, rng},
                 Relu{},
                 Linear<double>{{.in = 5, .out = 3}, rng}};
  auto workspace = net.workspace(2);
  CHECK(steps_of(workspace) == "conv1 relu1 pool1 conv2 relu2 pool2, flatten1, fc1 relu3, fc2");
  CHECK(steps_of(net.workspace(2, {.keep = Keep::everything})) ==
        "conv1, relu1, pool1, conv2, relu2, pool2, flatten1, fc1, relu3, fc2");
  const auto& chain = dynamic_cast<const ConvChain<double>&>(*workspace.plan().group(0));
  CHECK(chain.stage(0).by_winograd());
  CHECK(first_stage(workspace)->sparse());
  CHECK(!chain.stage(1).by_winograd());
  const auto x = random_tensor<double>(Shape{2, 9, 11, 8}, 2);
  const auto result = gradient_check(net, x);  // of the layers one by one, and now as one:
  CAPTURE(to_string(result));
  CHECK(result.max_error <= 1e-6);
  CHECK(result.min_largest > 1e-4);
  auto all = net.workspace(2, {.keep = Keep::everything});
  auto gradients = [&](auto& p) {
    const auto y = net.forward(x, p);
    const auto dy = random_tensor<double>(y.shape(), 3);
    std::copy(dy.begin(), dy.end(), p.output_gradient().begin());
    net.backward(p);
    std::vector<Tensor<double, 1>> list;
    net.for_each_parameter(p, [&](auto, auto gradient) {
      list.emplace_back(as_const(gradient).reshape(Shape{gradient.size()}));
    });
    return list;
  };
  const auto as_one = gradients(workspace), one_by_one = gradients(all);
  REQUIRE(as_one.size() == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(relative_error(as_one[i], one_by_one[i]) <= 1e-12);
}

TEST_CASE_TEMPLATE("blocks: a chain of them, and one by one", T, float, double) {
  const double tolerance = std::is_same_v<T, float> ? 5e-6 : 1e-13;
  // From the second to the third block the channels fill no vector.
  Rng rng{1};
  const Sequential net{
      Shape{1, 25, 34}, Conv2d<T>{{.in = 1, .out = 32, .kernel = 3, .padding = 1}, rng},  Relu{},
      MaxPool2d{},      Conv2d<T>{{.in = 32, .out = 21, .kernel = 3, .padding = 2}, rng}, Relu{},
      MaxPool2d{},      Conv2d<T>{{.in = 21, .out = 10, .kernel = 5, .padding = 2}, rng}, Relu{},
      MaxPool2d{}};
  const auto x = random_tensor<T>(Shape{19, 1, 25, 34}, 2);
  auto all = net.workspace(19, {.keep = Keep::everything, .input_gradient = true});
  const auto expected = net.forward(x, all);
  const auto dy = random_tensor<T>(expected.shape(), 3);
  std::copy(dy.begin(), dy.end(), all.output_gradient().begin());
  net.backward(all);
  for (const int threads : {1, 2, 3, 7}) {
    auto workspace = net.workspace(20, {.input_gradient = true, .threads = threads});
    for (int time = 0; time < 2; ++time) {
      CHECK(relative_error(net.forward(x, workspace), expected) <= tolerance);
      std::copy(dy.begin(), dy.end(), workspace.output_gradient().begin());
      net.backward(workspace);
      CHECK(relative_error(workspace.input_gradient(), all.input_gradient()) <= tolerance);
      CHECK(relative_error(workspace.template layer<0>().dweight,
                           all.template layer<0>().dweight) <= tolerance);
      CHECK(relative_error(workspace.template layer<3>().dweight,
                           all.template layer<3>().dweight) <= tolerance);
      CHECK(relative_error(workspace.template layer<6>().dweight,
                           all.template layer<6>().dweight) <= tolerance);
      CHECK(relative_error(workspace.template layer<3>().dbias, all.template layer<3>().dbias) <=
            tolerance);
    }
    // A predictor's blocks share memory with what else the network writes.
    const Predictor predictor{net, 20};
    auto scratch = predictor.scratch(threads);
    for (const Index N : {1, 19})
      CHECK(relative_error(predictor(x.sub(0, N), scratch), expected.sub(0, N)) <= tolerance);
  }
  // Other maps in the middle: forward goes on after them, with few images and with many.
  const auto middle = all.template activation<2>();
  for (const Keep keep : {Keep::for_backward, Keep::output})
    for (const int threads : {1, 3}) {
      auto workspace = net.workspace(19, {.keep = keep, .threads = threads});
      net.forward(random_tensor<T>(x.shape(), 9), workspace);
      for (const Index N : {1, 19})
        CHECK(relative_error(net.template forward_after<2>(middle.sub(0, N), workspace),
                             expected.sub(0, N)) <= tolerance);
    }
  auto workspace = net.workspace(19);
  net.forward(x, workspace);
  CHECK(contains(error_of([&] { net.template backward_from<2>(middle, workspace); }),
                 "pool1 runs as one with its neighbours"));
  CHECK(contains(
      error_of([&] { net.template forward_after<1>(all.template activation<1>(), workspace); }),
      "relu1 runs as one with its neighbours"));
}

TEST_CASE("blocks: what runs as one") {
  Rng rng{1};
  const auto steps = [&](const Conv2dOptions& conv, const MaxPool2dOptions& pool) {
    const Sequential net{Shape{4, 12, 12}, Conv2d<float>{conv, rng}, Relu{}, MaxPool2d{pool}};
    return steps_of(net.workspace(1));
  };
  const Conv2dOptions conv{.in = 4, .out = 2, .kernel = 3};
  CHECK(steps(conv, {.kernel = 2}) == "conv1 relu1 pool1");
  CHECK(steps({.in = 4, .out = 2, .kernel = 5}, {.kernel = 2}) == "conv1 relu1 pool1");
  CHECK(steps(conv, {.kernel = 3}) == "conv1 relu1, pool1");
  CHECK(steps(conv, {.kernel = 2, .stride = 1}) == "conv1 relu1, pool1");
  CHECK(steps(conv, {.kernel = 2, .padding = 1}) == "conv1 relu1, pool1");
  const std::string apart = "conv1, relu1, pool1";
  CHECK(steps({.in = 4, .out = 2, .kernel = 1}, {.kernel = 2}) == apart);
  CHECK(steps({.in = 4, .out = 2, .kernel = 3, .stride = 2}, {.kernel = 2}) == apart);
  CHECK(steps({.in = 4, .out = 2, .kernel = 3, .dilation = 2}, {.kernel = 2}) == apart);
  CHECK(steps({.in = 4, .out = 2, .kernel = 3, .groups = 2}, {.kernel = 2}) == apart);
  CHECK(steps({.in = 4, .out = 2, .kernel = 3, .padding = 3}, {.kernel = 3}) == apart);

  const auto conv3 = [&](Index in, Index out) {
    return Conv2d<float>{{.in = in, .out = out, .kernel = 3, .padding = 1}, rng};
  };
  // PyTorch's example for MNIST, and VGG.
  const Sequential pool_first{Shape{1, 28, 28}, conv3(1, 10), MaxPool2d{}, Relu{},
                              conv3(10, 20),    MaxPool2d{},  Relu{},      Flatten{}};
  CHECK(steps_of(pool_first.workspace(2)) == "conv1 pool1 relu1 conv2 pool2 relu2, flatten1");
  const Sequential vgg{Shape{3, 32, 32}, conv3(3, 8), Relu{},      conv3(8, 8),
                       Relu{},           MaxPool2d{}, conv3(8, 9), Relu{},
                       conv3(9, 12),     Relu{},      MaxPool2d{}, Flatten{}};
  CHECK(steps_of(vgg.workspace(2)) ==
        "conv1 relu1 conv2 relu2 pool1 conv3 relu3 conv4 relu4 pool2, flatten1");
  // A chain ends where a value has two readers.
  const Sequential branched{Shape{3, 9, 9}, conv3(3, 8), Relu{},
                            Residual{Chain{conv3(8, 8), Relu{}, conv3(8, 8)}}, Relu{}};
  CHECK(steps_of(branched.workspace(2)) ==
        "conv1 relu1, residual1.f.conv1 residual1.f.relu1, residual1.f.conv2, "
        "residual1.add, relu2");
}

namespace {

// Layer by layer, and as one, with different threads: outputs and all gradients.
template <class T, class Net>
void check_as_one(Net net, Index N) {
  const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-12;
  const auto x = random_tensor<T>(net.input_shape().prepend(N), 2);
  auto all = net.workspace(N, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, all);
  const auto dy = random_tensor<T>(y.shape(), 3);
  std::copy(dy.begin(), dy.end(), all.output_gradient().begin());
  net.backward(all);
  std::vector<Tensor<T, 1>> expected;
  net.for_each_parameter(
      all, [&](auto, auto g) { expected.emplace_back(as_const(g).reshape(Shape{g.size()})); });
  std::vector<std::vector<T>> bits;
  for (const int threads : {1, 2, 7}) {
    auto fused = net.workspace(N + 1, {.input_gradient = true, .threads = threads});
    REQUIRE(fused.plan().step_count() < all.plan().step_count());
    std::vector<T> numbers;
    for (int time = 0; time < 2; ++time) {
      numbers.clear();
      CHECK(relative_error(net.forward(x, fused), y) <= tolerance);
      std::copy(dy.begin(), dy.end(), fused.output_gradient().begin());
      net.backward(fused);
      const auto dx = fused.input_gradient();
      CHECK(relative_error(dx, all.input_gradient()) <= tolerance);
      numbers.assign(dx.begin(), dx.end());
      auto next = expected.begin();
      net.for_each_parameter(fused, [&](auto, auto g) {
        CHECK(relative_error(g.reshape(Shape{g.size()}), *next++) <= tolerance);
        numbers.insert(numbers.end(), g.begin(), g.end());
      });
    }
    bits.push_back(std::move(numbers));
    CHECK(bits.back() == bits.front());
    CHECK(relative_error(net.predict(x, threads), y) <= tolerance);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("blocks: several convolutions before a pooling, pooling before ReLU", T, float,
                   double) {
  Rng rng{1};
  const auto conv = [&](Index in, Index out, Extent2 kernel, Extent2 padding) {
    return Conv2d<T>{{.in = in, .out = out, .kernel = kernel, .padding = padding}, rng};
  };
  for (const Index N : {1, 3, 19}) {
    CAPTURE(N);
    check_as_one<T>(Sequential{Shape{3, 13, 10}, conv(3, 17, 3, 1), Relu{}, conv(17, 16, 3, 1),
                               Relu{}, MaxPool2d{}, conv(16, 9, 3, 1), Relu{}, conv(9, 33, 3, 2),
                               Relu{}, conv(33, 8, 3, 0), Relu{}, MaxPool2d{}},
                    N);
    check_as_one<T>(Sequential{Shape{9, 7, 9}, conv(9, 5, 5, 2), Relu{}, conv(5, 12, 3, 1), Relu{}},
                    N);
    check_as_one<T>(Sequential{Shape{1, 12, 9}, conv(1, 20, {2, 3}, {1, 0}), Relu{},
                               conv(20, 20, 3, 1), Relu{}, conv(20, 3, {4, 2}, {0, 1}), Relu{}},
                    N);
    check_as_one<T>(Sequential{Shape{2, 12, 15}, conv(2, 18, 3, 1), MaxPool2d{}, Relu{},
                               conv(18, 11, 5, 2), MaxPool2d{}, Relu{}},
                    N);
    check_as_one<T>(Sequential{Shape{8, 2, 2}, conv(8, 8, 3, 1), Relu{}, conv(8, 8, 3, 1), Relu{}},
                    N);
  }
}

TEST_CASE("blocks: ties go to the first, a NaN is not hidden, dead units are still") {
  Rng rng{1};
  Sequential net{Shape{1, 4, 36},
                 Conv2d<float>{{.in = 1, .out = 1, .kernel = 3, .padding = 1}, rng}, Relu{},
                 MaxPool2d{}};
  std::get<0>(net.layers()).weight.fill(0);
  std::get<0>(net.layers()).weight(0, 0, 1, 1) = 1;
  std::get<0>(net.layers()).bias.fill(0);
  Tensor<float, 4> x(Shape{1, 1, 4, 36}, -1.0f);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  x(0, 0, 0, 1) = x(0, 0, 1, 0) = 2;         // window (0, 0): a tie
  x(0, 0, 2, 34) = 5, x(0, 0, 3, 34) = nan;  // window (1, 17): a NaN after a number
  x(0, 0, 0, 8) = nan, x(0, 0, 1, 9) = 5;    // window (0, 4): a NaN before a number
  x(0, 0, 2, 5) = 0;                         // window (1, 2): zero is dead, too
  auto fused = net.workspace(1, {.input_gradient = true});
  auto all = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  REQUIRE(first_stage(fused));
  for (auto* workspace : {&fused, &all}) {
    const auto y = net.forward(x, *workspace);
    CHECK(y(0, 0, 0, 0) == 2);
    CHECK(y(0, 0, 0, 1) == 0);
    CHECK(std::isnan(y(0, 0, 0, 4)));
    CHECK(std::isnan(y(0, 0, 1, 17)));
    workspace->output_gradient().fill(1);
    net.backward(*workspace);
    CHECK(workspace->input_gradient()(0, 0, 0, 1) == 1);
    CHECK(sum(workspace->input_gradient()) == 1);
  }
}

TEST_CASE("blocks: backward cannot begin inside one") {
  Rng rng{1};
  const Sequential net{Shape{1, 4, 4}, Conv2d<float>{{.in = 1, .out = 1, .kernel = 3}, rng}, Relu{},
                       MaxPool2d{}};
  const auto x = random_tensor<float>(Shape{1, 1, 4, 4}, 1);
  const auto dy = random_tensor<float>(Shape{1, 1, 2, 2}, 2);
  auto fused = net.workspace(1), all = net.workspace(1, {.keep = Keep::everything});
  net.forward(x, fused), net.forward(x, all);
  CHECK(contains(error_of([&] { net.backward_from<1>(dy, fused); }),
                 "relu1 runs as one with its neighbours"));
  CHECK(error_of([&] { net.backward_from<1>(dy, all); }) == "");
}

TEST_CASE_TEMPLATE("channels last and back", T, float, double) {
  for (const auto& [C, H, W] : std::vector<std::array<Index, 3>>{
           {1, 1, 1}, {3, 5, 4}, {16, 14, 14}, {35, 3, 17}, {32, 2, 40}}) {
    const auto x = random_tensor<T>(Shape{C, H, W}, 1);
    const Index row = W * C + 5;
    Tensor<T, 1> pixels(Shape{H * row + lanes<T> * C}, T{9});
    kernels::to_channels_last(x.data(), H * W, C, H, W, pixels.data(), row, C);
    for (Index h = 0; h < H; ++h)
      for (Index w = 0; w < W; ++w)
        for (Index c = 0; c < C; ++c) REQUIRE(pixels(h * row + w * C + c) == x(c, h, w));
    CHECK(pixels(W * C) == 9);  // the gap between rows is left alone
    Tensor<T, 3> back(x.shape());
    kernels::from_channels_last(pixels.data(), row, C, C, H, W, back.data(), H * W);
    CHECK(std::equal(x.begin(), x.end(), back.begin()));

    const auto matrix = random_tensor<T>(Shape{C, H * W}, 2);
    Tensor<T, 2> transposed(Shape{H * W, C});
    kernels::transpose(matrix.data(), C, H * W, H * W, transposed.data(), C);
    CHECK(to_string(transposed) == to_string(transpose(matrix)));
  }
}

TEST_CASE("predictor: skips zeros, and no numbers below them") {
  Rng rng{1};
  const Sequential net{Shape{7}, Linear<float>{{.in = 7, .out = 5}, rng}, Relu{}};
  const Predictor predictor{net, 2};
  auto scratch = predictor.scratch(1);
  const auto x = random_tensor<float>(Shape{2, 7}, 1);
  CHECK(relative_error(predictor(x, scratch), net.predict(x)) <= 1e-6);
}

TEST_CASE_TEMPLATE("predictor: packed weights say the same", T, float, double) {
  Rng rng{1};
  const Sequential net{
      Shape{8, 9, 10}, Conv2d<T>{{.in = 8, .out = 9, .kernel = 3, .padding = 1}, rng},
      Relu{},          MaxPool2d{},
      Flatten{},       Linear<T>{{.in = 180, .out = 75, .bias = false}, rng},
      Relu{},          Linear<T>{{.in = 75, .out = 70}, rng},
      Relu{},          Linear<T>{{.in = 70, .out = 3}, rng}};
  auto all = net.workspace(20, {.keep = Keep::everything});
  const Predictor predictor{net, 20};
  for (const int threads : {1, 3}) {
    auto scratch = predictor.scratch(threads);
    for (const Index N : {1, 3, 20, 2}) {  // few images and many take different ways
      const auto x = random_tensor<T>(Shape{N, 8, 9, 10}, static_cast<std::uint64_t>(N));
      const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;
      const auto expected = net.forward(x, all, Mode::eval);
      CHECK(relative_error(predictor(x, scratch), expected) <= tolerance);
      CHECK(relative_error(predictor(x, scratch), expected) <= tolerance);  // now it is packed
      // The other images of the batch do not change a bit.
      const Tensor<T, 2> together(predictor(x, scratch));
      for (Index n = 0; n < N; ++n) {
        const auto alone = predictor(x.sub(n, 1), scratch);
        CHECK(std::equal(alone.begin(), alone.end(), together[n].begin()));
      }
    }
  }
}

namespace {

// A chain of `blocks` blocks on 8 channels after the layers in front of it.
template <int blocks, class... Front>
auto chain_after(Rng& rng, Shape<3> input, Front... front) {
  const auto block = [&] {
    return std::tuple{Conv2d<float>{{.in = 8, .out = 8, .kernel = 3, .padding = 1}, rng}, Relu{},
                      MaxPool2d{{.kernel = 2}}};
  };
  const auto chain = [&] {
    if constexpr (blocks == 2)
      return std::tuple_cat(block(), block());
    else
      return std::tuple_cat(block(), block(), block(), block());
  }();
  return std::apply([&](auto... layers) { return Sequential{input, front..., layers...}; }, chain);
}

// Every way to run it says what the layers say one by one.
template <class Net>
void check_ways(Net net) {
  const auto x = random_tensor<float>(net.input_shape().prepend(9), 3);
  auto all = net.workspace(9, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, all);
  const auto dy = random_tensor<float>(y.shape(), 4);
  std::copy(dy.begin(), dy.end(), all.output_gradient().begin());
  net.backward(all);
  for (const int threads : {1, 2, 3, 7}) {
    CAPTURE(threads);
    auto needed = net.workspace(12, {.input_gradient = true, .threads = threads});
    CHECK(relative_error(net.forward(x, needed), y) <= 5e-6);
    std::copy(dy.begin(), dy.end(), needed.output_gradient().begin());
    net.backward(needed);
    CHECK(relative_error(needed.input_gradient(), all.input_gradient()) <= 5e-6);
    std::vector<View<float, 1>> expected;
    net.for_each_parameter(all,
                           [&](auto, auto g) { expected.push_back(g.reshape(Shape{g.size()})); });
    auto next = expected.begin();
    net.for_each_parameter(needed, [&](auto, auto g) {
      CHECK(relative_error(g.reshape(Shape{g.size()}), *next++) <= 5e-6);
    });
    CHECK(relative_error(net.predict(x, threads), y) <= 5e-6);
    const Predictor predictor{net, 9};
    auto scratch = predictor.scratch(threads);
    CHECK(relative_error(predictor(x, scratch), y) <= 5e-6);
  }
}

}  // namespace

TEST_CASE("blocks: input and output of a chain never share memory, wherever the chain is") {
  Rng rng{1};
  const auto conv = [&](Index in, Index out, Index kernel) {
    return Conv2d<float>{{.in = in, .out = out, .kernel = kernel, .padding = kernel / 2}, rng};
  };
  check_ways(chain_after<2>(rng, {1, 16, 16}, conv(1, 8, 3), Relu{}));
  check_ways(chain_after<4>(rng, {1, 32, 32}, conv(1, 8, 3), Relu{}));
  check_ways(chain_after<2>(rng, {2, 17, 16}, conv(2, 8, 7)));
  check_ways(chain_after<4>(rng, {3, 64, 64}, conv(3, 8, 3), MaxPool2d{}));
  check_ways(chain_after<2>(rng, {8, 9, 9}, Relu{}));
  check_ways(chain_after<2>(rng, {3, 16, 16}, conv(3, 8, 3), Relu{}, conv(8, 8, 1)));
}

TEST_CASE("blocks: forward_after between the blocks of a chain, in every kind of workspace") {
  Rng rng{1};
  const auto net = chain_after<4>(rng, {8, 48, 32});
  const auto x = random_tensor<float>(Shape{30, 8, 48, 32}, 3);
  auto all = net.workspace(30, {.keep = Keep::everything});
  const Tensor<float, 4> y(net.forward(x, all));
  const auto check_after = [&]<std::size_t i>() {
    const Tensor<float, 4> inner(all.activation<i>());
    for (const Keep keep : {Keep::for_backward, Keep::output})
      for (const int threads : {1, 2, 7}) {
        auto workspace = net.workspace(32, {.keep = keep, .threads = threads});
        CHECK(relative_error(net.forward_after<i>(inner, workspace), y) <= 5e-6);
      }
  };
  check_after.operator()<2>();
  check_after.operator()<5>();
  check_after.operator()<8>();
}
