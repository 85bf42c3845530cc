// SPDX-License-Identifier: MIT
//
// 3.2, the receptive-field experiment: what the layers answer, what a unit could see, what it uses.
#include "fovea/explain/effective_field.hpp"
#include "fovea/viz/boxes.hpp"
#include "fovea/viz/gallery.hpp"
#include "report/chapters/study.hpp"

using namespace fovea;

namespace {

void write_maps(Study& s) {
  auto inside = s.net().workspace(1, {.keep = Keep::everything, .threads = s.options.threads});
  const auto p = softmax(s.net().forward(s.image, inside, Mode::eval));
  const Index said = argmax(p);
  const auto sure = percent(static_cast<double>(p(0, said)));
  s.page.numbers["image"] = {{"index", s.options.image},
                             {"label", s.label},
                             {"answer", said},
                             {"confidence", p(0, said)},
                             {"class_explained", s.target}};
  constexpr Index zoom = 10;
  Image original(28 * zoom + 84, 28 * zoom + 48);
  original.text(24, 24, concat("test image ", s.options.image, ": a ", s.label));
  original.map(60, 24, as_const(s.pixels), zoom, grey);
  s.page.picture(
      "input", original,
      {.what = concat("The image that this page follows, test image ", s.options.image, ", a ",
                      s.label, ". The ", s.name(), " network says ", said, " with ", sure, "."),
       .scale = "Black is 0, white is 1.",
       .alt = concat("A hand-written ", s.label, " in 28 x 28 grey pixels.")});
  const auto conv1 = inside.activation<Net::index("relu1")>()[0];
  const auto conv2 = inside.activation<Net::index("relu2")>()[0];
  s.page.picture(
      "conv1_activations",
      gallery(conv1, {.title = "conv1 after ReLU: where each filter found its pattern", .zoom = 3}),
      {.what = "The 32 maps of conv1 for this image, after the ReLU.",
       .read = "Bright is where the filter of that number found its pattern. The image can "
               "still be recognised: the layer answers place by place.",
       .scale = "One scale for all maps, from 0.",
       .alt = "32 maps in which the outline of the digit is visible."});
  s.page.picture("conv2_activations",
                 gallery(conv2, {.title = "conv2 after ReLU: patterns of patterns", .zoom = 5}),
                 {.what = "The 64 maps of conv2, after the ReLU, at half the resolution.",
                  .read = "Fewer units answer, each to a combination of what conv1 found: parts of "
                          "strokes, ends, bends.",
                  .scale = "One scale for all maps, from 0.",
                  .alt = "64 coarser maps, most of them dark with some bright parts."});
}

void write_theory(Study& s, const std::vector<ReceptiveField>& fields) {
  s.page.subsection("What a unit can see");
  s.page.paragraph(
      "A unit sees a patch of the image, its receptive field. Layer by layer, with kernel K, "
      "stride s "
      "and dilation d, the side r of the patch and the jump j between patches of neighbours grow "
      "as");
  s.page.preformatted("r += d (K - 1) j        j *= s        from r = j = 1 on");
  std::vector<Page::Row> rows;
  Index convolutions = 0;
  for (const ReceptiveField& f : fields) {
    if (f.whole) continue;
    const bool convolution = f.layer.starts_with("conv");
    const bool windowed = convolution || f.layer.starts_with("pool");
    if (!windowed) continue;
    convolutions += convolution;
    const auto centre = f.centre(0, 0);
    rows.push_back({f.layer, concat(f.size.h, " x ", f.size.w), concat(f.jump.h),
                    fixed(centre.row, 1), concat(f.units.h, " x ", f.units.w),
                    convolution ? concat(field_without_pooling(3, convolutions)) : "-"});
    s.page.numbers["receptive_fields"][f.layer] = {
        {"size", f.size.h}, {"jump", f.jump.h}, {"first_centre", centre.row}};
    if (convolution)
      s.page.numbers["receptive_fields"][f.layer]["without_pooling"] =
          field_without_pooling(3, convolutions);
  }
  s.page.table(
      "Receptive fields in pixels by the recursion; beside them the formula of the course "
      "report, r = K + (K - 1)(L - 1) for the L-th convolution.",
      {"layer", "sees", "jump", "first centre", "units", "course formula"}, rows);
  s.page.paragraph(
      "For conv1 the two agree. For conv2 the short formula gives 5 and the recursion 8. The short "
      "one is right for convolutions of stride 1 in a row; here a pooling stands between them. It "
      "widens the patch by one pixel itself, to 4, and from then on neighbours are two pixels "
      "apart, so the "
      "3 x 3 kernel of conv2 adds 2 x 2 = 4 instead of 2. The formula is not wrong, it just "
      "answers for a network "
      "without pooling. The tests of this project prove the 8 by backpropagation: no pixel outside "
      "of "
      "the box has a gradient in any image, and each pixel inside has one in some image. Not in "
      "every image: max-pooling passes a gradient on to the largest of four only, and a ReLU only "
      "where it is active.");
  std::vector<LabelledBox> boxes;
  for (const auto& [layer, at] :
       {std::pair{"conv1", 14}, {"pool1", 7}, {"conv2", 7}, {"pool2", 3}}) {
    const ReceptiveField f = of_layer(fields, layer);
    const Box b = f.box(at, at);
    boxes.push_back(
        {b.top, b.left, b.height, b.width, concat(layer, ": ", b.height, " x ", b.width)});
  }
  s.page.picture("receptive_fields",
                 draw_boxes(s.pixels, boxes, {.title = "What one unit sees", .zoom = 12}),
                 {.what = "The receptive field of one unit near the middle of each layer.",
                  .read = "A unit knows only what lies inside its box; the rest of the image could "
                          "change, and it would not notice. Where boxes share an edge, the smaller "
                          "one is drawn just inside.",
                  .scale = "Grey, black is 0 and white is 1; one square is one pixel.",
                  .alt = "The digit with four nested squares of 3, 4, 8 and 10 pixels."});
}

// What the number of paths predicts, all of one weight or with random signs: the course network has
// convolutions of 3 x 3 with a pooling of 2 x 2 after each.
struct Predicted {
  double equal, random;
};
Predicted predicted(const std::string& layer) {
  const PathStep conv{.kernel = 3}, pool{.kernel = 2, .stride = 2};
  const auto counts = path_counts(layer == "conv1"   ? std::vector{conv}
                                  : layer == "conv2" ? std::vector{conv, pool, conv}
                                                     : std::vector{conv, pool, conv, pool});
  auto roots = counts;
  for (double& n : roots) n = std::sqrt(n);
  return {deviation_of(counts), deviation_of(roots)};
}

// The standard deviation if every pixel of the box mattered as much as any other.
double if_equal(const EffectiveField& field) {
  const auto side = static_cast<double>(field.box.height);
  return std::sqrt((side * side - 1) / 12);
}

Image draw_field(const EffectiveField& field, const std::string& title) {
  return draw_boxes(field.map[0],
                    {{field.box.top, field.box.left, field.box.height, field.box.width,
                      concat("can see ", field.box.height, " x ", field.box.width)}},
                    {.title = title, .zoom = 8, .color_of = sequential, .scale = 0});
}

}  // namespace

