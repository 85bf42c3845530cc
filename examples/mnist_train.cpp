// SPDX-License-Identifier: MIT
//
// mnist_train: trains the network of the course report (Adam 1e-3, batch 64, 3 epochs) and writes
// metrics.json and the pictures of the report into --out.
#include <csignal>
#include <cstdio>
#include <exception>

#include "support/course_cnn.hpp"
#include "support/find_data.hpp"
#include "support/metrics_json.hpp"
#include "support/options.hpp"
#include "support/pictures.hpp"
#include "support/progress.hpp"

using namespace fovea;

namespace {

constexpr int interrupted_status = 130, bad_input_status = 2;

volatile std::sig_atomic_t interrupted = 0;

// A second Ctrl-C ends the program the hard way.
void on_interrupt(int signal) {
  interrupted = 1;
  std::signal(signal, SIG_DFL);
}

// Finds out before the training, not after it, whether results can be written.
void prepare_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  check(std::filesystem::is_directory(directory), directory.string(),
        ": expected a directory that can be made for --out, found ",
        std::filesystem::exists(directory) ? "a file" : error.message());
  const auto probe = directory / ".probe";
  write_file(probe, "");
  std::filesystem::remove(probe);
}

double learning_rate(const TrainOptions& o, std::uint64_t steps, std::uint64_t t) {
  if (o.schedule == "cosine") return Cosine{.rate = o.learning_rate, .steps = steps}(t);
  if (o.schedule == "one-cycle") return OneCycle{.peak = o.learning_rate, .steps = steps}(t);
  return Constant{o.learning_rate}(t);
}

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

int train(const TrainOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto info = build_info();
  const auto say = [&](const std::string& line) {
    if (!options.quiet) std::puts(line.c_str());
  };

  prepare_directory(options.out);
  std::filesystem::path found;
  auto [training, test] = find_data(options.data, options.dataset, found);
  if (options.limit > 0 && options.limit < training.size())
    training = training.part(0, options.limit);
  check(training.images.shape().with_batch(1) == Shape<4>(1, 1, 28, 28), found.string(),
        ": expected images of 28 x 28 pixels, found ", training.images.shape());

  Rng rng{options.seed};
  auto net = course_cnn<float>(rng);
  auto pass = net.pass(options.batch_size, {.threads = options.threads, .seed = options.seed});
  Adam adam{net, {.learning_rate = options.learning_rate}};

  say(concat("fovea ", info.version, ", ", info.compiler, ", ", info.isa, ", ", pass.threads(),
             pass.threads() == 1 ? " thread" : " threads",
             info.openmp ? "" : " (built without OpenMP)"));
  if (!info.optimised)
    say("Warning: built without optimisation, some fifty times slower than a Release build.");
  say(concat(training.name, " from ", found.string(), ": ", training.size(),
             " images to train on, ", test.size(), " to test with\n"));
  say(summary(net));

  Metrics metrics{training.name,
                  net.parameter_count(),
                  pass.threads(),
                  std::string(info.isa),
                  options.seed,
                  {},
                  {}};
  ConfusionMatrix confusion(training.classes);
  std::vector<float> losses;
  const Index per_epoch = (training.size() + options.batch_size - 1) / options.batch_size;
  const auto steps = static_cast<std::uint64_t>(options.epochs * per_epoch);

  for (int epoch = 1; epoch <= options.epochs && !interrupted; ++epoch) {
    Progress progress(concat("epoch ", epoch, "/", options.epochs), training.size(), options.quiet);
    const auto start = Clock::now();
    double loss_sum = 0;
    Index seen = 0;
    for (const auto& [images, labels] :
         batches(training, options.batch_size,
                 {.seed = options.seed, .epoch = static_cast<std::uint64_t>(epoch - 1)})) {
      adam.options.learning_rate = learning_rate(options, steps, adam.clock());
      const auto logits = net.forward(images, pass);
      const float loss = cross_entropy(logits, labels, pass.dlogits());
      check(std::isfinite(loss), "the loss is ", loss, " at epoch ", epoch, ", step ",
            seen / options.batch_size + 1, ": expected a finite number (is the learning rate of ",
            options.learning_rate, " too large?)");
      net.backward(images, pass);
      adam.step(net, pass);
      losses.push_back(loss);
      loss_sum += static_cast<double>(loss) * static_cast<double>(labels.size());
      seen += labels.size();
      progress.update(seen, loss_sum / static_cast<double>(seen));
      if (interrupted) break;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    progress.finish();
    if (seen < training.size()) break;  // interrupted: this epoch was not measured

    confusion =
        evaluate(net, batches(test, 100, {.shuffle = false}), test.classes, options.threads);
    const auto accuracy = confusion.accuracy();
    const auto [low, high] = accuracy.interval();
    const double loss = loss_sum / static_cast<double>(seen),
                 speed = static_cast<double>(seen) / seconds;
    metrics.epochs.push_back({epoch, loss, accuracy.percent(), seconds, speed});
    metrics.test_accuracy = accuracy.percent();
    if (options.quiet) continue;
    std::printf(
        "epoch %d/%d  loss %.4f  test accuracy %.2f %% (95 %%: %.2f-%.2f)  %.1f s, %.0f images/s\n",
        epoch, options.epochs, loss, accuracy.percent(), low, high, seconds, speed);
    std::fflush(stdout);
  }

  write_file(options.out / "metrics.json", to_json(metrics));
  if (losses.empty()) return interrupted_status;

  auto inside = net.pass(1, {.keep = Keep::all, .threads = options.threads});
  auto first = batches(test, 1, {.shuffle = false});
  const auto [image, label] = first[0];
  const auto p = softmax(net.forward(image, inside, Mode::eval));
  const Index said = argmax(p);
  const auto pixels =
      map(test.images[0][0], [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
  using Net = decltype(net);
  char sure[16];
  std::snprintf(sure, sizeof sure, "%.1f", 100.0 * static_cast<double>(p(0, said)));
  write_pictures(
      {.dataset = training.name,
       .input = pixels,
       .input_caption = concat("a ", label[0], ", the network says ", said, ": ", sure, "%"),
       .filters = std::get<Net::index("conv1")>(net.layers()).weight,
       .conv1 = inside.activation<Net::index("relu1")>()[0],
       .conv2 = inside.activation<Net::index("relu2")>()[0],
       .confusion = confusion.counts(),
       .losses = losses,
       .steps_per_epoch = per_epoch},
      options.out);

  if (metrics.test_accuracy) {
    if (!options.quiet) print_confusion(confusion.counts());
    const std::size_t epochs = metrics.epochs.size();
    std::printf("%stest accuracy %.2f %% after %zu %s\n", options.quiet ? "" : "\n",
                *metrics.test_accuracy, epochs, epochs == 1 ? "epoch" : "epochs");
  }
  if (interrupted) say("Stopped by Ctrl-C; what was measured so far is kept.");
  say(concat("metrics.json and the pictures are in ", options.out.string()));
  return interrupted ? interrupted_status : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const TrainOptions options = parse_train_options(argc, argv);
  std::signal(SIGINT, on_interrupt);
  try {
    return train(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mnist_train: %s\n", error.what());
    return bad_input_status;
  }
}
