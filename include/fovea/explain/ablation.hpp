// SPDX-License-Identifier: MIT
//
// Filter ablation: does anyone miss it? Silence one channel of a layer, set all it says to zero, and
// count the right answers again. For a convolution that is what zeroing the filter's weights and bias
// does.
//
//   loss of channel c = accuracy of the network - accuracy with channel c at zero    (points)
//
// How to read it: most channels can go without harm, for others say nearly the same; the few with a
// large loss carry something of their own. A negative loss is possible, and mostly chance: on N images
// one answer is 100/N points, so compare with the interval of the accuracy (train/metrics.hpp). See
// Morcos et al., On the importance of single directions for generalization, ICLR 2018.
//
//   const auto result = ablate<Net::index("conv2")>(net, test.part(0, 1000));
//   result.loss(17)                      // points lost without channel 17
//   result.silenced[17].counts()         // and which digits are now taken for which
//
// What stands before the layer runs once. A ReLU or a max-pool behind it works channel by channel and
// turns zeros into zeros, so silencing the channel behind them is the same, and cheaper.
#pragma once

#include <vector>

#include "fovea/explain/layers.hpp"
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

// The last of the layers behind i that keep a silent channel silent.
template <std::size_t i, std::size_t R, class... Layers>
constexpr std::size_t silent_until(const Sequential<R, Layers...>* = nullptr) {
  constexpr bool keeps[] = {std::is_same_v<Layers, Relu> || std::is_same_v<Layers, MaxPool2d>...};
  std::size_t last = i;
  while (last + 1 < sizeof...(Layers) && keeps[last + 1]) ++last;
  return last;
}

}  // namespace detail

/// The answers with each channel of layer i silenced in turn. Throws on an empty data set.
template <std::size_t i, class Net>
Ablation ablate(const Net& net, const Dataset& data, int threads = 0) {
  using T = typename Net::value_type;
  constexpr std::size_t at = detail::silent_until<i>(static_cast<const Net*>(nullptr));
  auto images = detail::in_order<T>("ablate", data);
  auto whole = net.workspace(images.batch_size(), {.keep = Keep::everything, .threads = threads});
  auto rest = net.workspace(images.batch_size(),
                            {.keep = Keep::output, .threads = threads, .prepack_weights = true});
  const Index C = whole.template activation<at>().extent(1);
  Ablation result{ConfusionMatrix(data.classes), {}};
  result.silenced.assign(static_cast<std::size_t>(C), ConfusionMatrix(data.classes));
  for (const auto& [x, labels] : images) {
    result.intact.add(net.forward(x, whole, Mode::eval), labels);
    Tensor<T, Net::template rank_after<at>> y(whole.template activation<at>());
    const Index size = y.size() / (y.extent(0) * C);  // of a channel of one image
    for (Index c = 0; c < C; ++c) {
      const auto before = whole.template activation<at>();
      for (Index n = 0; n < y.extent(0); ++n) {
        const Index channel = (n * C + c) * size;
        std::fill_n(y.data() + channel, size, T{0});
        if (c > 0) std::copy_n(before.data() + channel - size, size, y.data() + channel - size);
      }
      result.silenced[static_cast<std::size_t>(c)].add(
          net.template forward_after<at>(y, rest, Mode::eval), labels);
    }
  }
  return result;
}

}  // namespace fovea::inline FOVEA_ABI
