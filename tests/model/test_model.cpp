// SPDX-License-Identifier: MIT
#include <thread>

#include "networks.hpp"
#include "support.hpp"
#include "support/course_cnn.hpp"
#include "toy_layers.hpp"

using namespace test;
using toy::Centre;

namespace {

template <class T>
auto small_cnn(std::uint64_t seed = 1) {
  Rng rng{seed};
  return Sequential{Shape{2, 9, 7},
                    Conv2d<T>{{.in = 2, .out = 5, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<T>{{.in = 5, .out = 4, .kernel = 2}, rng},
                    Relu{},
                    Flatten{},
                    Linear<T>{{.in = 4 * 3 * 2, .out = 6}, rng},
                    Relu{},
                    Linear<T>{{.in = 6, .out = 3}, rng}};
}

}  // namespace

TEST_CASE("sequential: names, shapes, parameters") {
  const auto net = small_cnn<float>();
  using Net = std::decay_t<decltype(net)>;
  static_assert(Net::index("conv1") == 0);
  static_assert(Net::index("conv2") == 3);
  static_assert(Net::index("fc2") == 8);
  static_assert(Net::output_rank == 2);
  CHECK(Net::layer_name(4) == "relu2");
  CHECK(contains(error_of([] { Net::index("conv3"); }),
                 "no layer conv3 in this network, only conv1 relu1"));
  CHECK(contains(error_of([] { Net::index("conv"); }), "no layer conv "));
  CHECK(contains(error_of([] { Net::index(""); }), "no layer"));
  std::string names;
  net.for_each_parameter(
      [&](const std::string& name, const auto& t) { names += name + to_string(t.shape()) + " "; });
  CHECK(names ==
        "conv1.weight(5, 2, 3, 3) conv1.bias(5) conv2.weight(4, 5, 2, 2) conv2.bias(4) "
        "fc1.weight(6, 24) fc1.bias(6) fc2.weight(3, 6) fc2.bias(3) ");
  CHECK(net.parameter_count() == 95 + 84 + 150 + 21);
}

TEST_CASE("sequential: gradients of a whole network") {
  const auto result =
      gradient_check(small_cnn<double>(), random_tensor<double>(Shape{3, 2, 9, 7}, 2));
  CAPTURE(to_string(result));
  CHECK(result.max_error <= 1e-6);
  CHECK(result.min_largest > 1e-4);
  CHECK(result.entries.size() == 9);
}

TEST_CASE("sequential: forward and backward agree for every way to keep") {
  const auto net = small_cnn<float>();
  using Net = std::decay_t<decltype(net)>;
  const auto x = random_tensor<float>(Shape{4, 2, 9, 7}, 3);
  auto needed = net.workspace(4, {.input_gradient = true}),
       all = net.workspace(6, {.keep = Keep::everything, .input_gradient = true});
  auto nothing = net.workspace(4, {.keep = Keep::output});
  const Tensor<float, 2> y(net.forward(x, needed));
  CHECK(relative_error(net.forward(x, all), y) <= 1e-6);
  CHECK(to_string(net.forward(x, nothing)) == to_string(y));
  CHECK(to_string(net.predict(x)) == to_string(y));
  const auto dy = random_tensor<float>(y.shape(), 4);
  for (auto* w : {&needed, &all}) {
    std::copy(dy.begin(), dy.end(), w->output_gradient().begin());
    net.backward(*w);
  }
  CHECK(relative_error(needed.layer<0>().dweight, all.layer<0>().dweight) <= 1e-6);
  CHECK(relative_error(needed.input_gradient(), all.input_gradient()) <= 1e-6);
  CHECK(all.activation<Net::index("pool1")>().shape() == Shape{4, 5, 4, 3});
  CHECK(all.gradient<Net::index("conv2")>().shape() == Shape{4, 4, 3, 2});
  CHECK(max(all.gradient<Net::index("fc1")>()) > 0);
  CHECK(contains(error_of([&] { needed.activation<0>(); }), "did not keep that of conv1"));
  CHECK(contains(error_of([&] { needed.gradient<0>(); }), "Keep::everything"));
  CHECK(contains(error_of([&] { nothing.output_gradient(); }), "for prediction"));
  CHECK(contains(error_of([&] { net.workspace(1).input_gradient(); }), "input_gradient = true"));
}

TEST_CASE("sequential: a smaller batch in a larger workspace") {
  const auto net = small_cnn<double>();
  const auto x = random_tensor<double>(Shape{5, 2, 9, 7}, 3);
  auto large = net.workspace(5), small = net.workspace(2);
  net.forward(x, large);
  const auto part = x.sub(1, 2);
  CHECK(to_string(net.forward(part, large)) == to_string(net.forward(part, small)));
  CHECK(large.output_gradient().shape() == Shape{2, 3});
  for (auto* w : {&large, &small}) {
    w->output_gradient().fill(1);
    net.backward(*w);
  }
  CHECK(relative_error(large.layer<0>().dweight, small.layer<0>().dweight) <= 1e-14);
  CHECK(contains(error_of([&] { net.forward(x, small); }),
                 "expected 1 to 2 examples, for which this workspace was made, got 5"));
  CHECK(contains(error_of([&] {
                   net.forward(Tensor<double, 4>(Shape{2, 2, 9, 8}), large);
                 }),
                 "got (2, 2, 9, 8)"));
  CHECK(contains(error_of([&] { net.workspace(0); }), "got 0"));
  CHECK(contains(error_of([&] { net.workspace(1, {.threads = -1}); }), "got -1"));
}

TEST_CASE("sequential: backward may start at any layer with any gradient") {
  const auto net = small_cnn<double>();
  using Net = std::decay_t<decltype(net)>;
  constexpr auto conv2 = Net::index("conv2");
  auto x = random_tensor<double>(Shape{1, 2, 9, 7}, 3);
  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  Tensor<double, 4> dy(Shape{1, 4, 3, 2});
  dy(0, 2, 1, 1) = 1;  // one unit of conv2
  net.forward(x, w);
  net.backward_from<conv2>(dy, w);
  const Tensor<double, 4> gradient(w.input_gradient());
  const auto unit = [&] {
    net.forward(x, w);
    return w.activation<conv2>()(0, 2, 1, 1);
  };
  Tensor<double, 4> numeric(x.shape());
  for (Index i = 0; i < x.size(); ++i) {
    const double value = x.begin()[i];
    x.begin()[i] = value + 1e-5;
    const double above = unit();
    x.begin()[i] = value - 1e-5;
    numeric.begin()[i] = (above - unit()) / 2e-5;
    x.begin()[i] = value;
  }
  CHECK(relative_error(gradient, numeric) <= 1e-6);
  CHECK(contains(error_of([&] {
                   net.backward_from<conv2>(Tensor<double, 4>(Shape{1, 4, 3, 3}), w);
                 }),
                 "expected a gradient (1, 4, 3, 2), got (1, 4, 3, 3)"));
}

TEST_CASE("sequential: forward may go on after any layer with another output") {
  const auto net = small_cnn<double>(5);
  const auto x = random_tensor<double, 4>(Shape{3, 2, 9, 7}, 6);
  auto all = net.workspace(3, {.keep = Keep::everything});
  const Tensor<double, 2> logits(net.forward(x, all));
  auto other = net.workspace(4, {.keep = Keep::everything});
  auto fused = net.workspace(4, {.keep = Keep::output});
  const auto check_layer = [&]<std::size_t i>() {
    CAPTURE(i);
    const auto y = all.activation<i>();
    const auto again = net.forward_after<i>(y, other);
    CHECK(std::equal(logits.begin(), logits.end(), again.begin(), again.end()));
    const auto in_place = net.forward_after<i>(y, all);
    CHECK(std::equal(logits.begin(), logits.end(), in_place.begin(), in_place.end()));
    if (i == 0 || i == 1 || i == 3 || i == 6) {  // layers that run as one have no inside
      CHECK(contains(error_of([&] { net.forward_after<i>(y, fused); }),
                     "runs as one with its neighbours here"));
    } else {
      const auto fast = net.forward_after<i>(y, fused);
      for (Index k = 0; k < logits.size(); ++k)
        CHECK(fast.data()[k] == doctest::Approx(logits.data()[k]));
    }
  };
  [&]<std::size_t... i>(std::index_sequence<i...>) { (check_layer.template operator()<i>(), ...); }
  (std::make_index_sequence<9>{});

  const auto refused = [&](Shape<4> shape) {
    return error_of([&] { net.forward_after<2>(Tensor<double, 4>(shape), fused); });
  };
  CHECK(refused({5, 5, 4, 3}) ==
        "forward_after: expected the output of pool1, (4, 5, 4, 3) or fewer, got (5, 5, 4, 3)");
  CHECK(contains(refused({2, 5, 3, 4}), "got (2, 5, 3, 4)"));
}

TEST_CASE("the same bits with 1, 2, 3 and 7 threads") {
  const auto data = synthetic_digits(230, 5);
  // Groups run directly and densely; without them, Winograd's forward and lists in backward.
  const auto train = [&](Index groups, int threads) {
    Rng rng{1};
    auto net = networks::small(rng, groups);
    auto w = net.workspace(32, {.threads = threads});
    AdamW adam{net, {.learning_rate = 3e-3}};
    for (std::uint64_t epoch = 0; epoch < 2; ++epoch)
      for (const auto& [images, labels] : batches(data, 32, {.seed = 1, .epoch = epoch})) {
        const auto logits = net.forward(images, w);
        cross_entropy(logits, labels, w.output_gradient());
        net.backward(w);
        adam.step(net, w);
      }
    std::vector<float> weights;
    net.for_each_parameter([&](const std::string&, const auto& t) {
      weights.insert(weights.end(), t.begin(), t.end());
    });
    return weights;
  };
  for (const Index groups : {1, 2}) {
    const auto one = train(groups, 1);
    for (const float w : one) CHECK_UNARY(std::isfinite(w));
    for (const int threads : {2, 3, 7}) CHECK(train(groups, threads) == one);
  }
}

TEST_CASE("predictor: several threads use one") {
  const auto net = small_cnn<float>();
  const Predictor predictor{net, 8};
  const auto x = random_tensor<float>(Shape{8, 2, 9, 7}, 3);
  const std::string expected = to_string(net.predict(x));
  std::array<std::string, 4> results;
  std::vector<std::thread> threads;
  for (auto& result : results)
    threads.emplace_back([&] {
      auto scratch = predictor.scratch(1);
      for (int i = 0; i < 20; ++i) result = to_string(predictor(x, scratch));
    });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) CHECK(result == expected);
  const auto many = random_tensor<float>(Shape{131, 2, 9, 7}, 1);
  const auto answers = net.predict(many);  // by several batches
  CHECK(answers.shape() == Shape{131, 3});
  for (Index n = 0; n < 131; ++n)
    CHECK(relative_error(net.predict(many.sub(n, 1)), answers.sub(n, 1)) <= 1e-5);
}

TEST_CASE("contract: a layer with a buffer") {
  Sequential net{Shape{3}, Centre{3}};
  auto w = net.workspace(4);
  const auto x = random_tensor<double>(Shape{4, 3}, 1);
  net.forward(x, w, Mode::train);
  auto& [centre1] = net.layers();
  CHECK(sum(centre1.running) == 0);  // forward is const: nothing has changed yet
  Sgd sgd{net};
  sgd.step(net, w);
  CHECK(relative_error(centre1.running, mean<0>(x) * 0.1) <= 1e-15);
  const auto y = net.predict(x);
  CHECK(y(0, 0) == x(0, 0) - centre1.running(0));
  CHECK(gradient_check(Centre{3}, Shape{4, 3}).max_error <= 1e-6);
  CHECK(gradient_check(Centre{3}, Shape{4, 3}, {.mode = Mode::eval}).max_error <= 1e-6);
}

namespace {

// Its Pass is not made, so there is no memory for the gradient.
struct Forgetful {
  static constexpr std::string_view kind = "forgetful";
  using value_type = double;
  Tensor<double, 1> a{1.0, 2.0};
  struct Pass {
    Tensor<double, 1> da;
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"a", &Forgetful::a, &Pass::da}};
  }
  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const double, 2> x, View<double, 2> y, Pass&, const Context&) const {
    std::copy(x.begin(), x.end(), y.begin());
  }
  void backward(View<const double, 2>, View<const double, 2>, View<const double, 2>,
                View<double, 2>, Pass& w, const Context&) const {
    w.da(1) = 0;
  }
};

}  // namespace

