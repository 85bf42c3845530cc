// SPDX-License-Identifier: MIT
//
// The layers besides those of the course, and SGD, against PyTorch, in double and in float.
// golden_layers.hpp says what PyTorch computed; make_golden_layers.py beside it is how, case by
// case in the same order.
#include "golden/golden_layers.hpp"

#include "fovea/nn/conv_transpose2d.hpp"
#include "fovea/nn/group_norm.hpp"
#include "fovea/nn/pad2d.hpp"
#include "fovea/nn/softmax.hpp"
#include "fovea/nn/upsample.hpp"
#include "fovea/train/lion.hpp"
#include "fovea/train/muon.hpp"
#include "fovea/train/rmsprop.hpp"

using namespace test;

namespace golden_layers {
namespace {

// Goes through a table, tensor by tensor.
template <class T>
class Comparison {
 public:
  explicit Comparison(std::span<const golden::Entry<2>> table) : left_(table) {}

  bool done() const { return left_.empty(); }

  template <TensorLike X>
  void next(const X& tensor) {
    REQUIRE(!left_.empty());
    compare_golden(left_.front(), tensor, std::is_same_v<T, double> ? 1e-9 : 1e-5);
    left_ = left_.subspan(1);
  }

  // y, dx and the gradients of all parameters.
  template <class Layer, std::size_t R>
  void layer(Layer layer, const Shape<R>& shape, double scale = 2) {
    const Index salt = 100 * count_++;
    Index j = 0;
    detail::each_parameter<Layer>(
        [&](const auto& p) { fill((layer.*p.value).view(), salt + 3 + j++, 2.0); });
    Tensor<T, R> x(shape), dx(shape), y(layer.output_shape(shape)), dy(y.shape());
    fill(x.view(), salt + 1, scale), fill(dy.view(), salt + 2, 2.0);
    auto pass = detail::make_pass(layer, {.threads = 1}, shape);
    layer.forward(as_const(x), y.view(), pass, Context{});
    layer.backward(as_const(x), as_const(y), as_const(dy), dx.view(), pass, Context{});
    next(y), next(dx);
    detail::each_parameter<Layer>([&](const auto& p) { next(pass.*p.gradient); });
  }

  // Three batches of training, then one in prediction.
  template <std::size_t R>
  void batch_norm(const Shape<R>& shape) {
    const Index salt = 100 * count_++, C = shape[1];
    Shape<R - 1> one;
    for (std::size_t axis = 1; axis < R; ++axis) one[axis - 1] = shape[axis];
    Sequential net{one, BatchNorm2d<T>{{.channels = C, .momentum = 0.2, .eps = 1e-3}}};
    auto& [bn] = net.layers();
    fill(bn.weight.view(), salt + 3, 2.0), fill(bn.bias.view(), salt + 4, 2.0);
    auto w = net.workspace(shape[0], {.input_gradient = true});
    for (Index step = 0; step < 4; ++step) {
      Tensor<T, R> x(shape);
      for (Index i = 0; i < x.size(); ++i)
        x.data()[i] = static_cast<T>(golden_value(i, salt + 10 + step, 6.0) + 0.5);
      const auto y = net.forward(x, w, step < 3 ? Mode::train : Mode::eval);
      fill(w.output_gradient(), salt + 20 + step, 2.0);
      net.backward(w);
      if (step >= 2) {
        next(y), next(w.input_gradient());
        next(w.template layer<0>().dweight), next(w.template layer<0>().dbias);
      }
      net.commit_buffers(w);
    }
    next(bn.running_mean), next(bn.running_var);
  }

