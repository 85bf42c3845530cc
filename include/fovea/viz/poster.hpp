// SPDX-License-Identifier: MIT
//
// poster: one digit's way through a network, stage by stage from the top down.
//
//   poster({stage("input", image, Show::grey), stage("conv1", conv1, Show::activations), ...,
//           stage("logits", logits, Show::bars)}, {.title = "A 7 on its way"})
//
// How to read it: every band is what one layer hands to the next, a small picture for each channel,
// bright where the channel answers. From band to band there are more pictures with fewer, larger
// squares: less of where, more of what. On one scale for the whole stage maps may be
// compared with each other; with a scale for each map (`per_map`) faint ones can be seen
// too, and nothing may be compared.
#pragma once

#include <string>
#include <vector>

#include "fovea/core/math.hpp"
#include "fovea/core/ops.hpp"
#include "fovea/viz/image.hpp"

namespace fovea::inline FOVEA_ABI {

/// How the numbers of a stage are drawn: an image of greys in [0, 1], maps from 0 to the largest
/// value, maps with a sign, or bars, one for each map of a single number.
enum class Show { grey, activations, signed_values, bars };

/// What one layer hands to the next.
struct Stage {
  std::string name = {}, shape = {};       ///< shape as text: "32 x 28 x 28"
  Tensor<float, 3> maps = {};              ///< (M, H, W)
  Show show = Show::activations;           ///< how it is drawn
  std::vector<std::string> captions = {};  ///< of bars; none: their numbers
};

/// A stage of maps (M, H, W) in float or double, its shape written out.
template <Ranked<3> X>
Stage stage(std::string name, const X& maps, Show show, std::vector<std::string> captions = {}) {
  const auto [M, H, W] = maps.shape();
  return {std::move(name), H * W == 1 ? concat(M) : concat(M, " x ", H, " x ", W),
          map(maps, [](auto value) { return static_cast<float>(value); }), show,
          std::move(captions)};
}

/// How a poster is drawn.
struct PosterOptions {
  std::string title = {};
  bool per_map = false;  ///< every map on a scale of its own
};

namespace detail {

inline double largest_magnitude(View<const float, 3> maps) {
  double largest = 0;
  for (const float value : maps)
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

/// Sizes of one band of the poster, in pixels.
struct Band {
  static constexpr Index caption = 300, content = 1100, gap = 6;
  Index zoom = 1, columns = 1, step_y = 1, step_x = 1, height = 1;

  explicit Band(const Stage& stage) {
    const auto [M, H, W] = stage.maps.shape();
    check(M > 0 && H > 0 && W > 0, "poster: expected maps (M, H, W) in ", stage.name, ", got ",
          stage.maps.shape());
    if (stage.show == Show::bars) {
      check(H == 1 && W == 1, "poster: expected bars (M, 1, 1) in ", stage.name, ", got ",
            stage.maps.shape());
      step_y = 18;
      height = M * step_y;
    } else {
      const Index most = std::max(H, W), size = stage.show == Show::grey ? 112
                                                : most == 1              ? 11
                                                                         : 28;
      zoom = std::max<Index>(1, size / most);
      step_y = H * zoom + gap;
      step_x = W * zoom + gap;
      columns = std::clamp<Index>((content + gap) / step_x, 1, M);
      const Index rows = (M + columns - 1) / columns;
      columns = (M + rows - 1) / rows;  // no row much shorter than the others
      height = rows * step_y;
    }
    height = std::max<Index>(height, 80);
  }
};

inline void draw_bars(Image& image, Index top, Index left, const Stage& stage) {
  double low = 0, high = 0;
  Index best = 0;
  const auto values = stage.maps.flat();
  for (std::size_t m = 0; m < values.size(); ++m)
    if (std::isfinite(values[m])) {
      low = std::min(low, static_cast<double>(values[m]));
      high = std::max(high, static_cast<double>(values[m]));
      if (values[m] > values[static_cast<std::size_t>(best)]) best = static_cast<Index>(m);
    }
  constexpr Index names = 130, width = 640;
  const auto place = [&](double v) {
    return left + names +
           static_cast<Index>(math::round((v - low) / std::max(high - low, 1e-30) * width));
  };
  for (std::size_t m = 0; m < values.size(); ++m, top += 18) {
    const double v = static_cast<double>(values[m]);
    const std::string name = stage.captions.empty()      ? std::to_string(m)
                             : m < stage.captions.size() ? stage.captions[m]
                                                         : "";
    image.text(top, left + names - 12 - Image::text_width(name), name);
    const bool finite = std::isfinite(v);
    const Index from = finite ? place(std::min(v, 0.0)) : left + names,
                to = finite ? place(std::max(v, 0.0)) : from + 20;
    image.rectangle(top, from, 15, std::max<Index>(to - from, 1),
                    !finite                         ? grey(v)
                    : static_cast<Index>(m) == best ? Color{213, 94, 0}
                                                    : Color{120, 150, 180});
    image.text(top, left + names + width + 16, short_number(v));
  }
  image.rectangle(top - 18 * static_cast<Index>(values.size()), place(0),
                  18 * static_cast<Index>(values.size()) - 3, 2, ink);
}

inline void draw_maps(Image& image, Index top, Index left, const Stage& stage, const Band& band,
                      double scale, bool per_map) {
  const auto [M, H, W] = stage.maps.shape();
  for (Index m = 0; m < M; ++m) {
    const Index y = top + m / band.columns * band.step_y, x = left + m % band.columns * band.step_x;
    const double own = per_map ? largest_magnitude(stage.maps.view().sub(m, 1)) : scale;
    const double divisor = own > 0 ? own : 1;
    image.outline(y - 1, x - 1, H * band.zoom + 2, W * band.zoom + 2, frame);
    image.map(y, x, as_const(stage.maps)[m], band.zoom, [&](double v) {
      return stage.show == Show::grey          ? grey(v)
             : stage.show == Show::activations ? sequential(v / divisor)
                                               : diverging(v / divisor);
    });
  }
}

}  // namespace detail

/// All stages as one picture.
inline Image poster(const std::vector<Stage>& stages, const PosterOptions& options = {}) {
  check(!stages.empty(), "poster: expected at least one stage, got none");
  constexpr Index margin = 28, header = 44, between = 20;
  std::vector<detail::Band> bands;
  Index height = 2 * margin + header - between;
  for (const Stage& stage : stages) height += bands.emplace_back(stage).height + between;
  Image image(height, 2 * margin + std::max(detail::Band::caption + detail::Band::content,
                                            Image::text_width(options.title, 3)));
  image.text(margin, margin, options.title, 3);
  Index top = margin + header;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Stage& stage = stages[s];
    const double scale = detail::largest_magnitude(stage.maps);
    const Index left = margin + detail::Band::caption;
    image.text(top, margin, stage.name, 3);
    image.text(top + 30, margin, stage.shape);
    const bool maps = stage.show == Show::activations || stage.show == Show::signed_values;
    const std::string number = detail::short_number(scale),
                      text = concat(stage.show == Show::signed_values ? "-" + number : "0", " to ",
                                    number);
    if (maps) {
      Index dark = 0;
      for (Index m = 0; m < stage.maps.extent(0); ++m)
        dark += exactly_equal(detail::largest_magnitude(stage.maps.view().sub(m, 1)), 0);
      image.text(top + 52, margin,
                 concat(options.per_map ? "own scales" : text,
                        dark > 0 ? concat(", ", dark, " all 0") : ""));
    }
    if (stage.show == Show::bars)
      detail::draw_bars(image, top, left, stage);
    else
      detail::draw_maps(image, top, left, stage, bands[s], scale, options.per_map);
    if (s + 1 < stages.size()) {  // an arrow to the next stage
      const Index x = margin + 8, from = top + 74, to = top + bands[s].height + between - 4;
      image.line(from, x, to, x, ink, 3);
      for (const Index side : {-6, 6}) image.line(to - 6, x + side, to, x, ink, 3);
    }
    top += bands[s].height + between;
  }
  return image;
}

}  // namespace fovea::inline FOVEA_ABI
