// SPDX-License-Identifier: MIT
//
// Filter ablation: does anyone miss it? Silence one channel of a layer, set all it says to
// zero, and count the right answers again. For a convolution that is what zeroing the
// filter's weights and bias does.
//
//   loss of channel c = accuracy of the network - accuracy with channel c at zero    (points)
//
// How to read it: most channels can go without harm, for others say nearly the same; the few with a
// large loss carry something of their own. A negative loss is possible, and mostly
// chance: on N images one answer is 100/N points, so compare with the interval of the
// accuracy (train/metrics.hpp). See Morcos et al., On the importance of single directions
// for generalization, ICLR 2018.
//
//   const auto result = ablate(net, test.part(0, 1000), {.layer = "conv2"});
//   result.loss(17)                      // points lost without channel 17
//   result.silenced[17].counts()         // and which digits are now taken for which
//
// What stands before the layer runs once. A ReLU or a max-pool behind it works channel by channel
// and turns zeros into zeros, so silencing the channel behind them is the same, and cheaper. Around
// a layer inside of a residual the skip still carries what it carried.
#pragma once

#include <vector>

#include "fovea/explain/layers.hpp"
#include "fovea/nn/max_pool2d.hpp"
#include "fovea/nn/relu.hpp"
#include "fovea/train/metrics.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a network says with all channels, and without each of them.
struct Ablation {
  ConfusionMatrix intact;                 ///< with all channels
  std::vector<ConfusionMatrix> silenced;  ///< with this channel at zero

  /// Percentage points of accuracy lost without channel c.
  double loss(Index c) const {
    check(0 <= c && c < static_cast<Index>(silenced.size()), "ablation: expected a channel in [0, ",
          silenced.size(), "), got ", c);
    return intact.accuracy().percent() - silenced[static_cast<std::size_t>(c)].accuracy().percent();
  }
};

namespace detail {

// The last of the layers behind this one that keep a silent channel silent, by its path.
template <class T>
std::string silent_until(const Plan<T>& plan, std::string_view layer) {
  std::size_t value = plan.find(layer);
  while (value < plan.layer_count() && plan.readers(value) == std::vector{value} &&
         (plan.layer(value).template is<Relu>() || plan.layer(value).template is<MaxPool2d>()))
    ++value;
  return plan.layer(value - 1).path;
}

}  // namespace detail

/// Which layer is silenced.
struct AblationOptions {
  std::string_view layer = {};  ///< its path, "conv2"
  int threads = 0;              ///< 0: OMP_NUM_THREADS, or all
};

/// The answers with each channel of a layer silenced in turn. Throws on an empty data set.
template <Classifier Net>
Ablation ablate(const Net& net, const Dataset& data, const AblationOptions& o) {
  using T = typename Net::value_type;
  detail::check_layer("ablate", o.layer);
  auto images = detail::in_order<T>("ablate", data);
  auto w = net.workspace(images.batch_size(), {.keep = Keep::everything,
                                               .parameter_gradients = false,
                                               .threads = o.threads,
                                               .prepack_weights = true});
  const std::string layer = detail::silent_until(w.plan(), o.layer);
  const Index C = as_maps(w.activation(layer)).extent(1);
  Ablation result{ConfusionMatrix(data.classes), {}};
  result.silenced.assign(static_cast<std::size_t>(C), ConfusionMatrix(data.classes));
  for (const auto& [x, labels] : images) {
    result.intact.add(detail::logits_of(net, x, w), labels);
    const AnyView<const T> y = w.activation(layer);
    const Tensor<T, 4> intact(as_maps(y));
    Tensor<T, 4> silenced = intact;
    for (Index c = 0; c < C; ++c) {
      for (Index n = 0; n < x.extent(0); ++n) {
        silenced[n][c].fill(T{0});
        if (c > 0)
          std::copy(intact[n][c - 1].begin(), intact[n][c - 1].end(), silenced[n][c - 1].begin());
      }
      const auto logits = detail::with_rank<const T, 2>(
          net.forward_after(layer, {silenced.data(), y.extents}, w, Mode::eval));
      result.silenced[static_cast<std::size_t>(c)].add(logits, labels);
    }
  }
  return result;
}

}  // namespace fovea::inline FOVEA_ABI
