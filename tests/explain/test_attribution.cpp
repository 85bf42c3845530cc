// SPDX-License-Identifier: MIT
#include "explain/golden.hpp"
#include "explain/networks.hpp"
#include "fovea/explain/grad_cam.hpp"
#include "fovea/explain/gradients.hpp"
#include "fovea/explain/occlusion.hpp"
#include "golden/fill.hpp"

using namespace test;

namespace {

template <TensorLike X, std::size_t count>
double error_against(const X& x, const double (&expected)[count]) {
  REQUIRE(as_const(x).size() == static_cast<Index>(count));
  const auto value = [](auto v) { return static_cast<double>(v); };
  return relative_error(map(x, value), View<const double, X::rank>(expected, x.shape()));
}

// y = x^3 / 3, so that dy/dx = x^2.
struct Cubes {
  static constexpr std::string_view kind = "cubes";
  Shape<4> output_shape(Shape<4> x) const { return x; }
  void forward(View<const double, 4> x, View<double, 4> y, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) y.data()[i] = std::pow(x.data()[i], 3) / 3;
  }
  void backward(View<const double, 4> x, View<const double, 4>, View<const double, 4> dy,
                View<double, 4> dx, NoPass&, const Context&) const {
    for (Index i = 0; i < x.size(); ++i) dx.data()[i] = x.data()[i] * x.data()[i] * dy.data()[i];
  }
};

template <class T>
auto golden_network() {
  Rng rng{1};
  Sequential net{Shape{2, 10, 7},
                 Conv2d<T>{{.in = 2, .out = 5, .kernel = 3, .padding = 1}, rng},
                 Relu{},
                 MaxPool2d{{.kernel = 2}},
                 Conv2d<T>{{.in = 5, .out = 4, .kernel = 2}, rng},
                 Relu{},
                 Flatten{},
                 Linear<T>{{.in = 32, .out = 6}, rng},
                 Relu{},
                 Linear<T>{{.in = 6, .out = 3}, rng}};
  Index number = 0;
  net.for_each_parameter([&](const std::string&, auto& tensor) {
    fill(tensor.view(), golden::explain::salt + number++, 1.0);
  });
  return net;
}

}  // namespace

TEST_CASE_TEMPLATE("golden: gradient, Grad-CAM and integrated gradients, as in PyTorch", T, double,
                   float) {
  const double tolerance = std::is_same_v<T, double> ? 1e-12 : 1e-5;
  const auto net = golden_network<T>();
  constexpr Index k = golden::explain::k, steps = golden::explain::steps;
  Tensor<T, 4> image(Shape{1, 2, 10, 7});
  fill(image.view(), golden::explain::salt + 50, 4.0);
  CHECK(error_against(net.predict(image), golden::explain::logits) <= tolerance);
  const auto gradient = gradient_map(net, image, k);
  CHECK(error_against(gradient.map, golden::explain::gradient) <= tolerance);
  CHECK(relative_error(gradient_times_input(net, image, k).map, gradient.map * image.view()[0]) ==
        0);
  const auto cam = grad_cam(net, image, k, {.layer = "relu2"});
  CHECK(cam.coarse.shape() == Shape{4, 2});
  CHECK(cam.map.shape() == Shape{1, 10, 7});
  CHECK(error_against(cam.coarse, golden::explain::cam_raw) <= tolerance);
  CHECK(error_against(cam.map, golden::explain::cam) <= tolerance);
  const Tensor<T, 4> baseline(image.shape(), static_cast<T>(golden::explain::black));
  const auto integrated = integrated_gradients(
      net, image, k, {.steps = steps, .max_steps = steps, .baseline = baseline});
  CHECK(integrated.steps == steps);
  CHECK(error_against(integrated.map, golden::explain::integrated) <= tolerance);
}

