// SPDX-License-Identifier: MIT
//
// The pages of explain/ ask a trained network: dropout is off and batch normalisation uses its running values,
// whatever kind of workspace a page makes, and a second call says the same.
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
#include "support.hpp"
#include "toy_layers.hpp"

using namespace test;

namespace explain_contracts {

namespace {

auto network(double rate) {
  Rng rng{1};
  const Chain branch{Conv2d<float>{{.in = 4, .out = 4, .kernel = 3, .padding = 1}, rng},
                     toy::BatchNorm2d<float>{4}, toy::Dropout{rate}};
  Sequential net{Shape{1, 28, 28},
                 Conv2d<float>{{.in = 1, .out = 4, .kernel = 3, .padding = 1}, rng},
                 toy::BatchNorm2d<float>{4},
                 Relu{},
                 MaxPool2d{},
                 Residual{branch},
                 toy::Dropout{rate},
                 Flatten{},
                 Linear<float>{{.in = 784, .out = 10}, rng}};
  net.for_each_state([](const std::string& name, auto& tensor) {
    if (contains(name, "running_mean")) tensor.fill(0.3f);
    if (contains(name, "running_var")) tensor.fill(2.0f);
  });
  return net;
}
using Net = decltype(network(0));

// What each page says, in words, so that it can be compared.
std::vector<std::string> answers(const Net& net) {
  const Dataset data = synthetic_digits(24);
  const auto image = image_at<float>(data, 3);
  const auto black = black_image(net, data.scaling);
  std::vector<std::string> all;
  const auto add = [&](const auto& tensor) { all.push_back(to_string(tensor)); };
  add(net.predict(image));
  add(gradient_map(net, image, 3));
  add(smooth_grad(net, image, 3, {.samples = 3}));
  add(integrated_gradients(net, image, 3, black, {.steps = 8, .max_steps = 8}).map);
  add(occlusion(net, image, 3, black));
  add(grad_cam(net, image, 3, "pool1").map);
  add(effective_field<0>(net, data, {.row = 7, .col = 7}).map);
  for (const auto& layer : activations(net, image)) add(layer.maps);
  add(concat(deletion_curve(net, image, 3, magnitudes(gradient_map(net, image, 3)), black).area()));
  const auto map_of = [](const Net& n, auto x, Index k) { return gradient_map(n, x, k); };
  for (const auto& layer : randomisation_check(net, image, 3, map_of))
    add(concat(layer.correlation));
  add(ablate<0>(net, data).intact.counts());
  add(ablate<0>(net, data).silenced[1].counts());
  for (const auto& channel : top_patches<0>(net, data, {.count = 2}))
    for (const auto& patch : channel) add(concat(patch.activation));
  Attack attack{net, 4, data.scaling, fgsm(0.1)};
  for (const auto& [images, labels] : batches(data, 4, {.shuffle = false}))
    add(attack(net, images, labels));
  add(evaluate(net, batches(data, 5), 10).counts());
  for (const auto& answer : predictions(net, data).answers) add(concat(answer.confidence));
  add(prototypes(net, Tensor<Label, 1>{1, 2}, data.scaling, {.steps = 3}).images);
  return all;
}

}  // namespace

TEST_CASE("explain: a network with dropout and batch normalisation is asked in eval mode, twice") {
  const auto first = answers(network(0.5)), again = answers(network(0.5)),
             without = answers(network(0.0));
  REQUIRE(first.size() == without.size());
  CHECK(first.size() > 20);
  for (std::size_t i = 0; i < first.size(); ++i) {
    CAPTURE(i);
    CHECK(first[i] == again[i]);
    CHECK(first[i] == without[i]);
  }
}

}  // namespace explain_contracts
