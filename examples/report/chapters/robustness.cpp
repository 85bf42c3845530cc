// SPDX-License-Identifier: MIT
//
// Robustness as curves, heat maps, bars, and one large table.
#include "charts/charts.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

namespace {

std::vector<Line> lines(const Study& s, const std::vector<Judged>& list) {
  std::vector<Line> result(3);
  for (std::size_t n = 0; n < 3; ++n) {
    result[n].name = s.networks[n].name;
    for (const Judged& j : list) {
      const auto [low, high] = j.accuracy[n].interval();
      result[n].x.push_back(j.at), result[n].y.push_back(j.accuracy[n].percent() / 100);
      result[n].low.push_back(low / 100), result[n].high.push_back(high / 100);
    }
  }
  return result;
}

void curve(Study& s, const std::string& name, const std::vector<Judged>& list,
           const std::string& title, const Axis& x, const std::string& what,
           const std::string& read) {
  std::string ends;
  for (std::size_t n = 0; n < 3; ++n)
    ends += concat(n ? ", " : "", s.networks[n].name, " ",
                   fixed(list.back().accuracy[n].percent(), 1), " %");
  s.page.chart(name,
               line_chart(lines(s, list),
                          {.title = title,
                           .x = x,
                           .y = {.label = "accuracy", .from = 0.0, .to = 1.0, .percent = true}}),
               {.what = concat(what, ", on ", detail::grouped(s.sample.size()), " test images."),
                .read = concat(read, " The band around a curve is its 95 % interval."),
                .scale = "Share of right answers; 10 % is guessing.",
                .alt = concat("Three curves of accuracy; at the right end: ", ends, ".")});
  for (const Judged& j : list)
    for (std::size_t n = 0; n < 3; ++n) {
      auto point = to_json(j.accuracy[n]);
      point["at"] = j.at;
      s.page.numbers["robustness"][name][s.networks[n].name].push_back(point);
    }
}

void shifts(Study& s) {
  const Robustness& r = s.robustness;
  const auto size = static_cast<Index>(r.shifts.size());
  std::vector<std::string> labels;
  for (const double shift : r.shifts) labels.push_back(concat(shift));
  for (std::size_t n = 0; n < 3; ++n) {
    Tensor<double, 2> table(Shape{size, size});
    double least = 1;
    for (Index i = 0; i < table.size(); ++i) {
      table.data()[i] = r.shift[static_cast<std::size_t>(i)].accuracy[n].percent() / 100;
      least = std::min(least, table.data()[i]);
    }
    for (Index i = 0; i < size; ++i)
      s.page.numbers["robustness"]["translation"][s.networks[n].name].push_back(
          std::vector<double>(table[i].begin(), table[i].end()));
    s.page.chart(
        concat("translation_", s.networks[n].name),
        heat_map(table,
                 {.title = concat("Accuracy against shift, in percent: ", s.networks[n].name),
                  .row_labels = labels,
                  .column_labels = labels,
                  .x_label = "dx, pixels to the right",
                  .y_label = "dy, pixels down",
                  .from = 0.0,
                  .to = 1.0,
                  .percent = true}),
        {.what = concat("Accuracy of the ", s.networks[n].name,
                        " network when all digits are moved by (dx, dy)."),
         .read = n == 0 ? "The middle is no shift. Convolution moves along with the image, but the "
                          "linear layers behind it have learned places."
                        : "The middle is no shift; compare with the first of these tables.",
         .scale = "0 to 100 % on all three tables.",
         .alt = concat("A table of ", size, " by ", size, " accuracies, ",
                       percent(table(size / 2, size / 2)), " in the middle, ", percent(least),
                       " at worst.")});
  }
}

void corruptions(Study& s) {
  const auto& list = s.robustness.corruptions;
  std::vector<std::string> names;
  std::vector<Bars> bars(3);
  std::array<double, 3> mean{};
  for (const Judged& j : list) {
    names.push_back(j.name);
    for (std::size_t n = 0; n < 3; ++n) {
      const auto [low, high] = j.accuracy[n].interval();
      bars[n].name = s.networks[n].name;
      bars[n].values.push_back(j.accuracy[n].percent() / 100);
      bars[n].low.push_back(low / 100), bars[n].high.push_back(high / 100);
      mean[n] += j.accuracy[n].percent() / static_cast<double>(list.size());
      s.page.numbers["robustness"]["corruptions"][j.name][s.networks[n].name] =
          to_json(j.accuracy[n]);
    }
  }
  const auto worst =
      *std::min_element(list.begin(), list.end(), [](const Judged& a, const Judged& b) {
        return a.accuracy[0].correct < b.accuracy[0].correct;
      });
  s.page.chart("corruptions",
               bar_chart(names, bars,
                         {.title = "Accuracy under MNIST-C-style corruptions",
                          .value = {.label = "accuracy", .from = 0.0, .to = 1.0, .percent = true}}),
               {.what = concat("Fifteen corruptions after Mu and Gilmer (MNIST-C, 2019), on ",
                               detail::grouped(s.sample.size()),
                               " test images; their parameters are in the table at the end."),
                .read = "Longer is better. The whiskers are 95 % intervals.",
                .scale = "Share of right answers; 10 % is guessing.",
                .alt = concat("Three bars for each of fifteen corruptions; the ", s.name(),
                              " network is worst under ", worst.name, ".")});
  s.page.finding(
      concat("The ", s.name(), " network stumbles most over ", worst.name, "."),
      concat("Accuracy: ", s.networks[0].name, " ", fixed(worst.accuracy[0].percent(), 1), " %, ",
             s.networks[1].name, " ", fixed(worst.accuracy[1].percent(), 1), " %, ",
             s.networks[2].name, " ", fixed(worst.accuracy[2].percent(), 1),
             " %. The mean over all fifteen is ", fixed(mean[0], 1), " %, ", fixed(mean[1], 1),
             " % and ", fixed(mean[2], 1), " %."));
  std::string better, worse;
  for (const Judged& j : list) {
    std::string& names_of = Study::better(j.accuracy[1], j.accuracy[0]) ? better : worse;
    if (Study::better(j.accuracy[1], j.accuracy[0]) || Study::better(j.accuracy[0], j.accuracy[1]))
      names_of +=
          concat(names_of.empty() ? "" : ", ", j.name, " (", fixed(j.accuracy[1].percent(), 0),
                 " instead of ", fixed(j.accuracy[0].percent(), 0), " %)");
  }
  if (!better.empty() || !worse.empty())
    s.page.finding(
        s.elsewhere()    ? concat("Beside the loaded network the augmented one is ",
                               worse.empty()    ? "better under some of these, worse under none."
                                  : better.empty() ? "worse under some of these, better under none."
                                                   : "better under some of these, worse under others.")
        : worse.empty()  ? "Augmentation helps, and costs nothing here."
        : better.empty() ? "Augmentation did not help against any of these."
                         : "Augmentation helps against what it showed, and can hurt elsewhere.",
        concat("Clearly better than the ", s.name(),
               " network (the intervals do not touch): ", better.empty() ? "none" : better,
               ". Clearly worse: ", worse.empty() ? "none" : worse, "."));
  for (std::size_t n = 0; n < 3; ++n)
    s.page.numbers["robustness"]["corruptions_mean"][s.networks[n].name] = mean[n];
}

}  // namespace