TEST_CASE("gradient: the planted weights, whatever the image") {
  const auto net = planted_network<double>();
  const auto image = random_tensor<double>(Shape{1, 2, 9, 7}, 1);
  for (const Index k : {0, 1, 2}) {
    const auto gradient = gradient_map(net, image, k).map;
    for (Index h = 0; h < 9; ++h)
      for (Index w = 0; w < 7; ++w) {
        CHECK(gradient(0, h, w) == 0);
        CHECK(gradient(1, h, w) == (!planted(h, w) || k == 0 ? 0 : k == 1 ? 1 : -1));
      }
  }
}

TEST_CASE("logit_gradient: every row of a batch answers its own question") {
  const auto net = digits_network<double>();
  const auto x = random_tensor<double>(Shape{3, 1, 28, 28}, 5);
  auto workspace = net.workspace(4, {.input_gradient = true});
  const Tensor<double, 2> z(logit_gradient(net, x, Tensor<Label, 1>{3, 0, 9}, workspace));
  CHECK(relative_error(z, net.predict(x)) <= 1e-12);
  for (const Index n : {0, 1, 2})
    CHECK(relative_error(workspace.input_gradient()[n], gradient_map(net, x.sub(n, 1),
                                                                     n == 0   ? 3
                                                                     : n == 1 ? 0
                                                                              : 9)
                                                            .map) <= 1e-12);
  CHECK(contains(error_of([&] {
                   logit_gradient(net, x, Tensor<Label, 1>{3, 0, 10}, workspace);
                 }),
                 "got 10"));
}

TEST_CASE("SmoothGrad: exact on a linear network, a function of the seed, less noisy with more") {
  const auto planted = planted_network<double>();
  const auto flat = random_tensor<double>(Shape{1, 2, 9, 7}, 1);
  CHECK(relative_error(smooth_grad(planted, flat, 1).map, gradient_map(planted, flat, 1).map) <=
        1e-12);

  const auto& net = trained_network();
  const auto image = digit_batch().images.sub(0, 1);
  const auto map = smooth_grad(net, image, 3, {.samples = 70, .seed = 1}).map;
  for (const int threads : {1, 2, 3, 7})
    CHECK(same_bits(
        map, smooth_grad(net, image, 3, {.samples = 70, .seed = 1, .threads = threads}).map));
  CHECK(!same_bits(map, smooth_grad(net, image, 3, {.samples = 70, .seed = 2}).map));
  CHECK(relative_error(smooth_grad(net, image, 3, {.noise = 0}).map,
                       gradient_map(net, image, 3).map) <= 1e-6);
  // Two estimates of the same mean are nearer to each other than two of less.
  const auto apart = [&](Index samples) {
    return relative_error(smooth_grad(net, image, 3, {.samples = samples, .seed = 3}).map,
                          smooth_grad(net, image, 3, {.samples = samples, .seed = 4}).map);
  };
  CHECK(apart(256) < 0.5 * apart(4));
}

TEST_CASE("SmoothGrad: the mean of x^2 under noise is x^2 plus the variance") {
  Rng rng{1};
  Sequential net{Shape{2, 9, 7}, Cubes{}, Flatten{}, Linear<double>{{.in = 126, .out = 2}, rng}};
  auto& [cubes1, flatten1, fc1] = net.layers();
  fc1.weight.fill(1);
  auto image = random_tensor<double>(Shape{1, 2, 9, 7}, 1);
  image(0, 0, 0, 0) = -1;
  image(0, 1, 8, 6) = 3;  // the range is 4
  const auto excess = smooth_grad(net, image, 1, {.samples = 2000, .noise = 0.2}).map -
                      gradient_map(net, image, 1).map;
  CHECK(mean(excess) == doctest::Approx(0.8 * 0.8).epsilon(0.03));
}

