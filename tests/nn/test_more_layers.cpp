// SPDX-License-Identifier: MIT
//
// The layers besides convolution, Linear, ReLU and the maximum: one table of them for what every
// layer must do, then what each one promises by itself.
#include <cstring>
#include <functional>
#include <limits>

#include "contracts/contracts.hpp"
#include "fovea/explain/receptive_field.hpp"
#include "fovea/nn/conv_transpose2d.hpp"
#include "fovea/nn/group_norm.hpp"
#include "fovea/nn/pad2d.hpp"
#include "fovea/nn/softmax.hpp"
#include "fovea/nn/upsample.hpp"
#include "support.hpp"

using namespace test;

namespace more_layers {
namespace {

// Calls f(layer, shape of x) for every layer with its options, on odd shapes, maps of one element
// among them, and rows of features where the layer takes them.
template <class T, class F>
void each_normalisation(const F& f) {
  for (const auto statistics : {Statistics::batch, Statistics::chunk})
    for (const bool affine : {true, false}) {
      const BatchNorm2d<T> bn{{.channels = 3, .affine = affine, .statistics = statistics}};
      f(bn, Shape{4, 3, 3, 5});
      f(bn, Shape{1, 3, 2, 7});
      f(bn, Shape{33, 3});
      if (statistics == Statistics::batch) f(bn, Shape{5, 3, 1, 1});
    }
  f(BatchNorm2d<T>{{.channels = 2, .frozen = true}}, Shape{3, 2, 1, 3});
  for (const Index groups : {1, 2, 6}) {
    const GroupNorm<T> gn{{.channels = 6, .groups = groups, .affine = groups != 2}};
    f(gn, Shape{3, 6, 3, 5});
    if (groups < 6) f(gn, Shape{3, 6, 1, 1});
    if (groups < 6) f(gn, Shape{5, 6});
  }
}
template <class T, class F>
void each_pool(const F& f) {
  for (const bool counted : {true, false}) {
    f(AvgPool2d{{.kernel = {2, 3}, .stride = {1, 2}, .padding = 1, .count_padding = counted}},
      Shape{2, 3, 5, 8});
    f(AvgPool2d{{.kernel = 5, .stride = 3, .padding = 2, .count_padding = counted}},
      Shape{2, 3, 2, 1});
    f(AvgPool2d{{.kernel = 2, .padding = 1, .count_padding = counted}}, Shape{3, 2, 1, 1});
  }
  f(GlobalAvgPool2d{}, Shape{2, 3, 5, 7});
  f(GlobalAvgPool2d{}, Shape{3, 2, 1, 1});
  f(MaxPool2d{{.kernel = {2, 3}, .stride = {2, 1}, .padding = {1, 0}, .dilation = {2, 3}}},
    Shape{2, 3, 6, 8});
  f(MaxPool2d{{.kernel = 3, .stride = 2, .ceil_mode = true}}, Shape{2, 3, 6, 8});
  f(MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true}},
    Shape{2, 3, 9, 6});
  f(MaxPool2d{{.kernel = 2, .stride = 3, .ceil_mode = true}}, Shape{2, 1, 1, 4});
}
template <class T, class F>
void each_shape_changer(const F& f) {
  Rng rng{3};
  const auto transposed = [&](const ConvTranspose2dOptions& o, Shape<4> x) {
    f(ConvTranspose2d<T>{o, rng}, x);
  };
  transposed({.in = 4,
              .out = 6,
              .kernel = {3, 2},
              .stride = {2, 3},
              .padding = {1, 0},
              .output_padding = {1, 2},
              .groups = 2},
             {3, 4, 3, 5});
  transposed({.in = 9, .out = 16, .kernel = 3, .padding = 1, .bias = false}, {2, 9, 6, 5});
  transposed({.in = 3, .out = 2, .kernel = 3, .padding = 2, .dilation = 2}, {3, 3, 6, 5});
  transposed({.in = 5, .out = 5, .kernel = 4, .stride = 2, .padding = 1, .groups = 5},
             {17, 5, 3, 2});
  transposed({.in = 2, .out = 3, .kernel = {4, 2}}, {3, 2, 1, 1});
  for (const auto mode : {Interpolation::nearest, Interpolation::bilinear}) {
    f(Upsample{{.scale = {3, 2}, .mode = mode}}, Shape{2, 3, 3, 5});
    f(Upsample{{.scale = {1, 4}, .mode = mode}}, Shape{2, 1, 1, 1});
  }
  for (const auto border : {Border::zeros, Border::reflect, Border::replicate})
    f(Pad2d{{.top = 2, .left = 1, .right = 3, .border = border}}, Shape{2, 3, 3, 4});
  f(Pad2d{{.bottom = 2, .right = 1, .border = Border::replicate}}, Shape{2, 3, 1, 1});
}
template <class T, class F>
void each_activation(const F& f) {
  const auto both = [&](const auto& layer) {
    f(layer, Shape{3, 7});
    f(layer, Shape{2, 3, 1, 5});
  };
  both(LeakyRelu{{0.2}});
  both(Elu{{1.3}});
  both(Sigmoid{}), both(Tanh{}), both(Silu{});
  both(Gelu{}), both(Gelu{{.tanh = true}});
  both(Softplus{{2}});
  both(Hardsigmoid{}), both(Hardswish{});
  both(Clip{{-0.4, 0.3}});
  both(Softmax{});
}
template <class T, class F>
void each_composite(const F& f) {
  Rng rng{4};
  const auto conv = [&](Index out, Index kernel, Index stride = 1) {
    return Conv2d<T>{
        {.in = 3, .out = out, .kernel = kernel, .stride = stride, .padding = kernel / 2}, rng};
  };
  const Shape x{2, 3, 5, 6};
  f(Residual{Chain{conv(4, 3, 2), Relu{}}, Shortcut{conv(4, 1, 2)}}, x);
  f(Repeat{3, [&] { return Residual{conv(3, 3), Silu{}}; }}, x);
  f(Concat{Chain{conv(4, 3), Relu{}}, conv(2, 1), Chain{Sigmoid{}}}, x);
  f(Concat{Chain{Gelu{}}}, Shape{3, 4});
}

double largest_of(const GradientCheck& result) {
  double largest = 0;
  for (const auto& entry : result.entries) largest = std::max(largest, entry.largest);
  return largest;
}
template <class Layer, std::size_t R>
void check_gradients(const Layer& layer, const Shape<R>& x,
                     const GradientCheckOptions& options = {}) {
  const auto result = gradient_check(layer, x, options);
  CAPTURE(Layer::kind);
  CAPTURE(to_string(x));
  CAPTURE(to_string(result));
  CHECK(result.max_error <= 1e-6);
  CHECK(largest_of(result) > 1e-3);
}

// The bits of numbers, one after the other.
struct Bits {
  std::string bytes{};
  template <class X>
  void add(const X& x) {
    for (const auto v : x) {
      char of_v[sizeof v];
      std::memcpy(of_v, &v, sizeof v);
      bytes.append(of_v, sizeof v);
    }
  }
  friend bool operator==(const Bits&, const Bits&) = default;
};

