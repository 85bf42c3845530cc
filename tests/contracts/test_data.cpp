// SPDX-License-Identifier: MIT
#include "contracts/contracts.hpp"

using namespace contracts;

namespace {

Dataset digits(Index count = 10) { return synthetic_digits(count, 3); }

// What a set of ten images becomes when the labels of some are lost.
Dataset fewer_labels() {
  Dataset data = digits();
  data.labels = Tensor<Label, 1>(Shape{7});
  return data;
}
Dataset fewer_images() {
  Dataset data = digits();
  data.images = Tensor<std::uint8_t, 4>(data.images.sub(0, 7));
  return data;
}

template <class Change = NoAugment>
void one_epoch(const Dataset& data, Index batch_size, BatchOptions options = {},
               Change change = {}) {
  for (const auto& [images, labels] : batches(data, batch_size, options, change))
    CHECK(images.extent(0) == labels.extent(0));
}

}  // namespace

TEST_CASE("contracts: data sets") {
  const Dataset data = digits();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  run({
      {"fewer labels: size", [] { fewer_labels().size(); },
       "synthetic: expected 10 labels, one for each image, found 7"},
      {"fewer labels: batches",
       [] {
         const auto d = fewer_labels();
         one_epoch(d, 4);
       },
       "expected 10 labels"},
      {"fewer labels: a part", [] { fewer_labels().part(0, 3); }, "expected 10 labels"},
      {"fewer labels: split", [] { split(fewer_labels(), 2, 1); }, "expected 10 labels"},
      {"fewer images: batches",
       [] {
         const auto d = fewer_images();
         one_epoch(d, 4);
       },
       "expected 7 labels, one for each image, found 10"},
      {"fewer images: batches in order",
       [] {
         const auto d = fewer_images();
         one_epoch(d, 4, {.shuffle = false});
       },
       "expected 7 labels"},
      {"fewer images: augmented batches",
       [] {
         const auto d = fewer_images();
         one_epoch(d, 4, {}, Augment{.shift = 1});
       },
       "expected 7 labels"},
      {"fewer images: a part", [] { fewer_images().part(0, 8); }, "expected 7 labels"},
      {"fewer images: split", [] { split(fewer_images(), 2, 1); }, "expected 7 labels"},
      {"fewer images: validate", [] { fewer_images().validate(); }, "expected 7 labels"},
      {"a part behind the end", [&] { data.part(8, 3); },
       "synthetic: expected a part of [0, 10), got 3 from 8"},
      {"a part whose end overflows", [&] { data.part(1, largest); }, "a part of [0, 10)"},
      {"a part from before the beginning", [&] { data.part(-1, 3); }, "a part of [0, 10)"},
      {"a part without an example", [&] { CHECK(data.part(10, 0).size() == 0); }, {}},
      {"more held out than there are", [&] { split(data, 11, 1); }, "at most 10 examples, got 11"},
      {"fewer than none held out", [&] { split(data, -1, 1); }, "got -1"},
      {"all held out", [&] { CHECK(split(data, 10, 1).first.size() == 0); }, {}},
      {"a label too large",
       [] {
         Dataset d = digits();
         d.labels(3) = 10;
         d.validate();
       },
       "labels in [0, 10), found 10 at 3"},
      {"a negative label",
       [] {
         Dataset d = digits();
         d.labels(4) = -1;
         d.validate();
       },
       "found -1 at 4"},
      {"no classes",
       [] {
         Dataset d = digits();
         d.classes = 0;
         d.validate();
       },
       "labels in [0, 0)"},
      {"no digits", [] { synthetic_digits(0); }, "1 or more, got 0"},
      {"more digits than memory", [] { synthetic_digits(huge); }, "does not fit into 63 bits"},
      {"a standard deviation of 0",
       [] {
         Dataset d = digits();
         d.scaling.std = 0;
         one_epoch(d, 4);
       },
       "a standard deviation above 0, got 0.13 and 0"},
      {"a mean of NaN",
       [=] {
         Dataset d = digits();
         d.scaling.mean = nan;
         one_epoch(d, 4);
       },
       "a finite mean"},
  });
}

