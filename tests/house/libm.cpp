// SPDX-License-Identifier: MIT
//
// A unit that uses whatever computes numbers, in float and in double, for test_libm.sh to read its symbols.
// It is compiled, never run.
#include <fovea/data/fit_digit.hpp>
#include <fovea/explain/ablation.hpp>
#include <fovea/explain/activations.hpp>
#include <fovea/explain/attacks.hpp>
#include <fovea/explain/corruptions.hpp>
#include <fovea/explain/effective_field.hpp>
#include <fovea/explain/faithfulness.hpp>
#include <fovea/explain/filters.hpp>
#include <fovea/explain/grad_cam.hpp>
#include <fovea/explain/gradients.hpp>
#include <fovea/explain/mistakes.hpp>
#include <fovea/explain/occlusion.hpp>
#include <fovea/explain/patches.hpp>
#include <fovea/explain/prototypes.hpp>
#include <fovea/explain/randomisation.hpp>
#include <fovea/explain/receptive_field.hpp>
#include <fovea/fovea.hpp>

using namespace fovea;

template <class T>
double everything(std::uint64_t seed) {
  const Dataset data = synthetic_digits(200, seed);
  Rng rng{seed};
  Sequential net{Shape{1, 28, 28}, Conv2d<T>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
                 Relu{},           Conv2d<T>{{.in = 8, .out = 8, .kernel = 5, .groups = 8}, rng},
                 Gelu{},           Elu{},
                 Silu{},           Tanh{},
                 Softplus{},       MaxPool2d{{.kernel = 2}},
                 Flatten{},        Linear<T>{{.in = 8 * 12 * 12, .out = 10}, rng}};
  auto w = net.workspace(50);
  AdamW adamw{net};
  Sgd sgd{net};
  const Augment augment{.rotate = 10, .noise = 0.1};
  for (const auto& [images, labels] : batches<T>(data, 50, {}, augment)) {
    const auto logits = net.forward(images, w);
    cross_entropy(logits, labels, w.output_gradient(), {.smoothing = 0.1});
    net.backward(w);
    adamw.options.learning_rate = OneCycle{.steps = seed}(adamw.steps());
    sgd.options.learning_rate = Cosine{.steps = seed}(sgd.steps());
    adamw.step(net, w);
    sgd.step(net, w);
  }
  double sum = evaluate(net, data).accuracy().interval().low;
  sum += gradient_check(Linear<double>{{.in = 3, .out = 2}, rng}, Shape{2, 3}).max_error;
  sum += static_cast<double>(softmax(net.predict(Tensor<T, 4>(Shape{1, 1, 28, 28})))(0, 0));
  sum += fit_digit(Tensor<std::uint8_t, 2>(Shape{30, 30}), "digit")(0, 0);

  const Scaling scaling = data.scaling;
  sum += under_attack(net, data, pgd(0.3)).accuracy().percent();
  for (const Corruption& corruption : corruption::mnist_c())
    sum += corrupt(data, corruption).images(0, 0, 0, 0);
  const Tensor<T, 4> image = image_at<T>(data, 0), black = black_image<T>(data);
  sum += ablate(net, data, {.layer = "conv1"}).loss(0) + activity(net, data)[0].zeros;
  sum += effective_field(net, data, {.layer = "pool1"}).sigma() +
         match_filters(std::get<0>(net.layers()).weight)[0].angle;
  sum += random_matches({3, 3}, {.count = 10, .seed = seed})[0].correlation;
  sum += deletion_curve(net, image, 1, gradient_map(net, image, 1), {.baseline = black}).area();
  sum += calibration_error(reliability(predictions(net, data)));
  sum += static_cast<double>(grad_cam(net, image, 1, {.layer = "relu2"}).map(0, 0, 0));
  sum += static_cast<double>(smooth_grad(net, image, 1).map(0, 0, 0));
  sum += static_cast<double>(integrated_gradients(net, image, 1, {.baseline = black}).map(0, 0, 0));
  sum += static_cast<double>(occlusion(net, image, 1, {.baseline = black}).map(0, 0, 0));
  sum += static_cast<double>(top_patches(net, data, {.layer = "conv1"}).size());
  sum += static_cast<double>(prototypes(net, Tensor<Label, 1>{1}, scaling).images(0, 0, 0, 0));
  return sum;
}

template double everything<float>(std::uint64_t);
template double everything<double>(std::uint64_t);
