// SPDX-License-Identifier: MIT
//
// After the first step of training or prediction nothing is allocated, whatever the network, the number
// of threads and the batch size: malloc and its relatives are replaced by ones that count. And how much
// memory a workspace has: for the values of the plan, and beside them, packed weights and scratch.
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "fovea/explain/attacks.hpp"
#include "fovea/fovea.hpp"
#include "fovea/nn/conv_transpose2d.hpp"
#include "fovea/nn/group_norm.hpp"
#include "fovea/nn/losses.hpp"
#include "fovea/nn/upsample.hpp"
#include "fovea/train/averages.hpp"
#include "fovea/train/gradients.hpp"
#include "fovea/train/lion.hpp"
#include "fovea/train/muon.hpp"
#include "fovea/train/rmsprop.hpp"
#include "house/counting_malloc.hpp"
#include "networks.hpp"
#include "support/course_cnn.hpp"

using namespace fovea;

namespace {

// Clang's OpenMP runtime allocates on its own behalf whenever threads start to work.
#ifdef __clang__
constexpr std::array<int, 1> numbers_of_threads{1};
#else
constexpr std::array<int, 3> numbers_of_threads{1, 2, 3};
#endif

bool nothing_allocated = true;

// Calls step(i) for i = 0 .. 2 and prints what is allocated after the first of them.
template <class Step>
void count(const char* name, const char* what, int threads, const Step& step) {
  step(0);
  const long before = allocations;
  for (Index i = 1; i < 3; ++i) step(i);
  const long counted = allocations - before;
  std::printf("%-10s %-10s %d threads: %ld allocations after the first step\n", name, what, threads,
              counted);
  if (counted != 0) nothing_allocated = false;
}

Dataset random_images(Shape<3> shape, Index count) {
  Dataset data{"random",
               Tensor<std::uint8_t, 4>(shape.prepend(count)),
               Tensor<Label, 1>(Shape{count}),
               10,
               {.mean = 0.5, .std = 0.29}};
  Rng rng{1};
  for (std::uint8_t& byte : data.images) byte = static_cast<std::uint8_t>(rng.below(256));
  for (Label& label : data.labels) label = static_cast<Label>(rng.below(10));
  return data;
}

// Training and prediction with the largest batch first, then smaller ones, and the other way round.
template <class Net>
void count_network(const char* name, const Net& start) {
  constexpr Index capacity = 5;
  const Dataset data = random_images(start.input_shape(), capacity);
  Tensor<float, 4> x(data.images.shape());
  std::transform(data.images.begin(), data.images.end(), x.begin(),
                 [](std::uint8_t byte) { return static_cast<float>(byte) / 255 - 0.5f; });
  const auto labels = data.labels.view();
  for (const int threads : numbers_of_threads)
    for (const bool descending : {true, false}) {
      const auto batch = [=](Index step) { return descending ? capacity - step : 2 + step; };
      Net net = start;
      Adam adam{net};
      auto w = net.workspace(capacity, {.input_gradient = descending, .threads = threads});
      count(name, "training", threads, [&](Index step) {
        const Index n = batch(step);
        const auto logits = net.forward(x.sub(0, n), w);
        cross_entropy(logits, labels.sub(0, n), w.output_gradient());
        net.backward(w);
        adam.step(net, w);
      });
      auto look = net.workspace(capacity, {.keep = Keep::everything, .threads = threads});
      count(name, "everything", threads, [&](Index step) {
        const Index n = batch(step);
        net.forward(x.sub(0, n), look, Mode::eval);
        look.output_gradient().fill(1);
        net.backward(look);
      });
      const Predictor predictor{net, capacity};
      auto scratch = predictor.scratch(threads);
      count(name, "prediction", threads,
            [&](Index step) { predictor(x.sub(0, batch(step)), scratch); });
    }
}

// Layers whose outputs are joined and enlarged, and normalised in both ways; and the same at run time.
auto decoder(Rng& rng) {
  return sequential<float>(
      Shape{3, 32, 32}, rng, conv2d({.out = 8, .kernel = 3, .stride = 2, .padding = 1}),
      batch_norm2d(), relu, branches(conv2d({.out = 4}), chain(conv2d({.out = 4}), silu)),
      group_norm({.groups = 4}), dropout2d(0.1),
      conv_transpose2d({.out = 6, .kernel = 2, .stride = 2}), relu,
      upsample({.mode = Interpolation::bilinear}), max_pool2d({.kernel = 4}), flatten, dropout(0.2),
      linear(10));
}
Network<float> decoder_at_run_time(Rng& rng) {
  Network<float> net;
  auto x = net.input(Shape{3, 32, 32});
  x = net.add(Relu{}, net.add(BatchNorm2d<float>{{.channels = 8}},
                              net.add(Conv2d<float>{{.in = 3, .out = 8, .kernel = 3}, rng}, x)));
  const auto left = net.add(Conv2d<float>{{.in = 8, .out = 4}, rng}, x);
  x = net.add(Concat{}, left, net.add(Dropout{0.1}, x));
  net.add(Linear<float>{{.in = 12, .out = 10}, rng},
          net.add(Flatten{}, net.add(GlobalAvgPool2d{}, x)));
  return net;
}

// A step of training with everything that may be in one: the mean of two gradients, which is clipped, an
// optimizer, and averages after it.
template <class Make>
void count_training(const char* name, const char* what, auto net, const Make& make) {
  constexpr Index N = 4;
  Tensor<float, 4> x(Shape{N, 3, 32, 32});
  Rng rng{2};
  for (float& v : x) v = static_cast<float>(rng.uniform()) - 0.5f;
  const Tensor<Label, 1> labels{1, 5, 0, 9};
  const auto rows = [](auto&& view) {
    if constexpr (requires { view.extents; })
      return view.template as<2>();
    else
      return view;
  };
  for (const int threads : numbers_of_threads) {
    auto w = net.workspace(N, {.threads = threads});
    auto optimizer = make(net);
    GradientMean mean{net};
    Ema ema{net};
    Lookahead lookahead{net, 2};
    count(name, what, threads, [&](Index) {
      for (int part = 0; part < 2; ++part) {
        const auto logits = rows(net.forward(as_const(x).view(), w));
        cross_entropy(logits, labels, rows(w.output_gradient()));
        net.backward(w);
        mean.add(net, w);
      }
      mean.put(net, w);
      clip_norm(net, w, 0.01);
      clip_value(net, w, 1e-3);
      optimizer.step(net, w);
      ema.update(net);
      lookahead.update(net, optimizer.steps());
      ema.swap(net);
      ema.swap(net);
    });
  }
}

// Every optimizer, on a Sequential and on a Network.
template <class Net>
void count_optimizers(const char* name, const Net& net) {
  count_training(name, "Nesterov", net, [](const auto& n) {
    return Sgd{n, {.momentum = 0.9, .weight_decay = 1e-3, .nesterov = true}};
  });
  count_training(name, "AdamW", net, [](const auto& n) { return AdamW{n}; });
  count_training(name, "RMSprop", net, [](const auto& n) { return Rmsprop{n}; });
  count_training(name, "Lion", net, [](const auto& n) { return Lion{n}; });
  count_training(name, "Muon", net, [](const auto& n) { return Muon{n, {.normalise = true}}; });
}

// Batches that are augmented, and an attack on each.
void count_attack(int threads) {
  const Dataset data = synthetic_digits(320);
  Rng rng{1};
  auto net = networks::lenet5(rng);
  auto w = net.workspace(64, {.threads = threads});
  Adam adam{net};
  auto epoch = batches(data, 64, {.threads = threads}, Augment{.shift = 2, .noise = 0.1});
  AttackOptions short_pgd = pgd(0.1);
  short_pgd.steps = 3;
  short_pgd.threads = threads;
  Attack attack{net, 64, data.scaling, short_pgd};
  count("LeNet-5", "attack", threads, [&](Index step) {
    const auto [images, labels] = epoch[step];
    const auto worse = attack(net, images, labels);
    const auto logits = net.forward(worse, w);
    cross_entropy(logits, labels, w.output_gradient());
    net.backward(w);
    adam.step(net, w);
  });
}

// What is in use, in MB.
double in_use() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / 1e6;
}

