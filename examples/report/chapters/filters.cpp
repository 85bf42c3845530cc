// SPDX-License-Identifier: MIT
//
// 3.1, the filter gallery: what the nine weights of each filter of conv1 look like, measured.
#include "fovea/explain/filters.hpp"

#include "charts/charts.hpp"
#include "fovea/viz/gallery.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

namespace {

constexpr FilterKind kinds[] = {FilterKind::edge, FilterKind::line, FilterKind::spot,
                                FilterKind::flat};

Index count(const std::vector<FilterMatch>& matches, FilterKind kind) {
  return std::count_if(matches.begin(), matches.end(),
                       [&](const FilterMatch& m) { return m.kind == kind; });
}

std::vector<double> strengths(const std::vector<FilterMatch>& matches) {
  std::vector<double> r;
  for (const FilterMatch& m : matches) r.push_back(std::abs(m.correlation));
  std::sort(r.begin(), r.end());
  return r;
}

// The strengths over their quantiles.
Line quantiles(const std::string& name, const std::vector<double>& sorted) {
  Line line{.name = name};
  const std::size_t every = std::max<std::size_t>(1, sorted.size() / 100);
  for (std::size_t i = 0; i < sorted.size(); i += every) {
    line.x.push_back((static_cast<double>(i) + 0.5) / static_cast<double>(sorted.size()));
    line.y.push_back(sorted[i]);
  }
  return line;
}

// Pearson's correlation of each filter with what it was before the training, on average.
double likeness(const Tensor<float, 4>& a, const Tensor<float, 4>& b) {
  double total = 0;
  for (Index o = 0; o < a.extent(0); ++o) {
    const auto x = a[o] - mean(a[o]), y = b[o] - mean(b[o]);
    total += static_cast<double>(sum(x * y) / std::sqrt(sum(x * x) * sum(y * y)));
  }
  return total / static_cast<double>(a.extent(0));
}

}  // namespace

