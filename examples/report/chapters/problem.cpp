// SPDX-License-Identifier: MIT
//
// The problem, the network, how it was trained and what it reached.
#include "charts/charts.hpp"
#include "fovea/explain/receptive_field.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

namespace {

void write_layers(Study& s) {
  std::vector<Page::Row> rows;
  std::size_t i = 0;
  const auto fields = receptive_fields(s.net());
  std::apply(
      [&](const auto&... shapes) {
        const auto row = [&](const std::string& shape) {
          const ReceptiveField& field = fields[i++];
          Index parameters = 0;
          s.net().for_each_parameter([&](const std::string& name, const auto& p) {
            if (name.starts_with(field.layer + ".")) parameters += p.size();
          });
          rows.push_back({field.layer, "N, " + shape.substr(4, shape.size() - 5),
                          parameters ? detail::grouped(parameters) : "-",
                          field.whole ? "all" : concat(field.size.h, " x ", field.size.w)});
        };
        (row(to_string(shapes)), ...);
      },
      s.net().output_shapes(1));
  for (auto& row : rows) row[1] = "(" + row[1] + ")";
  rows.push_back({"total", "", detail::grouped(s.net().parameter_count()), ""});
  s.page.table(
      "The layers, the shape of what they hand on for N images, the numbers they learn, and how "
      "large "
      "a part of the image one of their units sees.",
      {"layer", "output", "parameters", "sees"}, rows);
}

Line loss_line(const std::string& name, const Training& training) {
  Line line{.name = name};
  const auto& losses = training.losses;
  const auto per_epoch =
      static_cast<double>(losses.size()) / static_cast<double>(training.epochs.size());
  const std::size_t every = std::max<std::size_t>(1, losses.size() / 150);
  double running = static_cast<double>(losses.front());
  for (std::size_t i = 0; i < losses.size(); ++i) {
    running += (static_cast<double>(losses[i]) - running) /
               static_cast<double>(std::min<std::size_t>(i + 1, 100));
    if (i % every != 0 && i + 1 != losses.size()) continue;
    line.x.push_back(static_cast<double>(i + 1) / per_epoch);
    line.y.push_back(running);
  }
  return line;
}

}  // namespace