// Of everything that one forward and backward of a layer compute.
template <class Layer, std::size_t R>
Bits bits_of(const Layer& layer, const Shape<R>& shape, int threads) {
  const WorkspaceOptions options{.threads = threads};
  auto pass = detail::make_pass(layer, options, shape);
  const auto x = random_tensor<float>(shape, 7);
  auto y = random_tensor<float>(layer.output_shape(shape), 8), dy = y;
  Tensor<float, R> dx(shape, std::numeric_limits<float>::quiet_NaN());
  const Context context{.threads = threads, .seed = 5, .step = 3, .layer = 2};
  layer.forward(as_const(x), y.view(), pass, context);
  layer.backward(as_const(x), as_const(y), as_const(dy), dx.view(), pass, context);
  Bits bits;
  bits.add(y), bits.add(dx);
  detail::each_parameter<Layer>([&](const auto& p) { bits.add(pass.*p.gradient); });
  detail::each_buffer<Layer>([&](const auto& b) { bits.add(pass.*b.update); });
  CHECK(std::none_of(dx.begin(), dx.end(), [](float v) { return std::isnan(v); }));
  return bits;
}

constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                inf = std::numeric_limits<float>::infinity();

TEST_CASE("more layers: gradients of normalisation and dropout") {
  const auto check = [](const auto& layer, const auto& x) { check_gradients(layer, x); };
  each_normalisation<double>(check);
  check_gradients(BatchNorm2d<double>{{.channels = 3}}, Shape{3, 3, 2, 2}, {.mode = Mode::eval});
  check_gradients(BatchNorm2d<double>{{.channels = 3}}, Shape{1, 3}, {.mode = Mode::eval});
  check(Dropout{0.3}, Shape{3, 7}), check(Dropout{0.3}, Shape{2, 3, 1, 4});
  check(Dropout2d{0.4}, Shape{3, 4, 5, 2});
}
TEST_CASE("more layers: gradients of pools") {
  each_pool<double>([](const auto& layer, const auto& x) { check_gradients(layer, x); });
}
TEST_CASE("more layers: gradients where the extents change") {
  each_shape_changer<double>(
      [](const auto& layer, const auto& x) { check_gradients(layer, x, {.threads = 2}); });
}
TEST_CASE("more layers: gradients of activations, those beyond their bends too") {
  each_activation<double>([](const auto& layer, const auto& x) { check_gradients(layer, x); });
  const auto beyond = [](const auto& layer) {
    const auto x = map(random_tensor<double>(Shape{5, 9}, 3), [](double v) { return 6 * v; });
    const auto result = gradient_check(Sequential{Shape{9}, detail::Identity{}, layer}, x);
    CAPTURE(to_string(result));
    CHECK(result.max_error <= 1e-6);
  };
  beyond(Hardsigmoid{}), beyond(Hardswish{}), beyond(relu6), beyond(Gelu{{.tanh = true}});
}
TEST_CASE("more layers: gradients of residuals, repeated blocks and branches") {
  each_composite<double>([](const auto& layer, const auto& x) { check_gradients(layer, x); });
}

TEST_CASE("more layers: the same bits for any number of threads") {
  const auto check = [](const auto& layer, const auto& shape) {
    CAPTURE(layer.kind);
    CAPTURE(to_string(shape));
    const Bits expected = bits_of(layer, shape, 1);
    for (const int threads : {2, 3, 7}) CHECK(bits_of(layer, shape, threads) == expected);
  };
  each_normalisation<float>(check);
  each_pool<float>(check);
  each_shape_changer<float>(check);
  each_activation<float>(check);
  // Sums of several blocks, batches of more examples than chunks, more elements than a block.
  check(BatchNorm2d<float>{{.channels = 2}}, Shape{37, 2, 70, 61});
  check(BatchNorm2d<float>{{.channels = 5, .statistics = Statistics::chunk}}, Shape{37, 5, 7, 9});
  check(GroupNorm<float>{{.channels = 4, .groups = 2}}, Shape{19, 4, 70, 61});
  check(GlobalAvgPool2d{}, Shape{5, 3, 70, 61});
  check(Dropout{}, Shape{5, 3, 17, 19}), check(Dropout2d{}, Shape{5, 33, 2, 3});
  check(Gelu{}, Shape{3, 20000});
}

// Batch normalisation as plain loops in double.
struct PlainBatchNorm {
  BatchNorm2dOptions options;
  std::vector<double> gamma, beta, running_mean, running_var;  // C
  Tensor<double, 4> y{}, dx{};
  std::vector<double> dgamma{}, dbeta{};

  void run(const Tensor<double, 4>& x, const Tensor<double, 4>& dy, Mode mode) {
    const Index N = x.extent(0), C = x.extent(1), H = x.extent(2), W = x.extent(3);
    const bool batch = mode == Mode::train && !options.frozen;
    const Index parts =
        batch && options.statistics == Statistics::chunk ? std::min<Index>(N, 16) : 1;
    y = x, dx = x;
    dgamma.assign(gamma.size(), 0), dbeta = dgamma;
    for (Index c = 0; c < C; ++c) {
      const auto at = static_cast<std::size_t>(c);
      double next_mean = 0, next_var = 0;
      for (Index part = 0; part < parts; ++part) {
        const Index first = N * part / parts, last = N * (part + 1) / parts;
        const auto M = static_cast<double>((last - first) * H * W);
        const auto each = [&](const auto& f) {
          for (Index n = first; n < last; ++n)
            for (Index h = 0; h < H; ++h)
              for (Index w = 0; w < W; ++w) f(n, h, w);
        };
        double mean = running_mean[at], var = running_var[at];
        if (batch) {
          double sum = 0, squares = 0;
          each([&](Index n, Index h, Index w) { sum += x(n, c, h, w); });
          mean = sum / M;
          each([&](Index n, Index h, Index w) {
            squares += (x(n, c, h, w) - mean) * (x(n, c, h, w) - mean);
          });
          var = squares / M;
          const double share = static_cast<double>(last - first) / static_cast<double>(N);
          next_mean += share * mean, next_var += share * squares / (M - 1);
        }
        const double inverse = 1 / std::sqrt(var + options.eps);
        double g = 0, gx = 0;
        each([&](Index n, Index h, Index w) {
          const double normal = (x(n, c, h, w) - mean) * inverse;
          y(n, c, h, w) = gamma[at] * normal + beta[at];
          g += dy(n, c, h, w), gx += dy(n, c, h, w) * normal;
        });
        dgamma[at] += gx, dbeta[at] += g;
        each([&](Index n, Index h, Index w) {
          const double normal = (x(n, c, h, w) - mean) * inverse;
          dx(n, c, h, w) =
              gamma[at] * inverse * (dy(n, c, h, w) - (batch ? g / M + normal * gx / M : 0));
        });
      }
      if (!batch) continue;
      running_mean[at] += options.momentum * (next_mean - running_mean[at]);
      running_var[at] += options.momentum * (next_var - running_var[at]);
    }
  }
};

