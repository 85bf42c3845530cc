// SPDX-License-Identifier: MIT
//
// What optimizers have in common, those beside SGD and Adam against their formulas by hand, and what is done to
// gradients and weights around a step.
#include <map>

#include "fovea/train/averages.hpp"
#include "fovea/train/gradients.hpp"
#include "fovea/train/lion.hpp"
#include "fovea/train/muon.hpp"
#include "fovea/train/rate_test.hpp"
#include "fovea/train/rmsprop.hpp"
#include "fovea/train/stopping.hpp"
#include "support.hpp"

using namespace test;

namespace {

// Convolution, batch normalisation, linear.
template <class T = double>
auto small_net() {
  Rng rng{3};
  return sequential<T>(Shape{2, 5, 5}, rng, conv2d({.out = 3, .kernel = 3}), batch_norm2d(), relu,
                       flatten, linear(4));
}
template <class T = double>
Tensor<T, 4> some_images(Index N = 4) {
  Tensor<T, 4> x(Shape{N, 2, 5, 5});
  Rng rng{5};
  for (T& v : x) v = static_cast<T>(rng.uniform(-1, 1));
  return x;
}
const Tensor<Label, 1> some_labels{0, 3, 1, 2};

template <class Net, class W>
void go_back(const Net& net, W& w) {
  cross_entropy(net.forward(some_images<typename Net::value_type>(), w), some_labels,
                w.output_gradient());
  net.backward(w);
}
bool equal_numbers(const auto& a, const auto& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}
template <class Net>
std::vector<double> state_of(const Net& net) {
  std::vector<double> all;
  net.for_each_state([&](const auto&, const auto& tensor) {
    for (const auto x : tensor) all.push_back(static_cast<double>(x));
  });
  return all;
}

// One weight and one bias, whose gradients the test writes itself.
auto two_numbers() {
  Rng rng{1};
  Sequential net{Shape{1}, Linear<double>{{.in = 1, .out = 1}, rng}};
  std::get<0>(net.layers()).weight = {{0.5}};
  std::get<0>(net.layers()).bias = {2.0};
  return net;
}
template <class Make, class Formula>
void follow(const Make& make, const Formula& formula) {
  auto net = two_numbers();
  auto w = net.workspace(1);
  auto optimizer = make(net);
  double x[2] = {0.5, 2.0};
  for (int t = 1; t <= 12; ++t) {
    const double g[2] = {0.3 * t - 1, t % 2 == 0 ? -0.5 : 0.4};
    w.template layer<0>().dweight = {{g[0]}};
    w.template layer<0>().dbias = {g[1]};
    optimizer.step(net, w);
    for (int i = 0; i < 2; ++i) x[i] = formula(i, t, x[i], g[i]);
    CHECK(std::get<0>(net.layers()).weight(0, 0) == doctest::Approx(x[0]).epsilon(1e-13));
    CHECK(std::get<0>(net.layers()).bias(0) == doctest::Approx(x[1]).epsilon(1e-13));
    CHECK(optimizer.steps() == static_cast<std::uint64_t>(t));
  }
}

}  // namespace

TEST_CASE("rmsprop and lion: twelve steps by hand") {
  double s[2] = {}, v[2] = {};
  follow(
      [](const auto& net) {
        return Rmsprop{net,
                       {.learning_rate = 0.02, .alpha = 0.9, .momentum = 0.5, .weight_decay = 0.1}};
      },
      [&](int i, int, double x, double g) {
        g += 0.1 * x;
        s[i] = 0.9 * s[i] + 0.1 * g * g;
        v[i] = 0.5 * v[i] + g / (std::sqrt(s[i]) + 1e-8);
        return x - 0.02 * v[i];
      });
  double m[2] = {};
  follow(
      [](const auto& net) {
        return Lion{net, {.learning_rate = 0.01, .weight_decay = 0.2}};
      },
      [&](int i, int, double x, double g) {
        const double u = 0.9 * m[i] + 0.1 * g;
        m[i] = 0.99 * m[i] + 0.01 * g;
        return x - 0.01 * ((u > 0 ? 1 : -1) + 0.2 * x);
      });
}

