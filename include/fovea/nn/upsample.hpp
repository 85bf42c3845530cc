// SPDX-License-Identifier: MIT
//
// Upsampling: an image with s times as many rows and columns.
//
//   nearest    y[i, j] = x[i / s, j / s]
//   bilinear   y[i, j] = x at ((i + 1/2) / s - 1/2, (j + 1/2) / s - 1/2), between the four pixels
//              around it; beyond the outermost centres the border pixel counts
//
//   x (N, C, H, W)    y (N, C, s H, s W)
//
// y is linear in x, y[i, j] = sum over its pixels p of a_p x[p], so dx[p] = sum of a_p dy[i, j].
#pragma once

#include <algorithm>
#include <array>

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// How a pixel between pixels is found.
enum class Interpolation { nearest, bilinear };

/// What an Upsample is made with.
struct UpsampleOptions {
  Extent2 scale = 2;                            ///< s, for rows and columns
  Interpolation mode = Interpolation::nearest;  ///< between pixels
  friend bool operator==(const UpsampleOptions&, const UpsampleOptions&) = default;
};

/// x (N, C, H, W) to y (N, C, s H, s W).
struct Upsample {
  static constexpr std::string_view kind = "upsample";
  UpsampleOptions options{};  ///< scale and mode

  std::string settings() const {
    return concat("scale ", options.scale,
                  options.mode == Interpolation::bilinear ? ", bilinear" : ", nearest");
  }

  Shape<4> output_shape(Shape<4> x) const {
    const auto [h, w] = options.scale;
    check(h > 0 && w > 0 && h <= largest_extent && w <= largest_extent,
          "Upsample: expected a scale of 1 or more, got ", options.scale);
    check(x[2] <= largest_extent / h && x[3] <= largest_extent / w, "an image of ", x,
          " would have too many rows or columns");
    return {x[0], x[1], x[2] * h, x[3] * w};
  }

  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, NoPass&, const Context& context) const {
    check_forward(*this, x, y);
    each_map(x.shape(), context, [&](Index n, Index c) {
      const auto in = x[n][c];
      const auto out = y[n][c];
      each_pixel<T>(
          in.shape(), out.shape(),
          [&](Index i, Index j, Index h, Index w, T share) { out(i, j) += share * in(h, w); },
          [&](Index i, Index j) { out(i, j) = 0; });
    });
  }

  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx, NoPass&,
                const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    if (dx.empty()) return;
    each_map(x.shape(), context, [&](Index n, Index c) {
      const auto in = dx[n][c];
      const auto out = dy[n][c];
      in.fill(T{0});
      each_pixel<T>(
          in.shape(), out.shape(),
          [&](Index i, Index j, Index h, Index w, T share) { in(h, w) += share * out(i, j); },
          [](Index, Index) {});
    });
  }

 private:
  template <class F>
  static void each_map(const Shape<4>& x, const Context& context, const F& f) {
    parallel_for(context.threads, x[0] * x[1], [&](Index map, int) { f(map / x[1], map % x[1]); });
  }

  // The one or two places of the input that place i of an output axis is made of, and their shares.
  template <class T>
  struct Sources {
    std::array<Index, 2> at;
    std::array<T, 2> share;
  };
  template <class T>
  Sources<T> sources(Index i, Index scale, Index size) const {
    if (options.mode == Interpolation::nearest) return {{i / scale, 0}, {T{1}, T{0}}};
    // In units of half an output pixel, which are whole numbers.
    const Index doubled = std::max<Index>(2 * i + 1 - scale, 0);
    const Index low = doubled / (2 * scale), high = std::min(low + 1, size - 1);
    const auto share = static_cast<T>(doubled % (2 * scale)) / static_cast<T>(2 * scale);
    return {{low, high}, {T{1} - share, share}};
  }

  // Calls start(i, j), and f(i, j, h, w, share) for the pixels that output (i, j) is made of.
  template <class T, class F, class Start>
  void each_pixel(const Shape<2>& in, const Shape<2>& out, const F& f, const Start& start) const {
    for (Index i = 0; i < out[0]; ++i) {
      const auto rows = sources<T>(i, options.scale.h, in[0]);
      for (Index j = 0; j < out[1]; ++j) {
        const auto cols = sources<T>(j, options.scale.w, in[1]);
        start(i, j);
        for (std::size_t a = 0; a < 2; ++a)
          for (std::size_t b = 0; b < 2; ++b)
            if (const T share = rows.share[a] * cols.share[b]; share > 0)
              f(i, j, rows.at[a], cols.at[b], share);
      }
    }
  }
};

/// upsample({.scale = 2}), for sequential<float>(...).
inline Upsample upsample(const UpsampleOptions& options = {}) { return {options}; }

}  // namespace fovea::inline FOVEA_ABI