template <class T>
void compare_with_plain(const BatchNorm2dOptions& options, Index N, double tolerance) {
  CAPTURE(N);
  const Index C = options.channels;
  Sequential net{Shape{C, 2, 3}, BatchNorm2d<T>{options}};
  auto& [bn] = net.layers();
  PlainBatchNorm plain{options, {}, {}, {}, {}};
  for (Index c = 0; c < C; ++c) {
    const double v = static_cast<double>(c);
    plain.gamma.push_back(options.affine ? 1.5 - v : 1);
    plain.beta.push_back(options.affine ? 0.25 * v : 0);
    plain.running_mean.push_back(0.5 * v), plain.running_var.push_back(1.25);
    bn.running_mean(c) = static_cast<T>(0.5 * v), bn.running_var(c) = T{1.25};
    if (!options.affine) continue;
    bn.weight(c) = static_cast<T>(1.5 - v), bn.bias(c) = static_cast<T>(0.25 * v);
  }
  auto w = net.workspace(N + 2, {.input_gradient = true, .threads = 2});
  for (std::uint64_t step = 0; step < 3; ++step) {
    const Mode mode = step < 2 ? Mode::train : Mode::eval;
    const auto x = map(random_tensor<float>(Shape{N, C, 2, 3}, 10 + step),
                       [](float v) { return 3.0 * double{v} + 1; });
    const auto dy = random_tensor<double>(x.shape(), 20 + step);
    const auto small = [](double v) { return static_cast<T>(v); };
    plain.run(x, dy, mode);
    CHECK(relative_error(net.forward(map(x, small), w, mode), plain.y) <= tolerance);
    const auto dy_small = map(dy, small);
    std::copy(dy_small.begin(), dy_small.end(), w.output_gradient().begin());
    net.backward(w);
    CHECK(relative_error(w.input_gradient(), plain.dx) <= tolerance);
    net.commit_buffers(w);
    const auto near = [&](const auto& ours, const std::vector<double>& theirs) {
      for (Index c = 0; c < C; ++c) {
        const double right = theirs[static_cast<std::size_t>(c)];
        CHECK(std::abs(static_cast<double>(ours(c)) - right) <=
              tolerance * std::max(1.0, std::abs(right)));
      }
    };
    near(bn.running_mean, plain.running_mean), near(bn.running_var, plain.running_var);
    if (options.affine)
      near(w.template layer<0>().dweight, plain.dgamma),
          near(w.template layer<0>().dbias, plain.dbeta);
  }
  if (options.frozen)
    CHECK(to_string(bn.running_var) == to_string(Tensor<T, 1>(Shape{C}, T{1.25})));
}

TEST_CASE("batch_norm2d: agrees with plain loops, running values too") {
  for (const Index N : {1, 3, 16, 20, 33})
    for (const auto statistics : {Statistics::batch, Statistics::chunk})
      for (const bool affine : {true, false}) {
        const BatchNorm2dOptions options{.channels = 3,
                                         .momentum = 0.3,
                                         .eps = 1e-3,
                                         .affine = affine,
                                         .statistics = statistics};
        compare_with_plain<double>(options, N, 1e-12);
        compare_with_plain<float>(options, N, 2e-5);
      }
  compare_with_plain<double>({.channels = 2, .frozen = true}, 5, 1e-12);
  compare_with_plain<double>({.channels = 2, .momentum = 0}, 5, 1e-12);
  compare_with_plain<double>({.channels = 2, .momentum = 1}, 5, 1e-12);
}

TEST_CASE("batch_norm2d: one number of a channel has no variance, in training") {
  const auto message = [](Statistics statistics, const auto& x, Mode mode = Mode::train,
                          bool frozen = false) {
    Shape<std::remove_cvref_t<decltype(x)>::rank - 1> one;
    for (std::size_t axis = 0; axis < one.rank; ++axis) one[axis] = x.shape()[axis + 1];
    Sequential net{one,
                   BatchNorm2d<float>{{.channels = 2, .frozen = frozen, .statistics = statistics}}};
    auto w = net.workspace(x.extent(0));
    return error_of([&] { net.forward(x, w, mode); });
  };
  constexpr auto batch = Statistics::batch, chunk = Statistics::chunk;
  const Tensor<float, 2> one(Shape{1, 2}), three(Shape{3, 2}), many(Shape{31, 2}),
      more(Shape{32, 2});
  CHECK(
      contains(message(batch, one),
               "expected at least two numbers of each channel in a batch of training, got (1, 2)"));
  CHECK(message(batch, one, Mode::eval) == "");
  CHECK(message(batch, one, Mode::train, true) == "");
  CHECK(message(batch, three) == "");
  CHECK(message(batch, Tensor<float, 4>(Shape{1, 2, 1, 2})) == "");
  CHECK(message(chunk, Tensor<float, 4>(Shape{1, 2, 1, 2})) == "");
  CHECK(contains(message(batch, Tensor<float, 4>(Shape{1, 2, 1, 1})), "got (1, 2, 1, 1)"));
  CHECK(contains(message(chunk, three), "in each chunk of a batch of training, got (3, 2)"));
  CHECK(contains(message(chunk, many), "got (31, 2)"));
  CHECK(message(chunk, more) == "");
}

TEST_CASE("batch_norm2d: a mean of a million does not cost the variance") {
  const auto noise = random_tensor<double>(Shape{20, 2, 7, 5}, 3);
  const auto far = map(noise, [](double v) { return v + 1e6; });
  const Sequential net{Shape{2, 7, 5}, BatchNorm2d<double>{{.channels = 2, .eps = 1e-12}}};
  auto w = net.workspace(20), other = net.workspace(20);
  CHECK(relative_error(net.forward(far, w), net.forward(noise, other)) <= 1e-8);
}

TEST_CASE("group_norm: groups of one number are their bias, and have no gradient") {
  Sequential net{Shape{3}, GroupNorm<float>{{.channels = 3, .groups = 3}}};
  auto& [gn] = net.layers();
  gn.bias = {1, 2, 3};
  auto w = net.workspace(2, {.input_gradient = true});
  CHECK(to_string(net.forward(Tensor<float, 2>{{5, -5, 0}, {1, 2, 3}}, w)) ==
        "{{1, 2, 3},\n {1, 2, 3}}");
  w.output_gradient().fill(2);
  net.backward(w);
  for (const float g : w.input_gradient()) CHECK(g == 0);
  for (const float g : w.layer<0>().dweight) CHECK(g == 0);
  for (const float g : w.layer<0>().dbias) CHECK(g == 4);
}

TEST_CASE("group_norm: one group is layer normalisation, C groups are instance normalisation") {
  const auto x = random_tensor<double>(Shape{2, 4, 3, 5}, 3);
  const auto y =
      Sequential{Shape{4, 3, 5}, GroupNorm<double>{{.channels = 4, .groups = 2}}}.predict(x);
  // Each pair of channels of each example is a batch of one channel.
  const auto pairs = Sequential{Shape{1, 6, 5}, BatchNorm2d<double>{{.channels = 1}}};
  for (Index n = 0; n < 2; ++n)
    for (Index k = 0; k < 2; ++k) {
      auto w = pairs.workspace(1);
      const Tensor<double, 4> group(x[n].sub(2 * k, 2).reshape(Shape{1, 1, 6, 5}));
      const auto expected = pairs.forward(group, w, Mode::train);
      CHECK(relative_error(y[n].sub(2 * k, 2).reshape(Shape{1, 1, 6, 5}), expected) <= 1e-12);
    }
}