TEST_CASE("muon: filters move by a nearly orthogonal matrix, the rest as Sgd moves it") {
  auto net = small_net();
  auto other = net;
  auto w = net.workspace(4), v = other.workspace(4);
  Muon muon{net,
            {.learning_rate = 1, .momentum = 0, .iterations = 30, .rest = {.learning_rate = 0.1}}};
  Sgd sgd{other, {.learning_rate = 0.1}};
  const auto before = std::get<0>(net.layers()).weight;
  go_back(net, w);
  go_back(other, v);
  muon.step(net, w);
  sgd.step(other, v);
  // Of filters (3, 18) the rows of the update are nearly orthogonal: its singular values are in [0.68, 1.14],
  // where these coefficients lead.
  const auto move = before - std::get<0>(net.layers()).weight;
  for (Index a = 0; a < 3; ++a)
    for (Index b = 0; b < 3; ++b) {
      double dot = 0;
      for (Index i = 0; i < 18; ++i) dot += move[a].data()[i] * move[b].data()[i];
      CHECK(dot > (a == b ? 0.4 : -0.3));
      CHECK(dot < (a == b ? 1.35 : 0.3));
    }
  CHECK(equal_numbers(std::get<4>(net.layers()).weight, std::get<4>(other.layers()).weight));
  CHECK(equal_numbers(std::get<0>(net.layers()).bias, std::get<0>(other.layers()).bias));
  // With .normalise filters have the norm sqrt(O) before the step.
  Muon still{net, {.learning_rate = 0, .normalise = true, .rest = {.learning_rate = 0}}};
  still.step(net, w);
  double squares = 0;
  for (const double x : std::get<0>(net.layers()).weight) squares += x * x;
  CHECK(std::sqrt(squares) == doctest::Approx(std::sqrt(3.0)).epsilon(1e-6));
}

