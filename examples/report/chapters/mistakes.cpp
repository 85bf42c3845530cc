// SPDX-License-Identifier: MIT
//
// Mistakes: which, how sure, and whether the network knows how much it knows.
#include "fovea/explain/mistakes.hpp"

#include "charts/charts.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/gallery.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

void write_mistakes(Study& s) {
  Page& page = s.page;
  const Dataset& test = s.data.test;
  const auto told = predictions(s.net(), test, {.threads = s.options.threads});
  const Accuracy accuracy = told.confusion.accuracy();
  const auto& counts = told.confusion.counts();
  page.section("Mistakes");
  page.picture(
      "confusion_matrix", draw_confusion(counts, "Test images by true and predicted class"),
      {.what = concat("What the ", s.name(), " network takes for what, over all ",
                      detail::grouped(accuracy.total), " test images."),
       .read =
           "Rows are the true class, columns the answer. Right answers stand on the blue diagonal.",
       .scale = "Counts; the diagonal and the mistakes have colours of their own, so that few "
                "mistakes can be seen beside many right answers.",
       .alt = concat("A table of ten by ten counts with ", accuracy.correct,
                     " on the diagonal and ", accuracy.total - accuracy.correct, " beside it.")});
  Index worst_true = 0, worst_said = 1;
  for (Index i = 0; i < counts.extent(0); ++i)
    for (Index j = 0; j < counts.extent(1); ++j)
      if (i != j && counts(i, j) > counts(worst_true, worst_said)) worst_true = i, worst_said = j;
  const auto wrong = confident_mistakes(told, 20);
  if (!wrong.empty()) {
    Tensor<float, 3> images(Shape{static_cast<Index>(wrong.size()), Index{28}, Index{28}});
    std::vector<std::string> captions;
    for (const Answer& a : wrong) {
      const auto from = test.images[a.image][0];
      std::transform(from.begin(), from.end(), images[static_cast<Index>(captions.size())].begin(),
                     [](std::uint8_t b) { return static_cast<float>(b) / 255; });
      captions.push_back(concat(a.label, ">", a.answer, " ", fixed(100 * a.confidence, 0), "%"));
      page.numbers["mistakes"]["most_confident"].push_back({{"image", a.image},
                                                            {"label", a.label},
                                                            {"answer", a.answer},
                                                            {"confidence", a.confidence}});
    }
    page.picture(
        "confident_mistakes",
        gallery(images, {.title = "The most confident mistakes",
                         .zoom = 4,
                         .columns = 5,
                         .captions = captions}),
        {.what = concat("The ", wrong.size(), " wrong answers that the network is surest of."),
         .read = "4>9 98% means: labelled 4, taken for 9 with a probability of 98 %. Some labels a "
                 "human would doubt, too.",
         .scale = "From 0, black, to 1, pale yellow.",
         .alt = "Hand-written digits that are hard to read."});
  }
  const auto bins = reliability(told);
  const double ece = calibration_error(bins);
  std::vector<double> right, sure;
  std::vector<Index> images;
  double claimed = 0;
  for (const auto& bin : bins) {
    right.push_back(bin.accuracy.percent() / 100), sure.push_back(bin.confidence),
        images.push_back(bin.accuracy.total);
    claimed += bin.confidence * static_cast<double>(bin.accuracy.total) /
               static_cast<double>(accuracy.total);
    page.numbers["mistakes"]["reliability"].push_back({{"from", bin.low},
                                                       {"to", bin.high},
                                                       {"confidence", bin.confidence},
                                                       {"accuracy", to_json(bin.accuracy)}});
  }
  page.chart("reliability",
             reliability_diagram(right, sure, images,
                                 {.title = concat("Reliability: ECE ", percent(ece, 2))}),
             {.what = "Accuracy against confidence, in 15 bins.",
              .read = "On the diagonal the network is right as often as it claims. A bar below it "
                      "is overconfident. The numbers on top say how many images a bin holds: with "
                      "few, its height is mostly chance.",
              .scale = "Shares; the expected calibration error (ECE) is the mean distance from the "
                       "diagonal, weighted by images.",
              .alt = concat("Fifteen bars; ", images.back(), " of ", accuracy.total,
                            " images are in the last one.")});
  auto& json = page.numbers["mistakes"];
  json["accuracy"] = to_json(accuracy), json["ece"] = ece, json["mean_confidence"] = claimed;
  for (Index i = 0; i < counts.extent(0); ++i)
    json["confusion"].push_back(std::vector<Index>(counts[i].begin(), counts[i].end()));
  if (wrong.empty()) {
    page.finding("There are no mistakes.", "All test images were answered rightly.");
    return;
  }
  const double share = accuracy.percent() / 100;
  page.finding(
      claimed > share + 0.0005   ? "On average the network is a little too sure of itself."
      : claimed < share - 0.0005 ? "On average the network is a little too modest."
                                 : "The network knows how much it knows.",
      concat("It claims ", percent(claimed, 2), " on average and reaches ", percent(share, 2),
             "; the expected calibration error is ", percent(ece, 2),
             ". The most frequent mistake takes a ", worst_true, " for a ", worst_said, " (",
             counts(worst_true, worst_said), " times), the surest one a ", wrong.front().label,
             " for a ", wrong.front().answer, ", with ", percent(wrong.front().confidence), "."));
}