TEST_CASE("more layers: options and inputs that cannot be are error messages") {
  Rng rng{1};
  using Bn = BatchNorm2d<float>;
  using Gn = GroupNorm<float>;
  const auto transposed = [&](const ConvTranspose2dOptions& o) { ConvTranspose2d<float>(o, rng); };
  const auto net = [](const auto& shape, const auto& layer) { (void)Sequential{shape, layer}; };
  contracts::run({
      {"bn: no channels", [] { Bn{{}}; }, "BatchNorm2d: expected 1 channel or more, got 0"},
      {"bn: momentum", [] { Bn{{.channels = 1, .momentum = 1.5}}; }, "momentum in [0, 1], got 1.5"},
      {"bn: momentum NaN", [] { Bn{{.channels = 1, .momentum = double{nan}}}; }, "got nan"},
      {"bn: eps", [] { Bn{{.channels = 1, .eps = 0}}; }, "a finite eps above 0, got 0"},
      {"bn: infinite eps", [] { Bn{{.channels = 1, .eps = double{inf}}}; }, "got inf"},
      {"bn: channels",
       [&] {
         net(Shape{4, 2, 2}, Bn{{.channels = 3}});
       },
       "bn1: expected 3 channels, got (1, 4, 2, 2)"},
      {"bn: a weight of another size",
       [&] {
         Bn bn{{.channels = 3}};
         bn.weight = Tensor<float, 1>(Shape{2});
         net(Shape{3}, bn);
       },
       "expected a weight and a bias of 3 and running values of 3 numbers for these options, got "
       "2"},
      {"bn: a Pass for fewer chunks",
       [] {
         const Bn bn{{.channels = 2, .statistics = Statistics::chunk}};
         Tensor<float, 2> x(Shape{40, 2});
         auto pass = bn.pass(Shape{3, 2}, {});
         bn.forward(as_const(x), x.view(), pass, Context{});
       },
       "expected a Pass for 16 x 2 means, got one for (3, 2)"},
      {"gn: groups", [] { Gn{{.channels = 6, .groups = 4}}; },
       "expected groups that divide the channels, got 4 and 6"},
      {"gn: no groups", [] { Gn{{.channels = 6, .groups = 0}}; }, "got 0 and 6"},
      {"gn: eps", [] { Gn{{.channels = 6, .eps = -1}}; }, "GroupNorm: expected a finite eps"},
      {"gn: a bias of another size",
       [&] {
         Gn gn{{.channels = 3}};
         gn.bias = Tensor<float, 1>(Shape{2});
         net(Shape{3}, gn);
       },
       "expected a weight and a bias of 3 numbers for these options, got 3 and 2"},
      {"gn: a Pass for fewer examples",
       [] {
         const Gn gn{{.channels = 2}};
         Tensor<float, 2> x(Shape{4, 2});
         auto pass = gn.pass(Shape{3, 2}, {});
         gn.forward(as_const(x), x.view(), pass, Context{});
       },
       "expected a Pass for 4 examples and 1 groups, got one for (3, 1)"},
      {"dropout: always", [&] { net(Shape{3}, Dropout{1}); },
       "dropout1: Dropout: expected a probability in [0, 1), got 1"},
      {"dropout: NaN", [&] { net(Shape{3}, Dropout{double{nan}}); }, "got nan"},
      {"dropout2d: below 0",
       [&] {
         net(Shape{1, 2, 2}, Dropout2d{-0.5});
       },
       "got -0.5"},
      {"average: padding", [] { AvgPool2d{{.kernel = 2, .padding = 2}}; },
       "AvgPool2d: expected a padding of at most half the kernel, got 2 for 2"},
      {"average: kernel", [] { avg_pool2d(0); }, "AvgPool2d: kernel: expected 1 or more, got 0"},
      {"average: image",
       [&] {
         net(Shape{1, 2, 9}, avg_pool2d(3));
       },
       "avgpool1: a window of 3 does not fit into (1, 1, 2, 9)"},
      {"global average: no image",
       [&] {
         net(Shape{1, 0, 9}, GlobalAvgPool2d{});
       },
       "globalpool1: expected maps of 1 x 1 or more"},
      {"maximum: a window between padding and beyond",
       [&] {
         net(Shape{1, 1, 1}, MaxPool2d{{.kernel = 2, .stride = 1, .padding = 1, .dilation = 2}});
       },
       "expected windows with a pixel each, found one of 2 places, 2 apart, that steps over an "
       "image of 1"},
      {"transposed: channels", [&] { transposed({.in = 3}); },
       "ConvTranspose2d: expected channels in and out of 1 or more, got 3 and 0"},
      {"transposed: groups", [&] { transposed({.in = 3, .out = 4, .groups = 2}); },
       "groups that divide 3 and 4, got 2"},
      {"transposed: no groups", [&] { transposed({.in = 3, .out = 4, .groups = 0}); }, "got 0"},
      {"transposed: stride", [&] { transposed({.in = 1, .out = 1, .stride = 0}); },
       "stride: expected 1 or more, got 0"},
      {"transposed: output padding",
       [&] {
         transposed({.in = 1, .out = 1, .stride = 2, .output_padding = {1, 2}});
       },
       "expected an output_padding from 0 to below the stride, got 1x2 for 2"},
      {"transposed: channels of x",
       [&] {
         net(Shape{2, 3, 3}, ConvTranspose2d<float>{{.in = 3, .out = 1}, rng});
       },
       "convt1: expected (N, 3, H, W), got (1, 2, 3, 3)"},
      {"transposed: all padding",
       [&] {
         net(Shape{1, 2, 3}, ConvTranspose2d<float>{{.in = 1, .out = 1, .padding = 1}, rng});
       },
       "convt1: a padding of 1 leaves nothing of (1, 1, 2, 3)"},
      {"transposed: a weight of another shape",
       [&] {
         ConvTranspose2d<float> layer{{.in = 2, .out = 3, .kernel = 2}, rng};
         layer.options.kernel = 3;
         net(Shape{2, 3, 3}, layer);
       },
       "expected a weight (2, 3, 3, 3) and a bias of 3 numbers for these options, got (2, 3, 2, "
       "2)"},
      {"upsample: scale",
       [&] {
         net(Shape{1, 2, 2}, upsample({.scale = {2, 0}}));
       },
       "upsample1: Upsample: expected a scale of 1 or more, got 2x0"},
      {"upsample: too many",
       [&] {
         net(Shape{1, 2, 2}, upsample({.scale = largest_extent}));
       },
       "would have too many rows or columns"},
      {"pad: below 0",
       [&] {
         net(Shape{1, 2, 2}, pad2d({.left = -1}));
       },
       "pad1: Pad2d: expected a border of 0 to"},
      {"pad: reflected beyond the image",
       [&] {
         net(Shape{1, 2, 5}, pad2d({.top = 2, .border = Border::reflect}));
       },
       "a reflected border has to be smaller than the image (1, 1, 2, 5), got 2, 0, 0 and 0"},
      {"pad: no image to replicate",
       [&] {
         net(Shape{1, 0, 5}, pad2d({.top = 2, .border = Border::replicate}));
       },
       "expected an image of 1 x 1 or more"},
      {"softmax: no channels", [&] { net(Shape{0}, Softmax{}); },
       "softmax1: expected 1 channel or more"},
      {"softplus: beta", [&] { net(Shape{1}, Softplus{{0}}); },
       "softplus1: Softplus: expected a beta above 0, got 0"},
      {"clip: crossed",
       [&] {
         net(Shape{1}, Clip{{1, 0}});
       },
       "clip1: Clip: expected low <= high, got 1 and 0"},
      {"repeat: no times",
       [] {
         Repeat{0, [] { return Relu{}; }};
       },
       "Repeat: expected one block or more, got 0"},
      {"repeat: no blocks", [] { Repeat<Relu>{std::vector<Relu>{}}; }, "got none"},
      {"branches: other extents",
       [&] {
         net(Shape{1, 4, 4}, Concat{Chain{Relu{}}, Chain{avg_pool2d(2)}});
       },
       "expected two values that differ in their channels alone, got (1, 1, 4, 4) and (1, 1, 2, "
       "2)"},
      {"shortcut: other extents",
       [&] {
         net(Shape{1, 4, 4}, Residual{Chain{avg_pool2d(2)}, Shortcut{Relu{}}});
       },
       "expected two values of the same shape"},
      {"nesterov without momentum",
       [&] {
         Sequential one{Shape{2}, Linear<float>{{.in = 2, .out = 1}, rng}};
         Sgd{one, {.nesterov = true}};
       },
       "expected a momentum above 0 with nesterov, got 0"},
  });
}