// Prints the memory of a batch of 64; returns the values of training against those of keeping everything, and of prediction
// against the largest value.
template <class Net>
std::pair<double, double> count_memory(const char* name, const Net& net) {
  const auto measured = [&](const WorkspaceOptions& options) {
    const double before = in_use();
    const auto w = net.workspace(64, options);
    Index largest = 0;
    for (std::size_t v = 0; v <= w.plan().layer_count(); ++v)
      largest = std::max(largest, w.plan().value(v).extents.size());
    const auto megabytes = [](Index numbers) { return static_cast<double>(numbers) * 4e-6; };
    struct Memory {
      double values, beside, largest;
    };
    const double values = megabytes(w.plan().memory().size());
    return Memory{values, in_use() - before - values, megabytes(largest)};
  };
  const auto all = measured({.keep = Keep::everything, .threads = 2});
  const auto training = measured({.threads = 2});
  const auto prediction = measured({.keep = Keep::output, .threads = 2});
  std::printf(
      "%-13s training %6.1f MB and %5.1f beside, %5.1f %% of everything; prediction %5.1f MB and "
      "%4.1f beside, "
      "%.2f of the largest value\n",
      name, training.values, training.beside, 100 * training.values / all.values, prediction.values,
      prediction.beside, prediction.values / prediction.largest);
  return {training.values / all.values, prediction.values / prediction.largest};
}

}  // namespace

int main() {
  Rng rng{1};
  std::printf(
      "Values in batches of 64, and packed weights, gradients of parameters and scratch beside "
      "them\n");
  count_memory("LeNet-5", networks::lenet5(rng));
  count_memory("course", course_cnn<float>(rng));
  count_memory("VGG", networks::vgg(rng));
  count_memory("ResNet", networks::resnet(rng));
  count_memory("mobile", networks::mobile(rng));
  const auto [training, prediction] = count_memory("twelve blocks", networks::twelve_blocks(rng));
  if (training > 0.6 || prediction > 3) {
    std::printf("expected at most 60 %% in training, and three values in prediction\n");
    return 1;
  }
  count_network("LeNet-5", networks::lenet5(rng));
  count_network("course", course_cnn<float>(rng));
  count_network("VGG", networks::vgg(rng));
  count_network("ResNet", networks::resnet(rng));
  count_network("mobile", networks::mobile(rng));
  count_network("odd", networks::odd(rng));
  count_network("decoder", decoder(rng));
  count_optimizers("decoder", decoder(rng));
  count_optimizers("run time", decoder_at_run_time(rng));
  for (const int threads : numbers_of_threads) count_attack(threads);
  std::printf("allocations in all: %ld\n", allocations);
  // None at all would mean that nothing was counted.
  return allocations > 0 && nothing_allocated ? 0 : 1;
}
