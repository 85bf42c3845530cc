// SPDX-License-Identifier: MIT
#include "support.hpp"
#include "train/schedules.hpp"

using namespace test;

namespace {

// A network of two tensors, whose gradients the test writes itself.
auto two_tensors() {
  Rng rng{1};
  Sequential net{Shape{2}, Linear<double>{{.in = 2, .out = 1}, rng}};
  auto& [fc1] = net.layers();
  fc1.weight = {{0.5, -1.0}};
  fc1.bias = {2.0};
  return net;
}

// Gradients of step t: two are steady, one changes its sign.
void set_gradients(auto& workspace, int t) {
  workspace.template layer<0>().dweight = {{0.1 * t, t % 2 == 0 ? -3.0 : 3.0}};
  workspace.template layer<0>().dbias = {1e-3};
}

}  // namespace

TEST_CASE("adam: ten steps with two tensors, against the paper's formula by hand") {
  for (const double decay : {0.0, 0.1}) {
    auto net = two_tensors();
    auto workspace = net.workspace(1);
    AdamW adam{net, {.learning_rate = 0.05, .weight_decay = decay}};
    double w[3] = {0.5, -1.0, 2.0}, m[3] = {}, v[3] = {};
    for (int t = 1; t <= 10; ++t) {
      set_gradients(workspace, t);
      adam.step(net, workspace);
      const double g[3] = {0.1 * t, t % 2 == 0 ? -3.0 : 3.0, 1e-3};
      for (int i = 0; i < 3; ++i) {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
        const double mhat = m[i] / (1 - std::pow(0.9, t)), vhat = v[i] / (1 - std::pow(0.999, t));
        w[i] -= 0.05 * decay * w[i];
        w[i] -= 0.05 * mhat / (std::sqrt(vhat) + 1e-8);
      }
    }
    auto& [fc1] = net.layers();
    CHECK(std::abs(fc1.weight(0, 0) - w[0]) < 1e-14);
    CHECK(std::abs(fc1.weight(0, 1) - w[1]) < 1e-14);
    CHECK(std::abs(fc1.bias(0) - w[2]) < 1e-14);
    CHECK(adam.steps() == 10);
    CHECK(workspace.step == 10);
  }
}

TEST_CASE("adam: the first step is the learning rate, in every tensor") {
  auto net = two_tensors();
  auto workspace = net.workspace(1);
  Adam adam{net, {.learning_rate = 0.01}};
  set_gradients(workspace, 1);
  adam.step(net, workspace);
  auto& [fc1] = net.layers();
  CHECK(std::abs(fc1.weight(0, 0) - 0.49) < 1e-8);
  CHECK(std::abs(fc1.weight(0, 1) + 1.01) < 1e-8);
  CHECK(std::abs(fc1.bias(0) - 1.99) < 1e-6);  // eps = 1e-8 beside a gradient of 1e-3
}

TEST_CASE("sgd: momentum and weight decay by hand") {
  auto net = two_tensors();
  auto workspace = net.workspace(1);
  Sgd sgd{net, {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01}};
  double w[3] = {0.5, -1.0, 2.0}, v[3] = {};
  for (int t = 1; t <= 5; ++t) {
    set_gradients(workspace, t);
    sgd.step(net, workspace);
    const double g[3] = {0.1 * t, t % 2 == 0 ? -3.0 : 3.0, 1e-3};
    for (int i = 0; i < 3; ++i) {
      v[i] = 0.9 * v[i] + g[i] + 0.01 * w[i];
      w[i] -= 0.1 * v[i];
    }
  }
  auto& [fc1] = net.layers();
  CHECK(std::abs(fc1.weight(0, 0) - w[0]) < 1e-14);
  CHECK(std::abs(fc1.weight(0, 1) - w[1]) < 1e-14);
  CHECK(std::abs(fc1.bias(0) - w[2]) < 1e-14);
}

TEST_CASE("optimizers: a moment that decays ends at zero, not among the denormal numbers") {
  const auto run = [](auto make, int steps) {
    auto net = two_tensors();
    auto workspace = net.workspace(1);
    auto optimizer = make(net);
    for (int t = 1; t <= steps; ++t) {
      if (t == 1) {
        set_gradients(workspace, t);
      } else {
        workspace.template layer<0>().dweight.fill(0);
        workspace.template layer<0>().dbias.fill(0);
      }
      optimizer.step(net, workspace);
    }
    const auto& moment = optimizer.*std::get<0>(optimizer.state()).second;
    return std::vector<double>(moment.begin(), moment.end());
  };
  const auto adam = [](auto& net) { return Adam{net, {.beta1 = 0.5}}; };
  const auto sgd = [](auto& net) { return Sgd{net, {.momentum = 0.5}}; };
  const double least = std::numeric_limits<double>::min();
  // 1e-3 * 0.5^n is above 2^-1022 for n <= 1012.
  for (const double m : run(adam, 1000)) CHECK(std::abs(m) >= least);
  for (const double v : run(sgd, 1000)) CHECK(std::abs(v) >= least);
  for (const double m : run(adam, 1030)) CHECK(m == 0);
  for (const double v : run(sgd, 1030)) CHECK(v == 0);
}