TEST_CASE("integrated gradients: complete on a trained network, for every image and class") {
  const auto& net = trained_network();
  const auto black = black_image(digits().test);
  const auto z = net.predict(digit_batch().images), z0 = net.predict(black);
  Index doubled = 0;
  for (Index n = 0; n < 20; ++n)
    for (const Index k : {static_cast<Index>(digit_batch().labels[n]), n % 10}) {
      const auto ig =
          integrated_gradients(net, digit_batch().images.sub(n, 1), k, {.baseline = black});
      const double rise = static_cast<double>(z(n, k) - z0(0, k));
      CAPTURE(ig.steps);
      CHECK(ig.residual <= 0.01);
      CHECK(ig.steps % 64 == 0);
      CHECK(ig.steps <= 4096);
      CHECK(std::abs(static_cast<double>(sum(ig.map)) - rise) <= 0.0101 * std::abs(rise));
      doubled += ig.steps > 64;
    }
  CHECK(doubled > 0);
  // Without doubling, a few steps are honest about what is missing.
  const auto rough = integrated_gradients(net, digit_batch().images.sub(0, 1), 3,
                                          {.steps = 1, .max_steps = 1, .baseline = black});
  CHECK(rough.residual > 0.01);
}

TEST_CASE("integrated gradients: exact on a linear network; nothing between equal images") {
  const auto net = planted_network<double>();
  const auto image = random_tensor<double>(Shape{1, 2, 9, 7}, 1),
             baseline = random_tensor<double>(Shape{1, 2, 9, 7}, 2);
  const auto ig = integrated_gradients(net, image, 2, {.steps = 1, .baseline = baseline});
  CHECK(ig.steps == 1);
  CHECK(ig.residual <= 1e-12);
  CHECK(ig.map(1, 3, 4) == doctest::Approx(baseline(0, 1, 3, 4) - image(0, 1, 3, 4)));
  CHECK(ig.map(0, 3, 4) == 0);
  CHECK(integrated_gradients(net, image, 2, {.baseline = image}).residual == 0);
  // Without a baseline it is 0.
  const auto from_zero = integrated_gradients(net, image, 2, {.steps = 1});
  CHECK(from_zero.map(1, 3, 4) == doctest::Approx(-image(0, 1, 3, 4)));
}

TEST_CASE("occlusion: finds the planted patch") {
  const auto net = planted_network<double>();
  Tensor<double, 4> image(Shape{1, 2, 9, 7}, 0.5);
  const Tensor<double, 4> baseline(image.shape(), -0.25);
  for (const Extent2 window : {Extent2{1, 1}, Extent2{2, 3}, Extent2{4, 2}}) {
    const auto map =
        occlusion(net, image, 1, {.window = window, .stride = 1, .baseline = baseline}).map;
    CHECK(map.shape() == Shape{1, 9, 7});
    CHECK(planted(argmax(map) / 7, argmax(map) % 7));
    CHECK(map(0, 3, 4) > 0.7);  // what one pixel adds: 0.75
    CHECK(map(0, 8, 0) == 0);
  }
  const auto pixels =
      occlusion(net, image, 2, {.window = 1, .stride = 1, .baseline = baseline}).map;
  for (Index h = 0; h < 9; ++h)
    for (Index w = 0; w < 7; ++w) CHECK(pixels(0, h, w) == (planted(h, w) ? -0.75 : 0));
  // Without a baseline it is 0.
  CHECK(occlusion(net, image, 1, {.window = 1, .stride = 1}).map(0, 3, 4) == 0.5);
  // A stride that leaves a remainder: every pixel is covered all the same.
  const auto strided =
      occlusion(net, image, 1,
                {.window = {4, 3}, .stride = {3, 2}, .baseline = baseline, .threads = 3})
          .map;
  // Of the four windows over (3, 4), rows 0-3 or 3-6 and columns 2-4 or 4-6, each hides 2 x 2 of
  // the patch.
  CHECK(strided(0, 0, 0) == 0);
  CHECK(strided(0, 3, 4) == doctest::Approx(0.75 * (2 * 2 + 2 * 2 + 2 * 2 + 2 * 2) / 4));
  CHECK(strided(0, 8, 6) == 0);
}

