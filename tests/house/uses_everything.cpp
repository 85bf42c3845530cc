// SPDX-License-Identifier: MIT
//
// Calls something of every part of the library, in float and in double, so that a compiler sees what the
// templates become. test_macros.sh and test_warnings.sh make every_header.hpp, which includes all headers.
#include "every_header.hpp"

using namespace fovea;

namespace {

const Dataset data = synthetic_digits(24, 1);

template <class T>
auto network() {
  Rng rng{1};
  return Sequential{Shape{1, 28, 28},
                    Conv2d<T>{{.in = 1, .out = 4, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<T>{{.in = 4, .out = 4, .kernel = {3, 5}, .stride = 2, .groups = 4}, rng},
                    Conv2d<T>{{.in = 4, .out = 8, .kernel = 3, .padding = 1, .dilation = 2}, rng},
                    Relu{},
                    Flatten{},
                    Linear<T>{{.in = 96, .out = 16}, rng},
                    Relu{},
                    Linear<T>{{.in = 16, .out = 10}, rng}};
}

template <class T>
double trained() {
  auto net = network<T>();
  auto w = net.workspace(8);
  AdamW adam{net, {.learning_rate = 1e-3}};
  Sgd sgd{net, {.learning_rate = 1e-2, .momentum = 0.9}};
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch)
    for (const auto& [images, labels] :
         batches<T>(data, 8, {.seed = 1, .epoch = epoch}, Augment{.shift = 2, .rotate = 15})) {
      const auto logits = net.forward(images, w);
      cross_entropy(logits, labels, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
      sgd.step(net, w);
    }
  summary(net);
  return evaluate(net, data).accuracy().percent();
}

// Every layer of the library in one network, every optimizer and every loss.
template <class T>
auto all_layers() {
  Rng rng{1};
  const auto block = residual(conv2d({.out = 6, .kernel = 3, .padding = 1, .bias = false}),
                              batch_norm2d({.statistics = Statistics::chunk}), leaky_relu);
  return sequential<T>(
      Shape{1, 28, 28}, rng, pad2d({.top = 1, .border = Border::reflect}),
      conv2d({.out = 6, .kernel = 3, .stride = 2}), batch_norm2d(), elu, repeat(2, block), gelu,
      residual(chain(conv2d({.out = 8, .stride = 2}), silu),
               shortcut(conv2d({.out = 8, .stride = 2}), sigmoid)),
      group_norm({.groups = 2}), branches(conv2d({.out = 2}), chain(conv2d({.out = 4}), Tanh{})),
      avg_pool2d({.kernel = 3, .padding = 1, .count_padding = false}), hardswish, hardsigmoid,
      softplus, conv_transpose2d({.out = 4, .kernel = 3, .stride = 2, .output_padding = 1}), relu6,
      upsample({.mode = Interpolation::bilinear}), dropout2d(0.1),
      max_pool2d({.kernel = 3, .dilation = 2, .ceil_mode = true}), Softmax{}, global_avg_pool2d,
      flatten, dropout(0.1), linear(10));
}

template <class T, class Optimizer>
void trained_by(Optimizer optimizer, auto& net) {
  const auto frozen = [](std::string_view name) { return name.starts_with("bn1"); };
  auto w = net.workspace(8, {.recompute = true, .frozen = frozen}, conv_pool<T>);
  GradientMean mean{net};
  Ema ema{net};
  Lookahead lookahead{net};
  MixUp<T> mix{8, data, 0.2};
  const Augment change{.mirror = Mirror::alternate, .crop = 2, .cutout = 4, .contrast = 0.1};
  for (const auto& [images, labels] : batches<T>(data, 8, {.seed = 1}, change)) {
    const auto [mixed, targets] = mix(images, labels, Rng{1});
    cross_entropy(net.forward(mixed, w), targets, w.output_gradient(), {.smoothing = 0.1});
    net.backward(w);
    mean.add(net, w);
    mean.put(net, w);
    clip_norm(net, w, 1.0);
    clip_value(net, w, 1.0);
    optimizer.step(net, w);
    ema.update(net);
    lookahead.update(net, optimizer.steps());
  }
  ema.swap(net);
}

template <class T>
void trained_by_all() {
  auto net = all_layers<T>();
  const auto group = [](std::string_view name) {
    return ParameterGroup{.decay = name.ends_with("bias") ? 0.0 : 1.0};
  };
  trained_by<T>(Sgd{net, {.momentum = 0.9, .nesterov = true}, group}, net);
  trained_by<T>(AdamW{net, {}, group}, net);
  trained_by<T>(Rmsprop{net, {}, group}, net);
  trained_by<T>(Lion{net, {}, group}, net);
  trained_by<T>(Muon{net, {}, group}, net);
  rate_test(net, data, [](const auto& n) { return Sgd{n}; }, {.steps = 3, .batch_size = 8});
  const Tensor<T, 2> y{{1, 2}}, t{{0, 1}};
  Tensor<T, 2> gradient(y.shape());
  mse(y, t, gradient);
  huber(y, t, gradient);
  bce_with_logits(y, t, gradient);
  EarlyStopping stop;
  stop.add(1);
  Plateau plateau;
  plateau.add(1);
  Warmup{2, Piecewise{{{0, 1}, {5, 2}}}}(1);
  Stepwise{.at = {2, 3}}(4);
  stratified_split(data, 5, 1);
  class_weights<T>(data);
  scaling_of(data);
}

template <class T>
void explained() {
  const auto net = network<T>();
  const auto image = image_at<T>(data, 3);
  const auto black = black_image<T>(data);
  const auto gradient = gradient_map(net, image, 3);
  gradient_times_input(net, image, 3);
  smooth_grad(net, image, 3, {.samples = 3});
  integrated_gradients(net, image, 3, {.steps = 8, .max_steps = 8, .baseline = black});
  occlusion(net, image, 3, {.baseline = black});
  grad_cam(net, image, 3, {.layer = "pool1"});
  effective_field(net, data, {.layer = "conv1", .row = 7, .col = 7});
  activations(net, image);
  activity(net, data);
  deletion_curve(net, image, 3, gradient, {.baseline = black}).area();
  insertion_curve(net, image, 3, gradient).area();
  const auto map_of = [](const auto& n, auto x, Index k) { return gradient_map(n, x, k); };
  randomisation_check(net, image, 3, map_of);
  rank_correlation(gradient, gradient);
  match_filters(std::get<0>(net.layers()).weight);
  ablate(net, data, {.layer = "conv1"});
  top_patches(net, data, {.layer = "conv1", .count = 2});
  under_attack(net, data, pgd(0.1));
  calibration_error(reliability(predictions(net, data)));
  prototypes(net, Tensor<Label, 1>{1, 2}, data.scaling, {.steps = 3});
  of_layer(receptive_fields(net), "conv1");
  for (const Corruption& corruption : corruption::mnist_c()) corrupt(data, corruption);
}

template <class T>
void stored(const std::string& directory) {
  auto net = network<T>();
  auto w = net.workspace(8);
  Adam adam{net};
  TrainingState at{.run = {{"seed", "1"}}};
  save_model(directory + "/model", net, mnist_scaling);
  save_model(directory + "/bare", net);
  load_model(directory + "/model", net);
  CheckpointFile(directory + "/run").save(net, adam, w, at);
  CheckpointFile(directory + "/run").load(net, adam, w, at);
  write_npy(directory + "/array", Tensor<T, 2>{{1, 2}});
  read_npy<T, 2>(directory + "/array");
  write_png(directory + "/picture", gallery(Tensor<T, 3>(Shape{4, 3, 3}), {.title = "four"}));
}

template <class T>
void computed() {
  const Tensor<T, 2> a{{1, 2}, {3, 4}};
  const auto b = matmul(a, transpose(a)) * T{2} + a - a / T{3};
  concat(sum(b), " ", mean<0>(b), " ", argmax(b[0]), " ", as_eigen(b).norm());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  explained<float>(), explained<double>();
  stored<float>(argv[1]), stored<double>(argv[1]);
  computed<float>(), computed<double>();
  trained_by_all<float>(), trained_by_all<double>();
  gradient_check(Relu{}, Shape{2, 3, 4, 5});
  return trained<float>() >= 0 && trained<double>() >= 0 ? 0 : 1;
}
