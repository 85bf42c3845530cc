// SPDX-License-Identifier: MIT
//
// Class prototypes, and what is lost without each channel.
#include "fovea/explain/prototypes.hpp"

#include "charts/charts.hpp"
#include "fovea/explain/ablation.hpp"
#include "fovea/viz/gallery.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

namespace {

void write_classes(Study& s) {
  s.page.section("What it takes for a digit");
  s.page.paragraph(
      "Start from grey and climb the logit of a class, in the pixels instead of the weights. What "
      "comes out is not a typical digit, but what "
      "the network takes for more of it than any real one. What is missing in the picture, it does "
      "not need.");
  const Index K = s.data.test.classes;
  Tensor<Label, 1> classes(Shape{K});
  for (Index k = 0; k < K; ++k) classes(k) = static_cast<Label>(k);
  for (const std::size_t n : {std::size_t{0}, std::size_t{2}}) {
    const auto made = prototypes(s.networks[n].net, classes, s.data.train.scaling,
                                 {.threads = s.options.threads});
    std::vector<std::string> captions;
    for (Index k = 0; k < K; ++k) {
      captions.push_back(
          concat(k, ": ", fixed(100 * static_cast<double>(made.probabilities(k)), 0), "%"));
      s.page.numbers["prototypes"][s.networks[n].name].push_back(
          {{"class", k}, {"logit", made.logits(k)}, {"probability", made.probabilities(k)}});
    }
    s.page.picture(
        concat("prototypes_", s.networks[n].name),
        gallery(made.images.reshape(Shape{K, 28, 28}),
                {.title = concat("The ", s.networks[n].name, " network's idea of each class"),
                 .zoom = 5,
                 .columns = 5,
                 .captions = captions}),
        {.what = concat("One image for each class that excites the ", s.networks[n].name,
                        " network most, by gradient ascent with decay, blur and jitter."),
         .read =
             n == 0 ? "Below each image: its class, and the probability that this network gives it."
                    : "The same for the network trained against attacks. If strokes are easier to "
                      "recognise here, it is because its gradients follow them.",
         .scale = "From 0, black, to 1, pale yellow.",
         .alt = "Ten ghostly images, one for each class."});
  }
}

void write_layer(Study& s, const std::string& layer) {
  const Ablation result = ablate(s.net(), s.sample, {.layer = layer, .threads = s.options.threads});
  const auto C = static_cast<Index>(result.silenced.size());
  std::vector<Index> order(static_cast<std::size_t>(C));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return result.loss(a) > result.loss(b); });
  std::vector<std::string> names;
  std::vector<double> losses;
  for (const Index c : order) names.push_back(concat(c)), losses.push_back(result.loss(c) / 100);
  const Accuracy intact = result.intact.accuracy();
  const auto [low, high] = intact.interval();
  const double half = (high - low) / 2;
  const auto matter =
      std::count_if(losses.begin(), losses.end(), [&](double l) { return 100 * l > half; });
  s.page.numbers["ablation"][layer] = {{"intact", to_json(intact)},
                                       {"channels", order},
                                       {"points_lost", losses},
                                       {"above_half_interval", matter}};
  for (auto& l : s.page.numbers["ablation"][layer]["points_lost"]) l = 100 * l.get<double>();
  s.page.chart(
      "ablation_" + layer,
      bar_chart(names, {{.name = "", .values = losses}},
                {.title = concat("Accuracy lost without one channel of ", layer),
                 .label = "channel, the most important first",
                 .value = {.label = "accuracy lost", .percent = true}}),
      {.what =
           concat("The accuracy that the ", s.name(), " network loses when one channel of ", layer,
                  " is silenced, on ", detail::grouped(s.sample.size()), " test images."),
       .read = "A long bar is a channel that nobody replaces. Below zero the network did better "
               "without it, mostly by chance.",
       .scale = concat("Points of accuracy; one image is ",
                       fixed(100.0 / static_cast<double>(s.sample.size()), 2), " points."),
       .alt = concat(C, " bars that fall from ", fixed(100 * losses.front(), 1), " to ",
                     fixed(100 * losses.back(), 1), " points.")});
  s.page.finding(
      concat(matter == 0 ? std::string("None") : concat(2 * matter < C ? "Only " : "", matter),
             " of ", C, " channels of ", layer, matter < 2 ? " is" : " are",
             " missed when it is silenced alone."),
      concat("Intact the network has ", with_interval(intact), ". Without channel ", order.front(),
             " of ", layer, " it loses ", fixed(100 * losses.front(), 1),
             " points, the most of all; ", matter == 0 ? std::string("none") : concat(matter),
             matter < 2 ? " costs" : " cost", " more than half the width of that interval (",
             fixed(half, 1), " points). What one channel says, others say nearly as well."));
}

}  // namespace

void write_prototypes(Study& s) {
  write_classes(s);
  s.page.subsection("Does anyone miss a filter?");
  write_layer(s, "conv1");
  write_layer(s, "conv2");
}
