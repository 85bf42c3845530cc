// SPDX-License-Identifier: MIT
//
// Attribution: which pixels made the network say so, by six methods, and which of them to believe.
#include "charts/charts.hpp"
#include "fovea/explain/faithfulness.hpp"
#include "fovea/explain/grad_cam.hpp"
#include "fovea/explain/gradients.hpp"
#include "fovea/explain/occlusion.hpp"
#include "fovea/explain/randomisation.hpp"
#include "fovea/viz/overlay.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

namespace {

using Map = Tensor<float, 2>;

// The six methods as functions of a network, for one image.
struct Method {
  std::string name, unit;
  std::function<Attribution<float>(const Net&)> attribution;
};

std::vector<Method> methods(const Study& s, ImagesOf<Net> x, Index k) {
  const int threads = s.options.threads;
  const auto black = std::make_shared<const Tensor<float, 4>>(black_image(s.data.test));
  return {
      {"gradient", "logits per unit of input",
       [=](const Net& n) { return gradient_map(n, x, k, {.threads = threads}); }},
      {"gradient x input", "logits",
       [=](const Net& n) { return gradient_times_input(n, x, k, {.threads = threads}); }},
      {"SmoothGrad", "logits per unit of input",
       [=](const Net& n) { return smooth_grad(n, x, k, {.threads = threads}); }},
      {"integrated gradients", "logits",
       [=](const Net& n) {
         return integrated_gradients(n, x, k, {.baseline = *black, .threads = threads});
       }},
      {"occlusion", "logits lost",
       [=](const Net& n) { return occlusion(n, x, k, {.baseline = *black, .threads = threads}); }},
      {"Grad-CAM", "no unit", [=, &s](const Net& n) {
         return grad_cam(n, x, k, {.layer = s.options.layer, .threads = threads});
       }}};
}

void write_maps(Study& s, const std::vector<Method>& all,
                const std::vector<Attribution<float>>& attributions) {
  std::vector<Map> maps;
  std::vector<Panel> panels;
  for (const auto& attribution : attributions) maps.push_back(attribution.places());
  for (std::size_t m = 0; m < all.size(); ++m) panels.push_back({all[m].name, maps[m]});
  s.page.picture(
      "attribution",
      overlay(s.pixels, panels,
              {.title = concat("What speaks for a ", s.target, "?"), .zoom = 9, .quantile = 0.995}),
      {.what = concat("Six answers to one question: which pixels of test image ", s.options.image,
                      " made the logit of class ", s.target, " what it is?"),
       .read = "Red speaks for the class, blue against it, white does not matter; the image lies "
               "below in light grey.",
       .scale = "Methods have units of their own, so each map has its own scale, printed below it: "
                "the 99.5 % quantile of "
                "its magnitudes.",
       .alt = "The digit and six maps in red and blue, most of them along its strokes."});
  const auto ig =
      integrated_gradients(s.net(), s.image, s.target,
                           {.baseline = black_image(s.data.test), .threads = s.options.threads});
  const auto zero = [](const Map& map) {
    return static_cast<double>(std::count(map.begin(), map.end(), 0.0F)) /
           static_cast<double>(map.size());
  };
  const auto before =
      grad_cam(s.net(), s.image, s.target, {.layer = "conv2", .threads = s.options.threads});
  const auto chosen = grad_cam(s.net(), s.image, s.target,
                               {.layer = s.options.layer, .threads = s.options.threads});
  s.page.numbers["attribution"]["integrated_gradients"] = {{"residual", ig.residual},
                                                           {"steps", ig.steps}};
  s.page.numbers["attribution"]["grad_cam"] = {{"layer", s.options.layer},
                                               {"zero", zero(chosen.coarse)},
                                               {"zero_on_conv2", zero(before.coarse)}};
  s.page.paragraph(concat(
      "Always the logit is explained, not the probability, which also moves when other classes do. "
      "Integrated gradients must add up "
      "to the rise of the logit between a black image and this one; with ",
      ig.steps, " steps they miss it by ", percent(ig.residual, 3), ". Grad-CAM looks at ",
      s.options.layer, ", where ", percent(zero(chosen.coarse)),
      " of its places are zero. On conv2 itself, before the "
      "ReLU, it would be ",
      percent(zero(before.coarse)), ": for this image ",
      percent(s.page.numbers.at("activity").at("relu2").at("zero_for_the_image").get<double>()),
      " of the activations there are not positive, and where their weighted sum is negative, "
      "Grad-CAM cuts it off."));
}

// Both curves of one image for one order of its pixels, and of several orders their mean.
struct Curves {
  FaithfulnessCurve deletion = {}, insertion = {};
  double out = 0, in = 0;  // the areas
};

struct Yardstick {
  std::string name;
  Index draws;  // orders to take the mean of
  std::function<Attribution<float>(ImagesOf<Net>, Index draw)> order;
};

std::vector<Yardstick> yardsticks(const Study& s, Index draws) {
  const auto black = std::make_shared<const Tensor<float, 4>>(black_image(s.data.test));
  const auto seed = [&s](Index draw) { return s.options.seed + static_cast<std::uint64_t>(draw); };
  return {{"brightness, no network", 1,
           [=](ImagesOf<Net> x, Index) { return brightness_map(x, *black); }},
          {"random pixels of the stroke", draws,
           [=](ImagesOf<Net> x, Index draw) { return random_stroke_map(x, *black, seed(draw)); }},
          {"random pixels", draws, [=](ImagesOf<Net> x, Index draw) {
             Attribution<float> order{Tensor<float, 3>(Shape{1, x.extent(2), x.extent(3)})};
             Rng rng{seed(draw)};
             for (float& v : order.map) v = static_cast<float>(rng.uniform(0, 1));
             return order;
           }}};
}

template <class Order>
Curves curves_of(const Study& s, ImagesOf<Net> x, Index k, Index draws, const Order& order) {
  const auto black = black_image(s.data.test);
  const FaithfulnessOptions<float> how{.baseline = black, .threads = s.options.threads};
  Curves mean;
  const auto average = [&](FaithfulnessCurve& all, const FaithfulnessCurve& one) {
    all.share = one.share, all.probability.resize(one.probability.size());
    for (std::size_t i = 0; i < one.probability.size(); ++i)
      all.probability[i] += one.probability[i] / static_cast<double>(draws);
  };
  for (Index draw = 0; draw < draws; ++draw) {
    const Attribution<float> attribution = order(draw);
    average(mean.deletion, deletion_curve(s.net(), x, k, attribution, how));
    average(mean.insertion, insertion_curve(s.net(), x, k, attribution, how));
  }
  mean.out = mean.deletion.area(), mean.in = mean.insertion.area();
  return mean;
}

// The mean areas over many images, each with its own class, in the order methods, yardsticks.
struct Area {
  std::string name;
  double out = 0, in = 0;
};

std::vector<Area> mean_areas(const Study& s, Index count) {
  std::vector<Area> areas;
  for (Index n = 0; n < count; ++n) {
    const Tensor<float, 4> x = image_at(s.data.test, n);
    const Index k = s.data.test.labels(n);
    std::size_t row = 0;
    const auto add = [&](const std::string& name, const Curves& c) {
      if (n == 0) areas.push_back({name});
      areas[row].out += c.out / static_cast<double>(count);
      areas[row++].in += c.in / static_cast<double>(count);
    };
    for (const Method& m : methods(s, x, k))
      add(m.name, curves_of(s, x, k, 1, [&](Index) { return m.attribution(s.net()); }));
    for (const Yardstick& y : yardsticks(s, 5))
      add(y.name, curves_of(s, x, k, y.draws, [&](Index draw) { return y.order(x, draw); }));
    stop_if_interrupted();
  }
  return areas;
}

void write_faithfulness(Study& s, const std::vector<Method>& all,
                        const std::vector<Attribution<float>>& attributions) {
  s.page.subsection("Which map is faithful?");
  s.page.paragraph(
      "A test that needs no eye: take the pixels away, those first that a map says speak most for "
      "the class (by its signed value; what speaks against the class goes last). If the map is "
      "right, the probability falls at once. Or begin with black and put them back: it should rise "
      "at once.");
  s.page.paragraph(
      "What is a good result? Random pixels are too easy to beat: the background is black, taking "
      "it "
      "away changes nothing, and any map that knows where the stroke is does better. So there are "
      "two stricter yardsticks: random pixels of the stroke, and the brightness of the image "
      "itself, which asks no network at all.");
  std::vector<Line> deletion, insertion;
  std::vector<Page::Row> rows;
  auto& json = s.page.numbers["attribution"]["faithfulness"];
  std::vector<Area> here;
  const auto add = [&](const std::string& name, const Curves& c) {
    here.push_back({name, c.out, c.in});
    if (name == "random pixels") return;  // in the table alone
    deletion.push_back({.name = name, .x = c.deletion.share, .y = c.deletion.probability});
    insertion.push_back({.name = name, .x = c.insertion.share, .y = c.insertion.probability});
  };
  for (std::size_t m = 0; m < all.size(); ++m)
    add(all[m].name, curves_of(s, s.image, s.target, 1, [&](Index) { return attributions[m]; }));
  for (const Yardstick& y : yardsticks(s, 20))
    add(y.name, curves_of(s, s.image, s.target, y.draws,
                          [&](Index draw) { return y.order(s.image, draw); }));
  const Index images = std::min<Index>(60, s.data.test.size());
  const auto mean = mean_areas(s, images);
  for (std::size_t i = 0; i < here.size(); ++i) {
    rows.push_back({here[i].name, fixed(here[i].out, 3), fixed(here[i].in, 3),
                    fixed(mean[i].out, 3), fixed(mean[i].in, 3)});
    json[here[i].name] = {{"deletion_area", here[i].out},
                          {"insertion_area", here[i].in},
                          {"images", images},
                          {"mean_deletion_area", mean[i].out},
                          {"mean_insertion_area", mean[i].in}};
  }
  const auto options = [&](const char* title, const char* x) {
    return LineChartOptions{.title = title,
                            .x = {.label = x, .from = 0.0, .to = 1.0, .percent = true},
                            .y = {.label = concat("probability of class ", s.target),
                                  .from = 0.0,
                                  .to = 1.0,
                                  .percent = true}};
  };
  s.page.chart("deletion", line_chart(deletion, options("Deletion", "pixels taken away")),
               {.what = "What the network says while pixels are taken away.",
                .read = "The faster a curve falls, the better its map. The last two of the legend "
                        "ask no network.",
                .scale = "Probability of the class against the share of pixels replaced by black.",
                .alt = "Eight curves, six of maps and two of orders that ask no network."});
  s.page.chart("insertion", line_chart(insertion, options("Insertion", "pixels put back")),
               {.what = "What the network says while pixels are put back into a black image.",
                .read = "The faster a curve rises, the better its map. The last two of the legend "
                        "ask no network.",
                .scale = "Probability of the class against the share of pixels of the image.",
                .alt = "Eight curves, six of maps and two of orders that ask no network."});
  s.page.table(concat("Area under the curves. Deletion: smaller is better. Insertion: larger is "
                      "better. For this image, and the mean over the first ",
                      images,
                      " test images, each explained for its own class. Random orders are "
                      "means of 20 draws for this image and of 5 for each of the others."),
               {"map", "deletion", "insertion", concat("deletion, ", images, " images"),
                concat("insertion, ", images, " images")},
               rows);
  s.page.paragraph(
      "Not all maps claim to pass. Integrated gradients, gradient x input and occlusion say what "
      "the "
      "logit owes to the pixels that are there; this test takes them at their word. A gradient and "
      "SmoothGrad say what a little more light would do, on the black background too, where there "
      "is nothing to take away: they answer another question, and their areas are no verdict on "
      "that answer. Grad-CAM is coarse, and silent about what speaks against the class.");
  const auto maps = static_cast<std::ptrdiff_t>(all.size());
  const auto less = [](const Area& a, const Area& b) { return a.out < b.out; };
  const auto lower = [](const Area& a, const Area& b) { return a.in < b.in; };
  const Area best = *std::min_element(mean.begin(), mean.begin() + maps, less),
             best_in = *std::max_element(mean.begin(), mean.begin() + maps, lower),
             bright = mean[all.size()];
  std::string beaten;
  for (std::size_t m = 0; m < all.size(); ++m)
    if (!(mean[m].out < bright.out && mean[m].in > bright.in))
      beaten += concat(beaten.empty() ? "" : ", ", mean[m].name, " (", fixed(mean[m].out, 3), ", ",
                       fixed(mean[m].in, 3), ")");
  s.page.finding(
      beaten.empty() ? "All six maps say more than the brightness of the image does."
                     : "Not every map beats the brightness of the image, which asks no network.",
      concat("Over ", images, " images brightness has a deletion area of ", fixed(bright.out, 3),
             " and an insertion area of ", fixed(bright.in, 3), "; the best are ",
             fixed(best.out, 3), " (", best.name, ") and ", fixed(best_in.in, 3), " (",
             best_in.name, "). ",
             beaten.empty() ? "" : concat("Not better than brightness in both: ", beaten, ".")));
}

void write_randomisation(Study& s, const std::vector<Method>& all) {
  s.page.subsection("Does the map depend on what was learned?");
  s.page.paragraph(
      "The randomisation check: the trained weights are replaced by random ones, the last layer "
      "first, and the image is explained "
      "again. The rank correlation of the magnitudes with the old map should fall towards 0. A map "
      "that does not change has not looked at the weights.");
  const float limit = 0.1F;
  Index stroke = 0;
  for (const float p : s.pixels) stroke += p > limit;
  std::vector<Line> lines;
  std::vector<Page::Row> rows;
  std::vector<std::string> head{"map"};
  auto& json = s.page.numbers["attribution"]["randomisation"];
  for (std::size_t m = 0; m < all.size(); ++m) {
    const auto whole = [&](const Net& n, ImagesOf<Net>, Index) {
      return all[m].attribution(n).places();
    };
    const auto on_stroke = [&](const Net& n, ImagesOf<Net>, Index) {
      const Map full = all[m].attribution(n).places();
      Tensor<float, 1> part(Shape{stroke});
      Index i = 0;
      for (Index p = 0; p < full.size(); ++p)
        if (s.pixels.data()[p] > limit) part(i++) = full.data()[p];
      return part;
    };
    const auto everywhere =
        randomisation_check(s.net(), s.image, s.target, whole, {.seed = s.options.seed});
    const auto there =
        randomisation_check(s.net(), s.image, s.target, on_stroke, {.seed = s.options.seed});
    Page::Row row{all[m].name};
    Line line{.name = all[m].name, .x = {0}, .y = {1}};
    for (std::size_t i = 0; i < everywhere.size(); ++i) {
      if (m == 0) head.push_back(concat(i ? "and " : "", everywhere[i].layer));
      row.push_back(
          concat(fixed(everywhere[i].correlation, 2), " / ", fixed(there[i].correlation, 2)));
      line.x.push_back(static_cast<double>(i + 1)), line.y.push_back(there[i].correlation);
      json[all[m].name][everywhere[i].layer] = {{"image", everywhere[i].correlation},
                                                {"stroke", there[i].correlation}};
    }
    rows.push_back(row), lines.push_back(line);
    stop_if_interrupted();
  }
  s.page.table(
      "Rank correlation with the map of the trained network when this layer and all behind it are "
      "random: over the whole image / "
      "over the pixels of the stroke alone.",
      head, rows);
  s.page.chart(
      "randomisation",
      line_chart(lines, {.title = "What is left of each map on the stroke",
                         .x = {.label = "layers made random, from the last one on",
                               .from = 0.0,
                               .to = 4.0,
                               .tick = 1},
                         .y = {.label = "rank correlation", .to = 1.0}}),
      {.what = concat("The check on the ", stroke, " pixels of the stroke (brighter than ", limit,
                      ")."),
       .read = "1 is the map of the trained network. A curve that falls to 0 belongs to a map that "
               "shows what was learned.",
       .scale =
           "Spearman's rank correlation of magnitudes; 0 layers to the left, all 4 to the right.",
       .alt = "Six curves that begin at 1 and fall as layers become random."});
  const double black = s.data.test.scaling.to_input(0);
  s.page.paragraph(
      concat("Two numbers in each cell, for a reason. Integrated gradients, from a black image, "
             "are exactly 0 wherever the image is black, "
             "whatever the weights, and occlusion is 0 where it hides black behind black. Most of "
             "the ranks are therefore equal for trained and "
             "random weights, and over the whole image the correlation stays high without the map "
             "being a lie. (Gradient x input ",
             black != 0 ? concat("would be the same if black were 0; this network sees black as ",
                                 fixed(black, 2))
                        : "is the same, for this network sees black as 0",
             ".) On the stroke alone the comparison is fairer."));
  const auto left = [](const Line& line) { return std::abs(line.y.back()); };
  const auto [least, most] = std::minmax_element(
      lines.begin(), lines.end(), [&](const Line& a, const Line& b) { return left(a) < left(b); });
  s.page.finding(
      left(*most) < 0.3
          ? "On the stroke every map depends on what was learned."
          : concat("On the stroke, ", most->name, " depends least on what was learned."),
      concat(
          "With all weights random its correlation with the map of the trained network is still ",
          fixed(most->y.back(), 2), "; for ", least->name, " it is ", fixed(least->y.back(), 2),
          ". What remains shows the image, not the training."));
}

}  // namespace

void write_attribution(Study& s) {
  s.page.section("Where does it look?");
  s.page.paragraph(concat("Six methods try to say which pixels made the ", s.name(),
                          " network see a ", s.target, " in test image ", s.options.image,
                          ". They do not agree, so the maps come first and then two tests of how "
                          "far each can be trusted."));
  const auto all = methods(s, s.image, s.target);
  std::vector<Attribution<float>> attributions;
  for (const Method& m : all) attributions.push_back(m.attribution(s.net()));
  write_maps(s, all, attributions);
  write_faithfulness(s, all, attributions);
  write_randomisation(s, all);
}