TEST_CASE("adam: in float it stays as near to double as PyTorch does") {
  // Weights of zero, so that their digits are those of the steps. PyTorch 1.13 in float, measured alike: 9.9e-8
  // after 1 step, 2.9e-7 after 50, 5e-6 after 5000.
  Rng rng{1};
  Sequential net{Shape{20}, Linear<float>{{.in = 20, .out = 40, .bias = false}, rng}};
  auto& [fc1] = net.layers();
  fc1.weight.fill(0);
  auto workspace = net.workspace(1);
  Adam adam{net};
  Tensor<double, 2> w(fc1.weight.shape()), m(w.shape()), v(w.shape());
  for (int t = 1; t <= 2000; ++t) {
    auto& gradient = workspace.template layer<0>().dweight;
    for (float& g : gradient) g = static_cast<float>(rng.normal());
    adam.step(net, workspace);
    double difference = 0, size = 0;
    for (Index i = 0; i < w.size(); ++i) {
      const auto g = static_cast<double>(gradient.data()[i]);
      double &mi = m.data()[i], &vi = v.data()[i], &wi = w.data()[i];
      mi = 0.9 * mi + 0.1 * g;
      vi = 0.999 * vi + 0.001 * g * g;
      wi -= 1e-3 * mi / (1 - std::pow(0.9, t)) / (std::sqrt(vi / (1 - std::pow(0.999, t))) + 1e-8);
      difference += std::pow(static_cast<double>(fc1.weight.data()[i]) - wi, 2);
      size += wi * wi;
    }
    const double error = std::sqrt(difference / size);
    if (t == 1) CHECK(error < 2e-7);
    if (t == 50) CHECK(error < 4e-7);
    if (t == 2000) CHECK(error < 2e-6);
  }
}

TEST_CASE("optimizers refuse options that are set later, before anything changes") {
  constexpr double nan = NAN, infinity = INFINITY;
  const auto refuses = [](auto optimizer_of, auto set, const std::string& error) {
    CAPTURE(error);
    Rng rng{1};
    Sequential net{Shape{2}, Linear<float>{{.in = 2, .out = 1}, rng}};
    auto workspace = net.workspace(1);
    auto optimizer = optimizer_of(net);
    workspace.template layer<0>().dweight = Tensor<float, 2>{{1, 2}};
    workspace.template layer<0>().dbias = Tensor<float, 1>{3};
    optimizer.step(net, workspace);
    const auto before = std::get<0>(net.layers()).weight;
    const auto& moment = optimizer.*std::get<0>(optimizer.state()).second;
    const auto moment_before = moment;
    const auto options = optimizer.options;
    set(optimizer.options);
    CHECK(error_of([&] { optimizer.step(net, workspace); }) == error);
    CHECK(optimizer.steps() == 1);
    CHECK(workspace.step == 1);
    CHECK(to_string(std::get<0>(net.layers()).weight) == to_string(before));
    CHECK(to_string(moment) == to_string(moment_before));
    optimizer.options = options;
    optimizer.step(net, workspace);
    CHECK(optimizer.steps() == 2);
    CHECK(to_string(std::get<0>(net.layers()).weight) != to_string(before));
  };
  const auto adam = [&](auto set, const std::string& error) {
    refuses([](auto& net) { return AdamW{net}; }, set, error);
    refuses([](auto& net) { return Adam{net}; }, set, error);
  };
  const auto sgd = [&](auto set, const std::string& error) {
    refuses([](auto& net) { return Sgd{net}; }, set, error);
  };
  for (const double v : {-1e-3, infinity, -infinity, 1e39, nan}) {
    const std::string got = concat(v);
    adam([v](auto& o) { o.learning_rate = v; },
         "Adam: expected a finite learning rate of 0 or more, got " + got);
    adam([v](auto& o) { o.weight_decay = v; },
         "Adam: expected a finite weight decay of 0 or more, got " + got);
    adam([v](auto& o) { o.epsilon = v; },
         "Adam: expected a finite epsilon above 0 (1.4013e-45 or more), got " + got);
    sgd([v](auto& o) { o.learning_rate = v; },
        "Sgd: expected a finite learning rate of 0 or more, got " + got);
    sgd([v](auto& o) { o.weight_decay = v; },
        "Sgd: expected a finite weight decay of 0 or more, got " + got);
  }
  adam([](auto& o) { o.epsilon = 0; },
       "Adam: expected a finite epsilon above 0 (1.4013e-45 or more), got 0");
  adam([](auto& o) { o.epsilon = 1e-60; },
       "Adam: expected a finite epsilon above 0 (1.4013e-45 or more), got 1e-60");
  adam([](auto& o) { o.beta1 = nan; }, "Adam: expected a beta in [0, 1), got nan");
  adam([](auto& o) { o.beta2 = -0.5; }, "Adam: expected a beta in [0, 1), got -0.5");
  adam([](auto& o) { o.beta2 = 1 - 1e-9; }, "Adam: expected a beta in [0, 1), got 1");
  for (const double momentum : {nan, -0.1, 1.0})
    sgd([=](auto& o) { o.momentum = momentum; },
        concat("Sgd: expected a momentum in [0, 1), got ", momentum));
}

