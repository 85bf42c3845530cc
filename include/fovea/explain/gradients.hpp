// SPDX-License-Identifier: MIT
//
// Attribution by gradients: which pixels does logit k depend on, for this image?
//
//   gradient              g(x) = d z_k / dx                what an infinitely small change does
//                         (Simonyan, Vedaldi, Zisserman: Deep inside convolutional networks, 2013)
//   gradient x input      x g(x)                           what a linear network would owe a pixel
//   SmoothGrad            mean of g(x + e), e ~ N(0, s^2)  the same without the noise of the kinks
//                         (Smilkov et al.: SmoothGrad: removing noise by adding noise, 2017)
//   integrated gradients  (x - x0) times the mean of g(x0 + t (x - x0)) over t in [0, 1]
//                         (Sundararajan, Taly, Yan: Axiomatic attribution for deep networks, 2017)
//
//   x (1, C, H, W)    x0 the same, a baseline that shows nothing    each map (C, H, W)
//
// How to read a map: positive where more of the pixel speaks for class k, negative where it speaks
// against it; places() is one number for each place of the image.
//
// Integrated gradients are complete: they sum to z_k(x) - z_k(x0), so every unit of the logit's
// rise is given to one pixel. The integral is a mean over n midpoints; n doubles until the sum is
// right to 1 %.
//
//   const auto ig = integrated_gradients(net, image, k, {.baseline = black_image(test)});
//   ig.residual <= 0.01                                  // |sum - (z_k(x) - z_k(x0))|, relative
#pragma once

#include <cmath>

#include "fovea/explain/attribution.hpp"
#include "fovea/explain/probe.hpp"

namespace fovea::inline FOVEA_ABI {

/// d z_k / dx, (C, H, W): logits per network unit.
template <Classifier Net>
Attribution<typename Net::value_type> gradient_map(const Net& net, ImagesOf<Net> image, Index k,
                                                   const LookOptions& o = {}) {
  check_question("gradient", net, image, k);
  const auto draw = [&](Index, auto x) { std::copy(image.begin(), image.end(), x.begin()); };
  return {probe_gradient(net, k, 1, draw, o.threads)};
}

/// x times d z_k / dx, (C, H, W), in logits.
template <Classifier Net>
Attribution<typename Net::value_type> gradient_times_input(const Net& net, ImagesOf<Net> image,
                                                           Index k, const LookOptions& o = {}) {
  return {gradient_map(net, image, k, o).map * image[0]};
}

/// How many noisy copies, and how noisy.
struct SmoothGradOptions {
  Index samples = 64;      ///< noisy copies
  double noise = 0.15;     ///< standard deviation, as a share of the image's range max x - min x
  std::uint64_t seed = 0;  ///< the noise of sample m is a function of (seed, m)
  int threads = 0;         ///< 0: OMP_NUM_THREADS, or all
};

/// The mean gradient of noisy copies, (C, H, W).
template <Classifier Net>
Attribution<typename Net::value_type> smooth_grad(const Net& net, ImagesOf<Net> image, Index k,
                                                  const SmoothGradOptions& o = {}) {
  using T = typename Net::value_type;
  check_question("SmoothGrad", net, image, k);
  check(o.samples >= 1, "SmoothGrad: expected 1 sample or more, got ", o.samples);
  check(o.noise >= 0 && std::isfinite(o.noise),
        "SmoothGrad: expected finite noise of 0 or more, got ", o.noise);
  const auto [low, high] = std::minmax_element(image.begin(), image.end());
  const double deviation = o.noise * static_cast<double>(*high - *low);
  const auto noisy = [&](Index m, View<T, 3> x) {
    Rng rng{o.seed, m};
    for (Index i = 0; i < x.size(); ++i)
      x.data()[i] = static_cast<T>(static_cast<double>(image.data()[i]) + deviation * rng.normal());
  };
  return {probe_gradient(net, k, o.samples, noisy, o.threads)};
}

/// Where the way to the image begins, and how finely it is cut.
template <class T>
struct IntegratedGradientsOptions {
  Index steps = 64;                ///< midpoints at first
  Index max_steps = 4096;          ///< no doubling beyond
  double tolerance = 0.01;         ///< the residual that is good enough
  View<const T, 4> baseline = {};  ///< (1, C, H, W), until the call ends; none: 0 in network units
  int threads = 0;                 ///< 0: OMP_NUM_THREADS, or all
};

/// A map whose sum should be the rise of the logit (Sundararajan et al. 2017).
template <class T>
struct IntegratedGradients : Attribution<T> {
  double residual = 0;  ///< |sum of the map - (z_k(x) - z_k(x0))| / |z_k(x) - z_k(x0)|
  Index steps = 0;      ///< midpoints in the end
};

/// How the way from the baseline to the image made logit k what it is, (C, H, W), in logits.
template <Classifier Net>
IntegratedGradients<typename Net::value_type> integrated_gradients(
    const Net& net, ImagesOf<Net> image, Index k,
    const IntegratedGradientsOptions<typename Net::value_type>& o = {}) {
  using T = typename Net::value_type;
  check_question("integrated gradients", net, image, k);
  const Tensor<T, 4> baseline = detail::baseline_or_zeros("integrated gradients", net, o.baseline);
  check(o.steps >= 1, "integrated gradients: expected 1 step or more, got ", o.steps);
  // The image at t: from the baseline, t = 0, to the image itself, t = 1.
  const auto draw = [&](double t, View<T, 3> x) {
    for (Index i = 0; i < x.size(); ++i) {
      const auto from = static_cast<double>(baseline.data()[i]);
      x.data()[i] = static_cast<T>(from + t * (static_cast<double>(image.data()[i]) - from));
    }
  };
  const auto ends = probe_logits(
      net, 2, [&](Index m, View<T, 3> x) { draw(static_cast<double>(m), x); }, o.threads);
  const double rise = static_cast<double>(ends(1, k)) - static_cast<double>(ends(0, k));
  const auto way = image[0] - baseline.view()[0];  // (C, H, W)
  for (Index steps = o.steps;; steps *= 2) {
    const auto midpoint = [&](Index m, View<T, 3> x) {
      draw((static_cast<double>(m) + 0.5) / static_cast<double>(steps), x);
    };
    auto result = way * probe_gradient(net, k, steps, midpoint, o.threads);
    double total = 0;
    for (const T value : result) total += static_cast<double>(value);
    const double error = std::abs(total - rise);
    const double residual = exactly_equal(error, 0) ? 0 : error / std::abs(rise);
    if (residual <= o.tolerance || 2 * steps > o.max_steps)
      return {{std::move(result)}, residual, steps};
  }
}

}  // namespace fovea::inline FOVEA_ABI