TEST_CASE("more layers: a NaN stays one, where it is read") {
  const auto of = [](const auto& layer, const auto& x) {
    Shape<std::remove_cvref_t<decltype(x)>::rank - 1> one;
    for (std::size_t axis = 0; axis < one.rank; ++axis) one[axis] = x.shape()[axis + 1];
    std::string text;
    for (const float v : Sequential{one, layer}.predict(x)) text += std::isnan(v) ? 'n' : '.';
    return text;
  };
  const Tensor<float, 2> row{{1, nan, -1}};
  const auto pointwise = [&](const auto& layer) { CHECK(of(layer, row) == ".n."); };
  pointwise(LeakyRelu{}), pointwise(Elu{}), pointwise(Sigmoid{}), pointwise(Tanh{});
  pointwise(Silu{}), pointwise(Gelu{}), pointwise(Gelu{{.tanh = true}}), pointwise(Softplus{});
  pointwise(Hardsigmoid{}), pointwise(Hardswish{}), pointwise(Clip{});
  pointwise(BatchNorm2d<float>{{.channels = 3}}), pointwise(Dropout{});
  CHECK(of(Softmax{}, row) == "nnn");
  CHECK(of(GroupNorm<float>{{.channels = 3, .groups = 3}}, row) == ".n.");
  const Tensor<float, 4> image{{{{1, 2, nan, 4}}, {{5, 6, 7, 8}}}};
  CHECK(of(Softmax{}, image) == "..n...n.");
  CHECK(of(GroupNorm<float>{{.channels = 2, .groups = 2}}, image) == "nnnn....");
  CHECK(of(avg_pool2d(Extent2{1, 2}), image) == ".n..");
  CHECK(of(GlobalAvgPool2d{}, image) == "n.");
  CHECK(of(Upsample{{.scale = {1, 2}}}, image) == "....nn..........");
  CHECK(of(Upsample{{.scale = {1, 2}, .mode = Interpolation::bilinear}}, image) ==
        "...nnnn.........");
  CHECK(of(Pad2d{{.right = 1, .border = Border::reflect}}, image) == "..n.n.....");
  CHECK(of(MaxPool2d{{.kernel = {1, 2}, .stride = 1, .dilation = {1, 2}}}, image) == "n...");
  CHECK(of(MaxPool2d{{.kernel = {1, 3}, .stride = 2, .ceil_mode = true}}, image) == "nn..");

  // In training a NaN takes its channel along, and no other.
  const Sequential net{Shape{2, 1, 4}, BatchNorm2d<float>{{.channels = 2}}};
  auto w = net.workspace(1);
  std::string text;
  for (const float v : net.forward(image, w)) text += std::isnan(v) ? 'n' : '.';
  CHECK(text == "nnnn....");
  CHECK(std::isnan(w.layer<0>().running_mean(0)));
  CHECK(!std::isnan(w.layer<0>().running_mean(1)));
  // A dropped one too: 0 times NaN.
  const Sequential dropped{Shape{3}, Dropout{0.9}};
  for (std::uint64_t step = 0; step < 9; ++step) {
    auto v = dropped.workspace(1);
    v.step = step;
    CHECK(std::isnan(dropped.forward(row, v, Mode::train)(0, 1)));
  }
}

TEST_CASE("more layers: numbers too large for e^x") {
  const Tensor<float, 2> x{{1e4f, -1e4f, inf, -inf, 0}};
  const auto of = [&](const auto& layer) {
    return to_string(Sequential{Shape{5}, layer}.predict(x));
  };
  CHECK(of(Sigmoid{}) == "{{1, 0, 1, 0, 0.5}}");
  CHECK(of(Tanh{}) == "{{1, -1, 1, -1, 0}}");
  CHECK(of(Elu{}) == "{{10000, -1, inf, -1, 0}}");
  CHECK(of(Hardsigmoid{}) == "{{1, 0, 1, 0, 0.5}}");
  CHECK(of(relu6) == "{{6, 0, 6, 0, 0}}");
  const auto soft = Sequential{Shape{5}, softplus}.predict(x);
  CHECK(soft(0, 0) == 1e4f);
  CHECK(soft(0, 1) == 0);
  CHECK(soft(0, 4) == doctest::Approx(std::log(2.0)));
  CHECK(to_string(Sequential{Shape{3}, Softmax{}}.predict(
            Tensor<float, 2>{{1e30f, -1e30f, -inf}})) == "{{1, 0, 0}}");
}

TEST_CASE("dropout: the mask") {
  Sequential net{Shape{500}, Dropout{0.3}, Dropout{0.3}};
  const Tensor<float, 2> ones(Shape{40, 500}, 1.0f);
  auto w = net.workspace(40, {.keep = Keep::everything, .seed = 7});
  net.forward(ones, w, Mode::train);
  const Tensor<float, 2> first(w.activation<0>());
  const auto zero = [](float v) { return v == 0 ? 1.0 : 0.0; };
  CHECK(std::abs(mean(first) - 1) < 0.02);
  CHECK(std::abs(mean(map(first, zero)) - 0.3) < 0.01);
  CHECK(max(first) == static_cast<float>(1 / 0.7));
  // A mask of another example, layer, step or seed agrees with it as chance has it: 0.3^2 + 0.7^2.
  const auto agree = [&](const auto& other) {
    Index same = 0;
    for (Index i = 0; i < other.size(); ++i)
      same += (other.begin()[i] == 0) == (first.begin()[i] == 0);
    return static_cast<double>(same) / static_cast<double>(other.size());
  };
  const auto chance = [&](const auto& other) { return std::abs(agree(other) - 0.58) < 0.02; };
  CHECK(chance(first.sub(1, 39)));
  const auto both = w.activation<1>();
  Index dropped = 0, left = 0;
  for (Index i = 0; i < both.size(); ++i)
    if (first.begin()[i] > 0) ++left, dropped += both.begin()[i] == 0;
  CHECK(std::abs(static_cast<double>(dropped) / static_cast<double>(left) - 0.3) < 0.02);
  w.step = 1;
  net.forward(ones, w, Mode::train);
  CHECK(chance(w.activation<0>()));
  auto seeded = net.workspace(40, {.keep = Keep::everything, .seed = 8});
  net.forward(ones, seeded, Mode::train);
  CHECK(chance(seeded.activation<0>()));
  CHECK(sum(net.forward(ones, w, Mode::eval)) == ones.size());
  CHECK(sum(net.predict(ones)) == ones.size());

  // Example n of a part that begins at `first_example` has the mask of example first_example + n.
  w.step = 0, w.first_example = 25;
  net.forward(ones.sub(0, 15), w, Mode::train);
  CHECK(std::equal(first.sub(25, 15).begin(), first.sub(25, 15).end(), w.activation<0>().begin()));

  const Sequential never{Shape{500}, Dropout{0}};
  auto n = never.workspace(40);
  CHECK(sum(never.forward(ones, n, Mode::train)) == ones.size());
}

