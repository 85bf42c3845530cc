// SPDX-License-Identifier: MIT
//
// The pages of explain/ ask a trained network: dropout is off and batch normalisation uses its running values,
// whatever kind of workspace a page makes, and a second call says the same. A network made at run time gives the
// same answers to the last bit, of layers inside of others, too.
#include "explain/small.hpp"
#include "fovea/explain/ablation.hpp"
#include "fovea/explain/activations.hpp"
#include "fovea/explain/attacks.hpp"
#include "fovea/explain/effective_field.hpp"
#include "fovea/explain/faithfulness.hpp"
#include "fovea/explain/grad_cam.hpp"
#include "fovea/explain/gradients.hpp"
#include "fovea/explain/mistakes.hpp"
#include "fovea/explain/occlusion.hpp"
#include "fovea/explain/patches.hpp"
#include "fovea/explain/prototypes.hpp"
#include "fovea/explain/randomisation.hpp"

using namespace test;

namespace explain_contracts {

namespace {

auto branch(double rate, Rng& rng) {
  return Chain{Conv2d<float>{{.in = 4, .out = 4, .kernel = 3, .padding = 1}, rng},
               BatchNorm2d<float>{{.channels = 4}}, Dropout{rate}, Relu{}};
}

constexpr auto not_new = [](const std::string& name, auto& tensor) {
  const auto fill = [&](float value) {
    if constexpr (requires { tensor.fill(value); })
      tensor.fill(value);
    else
      std::fill_n(tensor.data, tensor.extents.size(), value);
  };
  if (contains(name, "running_mean")) fill(0.1f);
  if (contains(name, "running_var")) fill(2.0f);
};

auto network(double rate) {
  Rng rng{1};
  Sequential net{Shape{1, 28, 28},
                 Conv2d<float>{{.in = 1, .out = 4, .kernel = 3, .padding = 1}, rng},
                 BatchNorm2d<float>{{.channels = 4}},
                 Relu{},
                 MaxPool2d{},
                 Residual{branch(rate, rng)},
                 Dropout{rate},
                 Flatten{},
                 Linear<float>{{.in = 784, .out = 10}, rng}};
  net.for_each_state(not_new);
  return net;
}

Network<float> made_at_run_time(double rate) {
  Rng rng{1};
  Network<float> net;
  auto x = net.input(Shape{1, 28, 28});
  x = net.add(Conv2d<float>{{.in = 1, .out = 4, .kernel = 3, .padding = 1}, rng}, x);
  x = net.add(BatchNorm2d<float>{{.channels = 4}}, x);
  x = net.add(Relu{}, x);
  x = net.add(MaxPool2d{}, x);
  x = net.add(Residual{branch(rate, rng)}, x);
  x = net.add(Dropout{rate}, x);
  const auto rows = net.add(Flatten{}, x);
  net.add(Linear<float>{{.in = 784, .out = 10}, rng}, rows);
  net.for_each_state([](const std::string& name, AnyView<float> tensor) { not_new(name, tensor); });
  return net;
}

// What each page says, number by number.
struct Answer {
  std::string page;
  std::vector<double> numbers{};
};

template <class Net>
std::vector<Answer> answers(const Net& net, int threads) {
  const Dataset data = synthetic_digits(24);
  const auto image = image_at<float>(data, 3), black = black_image<float>(data);
  constexpr std::string_view inner = "residual1.f.conv1", rectified = "residual1.f.relu1";
  std::vector<Answer> all;
  const auto add = [&](const std::string& page, const auto& tensor) {
    all.push_back({page, {}});
    for (const auto value : tensor) all.back().numbers.push_back(static_cast<double>(value));
  };
  const auto gradient = gradient_map(net, image, 3, {.threads = threads});
  add("gradient", gradient.map);
  add("gradient x input", gradient_times_input(net, image, 3, {.threads = threads}).map);
  add("SmoothGrad", smooth_grad(net, image, 3, {.samples = 3, .seed = 2, .threads = threads}).map);
  add("integrated gradients",
      integrated_gradients(net, image, 3,
                           {.steps = 8, .max_steps = 8, .baseline = black, .threads = threads})
          .map);
  add("occlusion", occlusion(net, image, 3, {.baseline = black, .threads = threads}).map);
  for (const std::string_view layer : {std::string_view("pool1"), rectified})
    add("Grad-CAM", grad_cam(net, image, 3, {.layer = layer, .threads = threads}).map);
  for (const std::string_view layer : {std::string_view("conv1"), inner}) {
    add("effective field",
        effective_field(net, data, {.layer = layer, .row = 7, .col = 7, .threads = threads}).map);
    const auto ablation = ablate(net, data, {.layer = layer, .threads = threads});
    add("ablation", ablation.intact.counts());
    for (const auto& silenced : ablation.silenced) add("ablation", silenced.counts());
    for (const auto& channel :
         top_patches(net, data, {.layer = layer, .count = 2, .threads = threads}))
      for (const auto& patch : channel)
        add("patches", std::vector<double>{patch.activation, static_cast<double>(patch.row),
                                           static_cast<double>(patch.box.left)});
  }
  for (const auto& layer : activations(net, image, {.threads = threads}))
    add("activations of " + layer.layer, layer.maps);
  for (const auto& layer : activity(net, data, {.threads = threads}))
    add("activity of " + layer.layer, layer.by_map);
  for (const auto& field : receptive_fields(net))
    add("field of " + field.layer, std::vector<Index>{field.size.h, field.jump.w, field.start.h});
  add("deletion",
      deletion_curve(net, image, 3, gradient, {.baseline = black, .threads = threads}).logit);
  add("insertion",
      insertion_curve(net, image, 3, gradient, {.baseline = black, .threads = threads}).logit);
  const auto method = [&](const Net& n, auto x, Index k) {
    return gradient_map(n, x, k, {.threads = threads});
  };
  for (const auto& layer : randomisation_check(net, image, 3, method, {.seed = 5}))
    add("randomisation of " + layer.layer, std::vector<double>{layer.correlation});
  AttackOptions attacking = pgd(0.1);
  attacking.steps = 3, attacking.threads = threads;
  Attack attack{net, 4, data.scaling, attacking};
  for (const auto& [images, labels] : batches(data, 4, {.shuffle = false}))
    add("attack", attack(net, images, labels));
  add("under attack", under_attack(net, data, attacking).counts());
  add("evaluate", evaluate(net, data, {.batch_size = 5}).counts());
  add("predictions", predictions(net, data, {.threads = threads}).probabilities);
  add("prototypes",
      prototypes(net, Tensor<Label, 1>{1, 2}, data.scaling, {.steps = 3, .threads = threads})
          .images);
  return all;
}

void check_same(const std::vector<Answer>& all, const std::vector<Answer>& others) {
  REQUIRE(all.size() == others.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].page);
    CHECK(all[i].page == others[i].page);
    CHECK(all[i].numbers == others[i].numbers);
  }
}

}  // namespace

