// SPDX-License-Identifier: MIT
//
// The course network and convolutions with every option against PyTorch, in double and in float.
// golden.hpp says what PyTorch computed; make_golden.py beside it is how.
#include "golden/golden.hpp"

#include "support.hpp"
#include "support/course_cnn.hpp"

using namespace test;

namespace {

const golden::Entry<8>& entry(const std::string& name) {
  for (const auto* table = golden::course_cnn; table != std::end(golden::course_cnn); ++table)
    if (name == table->name) return *table;
  FAIL("no golden value for " << name);
  return golden::course_cnn[0];
}

}  // namespace

TEST_CASE_TEMPLATE("golden: the course network, three steps of Adam", T, double, float) {
  const double tolerance = std::is_same_v<T, double> ? 1e-9 : 1e-5;
  const double weight_tolerance = std::is_same_v<T, double> ? 1e-9 : 1e-3;
  constexpr Index N = 2;
  for (const Keep keep : {Keep::for_backward, Keep::everything}) {
    Rng rng{1};
    auto net = course_cnn<T>(rng);
    constexpr double scales[] = {0.66, 0.66, 0.12, 0.12, 0.036, 0.036, 0.18, 0.18};
    Index k = 0;
    std::vector<std::string> names;
    net.for_each_parameter([&](const std::string& name, auto& tensor) {
      fill(tensor.view(), golden::salt + k, scales[k]);
      names.push_back(name);
      ++k;
    });
    Tensor<T, 4> x(Shape{N, 1, 28, 28});
    fill(x.view(), golden::salt + 50, 4.0);
    const Tensor<Label, 1> labels{3, 7};

    auto w = net.workspace(N, {.keep = keep});
    Adam adam{net, {.learning_rate = 1e-3}};
    for (int step = 0; step < 3; ++step) {
      const auto logits = net.forward(x, w);
      const Tensor<T, 1> loss{cross_entropy(logits, labels, w.output_gradient())};
      net.backward(w);
      if (step == 0) {
        compare_golden(entry("logits"), logits, tolerance);
        compare_golden(entry("loss"), loss, tolerance);
        auto name = names.begin();
        net.for_each_parameter(w, [&](auto, auto gradient) {
          compare_golden(entry("gradient of " + *name++), gradient, tolerance);
        });
      }
      adam.step(net, w);
    }
    net.for_each_parameter([&](const std::string& name, const auto& tensor) {
      compare_golden(entry(name + " after 3 steps"), tensor, weight_tolerance);
    });
  }
}

TEST_CASE_TEMPLATE("golden: convolutions with every option", T, double, float) {
  const std::vector<test::ConvCase> cases{
      {{.in = 3,
        .out = 5,
        .kernel = {3, 2},
        .stride = {2, 1},
        .padding = {1, 0},
        .dilation = {1, 2}},
       {2, 3, 9, 7}},
      {{.in = 4,
        .out = 6,
        .kernel = 3,
        .stride = {1, 2},
        .padding = {2, 1},
        .dilation = {2, 1},
        .groups = 2},
       {2, 4, 8, 6}},
      {{.in = 6, .out = 6, .kernel = {5, 3}, .padding = {2, 1}, .groups = 6}, {2, 6, 7, 5}},
      {{.in = 17, .out = 3, .kernel = 1}, {2, 17, 4, 5}}};
  const golden::Entry<8>* expected = golden::convolutions;
  const double tolerance = std::is_same_v<T, double> ? 1e-12 : 1e-5;
  for (Index k = 0; k < static_cast<Index>(cases.size()); ++k) {
    const auto& [options, shape] = cases[static_cast<std::size_t>(k)];
    Rng rng{1};
    Sequential net{Shape{shape[1], shape[2], shape[3]}, Conv2d<T>(options, rng)};
    auto& [conv1] = net.layers();
    Tensor<T, 4> x(shape);
    fill(x.view(), 200 + k, 2.0);
    fill(conv1.weight.view(), 210 + k, 1.0);
    fill(conv1.bias.view(), 220 + k, 1.0);
    auto w = net.workspace(2, {.input_gradient = true});
    compare_golden(*expected++, net.forward(x, w), tolerance);
    fill(w.output_gradient(), 230 + k, 2.0);
    net.backward(w);
    compare_golden(*expected++, w.input_gradient(), tolerance);
    compare_golden(*expected++, w.template layer<0>().dweight, tolerance);
    compare_golden(*expected++, w.template layer<0>().dbias, tolerance);
  }
}
