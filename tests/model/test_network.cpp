// SPDX-License-Identifier: MIT
//
// A network made at run time against the same one made of types.
#include "support.hpp"

using namespace test;

namespace network_tests {
namespace {

template <class T>
Conv2d<T> conv(Index in, Index out, Rng& rng) {
  return Conv2d<T>{{.in = in, .out = out, .kernel = 3, .padding = 1}, rng};
}

TEST_CASE_TEMPLATE("network: the same bits as Sequential, in training and in prediction", T, float,
                   double) {
  Rng rng{1}, again{1};
  Sequential typed{
      Shape{2, 12, 9},
      conv<T>(2, 8, rng),
      Relu{},
      MaxPool2d{},
      Residual{Chain{conv<T>(8, 8, rng), BatchNorm2d<T>{{.channels = 8}}, Relu{}, Dropout{}}},
      Flatten{},
      Linear<T>{{.in = 192, .out = 9}, rng},
      Relu{},
      Linear<T>{{.in = 9, .out = 3}, rng}};
  Network<T> net;
  auto x = net.input(Shape{2, 12, 9});
  x = net.add(conv<T>(2, 8, again), x);
  x = net.add(Relu{}, x);
  x = net.add(MaxPool2d{}, x);
  x = net.add(
      Residual{Chain{conv<T>(8, 8, again), BatchNorm2d<T>{{.channels = 8}}, Relu{}, Dropout{}}}, x);
  auto rows = net.add(Flatten{}, x);
  rows = net.add(Linear<T>{{.in = 192, .out = 9}, again}, rows);
  rows = net.add(Relu{}, rows);
  rows = net.add(Linear<T>{{.in = 9, .out = 3}, again}, rows);

  const auto images = random_tensor<T>(Shape{5, 2, 12, 9}, 2);
  const Tensor<Label, 1> labels{0, 1, 2, 1, 0};
  for (const int threads : {1, 3}) {
    auto a = typed.workspace(6, {.input_gradient = true, .threads = threads, .seed = 4});
    auto b = net.workspace(6, {.input_gradient = true, .threads = threads, .seed = 4});
    REQUIRE(a.plan().step_count() == b.plan().step_count());
    for (std::size_t s = 0; s < a.plan().step_count(); ++s)
      CHECK(a.plan().step_name(s) == b.plan().step_name(s));
    Adam<T> adam{typed}, other{net};
    for (int step = 0; step < 3; ++step) {
      const auto y = typed.forward(images, a);
      const auto z = net.forward(as_const(images).view(), b).template as<2>();
      CHECK(std::equal(y.begin(), y.end(), z.begin()));
      cross_entropy(y, labels, a.output_gradient());
      cross_entropy(z, labels, b.output_gradient().template as<2>());
      typed.backward(a), net.backward(b);
      const auto dx = a.input_gradient();
      CHECK(std::equal(dx.begin(), dx.end(), b.input_gradient().data));
      adam.step(typed, a), other.step(net, b);
    }
  }
  std::vector<std::pair<std::string, std::vector<T>>> ours, theirs;
  typed.for_each_state([&](const std::string& name, const auto& tensor) {
    ours.emplace_back(name, std::vector<T>(tensor.begin(), tensor.end()));
  });
  net.for_each_state([&](const std::string& name, AnyView<T> tensor) {
    theirs.emplace_back(name, std::vector<T>(tensor.data, tensor.data + tensor.extents.size()));
  });
  CHECK(ours == theirs);
  const auto y = typed.predict(images), z = net.template predict<2>(as_const(images).view());
  CHECK(std::equal(y.begin(), y.end(), z.begin()));
}

TEST_CASE("network: tensors and views go in, from one example to as many as the memory is for") {
  Rng rng{1};
  Network<float> net;
  net.add(Linear<float>{{.in = 3, .out = 2}, rng}, net.input(Shape{3}));
  auto w = net.workspace(4);
  Tensor<float, 2> x = random_tensor<float>(Shape{4, 3}, 2);
  const Tensor<float, 2> y(net.forward(x.view(), w).as<2>());
  CHECK(net.forward(x, w).as<2>()(3, 1) == y(3, 1));
  CHECK(net.forward(as_const(x), w).as<2>()(3, 1) == y(3, 1));
  CHECK(net.predict<2>(x)(3, 1) == y(3, 1));
  CHECK(net.predict<2>(x.sub(3, 1))(0, 1) == y(3, 1));
  for (const Index n : {0, 5})
    CHECK(error_of([&] {
            net.forward(Tensor<float, 2>(Shape{n, 3}), w);
          }) ==
          concat("forward: expected 1 to 4 examples, for which this workspace was made, got ", n));
}

TEST_CASE("network: the shapes of one input and of one output, as Sequential says them") {
  Rng rng{1};
  const Sequential typed{Shape{2, 6, 5}, conv<float>(2, 4, rng), MaxPool2d{}};
  CHECK(typed.input_shape() == Shape{2, 6, 5});
  CHECK(typed.output_shape() == Shape{4, 3, 2});
  Network<float> net;
  CHECK(error_of([&] { net.input_shape(); }) ==
        "Network: expected an input(shape) before this, found none");
  const auto x = net.input(Shape{2, 6, 5});
  CHECK(net.output_shape() == Extents(Shape{2, 6, 5}));
  net.add(MaxPool2d{}, net.add(conv<float>(2, 4, rng), x));
  CHECK(net.input_shape() == Extents(typed.input_shape()));
  CHECK(net.output_shape() == Extents(typed.output_shape()));
}

TEST_CASE("network: forward and backward that begin inside a residual") {
  Rng rng{3};
  Sequential net{Shape{2, 7, 6}, conv<double>(2, 4, rng),
                 Residual{Chain{conv<double>(4, 4, rng), Relu{}, conv<double>(4, 4, rng)}},
                 Flatten{}, Linear<double>{{.in = 168, .out = 3}, rng}};
  auto& [conv1, residual1, flatten1, linear1] = net.layers();
  Network<double> other;
  auto x = other.input(Shape{2, 7, 6});
  x = other.add(conv1, x);
  x = other.add(residual1, x);
  const auto y = other.add(linear1, other.add(flatten1, x));
  CHECK(y.shape == Shape{1, 3});
  const auto images = random_tensor<double>(Shape{3, 2, 7, 6}, 5);
  for (const bool fuse : {false, true}) {
    CAPTURE(fuse);
    const WorkspaceOptions options{.input_gradient = true, .threads = 2, .fuse = fuse};
    auto a = net.workspace(4, options);
    auto b = other.workspace(4, options);

    // The branch from its middle, without what comes after it.
    Sequential half{Shape{2, 7, 6}, conv1, std::get<0>(residual1.f.layers())};
    auto c = half.workspace(4, options);
    const auto dy = random_tensor<double>(Shape{3, 4, 7, 6}, 6);
    const auto inner = half.forward(images, c);
    std::copy(dy.begin(), dy.end(), c.output_gradient().begin());
    half.backward(c);
    const Tensor<double, 4> dx(c.input_gradient()), middle(inner);
    net.forward(images, a), other.forward(as_const(images).view(), b);
    if (fuse) {
      CHECK(contains(error_of([&] { net.backward_from("residual1.f.conv1", dy.view(), a); }),
                     "residual1.f.conv1 runs as one with its neighbours"));
    } else {
      // A whole backward in between leaves gradients of everything.
      a.output_gradient().fill(1), b.output_gradient().as<2>().fill(1);
      net.backward(a), other.backward(b);
      net.backward_from("residual1.f.conv1", dy.view(), a);
      other.backward_from("residual1.f.conv1", dy.view(), b);
      CHECK(std::equal(dx.begin(), dx.end(), a.input_gradient().begin()));
      CHECK(std::equal(dx.begin(), dx.end(), b.input_gradient().data));
      const auto& dweight = c.layer<0>().dweight;
      CHECK(std::equal(dweight.begin(), dweight.end(), a.layer<0>().dweight.begin()));
    }

    // After the ReLU everything is linear in its output: the residual's own input is that of the last forward.
    const Tensor<double, 4> relu1(map(middle, [](double v) { return std::max(v, 0.0); }));
    const Tensor<double, 4> twice(map(relu1, [](double v) { return 2 * v; }));
    const Tensor<double, 4> none(relu1.shape());
    const Tensor<double, 2> logits(net.forward(images, a, Mode::eval));
    const auto after = [&](const Tensor<double, 4>& value) {
      const Tensor<double, 2> z(
          net.forward_after("residual1.f.relu1", value.view(), a, Mode::eval));
      other.forward(as_const(images).view(), b, Mode::eval);
      const auto same = other.forward_after("residual1.f.relu1", value.view(), b, Mode::eval);
      CHECK(std::equal(z.begin(), z.end(), same.data));
      return z;
    };
    CHECK(relative_error(after(relu1), logits) <= 1e-13);
    const auto z0 = after(none), z2 = after(twice);
    CHECK(relative_error(z2 - logits, logits - z0) <= 1e-12);
    CHECK(relative_error(z2, z0) > 1e-3);
    CHECK(contains(error_of([&] { net.backward(a); }), "began in the middle"));
    CHECK(contains(error_of([&] {
                     net.forward_after("residual1.f.relu1", as_const(relu1).sub(0, 2), a,
                                       Mode::eval);
                   }),
                   "layers after residual1.f.relu1 read earlier values too; expected a forward of "
                   "2 examples"));
  }
  auto prediction = net.workspace(4, {.keep = Keep::output});
  const Tensor<double, 4> some(Shape{3, 4, 7, 6});
  net.forward(images, prediction);
  CHECK(contains(error_of([&] {
                   net.forward_after("residual1.f.relu1", some.view(), prediction, Mode::eval);
                 }),
                 "read earlier values too"));
  CHECK(contains(error_of([&] { net.backward_from("residual2", some.view(), prediction); }),
                 "there is no layer residual2 in this network, only conv1 residual1.f.conv1"));
}

TEST_CASE("network: random numbers of a part of a batch are those of the whole") {
  Rng rng{1};
  Sequential net{Shape{1, 4, 4},
                 conv<float>(1, 3, rng),
                 Residual{Chain{Dropout{}}},
                 Dropout{},
                 Flatten{},
                 Linear<float>{{.in = 48, .out = 5}, rng}};
  const auto x = random_tensor<float>(Shape{10, 1, 4, 4}, 2);
  auto w = net.workspace(10, {.seed = 3}), part = net.workspace(6, {.seed = 3});
  const auto whole = net.forward(x, w);
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 4}, {4, 6}}) {
    part.first_example = first;
    const auto y = net.forward(x.sub(first, count), part);
    CHECK(std::equal(y.begin(), y.end(), whole.sub(first, count).begin()));
  }
  part.first_example = 3;
  const auto y = net.forward(x.sub(4, 6), part);
  CHECK(!std::equal(y.begin(), y.end(), whole.sub(4, 6).begin()));
}