TEST_CASE("optimizers refuse nonsense") {
  auto net = two_tensors();
  CHECK(contains(error_of([&] { Adam{net, {.learning_rate = -1}}; }), "learning rate"));
  CHECK(contains(error_of([&] { Adam{net, {.beta1 = 1}}; }), "a beta in [0, 1)"));
  CHECK(contains(error_of([&] { Sgd{net, {.momentum = 1}}; }), "momentum"));
}

TEST_CASE("schedules: ends and peaks") {
  CHECK(Constant{0.3}(17) == 0.3);
  const Cosine cosine{.rate = 1, .steps = 100, .end = 0.1};
  CHECK(cosine(0) == 1);
  CHECK(cosine(50) == doctest::Approx(0.55));
  CHECK(cosine(100) == doctest::Approx(0.1));
  CHECK(cosine(1000) == doctest::Approx(0.1));
  const OneCycle cycle{.peak = 1, .steps = 100};
  CHECK(cycle(0) == doctest::Approx(0.04));
  CHECK(cycle(29) == 1);
  CHECK(cycle(99) == doctest::Approx(4e-6));
  CHECK(cycle(1000) == cycle(99));
}

TEST_CASE("schedules: every step as in PyTorch") {
  for (const auto& [options, at] : golden::one_cycle) {
    const OneCycle schedule{.peak = options[0],
                            .steps = static_cast<std::uint64_t>(options[1]),
                            .warmup = options[2],
                            .start_divisor = options[3],
                            .end_divisor = options[4]};
    REQUIRE(at.size() == schedule.steps);
    for (std::size_t t = 0; t < at.size(); ++t) {
      const std::size_t step = t;
      CAPTURE(schedule.steps);
      CAPTURE(step);
      CHECK(std::abs(schedule(t) - at[t]) <= 1e-12 * schedule.peak);
    }
  }
  for (const auto& [options, at] : golden::cosine) {
    const Cosine schedule{
        .rate = options[0], .steps = static_cast<std::uint64_t>(options[1]), .end = options[2]};
    REQUIRE(at.size() == schedule.steps + 1);
    for (std::size_t t = 0; t < at.size(); ++t)
      CHECK(std::abs(schedule(t) - at[t]) <= 1e-12 * schedule.rate);
  }
}

