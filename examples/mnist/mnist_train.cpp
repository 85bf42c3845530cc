// SPDX-License-Identifier: MIT
//
// mnist_train: trains the network of the course report (Adam 1e-3, batch 64, 3 epochs) and writes
// model.safetensors, metrics.json and the pictures of the report into --out.
#include <cstdio>
#include <optional>

#include "fovea/io/model_file.hpp"
#include "mnist/pictures.hpp"
#include "support/course_cnn.hpp"
#include "support/find_data.hpp"
#include "support/metrics_json.hpp"
#include "support/options.hpp"
#include "support/training.hpp"

using namespace fovea;

namespace {

void print_confusion(const Tensor<Index, 2>& counts) {
  std::puts("\nRows: the true class. Columns: what the network said.\n");
  std::fputs("      ", stdout);
  for (Index j = 0; j < counts.extent(1); ++j) std::printf("%6td", j);
  for (Index i = 0; i < counts.extent(0); ++i) {
    std::printf("\n%6td", i);
    for (Index j = 0; j < counts.extent(1); ++j) std::printf("%6td", counts(i, j));
  }
  std::puts("");
}

int run(const TrainOptions& given, Ranks& ranks) {
  TrainOptions options = given;
  const bool writes = ranks.rank() == 0;
  options.quiet = options.quiet || !writes;
  const auto say = [&](const std::string& line) {
    if (!options.quiet) std::puts(line.c_str());
  };

  if (writes) prepare_directory(options.out);
  const auto checkpoint =
      open_checkpoint(writes ? options.checkpoint : std::filesystem::path{}, options.resume);
  std::filesystem::path found;
  auto [training, test] = find_data(options.data, options.dataset, found);
  if (options.limit > 0 && options.limit < training.size())
    training = training.part(0, options.limit);
  check(training.images.shape().with_batch(1) == Shape<4>(1, 1, 28, 28), found.string(),
        ": expected images of 28 x 28 pixels, found ", training.images.shape());

  Rng rng{options.seed};
  auto net = course_cnn<float>(rng);
  const int threads = resolve_threads(options.threads);

  say(concat(build_line(threads),
             ranks.size() > 1 ? concat(" on each of ", ranks.size(), " ranks") : std::string()));
  say(concat(training.name, " from ", found.string(), ": ", training.size(),
             " images to train on, ", test.size(), " to test with\n"));
  say(summary(net));
  if (checkpoint && options.resume)
    say(concat(options.checkpoint.string(), checkpoint->exists()
                                                ? ": training goes on from here\n"
                                                : ": no checkpoint yet, training begins\n"));

  const Recipe recipe{.epochs = options.epochs,
                      .batch_size = options.batch_size,
                      .learning_rate = options.learning_rate,
                      .schedule = options.schedule,
                      .seed = options.seed,
                      .threads = options.threads,
                      .quiet = options.quiet,
                      .checkpoint = checkpoint ? &*checkpoint : nullptr,
                      .checkpoint_every = static_cast<std::uint64_t>(options.every),
                      .ranks = &ranks};
  if (ranks.size() > 1) begin_alike(ranks, run_of(recipe, training, test));
  const auto [losses, epochs, confusion] = train(net, training, test, recipe);
  print_waiting(ranks, options.quiet);
  if (!writes) return interrupted() ? interrupted_status : 0;
  Metrics metrics{training.name,
                  net.parameter_count(),
                  threads,
                  std::string(build_info().isa),
                  options.seed,
                  epochs,
                  {}};
  if (with_mpi) metrics.ranks = ranks.size();
  if (!epochs.empty()) metrics.test_accuracy = epochs.back().test_accuracy;
  write_file(options.out / "metrics.json", to_json(metrics));
  if (losses.empty()) return interrupted_status;
  save_model(options.out / "model.safetensors", net, training.scaling,
             {{"trained.on", training.name}, {"trained.steps", to_string(losses.size())}});

  auto inside = net.workspace(1, {.keep = Keep::everything, .threads = options.threads});
  auto first = batches(test, 1, {.shuffle = false});
  const auto [image, label] = first[0];
  const auto p = softmax(net.forward(image, inside, Mode::eval));
  const Index said = argmax(p);
  const auto pixels =
      map(test.images[0][0], [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
  using Net = decltype(net);
  const std::string sure = formatted(100.0 * static_cast<double>(p(0, said)), 1, 'f');
  write_pictures(
      {.dataset = training.name,
       .input = pixels,
       .input_caption = concat("a ", label[0], ", the network says ", said, ": ", sure, " %"),
       .filters = std::get<Net::index("conv1")>(net.layers()).weight,
       .conv1 = inside.activation<Net::index("relu1")>()[0],
       .conv2 = inside.activation<Net::index("relu2")>()[0],
       .confusion = confusion.counts(),
       .losses = losses,
       .steps_per_epoch = (training.size() + options.batch_size - 1) / options.batch_size},
      options.out);

  if (metrics.test_accuracy) {
    if (!options.quiet) print_confusion(confusion.counts());
    const std::size_t count = epochs.size();
    std::printf("%stest accuracy %.2f %% after %zu %s\n", options.quiet ? "" : "\n",
                *metrics.test_accuracy, count, count == 1 ? "epoch" : "epochs");
  }
  if (interrupted()) say("Stopped by Ctrl-C; what was measured so far is kept.");
  if (interrupted() && checkpoint)
    say(concat("Add --resume to go on from ", options.checkpoint.string(), "."));
  say(concat("model.safetensors, metrics.json and the pictures are in ", options.out.string()));
  return interrupted() ? interrupted_status : 0;
}

}  // namespace

int main(int argc, char** argv) {
  static Ranks ranks;  // left by std::exit, too
  std::optional<SilentErrors> silent(std::in_place, ranks.rank() > 0);
  const auto options = parse_train_options(argc, argv);
  silent.reset();
  catch_interrupt(ranks.size() > 1);
  return run_on_ranks("mnist_train", ranks, [&] { return run(options, ranks); });
}
