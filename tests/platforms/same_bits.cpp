// SPDX-License-Identifier: MIT
//
// Prints a hash of the bits of everything this library computes in floating point: a line for each
// ingredient, then one for all of it. Two builds without fused multiply-add print the same lines; where
// they do not, the first line that differs names the code. same_bits.sh compares many builds.
//
//   same_bits [small | full] [threads]     small: what an emulated processor does in seconds
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "fovea/data/fit_digit.hpp"
#include "fovea/explain/attacks.hpp"
#include "fovea/explain/corruptions/edges.hpp"
#include "fovea/explain/corruptions/geometry.hpp"
#include "fovea/explain/corruptions/noise.hpp"
#include "fovea/explain/corruptions/strokes.hpp"
#include "fovea/explain/corruptions/weather.hpp"
#include "fovea/explain/faithfulness.hpp"
#include "fovea/explain/filters.hpp"
#include "fovea/explain/grad_cam.hpp"
#include "fovea/explain/gradients.hpp"
#include "fovea/explain/occlusion.hpp"
#include "fovea/explain/prototypes.hpp"
#include "fovea/explain/randomisation.hpp"
#include "fovea/fovea.hpp"
#include "fovea/nn/conv_transpose2d.hpp"
#include "fovea/nn/group_norm.hpp"
#include "fovea/nn/pad2d.hpp"
#include "fovea/nn/softmax.hpp"
#include "fovea/nn/upsample.hpp"

using namespace fovea;

namespace {

// FNV-1a over the bytes of numbers, the least significant one first on every processor.
class Hash {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(T value) {
    if constexpr (std::is_floating_point_v<T>) {
      check(value == value, "same_bits: NaN, whose bits IEEE 754 does not define");
      using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
      add_bytes(detail::bit_cast<Bits>(value), sizeof(T));
    } else {
      add_bytes(static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 8);
    }
  }
  template <class Range>
  requires(!std::is_arithmetic_v<Range>) void add(const Range& range) {
    for (const auto& element : range) add(element);
  }
  std::uint64_t value() const { return hash_; }