TEST_CASE("schedules: a rate or one error, never NaN") {
  // Few steps, all kinds of warm-up: from the first to the last step a rate between end and peak.
  for (std::uint64_t steps = 1; steps <= 12; ++steps)
    for (const double warmup : {0.0, 1e-300, 0.1, 0.25, 0.5, 0.9, 1 - 1e-6, 1.0}) {
      const OneCycle schedule{.peak = 0.5, .steps = steps, .warmup = warmup};
      for (std::uint64_t t = 0; t < steps + 3; ++t) {
        CHECK(schedule(t) >= 2e-6 * (1 - 1e-12));
        CHECK(schedule(t) <= 0.5);
      }
      CHECK(schedule(steps - 1) == doctest::Approx(warmup == 1 ? 0.5 : 2e-6));
    }
  // One step of warm-up, or all: whether products are rounded or fused with a difference.
  for (const double warmup : {0.1, std::nextafter(0.1, 0.0), std::nextafter(0.1, 1.0)})
    CHECK(OneCycle{.peak = 0.5, .steps = 10, .warmup = warmup}(0) == 0.5);
  CHECK(OneCycle{.peak = 0.5, .steps = 7, .warmup = std::nextafter(1.0, 0.0)}(6) == 0.5);
  CHECK(OneCycle{.peak = 0}(0) == 0);
  CHECK(Cosine{.rate = 0.5, .steps = 1}(0) == 0.5);
  CHECK(Cosine{.rate = 0.5, .steps = 1}(1) == 0);
  const auto refuses = [](const auto& schedule, const std::string& error) {
    for (const std::uint64_t t : {0u, 1u, 5u}) CHECK(error_of([&] { schedule(t); }) == error);
  };
  refuses(Cosine{.steps = 0}, "Cosine: expected 1 step or more, got 0");
  refuses(OneCycle{.steps = 0}, "OneCycle: expected 1 step or more, got 0");
  for (const double rate : {-1e-3, double{NAN}, double{INFINITY}, -double{INFINITY}}) {
    const std::string error = concat(": expected a finite rate of 0 or more, got ", rate);
    refuses(Constant{rate}, "Constant" + error);
    refuses(Cosine{.rate = rate}, "Cosine" + error);
    refuses(Cosine{.end = rate}, "Cosine" + error);
    refuses(OneCycle{.peak = rate}, "OneCycle" + error);
  }
  for (const double warmup : {-0.1, 1.1, double{NAN}})
    refuses(OneCycle{.warmup = warmup},
            concat("OneCycle: expected a warm-up in [0, 1], got ", warmup));
  for (const double divisor : {0.0, -1.0, double{NAN}, double{INFINITY}}) {
    refuses(OneCycle{.start_divisor = divisor},
            concat("OneCycle: expected finite divisors above 0, got ", divisor, " and 10000"));
    refuses(OneCycle{.end_divisor = divisor},
            concat("OneCycle: expected finite divisors above 0, got 25 and ", divisor));
  }
  refuses(OneCycle{.start_divisor = 1e-320},
          "OneCycle: expected a finite rate of 0 or more, got inf");
}

TEST_CASE("metrics: accuracy, interval, confusion") {
  ConfusionMatrix confusion(3);
  confusion.add(Tensor<float, 2>{{3, 1, 2}, {0, 5, 1}, {0, 1, 9}}, Tensor<Label, 1>{0, 2, 2});
  CHECK(to_string(confusion.counts()) == "{{1, 0, 0},\n {0, 0, 0},\n {0, 1, 1}}");
  CHECK(confusion.accuracy().percent() == doctest::Approx(200.0 / 3));
  // 98.9 % of 10 000: the ends p of the interval solve |p - 0.989| = z sqrt(p (1 - p) / n).
  const auto [low, high] = Accuracy{9890, 10000}.interval();
  for (const double end : {low / 100, high / 100})
    CHECK(std::abs(end - 0.989) ==
          doctest::Approx(1.959963984540054 * std::sqrt(end * (1 - end) / 10000)).epsilon(1e-9));
  CHECK(low < 98.9);
  CHECK(high > 98.9);
  CHECK(Accuracy{10, 10}.interval().high == doctest::Approx(100));
  CHECK(Accuracy{10, 10}.interval().low < 75);
  CHECK(Accuracy{0, 0}.percent() == 0);
  CHECK(contains(error_of([&] {
                   confusion.add(Tensor<float, 2>(Shape{1, 4}), Tensor<Label, 1>{0});
                 }),
                 "got (1, 4)"));
}

namespace {

// A layer with a mistake made on purpose: what the gradient check is for.
struct Wrong {
  enum class Fault { none, sign, factor, unassigned, accumulated, leak } fault;
  static constexpr std::string_view kind = "wrong";
  template <std::size_t R>
  Shape<R> output_shape(Shape<R> x) const {
    return x;
  }
  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = x.data()[i] * x.data()[i];
  }
  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R>, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context&) const {
    for (Index i = 0; i < dx.size(); ++i) {
      const T right = 2 * x.data()[i] * dy.data()[i];
      if (fault == Fault::unassigned && i == 3)
        continue;
      else if (fault == Fault::accumulated)
        dx.data()[i] += right;
      else if (fault == Fault::sign && i == 3)
        dx.data()[i] = -right;
      else if (fault == Fault::factor)
        dx.data()[i] = right * T(1.00001);
      else if (fault == Fault::leak)
        dx.data()[i] = right + T(1e-5);
      else
        dx.data()[i] = right;
    }
  }
};

}  // namespace

