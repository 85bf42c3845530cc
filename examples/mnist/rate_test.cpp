// SPDX-License-Identifier: MIT
//
// rate_test: which learning rate? The course network is trained with a rate that grows from step to step
// (train/rate_test.hpp), and the loss is drawn over the rate.
//
//   rate_test [FILE.svg [DIRECTORY WITH MNIST]]
//
// Where the loss is smallest, the rate is as large as this network can bear for a few steps. A training of
// many steps needs some distance from there: a tenth of that rate is suggested, where the curve still falls.
#include "fovea/train/rate_test.hpp"

#include <algorithm>
#include <cstdio>

#include "charts/line_chart.hpp"
#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"
#include "support/course_cnn.hpp"
#include "support/program.hpp"

using namespace fovea;

namespace {

int run(const std::string& file, const std::string& directory) {
  const Dataset data =
      directory.empty() ? synthetic_digits(10000) : load_mnist(directory, read_file_or_gzip).train;
  Rng rng{1};
  const auto make = [](const auto& net) { return Sgd{net, {.momentum = 0.9}}; };
  constexpr Index steps = 200;
  const auto curve =
      rate_test(course_cnn<float>(rng), data, make, {.from = 1e-4, .to = 10, .steps = steps});

  const auto smallest = std::min_element(curve.begin(), curve.end(),
                                         [](auto& a, auto& b) { return a.loss < b.loss; });
  check(smallest != curve.begin(),
        "expected a loss that falls, found it smallest at the first rate, ", smallest->rate);
  const auto suggested = std::min_element(curve.begin(), smallest, [&](auto& a, auto& b) {
    return std::abs(a.rate - smallest->rate / 10) < std::abs(b.rate - smallest->rate / 10);
  });
  charts::Line line{.name = "loss"}, point{.name = "suggested"};
  for (const auto& [rate, loss] : curve) {
    line.x.push_back(rate);
    line.y.push_back(loss);
  }
  point.x = {suggested->rate};
  point.y = {suggested->loss};
  write_file(
      file, charts::line_chart({line, point}, {.title = "Which learning rate?",
                                               .x = {.label = "learning rate", .logarithmic = true},
                                               .y = {.label = "smoothed loss"}}));

  std::printf("The loss falls from %.3f to %.3f, its smallest, at a rate of %.2g.\n",
              curve.front().loss, smallest->loss, smallest->rate);
  if (std::ssize(curve) < steps)
    std::printf("At %.2g it is more than four times as large, and the test ends.\n",
                curve.back().rate);
  std::printf(
      "Suggested: %.2g, a tenth of the rate with the smallest loss. The loss falls there, and a "
      "rate "
      "ten times\nas large does not break the training yet.\n",
      suggested->rate);
  std::printf("The curve is in %s\n", file.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("rate_test", [&] {
    check(argc <= 3, "expected at most a file and a directory, got ", argc - 1, " arguments");
    return run(argc > 1 ? argv[1] : "rate_test.svg", argc > 2 ? argv[2] : "");
  });
}
