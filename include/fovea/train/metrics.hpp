// SPDX-License-Identifier: MIT
//
// How good is a network? The share of right answers, how sure we can be of that number after so
// many examples, and which classes are taken for which.
//
//   evaluate(net, test).accuracy().percent()
#pragma once

#include <algorithm>
#include <cmath>

#include "fovea/core/ops.hpp"
#include "fovea/data/batches.hpp"
#include "fovea/model/sequential.hpp"
#include "fovea/nn/cross_entropy.hpp"

namespace fovea::inline FOVEA_ABI {

/// Right answers out of `total`, as percentages.
struct Accuracy {
  Index correct = 0, total = 0;  ///< answers

  /// 100 correct / total; 0 when there are none.
  double percent() const {
    return total == 0 ? 0.0 : 100.0 * static_cast<double>(correct) / static_cast<double>(total);
  }

  /// Two limits in percent.
  struct Interval {
    double low, high;  ///< percent
  };
  /// The 95 % interval of Wilson (Probable inference, JASA 22, 1927): it stays inside [0, 100] and
  /// is right where the textbook's p +- 1.96 sqrt(p (1-p) / n) fails, near 100 %.
  Interval interval() const {
    if (total == 0) return {0.0, 100.0};
    constexpr double z = 1.959963984540054;
    const double n = static_cast<double>(total), p = static_cast<double>(correct) / n;
    const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return {100.0 * std::max(0.0, centre - half), 100.0 * std::min(1.0, centre + half)};
  }
};

/// counts(true class, predicted class).
class ConfusionMatrix {
 public:
  /// For labels in [0, classes), all counts zero.
  explicit ConfusionMatrix(Index classes) : counts_(Shape{classes, classes}) {}

  /// Counts a batch: logits (N, K), labels (N).
  void add(View<const float, 2> logits, View<const Label, 1> labels) { count(logits, labels); }
  void add(View<const double, 2> logits, View<const Label, 1> labels) { count(logits, labels); }

  /// (classes, classes): row the truth, column the answer.
  const Tensor<Index, 2>& counts() const { return counts_; }

  /// The sum of the diagonal, out of all.
  Accuracy accuracy() const {
    Accuracy result{.correct = 0, .total = sum(counts_)};
    for (Index k = 0; k < counts_.extent(0); ++k) result.correct += counts_(k, k);
    return result;
  }

 private:
  template <class T>
  void count(View<const T, 2> logits, View<const Label, 1> labels) {
    check(logits.extent(0) == labels.extent(0) && logits.extent(1) == counts_.extent(0),
          "confusion matrix: expected logits (", labels.extent(0), ", ", counts_.extent(0),
          "), got ", logits.shape());
    for (Index n = 0; n < labels.extent(0); ++n)
      check(0 <= labels[n] && labels[n] < counts_.extent(0),
            "confusion matrix: expected labels in [0, ", counts_.extent(0), "), got ", labels[n],
            " at ", n);
    for (Index n = 0; n < labels.extent(0); ++n) ++counts_.at(labels[n], argmax(logits[n]));
  }

  Tensor<Index, 2> counts_;
};

/// Runs every batch through the network in eval mode and counts the answers: for examples that are
/// not those of a Dataset, augmented ones for instance.
template <class Net, class Batches>
requires requires(Batches& b) { b.batch_size(); }
ConfusionMatrix evaluate(const Net& net, Batches&& batches, Index classes, int threads = 0) {
  ConfusionMatrix confusion(classes);
  auto w = net.workspace(batches.batch_size(), {.keep = Keep::output, .threads = threads});
  using T = typename Net::value_type;
  for (const auto& [images, labels] : batches) {
    const AnyView<const T> logits(net.forward(images, w, Mode::eval));
    confusion.add(logits.template as<2>(), labels);
  }
  return confusion;
}

/// How evaluate() goes through a data set; the counts do not depend on it.
struct EvaluateOptions {
  Index batch_size = 100;  ///< examples at a time
  int threads = 0;         ///< 0: all
};

/// Runs a whole data set through the network in eval mode and counts the answers.
template <class Net>
ConfusionMatrix evaluate(const Net& net, const Dataset& data, const EvaluateOptions& options = {}) {
  using T = typename Net::value_type;
  return evaluate(net, batches<T>(data, options.batch_size, {.shuffle = false}), data.classes,
                  options.threads);
}

}  // namespace fovea::inline FOVEA_ABI