TEST_CASE("contract: a missing Pass is reported, not written beyond") {
  CHECK(error_of([] {
          gradient_check(Forgetful{}, Shape{2, 2});
        }) ==
        "forgetful1: expected a gradient (2) of a in its Pass, found (0) (the layer's pass(shape, "
        "options) makes it)");
  CHECK(Sequential{Shape{2}, Forgetful{}}.predict(Tensor<double, 2>{{3, 4}})(0, 1) == 4);
}

TEST_CASE("contract: a layer with randomness") {
  const auto result = gradient_check(Dropout{.p = 0.4}, Shape{5, 7});
  CHECK(result.max_error <= 1e-6);
  Sequential net{Shape{1000}, Dropout{}, Dropout{}};
  auto w = net.workspace(1, {.keep = Keep::everything, .seed = 3}),
       same = net.workspace(1, {.keep = Keep::everything, .seed = 3});
  const Tensor<float, 2> ones(Shape{1, 1000}, 1.f);
  const Tensor<float, 2> first(net.forward(ones, w, Mode::train));
  CHECK(to_string(first) == to_string(net.forward(ones, same, Mode::train)));
  const Tensor<float, 2> layer1(w.activation<0>());
  CHECK_FALSE(
      std::equal(layer1.begin(), layer1.end(), map(first, [](float v) { return v / 2; }).begin()));
  CHECK(std::abs(mean(layer1) - 1) < 0.15);
  w.step = 1;
  const auto second = net.forward(ones, w, Mode::train);
  CHECK_FALSE(std::equal(first.begin(), first.end(), second.begin()));
  CHECK(sum(net.forward(ones, w)) == 1000);
}