TEST_CASE("dropout2d: whole maps") {
  Sequential net{Shape{60, 3, 5}, Dropout2d{0.4}};
  const Tensor<float, 4> ones(Shape{20, 60, 3, 5}, 1.0f);
  auto w = net.workspace(20, {.input_gradient = true, .threads = 2, .seed = 3});
  const Tensor<float, 4> y(net.forward(ones, w, Mode::train));
  Index zeros = 0;
  for (Index n = 0; n < 20; ++n)
    for (Index c = 0; c < 60; ++c) {
      CHECK(max(y[n][c]) == -max(map(y[n][c], [](float v) { return -v; })));
      zeros += y(n, c, 0, 0) == 0;
    }
  CHECK(std::abs(static_cast<double>(zeros) / 1200 - 0.4) < 0.05);
  CHECK(!std::equal(y[0].begin(), y[0].end(), y[1].begin()));
  w.output_gradient().fill(1);
  net.backward(w);
  CHECK(std::equal(y.begin(), y.end(), w.input_gradient().begin()));
  w.first_example = 12;
  const auto part = net.forward(ones.sub(0, 8), w, Mode::train);
  CHECK(std::equal(part.begin(), part.end(), y.sub(12, 8).begin()));
  CHECK(sum(net.predict(ones)) == ones.size());
}

// A small network of all of them, for maps of 2 x 13 x 11.
template <class T>
auto specified(Rng& rng) {
  return sequential<T>(
      Shape{2, 13, 11}, rng, conv2d({.out = 6, .kernel = 3, .padding = 1, .bias = false}),
      batch_norm2d(), relu,
      repeat(2, residual(conv2d({.out = 6, .kernel = 3, .padding = 1, .bias = false}),
                         batch_norm2d({.statistics = Statistics::chunk}), gelu, dropout2d(0.2))),
      residual(chain(conv2d({.out = 8, .kernel = 3, .stride = 2, .padding = 1}),
                     group_norm({.groups = 2})),
               shortcut(conv2d({.out = 8, .stride = 2}), batch_norm2d())),
      branches(chain(conv2d({.out = 3}), elu), conv2d({.out = 2}),
               chain(avg_pool2d({.kernel = 3, .stride = 1, .padding = 1}), silu)),
      conv_transpose2d({.out = 4, .kernel = 2, .stride = 2}), leaky_relu, pad2d({.top = 1}),
      upsample({.scale = {1, 2}}), max_pool2d({.kernel = 2, .stride = 3, .ceil_mode = true}),
      Softmax{}, global_avg_pool2d, flatten, dropout(0.1), linear(3));
}
template <class T>
Conv2d<T> conv(Index in, Index out, Index kernel, Index stride, bool bias, Rng& rng) {
  return {{.in = in,
           .out = out,
           .kernel = kernel,
           .stride = stride,
           .padding = kernel / 2,
           .bias = bias},
          rng};
}
template <class T>
auto block(Rng& rng) {
  return Residual{conv<T>(6, 6, 3, 1, false, rng),
                  BatchNorm2d<T>{{.channels = 6, .statistics = Statistics::chunk}}, Gelu{},
                  Dropout2d{0.2}};
}
template <class T>
auto shortened(Rng& rng) {
  auto f = Chain{conv<T>(6, 8, 3, 2, true, rng), GroupNorm<T>{{.channels = 8, .groups = 2}}};
  return Residual{std::move(f),
                  Shortcut{conv<T>(6, 8, 1, 2, true, rng), BatchNorm2d<T>{{.channels = 8}}}};
}
template <class T>
auto branched(Rng& rng) {
  return Concat{Chain{conv<T>(8, 3, 1, 1, true, rng), Elu{}}, conv<T>(8, 2, 1, 1, true, rng),
                Chain{AvgPool2d{{.kernel = 3, .stride = 1, .padding = 1}}, Silu{}}};
}
template <class T>
ConvTranspose2d<T> transposed(Rng& rng) {
  return {{.in = 13, .out = 4, .kernel = 2, .stride = 2}, rng};
}
template <class T>
auto explicitly(Rng& rng) {
  return Sequential{Shape{2, 13, 11},
                    conv<T>(2, 6, 3, 1, false, rng),
                    BatchNorm2d<T>{{.channels = 6}},
                    Relu{},
                    Repeat{2, [&] { return block<T>(rng); }},
                    shortened<T>(rng),
                    branched<T>(rng),
                    transposed<T>(rng),
                    LeakyRelu{},
                    Pad2d{{.top = 1}},
                    Upsample{{.scale = {1, 2}}},
                    MaxPool2d{{.kernel = 2, .stride = 3, .ceil_mode = true}},
                    Softmax{},
                    GlobalAvgPool2d{},
                    Flatten{},
                    Dropout{0.1},
                    Linear<T>{{.in = 4, .out = 3}, rng}};
}
template <class T>
Network<T> at_run_time(Rng& rng) {
  Network<T> net;
  auto x = net.input(Shape{2, 13, 11});
  x = net.add(conv<T>(2, 6, 3, 1, false, rng), x);
  x = net.add(BatchNorm2d<T>{{.channels = 6}}, x);
  x = net.add(Relu{}, x);
  x = net.add(Repeat{2, [&] { return block<T>(rng); }}, x);
  x = net.add(shortened<T>(rng), x);
  x = net.add(branched<T>(rng), x);
  x = net.add(transposed<T>(rng), x);
  x = net.add(LeakyRelu{}, x);
  x = net.add(Pad2d{{.top = 1}}, x);
  x = net.add(Upsample{{.scale = {1, 2}}}, x);
  x = net.add(MaxPool2d{{.kernel = 2, .stride = 3, .ceil_mode = true}}, x);
  x = net.add(Softmax{}, x);
  x = net.add(GlobalAvgPool2d{}, x);
  auto rows = net.add(Flatten{}, x);
  rows = net.add(Dropout{0.1}, rows);
  net.add(Linear<T>{{.in = 4, .out = 3}, rng}, rows);
  return net;
}

const Tensor<Label, 1> labels{0, 1, 2, 1, 0};