void write_filters(Study& s) {
  Page& page = s.page;
  constexpr auto conv1 = Net::index("conv1");
  const auto& weight = std::get<conv1>(s.net().layers()).weight;
  const auto& start = std::get<conv1>(s.untrained.layers()).weight;
  const auto [O, C, KH, KW] = weight.shape();
  const auto trained = match_filters(weight), untrained = match_filters(start);
  const auto chance = random_matches({KH, KW});
  const double bar = std::abs(chance[9500].correlation);
  const auto above = [&](const std::vector<FilterMatch>& matches) {
    return std::count_if(matches.begin(), matches.end(),
                         [&](const FilterMatch& m) { return std::abs(m.correlation) > bar; });
  };
  const Index strong = above(trained), strong_before = above(untrained);
  const auto r = strengths(trained), r_before = strengths(untrained), r_chance = strengths(chance);
  const auto median = [](const std::vector<double>& v) { return v[v.size() / 2]; };
  const double same = likeness(weight, start);

  page.section("3.1 Filter gallery");
  page.paragraph(
      concat("conv1 has ", O, " filters of ", KH, " x ", KW,
             " weights. A convolution in a network is a cross-correlation, so a filter is "
             "a picture of what it responds to most."));
  Tensor<float, 3> hung(Shape{O, KH, KW});
  std::vector<std::string> captions;
  for (const Index i : gallery_order(trained)) {
    const FilterMatch& m = trained[static_cast<std::size_t>(i)];
    const auto at = static_cast<Index>(captions.size());
    std::copy(weight[m.out].begin(), weight[m.out].end(), hung[at].begin());
    captions.push_back(
        concat(to_string(m.kind), " ",
               fixed(std::abs(m.correlation), 2).substr(std::abs(m.correlation) < 0.995 ? 1 : 0)));
  }
  page.picture(
      "conv1_filters",
      gallery(hung, {.title = concat("conv1: the filters of the ", s.name(), " network"),
                     .signed_values = true,
                     .zoom = 32,
                     .columns = 8,
                     .captions = captions}),
      {.what = "All filters of conv1, sorted by the template that each resembles most.",
       .read = "Red weights add what they see, blue weights subtract it. Below each filter "
               "stand the kind of its best template and the strength of the resemblance, "
               "Pearson's |r|.",
       .scale = "One symmetric scale for all filters, in weights; white is zero.",
       .alt = concat(O,
                     " squares of 3 x 3 red and blue cells, sorted into edges, lines, "
                     "spots and flat ones.")});
  page.paragraph(concat(
      "Is a red side beside a blue one an edge detector? Nine numbers drawn by chance often look "
      "like something too, because so many templates offer themselves: edges in 16 directions, "
      "lines in 8, bright and dark, and spots. So each filter's best match is compared with that "
      "of 10,000 random kernels, and with ",
      s.elsewhere() ? concat("an untrained network: fresh weights of seed ", s.options.seed,
                             ", for the start of the loaded one is not known.")
                    : "the same network before training."));
  std::vector<Page::Row> rows;
  auto& json = page.numbers["filters"];
  const auto row = [&](const std::string& name, const std::vector<FilterMatch>& matches, double mid,
                       Index over) {
    Page::Row cells{name};
    nlohmann::ordered_json part;
    for (const FilterKind kind : kinds) {
      const double share =
          static_cast<double>(count(matches, kind)) / static_cast<double>(matches.size());
      cells.push_back(percent(share));
      part[to_string(kind)] = share;
    }
    cells.push_back(fixed(mid, 3));
    cells.push_back(percent(static_cast<double>(over) / static_cast<double>(matches.size())));
    part["median_strength"] = mid, part["above_chance_95"] = over, part["kernels"] = matches.size();
    rows.push_back(cells);
    json[name] = part;
  };
  row("trained", trained, median(r), strong);
  row("untrained", untrained, median(r_before), strong_before);
  row("random kernels", chance, median(r_chance), above(chance));
  json["chance_95"] = bar;
  if (!s.elsewhere()) json["likeness_to_start"] = same;
  page.table(
      concat("What the filters look like: share of each kind, the median strength of the best "
             "match, and the share of filters above r = ",
             fixed(bar, 3), ", which one random kernel in twenty exceeds."),
      {"filters", "edge", "line", "spot", "flat", "median |r|", concat("|r| > ", fixed(bar, 3))},
      rows);
  page.chart(
      "filter_matches",
      line_chart({quantiles("trained", r), quantiles("untrained", r_before),
                  quantiles("random kernels", r_chance)},
                 {.title = "How well the best template fits",
                  .x = {.label = "filters, from the weakest match",
                        .from = 0.0,
                        .to = 1.0,
                        .percent = true},
                  .y = {.label = "|r| of the best match", .to = 1.0}}),
      {.what = "The strength of the best match of all filters, in order.",
       .read =
           "If training made templates out of noise, the trained curve would run well above the "
           "one of random kernels.",
       .scale = "Pearson's |r|, from 0 to 1.",
       .alt = concat("Three rising curves; their medians are ", fixed(median(r), 2), " trained, ",
                     fixed(median(r_before), 2), " untrained and ", fixed(median(r_chance), 2),
                     " by chance.")});
  // Of 32 filters five or more above the bar happen by chance in two cases of a hundred.
  const double expected = 0.05 * static_cast<double>(O),
               unusual = expected + 2 * std::sqrt(0.95 * expected);
  const bool more = static_cast<double>(strong) > unusual;
  json["more_than_chance"] = more;
  page.finding(
      more ? "More filters look like textbook templates than chance explains."
           : "Looking like an edge is not enough to be called an edge detector.",
      concat(
          strong, " of ", O, " trained filters match a template better than r = ", fixed(bar, 3),
          "; chance gives about ", fixed(expected, 1), ", the untrained network has ",
          strong_before, ". By kind, ", count(trained, FilterKind::edge),
          " are most like an edge, against ", count(untrained, FilterKind::edge),
          s.elsewhere() ? " in the untrained network"
                        : concat(" before training. The trained filters still resemble their own "
                                 "random start: the mean correlation is ",
                                 fixed(same, 2)),
          more ? ". So there is more order than chance gives, though single filters of 3 x 3 prove "
                 "little."
               : ". Filters of 3 x 3 are too small for their looks to prove what they do."));
}
