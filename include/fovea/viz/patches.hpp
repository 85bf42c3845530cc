// SPDX-License-Identifier: MIT
//
// patch_grid: for every channel the patches that excite it most; kernel_matrix: all kernels of a
// convolution at once.
//
//   patch_grid(patches, {.title = "conv2: what excites each channel"})   // (C, P, H, W), in [0, 1]
//   kernel_matrix(weight, {.title = "conv2"})                            // (O, C, KH, KW)
//
// How to read a patch grid: each square is one channel. If its patches look alike, the channel has
// found a pattern with a name; if not, it answers to several.
// How to read a kernel matrix: column o, row c is what output channel o does with input channel c,
// red adds and blue subtracts. A pale row is an input channel that no output uses.
#pragma once

#include <string>
#include <vector>

#include "fovea/viz/gallery.hpp"

namespace fovea::inline FOVEA_ABI {

/// How the patches are laid out.
struct PatchGridOptions {
  std::string title = {};
  Index zoom = 3, columns = 8;             ///< columns: channels in a row
  std::vector<std::string> captions = {};  ///< of the channels; none: their numbers
};

/// Patches (C, P, H, W) with values in [0, 1]: P of them in a square for each of C channels.
template <Ranked<4> X>
Image patch_grid(const X& patches, const PatchGridOptions& options = {}) {
  const auto [C, P, H, W] = patches.shape();
  check(patches.shape().size() > 0, "patch_grid: expected patches (C, P, H, W), got ",
        patches.shape());
  check(options.zoom > 0 && options.columns > 0,
        "patch_grid: expected a zoom and columns of at least 1, got ", options.zoom, " and ",
        options.columns);
  Index side = 1;
  while (side * side < P) ++side;
  constexpr Index margin = 24, header = 36, gap = 16, between = 2, caption = 24;
  const Index zoom = options.zoom, step_y = H * zoom + between, step_x = W * zoom + between;
  const Index cell_h = (P + side - 1) / side * step_y + caption, cell_w = side * step_x;
  const Index columns = std::min(C, options.columns), rows = (C + columns - 1) / columns;
  Image image(
      2 * margin + header + rows * (cell_h + gap) - gap,
      2 * margin + std::max(columns * (cell_w + gap) - gap, Image::text_width(options.title)));
  image.text(margin, margin, options.title);
  for (Index c = 0; c < C; ++c) {
    const Index top = margin + header + c / columns * (cell_h + gap),
                left = margin + c % columns * (cell_w + gap);
    for (Index p = 0; p < P; ++p)
      image.map(top + p / side * step_y, left + p % side * step_x, as_const(patches)[c][p], zoom,
                grey);
    const auto i = static_cast<std::size_t>(c);
    image.text(top + cell_h - caption + 4, left,
               options.captions.empty()      ? std::to_string(c)
               : i < options.captions.size() ? options.captions[i]
                                             : "");
  }
  return image;
}

/// How the kernels are drawn.
struct KernelMatrixOptions {
  std::string title = {};
  Index zoom = 4;  ///< pixels for one weight
};

/// All kernels (O, C, KH, KW) on one symmetric scale: column o, row c.
template <Ranked<4> X>
Image kernel_matrix(const X& kernels, const KernelMatrixOptions& options = {}) {
  const auto [O, C, KH, KW] = kernels.shape();
  check(kernels.shape().size() > 0, "kernel_matrix: expected kernels (O, C, KH, KW), got ",
        kernels.shape());
  check(options.zoom > 0, "kernel_matrix: expected a zoom of at least 1, got ", options.zoom);
  double largest = 0;
  for (const auto value : as_const(kernels))
    if (std::isfinite(value)) largest = std::max(largest, std::abs(static_cast<double>(value)));
  const double scale = largest > 0 ? largest : 1;
  constexpr Index margin = 24, header = 36, axis = 40, bar = 116;
  const Index step_y = KH * options.zoom + 2, step_x = KW * options.zoom + 2, left = margin + axis,
              top = margin + header + axis;
  const Index grid_w = O * step_x, grid_h = std::max<Index>(C * step_y, 100);
  Image image(top + grid_h + margin, std::max(left + grid_w + bar + margin,
                                              Image::text_width(options.title) + 2 * margin));
  image.text(margin, margin, options.title);
  image.text(margin + header - 4, left, "output channel");
  image.text(top - 20, margin, "in");
  // Every fifth number, if need be every tenth.
  for (Index o = 0; o < O; o += step_x * 5 < 40 ? 10 : 5)
    image.text(top - 20, left + o * step_x, std::to_string(o));
  for (Index c = 0; c < C; c += step_y * 5 < 20 ? 10 : 5)
    image.text(top + c * step_y, margin, std::to_string(c));
  for (Index o = 0; o < O; ++o)
    for (Index c = 0; c < C; ++c)
      image.map(top + c * step_y, left + o * step_x, as_const(kernels)[o][c], options.zoom,
                [&](double value) { return diverging(value / scale); });
  detail::draw_scale(image, top, left + grid_w + 24, std::min<Index>(grid_h, 220), -scale, scale,
                     true);
  return image;
}

}  // namespace fovea::inline FOVEA_ABI