TEST_CASE_TEMPLATE("all layers: types, specifications and a network at run time have the same bits",
                   T, float) {
  Rng a{1}, b{1}, c{1};
  auto written = explicitly<T>(a);
  auto made = specified<T>(b);
  auto net = at_run_time<T>(c);
  static_assert(std::is_same_v<decltype(written), decltype(made)>);
  CHECK(a.bits() == b.bits());
  CHECK(architecture(written) == architecture(made));
  const auto images = random_tensor<T>(Shape{5, 2, 13, 11}, 2);
  const SgdOptions options{
      .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
  Sgd<T> first{written, options}, second{made, options}, third{net, options};
  for (const int threads : {1, 3}) {
    const WorkspaceOptions how{.input_gradient = true, .threads = threads, .seed = 4};
    auto u = written.workspace(6, how), v = made.workspace(6, how);
    auto w = net.workspace(6, how);
    u.step = v.step = w.step = first.steps();
    for (int step = 0; step < 3; ++step) {
      const auto x = written.forward(images, u), y = made.forward(images, v);
      const auto z = net.forward(as_const(images).view(), w).template as<2>();
      CHECK(std::equal(x.begin(), x.end(), y.begin()));
      CHECK(std::equal(x.begin(), x.end(), z.begin()));
      cross_entropy(x, labels, u.output_gradient());
      cross_entropy(y, labels, v.output_gradient());
      cross_entropy(z, labels, w.output_gradient().template as<2>());
      written.backward(u), made.backward(v), net.backward(w);
      const auto dx = u.input_gradient();
      CHECK(std::equal(dx.begin(), dx.end(), v.input_gradient().begin()));
      CHECK(std::equal(dx.begin(), dx.end(), w.input_gradient().data));
      first.step(written, u), second.step(made, v), third.step(net, w);
    }
  }
  std::vector<std::pair<std::string, std::vector<T>>> ours, theirs, at_run;
  written.for_each_state([&](const std::string& name, const auto& tensor) {
    ours.emplace_back(name, std::vector<T>(tensor.begin(), tensor.end()));
  });
  made.for_each_state([&](const std::string& name, const auto& tensor) {
    theirs.emplace_back(name, std::vector<T>(tensor.begin(), tensor.end()));
  });
  net.for_each_state([&](const std::string& name, AnyView<T> tensor) {
    at_run.emplace_back(name, std::vector<T>(tensor.data, tensor.data + tensor.extents.size()));
  });
  CHECK(ours == theirs);
  CHECK(ours == at_run);
  const auto y = written.predict(images), z = net.template predict<2>(as_const(images).view());
  CHECK(std::equal(y.begin(), y.end(), z.begin()));
}

TEST_CASE(
    "all layers: what is kept does not change what is computed; smaller batches, used again") {
  Rng rng{1};
  auto net = specified<double>(rng);
  const auto images = random_tensor<double>(Shape{20, 2, 13, 11}, 2);
  const auto dy = random_tensor<double>(Shape{20, 3}, 3);
  using Values = std::vector<Tensor<double, 1>>;
  const auto run = [&](auto& w, Index N, Mode mode, bool back) {
    Values values;
    const auto add = [&](const auto& x) {
      values.emplace_back(x.size());
      std::copy(x.begin(), x.end(), values.back().begin());
    };
    add(net.forward(images.sub(0, N), w, mode));
    if (!back) return values;
    std::copy_n(dy.begin(), 3 * N, w.output_gradient().begin());
    net.backward(w);
    add(w.input_gradient());
    net.for_each_parameter(w, [&](auto, const auto& gradient) { add(gradient); });
    return values;
  };
  const auto workspace = [&](Keep keep, Index capacity) {
    return net.workspace(
        capacity, {.keep = keep, .input_gradient = keep != Keep::output, .threads = 2, .seed = 6});
  };
  auto output = workspace(Keep::output, 20), training = workspace(Keep::for_backward, 20),
       everything = workspace(Keep::everything, 20);
  for (const Mode mode : {Mode::train, Mode::eval})
    for (const Index N : {20, 3, 17, 1, 20}) {
      CAPTURE(N);
      const Values expected = run(everything, N, mode, true), fused = run(training, N, mode, true);
      REQUIRE(expected.size() == fused.size());
      for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(relative_error(fused[i], expected[i]) <= 1e-11);
      CHECK(relative_error(run(output, N, mode, false)[0], expected[0]) <= 1e-12);
      auto exactly = workspace(Keep::for_backward, N);
      const Values again = run(exactly, N, mode, true);
      for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(std::equal(fused[i].begin(), fused[i].end(), again[i].begin()));
    }
}

TEST_CASE("all layers: names, summary, receptive fields") {
  Rng rng{1};
  const auto net = specified<float>(rng);
  std::string names;
  net.for_each_state([&](const std::string& name, const auto&) { names += name + "\n"; });
  CHECK(names ==
        "conv1.weight\nbn1.weight\nbn1.bias\nbn1.running_mean\nbn1.running_var\n"
        "repeat1.residual1.f.conv1.weight\nrepeat1.residual1.f.bn1.weight\n"
        "repeat1.residual1.f.bn1.bias\nrepeat1.residual1.f.bn1.running_mean\n"
        "repeat1.residual1.f.bn1.running_var\n"
        "repeat1.residual2.f.conv1.weight\nrepeat1.residual2.f.bn1.weight\n"
        "repeat1.residual2.f.bn1.bias\nrepeat1.residual2.f.bn1.running_mean\n"
        "repeat1.residual2.f.bn1.running_var\n"
        "residual1.f.conv1.weight\nresidual1.f.conv1.bias\nresidual1.f.gn1.weight\n"
        "residual1.f.gn1.bias\nresidual1.shortcut.conv1.weight\nresidual1.shortcut.conv1.bias\n"
        "residual1.shortcut.bn1.weight\nresidual1.shortcut.bn1.bias\n"
        "residual1.shortcut.bn1.running_mean\nresidual1.shortcut.bn1.running_var\n"
        "concat1.branch1.conv1.weight\nconcat1.branch1.conv1.bias\n"
        "concat1.branch2.weight\nconcat1.branch2.bias\n"
        "convt1.weight\nconvt1.bias\nfc1.weight\nfc1.bias\n");
  const std::string text = summary(net);
  CHECK(
      contains(text, "bn1         (N, 6, 13, 11)                12                       3 x 3\n"));
  CHECK(
      contains(text, "repeat1     (N, 6, 13, 11)               672          92,664       7 x 7\n"));
  CHECK(
      contains(text, "residual1   (N, 8, 7, 6)                 528          20,160         all\n"));
  CHECK(
      contains(text, "globalpool1 (N, 4, 1, 1)                                             all\n"));

  const auto seen = [](const auto& layers, std::string_view path) {
    const auto layer = of_layer(receptive_fields(layers), path);
    return layer.known ? to_string(layer.size) : "unknown";
  };
  const auto fields = sequential<float>(
      Shape{2, 13, 11}, rng, avg_pool2d({.kernel = 3, .stride = 2, .padding = 1}), batch_norm2d(),
      branches(chain(max_pool2d({.kernel = 3, .stride = 1, .padding = 1, .dilation = 1})),
               conv2d({.out = 1, .kernel = {1, 5}, .padding = {0, 2}})),
      dropout2d(), gelu, Softmax{});
  CHECK(seen(fields, "avgpool1") == "3");
  CHECK(seen(fields, "bn1") == "3");
  CHECK(seen(fields, "concat1.branch2") == "3x11");
  CHECK(seen(fields, "concat1") == "7x11");
  CHECK(seen(fields, "softmax1") == "7x11");
  CHECK(contains(summary(sequential<float>(Shape{2, 5, 5}, rng, group_norm())),
                 "gn1       (N, 2, 5, 5)                   4                         all\n"));
  CHECK(contains(summary(sequential<float>(Shape{2, 5, 5}, rng, global_avg_pool2d)), "all\n"));
  // What a window cannot say is unknown, also where the extents stay.
  for (const bool wide : {false, true}) {
    const Index k = wide ? 3 : 2;
    const Sequential up{
        Shape{2, 5, 5},
        ConvTranspose2d<float>{{.in = 2, .out = 2, .kernel = k, .padding = k / 2}, rng}};
    CHECK(contains(summary(up), "unknown\n"));
  }
  CHECK(contains(summary(sequential<float>(Shape{2, 5, 5}, rng, upsample())), "unknown\n"));
}

TEST_CASE("all layers: architecture() says what decides") {
  const auto text = [](const auto& layer) {
    Rng rng{1};
    return architecture(sequential<float>(Shape{6, 8, 8}, rng, layer));
  };
  std::vector<std::string> all;
  const auto add = [&](const auto&... layers) { (all.push_back(text(layers)), ...); };
  add(batch_norm2d(), batch_norm2d({.eps = 1e-3}), batch_norm2d({.affine = false}));
  add(group_norm(), group_norm({.groups = 2}), group_norm({.eps = 1e-3}),
      group_norm({.affine = false}));
  add(leaky_relu, LeakyRelu{{0.2}}, elu, Elu{{2}}, gelu, Gelu{{.tanh = true}}, softplus,
      Softplus{{2}}, relu6, Clip{{0, 1}}, Clip{{-1, 6}}, sigmoid, silu, hardsigmoid, hardswish,
      Tanh{}, Softmax{});
  add(avg_pool2d(2), avg_pool2d(3), avg_pool2d({.kernel = 2, .count_padding = false}));
  add(max_pool2d(2), max_pool2d({.kernel = 2, .ceil_mode = true}),
      max_pool2d({.kernel = 2, .dilation = 2}));
  add(upsample(), upsample({.scale = 3}), upsample({.mode = Interpolation::bilinear}));
  add(pad2d({.top = 1}), pad2d({.left = 1}), pad2d({.top = 1, .border = Border::reflect}),
      pad2d({.top = 1, .border = Border::replicate}));
  add(conv_transpose2d({.out = 2}), conv_transpose2d({.out = 2, .stride = 2}),
      conv_transpose2d({.out = 2, .groups = 2}), conv_transpose2d({.out = 4, .groups = 2}),
      conv_transpose2d({.out = 2, .stride = 2, .output_padding = 1}),
      conv_transpose2d({.out = 2, .kernel = 3}),
      conv_transpose2d({.out = 2, .kernel = 3, .padding = 1}),
      conv_transpose2d({.out = 2, .kernel = 3, .dilation = 2}),
      conv_transpose2d({.out = 2, .bias = false}));
  add(repeat(2, relu), repeat(3, relu), repeat(2, elu), residual(relu),
      residual(chain(relu), shortcut(relu)), residual(chain(relu), shortcut(elu)),
      branches(relu, relu), branches(relu, elu), branches(relu));
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      CAPTURE(all[i]);
      CHECK(all[i] != all[j]);
    }
  CHECK(text(group_norm({.groups = 2})) ==
        "input (6, 8, 8)\ngn1 weight (6), bias (6), groups 2, eps 1e-05\n");
  // How a network is trained is not what it computes.
  CHECK(text(batch_norm2d()) == text(batch_norm2d({.momentum = 0.4})));
  CHECK(text(batch_norm2d()) == text(batch_norm2d({.statistics = Statistics::chunk})));
}