TEST_CASE("explain: a network with dropout and batch normalisation is asked in eval mode, twice") {
  const auto net = network(0.5);
  const auto first = answers(net, 1);
  CHECK(first.size() > 60);
  const auto pages = [&](const std::string& page) {
    return std::count_if(first.begin(), first.end(),
                         [&](const Answer& answer) { return answer.page == page; });
  };
  for (const char* list : {"activations of ", "activity of ", "field of "})
    for (const char* layer :
         {"conv1", "bn1", "residual1.f.conv1", "residual1.f.dropout1", "residual1.add", "fc1"}) {
      CAPTURE(layer);
      CHECK(pages(concat(list, layer)) == 1);
    }
  check_same(first, answers(net, 3));
  check_same(first, answers(network(0.0), 1));
}

TEST_CASE("explain: a network made at run time gives the same answers to the last bit") {
  const auto net = made_at_run_time(0.5);
  check_same(answers(network(0.5), 2), answers(net, 2));

  const auto image = image_at<float>(synthetic_digits(1), 0);
  CHECK(error_of([&] { gradient_map(net, image, 10); }) ==
        "gradient: expected a class in [0, 10), got 10");
  CHECK(error_of([&] {
          gradient_map(net, Tensor<float, 4>(Shape{1, 1, 28, 27}), 1);
        }) == "gradient: expected one image (1, 1, 28, 28), got (1, 1, 28, 27)");
  CHECK(contains(error_of([&] { grad_cam(net, image, 1, {.layer = "residual1.conv1"}); }),
                 "there is no layer residual1.conv1 in this network, only conv1 bn1 relu1 pool1 "
                 "residual1.f.conv1 residual1.f.bn1"));
  Network<float> maps, rows;
  Rng rng{1};
  maps.add(Relu{}, maps.input(Shape{1, 28, 28}));
  rows.add(Linear<float>{{.in = 3, .out = 2}, rng}, rows.input(Shape{3}));
  CHECK(error_of([&] { gradient_map(maps, image, 1); }) ==
        "expected a network that says logits (K), got one that says (1, 28, 28)");
  CHECK(error_of([&] { gradient_map(rows, image, 1); }) ==
        "expected a network that takes images (C, H, W), got one that takes (3)");
}