TEST_CASE("gradient_check sees mistakes made on purpose") {
  using Fault = Wrong::Fault;
  CHECK(gradient_check(Wrong{Fault::none}, Shape{2, 3}).max_error <= 1e-9);
  for (const Fault fault :
       {Fault::sign, Fault::factor, Fault::unassigned, Fault::accumulated, Fault::leak})
    CHECK_FALSE(gradient_check(Wrong{fault}, Shape{2, 3}).max_error <= 1e-6);
  const std::string text = to_string(gradient_check(Wrong{Fault::sign}, Shape{2, 3}));
  CHECK(contains(text, "input: relative error "));
  CHECK(contains(text, ", largest gradient "));
}

TEST_CASE("gradient_check: a gradient that is zero is right, one that should be zero is not") {
  Rng rng{1};
  const auto net = sequential<double>(Shape{2, 6, 5}, rng, conv2d({.out = 4, .kernel = 3}),
                                      batch_norm2d(), relu, flatten, linear(3));
  const auto result = gradient_check(net, random_tensor<double>(Shape{3, 2, 6, 5}, 2));
  CAPTURE(to_string(result));
  CHECK(result.entries[2].name == "conv1.bias");
  CHECK(result.entries[2].largest < 1e-12);
  CHECK(result.max_error <= 1e-6);
  const Tensor<double, 1> none{0.0, 0.0}, some{0.0, 1e-8};
  CHECK(relative_error(none, some) == 1);
  CHECK(relative_error(none, some, 1e-3) == doctest::Approx(1e-5));
  CHECK(relative_error(some, some, 1e-3) == 0);
}

TEST_CASE("relative_error: equal, different, NaN") {
  const Tensor<double, 1> a{1, 2, 1e-8}, b{1, 2, 2e-8}, zero{0, 0, 0};
  CHECK(relative_error(a, a) == 0);
  CHECK(relative_error(zero, zero) == 0);
  CHECK(relative_error(a, b) == doctest::Approx(5e-9));
  CHECK(relative_error(a, zero) == 1);
  CHECK(std::isnan(relative_error(a, Tensor<double, 1>{1, std::nan(""), 0})));
}

TEST_CASE("training: a network learns synthetic digits") {
  const auto train = synthetic_digits(1500, 1), test = synthetic_digits(300, 2);
  Rng rng{1};
  Sequential net{
      Shape{1, 28, 28}, Conv2d<float>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
      Relu{},           MaxPool2d{{.kernel = 4}},
      Flatten{},        Linear<float>{{.in = 392, .out = 10}, rng}};
  auto workspace = net.workspace(50);
  Adam adam{net, {.learning_rate = 5e-3}};
  std::array<double, 4> losses{};
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch)
    for (const auto& [images, labels] : batches(train, 50, {.seed = 1, .epoch = epoch})) {
      const auto logits = net.forward(images, workspace);
      losses[epoch] +=
          static_cast<double>(cross_entropy(logits, labels, workspace.output_gradient()));
      net.backward(workspace);
      adam.step(net, workspace);
    }
  CHECK(losses[1] < losses[0]);
  CHECK(losses[3] < 0.5 * losses[0]);
  CHECK(evaluate(net, test).accuracy().percent() > 90);
}

TEST_CASE_TEMPLATE("evaluate: a data set, however it is cut, has the counts of its images", T,
                   float, double) {
  const Dataset data = synthetic_digits(53, 3);
  Rng rng{4};
  const auto net = sequential<T>(data.images[0].shape(), rng, flatten, linear(10));
  // Reference implementation: image by image.
  Tensor<Index, 2> expected(Shape{10, 10});
  for (Index n = 0; n < data.size(); ++n) {
    Tensor<T, 4> x(data.images.sub(n, 1).shape());
    for (Index i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<T>(data.scaling.to_input(data.images.sub(n, 1).data()[i] / 255.0));
    ++expected(data.labels(n), argmax(net.predict(x)[0]));
  }
  const auto same = [&](const ConfusionMatrix& found) {
    return std::equal(expected.begin(), expected.end(), found.counts().begin());
  };
  CHECK(evaluate(net, data).accuracy().total == 53);
  CHECK(same(evaluate(net, data)));
  CHECK(same(evaluate(net, data, {.batch_size = 7, .threads = 2})));
  CHECK(same(evaluate(net, data, {.batch_size = 1000})));
  CHECK(same(evaluate(net, batches<T>(data, 8, {.seed = 5}), 10, 2)));
}
