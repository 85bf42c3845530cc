// SPDX-License-Identifier: MIT
//
// Max-pooling: of every window only the strongest response passes: what is
// found matters more than where.
//
//   y[n,c,i,j] = max over kh,kw of  x[n, c, i s - p + kh d, j s - p + kw d]
//
//   x (N, C, H, W)    y (N, C, OH, OW)    stride s = kernel unless said otherwise
//
// With `.ceil_mode` a last window may reach beyond the bottom and the right, if it begins inside.
// Padding counts as -infinity and never wins. On a tie the first in raster order wins. A NaN always
// wins, so that it cannot hide.
//
//   forward     remember the winner:  winner[n,c,i,j] = its offset in the plane x[n,c]
//   backward    the gradient goes to the winner and nowhere else:  dx[n,c][winner] += dy[n,c,i,j]
#pragma once

#include <limits>

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a MaxPool2d is made with.
struct MaxPool2dOptions {
  Extent2 kernel = 2;      ///< pixels of the window
  Extent2 stride = 0;      ///< 0: the kernel, windows side by side
  Extent2 padding = 0;     ///< at most half the kernel; counts as -infinity
  Extent2 dilation = 1;    ///< d, pixels from one place of the window to the next
  bool ceil_mode = false;  ///< true: the number of windows is rounded up
  friend bool operator==(const MaxPool2dOptions&, const MaxPool2dOptions&) = default;
};

/// The maximum of every window: x (N, C, H, W) to y (N, C, OH, OW).
class MaxPool2d {
 public:
  static constexpr std::string_view kind = "pool";
  static constexpr bool ignores_output = true;  ///< backward does not read y

  MaxPool2dOptions options;

  struct Pass {
    Tensor<std::int32_t, 4> winner{};  // (N, C, OH, OW)
  };

  /// Throws on a padding of more than half the kernel.
  explicit MaxPool2d(MaxPool2dOptions o = {}) : options(o) {
    if (o.stride == Extent2{0}) options.stride = o.kernel;
    validate();
  }

  /// The same for options that were assigned later, where a stride of 0 is no longer the kernel.
  void validate() const {
    window().validate("MaxPool2d");
    const auto& [kernel, stride, padding, dilation, ceil] = options;
    check(2 * padding.h <= kernel.h && 2 * padding.w <= kernel.w,
          "MaxPool2d: expected a padding of at most half the kernel, got ", padding, " for ",
          kernel);
  }

  Window window() const {
    return {options.kernel, options.stride, options.padding, options.dilation};
  }

  std::string settings() const { return options.ceil_mode ? "rounded up" : ""; }

  Shape<4> output_shape(Shape<4> x) const {
    validate();
    const auto [N, C, H, W] = x;
    const auto [OH, OW] = pool_windows(window(), H, W, options.ceil_mode);
    check(OH > 0 && OW > 0, "a window of ", options.kernel, " does not fit into ", x);
    check(H * W <= std::numeric_limits<std::int32_t>::max(), "an image of ", x, " is too large");
    return {N, C, OH, OW};
  }

  Pass pass(Shape<4> x, const WorkspaceOptions&) const {
    return {.winner = Tensor<std::int32_t, 4>(output_shape(x))};
  }
  /// The same where a fused block does the work.
  Pass fused_pass(Shape<4>, const WorkspaceOptions&) const { return {}; }

  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    check_forward(*this, x, y);
    check_pass(y.shape(), pass);
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      for (Index c = 0; c < x.extent(1); ++c) forward_plane<T>(x[n][c], y[n][c], pass.winner[n][c]);
    });
  }

  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    check_pass(y.shape(), pass);
    if (dx.empty()) return;
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      dx[n].fill(T{0});
      for (Index c = 0; c < x.extent(1); ++c) {
        const auto in = dx[n][c];
        const auto out_gradient = dy[n][c];
        const auto winner = pass.winner[n][c];
        // dx[n,c][winner] += dy[n,c,i,j]                     | y[n,c,i,j] = x[n,c][winner]
        for (Index p = 0; p < winner.size(); ++p)
          in.data()[winner.data()[p]] += out_gradient.data()[p];
      }
    });
  }

 private:
  static void check_pass(const Shape<4>& y, const Pass& pass) {
    const auto& made = pass.winner.shape();
    check(y[0] <= made[0] && y == made.with_batch(y[0]),
          "MaxPool2d: expected a Pass for an output ", y, ", got one for ", made,
          "; pass(shape, options) makes it");
  }

  template <class T>
  void forward_plane(View<const T, 2> x, View<T, 2> y, View<std::int32_t, 2> winner) const {
    const auto [kernel, stride, padding, dilation] = window();
    const Index H = x.extent(0), W = x.extent(1);
    constexpr std::integral_constant<Index, 1> one;
    constexpr std::integral_constant<Index, 2> two;
    Index out = 0;
    for (Index oh = 0; oh < y.extent(0); ++oh) {
      const auto [top, rows] = places_inside(oh * stride.h - padding.h, kernel.h, dilation.h, H);
      for (Index ow = 0; ow < y.extent(1); ++ow, ++out) {
        const auto [left, cols] = places_inside(ow * stride.w - padding.w, kernel.w, dilation.w, W);
        const Index corner = top * W + left;
        // The usual window gets constants, from which the compiler makes straight-line code.
        const Index best =
            rows == 2 && cols == 2 && dilation == Extent2{1}
                ? strongest(x.data(), corner, W, one, two, two)
                : strongest(x.data(), corner, W * dilation.h, dilation.w, rows, cols);
        winner.data()[out] = static_cast<std::int32_t>(best);
        y.data()[out] = x.data()[best];
      }
    }
  }

  // The offset of the largest element of the window at `corner`, or of the first NaN. Its rows are
  // `down` apart in memory, its columns `right`.
  template <class T, class Right, class Rows, class Cols>
  static Index strongest(const T* x, Index corner, Index down, Right right, Rows rows, Cols cols) {
    Index best = corner;
    for (Index h = 0; h < rows; ++h)
      for (Index w = 0; w < cols; ++w) {
        // Arithmetic instead of a branch, which the processor could not predict.
        const Index offset = corner + h * down + w * right;
        const bool wins = !(x[offset] <= x[best]) & !std::isnan(x[best]);
        best += static_cast<Index>(wins) * (offset - best);
      }
    return best;
  }
};

/// max_pool2d(2): windows side by side.
inline MaxPool2d max_pool2d(const Extent2& kernel) { return MaxPool2d{{.kernel = kernel}}; }
inline MaxPool2d max_pool2d(const MaxPool2dOptions& options) { return MaxPool2d{options}; }

}  // namespace fovea::inline FOVEA_ABI
