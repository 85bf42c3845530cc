// SPDX-License-Identifier: MIT
//
// Filters: is this kernel an edge detector? Measured, not asserted.
//
// A convolution here is a cross-correlation, so a kernel is a picture of what it responds to most.
// Each kernel w (KH, KW) is compared with templates t drawn at its size: Gaussian derivatives, the
// textbook model of simple cells (Marr and Hildreth 1980; Young 1987). With a across and b along
// the direction, r^2 = a^2 + b^2, in pixels from the middle, and K the smaller side,
//
//   edge   a exp(-r^2 / 2s^2), s = K/3.5                  16 directions; K = 3: the Sobel operator
//   line   (1 - a^2/s^2) exp(-a^2/2s^2 - 2b^2/K^2)        8 directions,  s = K/6; bright or dark
//   spot   (1 - r^2/2s^2) exp(-r^2/2s^2)                  s = K/6; bright or dark: centre, surround
//
// by Pearson's correlation, <w - mean w, t> / (|w - mean w| |t|) with t of mean zero. That
// leaves the mean out; `flat`, the share of |w|^2 that the mean makes up, is the other half of
// the story, and where it explains more of w than the best template does, the kind of the filter
// is flat: it sees brightness.
//
// How to read a correlation: nine random numbers also look like something, since so many templates
// offer themselves. `random_matches` measures by how much; an untrained network's filters are
// another yardstick, match_filters(untrained conv1.weight).
//
//   const auto matches = match_filters(conv1.weight);             // one for each (o, c)
//   const auto chance  = random_matches({3, 3}, {.seed = 1});      // one in twenty is above [9500]
//   for (Index i : gallery_order(matches)) ...
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "fovea/core/math.hpp"
#include "fovea/core/ops.hpp"
#include "fovea/core/random.hpp"
#include "fovea/nn/conv2d.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a kernel can resemble.
enum class FilterKind { edge, line, spot, flat };

/// "edge", "line", "spot" or "flat".
inline std::string to_string(FilterKind kind) {
  constexpr const char* names[] = {"edge", "line", "spot", "flat"};
  return names[static_cast<int>(kind)];
}

/// One of the patterns that kernels are compared with.
struct FilterTemplate {
  FilterKind kind;
  /// Degrees, counter-clockwise from the right. Of an edge towards bright, in [0, 360); of a line
  /// along it, in [0, 180); of a spot 0.
  double angle;
  Tensor<double, 2> weights;  ///< (KH, KW), mean 0, norm 1
};

/// Every template at the size of a kernel, which must be 3 x 3 or larger.
inline std::vector<FilterTemplate> filter_templates(Extent2 kernel) {
  check(kernel.h >= 3 && kernel.w >= 3, "filter templates: expected a kernel of 3 x 3 or larger, ",
        "got ", kernel.h, " x ", kernel.w);
  const auto K = static_cast<double>(std::min(kernel.h, kernel.w));
  std::vector<FilterTemplate> templates;
  // f(a, b): a to the direction of the angle, b to the left of it.
  const auto add = [&](FilterKind kind, double angle, auto&& f) {
    const double cosine = math::cos(angle * std::numbers::pi / 180);
    const double sine = math::sin(angle * std::numbers::pi / 180);
    Tensor<double, 2> t(Shape{kernel.h, kernel.w});
    for (Index h = 0; h < kernel.h; ++h)
      for (Index w = 0; w < kernel.w; ++w) {
        const double x = static_cast<double>(2 * w - kernel.w + 1) / 2;  // to the right
        const double y = static_cast<double>(kernel.h - 1 - 2 * h) / 2;  // upwards
        t(h, w) = f(x * cosine + y * sine, y * cosine - x * sine);
      }
    t = t - mean(t);
    t /= std::sqrt(sum(t * t));
    templates.push_back({kind, angle, std::move(t)});
  };
  for (int i = 0; i < 16; ++i)
    add(FilterKind::edge, 22.5 * i, [&](double a, double b) {
      const double s = K / 3.5;
      return a * math::exp(-(a * a + b * b) / (2 * s * s));
    });
  for (int i = 0; i < 8; ++i)
    add(FilterKind::line, 22.5 * i, [&](double b, double a) {
      const double s = K / 6;
      return (1 - a * a / (s * s)) * math::exp(-a * a / (2 * s * s) - 2 * b * b / (K * K));
    });
  add(FilterKind::spot, 0, [&](double a, double b) {
    const double s = K / 6, q = (a * a + b * b) / (2 * s * s);
    return (1 - q) * math::exp(-q);
  });
  return templates;
}

