// SPDX-License-Identifier: MIT
//
// Training that looks at a validation set: when to stop, and when to take smaller steps.
//
//   auto [train, validation] = split(data, 5000, 1);
//   EarlyStopping stop{.patience = 5};
//   for (std::uint64_t epoch = 0; !stop.now(); ++epoch) {
//     ...an epoch...
//     if (stop.add(loss_on(validation))) save_model("best.safetensors", net);
//   }
//
//   EarlyStopping   stops when the last `patience` values brought nothing better (Prechelt, Early
//                   stopping - but when?, 1998)
//   Plateau         multiplies the rate by `factor` after `patience` values without a better one
//
// Smaller values are better, as of a loss; of an accuracy take the negative. A value is better if
// it is below the best so far by more than `margin`; a NaN never is.
#pragma once

#include <cmath>
#include <limits>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// Whether to go on.
struct EarlyStopping {
  static constexpr const char* name = "early_stopping";  ///< in checkpoints
  Index patience = 5;  ///< values without a better one, until it stops
  double margin = 0;   ///< 0 or more: by how much a value has to be better

  /// One more value. Whether it is the best so far.
  bool add(double value) {
    check(patience > 0 && margin >= 0, "EarlyStopping: expected a patience of 1 or more and a ",
          "margin of 0 or more, got ", patience, " and ", margin);
    const bool better = value < best() - margin;
    if (better) {
      numbers_(0) = value;
      numbers_(2) = numbers_(1);
    }
    numbers_(1) += 1;
    return better;
  }
  /// Whether to stop.
  bool now() const { return numbers_(1) - numbers_(2) > static_cast<double>(patience); }
  /// The smallest value, or infinity.
  double best() const { return numbers_(0); }
  /// Which value that was, from 0 on.
  Index best_at() const { return static_cast<Index>(numbers_(2)); }
  /// The values so far.
  Index count() const { return static_cast<Index>(numbers_(1)); }

  /// What a checkpoint keeps.
  static constexpr auto state() {
    return std::make_tuple(std::pair{"numbers", &EarlyStopping::numbers_});
  }

  /// The best value, how many there were, which of them was the best.
  Tensor<double, 1> numbers_{std::numeric_limits<double>::infinity(), 0.0, 0.0};
};

/// A rate that falls when nothing gets better.
struct Plateau {
  static constexpr const char* name = "plateau";  ///< in checkpoints
  double rate = 0.1;                              ///< at first
  double factor = 0.1;                            ///< in (0, 1)
  Index patience = 10;  ///< values without a better one, until the rate falls
  double margin = 0;    ///< 0 or more: by how much a value has to be better
  double smallest = 0;  ///< the rate does not fall below

  /// One more value, and the rate from now on.
  double add(double value) {
    check(0 < factor && factor < 1 && patience >= 0 && margin >= 0 && rate >= 0 && smallest >= 0,
          "Plateau: expected a factor in (0, 1) and a patience, a margin and rates of 0 or more, "
          "got ",
          factor, ", ", patience, ", ", margin, ", ", rate, " and ", smallest);
    if (value < numbers_(0) - margin) {
      numbers_(0) = value;
      numbers_(1) = 0;
    } else if (++numbers_(1) > static_cast<double>(patience)) {
      numbers_(1) = 0;
      numbers_(2) *= factor;
    }
    return now();
  }
  /// The rate.
  double now() const { return std::max(rate * numbers_(2), std::min(rate, smallest)); }

  /// What a checkpoint keeps.
  static constexpr auto state() {
    return std::make_tuple(std::pair{"numbers", &Plateau::numbers_});
  }

  /// The best value, how many were not better since, the factor of the rate.
  Tensor<double, 1> numbers_{std::numeric_limits<double>::infinity(), 0.0, 1.0};
};

}  // namespace fovea::inline FOVEA_ABI
