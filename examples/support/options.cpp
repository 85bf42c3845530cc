// SPDX-License-Identifier: MIT
#include "support/options.hpp"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "fovea/core/file.hpp"
#include "support/interrupt.hpp"

namespace {

constexpr int most = std::numeric_limits<int>::max();

// CLI11 tells of a number that does not fit by all digits of the largest one that does.
std::string not_a_seed(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size()) return "";
  return "expected a whole number from 0 to 18446744073709551615, found " + text;
}
std::string not_a_rate(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (!text.empty() && *end == 0 && std::isfinite(value) && value >= 0) return "";
  return "expected a finite number of 0 or more, found " + text;
}

std::string no_name(const std::string& name) {
  return name.empty() ? "expected the name of a file, found an empty one" : "";
}

void add_training(CLI::App& app, TrainOptions& options, const std::string& what_is_written) {
  app.option_defaults()->always_capture_default();
  app.add_option("--data", options.data,
                 "directory with the four IDX files [default: FOVEA_DATA_DIR, then data/mnist]")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--dataset", options.dataset, "what they are")
      ->check(CLI::IsMember({"mnist", "fashion"}));
  app.add_option("--epochs", options.epochs, "times through the training images")
      ->check(CLI::Range(1, 10000));
  app.add_option("--batch-size", options.batch_size, "images in a step")
      ->check(CLI::Range(1, 65536));
  app.add_option("--learning-rate", options.learning_rate, "of Adam")->check(not_a_rate);
  app.add_option("--schedule", options.schedule, "of the learning rate")
      ->check(CLI::IsMember({"constant", "cosine", "one-cycle"}));
  app.add_option("--seed", options.seed, "of start weights and order")->check(not_a_seed);
  app.add_option("--threads", options.threads, "0: OMP_NUM_THREADS, or all")
      ->check(CLI::Range(0, 1024));
  app.add_option("--limit", options.limit, "train on the first N images only; 0: all")
      ->check(CLI::Range(0, most));
  app.add_option("--out", options.out, "where " + what_is_written)->type_name("DIR");
  app.add_flag("--quiet", options.quiet, "print the final accuracy only");
}

void parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) std::exit(app.exit(error));
    std::fprintf(stderr, "%s: %s (--help lists the options)\n", app.get_name().c_str(),
                 error.what());
    std::exit(bad_input_status);
  }
}

}  // namespace

TrainOptions parse_train_options(int argc, char** argv) {
  TrainOptions options;
  CLI::App app("Trains the network of the course report and draws what it learned.", "mnist_train");
  add_training(app, options, "model.safetensors, metrics.json and the pictures go");
  auto* const checkpoint =
      app.add_option("--checkpoint", options.checkpoint,
                     "where to keep a training that can go on after a stop [default: nowhere]")
          ->capture_default_str()
          ->type_name("FILE");
  app.add_option("--every", options.every, "steps between checkpoints")
      ->check(CLI::Range(1, most))
      ->needs(checkpoint);
  app.add_flag("--resume", options.resume, "go on from the checkpoint, if there is one yet")
      ->needs(checkpoint);
  parse(app, argc, argv);
  return options;
}

ExplainOptions parse_explain_options(int argc, char** argv) {
  ExplainOptions options;
  CLI::App app(
      "Trains the network of the course report three times, plainly, with augmentation and against "
      "attacks, looks into it, and writes what it sees as one page. With --weights it looks into a "
      "network that was trained elsewhere instead of the plain one.",
      "mnist_explain");
  add_training(app, options, "report.html, explain.json and the pictures go");
  app.add_option("--image", options.image, "number of the test image to follow");
  app.add_option("--class", options.target, "the class to explain it by; -1: its own");
  app.add_option("--layer", options.layer, "of Grad-CAM");
  app.add_flag("--full", options.full, "judge robustness on all test images, not on 1000");
  auto* const weights =
      app.add_option("--weights", options.weights,
                     "look into the network in this safetensors file, of mnist_train or PyTorch, "
                     "instead of training the plain one [default: train it]")
          ->capture_default_str()
          ->type_name("FILE")
          ->check(no_name);
  app.add_flag_callback(
         "--no-selftest", [&] { options.selftest = false; },
         "load it without computing again the answer that it carries as a proof")
      ->needs(weights);
  parse(app, argc, argv);
  return options;
}

PredictOptions parse_predict_options(int argc, char** argv) {
  PredictOptions options;
  bool no_selftest = false;
  CLI::App app(
      "Reads digits: in PNG and JPEG pictures of any size and light, in IDX files, or from a pipe.",
      "mnist_predict");
  app.footer(
      "A picture is fitted the way MNIST was made: one digit on a plain background, dark on light "
      "or light on dark, scaled into 20 x 20 pixels, its centre of mass in the middle of 28 x 28. "
      "The images of an IDX file, which may be in a .gz, are taken as they are if they have 28 x "
      "28 "
      "pixels.\n\n"
      "A picture that cannot be read is told in one sentence, the others are read all the same, "
      "and the status is 2 in the end. --show and --logits write whole files or none.");
  app.add_option("--weights", options.weights,
                 "what mnist_train has written, or PyTorch: model.safetensors")
      ->type_name("FILE")
      ->check(no_name)
      ->required();
  app.add_option("images", options.images, "PNG, JPEG or IDX files; - is standard input")
      ->type_name("FILE");
  app.add_option("--show", options.show, "draw what the network was given into this PNG file")
      ->type_name("FILE");
  app.add_flag("--json", options.json, "print a JSON array of file, digit and ten probabilities");
  app.add_flag("--quiet", options.quiet, "no remarks about the weights");
  auto* const idx =
      app.add_option("--idx", options.idx, "an IDX file of 28 x 28 images to compute --logits for")
          ->type_name("FILE");
  auto* const logits =
      app.add_option("--logits", options.logits, "where these go: an npy file, float (N, 10)")
          ->type_name("FILE");
  idx->needs(logits);
  logits->needs(idx);
  app.add_option("--threads", options.threads, "0: OMP_NUM_THREADS, or all")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_flag("--no-selftest", no_selftest, "do not compute the answer in the weights file again");
  parse(app, argc, argv);
  options.selftest = !no_selftest;
  return options;
}

void prepare_directory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  fovea::check(std::filesystem::is_directory(directory), directory.string(),
               ": expected a directory that can be made for --out, found ",
               std::filesystem::exists(directory) ? "a file" : error.message());
  // What would stand in the way at the end is said before hours of work, not after.
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    for (const char* const ending : {".safetensors", ".json", ".png", ".svg", ".html"})
      fovea::check(!entry.is_directory() || entry.path().extension() != ending,
                   entry.path().string(),
                   ": expected a file to write over, or nothing, found a directory");
  const auto probe = directory / ".probe";
  fovea::write_file(probe, "");
  std::filesystem::remove(probe);
}