TEST_CASE("network: images of another size, where no linear layer fixes it") {
  Rng rng{1};
  const auto first = conv<float>(2, 4, rng), second = conv<float>(4, 4, rng);
  const Linear<float> linear{{.in = 4, .out = 3}, rng}, fixed{{.in = 24, .out = 3}, rng};
  const Sequential typed{Shape{2, 6, 5},    first,     MaxPool2d{}, Residual{Chain{second}},
                         GlobalAvgPool2d{}, Flatten{}, linear};
  Network<float> net;
  const auto image = net.input(Shape{2, 6, 5});
  const auto pooled = net.add(MaxPool2d{}, net.add(first, image));
  const auto inside = net.add(Residual{Chain{second}}, pooled);
  net.add(linear, net.add(Flatten{}, net.add(GlobalAvgPool2d{}, inside)));
  const auto larger = net.with_input(Shape{2, 11, 8});
  CHECK(larger.input_shape() == Extents(Shape{2, 11, 8}));
  CHECK(larger.output_shape() == Extents(Shape{3}));
  CHECK(net.input_shape() == Extents(Shape{2, 6, 5}));
  const auto images = random_tensor<float>(Shape{3, 2, 11, 8}, 2);
  const auto x = as_const(images).view();
  const auto expected = typed.with_input(Shape{2, 11, 8}).predict(x), y = larger.predict<2>(x);
  CHECK(std::equal(y.begin(), y.end(), expected.begin()));
  // Layers are added to it as to the first: the values have the new shapes.
  Network<float> open;
  open.add(first, open.input(Shape{2, 6, 5}));
  CHECK(open.with_input(Shape{2, 11, 8}).output_shape() == Extents(Shape{4, 11, 8}));

  // A linear layer fixes the size, and says so; the network stays as it is.
  Network<float> small;
  auto v = small.add(MaxPool2d{}, small.add(first, small.input(Shape{2, 6, 5})));
  small.add(fixed, small.add(Flatten{}, v));
  CHECK(error_of([&] {
          small.with_input(Shape{2, 8, 8});
        }) == "fc1: expected (N, 24), got (1, 64)");
  CHECK(small.output_shape() == Extents(Shape{3}));
  CHECK(error_of([&] {
          small.with_input(Shape{3, 6, 5});
        }) == "conv1: expected (N, 2, H, W), got (1, 3, 6, 5)");
  CHECK(error_of([&] { small.with_input(Shape{30}); }) ==
        "with_input: expected as many axes as (2, 6, 5), got (30)");
  CHECK(contains(error_of([&] {
                   Network<float>{}.with_input(Shape{2, 6, 5});
                 }),
                 "expected an input(shape) before this"));
  // Assigned, it takes the place of the first: a workspace for the smaller images does not fit.
  auto w = net.workspace(3);
  net = larger;
  CHECK(net.input_shape() == Extents(Shape{2, 11, 8}));
  CHECK(contains(error_of([&] { net.forward(x, w); }), "forward: "));
}

