// SPDX-License-Identifier: MIT
//
// The problem, the network, how it was trained and what it reached.
#include "chapters/study.hpp"
#include "fovea/explain/receptive_field.hpp"
#include "fovea/viz/charts.hpp"

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
            if (name.starts_with(field.name + ".")) parameters += p.size();
          });
          rows.push_back({field.name, "N, " + shape.substr(4, shape.size() - 5),
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

Line loss_line(const Trained& t) {
  Line line{.name = t.recipe.name};
  const auto& losses = t.training.losses;
  const auto per_epoch =
      static_cast<double>(losses.size()) / static_cast<double>(t.training.epochs.size());
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
  const Accuracy accuracy = s.networks.front().accuracy();
  page.key_numbers({{fixed(accuracy.percent(), 2) + " %",
                     concat("right answers on ", detail::grouped(accuracy.total), " test images")},
                    {detail::grouped(s.net().parameter_count()), "numbers learned"},
                    {"3", "networks of one shape, trained in three ways"},
                    {detail::grouped(s.sample.size()), "test images for every robustness number"}});
  page.section("The problem");
  page.paragraph(concat(
      "A picture of 28 x 28 grey pixels comes in, one of ", s.data.test.classes,
      " classes shall come out. A convolutional network learns this from ",
      detail::grouped(s.data.train.size()),
      " examples without being told what a stroke, an edge or a loop is. This page asks three "
      "questions about what it has learned instead: what do its filters respond to, how much of "
      "the image does each unit see, and how do simple patterns become digits? Then it asks one "
      "more: when does it break, and what can training do about that?"));
  page.paragraph(
      "All numbers on this page were measured by the run that wrote it. Intervals are 95 % "
      "intervals "
      "after Wilson: with another draw of test images, numbers within them would be no surprise.");

  page.section("Architecture and hyper-parameters");
  write_layers(s);
  page.paragraph(
      "One architecture is trained three times, from the same start weights. The plain network "
      "sees "
      "the images as they are, as in the course report. The augmented one sees each image a little "
      "different in every epoch: shifted by up to 3 pixels, turned by up to 30 degrees, with noise "
      "of "
      "standard deviation 0.2. The adversarial one sees images that were changed against it at "
      "every "
      "step: from a random start, by one step up its own loss (FGSM), no pixel by more than 0.3.");
  std::vector<Page::Row> rows;
  auto& json = page.numbers["networks"];
  for (const Trained& t : s.networks) {
    double seconds = 0;
    for (const auto& e : t.training.epochs) seconds += e.seconds;
    rows.push_back({t.recipe.name, t.change, concat(t.recipe.batch_size),
                    concat("Adam, ", t.recipe.learning_rate, ", ", t.recipe.schedule),
                    concat(t.recipe.epochs), with_interval(t.accuracy(), 2),
                    fixed(seconds, 1) + " s"});
    nlohmann::ordered_json epochs = nlohmann::json::array();
    for (const auto& e : t.training.epochs)
      epochs.push_back(nlohmann::ordered_json{{"epoch", e.epoch},
                                              {"train_loss", e.train_loss},
                                              {"test_accuracy", e.test_accuracy},
                                              {"seconds", e.seconds}});
    json[t.recipe.name] = {{"training_images", t.change},
                           {"batch_size", t.recipe.batch_size},
                           {"learning_rate", t.recipe.learning_rate},
                           {"schedule", t.recipe.schedule},
                           {"seed", t.recipe.seed},
                           {"epochs", epochs},
                           {"seconds", seconds},
                           {"accuracy", to_json(t.accuracy())}};
  }
  page.table(
      concat("The three trainings, and the accuracy on all ", detail::grouped(accuracy.total),
             " unchanged test images with its 95 % interval."),
      {"network", "its training images", "batch", "optimizer", "epochs", "test accuracy", "time"},
      rows);
  rows.clear();
  for (const auto& e : s.networks.front().training.epochs)
    rows.push_back({concat(e.epoch), fixed(e.train_loss, 4), fixed(e.test_accuracy, 2) + " %",
                    fixed(e.seconds, 1) + " s"});
  page.table("The plain network, epoch by epoch; the loss is the mean over the training images.",
             {"epoch", "training loss", "test accuracy", "time"}, rows);
  std::vector<Line> lines;
  for (const Trained& t : s.networks) lines.push_back(loss_line(t));
  page.chart("losses",
             line_chart(lines, {.title = "Training loss",
                                .x = {.label = "epoch", .from = 0.0},
                                .y = {.label = "cross-entropy (nats)", .from = 0.0}}),
             {.what = "Training loss of the three networks, each on its own kind of images.",
              .read = "Lower is better. A network with harder images ends higher; that alone does "
                      "not make it worse.",
              .scale = "Running mean over 100 steps, in nats; ln 10 = 2.30 is guessing.",
              .alt = "Three falling curves of the training loss over the epochs."});
}