TEST_CASE("contracts: batches") {
  static_assert(!std::is_constructible_v<Batches<float>, Dataset&&, Index, BatchOptions>);
  Dataset data = digits();
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  const auto augmented = [&](Augment change) { one_epoch(data, 4, {}, change); };
  auto four = batches(data, 4);
  run({
      {"a batch of nothing", [&] { one_epoch(data, 0); }, "a batch size of 1 or more, got 0"},
      {"a negative batch", [&] { one_epoch(data, -largest); }, "got -9223372036854775807"},
      {"a batch of 10^9 of ten images",
       [&] {
         auto all = batches(data, 1'000'000'000, {.shuffle = false});
         CHECK(all.batch_size() == 10);
         CHECK(all.count() == 1);
         CHECK(all[0].images.extent(0) == 10);
       },
       {}},
      {"the largest batch",
       [&] {
         auto all = batches(data, largest, {}, Augment{.shift = 1});
         CHECK(all.count() == 1);
         CHECK(all[0].labels.extent(0) == 10);
       },
       {}},
      {"an empty set",
       [] {
         const Dataset none = digits().part(0, 0);
         auto no_batches = batches(none, 64);
         CHECK(no_batches.count() == 0);
         CHECK(no_batches.batch_size() == 1);
         for (const auto& batch : no_batches) CHECK(batch.images.empty());
         Rng rng{1};
         const Sequential net{Shape{1, 28, 28}, Flatten{},
                              Linear<float>{{.in = 784, .out = 10}, rng}};
         CHECK(evaluate(net, no_batches, 10).accuracy().total == 0);
       },
       {}},
      {"an empty set: its first batch",
       [] {
         const Dataset none = digits().part(0, 0);
         auto no_batches = batches(none, 64);
         no_batches[0];
       },
       "a step in [0, 0), got 0"},
      {"a set from nowhere",
       [] {
         const Dataset none;
         CHECK(batches(none, 64).count() == 0);
       },
       {}},
      {"a step behind the end", [&] { four[3]; }, "a step in [0, 3), got 3"},
      {"a negative step", [&] { four[-1]; }, "got -1"},
      {"a step that overflows", [&] { four[huge]; }, "a step in [0, 3)"},
      {"a first step behind the end", [&] { one_epoch(data, 4, {.first_step = 4}); },
       "a first step in [0, 3], got 4"},
      {"a negative first step", [&] { one_epoch(data, 4, {.first_step = -1}); }, "got -1"},
      {"a part that no batch has", [&] { one_epoch(data, 4, {.parts = 3, .part = 3}); },
       "a part in [0, 3), got 3"},
      {"the first step at the end", [&] { one_epoch(data, 4, {.first_step = 3}); }, {}},
      {"negative threads", [&] { one_epoch(data, 4, {.threads = -2}); },
       "threads: expected 0 (all) or more, got -2"},
      {"the largest epoch and seed",
       [&] { one_epoch(data, 4, {.seed = UINT64_MAX, .epoch = UINT64_MAX}); },
       {}},
      {"the set shrinks",
       [&] {
         Dataset d = digits();
         auto all = batches(d, 4);
         d = d.part(0, 5);
         all[2];
       },
       "synthetic: expected the 10 images (10, 1, 28, 28) that the batches were made for, found "
       "(5, 1, 28, 28)"},
      {"the labels shrink",
       [&] {
         Dataset d = digits();
         auto all = batches(d, 4);
         d.labels = Tensor<Label, 1>(Shape{5});
         all[0];
       },
       "expected 10 labels"},
      {"the set is moved away",
       [&] {
         Dataset d = digits();
         auto all = batches(d, 4);
         const Dataset stolen = std::move(d);
         all[0];
       },
       "found (0, 0, 0, 0)"},
      {"the images change their extents",
       [&] {
         Dataset d = digits();
         auto all = batches(d, 4, {}, Augment{.shift = 1});
         d.images = Tensor<std::uint8_t, 4>(Shape{10, 1, 14, 28});
         all[0];
       },
       "found (10, 1, 14, 28)"},
      {"a negative shift", [=] { augmented({.shift = -1}); }, "a shift from 0 to 1e6, got -1"},
      {"a rotation of NaN", [=] { augmented({.rotate = nan}); }, "a rotate from 0 to 1e6, got nan"},
      {"an infinite noise", [=] { augmented({.noise = infinity}); },
       "a noise from 0 to 1e6, got inf"},
      {"a noise that overflows", [=] { augmented({.noise = 1e308}); }, "from 0 to 1e6, got 1e+308"},
      {"a scale of 1", [=] { augmented({.scale = 1}); }, "a scale below 1, got 1"},
      {"all that may be done to an image",
       [&] {
         for (const auto& [images, labels] :
              batches(data, 4, {},
                      Augment{.shift = 1e6, .rotate = 1e6, .scale = 0.999999, .noise = 1e6}))
           for (const float pixel : images) CHECK_UNARY(std::isfinite(pixel));
       },
       {}},
      {"augment into another shape",
       [&] {
         Tensor<float, 3> in(Shape{1, 5, 5}), out(Shape{1, 5, 4});
         augment<float>(in, out, {.shift = 1}, Rng{1});
       },
       "expected an output (1, 5, 5), got (1, 5, 4)"},
      {"warp in place, and an image without pixels",
       [&] {
         auto image = random_tensor<float>(Shape{1, 5, 5}, 1);
         Tensor<float, 3> out(image.shape()), none(Shape{1, 5, 0});
         warp<float>(image, out, {.rotate = 10});
         warp<float>(image, image, {.rotate = 10});
         CHECK(std::equal(image.begin(), image.end(), out.begin()));
         warp<float>(none, none, {.rotate = 10});
       },
       {}},
      {"warp by an infinite distance",
       [=] {
         Tensor<float, 3> image(Shape{1, 5, 5});
         warp<float>(image, image, {.dx = infinity});
       },
       "affine: expected a finite dx, got inf"},
      {"warp to nothing",
       [] {
         Tensor<float, 3> image(Shape{1, 5, 5});
         warp<float>(image, image, {.scale = 0});
       },
       "a scale above 0"},
      {"warp as far as numbers go",
       [] {
         auto image = random_tensor<float>(Shape{1, 5, 5}, 1);
         for (const double far : {1e-308, 1e308, -1e308}) {
           warp<float>(image, image,
                       {.rotate = 45, .scale = std::abs(far), .shear = far, .dx = far, .dy = -far});
           for (const float pixel : image) CHECK_UNARY(std::isfinite(pixel));
         }
       },
       {}},
  });
}

TEST_CASE("contracts: counting right answers") {
  const Dataset data = digits();
  Rng rng{1};
  const Sequential net{Shape{1, 28, 28}, Flatten{}, Linear<float>{{.in = 784, .out = 10}, rng}};
  const auto logits = random_tensor<float>(Shape{4, 3}, 1);
  run({
      {"evaluate: fewer classes than outputs", [&] { evaluate(net, batches(data, 4), 9); },
       "expected logits (4, 9), got (4, 10)"},
      {"evaluate: a data set of fewer classes than outputs",
       [&] {
         Dataset d = digits();
         d.classes = 9;
         evaluate(net, d);
       },
       "expected logits (10, 9), got (10, 10)"},
      {"evaluate: a data set, no image at a time", [&] { evaluate(net, data, {.batch_size = 0}); },
       "batches: expected a batch size of 1 or more, got 0"},
      {"evaluate: a data set, fewer than no threads", [&] { evaluate(net, data, {.threads = -1}); },
       "threads"},
      {"evaluate: an empty data set",
       [&] { CHECK(evaluate(net, data.part(0, 0)).accuracy().total == 0); },
       {}},
      {"evaluate: negative classes", [&] { evaluate(net, batches(data, 4), -1); },
       "expected extents of 0 or more, got -1"},
      {"evaluate: classes that overflow", [&] { evaluate(net, batches(data, 4), huge); },
       "63 bits"},
      {"evaluate: a label too large",
       [&] {
         Dataset d = digits();
         d.labels(3) = 10;
         evaluate(net, batches(d, 4), 10);
       },
       "confusion matrix: expected labels in [0, 10), got 10"},
      {"evaluate: images of another size",
       [&] {
         Dataset d = digits();
         d.images = Tensor<std::uint8_t, 4>(Shape{10, 1, 27, 28});
         evaluate(net, batches(d, 4), 10);
       },
       "(4, 1, 27, 28)"},
      {"confusion matrix: a label too large counts nothing",
       [&] {
         ConfusionMatrix counts(3);
         CHECK(contains(error_of([&] {
                          counts.add(logits, Tensor<Label, 1>{0, 1, 3, 2});
                        }),
                        "got 3 at 2"));
         CHECK(sum(counts.counts()) == 0);
       },
       {}},
      {"confusion matrix: fewer labels",
       [&] {
         ConfusionMatrix(3).add(logits, Tensor<Label, 1>{0, 1});
       },
       "expected logits (2, 3), got (4, 3)"},
  });
}