TEST_CASE("enlarge: constant stays, a ramp stays a ramp, one pixel fills everything") {
  CHECK(relative_error(enlarge_bilinear(Tensor<double, 2>(Shape{3, 2}, 0.7), 7, 5),
                       Tensor<double, 2>(Shape{7, 5}, 0.7)) <= 1e-15);
  CHECK(to_string(enlarge_bilinear(Tensor<double, 2>{{0, 1}}, 1, 4)) == "{{0, 0.25, 0.75, 1}}");
  CHECK(to_string(enlarge_bilinear(Tensor<float, 2>{{5}}, 2, 2)) == "{{5, 5},\n {5, 5}}");
  CHECK(contains(error_of([] { enlarge_bilinear(Tensor<float, 2>{{5}}, 0, 2); }), "got (1, 1)"));
}

TEST_CASE("attribution: bad input in words") {
  const auto& net = trained_network();
  const auto images = digit_batch().images;
  const auto one = images.sub(0, 1);
  const auto grey = Tensor<float, 4>(Shape{1, 1, 28, 27});
  CHECK(error_of([&] { gradient_map(net, images.sub(0, 2), 3); }) ==
        "gradient: expected one image (1, 1, 28, 28), got (2, 1, 28, 28)");
  CHECK(error_of([&] { gradient_map(net, one, 10); }) ==
        "gradient: expected a class in [0, 10), got 10");
  CHECK(contains(error_of([&] { gradient_times_input(net, one, -1); }), "got -1"));
  CHECK(contains(error_of([&] { gradient_times_input(net, grey, 1); }), "got (1, 1, 28, 27)"));
  CHECK(contains(error_of([&] { smooth_grad(net, one, 10); }), "SmoothGrad: expected a class"));
  CHECK(contains(error_of([&] { smooth_grad(net, one, 1, {.samples = 0}); }), "1 sample or more"));
  for (const double noise : {-1.0, HUGE_VAL})
    CHECK(contains(error_of([&] { smooth_grad(net, one, 1, {.noise = noise}); }),
                   "finite noise of 0 or more, got"));
  CHECK(contains(error_of([&] { integrated_gradients(net, one, 10); }), "got 10"));
  CHECK(error_of([&] { integrated_gradients(net, one, 1, {.baseline = grey}); }) ==
        "integrated gradients: expected one image (1, 1, 28, 28) as baseline, got (1, 1, 28, 27)");
  CHECK(contains(error_of([&] { integrated_gradients(net, one, 1, {.steps = 0}); }),
                 "1 step or more, got 0"));
  CHECK(contains(error_of([&] { occlusion(net, one, 10); }), "occlusion: expected a class"));
  CHECK(contains(error_of([&] { occlusion(net, one, 1, {.baseline = images}); }),
                 "occlusion: expected one image (1, 1, 28, 28) as baseline, got"));
  CHECK(contains(error_of([&] {
                   occlusion(net, one, 1, {.window = {29, 3}});
                 }),
                 "that fits into (1, 1, 28, 28), got"));
  CHECK(contains(error_of([&] {
                   occlusion(net, one, 1, {.window = 3, .stride = {1, 4}});
                 }),
                 "stride between 1 and the window"));
  const auto cam = [&](Index k, std::string_view layer) {
    return error_of([&] { grad_cam(net, one, k, {.layer = layer}); });
  };
  CHECK(contains(cam(10, "relu2"), "Grad-CAM: expected a class"));
  CHECK(contains(cam(1, "conv3"), "there is no layer conv3 in this network, only conv1 relu1"));
  CHECK(cam(1, "fc1") == "Grad-CAM: expected a layer with rows and columns, got fc1");
  CHECK(cam(1, "") ==
        "Grad-CAM: expected the path of a layer, as in {.layer = \"conv2\"}, got none");
}