TEST_CASE("network: tensors in the same order with names and without") {
  Rng rng{1};
  Sequential typed{Shape{2, 6, 5}, conv<double>(2, 4, rng), BatchNorm2d<double>{{.channels = 4}},
                   Residual{Chain{conv<double>(4, 4, rng)}}};
  Network<double> net;
  const auto& [conv1, bn1, residual1] = typed.layers();
  net.add(residual1, net.add(bn1, net.add(conv1, net.input(Shape{2, 6, 5}))));
  std::vector<double*> named, nameless;
  typed.for_each_state([&](const std::string&, auto& tensor) { named.push_back(tensor.data()); });
  typed.for_each_state([&](auto& tensor) { nameless.push_back(tensor.data()); });
  net.for_each_state([&](const std::string&, auto view) { named.push_back(view.data); });
  net.for_each_state([&](auto view) { nameless.push_back(view.data); });
  CHECK(named.size() == 16);
  CHECK(named == nameless);
  Index count = 0;
  std::as_const(typed).for_each_parameter([&](const auto& tensor) { count += tensor.size(); });
  std::as_const(net).for_each_parameter(
      [&](AnyView<const double> x) { count -= x.extents.size(); });
  CHECK(count == 0);
}

TEST_CASE("network: values with three readers, and errors") {
  Rng rng{1};
  Network<double> net;
  const auto x = net.input(Shape{3, 6, 5});
  const auto a = net.add(conv<double>(3, 4, rng), x);
  const auto b = net.add(Relu{}, a);
  const auto c = net.add(conv<double>(4, 4, rng), b);
  const auto d = net.add(Add{}, b, c);
  const auto e = net.add(Concat{}, d, b);  // b is read three times
  const auto f = net.add(Add{}, e, e);
  net.add(Flatten{}, f);
  auto images = random_tensor<double>(Shape{2, 3, 6, 5}, 2);
  auto w = net.workspace(2, {.input_gradient = true, .threads = 2});
  const auto s = [&] {
    const auto y = net.forward(as_const(images).view(), w).as<2>();
    double sum = 0;
    for (Index i = 0; i < y.size(); ++i) sum += y.data()[i] * (static_cast<double>(i % 7) - 3);
    return sum;
  };
  s();
  const auto dy = w.output_gradient().as<2>();
  for (Index i = 0; i < dy.size(); ++i) dy.data()[i] = static_cast<double>(i % 7) - 3;
  net.backward(w);
  const Tensor<double, 4> gradient(w.input_gradient().as<4>());
  Tensor<double, 4> numeric(images.shape());
  for (Index i = 0; i < images.size(); ++i) {
    double& value = images.data()[i];
    const double before = value;
    value = before + 1e-5;
    const double above = s();
    value = before - 1e-5;
    numeric.data()[i] = (above - s()) / 2e-5;
    value = before;
  }
  CHECK(relative_error(gradient, numeric) <= 1e-6);

  CHECK(error_of([&] { net.add(conv<double>(5, 4, rng), b); }) ==
        "conv3: expected (N, 5, H, W), got (1, 4, 6, 5)");
  CHECK(contains(error_of([&] { net.add(Add{}, a, e); }), "add3: expected two values of the same"));
  Network<double> other;
  CHECK(contains(error_of([&] { other.add(Relu{}, b); }), "a value of this network"));
  CHECK(contains(error_of([&] { other.workspace(1); }), "at least one layer"));
  const auto input = other.input(Shape{4});
  other.add(Relu{}, input);
  CHECK(contains(error_of([&] { net.forward(as_const(images).view(), w), other.workspace(0); }),
                 "1 or more"));
  other.add(Relu{}, input);
  CHECK(contains(error_of([&] { other.workspace(1); }), "relu1: no layer reads what it writes"));
  auto look = net.workspace(2, {.keep = Keep::everything});
  net.forward(as_const(images).view(), look);
  CHECK(look.activation("conv2").as<4>().shape() == Shape{2, 4, 6, 5});
  CHECK(contains(error_of([&] { look.activation("conv9"); }), "no layer conv9 in this network"));
  CHECK(contains(error_of([&] { look.activation("conv2").as<2>(); }), "expected 2 axes"));
  CHECK(contains(error_of([&] { w.activation("conv2"); }), "did not keep that of conv2"));
  // A copy is another network; what it computes is the same.
  const Network<double> copy = net;
  CHECK(
      contains(error_of([&] { copy.forward(as_const(images).view(), look); }), "another network"));
  auto own = copy.workspace(2);
  const auto y = net.forward(as_const(images).view(), look).as<2>();
  const auto z = copy.forward(as_const(images).view(), own).as<2>();
  CHECK(relative_error(y, z) <= 1e-14);
}

}  // namespace
}  // namespace network_tests
