// SPDX-License-Identifier: MIT
#include "support/options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <sstream>

#include "fovea/core/file.hpp"
#include "support/program.hpp"

namespace {

constexpr int most = std::numeric_limits<int>::max();

// The number that is all of `text`, or nothing. No spaces, no plus sign, no 0x, and 0100 is a hundred.
template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc{} && end == last ? std::optional(value) : std::nullopt;
}

// A whole number. CLI11, which would read 0100 as octal, gets the text that it reads right.
template <class Integer>
CLI::Validator whole(Integer low, Integer high) {
  return {[=](std::string& text) -> std::string {
            const auto value = number_in<Integer>(text);
            if (!value || *value < low || *value > high)
              return fovea::concat("expected a whole number from ", low, " to ", high, ", found ",
                                   fovea::printable(text));
            text = fovea::concat(*value);
            return "";
          },
          fovea::concat("in [", low, " - ", high, "]")};
}
CLI::Validator rate() {
  return {[](std::string& text) -> std::string {
            const auto value = number_in<double>(text);
            if (!value || !std::isfinite(*value) || *value < 0)
              return "expected a finite number of 0 or more, found " + fovea::printable(text);
            text =
                fovea::formatted(*value, 24, 'e');  // so many digits are that double and no other
            return "";
          },
          ""};
}

// CLI11 takes an argument in brackets for a list. So an argument that begins with one, or with the mark, gets a
// mark before it, which comes off again where names are taken.
constexpr char mark = '\x01';
std::vector<std::string> marked(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {  // the last one first, as CLI11 wants them
    const std::string text = argv[i];
    arguments.push_back(text.starts_with('[') || text.starts_with(mark) ? mark + text : text);
  }
  return arguments;
}
CLI::Validator name() {
  return {[](std::string& text) -> std::string {
            if (text.starts_with(mark)) text.erase(0, 1);
            return text.empty() ? "expected the name of a file, found an empty one" : "";
          },
          ""};
}

// Lines of at most `columns`: what is longer goes on below where it began, in the second column of a table.
std::string wrapped(const std::string& text, std::size_t columns) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); result += line + "\n") {
    const std::size_t words = std::min(line.find_first_not_of(' '), line.size());
    const std::size_t second = line.find("  ", words);
    std::size_t indent =
        words > 0 && second != line.npos ? line.find_first_not_of(' ', second) : words;
    if (indent == line.npos || indent + 20 > columns)
      indent = std::min<std::size_t>(words + 4, columns / 4);
    while (line.size() > columns) {
      std::size_t end = line.rfind(' ', columns);
      if (end == line.npos || end <= std::max(indent, words)) end = line.find(' ', columns);
      if (end == line.npos) break;
      result += line.substr(0, line.find_last_not_of(' ', end) + 1) + "\n";
      line = std::string(indent, ' ') + line.substr(end + 1);
    }
  }
  return result;
}

void add_data(CLI::App& app, std::filesystem::path& data, const std::string& text) {
  app.option_defaults()->always_capture_default();
  app.add_option("--data", data, text)->capture_default_str()->type_name("DIR")->transform(name());
}

// What all trainings have; `options` is a TrainOptions or a CifarOptions.
void add_training(CLI::App& app, auto& options, const std::string& what_is_written) {
  app.add_option("--epochs", options.epochs, "times through the training images")
      ->transform(whole(1, 10000));
  app.add_option("--batch-size", options.batch_size, "images in a step")
      ->transform(whole(1, 65536));
  app.add_option("--seed", options.seed, "of start weights and order")
      ->transform(whole<std::uint64_t>(0, ~std::uint64_t{0}));
  app.add_option("--threads", options.threads, "0: OMP_NUM_THREADS, or all")
      ->transform(whole(0, 1024));
  app.add_option("--limit", options.limit, "train on the first N images only; 0: all")
      ->transform(whole(0, most));
  app.add_option("--out", options.out, "where " + what_is_written)
      ->type_name("DIR")
      ->transform(name());
  app.add_flag("--quiet", options.quiet, "print the final accuracy only");
}

// What trainings on MNIST have besides.
void add_mnist(CLI::App& app, TrainOptions& options) {
  add_data(app, options.data,
           "directory with the four IDX files [default: FOVEA_DATA_DIR, then data/mnist]");
  app.add_option("--dataset", options.dataset, "what they are")
      ->check(CLI::IsMember({"mnist", "fashion"}));
  app.add_option("--learning-rate", options.learning_rate, "of Adam")->transform(rate());
  app.add_option("--schedule", options.schedule, "of the learning rate")
      ->check(CLI::IsMember({"constant", "cosine", "one-cycle"}));
}