void write_robustness(Study& s) {
  const Robustness& r = s.robustness;
  s.page.section("When does it break?");
  s.page.paragraph(concat(
      "The same curves for three networks: ", s.name(), s.elsewhere() ? " (trained elsewhere)" : "",
      ", augmented (it saw shifted, turned and noisy digits in training) and adversarial (it saw "
      "digits that were changed against it). What training shows a network it can learn; what it "
      "does not show remains a weakness.",
      s.elsewhere() ? " The loaded network may differ from the other two in all of its training: a "
                      "comparison shows which is better, not why."
                    : " Plain and augmented differ in their images alone; the adversarial one also "
                      "has passes, batches, a learning rate and a schedule of its own."));
  s.page.subsection("Rotation, translation, noise, cutout");
  curve(s, "rotation", r.rotation, "Accuracy against rotation",
        {.label = "degrees, counter-clockwise", .from = -90.0, .to = 90.0, .tick = 30},
        "Accuracy when all digits are turned",
        "The middle is the digit as it is; a 6 turned far enough is a 9, so nobody can stay at the "
        "top.");
  shifts(s);
  curve(s, "noise", r.noise, "Accuracy against noise",
        {.label = "standard deviation of the noise", .from = 0.0, .to = 0.8},
        "Accuracy under Gaussian noise, where black is 0 and white is 1", "Higher is better.");
  curve(s, "cutout", r.cutout, "Accuracy against a hidden square (cutout)",
        {.label = "side of the square in pixels", .from = 0.0, .to = 16.0, .tick = 4},
        "Accuracy when a black square hides a part of the image at a random place",
        "Higher is better.");
  s.page.subsection("Corruptions");
  write_corrupted_images(s);
  corruptions(s);
  s.page.subsection("Attacks");
  s.page.paragraph(
      "An attack may change every pixel by at most epsilon, in the direction that makes the loss "
      "larger. FGSM takes one step, PGD forty small ones from a random start. "
      "Both know the network, and each network is attacked with its own gradients. What survives "
      "is an upper bound: a better attack may find more.");
  curve(s, "fgsm", r.fgsm, "Accuracy under FGSM",
        {.label = "epsilon", .from = 0.0, .to = 0.3, .tick = 0.05},
        "Accuracy after one step against the network (FGSM)", "Higher is better.");
  curve(s, "pgd", r.pgd, "Accuracy under PGD",
        {.label = "epsilon", .from = 0.0, .to = 0.3, .tick = 0.05},
        "Accuracy after 40 steps against the network (PGD)",
        "Higher is better; this is the number that robustness is measured by.");
}

void write_table(Study& s) {
  s.page.section("All robustness numbers");
  std::vector<Page::Row> rows;
  std::string markdown =
      concat("Accuracy in percent with its 95 % interval, on ", detail::grouped(s.sample.size()),
             " test images.\n\n| condition | parameters |");
  for (const Trained& t : s.networks) markdown += concat(" ", t.name, " |");
  markdown += "\n|---|---|---|---|---|\n";
  for (const Judged& j : s.robustness.table) {
    Page::Row row{j.name, j.parameters};
    for (std::size_t n = 0; n < 3; ++n) {
      const auto [low, high] = j.accuracy[n].interval();
      row.push_back(
          concat(fixed(j.accuracy[n].percent(), 1), " (", fixed(low, 1), "-", fixed(high, 1), ")"));
      s.page.numbers["robustness"]["table"]
                    [j.name + (j.name == "FGSM" || j.name == "PGD" ? " " + j.parameters : "")]
                    [s.networks[n].name] = to_json(j.accuracy[n]);
    }
    markdown += "|";
    for (const auto& cell : row) markdown += " " + cell + " |";
    markdown += "\n";
    rows.push_back(row);
  }
  s.page.table(
      concat("Accuracy in percent with its 95 % interval, on ", detail::grouped(s.sample.size()),
             " test images. Shifts and rotations go one way or the other, at random. The same "
             "table is in robustness.md."),
      {"condition", "parameters", s.networks[0].name, s.networks[1].name, s.networks[2].name},
      rows);
  write_file(s.options.out / "robustness.md", markdown);
}
