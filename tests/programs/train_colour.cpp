// SPDX-License-Identifier: MIT
//
// A training with everything that has a state, for kill_and_resume.sh: a residual network with batch
// normalisation and dropout on small colour images, which are mirrored, cropped, recoloured and cut out;
// Nesterov's momentum, a schedule, an exponential average and Lookahead.
//
//   train_colour --epochs N --every STEPS --checkpoint FILE --out DIRECTORY [--resume] [--threads N] [--quiet]
//
// DIRECTORY gets the weights, their average, and metrics.json with the loss of each epoch.
#include <cstdio>
#include <cstdlib>
#include <map>

#include "fovea/fovea.hpp"
#include "fovea/io/checkpoint.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/train/averages.hpp"

using namespace fovea;

namespace {

// Stripes: the class is how far apart they are and whether they lie; their colours are random.
Dataset stripes(Index count, std::uint64_t seed) {
  Dataset data{"stripes",
               Tensor<std::uint8_t, 4>(Shape{count, 3, 16, 16}),
               Tensor<Label, 1>(Shape{count}),
               6,
               {.mean = 0.5, .std = 0.25}};
  Rng rng{seed};
  for (Index n = 0; n < count; ++n) {
    const auto label = static_cast<Label>(rng.below(6));
    const Index distance = 2 + label % 3, shift = static_cast<Index>(rng.below(8));
    data.labels(n) = label;
    for (Index c = 0; c < 3; ++c) {
      const double light = rng.uniform(90, 250), dark = rng.uniform(5, 140);
      for (Index i = 0; i < 16; ++i)
        for (Index j = 0; j < 16; ++j)
          data.images(n, c, i, j) = static_cast<std::uint8_t>(
              ((label < 3 ? i : j) + shift) / distance % 2 == 0 ? light : dark);
    }
  }
  return data;
}

auto network(Rng& rng) {
  const auto conv = [](Index out, Index stride) {
    return conv2d({.out = out, .kernel = 3, .stride = stride, .padding = 1, .bias = false});
  };
  return sequential<float>(
      Shape{3, 16, 16}, rng, conv(8, 1), batch_norm2d(), relu,
      residual(conv(8, 1), batch_norm2d(), relu, dropout2d(0.1), conv(8, 1), batch_norm2d()), relu,
      residual(chain(conv(16, 2), batch_norm2d(), relu, conv(16, 1), batch_norm2d()),
               shortcut(conv2d({.out = 16, .stride = 2, .bias = false}), batch_norm2d())),
      relu, global_avg_pool2d, flatten, dropout(0.2), linear(6));
}

int run(std::map<std::string, std::string>& options) {
  const auto number = [&](const char* name) { return std::atoi(options[name].c_str()); };
  const int threads = number("--threads");
  const auto epochs = static_cast<std::uint64_t>(number("--epochs")),
             every = static_cast<std::uint64_t>(number("--every"));
  check(epochs > 0 && every > 0 && !options["--out"].empty(),
        "train_colour: expected --epochs, --every, --checkpoint and --out");
  constexpr Index batch = 16;
  const Dataset data = stripes(320, 1);
  Rng rng{1};
  auto net = network(rng);
  auto w = net.workspace(batch, {.threads = threads, .seed = 1});
  Sgd sgd{net, {.momentum = 0.9, .weight_decay = 5e-4, .nesterov = true}};
  Ema ema{net, 0.95};
  Lookahead lookahead{net, 4, 0.5};
  const auto per_epoch = static_cast<std::uint64_t>(batches(data, batch).count());
  const OneCycle schedule{.peak = 0.1, .steps = epochs * per_epoch};
  const Augment augment{.mirror = Mirror::random,
                        .crop = 2,
                        .cutout = 4,
                        .brightness = 0.2,
                        .contrast = 0.2,
                        .saturation = 0.2};

  const CheckpointFile file(options["--checkpoint"]);
  check(options.contains("--resume") || !file.exists(), "train_colour: expected no checkpoint yet");
  TrainingState at{.run = {{"data", fingerprint(data)}}};
  file.load(net, sgd, w, at, ema, lookahead);
  const auto save = [&] { file.save(net, sgd, w, at, ema, lookahead); };
  while (at.epoch < epochs) {
    const BatchOptions order{.seed = 1,
                             .epoch = at.epoch,
                             .first_step = static_cast<Index>(at.step),
                             .threads = threads};
    for (const auto& [images, labels] : batches(data, batch, order, augment)) {
      sgd.options.learning_rate = schedule(sgd.steps());
      at.losses.push_back(cross_entropy(net.forward(images, w), labels, w.output_gradient()));
      net.backward(w);
      sgd.step(net, w);
      ema.update(net);
      lookahead.update(net, sgd.steps());
      if (++at.step % every == 0) save();
    }
    ++at.epoch;
    at.step = 0;
    save();
  }

  const std::filesystem::path out = options["--out"];
  std::filesystem::create_directories(out);
  std::string numbers = "[\n";
  for (std::size_t first = 0; first < at.losses.size(); first += per_epoch) {
    double sum = 0;
    for (std::size_t i = first; i < first + per_epoch; ++i)
      sum += static_cast<double>(at.losses[i]);
    numbers += concat("{\"train_loss\": ", sum / static_cast<double>(per_epoch), "},\n");
  }
  save_model(out / "model.safetensors", net, data.scaling);
  ema.swap(net);
  save_model(out / "average.safetensors", net, data.scaling);
  const double right = evaluate(net, stripes(200, 2), {.threads = threads}).accuracy().percent();
  write_file(out / "metrics.json", concat(numbers, "{\"test_accuracy\": ", right, "}\n]\n"));
  if (!options.contains("--quiet")) std::printf("%s", numbers.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  std::map<std::string, std::string> options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const bool alone = name == "--resume" || name == "--quiet";
    check(alone || i + 1 < argc, "train_colour: expected a value for ", name);
    options[name] = alone ? "" : argv[++i];
  }
  return run(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
