// SPDX-License-Identifier: MIT
//
// A corruption makes an image a little worse, and corrupt() does so to a whole data set.
//
//   const Dataset noisy = corrupt(test, corruption::gaussian_noise(0.3), {.seed = 1});
//   evaluate(net, noisy).accuracy();
//
// What happens to image n is a function of (seed, n): not of threads, not of the other images.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/core/parallel.hpp"
#include "fovea/data/dataset.hpp"

namespace fovea::inline FOVEA_ABI {

/// One way to spoil an image, with its name.
struct Corruption {
  std::string_view name = {};   ///< as MNIST-C spells it, where it has it: "shot_noise"
  std::string parameters = {};  ///< in words: "3 photons for white"
  /// `out` (C, H, W) is the corrupted image `in` (C, H, W); both in [0,
  /// 1], and not the same memory.
  std::function<void(View<const float, 3> in, View<float, 3> out, Rng rng)> apply = {};
};

/// How the random numbers are drawn.
struct CorruptOptions {
  std::uint64_t seed = 0;  ///< what happens to image n is a function of (seed, n)
  int threads = 0;         ///< 0: OMP_NUM_THREADS, or all
};

/// A copy of the data set with every image corrupted. Byte b is the number b / 255, and a number x
/// becomes the byte nearest to 255 x (the files of MNIST-C are rounded downwards).
inline Dataset corrupt(const Dataset& data, const Corruption& corruption,
                       const CorruptOptions& o = {}) {
  check(bool(corruption.apply), "corrupt: expected a corruption with a function, got ",
        corruption.name.empty() ? "an empty one" : corruption.name);
  Dataset result = data;
  result.name = concat(data.name, " with ", corruption.name);
  const auto [N, C, H, W] = data.images.shape();
  const Shape shape{C, H, W};
  parallel_blocks(resolve_threads(o.threads), N, 16, [&](Index first, Index last) {
    Tensor<float, 3> in(shape), out(shape);
    for (Index n = first; n < last; ++n) {
      std::transform(data.images[n].begin(), data.images[n].end(), in.begin(),
                     [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
      corruption.apply(in, out, Rng{o.seed, n});
      std::transform(out.begin(), out.end(), result.images[n].begin(), [](float x) {
        return static_cast<std::uint8_t>(std::clamp(x, 0.0f, 1.0f) * 255 + 0.5f);
      });
    }
  });
  return result;
}

namespace detail {

inline void check_amount(std::string_view what, double value, double most) {
  check(0 <= value && value <= most, what, " in [0, ", most, "], got ", value);
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
