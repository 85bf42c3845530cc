// SPDX-License-Identifier: MIT
#include "fovea/explain/mistakes.hpp"

#include "explain/small.hpp"

using namespace test;

TEST_CASE("predictions: every image, in order, as net.predict says") {
  const auto net = small_net<float>(1);
  const auto data = random_images(150, {2, 11, 8}, 4, 2);
  const auto told = predictions(net, data);
  REQUIRE(told.answers.size() == 150);
  CHECK(told.probabilities.shape() == Shape{150, 4});
  Index correct = 0;
  for (Index n = 0; n < 150; ++n) {
    const auto p = softmax(net.predict(image_at(data, n)));
    const Answer& a = told.answers[static_cast<std::size_t>(n)];
    CHECK(a.image == n);
    CHECK(a.label == data.labels(n));
    CHECK(a.answer == argmax(p));
    CHECK(a.confidence == doctest::Approx(max(p)).epsilon(1e-4));
    CHECK(a.of_label == doctest::Approx(p(0, a.label)).epsilon(1e-4));
    CHECK(told.probabilities(n, 2) == doctest::Approx(p(0, 2)).epsilon(1e-4));
    correct += a.answer == a.label;
  }
  CHECK(told.confusion.accuracy().correct == correct);

  const auto wrong = confident_mistakes(told, 1000);
  CHECK(static_cast<Index>(wrong.size()) == 150 - correct);
  for (std::size_t k = 0; k < wrong.size(); ++k) {
    CHECK(wrong[k].answer != wrong[k].label);
    CHECK(wrong[k].of_label < wrong[k].confidence);
    if (k > 0) CHECK(wrong[k].confidence <= wrong[k - 1].confidence);
  }
  CHECK(confident_mistakes(told, 3).size() == 3);
  CHECK(confident_mistakes(told, 3)[2].image == wrong[2].image);
}

TEST_CASE("reliability and ECE by hand") {
  Predictions told{{}, {}, ConfusionMatrix(2)};
  const auto add = [&](double confidence, bool right) {
    told.answers.push_back({static_cast<Index>(told.answers.size()), 0,
                            static_cast<Label>(right ? 0 : 1), confidence, 0});
  };
  add(0.5, true);  // (0.25, 0.5]
  add(0.6, false), add(0.7, true), add(0.74, true);
  add(0.9, true), add(1.0, false);
  const auto bins = reliability(told, 4);
  REQUIRE(bins.size() == 4);
  CHECK(bins[0].accuracy.total == 0);
  CHECK(bins[0].confidence == 0);
  CHECK(bins[1].accuracy.total == 1);
  CHECK(bins[2].accuracy.total == 3);
  CHECK(bins[2].accuracy.correct == 2);
  CHECK(bins[2].low == 0.5);
  CHECK(bins[2].high == 0.75);
  CHECK(bins[2].confidence == doctest::Approx(0.68));
  CHECK(bins[3].confidence == doctest::Approx(0.95));
  CHECK(bins[3].accuracy.percent() == 50);
  // 1/6 |1 - 0.5| + 3/6 |2/3 - 0.68| + 2/6 |0.5 - 0.95|
  CHECK(calibration_error(bins) == doctest::Approx(0.5 / 6 + 0.04 / 6 + 0.9 / 6));

  // A fair coin that says so is calibrated.
  told.answers.clear();
  for (int i = 0; i < 10; ++i) add(0.5, i % 2 == 0);
  CHECK(calibration_error(reliability(told)) == doctest::Approx(0));
}

TEST_CASE("mistakes: what is refused, in words") {
  const auto net = small_net<float>(3);
  auto data = random_images(2, {2, 11, 8}, 4, 4);
  CHECK(error_of([&] { predictions(net, data.part(0, 0)); }) ==
        "predictions: expected one image or more, got an empty data set");
  const auto told = predictions(net, data);
  CHECK(error_of([&] { reliability(told, 0); }) == "reliability: expected 1 bin or more, got 0");
  CHECK(contains(error_of([&] { confident_mistakes(told, -1); }), "got -1"));
  CHECK(contains(error_of([&] { calibration_error({}); }), "expected one image or more, got none"));
  data.classes = 5;
  CHECK(contains(error_of([&] { predictions(net, data); }), "expected logits (2, 5), got (2, 4)"));
}