TEST_CASE("groups: rate, decay and frozen go by the name of a parameter") {
  auto net = small_net(), other = net;
  auto w = net.workspace(4), v = other.workspace(4);
  go_back(net, w);
  go_back(other, v);
  Sgd plain{other, {.learning_rate = 0.1}};
  plain.step(other, v);
  Sgd grouped{net, {.learning_rate = 0.1, .weight_decay = 0.5}, [](std::string_view name) {
                return ParameterGroup{.rate = name == "fc1.bias" ? 3.0 : 1.0,
                                      .decay = name == "fc1.weight" ? 1.0 : 0.0,
                                      .frozen = name == "conv1.weight"};
              }};
  const auto old = net;
  grouped.step(net, w);
  const auto &conv = std::get<0>(net.layers()), &old_conv = std::get<0>(old.layers());
  CHECK(equal_numbers(conv.weight, old_conv.weight));
  CHECK(equal_numbers(conv.bias, std::get<0>(other.layers()).bias));
  const auto &fc = std::get<4>(net.layers()), &old_fc = std::get<4>(old.layers()),
             &plain_fc = std::get<4>(other.layers());
  for (Index k = 0; k < 4; ++k) {
    CHECK(fc.bias(k) == doctest::Approx(old_fc.bias(k) + 3 * (plain_fc.bias(k) - old_fc.bias(k))));
    CHECK(fc.weight(k, 2) ==
          doctest::Approx(plain_fc.weight(k, 2) - 0.1 * 0.5 * old_fc.weight(k, 2)));
  }
  for (const double bad : {-1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK(contains(error_of([&] {
                     Sgd{net, {}, [&](std::string_view) { return ParameterGroup{.rate = bad}; }};
                   }),
                   "Sgd: expected a finite rate of a group of 0 or more"));
}

TEST_CASE(
    "frozen layers: no gradient, no step, no new statistics, and the others train as before") {
  for (const bool fuse : {true, false}) {
    Rng rng{1};
    auto net = sequential<float>(
        Shape{1, 12, 12}, rng, conv2d({.out = 8, .kernel = 3, .padding = 1}), relu, max_pool2d(2),
        conv2d({.out = 8, .kernel = 3, .padding = 1}), batch_norm2d(), relu, flatten, linear(3));
    const auto old = net;
    auto w = net.workspace(4, {.fuse = fuse, .frozen = [](std::string_view name) {
                                 return name.starts_with("conv1.") || name.starts_with("bn1.");
                               }});
    Tensor<float, 4> x(Shape{4, 1, 12, 12});
    for (float& v : x) v = static_cast<float>(rng.uniform(-1, 1));
    AdamW adam{net, {.weight_decay = 0.1}};
    for (int step = 0; step < 3; ++step) {
      cross_entropy(net.forward(x, w), Tensor<Label, 1>{0, 1, 2, 0}, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
    }
    std::map<std::string, bool> same;
    std::map<std::string, std::vector<float>> before;
    old.for_each_state([&](const std::string& name, const auto& t) {
      before[name] = {t.begin(), t.end()};
    });
    net.for_each_state([&](const std::string& name, const auto& t) {
      same[name] = std::equal(t.begin(), t.end(), before[name].begin());
    });
    for (const auto& entry : same) {
      const auto& name = entry.first;
      const bool stays = entry.second;
      CAPTURE(name);
      CHECK(stays == (name.starts_with("conv1.") || name.starts_with("bn1.")));
    }
    int empty = 0;
    net.for_each_parameter(w, [&](auto, auto gradient) { empty += gradient.empty(); });
    CHECK(empty == 4);
  }
  // A layer without parameters of its own is not frozen by the name of another.
  Rng rng{1};
  auto plain = sequential<double>(Shape{2, 5, 5}, rng, conv2d({.out = 3, .kernel = 3}),
                                  batch_norm2d({.affine = false}), flatten, linear(4));
  const auto start = std::get<1>(plain.layers()).running_mean;
  auto v = plain.workspace(4, {.frozen = [](std::string_view name) { return name == "fc1.bias"; }});
  go_back(plain, v);
  plain.commit_buffers(v);
  CHECK(!equal_numbers(std::get<1>(plain.layers()).running_mean, start));
  // Part of a layer: the weight stays, the bias does not.
  auto net = small_net();
  const auto old = net;
  auto w =
      net.workspace(4, {.frozen = [](std::string_view name) { return name == "conv1.weight"; }});
  go_back(net, w);
  Sgd sgd{net, {.learning_rate = 0.1}};
  sgd.step(net, w);
  CHECK(equal_numbers(std::get<0>(net.layers()).weight, std::get<0>(old.layers()).weight));
  CHECK(!equal_numbers(std::get<0>(net.layers()).bias, std::get<0>(old.layers()).bias));
  CHECK(!equal_numbers(std::get<1>(net.layers()).running_mean,
                       std::get<1>(old.layers()).running_mean));
}

TEST_CASE("gradients: clipped by norm and by value") {
  auto net = small_net();
  auto w = net.workspace(4);
  go_back(net, w);
  std::vector<double> before;
  double squares = 0;
  net.for_each_parameter(w, [&](auto, auto g) {
    for (const double x : g) before.push_back(x), squares += x * x;
  });
  const double norm = std::sqrt(squares);
  CHECK(clip_norm(net, w, 2 * norm) == doctest::Approx(norm));
  CHECK(clip_norm(net, w, norm / 4) == doctest::Approx(norm));
  std::size_t i = 0;
  net.for_each_parameter(w, [&](auto, auto g) {
    for (const double x : g) CHECK(x == doctest::Approx(before[i++] / 4));
  });
  clip_value(net, w, 0.01);
  i = 0;
  net.for_each_parameter(w, [&](auto, auto g) {
    for (const double x : g) CHECK(x == doctest::Approx(std::clamp(before[i++] / 4, -0.01, 0.01)));
  });
  CHECK(contains(error_of([&] { clip_norm(net, w, 0); }),
                 "clip_norm: expected a norm above 0, got 0"));
  CHECK(contains(error_of([&] { clip_value(net, w, -1); }),
                 "clip_value: expected a value above 0, got -1"));
}

TEST_CASE("the mean of gradients of parts is the gradient of the whole") {
  Rng rng{2};
  auto net = sequential<double>(Shape{2, 5, 5}, rng, conv2d({.out = 3, .kernel = 3}), relu, flatten,
                                linear(4));
  auto whole = net.workspace(4), part = net.workspace(3);
  const auto x = some_images();
  cross_entropy(net.forward(x, whole), some_labels, whole.output_gradient());
  net.backward(whole);
  GradientMean mean{net};
  CHECK(contains(error_of([&] { mean.put(net, part); }),
                 "GradientMean: expected a gradient before its mean"));
  for (const auto& [first, count] :
       {std::pair{Index{0}, Index{3}}, std::pair{Index{3}, Index{1}}}) {
    cross_entropy(net.forward(x.sub(first, count), part), some_labels.sub(first, count),
                  part.output_gradient());
    net.backward(part);
    mean.add(net, part, static_cast<double>(count));
  }
  CHECK(mean.count() == 2);
  mean.put(net, part);
  std::vector<double> expected, found;
  net.for_each_parameter(
      whole, [&](auto, auto g) { expected.insert(expected.end(), g.begin(), g.end()); });
  net.for_each_parameter(part,
                         [&](auto, auto g) { found.insert(found.end(), g.begin(), g.end()); });
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-12));
  CHECK(mean.count() == 0);
}

TEST_CASE("averages: Ema and Lookahead by hand, buffers included") {
  auto net = small_net();
  auto w = net.workspace(4);
  Sgd sgd{net, {.learning_rate = 0.1}};
  Ema ema{net, 0.7};
  auto average = state_of(net), slow = average;
  for (int step = 1; step <= 6; ++step) {
    go_back(net, w);
    sgd.step(net, w);
    ema.update(net);
    const auto now = state_of(net);
    for (std::size_t i = 0; i < now.size(); ++i) average[i] = 0.7 * average[i] + (1 - 0.7) * now[i];
  }
  const auto last = state_of(net);
  ema.swap(net);
  const auto swapped = state_of(net);
  for (std::size_t i = 0; i < last.size(); ++i)
    CHECK(swapped[i] == doctest::Approx(average[i]).epsilon(1e-13));
  ema.swap(net);
  CHECK(state_of(net) == last);

  Lookahead lookahead{net, 2, 0.25};
  slow = last;
  for (int step = 1; step <= 4; ++step) {
    go_back(net, w);
    sgd.step(net, w);
    const auto fast = state_of(net);
    const bool follows = lookahead.update(net, sgd.steps());
    CHECK(follows == (sgd.steps() % 2 == 0));
    const auto now = state_of(net);
    if (follows)
      for (std::size_t i = 0; i < now.size(); ++i) slow[i] += 0.75 * (fast[i] - slow[i]);
    for (std::size_t i = 0; i < now.size(); ++i)
      CHECK(now[i] == doctest::Approx(follows ? slow[i] : fast[i]).epsilon(1e-12));
  }
  auto other = small_net();
  CHECK(contains(error_of([&] { ema.update(other); }),
                 "Ema: this workspace or optimizer was made for another"));
  CHECK(contains(error_of([&] { Ema{net, 1.5}; }), "Ema: expected a decay in [0, 1], got 1.5"));
  CHECK(contains(error_of([&] {
                   Lookahead{net, 0};
                 }),
                 "Lookahead: expected to follow every 1 steps or more"));
}

TEST_CASE("averages: the same of a network made at run time") {
  auto typed = small_net();
  const auto& [conv1, bn1, relu1, flatten1, fc1] = typed.layers();
  Network<double> net;
  const auto maps = net.add(relu1, net.add(bn1, net.add(conv1, net.input(Shape{2, 5, 5}))));
  net.add(fc1, net.add(flatten1, maps));
  Ema<double> ema{typed, 0.7}, other_ema{net, 0.7};
  Lookahead<double> lookahead{typed, 1}, other_lookahead{net, 1};
  // Weights as after some steps, and the averages that follow them.
  for (int step = 0; step < 3; ++step) {
    typed.for_each_state([](auto& tensor) {
      for (double& w : tensor) w = 0.5 * w + 0.25;
    });
    net.for_each_state([](auto view) {
      for (Index i = 0; i < view.extents.size(); ++i) view.data[i] = 0.5 * view.data[i] + 0.25;
    });
    ema.update(typed);
    other_ema.update(net);
    lookahead.update(typed, 1);
    other_lookahead.update(net, 1);
  }
  for (const bool averaged : {false, true}) {
    if (averaged) {
      ema.swap(typed);
      other_ema.swap(net);
    }
    std::vector<double> found;
    net.for_each_state(
        [&](auto view) { found.insert(found.end(), view.data, view.data + view.extents.size()); });
    CHECK(found == state_of(typed));
  }
}

TEST_CASE("schedules: points, steps and a warm-up") {
  const Piecewise line{{{10, 0.2}, {20, 1}, {40, 0}}};
  CHECK(line(0) == 0.2);
  CHECK(line(15) == doctest::Approx(0.6));
  CHECK(line(30) == doctest::Approx(0.5));
  CHECK(line(99) == 0);
  CHECK(error_of([] { Piecewise{}(0); }) == "Piecewise: expected one point or more, got none");
  CHECK(contains(error_of([] { Piecewise{{{5, 1}, {5, 2}}}(0); }), "in the order of their steps"));
  CHECK(contains(error_of([] {
                   Piecewise{{{5, -1}}}(0);
                 }),
                 "expected a finite rate of 0 or more, got -1"));
  const Stepwise steps{.rate = 0.1, .at = {3, 5}, .factor = 0.5};
  CHECK(steps(2) == 0.1);
  CHECK(steps(3) == doctest::Approx(0.05));
  CHECK(steps(5) == doctest::Approx(0.025));
  CHECK(contains(error_of([] { Stepwise{.at = {5, 5}}(0); }), "Stepwise: expected rising steps"));
  const Warmup up{4, Constant{0.8}};
  CHECK(up(0) == doctest::Approx(0.2));
  CHECK(up(3) == doctest::Approx(0.8));
  CHECK(up(100) == 0.8);
}

TEST_CASE("stopping: early, and at a plateau") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EarlyStopping stop{.patience = 2, .margin = 0.1};
  CHECK(stop.add(3));
  CHECK(!stop.add(2.95));
  CHECK(!stop.now());
  CHECK(stop.add(2));
  CHECK(!stop.add(nan));
  CHECK(!stop.now());
  CHECK(!stop.add(1.95));
  CHECK(stop.now());
  CHECK(stop.best() == 2);
  CHECK(stop.best_at() == 2);
  CHECK(stop.count() == 5);
  Plateau plateau{.rate = 1, .factor = 0.5, .patience = 1, .smallest = 0.3};
  CHECK(plateau.add(3) == 1);
  CHECK(plateau.add(3) == 1);
  CHECK(plateau.add(3) == 0.5);
  CHECK(plateau.add(2) == 0.5);
  for (int i = 0; i < 10; ++i) plateau.add(nan);
  CHECK(plateau.now() == 0.3);
  CHECK(contains(error_of([] { EarlyStopping{.patience = 0}.add(1); }),
                 "expected a patience of 1 or more"));
  CHECK(contains(error_of([] { Plateau{.factor = 1}.add(1); }),
                 "Plateau: expected a factor in (0, 1)"));
}

TEST_CASE(
    "rate test: rates grow by a constant factor, the network stays, a loss that explodes ends it") {
  const auto data = synthetic_digits(128, 1);
  Rng rng{1};
  auto net = sequential<float>(Shape{1, 28, 28}, rng, flatten, linear(10));
  const auto before = state_of(net);
  const auto make = [](const auto& n) { return Sgd{n}; };
  const auto curve = rate_test(net, data, make, {.from = 1e-3, .to = 0.1, .steps = 5});
  REQUIRE(curve.size() == 5);
  CHECK(curve[0].rate == doctest::Approx(1e-3));
  CHECK(curve[2].rate == doctest::Approx(1e-2));
  CHECK(curve[4].rate == doctest::Approx(0.1));
  CHECK(state_of(net) == before);
  CHECK(rate_test(net, data, make, {.from = 0.1, .to = 1e6, .steps = 50}).size() < 50);
  CHECK(contains(error_of([&] { rate_test(net, data, make, {.from = 1, .to = 1}); }),
                 "0 < from < to"));
}
