// SPDX-License-Identifier: MIT
//
// Mistakes: which images the network gets wrong, how sure it is of that, and whether
// "98 % sure" can be believed.
//
//   confidence   = the largest softmax probability, that of the answer
//   calibrated   = of the images with confidence q, the share q is answered rightly
//   ECE          = sum over bins of  (images in bin / N) | accuracy of bin - mean confidence of bin
//                |
//
// (Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML 2017, with 15
// bins of equal width.) How to read a reliability diagram: accuracy over confidence; on the
// diagonal the network knows what it knows, below it is overconfident. A good network answers
// nearly all images in the last bin, so look at the counts before you trust the height of a bar:
// each is an Accuracy, whose interval() says how little a few images tell.
//
//   const auto told = predictions(net, test);
//   told.confusion.accuracy()
//   for (const Answer& wrong : confident_mistakes(told, 25)) ...      // the most confident first
//   const auto bins = reliability(told);
//   const double ece = calibration_error(bins);
#pragma once

#include <vector>

#include "fovea/explain/layers.hpp"
#include "fovea/train/metrics.hpp"

namespace fovea::inline FOVEA_ABI {

/// What the network says about one image.
struct Answer {
  Index image = 0;              ///< its index in the data set
  Label label = 0, answer = 0;  ///< the true class, and what the network takes it for
  double confidence = 0;        ///< the probability of the answer
  double of_label = 0;          ///< the probability of the true class
};

/// What a network says about a data set.
struct Predictions {
  Tensor<double, 2> probabilities;  ///< (N, K)
  std::vector<Answer> answers;      ///< in the order of the data set
  ConfusionMatrix confusion;        ///< of all answers
};

/// What the network says about every image. Throws on an empty data set.
template <Classifier Net>
Predictions predictions(const Net& net, const Dataset& data, const LookOptions& o = {}) {
  using T = typename Net::value_type;
  auto images = detail::in_order<T>("predictions", data);
  auto w = net.workspace(images.batch_size(), {.keep = Keep::output, .threads = o.threads});
  Predictions told{
      Tensor<double, 2>(Shape{data.size(), data.classes}), {}, ConfusionMatrix(data.classes)};
  for (const auto& [x, labels] : images) {
    const auto logits = detail::logits_of(net, x, w);
    told.confusion.add(logits, labels);
    const auto p = softmax(map(logits, [](T z) { return static_cast<double>(z); }));
    for (Index n = 0; n < x.extent(0); ++n) {
      const auto image = static_cast<Index>(told.answers.size());
      std::copy(p[n].begin(), p[n].end(), told.probabilities[image].begin());
      const Index best = argmax(logits[n]);
      told.answers.push_back(
          {image, labels[n], static_cast<Label>(best), p(n, best), p(n, labels[n])});
    }
  }
  return told;
}

/// At most `count` wrong answers, the most confident first; on a tie the earlier image.
inline std::vector<Answer> confident_mistakes(const Predictions& told, Index count) {
  check(count >= 0, "confident_mistakes: expected a count of 0 or more, got ", count);
  std::vector<Answer> wrong;
  for (const Answer& a : told.answers)
    if (a.answer != a.label) wrong.push_back(a);
  std::stable_sort(wrong.begin(), wrong.end(),
                   [](const Answer& a, const Answer& b) { return a.confidence > b.confidence; });
  if (static_cast<Index>(wrong.size()) > count) wrong.resize(static_cast<std::size_t>(count));
  return wrong;
}

/// The images with a confidence in (low, high].
struct ReliabilityBin {
  double low = 0, high = 0;  ///< the bin: confidences in (low, high]
  double confidence = 0;     ///< the mean; 0 in an empty bin
  Accuracy accuracy{};       ///< how many, and how many of them are right
};

/// The bars of a reliability diagram: bins of equal width over [0, 1].
inline std::vector<ReliabilityBin> reliability(const Predictions& told, Index bins = 15) {
  check(bins > 0, "reliability: expected 1 bin or more, got ", bins);
  std::vector<ReliabilityBin> result(static_cast<std::size_t>(bins));
  const auto edge = [&](Index b) { return static_cast<double>(b) / static_cast<double>(bins); };
  for (Index b = 0; b < bins; ++b) {
    auto& bin = result[static_cast<std::size_t>(b)];
    bin.low = edge(b);
    bin.high = edge(b + 1);
    for (const Answer& a : told.answers) {
      if (a.confidence > bin.high || (b > 0 && a.confidence <= bin.low)) continue;
      bin.confidence += a.confidence;
      bin.accuracy.correct += a.answer == a.label;
      ++bin.accuracy.total;
    }
    if (bin.accuracy.total > 0) bin.confidence /= static_cast<double>(bin.accuracy.total);
  }
  return result;
}

/// The expected calibration error, in [0, 1].
inline double calibration_error(const std::vector<ReliabilityBin>& bins) {
  double total = 0, error = 0;
  for (const ReliabilityBin& bin : bins) {
    const auto count = static_cast<double>(bin.accuracy.total);
    total += count;
    error += count * std::abs(bin.accuracy.percent() / 100 - bin.confidence);
  }
  check(total > 0, "calibration_error: expected one image or more, got none");
  return error / total;
}

}  // namespace fovea::inline FOVEA_ABI