void write_problem(Study& s) {
  Page& page = s.page;
  const Accuracy accuracy = s.networks.front().accuracy;
  const Elsewhere* elsewhere = s.elsewhere();
  page.key_numbers({{fixed(accuracy.percent(), 2) + " %",
                     concat("right answers on ", detail::grouped(accuracy.total), " test images")},
                    {detail::grouped(s.net().parameter_count()), "numbers learned"},
                    {"3", elsewhere ? "networks of one shape: one loaded, two trained here"
                                    : "networks of one shape, trained by three recipes"},
                    {detail::grouped(s.sample.size()), "test images for every robustness number"}});
  page.section("The problem");
  page.paragraph(concat(
      "A picture of 28 x 28 grey pixels comes in, one of ", s.data.test.classes,
      " classes shall come out. A convolutional network learns this from ",
      elsewhere ? "" : detail::grouped(s.data.train.size()) + " ",
      "examples without being told what a stroke, an edge or a loop is. This page asks three "
      "questions about what it has learned instead: what do its filters respond to, how much of "
      "the image does each unit see, and how do simple patterns become digits? Then it asks one "
      "more: when does it break, and what can training do about that?"));
  page.paragraph(concat(
      "All numbers on this page were measured by the run that wrote it",
      elsewhere ? ", but for what the file of the loaded network says of itself" : "",
      ". Intervals are 95 % intervals after Wilson: with another draw of test images, numbers "
      "within them would be no surprise."));

  page.section("Architecture and hyper-parameters");
  write_layers(s);
  if (elsewhere) write_elsewhere(s);
  page.paragraph(concat(
      elsewhere ? concat("The other two networks of this page were trained here, from the same "
                         "start weights: fresh ones of seed ",
                         s.options.seed, ", not the loaded ones.")
                : "One architecture is trained three times, from the same start weights. The plain "
                  "network sees the images as they are, as in the course report.",
      " The augmented one sees each image a little different in every epoch: shifted by up to 3 "
      "pixels, turned by up to 30 degrees, with noise of standard deviation 0.2. The adversarial "
      "one sees images that were changed against it at every step: from a random start, by one "
      "step up its own loss (FGSM), no pixel by more than 0.3. Its recipe differs in more than the "
      "images: it has a number of passes, a batch size, a learning rate and a schedule of its own, "
      "as the table says",
      elsewhere ? "."
                : ". So plain and augmented differ in their images alone, and a difference "
                  "to the adversarial network is one of the whole recipe."));
  std::vector<Page::Row> rows;
  auto& json = page.numbers["networks"];
  std::vector<Line> lines;
  for (const Trained& t : s.networks) {
    const Here* here = std::get_if<Here>(&t.origin);
    if (!here) {
      rows.push_back(
          {t.name, "trained elsewhere", "-", "-", "-", with_interval(t.accuracy, 2), "-"});
      json[t.name]["accuracy"] = to_json(t.accuracy);
      // A line without points, so that the others have the colours that they have elsewhere.
      lines.push_back({.name = t.name + ": no curve, trained elsewhere"});
      continue;
    }
    const auto& [recipe, change, training] = *here;
    double seconds = 0;
    for (const auto& e : training.epochs) seconds += e.seconds;
    rows.push_back({t.name, change, concat(recipe.batch_size),
                    concat("Adam, ", recipe.learning_rate, ", ", recipe.schedule),
                    concat(recipe.epochs), with_interval(t.accuracy, 2), fixed(seconds, 1) + " s"});
    nlohmann::ordered_json epochs = nlohmann::json::array();
    for (const auto& e : training.epochs)
      epochs.push_back(nlohmann::ordered_json{{"epoch", e.epoch},
                                              {"train_loss", e.train_loss},
                                              {"test_accuracy", e.test_accuracy},
                                              {"seconds", e.seconds}});
    json[t.name] = {{"training_images", change},
                    {"batch_size", recipe.batch_size},
                    {"learning_rate", recipe.learning_rate},
                    {"schedule", recipe.schedule},
                    {"seed", recipe.seed},
                    {"epochs", epochs},
                    {"seconds", seconds},
                    {"accuracy", to_json(t.accuracy)}};
    lines.push_back(loss_line(t.name, training));
  }
  page.table(
      concat(elsewhere ? "The loaded network and the two trainings of this page"
                       : "The three trainings",
             ", and the accuracy on all ", detail::grouped(accuracy.total),
             " unchanged test images with its 95 % interval."),
      {"network", "its training images", "batch", "optimizer", "epochs", "test accuracy", "time"},
      rows);
  if (const Here* here = std::get_if<Here>(&s.networks.front().origin)) {
    rows.clear();
    for (const auto& e : here->training.epochs)
      rows.push_back({concat(e.epoch), fixed(e.train_loss, 4), fixed(e.test_accuracy, 2) + " %",
                      fixed(e.seconds, 1) + " s"});
    page.table("The plain network, epoch by epoch; the loss is the mean over the training images.",
               {"epoch", "training loss", "test accuracy", "time"}, rows);
  }
  page.chart("losses",
             line_chart(lines, {.title = "Training loss",
                                .x = {.label = "epoch", .from = 0.0},
                                .y = {.label = "cross-entropy (nats)", .from = 0.0}}),
             {.what = concat("Training loss of the ",
                             elsewhere ? "two networks trained here" : "three networks",
                             ", each on its own kind of images."),
              .read = "Lower is better. A network with harder images ends higher; that alone does "
                      "not make it worse.",
              .scale = "Running mean over 100 steps, in nats; ln 10 = 2.30 is guessing.",
              .alt = concat(elsewhere ? "Two" : "Three",
                            " falling curves of the training loss over the epochs.")});
}