void write_fields(Study& s) {
  Page& page = s.page;
  page.section("3.2 Receptive-field experiment");
  page.paragraph(concat("One image goes through the ", s.name(),
                        " network, and after both convolutions we look "
                        "at what comes out."));
  write_maps(s);
  const auto fields = receptive_fields(s.net());
  write_theory(s, fields);

  page.subsection("What a unit makes use of");
  const Dataset some = s.sample.part(0, std::min<Index>(s.sample.size(), 200));
  std::vector<Page::Row> rows;
  std::vector<Image> pictures;
  EffectiveField conv2;
  const auto measure = [&](const Net& net, const std::string& layer, const std::string& which) {
    const EffectiveField field =
        effective_field(net, some, {.layer = layer, .threads = s.options.threads});
    rows.push_back({concat(layer, ", ", which), concat(field.box.height, " x ", field.box.width),
                    concat(field.side(), " x ", field.side()), fixed(field.sigma(), 2),
                    fixed(predicted(layer).equal, 2), fixed(predicted(layer).random, 2),
                    fixed(if_equal(field), 2), percent(field.inside)});
    page.numbers["effective_fields"][layer][which] = {{"theoretical", field.box.height},
                                                      {"side_95", field.side()},
                                                      {"sigma", field.sigma()},
                                                      {"sigma_of_paths", predicted(layer).equal},
                                                      {"sigma_of_roots", predicted(layer).random},
                                                      {"sigma_if_equal", if_equal(field)},
                                                      {"inside", field.inside}};
    if (which == "trained") pictures.push_back(draw_field(field, layer));
    if (which == "trained" && layer == "conv2") conv2 = field;
  };
  page.paragraph(
      "Which pixels does a unit depend on, and how much? For each channel a gradient of its own "
      "goes back to the image, and the sizes are averaged over the channels. (The gradient of the "
      "sum of all channels would be simpler and wrong: filters of opposite signs cancel in it, and "
      "no unit has that field.) One can also predict it: count the paths that lead from a pixel to "
      "the unit. In one dimension conv2 has");
  page.preformatted("1 1 1   ->   1 1 1 1 1 1   ->   1 2 3 3 3 3 2 1");
  page.paragraph(
      "paths: three taps of conv2 two pixels apart, two places of the pooling at each, three taps "
      "of "
      "conv1 at each of those. If all weigh the same, the gradient is as large as their number; "
      "with "
      "weights of random signs it is about as large as its square root. Both are in the table.");
  for (const bool trained : {true, false}) {
    const Net& net = trained ? s.net() : s.untrained;
    const std::string which = trained ? "trained" : "untrained";
    for (const char* layer : {"conv1", "conv2", "pool2"}) measure(net, layer, which);
  }
  page.picture(
      "effective_fields", beside(pictures),
      {.what = concat("Effective receptive fields of the units in the middle: |gradient| of one "
                      "unit with respect "
                      "to each pixel, in the mean over all channels and ",
                      some.size(), " test images."),
       .read = "Bright pixels matter, dark ones do not; the box is what the unit could see.",
       .scale = "Each map from 0 (black) to its own largest value (pale yellow).",
       .alt = "Three bright blobs, each inside its square box."});
  page.table(
      concat(
          "The side of the smallest centred square with 95 % of the effective field, and the "
          "standard deviation of the bell, in pixels, beside that of a patch whose pixels all "
          "matter the same. The two columns between them say what the number of paths predicts, if "
          "all paths weigh the same and if their signs are random.",
          s.elsewhere()
              ? concat(" The untrained network has fresh weights of seed ", s.options.seed, ".")
              : ""),
      {"unit", "can see", "95 % within", "sigma", "paths, equal", "paths, random signs",
       "if all equal", "inside the box"},
      rows);
  const bool middle = conv2.sigma() < 0.95 * if_equal(conv2);
  page.finding(
      middle ? "Of all that a unit can see, the middle counts most."
             : "A unit makes even use of all that it can see.",
      concat("conv2 can see ", conv2.box.height, " x ", conv2.box.width,
             " pixels. The effective field has a standard deviation of ", fixed(conv2.sigma(), 2),
             " pixels, against ", fixed(if_equal(conv2), 2),
             " if all mattered the same (the paths predict ", fixed(predicted("conv2").equal, 2),
             " to ", fixed(predicted("conv2").random, 2), "); 95 % of it is within ", conv2.side(),
             " x ", conv2.side(), ", and ", percent(conv2.inside),
             " inside the box, as the recursion demands."));
}
