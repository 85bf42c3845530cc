// SPDX-License-Identifier: MIT
//
// A fused group that a reader writes: no header of the library knows of it.
#include "support.hpp"

using namespace test;

namespace group_tests {

/// Conv2d of 1 x 1 and Relu as one: y = max(W x + b, 0) for the channels x of each pixel.
template <class T>
class PointwiseRelu final : public FusedGroup<T> {
 public:
  static std::size_t match(Neighbours<T> layers, const Extents&, const WorkspaceOptions&) {
    if (layers.size() < 2 || !layers[0]->template is<Conv2d<T>>() ||
        !layers[1]->template is<Relu>())
      return 0;
    const Conv2d<T>& conv = layers[0]->template get<Conv2d<T>>();
    return conv.window() == Window{} && conv.options.groups == 1 && conv.options.bias ? 2 : 0;
  }
  PointwiseRelu(Neighbours<T> layers, const Extents&, const WorkspaceOptions&)
      : layer_(*layers[0]) {}

  void forward(AnyView<const T> any_x, AnyView<T> any_y, const Context&) override {
    const Conv2d<T>& conv = layer_.template get<Conv2d<T>>();
    const auto x = any_x.template as<4>();
    const auto y = any_y.template as<4>();
    each(x.shape(), [&](Index n, Index h, Index w) {
      for (Index o = 0; o < conv.options.out; ++o) {
        T sum = conv.bias(o);
        for (Index c = 0; c < conv.options.in; ++c) sum += conv.weight(o, c, 0, 0) * x(n, c, h, w);
        y(n, o, h, w) = std::max(sum, T{0});
      }
    });
  }

  void backward(AnyView<const T> any_x, AnyView<const T> any_y, AnyView<const T> any_dy,
                AnyView<T> any_dx, const Context&) override {
    const Conv2d<T>& conv = layer_.template get<Conv2d<T>>();
    auto& pass = layer_.template pass<typename Conv2d<T>::Pass>();
    const auto x = any_x.template as<4>(), y = any_y.template as<4>(), dy = any_dy.template as<4>();
    const auto dx = any_dx.template as<4>();
    if (!dx.empty()) dx.fill(T{0});
    pass.dweight.fill(T{0}), pass.dbias.fill(T{0});
    each(x.shape(), [&](Index n, Index h, Index w) {
      for (Index o = 0; o < conv.options.out; ++o) {
        if (!(y(n, o, h, w) > T{0})) continue;
        const T g = dy(n, o, h, w);
        pass.dbias(o) += g;
        for (Index c = 0; c < conv.options.in; ++c) {
          pass.dweight(o, c, 0, 0) += g * x(n, c, h, w);
          if (!dx.empty()) dx(n, c, h, w) += g * conv.weight(o, c, 0, 0);
        }
      }
    });
  }

 private:
  template <class F>
  static void each(const Shape<4>& x, const F& f) {
    for (Index n = 0; n < x[0]; ++n)
      for (Index h = 0; h < x[2]; ++h)
        for (Index w = 0; w < x[3]; ++w) f(n, h, w);
  }
  const AnyLayer<T>& layer_;
};

namespace {

template <class T>
constexpr std::array rules{fusion_rule<PointwiseRelu<T>, T>};

template <class T>
Conv2d<T> conv(Index in, Index out, Index kernel, Rng& rng) {
  return Conv2d<T>{{.in = in, .out = out, .kernel = kernel, .padding = kernel / 2}, rng};
}

template <class T>
auto close(const T* got, const T* expected, Index count) {
  double most = 0, error = 0;
  for (Index i = 0; i < count; ++i) {
    most = std::max(most, std::abs(static_cast<double>(expected[i])));
    error =
        std::max(error, std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i])));
  }
  return most > 0 && error <= most * (sizeof(T) == 4 ? 1e-5 : 1e-12);
}