 private:
  std::span<const golden::Entry<2>> left_;
  Index count_ = 0;  // of cases
};

TEST_CASE_TEMPLATE("golden: layers, forward and backward", T, double, float) {
  Comparison<T> c(golden::layers);
  c.batch_norm(Shape{5, 3, 4, 7});
  c.batch_norm(Shape{9, 4});
  for (const Index groups : {1, 2, 6})
    c.layer(GroupNorm<T>{{.channels = 6, .groups = groups, .eps = 1e-3}}, Shape{2, 6, 3, 5});
  c.layer(GroupNorm<T>{{.channels = 6, .groups = 3, .eps = 1e-3}}, Shape{5, 6});
  for (const bool counted : {true, false})
    c.layer(AvgPool2d{{.kernel = {2, 3}, .stride = {1, 2}, .padding = 1, .count_padding = counted}},
            Shape{2, 3, 5, 8});
  c.layer(GlobalAvgPool2d{}, Shape{2, 3, 5, 7});
  const auto maximum = [&](const MaxPool2dOptions& o, const Shape<4>& x) {
    c.layer(MaxPool2d{o}, x);
  };
  maximum({.kernel = {2, 3}, .stride = {2, 1}, .padding = {1, 0}, .dilation = {2, 3}},
          {2, 3, 6, 8});
  maximum({.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true}, {2, 3, 9, 6});
  maximum({.kernel = {3, 2}, .stride = {2, 3}, .padding = 1, .dilation = {2, 1}, .ceil_mode = true},
          {2, 3, 10, 6});
  maximum({.kernel = 2, .stride = 3, .ceil_mode = true}, {2, 3, 7, 5});
  Rng rng{1};
  const auto transposed = [&](const ConvTranspose2dOptions& o, const Shape<4>& x) {
    c.layer(ConvTranspose2d<T>{o, rng}, x);
  };
  transposed({.in = 3, .out = 2, .kernel = {3, 2}}, {2, 3, 4, 5});
  transposed({.in = 4,
              .out = 6,
              .kernel = {3, 2},
              .stride = {2, 3},
              .padding = {1, 0},
              .output_padding = {1, 2},
              .groups = 2},
             {2, 4, 3, 5});
  transposed({.in = 3, .out = 2, .kernel = 3, .padding = 2, .dilation = 2}, {2, 3, 6, 5});
  transposed({.in = 4,
              .out = 4,
              .kernel = {2, 3},
              .stride = {3, 2},
              .padding = {1, 2},
              .dilation = {2, 3},
              .output_padding = {2, 1},
              .groups = 4},
             {2, 4, 3, 4});
  for (const auto mode : {Interpolation::nearest, Interpolation::bilinear})
    c.layer(Upsample{{.scale = {3, 2}, .mode = mode}}, Shape{2, 3, 4, 5});
  for (const auto border : {Border::zeros, Border::reflect, Border::replicate})
    c.layer(Pad2d{{.top = 2, .left = 1, .right = 3, .border = border}}, Shape{2, 3, 4, 5});
  const auto activation = [&](const auto& layer) { c.layer(layer, Shape{3, 31}, 16); };
  activation(LeakyRelu{{0.2}}), activation(Elu{{1.3}}), activation(Sigmoid{}), activation(Tanh{});
  activation(Silu{}), activation(Gelu{}), activation(Gelu{{.tanh = true}});
  activation(Softplus{{2}}), activation(Hardsigmoid{}), activation(Hardswish{});
  activation(relu6), activation(Clip{{-1, 2}});
  c.layer(Softmax{}, Shape{2, 4, 3, 5}, 8);
  c.layer(Softmax{}, Shape{3, 7}, 8);
  CHECK(c.done());
}

// A small network without filters, and one whose filters are a tall matrix, 8 x 4, and a wide one, 3 x 48.
template <class T>
auto without_filters(Rng& rng) {
  return Sequential{Shape{5}, Linear<T>{{.in = 5, .out = 7}, rng}, Tanh{},
                    Linear<T>{{.in = 7, .out = 3}, rng}};
}
template <class T>
auto with_filters(Rng& rng) {
  return Sequential{Shape{1, 4, 7},
                    Conv2d<T>{{.in = 1, .out = 8, .kernel = 2}, rng},
                    Tanh{},
                    Conv2d<T>{{.in = 8, .out = 3, .kernel = {2, 3}}, rng},
                    Tanh{},
                    Flatten{},
                    Linear<T>{{.in = 24, .out = 3}, rng}};
}

// The weights after 50 steps of the optimizer that `make` makes.
template <class T, class Net, class Make>
void fifty_steps(Comparison<T>& c, Net net, const Make& make, Index salt) {
  Index j = 0;
  net.for_each_parameter(
      [&](const std::string&, auto& tensor) { fill(tensor.view(), salt + j++, 1.0); });
  Tensor<T, Net::input_rank> x(net.input_shape().prepend(6));
  fill(x.view(), salt + 10, 4.0);
  auto w = net.workspace(6);
  auto optimizer = make(std::as_const(net));
  for (int step = 0; step < 50; ++step) {
    cross_entropy(net.forward(x, w), Tensor<Label, 1>{0, 1, 2, 2, 1, 0}, w.output_gradient());
    net.backward(w);
    optimizer.step(net, w);
  }
  net.for_each_parameter([&](const std::string&, const auto& tensor) { c.next(tensor); });
}

TEST_CASE_TEMPLATE("golden: 50 steps of SGD, RMSprop, Lion and Muon", T, double, float) {
  Comparison<T> c(golden::optimizers);
  Rng rng{1};
  for (const bool nesterov : {false, true}) {
    const SgdOptions o{
        .learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-2, .nesterov = nesterov};
    fifty_steps<T>(
        c, without_filters<T>(rng),
        [&](const auto& net) {
          return Sgd{net, o};
        },
        9000);
  }
  for (const double momentum : {0.0, 0.9}) {
    const RmspropOptions o{.learning_rate = 2e-3,
                           .alpha = 0.95,
                           .epsilon = 1e-3,
                           .momentum = momentum,
                           .weight_decay = 1e-2};
    fifty_steps<T>(
        c, without_filters<T>(rng),
        [&](const auto& net) {
          return Rmsprop{net, o};
        },
        9000);
  }
  const LionOptions lion{.learning_rate = 5e-3, .weight_decay = 0.1};
  fifty_steps<T>(
      c, without_filters<T>(rng),
      [&](const auto& net) {
        return Lion{net, lion};
      },
      golden::lion_salt);
  for (const bool normalise : {false, true}) {
    const MuonOptions o{.weight_decay = 0.1, .normalise = normalise};
    fifty_steps<T>(
        c, with_filters<T>(rng),
        [&](const auto& net) {
          return Muon{net, o};
        },
        9100);
  }
  CHECK(c.done());
}

}  // namespace
}  // namespace golden_layers
