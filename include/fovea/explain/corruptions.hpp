// SPDX-License-Identifier: MIT
//
// Corruptions: how does a network do on images that are a little worse than those it learnt from?
//
//   for (const Corruption& corruption : corruption::mnist_c()) {
//     const Dataset worse = corrupt(test, corruption, {.seed = 1});
//     evaluate(net, worse).accuracy();
//   }
//
// mnist_c() is MNIST-C-style: the fifteen corruptions of Mu and Gilmer, MNIST-C: A robustness
// benchmark for computer vision, 2019, computed at its severities. Every function follows the
// program of the benchmark as closely as its docstring says, and its default parameters are those
// severities. Two things differ everywhere: the random numbers, which are not NumPy's, and bytes,
// which are rounded to the nearest and not downwards. So an accuracy is of the published kind, not
// the published number. The others, gaussian_noise(sigma), gaussian_blur(sigma), cutout(side),
// rotation(degrees) and translation(dx, dy), have a parameter to draw a curve against.
#pragma once

#include <vector>

#include "fovea/explain/corruptions/blur.hpp"
#include "fovea/explain/corruptions/corruption.hpp"
#include "fovea/explain/corruptions/edges.hpp"
#include "fovea/explain/corruptions/geometry.hpp"
#include "fovea/explain/corruptions/noise.hpp"
#include "fovea/explain/corruptions/strokes.hpp"
#include "fovea/explain/corruptions/weather.hpp"

namespace fovea::inline FOVEA_ABI::corruption {

/// In the order of the benchmark.
inline std::vector<Corruption> mnist_c() {
  return {shot_noise(), impulse_noise(), glass_blur(),  motion_blur(), shear(),
          scale(),      rotate(),        brightness(),  translate(),   stripe(),
          fog(),        spatter(),       dotted_line(), zigzag(),      canny_edges()};
}

}  // namespace fovea::inline FOVEA_ABI::corruption