/// One kernel, and the template that it resembles most.
struct FilterMatch {
  Index out = 0, in = 0;  ///< the kernel is weight[out][in]
  FilterKind kind = FilterKind::flat;
  double angle = 0;  ///< degrees, as in FilterTemplate
  /// Pearson's, with the best template; negative for a dark line or spot. Of a flat kernel
  /// +-sqrt(flat), its cosine with the constant kernel.
  double correlation = 0;
  double flat = 0;  ///< the share of |w|^2 in the mean, [0, 1]
};

/// The best template for one kernel (KH, KW).
template <Ranked<2> X>
FilterMatch match_filter(const X& kernel, const std::vector<FilterTemplate>& templates) {
  const auto w = map(kernel, [](auto value) { return static_cast<double>(value); });
  const double average = mean(w), squares = sum(w * w);
  const auto shape = w - average;
  const double norm2 = sum(shape * shape);
  FilterMatch best;
  if (exactly_equal(squares, 0)) return best;
  best.flat = static_cast<double>(w.size()) * average * average / squares;
  // What is left of a constant kernel after its mean is rounding.
  if (norm2 > 1e-12 * squares)
    for (const auto& t : templates) {
      const double correlation = sum(shape * t.weights) / std::sqrt(norm2);
      if (std::abs(correlation) <= std::abs(best.correlation)) continue;
      if (t.kind == FilterKind::edge && correlation < 0) continue;  // its opposite is there, too
      best.kind = t.kind;
      best.angle = t.angle;
      best.correlation = correlation;
    }
  if (best.flat > best.correlation * best.correlation * norm2 / squares) {
    best.kind = FilterKind::flat;
    best.angle = 0;
    best.correlation = math::copysign(std::sqrt(best.flat), average);
  }
  return best;
}

/// The best template for each kernel of weights (O, C, KH, KW), in memory order: O C matches.
template <Ranked<4> X>
std::vector<FilterMatch> match_filters(const X& weight) {
  const auto [O, C, KH, KW] = weight.shape();
  const auto templates = filter_templates({KH, KW});
  std::vector<FilterMatch> matches;
  for (Index o = 0; o < O; ++o)
    for (Index c = 0; c < C; ++c) {
      matches.push_back(match_filter(as_const(weight)[o][c], templates));
      matches.back().out = o;
      matches.back().in = c;
    }
  return matches;
}

/// How many random kernels.
struct RandomMatchesOptions {
  Index count = 10000;     ///< kernels
  std::uint64_t seed = 0;  ///< kernel n, the match's `out`, is a function of (seed, n)
};

/// What chance gives: the matches of kernels of independent N(0, 1) weights, from the weakest
/// |correlation| to the strongest.
inline std::vector<FilterMatch> random_matches(Extent2 kernel, const RandomMatchesOptions& o = {}) {
  check(o.count > 0, "random_matches: expected a count of 1 or more, got ", o.count);
  Tensor<double, 4> weight(Shape{o.count, Index{1}, kernel.h, kernel.w});
  for (Index n = 0; n < o.count; ++n) {
    Rng rng{o.seed, n};
    for (double& w : weight[n]) w = rng.normal();
  }
  auto matches = match_filters(weight);
  std::stable_sort(matches.begin(), matches.end(), [](const FilterMatch& a, const FilterMatch& b) {
    return std::abs(a.correlation) < std::abs(b.correlation);
  });
  return matches;
}

/// In which order to hang them: by kind, within a kind by angle, the best match first.
inline std::vector<Index> gallery_order(const std::vector<FilterMatch>& matches) {
  std::vector<Index> order(matches.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    const auto key = [&](Index i) {
      const FilterMatch& m = matches[static_cast<std::size_t>(i)];
      return std::tuple{m.kind, m.angle, -std::abs(m.correlation)};
    };
    return key(a) < key(b);
  });
  return order;
}

}  // namespace fovea::inline FOVEA_ABI
