// SPDX-License-Identifier: MIT
//
// Average pooling: of every window the mean.
//
//   y[n,c,i,j] = 1/K sum over kh,kw of x[n, c, i s - p + kh, j s - p + kw]
//   dx[n,c,h,w] = sum of dy[n,c,i,j] / K over the windows (i, j) that (h, w) lies in
//
//   x (N, C, H, W)    y (N, C, OH, OW)    stride s = kernel unless said otherwise
//
// K is the number of places in the window, padding included, as in PyTorch; or, with
// `.count_padding = false`, of pixels.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What an AvgPool2d is made with.
struct AvgPool2dOptions {
  Extent2 kernel = 2;         ///< pixels of the window
  Extent2 stride = 0;         ///< 0: the kernel, windows side by side
  Extent2 padding = 0;        ///< at most half the kernel; counts as 0
  bool count_padding = true;  ///< false: the mean is over pixels alone
  friend bool operator==(const AvgPool2dOptions&, const AvgPool2dOptions&) = default;
};

/// The mean of every window: x (N, C, H, W) to y (N, C, OH, OW).
class AvgPool2d {
 public:
  static constexpr std::string_view kind = "avgpool";

  AvgPool2dOptions options;

  /// Throws on a padding of more than half the kernel.
  explicit AvgPool2d(AvgPool2dOptions o = {}) : options(o) {
    if (o.stride == Extent2{0}) options.stride = o.kernel;
    validate();
  }

  /// The same for options that were assigned later, where a stride of 0 is no longer the kernel.
  void validate() const {
    window().validate("AvgPool2d");
    const auto& [kernel, stride, padding, counted] = options;
    check(2 * padding.h <= kernel.h && 2 * padding.w <= kernel.w,
          "AvgPool2d: expected a padding of at most half the kernel, got ", padding, " for ",
          kernel);
  }

  Window window() const { return {options.kernel, options.stride, options.padding, 1}; }

  std::string settings() const { return options.count_padding ? "" : "padding not counted"; }

  Shape<4> output_shape(Shape<4> x) const {
    validate();
    const auto [OH, OW] = window().output(x[2], x[3]);
    check(OH > 0 && OW > 0, "a window of ", options.kernel, " does not fit into ", x);
    return {x[0], x[1], OH, OW};
  }

  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, NoPass&, const Context& context) const {
    check_forward(*this, x, y);
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      for (Index c = 0; c < x.extent(1); ++c) {
        const auto in = x[n][c];
        T* out = y[n][c].data();
        each_window(in.shape(), y[n][c].shape(), [&](auto rows, auto cols, Index count) {
          T sum{0};
          for (Index h = rows.first; h < rows.second; ++h)
            for (Index w = cols.first; w < cols.second; ++w) sum += in(h, w);
          *out++ = sum / static_cast<T>(count);
        });
      }
    });
  }

  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx, NoPass&,
                const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    if (dx.empty()) return;
    parallel_for(context.threads, x.extent(0), [&](Index n, int) {
      dx[n].fill(T{0});
      for (Index c = 0; c < x.extent(1); ++c) {
        const auto in = dx[n][c];
        const T* out = dy[n][c].data();
        each_window(in.shape(), dy[n][c].shape(), [&](auto rows, auto cols, Index count) {
          const T g = *out++ / static_cast<T>(count);
          for (Index h = rows.first; h < rows.second; ++h)
            for (Index w = cols.first; w < cols.second; ++w) in(h, w) += g;
        });
      }
    });
  }

 private:
  // Calls f({first, last row}, {first, last column}, K) for the windows of a map, in raster order.
  template <class F>
  void each_window(const Shape<2>& in, const Shape<2>& out, const F& f) const {
    const auto& [kernel, stride, padding, counted] = options;
    // Pixels that window o covers along an axis.
    const auto pixels = [](Index o, Index s, Index p, Index k, Index size) {
      return std::pair{std::max<Index>(o * s - p, 0), std::min(o * s - p + k, size)};
    };
    for (Index i = 0; i < out[0]; ++i) {
      const auto rows = pixels(i, stride.h, padding.h, kernel.h, in[0]);
      for (Index j = 0; j < out[1]; ++j) {
        const auto cols = pixels(j, stride.w, padding.w, kernel.w, in[1]);
        f(rows, cols,
          counted ? kernel.h * kernel.w : (rows.second - rows.first) * (cols.second - cols.first));
      }
    }
  }
};

/// avg_pool2d(2): windows side by side.
inline AvgPool2d avg_pool2d(const Extent2& kernel) { return AvgPool2d{{.kernel = kernel}}; }
inline AvgPool2d avg_pool2d(const AvgPool2dOptions& options) { return AvgPool2d{options}; }

}  // namespace fovea::inline FOVEA_ABI
