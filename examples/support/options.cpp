// SPDX-License-Identifier: MIT
#include "support/options.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <limits>

TrainOptions parse_train_options(int argc, char** argv) {
  TrainOptions options;
  CLI::App app("Trains the network of the course report and draws what it learned.", "mnist_train");
  app.option_defaults()->always_capture_default();
  constexpr int most = std::numeric_limits<int>::max();
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
  app.add_option("--learning-rate", options.learning_rate, "of Adam")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--schedule", options.schedule, "of the learning rate")
      ->check(CLI::IsMember({"constant", "cosine", "one-cycle"}));
  app.add_option("--seed", options.seed, "of start weights and order");
  app.add_option("--threads", options.threads, "0: OMP_NUM_THREADS, or all")
      ->check(CLI::Range(0, 1024));
  app.add_option("--limit", options.limit, "train on the first N images only; 0: all")
      ->check(CLI::Range(0, most));
  app.add_option("--out", options.out, "where metrics.json and the pictures go")->type_name("DIR");
  app.add_flag("--quiet", options.quiet, "print the final accuracy only");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) std::exit(app.exit(error));
    std::fprintf(stderr, "mnist_train: %s (--help lists the options)\n", error.what());
    std::exit(2);
  }
  return options;
}