/// Runs a workspace with the group and one without, and compares outputs and all gradients.
template <class T, class Net>
void compare(Net& net, const Extents& input) {
  const Index N = 3;
  const auto x = random_tensor<T>(Shape{N * input.size()}, 2);
  Workspace<Net> with = net.workspace(N, {.input_gradient = true}, rules<T>);
  Workspace<Net> without = net.workspace(N, {.input_gradient = true, .fuse = false}, rules<T>);
  REQUIRE(with.plan().step_count() == 4);
  CHECK(with.plan().step_name(0) == "conv1 relu1");
  CHECK(with.plan().step_name(1) == "residual1.f.conv1 residual1.f.relu1");
  CHECK(with.plan().step_name(2) == "residual1.add");
  CHECK(dynamic_cast<const PointwiseRelu<T>*>(with.plan().group(0)) != nullptr);
  CHECK(dynamic_cast<const PointwiseRelu<T>*>(with.plan().group(1)) != nullptr);
  // The values between are never written, those after it are.
  for (const std::size_t inner : {1u, 3u}) CHECK(!with.plan().exists(inner));
  for (const std::size_t kept : {0u, 2u, 4u, 5u, 6u}) CHECK(with.plan().exists(kept));
  CHECK(without.plan().step_count() == 6);
  CHECK(with.plan().memory().size() < without.plan().memory().size());

  std::vector<std::vector<T>> results[2];
  for (Workspace<Net>* const w : {&with, &without}) {
    auto& all = results[w == &without];
    net.for_each_parameter(*w, [&](auto, auto gradient) { gradient.fill(T(NAN)); });
    const auto run = [&](auto view) {
      const AnyView<const T> y(net.forward(view, *w));
      all.emplace_back(y.data, y.data + y.extents.size());
    };
    if constexpr (std::is_same_v<Net, Network<T>>)
      run(AnyView<const T>(x.data(), input.with_batch(N)));
    else
      run(View<const T, 4>(x.data(), input.with_batch(N).template shape<4>()));
    const AnyView<T> dy(w->output_gradient());
    for (Index i = 0; i < dy.extents.size(); ++i) dy.data[i] = T(i % 7) - T{2.5};
    net.backward(*w);
    const AnyView<const T> dx(w->input_gradient());
    all.emplace_back(dx.data, dx.data + dx.extents.size());
    net.for_each_parameter(*w, [&](auto, auto g) { all.emplace_back(g.begin(), g.end()); });
  }
  REQUIRE(results[0].size() == 2 + 6);
  for (std::size_t i = 0; i < results[0].size(); ++i)
    CHECK(close(results[0][i].data(), results[1][i].data(),
                static_cast<Index>(results[1][i].size())));
}

TEST_CASE_TEMPLATE("group: one from outside the library, in both fronts", T, float, double) {
  Rng rng{1}, again{1};
  Sequential typed{Shape{3, 7, 5}, conv<T>(3, 6, 1, rng), Relu{},
                   Residual{Chain{conv<T>(6, 6, 1, rng), Relu{}}}, conv<T>(6, 2, 3, rng)};
  compare<T>(typed, Shape{1, 3, 7, 5});

  Network<T> net;
  auto x = net.input(Shape{3, 7, 5});
  x = net.add(conv<T>(3, 6, 1, again), x);
  x = net.add(Relu{}, x);
  x = net.add(Residual{Chain{conv<T>(6, 6, 1, again), Relu{}}}, x);
  net.add(conv<T>(6, 2, 3, again), x);
  compare<T>(net, Shape{1, 3, 7, 5});
}

TEST_CASE("group: its rule is asked before those of the library, and never without fusion") {
  static constexpr FusionRule<double> everything{
      [](Neighbours<double> layers, const Extents&, const WorkspaceOptions&) {
        return layers.size() >= 2 && layers[0]->is<Linear<double>>() ? std::size_t{2} : 0;
      },
      [](Neighbours<double>, const Extents&, const WorkspaceOptions&)
          -> std::unique_ptr<FusedGroup<double>> { fail("the rule of this test"); }};
  Rng rng{1};
  Sequential net{Shape{4}, Linear<double>{{.in = 4, .out = 3}, rng}, Relu{}};
  const std::array more{everything};
  CHECK(contains(error_of([&] { net.workspace(2, {}, more); }), "the rule of this test"));
  CHECK(error_of([&] { net.workspace(2, {.fuse = false}, more); }) == "");
  CHECK(net.workspace(2).plan().step_name(0) == "fc1 relu1");
}

}  // namespace
/// A group that takes nothing and looks at what it is offered.
template <class T>
struct Looks : FusedGroup<T> {
  static std::size_t match(Neighbours<T> layers, const Extents&, const WorkspaceOptions&) {
    for (const auto* layer : layers)
      most_inputs_seen = std::max(most_inputs_seen, layer->inputs.size());
    return 0;
  }
  Looks(Neighbours<T>, const Extents&, const WorkspaceOptions&) {}
  void forward(AnyView<const T>, AnyView<T>, const Context&) override {}
  void backward(AnyView<const T>, AnyView<const T>, AnyView<const T>, AnyView<T>,
                const Context&) override {}
  static inline std::size_t most_inputs_seen = 0;
};
template <class T>
struct LooksForMore final : Looks<T> {
  using Looks<T>::Looks;
  static constexpr bool input_again = true;
};

TEST_CASE("groups: only those that ask for it see a layer that reads their input again") {
  Rng rng{1};
  const auto net = sequential<float>(Shape{3}, rng, residual(relu, linear(3)));
  net.workspace(2, {}, std::array{fusion_rule<Looks<float>, float>});
  CHECK(Looks<float>::most_inputs_seen == 1);
  net.workspace(2, {}, std::array{fusion_rule<LooksForMore<float>, float>});
  CHECK(Looks<float>::most_inputs_seen == 2);
}

}  // namespace group_tests