void add_checkpoint(CLI::App& app, auto& options) {
  auto* const checkpoint =
      app.add_option("--checkpoint", options.checkpoint,
                     "where to keep a training that can go on after a stop [default: nowhere]")
          ->capture_default_str()
          ->type_name("FILE")
          ->transform(name());
  app.add_option("--every", options.every, "steps between checkpoints")
      ->transform(whole(1, most))
      ->needs(checkpoint);
  app.add_flag("--resume", options.resume, "go on from the checkpoint, if there is one yet")
      ->needs(checkpoint);
}

void parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(marked(argc, argv));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream help;
      app.exit(error, help, help);
      std::fputs(wrapped(help.str(), static_cast<std::size_t>(output_columns())).c_str(), stdout);
      std::exit(end_of_output(app.get_name(), 0));
    }
    std::string sentence = error.what();
    std::erase(sentence, mark);
    std::fprintf(stderr, "%s: %s (--help lists the options)\n", app.get_name().c_str(),
                 fovea::one_line(sentence).c_str());
    std::exit(bad_input_status);
  }
}

}  // namespace

TrainOptions parse_train_options(int argc, char** argv) {
  TrainOptions options;
  CLI::App app("Trains the network of the course report and draws what it learned.", "mnist_train");
  add_mnist(app, options);
  add_training(app, options, "model.safetensors, metrics.json and the pictures go");
  add_checkpoint(app, options);
  parse(app, argc, argv);
  return options;
}

CifarOptions parse_cifar_options(int argc, char** argv) {
  CifarOptions options;
  CLI::App app("Trains a network on CIFAR-10 to 94 % in nine epochs and draws what it learned.",
               "cifar_train");
  add_data(app, options.data,
           "directory with the six files of the binary version, packed or not [default: "
           "FOVEA_CIFAR_DIR, then data/cifar10]");
  add_training(app, options, "model.safetensors, metrics.json, report.html and the pictures go");
  app.add_option("--hold-out", options.hold_out,
                 "judge by N training images, on which it does not train, not by the test images")
      ->transform(whole(0, 49999));
  add_checkpoint(app, options);
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
  add_mnist(app, options);
  add_training(app, options, "report.html, explain.json and the pictures go");
  app.add_option("--image", options.image, "number of the test image to follow")
      ->transform(whole(0, most));
  app.add_option("--class", options.target, "the class to explain it by; -1: its own")
      ->transform(whole(-1, most));
  app.add_option("--layer", options.layer, "of Grad-CAM");
  app.add_flag("--full", options.full, "judge robustness on all test images, not on 1000");
  auto* const weights =
      app.add_option("--weights", options.weights,
                     "look into the network in this safetensors file, of mnist_train or PyTorch, "
                     "instead of training the plain one [default: train it]")
          ->capture_default_str()
          ->type_name("FILE")
          ->transform(name());
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
      "Reads digits: in PNG and JPEG pictures, photographs too, in IDX files, or from a pipe.",
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
      ->transform(name())
      ->required();
  app.add_option("images", options.images, "PNG, JPEG or IDX files; - is standard input")
      ->type_name("FILE")
      ->transform(name());
  app.add_option("--show", options.show, "draw what the network was given into this PNG file")
      ->type_name("FILE")
      ->transform(name());
  app.add_flag("--json", options.json, "print a JSON array of file, digit and ten probabilities");
  app.add_flag("--quiet", options.quiet, "no remarks about the weights");
  auto* const idx =
      app.add_option("--idx", options.idx, "an IDX file of 28 x 28 images to compute --logits for")
          ->type_name("FILE")
          ->transform(name());
  auto* const logits =
      app.add_option("--logits", options.logits, "where these go: an npy file, float (N, 10)")
          ->type_name("FILE")
          ->transform(name());
  idx->needs(logits);
  logits->needs(idx);
  app.add_option("--threads", options.threads, "0: OMP_NUM_THREADS, or all")
      ->transform(whole(0, 1024))
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
  const auto probe = directory / ".probe";
  fovea::write_file(probe, "");
  std::filesystem::remove(probe);
  // What would stand in the way at the end is said before hours of work, not after.
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    for (const char* const ending : {".safetensors", ".json", ".png", ".svg", ".html"}) {
      if (entry.path().extension() != ending) continue;
      const std::string path = entry.path().string();
      fovea::check(fovea::what_is_at(path) != "a directory", path,
                   ": expected a file to write over, or nothing, found a directory");
      const int why = ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
      fovea::check(why == 0 || why == ENOENT, path,
                   ": expected a file that can be written over, found one that cannot (",
                   std::generic_category().message(why), ")");
    }
}
