// SPDX-License-Identifier: MIT
//
// What docs/numerics.md promises, row by row: the test cases have the names of its sections.
#include <limits>

#include "support.hpp"

using namespace test;

namespace {

template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T inf_of = std::numeric_limits<T>::infinity();
constexpr float NaN = nan_of<float>, inf = inf_of<float>;

// NaN equals NaN here, so that "the same" can be said of broken numbers too.
template <class A, class B>
bool same(const A& a, const B& b) {
  return as_const(a).size() == as_const(b).size() &&
         std::equal(as_const(a).begin(), as_const(a).end(), as_const(b).begin(),
                    [](auto x, auto y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

template <class X>
Index count_nan(const X& x) {
  return std::count_if(as_const(x).begin(), as_const(x).end(),
                       [](auto v) { return std::isnan(v); });
}

template <class X>
bool all_finite(const X& x) {
  return std::all_of(as_const(x).begin(), as_const(x).end(),
                     [](auto v) { return std::isfinite(v); });
}

// Both kinds of block (direct, and Winograd with lists), a fully connected one, a plain layer.
template <class T>
auto two_blocks(std::uint64_t seed = 1) {
  Rng rng{seed};
  return Sequential{Shape{1, 12, 20},
                    Conv2d<T>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{},
                    Conv2d<T>{{.in = 8, .out = 9, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{},
                    Flatten{},
                    Linear<T>{{.in = 135, .out = 70}, rng},
                    Relu{},
                    Linear<T>{{.in = 70, .out = 4}, rng}};
}

template <class Net>
std::vector<typename Net::value_type> weights_of(const Net& net) {
  std::vector<typename Net::value_type> weights;
  net.for_each_parameter([&](const std::string&, const auto& t) {
    weights.insert(weights.end(), t.begin(), t.end());
  });
  return weights;
}

// One step of training; the loss.
template <class Net, class Optimizer, class T = typename Net::value_type>
T step(Net& net, Workspace<Net>& workspace, Optimizer& optimizer,
       View<const std::type_identity_t<T>, 4> x, View<const Label, 1> labels) {
  const T loss = cross_entropy(net.forward(x, workspace), labels, workspace.output_gradient());
  net.backward(workspace);
  optimizer.step(net, workspace);
  return loss;
}

// The loss and its gradient for one image.
struct Loss {
  float value;
  Tensor<float, 2> gradient;
};
Loss loss_of(const Tensor<float, 2>& logits, std::vector<Label> labels) {
  Loss loss{0, Tensor<float, 2>(logits.shape())};
  loss.value = cross_entropy(
      logits, View<const Label, 1>(labels.data(), Shape{static_cast<Index>(labels.size())}),
      loss.gradient.view());
  return loss;
}

}  // namespace

TEST_CASE("numerics: ReLU") {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const Tensor<float, 2> x{{NaN, inf, -inf, tiny, -tiny, 0.0f}};
  Tensor<float, 2> y(x.shape()), dx(x.shape());
  NoPass none;
  relu.forward<float, 2>(x, y, none, {});
  CHECK(same(y, Tensor<float, 2>{{NaN, inf, 0, tiny, 0, 0}}));
  relu.backward<float, 2>(x, y, Tensor<float, 2>(x.shape(), 3.0f), dx, none, {});
  CHECK(same(dx, Tensor<float, 2>{{0, 3, 0, 3, 0, 0}}));  // the gradient stops at a NaN
  relu.backward<float, 2>(x, y, Tensor<float, 2>(x.shape(), NaN), dx, none, {});
  CHECK(same(dx, Tensor<float, 2>{{0, NaN, 0, NaN, 0, 0}}));  // and a NaN at a dead unit
}

TEST_CASE("numerics: max-pool") {
  const MaxPool2d pool{{.kernel = 2}};
  Tensor<float, 4> x(Shape{1, 1, 2, 10});
  const auto window = [&](Index j, float a, float b, float c, float d) {
    x(0, 0, 0, 2 * j) = a, x(0, 0, 0, 2 * j + 1) = b;
    x(0, 0, 1, 2 * j) = c, x(0, 0, 1, 2 * j + 1) = d;
  };
  window(0, 1, 1, 1, 1);              // all equal: the first
  window(1, 0, 2, 2, 1);              // a tie: the first of the two
  window(2, -inf, -inf, -inf, -inf);  // nothing else there
  window(3, inf, NaN, 3, NaN);        // a NaN beats +inf, the first NaN
  window(4, -0.0f, 0.0f, -1, -1);     // the zeros are equal
  auto workspace = pool.pass(x.shape(), {});
  Tensor<float, 4> y(Shape{1, 1, 1, 5}), dx(x.shape());
  pool.forward<float>(x, y, workspace, {});
  CHECK(same(y, Tensor<float, 4>{{{{1, 2, -inf, NaN, 0}}}}));
  CHECK(std::signbit(y(0, 0, 0, 4)));
  pool.backward<float>(x, y, Tensor<float, 4>(y.shape(), 1.0f), dx, workspace, {});
  CHECK(same(dx,
             Tensor<float, 4>{{{{1, 0, 0, 1, 1, 0, 0, 1, 1, 0}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}}}));
}

TEST_CASE("numerics: ties go to the first, by blocks and layer by layer") {
  // Constant images: all four responses in a window are equal, and no border is near without padding.
  for (const Index C : {1, 8}) {
    CAPTURE(C);
    Rng rng{3};
    const Sequential net{Shape{C, 8, 12}, Conv2d<float>{{.in = C, .out = 8, .kernel = 3}, rng},
                         Relu{}, MaxPool2d{}};
    const Tensor<float, 4> x(Shape{2, C, 8, 12}, 0.75f);
    auto fused = net.workspace(2), all = net.workspace(2, {.keep = Keep::everything});
    const auto* const chain = dynamic_cast<const ConvChain<float>*>(fused.plan().group(0));
    REQUIRE(chain);
    CHECK(chain->stage(0).by_winograd() == (C == 8));
    CHECK(relative_error(net.forward(x, fused), net.forward(x, all)) <= 1e-6);
    for (auto* workspace : {&fused, &all}) {
      const auto dy = workspace->output_gradient();
      for (Index i = 0; i < dy.size(); ++i) dy.data()[i] = static_cast<float>(i % 7) - 2;
      net.backward(*workspace);
    }
    CHECK(relative_error(fused.layer<0>().dweight, all.layer<0>().dweight) <= 1e-5);
    CHECK(relative_error(fused.layer<0>().dbias, all.layer<0>().dbias) <= 1e-6);
    // Layer by layer the winners are the first ones, and so is the gradient of pool1's input.
    const auto dx = all.gradient<1>();
    CHECK(max(dx) > 0);
    for (Index i = 0; i < dx.size(); ++i) {
      const Index row = i / 10 % 6, column = i % 10;
      if (row % 2 + column % 2 > 0) REQUIRE(dx.data()[i] == 0);
    }
  }
}

TEST_CASE("numerics: where blocks and layers differ") {
  Rng rng{3};
  const float tiny = std::numeric_limits<float>::epsilon();
  // Responses that only the bias makes equal: blocks compare before it is added.
  Sequential tie{Shape{1, 2, 2}, Conv2d<float>{{.in = 1, .out = 1, .kernel = 3, .padding = 1}, rng},
                 Relu{}, MaxPool2d{}};
  std::get<0>(tie.layers()).weight.fill(0);
  std::get<0>(tie.layers()).weight(0, 0, 1, 1) = 1;
  std::get<0>(tie.layers()).bias.fill(1024);
  const Tensor<float, 4> close{{{{1, 1}, {1, 1 + tiny}}}};
  for (const auto keep : {Keep::for_backward, Keep::everything}) {
    auto workspace = tie.workspace(1, {.keep = keep, .input_gradient = true});
    CHECK(tie.forward(close, workspace)(0, 0, 0, 0) == 1025);
    workspace.output_gradient().fill(1);
    tie.backward(workspace);
    CHECK(workspace.input_gradient()(0, 0, 1, 1) == (keep == Keep::for_backward ? 1 : 0));
    CHECK(workspace.input_gradient()(0, 0, 0, 0) == (keep == Keep::for_backward ? 0 : 1));
  }
  // A gradient that is zero meets an infinite pixel: lists do not have it.
  const Sequential net{Shape{8, 8, 16},
                       Conv2d<float>{{.in = 8, .out = 8, .kernel = 3, .padding = 1}, rng}, Relu{},
                       MaxPool2d{}};
  auto x = random_tensor<float>(Shape{1, 8, 8, 16}, 2);
  x(0, 0, 0, 0) = inf;
  for (const auto keep : {Keep::for_backward, Keep::everything}) {
    auto workspace = net.workspace(1, {.keep = keep});
    if (keep == Keep::for_backward)
      REQUIRE(dynamic_cast<const PooledStage<float>&>(
                  dynamic_cast<const ConvChain<float>&>(*workspace.plan().group(0)).stage(0))
                  .sparse());
    const auto y = net.forward(x, workspace);
    Index unit = 0;  // one that is alive, in the corner that the infinity is not in
    while (!(y(0, unit, 3, 7) > 0)) ++unit;
    workspace.output_gradient().fill(0);
    workspace.output_gradient()(0, unit, 3, 7) = 1;
    net.backward(workspace);
    CHECK(all_finite(workspace.layer<0>().dweight) == (keep == Keep::for_backward));
  }
}

TEST_CASE("numerics: cross-entropy of huge, infinite and broken logits") {
  for (const float huge : {1e4f, 1e30f, 1.5e38f}) {
    const auto right = loss_of({{huge, -huge, 0}}, {0}), wrong = loss_of({{huge, -huge, 0}}, {1});
    CHECK(right.value == 0);
    CHECK(same(right.gradient, Tensor<float, 2>{{0, 0, 0}}));
    CHECK(wrong.value == doctest::Approx(2 * huge));
    CHECK(same(wrong.gradient, Tensor<float, 2>{{1, -1, 0}}));
    CHECK(loss_of({{huge, huge, 0}}, {1}).value == doctest::Approx(std::log(2.0)));
  }
  const auto beyond = loss_of({{3e38f, -3e38f}}, {1});  // 6e38 is no float
  CHECK(beyond.value == inf);
  CHECK(same(beyond.gradient, Tensor<float, 2>{{1, -1}}));

  // -inf: a class that is impossible.
  const auto never = loss_of({{0, -inf, 0}}, {0}), surprised = loss_of({{0, -inf, 0}}, {1});
  CHECK(never.value == doctest::Approx(std::log(2.0)));
  CHECK(same(never.gradient, Tensor<float, 2>{{-0.5f, 0, 0.5f}}));
  CHECK(surprised.value == inf);
  CHECK(same(surprised.gradient, Tensor<float, 2>{{0.5f, -1, 0.5f}}));

  // Without a meaning: NaN in the loss and in the whole row, wherever it stands, and in no other row.
  for (const auto& row : {std::array{inf, 0.f, 1.f},
                          {NaN, 0.f, 1.f},
                          {0.f, NaN, 1.f},
                          {0.f, 1.f, NaN},
                          {inf, inf, 0.f},
                          {-inf, -inf, -inf},
                          {inf, -inf, NaN}})
    for (const Label label : {0, 1, 2}) {
      const auto loss = loss_of({{row[0], row[1], row[2]}, {1, 2, 3}}, {label, 0});
      CHECK(std::isnan(loss.value));
      CHECK(count_nan(loss.gradient) == 3);
      CHECK(all_finite(loss.gradient.view()[1]));
      CHECK(count_nan(softmax(Tensor<float, 2>{{row[0], row[1], row[2]}, {1, 2, 3}})) == 3);
    }

  // One class: nothing to learn.
  const auto one = loss_of({{5}, {-3}}, {0, 0});
  CHECK(one.value == 0);
  CHECK(same(one.gradient, Tensor<float, 2>{{0}, {0}}));
}

TEST_CASE("numerics: the largest of broken numbers") {
  // A NaN is the largest, the first one if there are more, as in PyTorch and numpy.
  for (const auto& [row, at] : {std::pair{std::array{1.f, 3.f, 2.f}, 1},
                                {{NaN, 3.f, 2.f}, 0},
                                {{1.f, NaN, inf}, 1},
                                {{1.f, 3.f, NaN}, 2},
                                {{NaN, NaN, NaN}, 0},
                                {{-inf, -inf, -inf}, 0},
                                {{1.f, NaN, NaN}, 1},
                                {{-inf, inf, inf}, 1}}) {
    const Tensor<float, 1> x{row[0], row[1], row[2]};
    const Tensor<float, 2> matrix{{row[0], row[1], row[2]}, {7, 8, 9}};
    CHECK(argmax(x) == at);
    CHECK(argmax<1>(matrix)(0) == at);
    CHECK(argmax<1>(matrix)(1) == 2);
    CHECK(same(Tensor<float, 1>{max(x)}, Tensor<float, 1>{row[static_cast<std::size_t>(at)]}));
    CHECK(same(Tensor<float, 1>{max<1>(matrix)(0)}, Tensor<float, 1>{max(x)}));
  }
  CHECK(max(Tensor<int, 1>{-3, -7}) == -3);
}

TEST_CASE("numerics: metrics without examples and with broken answers") {
  ConfusionMatrix confusion(3);
  CHECK(confusion.accuracy().percent() == 0);
  CHECK(confusion.accuracy().interval().low == 0);
  CHECK(confusion.accuracy().interval().high == 100);
  // Class 2 is empty, one answer is broken: the NaN's place is the answer.
  const Tensor<float, 2> logits{{3, 1, 0}, {0, NaN, 5}, {NaN, NaN, NaN}};
  const std::vector<Label> labels{0, 0, 1};
  confusion.add(logits, View<const Label, 1>(labels.data(), Shape{3}));
  CHECK(same(confusion.counts(), Tensor<Index, 2>{{1, 1, 0}, {1, 0, 0}, {0, 0, 0}}));
  CHECK(confusion.accuracy().correct == 1);
  CHECK(confusion.accuracy().total == 3);
  const std::vector<Label> outside{0, 0, 3};
  CHECK_THROWS_AS(confusion.add(logits, View<const Label, 1>(outside.data(), Shape{3})), Error);
}

TEST_CASE_TEMPLATE(
    "numerics: a broken number stays in its image, and is seen by blocks and layers alike", T,
    float, double) {
  const auto net = two_blocks<T>();
  const Index N = 6;
  const auto clean = random_tensor<T>(Shape{N, 1, 12, 20}, 2);
  const std::vector<Label> label{0, 1, 2, 3, 0, 1};
  const View<const Label, 1> labels(label.data(), Shape{N});
  const Predictor predictor{net, N};
  for (const T broken : {nan_of<T>, inf_of<T>, -inf_of<T>})
    for (const Index image : {0, 3, 5})
      for (const Index pixel : {0, 19, 127, 239}) {
        CAPTURE(broken);
        CAPTURE(image);
        CAPTURE(pixel);
        auto x = clean;
        x[image].data()[pixel] = broken;
        // Forward, in every kind of workspace: this image is broken, the others have the same bits as before.
        const auto check_forward = [&](auto&& run) {
          const Tensor<T, 2> before(run(View<const T, 4>(clean))), after(run(View<const T, 4>(x)));
          CHECK(all_finite(before));
          for (Index n = 0; n < N; ++n) {
            if (n == image && std::isnan(broken)) CHECK(count_nan(after[n]) == 4);
            if (n == image) CHECK(count_nan(after[n]) + !all_finite(after[n]) > 0);
            if (n != image) CHECK(std::equal(before[n].begin(), before[n].end(), after[n].begin()));
          }
        };
        for (const auto keep : {Keep::output, Keep::for_backward, Keep::everything}) {
          auto workspace = net.workspace(N, {.keep = keep, .threads = 2});
          check_forward([&](View<const T, 4> input) { return net.forward(input, workspace); });
        }
        auto scratch = predictor.scratch(2);
        check_forward([&](View<const T, 4> input) { return predictor(input, scratch); });
        check_forward([&](View<const T, 4> input) {  // one at a time: the zero-skipping way
          Tensor<T, 2> y(Shape{N, Index{4}});
          for (Index n = 0; n < N; ++n) {
            const auto one = predictor(input.sub(n, 1), scratch);
            std::copy(one.begin(), one.end(), y[n].begin());
          }
          return y;
        });
        // The loss is NaN, and the gradients of every layer say so; dx of the other images does not.
        for (const auto keep : {Keep::for_backward, Keep::everything}) {
          auto workspace = net.workspace(N, {.keep = keep, .input_gradient = true, .threads = 2});
          const T loss =
              cross_entropy(net.forward(x, workspace), labels, workspace.output_gradient());
          if (!std::isnan(broken)) continue;
          CHECK(std::isnan(loss));
          net.backward(workspace);
          CHECK(count_nan(workspace.template layer<9>().dweight) > 0);
          for (Index n = 0; n < N; ++n)
            if (n != image) CHECK(all_finite(workspace.input_gradient()[n]));
        }
      }
}

TEST_CASE("numerics: a gradient that is NaN reaches every parameter in front of it") {
  const auto net = two_blocks<float>();
  const auto x = random_tensor<float>(Shape{5, 1, 12, 20}, 2);
  for (const auto keep : {Keep::for_backward, Keep::everything}) {
    auto workspace = net.workspace(5, {.keep = keep, .input_gradient = true});
    net.forward(x, workspace);
    workspace.output_gradient().fill(0.5f);
    workspace.output_gradient()(3, 1) = NaN;
    net.backward(workspace);
    CHECK(count_nan(workspace.layer<9>().dweight) > 0);
    CHECK(count_nan(workspace.layer<7>().dweight) > 0);
    CHECK(count_nan(workspace.layer<3>().dweight) > 0);
    CHECK(count_nan(workspace.layer<3>().dbias) > 0);
    CHECK(count_nan(workspace.layer<0>().dweight) > 0);
    CHECK(count_nan(workspace.layer<0>().dbias) > 0);
    for (const Index n : {0, 1, 2, 4}) CHECK(all_finite(workspace.input_gradient()[n]));
    CHECK(count_nan(workspace.input_gradient()[3]) > 0);
  }
}

TEST_CASE_TEMPLATE("numerics: broken weights are seen in the output of every kind of workspace", T,
                   float, double) {
  // Also where the number they meet is zero: 0 * inf and 0 * NaN are NaN.
  const auto names = std::array{"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias",
                                "fc1.weight",   "fc1.bias",   "fc2.weight",   "fc2.bias"};
  const auto x = random_tensor<T>(Shape{6, 1, 12, 20}, 2);
  for (const std::string name : names)
    for (const T broken : {nan_of<T>, inf_of<T>}) {
      CAPTURE(name);
      CAPTURE(broken);
      auto net = two_blocks<T>();
      net.for_each_parameter([&](const std::string& which, auto& t) {
        if (which == name) t.view().data()[0] = broken;
      });
      auto all = net.workspace(6, {.keep = Keep::everything}), fused = net.workspace(6);
      const Predictor predictor{net, 6};
      auto scratch = predictor.scratch(2);
      const Tensor<T, 2> expected(net.forward(x, all));
      CHECK(!all_finite(expected));
      CHECK(same(map(net.forward(x, fused), [](T v) { return std::isfinite(v); }),
                 map(expected, [](T v) { return std::isfinite(v); })));
      CHECK(same(map(predictor(x, scratch), [](T v) { return std::isfinite(v); }),
                 map(expected, [](T v) { return std::isfinite(v); })));
      for (Index n = 0; n < 6; ++n) {
        const auto one = predictor(x.sub(n, 1), scratch);
        CHECK(same(map(one, [](T v) { return std::isfinite(v); }),
                   map(expected.sub(n, 1), [](T v) { return std::isfinite(v); })));
      }
    }
}

TEST_CASE("numerics: the predictor does not hide a weight that meets only zeros") {
  Rng rng{1};
  Sequential net{Shape{3}, Linear<float>{{.in = 3, .out = 5}, rng}, Relu{}};
  const Tensor<float, 2> x{{1, 0, 2}};
  for (const float broken : {NaN, inf, -inf}) {
    std::get<0>(net.layers()).weight(2, 1) = broken;  // meets the zero
    const Predictor predictor{net, 8};
    auto scratch = predictor.scratch();
    auto all = net.workspace(1, {.keep = Keep::everything});
    CHECK(std::isnan(predictor(x, scratch)(0, 2)));
    CHECK(count_nan(predictor(x, scratch)) == 1);
    CHECK(same(predictor(x, scratch), net.forward(x, all)));
  }
  // The image's own zeros are no excuse either.
  std::get<0>(net.layers()).weight.fill(0);
  const Predictor predictor{net, 8};
  auto scratch = predictor.scratch();
  CHECK(count_nan(predictor(Tensor<float, 2>{{0, NaN, 0}}, scratch)) == 5);
  CHECK(count_nan(predictor(Tensor<float, 2>{{0, -inf, 0}}, scratch)) == 5);
}

TEST_CASE_TEMPLATE("numerics: Winograd's way with huge and with tiny numbers", T, float, double) {
  Rng rng{5};
  const Sequential net{
      Shape{8, 6, 10},
      Conv2d<T>{{.in = 8, .out = 8, .kernel = 3, .padding = 1, .bias = false}, rng}, Relu{},
      MaxPool2d{}};
  const auto& conv = std::get<0>(net.layers());
  auto fused = net.workspace(2);
  REQUIRE(dynamic_cast<const ConvChain<T>&>(*fused.plan().group(0)).stage(0).by_winograd());
  const auto x = random_tensor<T>(Shape{2, 8, 6, 10}, 2);
  const auto y = Tensor<T, 4>(net.forward(x, fused));
  const T largest = std::numeric_limits<T>::max(), smallest = std::numeric_limits<T>::min();
  // A power of two changes no digit, as long as the sum of four inputs and 72 products is finite.
  const T up = std::ldexp(T{1}, std::ilogb(largest) - 8);
  CHECK(same(net.forward(x * up, fused), y * up));
  CHECK(all_finite(net.forward(x * up, fused)));
  // Beyond that, an infinite sum: NaN or infinite, never a wrong number.
  const auto beyond = net.forward(x * largest, fused);
  for (const T v : beyond) CHECK((!std::isfinite(v) || v == 0 || v > 1));
  CHECK(!all_finite(beyond));
  // Denormal numbers are numbers: nothing is flushed to zero. Rounding is absolute there.
  const T down = smallest / 64;
  const auto tiny = net.forward(x * down, fused);
  CHECK(max(tiny) > 0);
  CHECK(max(tiny) < smallest);
  for (Index i = 0; i < y.size(); ++i)
    CHECK(std::abs(tiny.data()[i] - y.data()[i] * down) <=
          64 * std::numeric_limits<T>::denorm_min());
  const auto direct = slow_conv<T>(x * down, conv);
  CHECK(max(direct) == doctest::Approx(max(tiny)).epsilon(1e-3));
}

TEST_CASE("numerics: zero images, batch 1, all units dead") {
  auto net = two_blocks<float>();
  const Tensor<float, 4> zero(Shape{1, 1, 12, 20});
  const Label label = 2;
  const View<const Label, 1> labels(&label, Shape{1});
  for (const auto keep : {Keep::for_backward, Keep::everything}) {
    auto workspace = net.workspace(1, {.keep = keep, .input_gradient = true});
    cross_entropy(net.forward(zero, workspace), labels, workspace.output_gradient());
    net.backward(workspace);
    CHECK(max(workspace.layer<0>().dbias) > 0);
    CHECK(max(map(workspace.layer<0>().dweight, [](float v) { return std::abs(v); })) == 0);
    CHECK(all_finite(workspace.input_gradient()));
  }
  // All dead behind conv2: what lies in front of it gets zero, exactly, and only fc2's bias learns.
  std::get<3>(net.layers()).bias.fill(-1e3f);
  std::get<7>(net.layers()).bias.fill(-1e3f);
  const auto x = random_tensor<float>(Shape{1, 1, 12, 20}, 2);
  const auto before = weights_of(net);
  auto workspace = net.workspace(1, {.input_gradient = true});
  Adam adam{net, {.learning_rate = 0.1}};
  for (int i = 0; i < 3; ++i) CHECK(std::isfinite(step(net, workspace, adam, x, labels)));
  const auto after = weights_of(net);
  const auto same_until = std::mismatch(before.begin(), before.end(), after.begin()).first;
  CHECK(before.end() - same_until == 4);
  CHECK(sum(map(workspace.input_gradient(), [](float v) { return std::abs(v); })) == 0);
}

TEST_CASE("numerics: learning rates and momenta at the edge") {
  const auto x = random_tensor<float>(Shape{3, 1, 12, 20}, 2);
  const std::vector<Label> label{0, 1, 1};
  const View<const Label, 1> labels(label.data(), Shape{3});
  const auto run = [&](auto make_optimizer, int steps) {
    auto net = two_blocks<float>();
    auto workspace = net.workspace(3);
    auto optimizer = make_optimizer(net);
    float loss = 0;
    for (int i = 0; i < steps; ++i) loss = step(net, workspace, optimizer, x, labels);
    return std::pair{loss, weights_of(net)};
  };
  const auto start = weights_of(two_blocks<float>());
  // 0: nothing moves.
  CHECK(run([](auto& net) { return Adam{net, {.learning_rate = 0}}; }, 3).second == start);
  CHECK(run(
            [](auto& net) {
              return Sgd{net, {.learning_rate = 0, .momentum = 0.9}};
            },
            3)
            .second == start);
  CHECK(run(
            [](auto& net) {
              return AdamW{net, {.learning_rate = 0, .weight_decay = 0.1}};
            },
            3)
            .second == start);
  // Adam's step is about the learning rate however large: with 1e3 the numbers stay numbers.
  const auto large = run([](auto& net) { return Adam{net, {.learning_rate = 1e3}}; }, 5);
  CHECK(std::isfinite(large.first));
  CHECK(std::all_of(large.second.begin(), large.second.end(),
                    [](float w) { return std::isfinite(w); }));
  // What is too large ends in a loss that is NaN, which says so; no hang, no exception.
  CHECK(std::isnan(run([](auto& net) { return Adam{net, {.learning_rate = 1e20}}; }, 3).first));
  CHECK(std::isnan(run([](auto& net) { return Sgd{net, {.learning_rate = 1e20}}; }, 3).first));
  CHECK(std::isnan(run(
                       [](auto& net) {
                         return Sgd{net, {.learning_rate = 1e3, .momentum = 0.999}};
                       },
                       30)
                       .first));

  Rng rng{1};
  Sequential one{Shape{1}, Linear<float>{{.in = 1, .out = 1, .bias = false}, rng}};
  auto workspace = one.workspace(1);
  auto& weight = std::get<0>(one.layers()).weight;
  auto& gradient = workspace.layer<0>().dweight;
  // Adam: the square of a small gradient is zero in float, and the step m / epsilon then; that of a
  // huge one is infinite, and the parameter stands still from then on.
  Adam tiny{one};
  weight.fill(1), gradient.fill(1e-25f);
  tiny.step(one, workspace);
  CHECK(weight(0, 0) == 1);
  Adam huge{one};
  gradient.fill(1e25f);
  huge.step(one, workspace);
  CHECK(weight(0, 0) == 1);
  gradient.fill(1);
  huge.step(one, workspace);
  CHECK(weight(0, 0) == 1);
  // Never a gradient: never a step.
  Adam still{one};
  gradient.fill(0);
  for (int i = 0; i < 3; ++i) still.step(one, workspace);
  CHECK(weight(0, 0) == 1);
  // A NaN gradient makes the weight NaN, for good.
  Sgd broken{one, {.momentum = 0.5}};
  gradient.fill(NaN);
  broken.step(one, workspace);
  gradient.fill(0);
  broken.step(one, workspace);
  CHECK(std::isnan(weight(0, 0)));

  const auto refused = [&](auto make) { return error_of([&] { make(); }); };
  const double bad = std::numeric_limits<double>::quiet_NaN(),
               infinite = std::numeric_limits<double>::infinity();
  for (const double rate : {-1.0, bad, infinite}) {
    CAPTURE(rate);
    CHECK(contains(refused([&] { Adam{one, {.learning_rate = rate}}; }), "Adam: expected a"));
    CHECK(contains(refused([&] { Sgd{one, {.learning_rate = rate}}; }), "Sgd: expected a"));
  }
  for (const double decay : {-1.0, bad, infinite}) {
    CHECK(contains(refused([&] { AdamW{one, {.weight_decay = decay}}; }), "weight decay"));
    CHECK(contains(refused([&] { Sgd{one, {.weight_decay = decay}}; }), "weight decay"));
  }
  for (const double momentum : {-0.1, 1.0, bad}) {
    CHECK(contains(refused([&] { Sgd{one, {.momentum = momentum}}; }), "momentum in [0, 1)"));
    CHECK(contains(refused([&] { Adam{one, {.beta1 = momentum}}; }), "a beta in [0, 1)"));
  }
  for (const double epsilon : {0.0, -1e-8, bad})
    CHECK(contains(refused([&] { Adam{one, {.epsilon = epsilon}}; }), "epsilon above 0"));
  // Set later, by a schedule that went wrong; tests/train has all options.
  Adam later{one};
  later.options.learning_rate = bad;
  CHECK(contains(refused([&] { later.step(one, workspace); }), "Adam: expected a"));
  CHECK(later.steps() == 0);
  CHECK(contains(refused([&] { Cosine{.steps = 0}(0); }), "1 step or more"));
  CHECK(contains(refused([&] { OneCycle{.peak = bad}(0); }), "rate of 0 or more"));
  CHECK(OneCycle{.peak = 0.5, .steps = 1, .warmup = 1}(0) == 0.5);
}

TEST_CASE("numerics: data of one class") {
  auto net = two_blocks<float>();
  auto workspace = net.workspace(8);
  Adam adam{net, {.learning_rate = 1e-2}};
  const auto x = random_tensor<float>(Shape{8, 1, 12, 20}, 2);
  const std::vector<Label> ones(8, 1);
  const View<const Label, 1> labels(ones.data(), Shape{8});
  float loss = 1;
  for (int i = 0; i < 60; ++i) loss = step(net, workspace, adam, x, labels);
  CHECK(loss >= 0);
  CHECK(loss < 1e-3f);
  const auto weights = weights_of(net);
  CHECK(std::all_of(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); }));
}

TEST_CASE("numerics: the comparison of two tensors sees a NaN") {
  CHECK(std::isnan(relative_error(Tensor<float, 1>{1, NaN}, Tensor<float, 1>{1, 2})));
  CHECK(std::isnan(relative_error(Tensor<float, 1>{NaN, 1}, Tensor<float, 1>{NaN, 1})));
  CHECK(std::isnan(relative_error(Tensor<float, 1>{inf}, Tensor<float, 1>{inf})));
  CHECK(relative_error(Tensor<float, 1>{0}, Tensor<float, 1>{-0.0f}) == 0);
}