 private:
  void add_bytes(std::uint64_t bits, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) hash_ = (hash_ ^ (bits >> 8 * i & 255)) * 0x100000001b3;
  }
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

struct Extent {
  Index images, tests, batch, epochs, width;
};
constexpr Extent small{48, 16, 8, 1, 8}, full{256, 128, 64, 1, 32};

Extent size = small;
int threads = 0;
Hash all;

// One ingredient; all of it after the colon is hashed in this order.
template <class... Values>
void line(std::string_view name, const Values&... values) {
  Hash hash;
  (hash.add(values), ...);
  std::printf("%-36.*s %016llx\n", static_cast<int>(name.size()), name.data(),
              static_cast<unsigned long long>(hash.value()));
  all.add(hash.value());
}

template <class T, std::size_t R>
Tensor<T, R> random_tensor(Shape<R> shape, std::uint64_t seed) {
  Tensor<T, R> x(shape);
  Rng rng{seed};
  fill_uniform(x.flat(), 1, rng);
  return x;
}

void random_numbers() {
  Rng rng{1, 2, 3};
  std::vector<double> uniform(1000),
      normal(20000);  // many: functions of two C libraries seldom differ
  for (double& u : uniform) u = rng.uniform(-3, 5);
  for (double& z : normal) z = rng.normal();
  line("random: uniform", uniform, rng.bits());
  line("random: permutation", permutation(1000, rng));
  line("random: normal", normal);
  std::vector<float> x(1000);
  std::vector<double> y(1000);
  add_normal<float>(x, 0.3, Rng{7});
  add_normal<double>(y, 0.3, Rng{7});
  line("normals: add_normal", x, y);
}

// core/math.hpp, over the arguments that networks have.
void functions() {
  std::vector<double> x;
  for (int i = -5000; i <= 5000; ++i) x.push_back(i * 0x1p-7);
  const auto values = [&](double (*f)(double), double scale = 1) {
    std::vector<double> y;
    for (const double v : x) y.push_back(f(v * scale));
    return y;
  };
  const auto positive = [&](double (*f)(double), double first) {
    std::vector<double> y;
    for (int i = 1; i <= 5000; ++i) y.push_back(f(first + i * 0x1p-9));
    return y;
  };
  line("math: exp, expm1", values(math::exp), values(math::expm1, 0.1));
  line("math: log, log1p", positive(math::log, 0), positive(math::log1p, -1));
  line("math: sin, cos", values(math::sin), values(math::cos, 1e3));
  line("math: tanh, erf", values(math::tanh, 0.1), values(math::erf, 0.1));
  std::vector<double> powers;
  for (int t = 1; t <= 5000; ++t)
    powers.insert(powers.end(), {math::pow(0.9, t), math::pow(0.999, t)});
  line("math: pow", powers);
}

// The network of the course.
template <class T>
auto course() {
  Rng rng{1};
  const Index width = size.width;
  return Sequential{Shape{1, 28, 28},
                    Conv2d<T>{{.in = 1, .out = width, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{},
                    Conv2d<T>{{.in = width, .out = 2 * width, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{},
                    Flatten{},
                    Linear<T>{{.in = 2 * width * 49, .out = 4 * width}, rng},
                    Relu{},
                    Linear<T>{{.in = 4 * width, .out = 10}, rng}};
}

// Every option of a convolution, and random numbers in a layer.
auto options() {
  Rng rng{2};
  using Conv = Conv2d<float>;
  return Sequential{
      Shape{1, 28, 28},
      Conv{{.in = 1, .out = 6, .kernel = 5, .padding = 1, .init = Init::xavier_uniform}, rng},
      Relu{},
      Conv{{.in = 6, .out = 8, .kernel = 3, .padding = 2, .dilation = 2, .groups = 2}, rng},
      Relu{},
      Conv{{.in = 8, .out = 8, .kernel = 5, .padding = 2, .groups = 8}, rng},
      Conv{{.in = 8, .out = 12, .kernel = {3, 2}, .stride = {2, 1}, .bias = false}, rng},
      Dropout{0.25},
      MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}},
      Flatten{},
      Linear<float>{{.in = 12 * 6 * 13, .out = 10}, rng}};
}

// The layers that normalise, average, upsample, branch and activate.
auto modern() {
  Rng rng{3};
  return sequential<float>(
      Shape{1, 28, 28}, rng, pad2d({.top = 1, .left = 1, .border = Border::reflect}),
      conv2d({.out = 8, .kernel = 3, .stride = 2, .bias = false}), batch_norm2d(), silu,
      repeat(2, residual(conv2d({.out = 8, .kernel = 3, .padding = 1, .bias = false}),
                         group_norm({.groups = 2}), gelu, dropout2d(0.1))),
      branches(chain(conv2d({.out = 4}), elu),
               chain(avg_pool2d({.kernel = 3, .stride = 1, .padding = 1, .count_padding = false}),
                     hardswish),
               chain(conv2d({.out = 3}), softplus)),
      residual(
          chain(conv2d({.out = 6, .kernel = 3, .stride = 2, .padding = 1}), sigmoid,
                batch_norm2d({.statistics = Statistics::chunk})),
          shortcut(max_pool2d({.kernel = 2, .stride = 2, .ceil_mode = true}), conv2d({.out = 6}))),
      conv_transpose2d({.out = 4, .kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}),
      leaky_relu, upsample({.scale = {1, 2}, .mode = Interpolation::bilinear}), Softmax{},
      conv2d({.out = 9, .kernel = 3}), Tanh{}, global_avg_pool2d, flatten, linear(10));
}

// A convolution by itself: forward, and the gradients for dy.
template <class T>
void convolution(std::string_view name, const Conv2dOptions& options, Shape<4> shape) {
  Rng rng{5};
  const Conv2d<T> conv{options, rng};
  const auto x = random_tensor<T>(shape, 1);
  Tensor<T, 4> y(conv.output_shape(shape)), dx(shape);
  const auto dy = random_tensor<T>(y.shape(), 2);
  auto pass = conv.pass(shape, {.input_gradient = true, .threads = threads});
  const Context context{.threads = threads};
  conv.forward(x, y, pass, context);
  conv.backward(x, y, dy, dx, pass, context);
  const std::string type = sizeof(T) == 4 ? ", float" : ", double";
  line(concat(name, type, ": y dx"), y, dx);
  line(concat(name, type, ": dW db"), pass.dweight, pass.dbias);
}

void convolutions() {
  const auto both = [](std::string_view name, const Conv2dOptions& o, Shape<4> x) {
    convolution<float>(name, o, x);
    convolution<double>(name, o, x);
  };
  both("conv: one channel", {.in = 1, .out = 7, .kernel = 3, .padding = 1}, {5, 1, 17, 11});
  both("conv: 3 x 3", {.in = 3, .out = 5, .kernel = 3}, {3, 3, 9, 14});
  both("conv: 3 x 3, Winograd", {.in = 9, .out = 10, .kernel = 3, .padding = 1}, {3, 9, 15, 13});
  both("conv: 5 x 5", {.in = 4, .out = 6, .kernel = 5, .padding = 2}, {18, 4, 12, 13});
  both("conv: 1 x 1", {.in = 17, .out = 5, .kernel = 1}, {2, 17, 7, 9});
  both("conv: stride", {.in = 3, .out = 4, .kernel = {3, 2}, .stride = {2, 3}, .padding = {1, 0}},
       {2, 3, 8, 12});
  both("conv: dilation", {.in = 2, .out = 3, .kernel = 3, .padding = 2, .dilation = 2},
       {2, 2, 9, 17});
  both("conv: groups", {.in = 4, .out = 6, .kernel = 3, .stride = 2, .padding = 1, .groups = 2},
       {3, 4, 7, 8});
  both("conv: depthwise 3 x 3", {.in = 5, .out = 5, .kernel = 3, .padding = 1, .groups = 5},
       {2, 5, 9, 19});
  both("conv: depthwise 5 x 5", {.in = 5, .out = 5, .kernel = 5, .padding = 2, .groups = 5},
       {2, 5, 9, 19});
}

template <class T>
void losses(std::string_view name) {
  constexpr Index N = 2000, K = 11;
  const auto z = map(random_tensor<T>(Shape{N, K}, 3), [](T v) { return 20 * v; });
  Tensor<Label, 1> labels(Shape{N});
  for (Index n = 0; n < N; ++n) labels(n) = static_cast<Label>(n % K);
  Tensor<T, 2> dz(z.shape()), smoothed(z.shape());
  const T loss = cross_entropy(z, labels, dz),
          smooth = cross_entropy(z, labels, smoothed, {.smoothing = 0.1});
  line(name, softmax(z), dz, smoothed, std::array{loss, smooth});
}

void schedules() {
  std::vector<double> rates;
  for (std::uint64_t t = 0; t < 10000; ++t) {
    rates.push_back(Cosine{.rate = 0.1, .steps = 10000, .end = 1e-4}(t));
    rates.push_back(OneCycle{.peak = 0.2, .steps = 10000}(t));
  }
  line("schedules", rates);
}

void corruptions(const Dataset& digits) {
  namespace c = corruption;
  for (const Corruption& change : {c::gaussian_blur(1),
                                   c::glass_blur(),
                                   c::motion_blur(),
                                   c::canny_edges(),
                                   c::rotation(20),
                                   c::translation(1.5, -0.25),
                                   c::rotate(),
                                   c::shear(),
                                   c::scale(),
                                   c::translate(),
                                   c::gaussian_noise(0.2),
                                   c::shot_noise(),
                                   c::impulse_noise(),
                                   c::brightness(),
                                   c::cutout(5),
                                   c::stripe(),
                                   c::dotted_line(),
                                   c::zigzag(),
                                   c::spatter(),
                                   c::fog()})
    line(concat("corruption: ", change.name),
         corrupt(digits, change, {.seed = 3, .threads = threads}).images);
}

template <class Net>
std::vector<typename Net::value_type> weights_of(const Net& net) {
  std::vector<typename Net::value_type> weights;
  net.for_each_parameter([&](const std::string&, const auto& tensor) {
    weights.insert(weights.end(), tensor.begin(), tensor.end());
  });
  return weights;
}

// The logits for all images, by predict and, of the first ones one by one, by a predictor.
template <class Net>
auto logits_of(const Net& net, const Dataset& data) {
  using T = typename Net::value_type;
  std::vector<T> logits;
  const auto add = [&](const auto& z) { logits.insert(logits.end(), z.begin(), z.end()); };
  for (const auto& [images, labels] : batches<T>(data, size.batch, {.shuffle = false}))
    add(net.predict(images, threads));
  const Predictor predictor{net, 1};
  auto scratch = predictor.scratch(threads);
  auto ones = batches<T>(data, 1, {.shuffle = false});
  for (Index n = 0; n < 4; ++n) add(predictor(ones[n].images, scratch));
  return logits;
}

// Trains with what is given: logits before, losses, weights, logits afterwards.
template <class Net, class Optimizer, class Schedule, class... Change>
void train(std::string_view name, Net& net, Optimizer optimizer, const Schedule& schedule,
           Keep keep, const TrainAndTest& data, const Change&... change) {
  using T = typename Net::value_type;
  auto workspace = net.workspace(size.batch, {.keep = keep, .threads = threads, .seed = 9});
  line(concat(name, ": first logits"), logits_of(net, data.test));
  std::vector<T> losses;
  for (Index epoch = 0; epoch < size.epochs; ++epoch)
    for (const auto& [images, labels] :
         batches<T>(data.train, size.batch,
                    {.seed = 1, .epoch = static_cast<std::uint64_t>(epoch), .threads = threads},
                    change...)) {
      optimizer.options.learning_rate = schedule(optimizer.steps());
      const auto logits = net.forward(images, workspace, Mode::train);
      losses.push_back(cross_entropy(logits, labels, workspace.output_gradient()));
      net.backward(workspace);
      optimizer.step(net, workspace);
    }
  line(concat(name, ": losses"), losses);
  line(concat(name, ": weights"), weights_of(net));
  line(concat(name, ": logits"), logits_of(net, data.test));
}

template <class Net>
void explanations(const Net& net, const TrainAndTest& data) {
  auto set = batches(data.test, 4, {.shuffle = false});
  const auto [images, labels] = set[0];
  const auto image = images.sub(0, 1);
  const Tensor<float, 4> black = black_image(data.test);
  const Index k = labels(0);
  for (auto [name, how] : {std::pair{"attack: fgsm", fgsm(0.1)}, {"attack: pgd", pgd(0.1)}}) {
    how.threads = threads;
    Attack attack(net, 4, data.test.scaling, how);
    line(name, attack(net, images, labels));
  }
  line("explain: gradient", gradient_map(net, image, k, {.threads = threads}).map);
  line("explain: SmoothGrad", smooth_grad(net, image, k, {.samples = 16, .threads = threads}).map);
  line("explain: integrated gradients",
       integrated_gradients(net, image, k, {.baseline = black, .threads = threads}).map);
  line("explain: occlusion",
       occlusion(net, image, k, {.window = 9, .stride = 5, .baseline = black, .threads = threads})
           .map);
  const auto cam = grad_cam(net, image, k, {.layer = "relu2", .threads = threads});
  line("explain: Grad-CAM", cam.map);
  const auto curve =
      deletion_curve(net, image, k, cam, {.steps = 14, .baseline = black, .threads = threads});
  line("explain: deletion", curve.logit, curve.probability);
  const Tensor<Label, 1> classes{3, 8};
  line("explain: prototypes",
       prototypes(net, classes, data.test.scaling, {.steps = 16, .threads = threads}).images);
  std::vector<double> numbers;
  for (const FilterMatch& match : random_matches(5, {.count = 50, .seed = 1}))
    numbers.insert(numbers.end(), {match.angle, match.correlation, match.flat});
  line("explain: filters", numbers);
}

int run(int argc, char** argv) {
  if (argc > 1 && argv[1] == std::string_view("full")) size = full;
  threads = resolve_threads(argc > 2 ? std::atoi(argv[2]) : 0);

  functions();
  random_numbers();
  const auto data = synthetic_train_and_test(size.images, size.tests);
  line("digits", data.train.images, data.test.images);
  constexpr Augment augment{.shift = 2, .rotate = 10, .scale = 0.1, .noise = 0.05};
  for (const auto& [images, labels] :
       batches(data.train, 64, {.seed = 1, .threads = threads}, augment)) {
    line("augmentation", images, labels);
    break;
  }
  corruptions(synthetic_digits(8));
  line("fit_digit", fit_digit(data.test.images[0][0], "a digit"));
  convolutions();
  losses<float>("losses, float");
  losses<double>("losses, double");
  schedules();

  auto fused = course<float>();
  line("init", weights_of(fused));
  const auto steps = static_cast<std::uint64_t>(size.epochs * (size.images / size.batch));
  train("course, Adam, augmented", fused, Adam{fused}, OneCycle{.peak = 3e-3, .steps = steps},
        Keep::for_backward, data, augment);
  auto layers = course<float>();
  train("course, layer by layer, SGD", layers, Sgd{layers, {.momentum = 0.9, .weight_decay = 1e-4}},
        Cosine{.rate = 0.02, .steps = steps}, Keep::everything, data);
  auto wide = course<double>();
  train("course, double, AdamW", wide, AdamW{wide}, Constant{1e-3}, Keep::for_backward, data);
  auto mixed = options();
  train("options, Adam", mixed, Adam{mixed}, Constant{2e-3}, Keep::for_backward, data);
  auto layered = modern();
  train("modern, SGD with Nesterov", layered,
        Sgd{layered, {.momentum = 0.9, .weight_decay = 1e-4, .nesterov = true}}, Constant{0.05},
        Keep::for_backward, data);
  explanations(fused, data);
  line("all", std::array{all.value()});
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "same_bits: %s\n", error.what());
    return 1;
  }
}