TEST_CASE("contract: a layer that contains a Sequential") {
  Rng rng{1};
  Chain branch{Linear<double>{{.in = 4, .out = 6}, rng}, Relu{},
               Linear<double>{{.in = 6, .out = 4}, rng}};
  Sequential net{Shape{4}, Linear<double>{{.in = 4, .out = 4}, rng}, Residual{branch},
                 Linear<double>{{.in = 4, .out = 2}, rng}};
  std::string names;
  net.for_each_parameter([&](const std::string& name, const auto&) { names += name + " "; });
  CHECK(names ==
        "fc1.weight fc1.bias residual1.f.fc1.weight residual1.f.fc1.bias "
        "residual1.f.fc2.weight residual1.f.fc2.bias fc2.weight fc2.bias ");
  CHECK(net.parameter_count() == 20 + 30 + 28 + 10);
  CHECK(contains(summary(net), "residual1 (N, 4)                        58"));
  const auto result = gradient_check(net, random_tensor<double>(Shape{3, 4}, 2));
  CAPTURE(to_string(result));
  CHECK(result.max_error <= 1e-6);
  CHECK(result.entries.size() == 9);
}

TEST_CASE("contract: parameters and buffers, two children") {
  Rng rng{1};
  const auto conv = [&](Index in, Index out, Index kernel, Index stride) {
    return Conv2d<double>{{.in = in,
                           .out = out,
                           .kernel = kernel,
                           .stride = stride,
                           .padding = kernel / 2,
                           .bias = false},  // what is normalised does not depend on it
                          rng};
  };
  const Sequential net{Shape{2, 5, 4},
                       conv(2, 3, 3, 1),
                       BatchNorm2d<double>{{.channels = 3}},
                       Relu{},
                       Residual{Chain{conv(3, 4, 3, 2), Relu{}, conv(4, 4, 3, 1),
                                      BatchNorm2d<double>{{.channels = 4}}},
                                Shortcut{conv(3, 4, 1, 2)}},
                       Flatten{},
                       Linear<double>{{.in = 24, .out = 2}, rng}};
  for (const Mode mode : {Mode::train, Mode::eval}) {
    const auto result =
        gradient_check(net, random_tensor<double>(Shape{3, 2, 5, 4}, 2), {.mode = mode});
    CAPTURE(to_string(result));
    CHECK(result.max_error <= 1e-6);
  }
}

TEST_CASE("summary: the course network") {
  Rng rng{1};
  const auto net = course_cnn<float>(rng);
  const std::string text = summary(net);
  CHECK(contains(text, "conv2     (N, 64, 14, 14)           18,496       3,612,672       8 x 8\n"));
  CHECK(contains(text, "pool2     (N, 64, 7, 7)                                        10 x 10\n"));
  CHECK(contains(text, "421,642       4,241,152"));
}