// Inside a residual, by hand.
TEST_CASE("explain: a layer inside of a residual, by what it means") {
  Rng rng{3};
  const auto conv = [&](Index in) {
    return Conv2d<double>{{.in = in, .out = 3, .kernel = 3, .padding = 1}, rng};
  };
  Sequential net{Shape{2, 11, 8}, conv(2),   Residual{Chain{conv(3), Relu{}, conv(3)}},
                 MaxPool2d{},     Flatten{}, Linear<double>{{.in = 60, .out = 4}, rng}};
  const auto data = random_images(90, {2, 11, 8}, 4, 2);
  const auto image = image_at<double>(data, 1);

  // Silencing a filter is zeroing its weights and bias; the skip goes on as before.
  const auto ablation = ablate(net, data, {.layer = "residual1.f.conv1"});
  int changed = 0;
  for (Index c = 0; c < 3; ++c) {
    auto without = net;
    without.for_each_parameter([&](const std::string& name, auto& tensor) {
      if (!name.starts_with("residual1.f.conv1.")) return;
      const Index size = tensor.size() / tensor.extent(0);
      std::fill_n(tensor.data() + c * size, size, 0);
    });
    const auto expected = evaluate(without, data);
    const auto& found = ablation.silenced[static_cast<std::size_t>(c)];
    CHECK(std::equal(expected.counts().begin(), expected.counts().end(), found.counts().begin()));
    changed += !std::equal(expected.counts().begin(), expected.counts().end(),
                           ablation.intact.counts().begin());
  }
  CHECK(changed > 0);

  // Grad-CAM: the weights are means of the gradient that comes back to this layer.
  auto w = net.workspace(1, {.keep = Keep::everything});
  net.forward(image, w);
  w.output_gradient().fill(0);
  w.output_gradient()(0, 2) = 1;
  net.backward(w);
  const auto a = w.activation("residual1.f.relu1").as<4>()[0],
             da = w.gradient("residual1.f.relu1").as<4>()[0];
  const auto cam = grad_cam(net, image, 2, {.layer = "residual1.f.relu1"});
  for (Index h = 0; h < 11; ++h)
    for (Index v = 0; v < 8; ++v) {
      double total = 0;
      for (Index c = 0; c < 3; ++c) total += mean(da[c]) * a(c, h, v);
      CHECK(cam.coarse(h, v) == doctest::Approx(std::max(total, 0.0)));
    }

  // The field of the inner unit lies in its box, which is smaller than that of the whole.
  const auto inner = effective_field(net, data, {.layer = "residual1.f.conv1"});
  CHECK(inner.box.height == 5);
  CHECK(inner.inside == 1);
  CHECK(sum(inner.map) > 0);
  CHECK(effective_field(net, data, {.layer = "residual1"}).box.height == 7);

  // The strongest unit of each channel, looked up in the image that is named.
  const auto patches = top_patches(net, data, {.layer = "residual1.f.conv2", .count = 2});
  REQUIRE(patches.size() == 3);
  for (std::size_t c = 0; c < 3; ++c) {
    REQUIRE(patches[c].size() == 2);
    for (const Patch& p : patches[c]) {
      const auto maps =
          of_layer(activations(net, image_at<double>(data, p.image)), "residual1.f.conv2").maps;
      CHECK(maps(static_cast<Index>(c), p.row, p.col) == doctest::Approx(p.activation));
      CHECK(max(maps[static_cast<Index>(c)]) == doctest::Approx(p.activation));
    }
  }
}

}  // namespace explain_contracts