TEST_CASE("specifications: layers inside of specifications, and what they read") {
  // A Chain is a specification of itself, in a shortcut too.
  Rng rng{1}, again{1};
  const auto f = Chain{Conv2d<float>{{.in = 2, .out = 3}, rng}};
  const auto net = sequential<float>(Shape{2, 4, 4}, rng, residual(f, shortcut(conv2d({.out = 3}))),
                                     residual(conv2d({.out = 3}), shortcut(Relu{})));
  const auto g = Chain{Conv2d<float>{{.in = 2, .out = 3}, again}};
  const Sequential other{
      Shape{2, 4, 4}, Residual{g, Shortcut{Conv2d<float>{{.in = 2, .out = 3}, again}}},
      Residual{Chain{Conv2d<float>{{.in = 3, .out = 3}, again}}, Shortcut{Relu{}}}};
  CHECK(architecture(net) == architecture(other));
  const auto x = random_tensor<float>(Shape{3, 2, 4, 4}, 2);
  const auto y = net.predict(x), z = other.predict(x);
  CHECK(std::equal(y.begin(), y.end(), z.begin()));
  // Two chains one after the other are not a chain and a shortcut; with layers in front, the shortcut is the last.
  const auto half = chain(conv2d({.out = 2}), relu);
  const auto names = [&](const auto& spec) {
    const auto twice = sequential<float>(Shape{2, 4, 4}, rng, spec);
    std::string all;
    const auto w = twice.workspace(1, {.fuse = false});
    for (std::size_t s = 0; s < w.plan().step_count(); ++s) all += w.plan().step_name(s) + " ";
    return all;
  };
  CHECK(names(residual(chain(half, half))) ==
        "residual1.f.chain1.conv1 residual1.f.chain1.relu1 residual1.f.chain2.conv1 "
        "residual1.f.chain2.relu1 residual1.add ");
  CHECK(names(residual(half, relu, shortcut(half))) ==
        "residual1.f.chain1.conv1 residual1.f.chain1.relu1 residual1.f.relu1 "
        "residual1.shortcut.conv1 residual1.shortcut.relu1 residual1.add ");
  CHECK(names(residual(half, shortcut(relu))) ==
        "residual1.f.conv1 residual1.f.relu1 residual1.shortcut.relu1 residual1.add ");
  const Sequential plain{Shape{2, 4, 4}, Residual{Chain{Chain{Relu{}}, Chain{Tanh{}}}}};
  CHECK(plain.workspace(1, {.fuse = false}).plan().step_name(1) == "residual1.f.chain2.tanh1");
  // Each block reads what the one before it wrote, so a second one of other channels does not fit.
  CHECK(contains(error_of([&] {
                   sequential<float>(Shape{2, 4, 4}, rng, repeat(2, conv2d({.in = 2, .out = 3})));
                 }),
                 "expected (N, 2, H, W), got (1, 3, 4, 4)"));
  CHECK(
      architecture(sequential<float>(Shape{2, 4, 4}, rng, repeat(2, conv2d({.out = 3})))) ==
      "input (2, 4, 4)\nrepeat1 [conv1 weight (3, 2, 1, 1), bias (3), kernel 1, stride 1, padding "
      "0, dilation 1; conv2 weight (3, 3, 1, 1), bias (3), kernel 1, stride 1, padding 0, dilation "
      "1]\n");
}

}  // namespace
}  // namespace more_layers
