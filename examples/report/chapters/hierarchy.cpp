// SPDX-License-Identifier: MIT
//
// 3.3, the hierarchy: what excites conv2, how its kernels combine conv1, and the digit's way.
#include "charts/charts.hpp"
#include "fovea/explain/activations.hpp"
#include "fovea/explain/patches.hpp"
#include "fovea/viz/patches.hpp"
#include "fovea/viz/poster.hpp"
#include "report/chapters/study.hpp"

using namespace charts;
using namespace fovea;

namespace {

// The pixels of a patch in a square as large as the whole field; what is padding stays black.
void cut(const Dataset& data, const Patch& patch, const Box& whole, View<float, 2> out) {
  for (Index h = 0; h < patch.box.height; ++h)
    for (Index w = 0; w < patch.box.width; ++w) {
      const Index row = patch.box.top + h, col = patch.box.left + w;
      out(row - whole.top, col - whole.left) =
          static_cast<float>(data.images(patch.image, 0, row, col)) / 255;
    }
}

// Pearson's correlation; 0 where one of the two is constant.
double correlation(View<const float, 2> a, View<const float, 2> b) {
  const auto x = a - mean(a), y = b - mean(b);
  const double norm = std::sqrt(static_cast<double>(sum(x * x)) * static_cast<double>(sum(y * y)));
  return norm > 0 ? static_cast<double>(sum(x * y)) / norm : 0;
}

void write_patches(Study& s) {
  constexpr Index count = 9;
  const auto found = top_patches(s.net(), s.sample,
                                 {.layer = "conv2", .count = count, .threads = s.options.threads});
  const ReceptiveField field = of_layer(receptive_fields(s.net()), "conv2");
  const auto C = static_cast<Index>(found.size());
  Tensor<float, 4> patches(Shape{C, count, field.size.h, field.size.w});
  double within = 0, across = 0, classes = 0;
  Index pairs_within = 0, pairs_across = 0;
  for (Index c = 0; c < C; ++c) {
    std::vector<bool> seen(static_cast<std::size_t>(s.sample.classes));
    const auto& of_channel = found[static_cast<std::size_t>(c)];
    for (std::size_t p = 0; p < of_channel.size(); ++p) {
      const Patch& patch = of_channel[p];
      cut(s.sample, patch, field.box(patch.row, patch.col), patches[c][static_cast<Index>(p)]);
      seen[static_cast<std::size_t>(s.sample.labels(patch.image))] = true;
    }
    classes += static_cast<double>(std::count(seen.begin(), seen.end(), true));
  }
  for (Index c = 0; c < C; ++c)
    for (Index p = 0; p < count; ++p) {
      for (Index q = 0; q < p; ++q)
        within += correlation(patches[c][p], patches[c][q]), ++pairs_within;
      if (C > 1) across += correlation(patches[c][p], patches[(c + 1 + p) % C][p]), ++pairs_across;
    }
  within /= static_cast<double>(pairs_within), classes /= static_cast<double>(C);
  across /= static_cast<double>(std::max<Index>(pairs_across, 1));
  s.page.numbers["patches"] = {{"images", s.sample.size()},
                               {"correlation_within_channel", within},
                               {"correlation_across_channels", across},
                               {"classes_in_nine", classes}};
  s.page.picture(
      "conv2_patches",
      patch_grid(patches, {.title = "conv2: the nine patches that excite each channel most"}),
      {.what = concat("For each of the ", C, " channels of conv2 the nine patches, from nine of ",
                      detail::grouped(s.sample.size()),
                      " test images, that excite it most, cut by its receptive field of ",
                      field.size.h, " x ", field.size.w, " pixels."),
       .read = "What the nine have in common is what the channel responds to; what differs is what "
               "it does not care about.",
       .scale = "Grey, black is 0 and white is 1. Beyond the border of an image it is black.",
       .alt = concat(C,
                     " squares of nine small grey patches: strokes in certain directions, ends, "
                     "bends and corners.")});
  s.page.finding(
      within > across + 0.1 ? "Channels of conv2 respond to small patterns of their own."
                            : "The channels of conv2 have no simple names.",
      concat(
          "Two of the nine patches of one channel resemble each other with a mean correlation of ",
          fixed(within, 2), ", patches of different channels with ", fixed(across, 2),
          ". On average the nine come from ", fixed(classes, 1), " of ", s.sample.classes,
          classes > 2.5 ? " classes: a part is shared by several digits."
                        : " classes: they belong to certain digits already."));
}

void write_activity(Study& s) {
  const auto one = activations(s.net(), s.image, {.threads = s.options.threads});
  const auto all = activity(s.net(), s.sample, {.threads = s.options.threads});
  std::vector<std::string> names;
  std::vector<double> here, everywhere;
  std::vector<Page::Row> rows;
  Index dead = 0, units = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool shown = all[i].layer.starts_with("relu") || all[i].layer.starts_with("pool");
    if (!shown) continue;
    names.push_back(all[i].layer), here.push_back(one[i].zeros), everywhere.push_back(all[i].zeros);
    rows.push_back({all[i].layer, detail::grouped(all[i].units), percent(one[i].zeros),
                    percent(all[i].zeros), detail::grouped(all[i].dead)});
    s.page.numbers["activity"][all[i].layer] = {{"units", all[i].units},
                                                {"zero_for_the_image", one[i].zeros},
                                                {"zero", all[i].zeros},
                                                {"dead", all[i].dead}};
    if (all[i].layer.starts_with("relu")) dead += all[i].dead, units += all[i].units;
  }
  s.page.chart(
      "silent_units",
      bar_chart(
          names,
          {{.name = "this image", .values = here}, {.name = "all images", .values = everywhere}},
          {.title = "Share of units that are silent",
           .label = "layer",
           .value = {.label = "units at zero", .from = 0.0, .to = 1.0, .percent = true}}),
      {.what = concat("Share of units at exactly zero, for the image of this page and over ",
                      detail::grouped(s.sample.size()), " test images."),
       .read = "A high bar is a sparse layer: few units speak for one image.",
       .scale = "Share of all units of the layer.",
       .alt = "Two bars for each ReLU and pooling layer."});
  s.page.table(
      "Silent and dead units. A unit is called dead when it is zero for every one of these images.",
      {"layer", "units", "zero, this image", "zero, all images", "dead"}, rows);
  s.page.note(concat(detail::grouped(dead), " of ", detail::grouped(units),
                     " units behind the ReLUs never spoke. Units at the border of the maps, where "
                     "MNIST is always black, "
                     "count among them; that is no defect of the training."));
  std::vector<Stage> stages{stage("input", s.pixels.reshape(Shape{1, 28, 28}), Show::grey)};
  for (const auto& layer : one) {
    const bool maps = layer.layer.starts_with("relu") || layer.layer.starts_with("pool");
    if (maps) stages.push_back(stage(layer.layer, layer.maps, Show::activations));
  }
  stages.push_back(stage("fc2", one.back().maps, Show::bars));
  s.page.picture(
      "poster", poster(stages, {.title = concat("A ", s.label, " on its way through the network")}),
      {.what = "What every layer hands to the next, from the image to the ten logits.",
       .read = "From the top down; bright is a strong answer. Maps grow in number and shrink in "
               "size: less of "
               "where, more of what. At the end the longest bar is the answer.",
       .scale = "One for each layer, written beside it; the bars are logits.",
       .alt = concat("Bands of small maps, from a ", s.label,
                     " to ten bars of which one is the longest.")});
}

}  // namespace

void write_hierarchy(Study& s) {
  s.page.section("3.3 Hierarchy");
  s.page.paragraph(
      "conv1 sees 3 x 3 pixels, conv2 combines its 32 answers over 8 x 8 pixels, and the linear "
      "layers combine "
      "everything. If there is a hierarchy, the channels of conv2 must respond to something larger "
      "and more particular than a "
      "light or a dark side.");
  write_patches(s);
  const auto& weight = std::get<Net::index("conv2")>(s.net().layers()).weight;
  s.page.picture("conv2_kernels",
                 kernel_matrix(weight, {.title = "conv2: 64 x 32 kernels of 3 x 3", .zoom = 4}),
                 {.what = "All kernels of conv2.",
                  .read = "Column o, row c is what output channel o does with input channel c. "
                          "Most are neither all red "
                          "nor all blue: a channel combines many inputs, with both signs.",
                  .scale = "One symmetric scale, in weights; white is zero.",
                  .alt = "A table of 64 columns and 32 rows of small red and blue kernels."});
  write_activity(s);
}
