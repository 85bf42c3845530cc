// SPDX-License-Identifier: MIT
//
// The extents of a convolution as its steps see them: one group at a time.
#pragma once

#include <algorithm>

#include "fovea/kernels/window.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// x (N, groups C, H, W), w (groups O, C, KH, KW), y (N, groups O, OH, OW).
struct ConvolutionShape {
  Index groups = 1, C = 0, O = 0;   ///< groups, and the channels and outputs of one
  Extent2 image{0}, output{0};      ///< (H, W) and (OH, OW)
  Extent2 kernel{1}, stride{1};     ///< (KH, KW), and the stride
  Extent2 padding{0}, dilation{1};  ///< of the image, and of the kernel

  ConvolutionShape() = default;
  /// For a window that fits into x, and groups that divide channels and outputs.
  [[gnu::cold]] ConvolutionShape(const Shape<4>& x, Index outputs, const Window& w, Index g)
      : groups(g),
        C(x[1] / g),
        O(outputs / g),
        image{x[2], x[3]},
        output(w.output(x[2], x[3])),
        kernel(w.kernel),
        // One that leads out of the padded image is as good as one that just
        // does, and makes fewer phases.
        stride{std::min(w.stride.h, x[2] + 2 * w.padding.h),
               std::min(w.stride.w, x[3] + 2 * w.padding.w)},
        padding(w.padding),
        dilation(w.dilation) {
    if (!pointwise()) return;
    image = output = {1, image.h * image.w};
    dilation = {1, 1};
  }

  /// Whether every output reads the pixel at its own place alone, so that a plane is one long row
  /// and nothing has to be copied.
  bool pointwise() const {
    return kernel == Extent2{1} && stride == Extent2{1} && padding == Extent2{0};
  }

  /// Rows of im2col: the inputs of one output.
  Index K() const { return C * kernel.h * kernel.w; }
  /// Numbers in w.
  Index weights() const { return groups * O * K(); }
  /// Numbers in one channel of x.
  Index pixels() const { return image.h * image.w; }
  /// Numbers in one channel of y.
  Index outputs() const { return output.h * output.w; }
};

}  // namespace fovea::inline FOVEA_ABI::kernels
