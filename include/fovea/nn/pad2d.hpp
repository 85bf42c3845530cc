// SPDX-License-Identifier: MIT
//
// Padding: an image with a border.
//
//   y[i, j] = x[i - top, j - left]                 inside
//   zeros      0                                   outside
//   reflect    the image mirrored at its outermost rows and columns: 2 1 [0 1 2 3] 2 1
//   replicate  the nearest pixel:                                   0 0 [0 1 2 3] 3 3
//
//   x (N, C, H, W)    y (N, C, top + H + bottom, left + W + right)
//
// dx[h, w] is the sum of dy over all places that show x[h, w].
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/window.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a border is filled with.
enum class Border { zeros, reflect, replicate };

/// What a Pad2d is made with.
struct Pad2dOptions {
  Index top = 0, left = 0, bottom = 0, right = 0;  ///< rows and columns more, each 0 or more
  Border border = Border::zeros;                   ///< what it is filled with
  friend bool operator==(const Pad2dOptions&, const Pad2dOptions&) = default;
};

/// x (N, C, H, W) with a border.
struct Pad2d {
  static constexpr std::string_view kind = "pad";
  Pad2dOptions options{};  ///< how wide, and of what

  std::string settings() const {
    const auto& o = options;
    constexpr std::string_view names[]{"zeros", "reflect", "replicate"};
    return concat("top ", o.top, ", left ", o.left, ", bottom ", o.bottom, ", right ", o.right,
                  ", ", names[static_cast<int>(o.border)]);
  }

  Shape<4> output_shape(Shape<4> x) const {
    const auto& o = options;
    for (const Index side : {o.top, o.left, o.bottom, o.right})
      check(0 <= side && side <= largest_extent, "Pad2d: expected a border of 0 to ",
            largest_extent, " on each side, got ", side);
    check(x[2] > 0 && x[3] > 0, "expected an image of 1 x 1 or more, got ", x);
    if (o.border == Border::reflect)
      check(std::max(o.top, o.bottom) < x[2] && std::max(o.left, o.right) < x[3],
            "a reflected border has to be smaller than the image ", x, ", got ", o.top, ", ",
            o.left, ", ", o.bottom, " and ", o.right);
    return {x[0], x[1], o.top + x[2] + o.bottom, o.left + x[3] + o.right};
  }

  template <class T>
  void forward(View<const T, 4> x, View<T, 4> y, NoPass&, const Context& context) const {
    check_forward(*this, x, y);
    each_place(x, y, context, [](const T* from, T& to) { to = from ? *from : T{0}; });
  }

  template <class T>
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx, NoPass&,
                const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    if (dx.empty()) return;
    dx.fill(T{0});
    each_place(dx, dy, context, [](T* to, const T& g) {
      if (to) *to += g;
    });
  }

 private:
  // Where place i of an output axis comes from; -1: from nowhere.
  Index source(Index i, Index size) const {
    if (0 <= i && i < size) return i;
    if (options.border == Border::zeros) return -1;
    if (options.border == Border::replicate) return i < 0 ? 0 : size - 1;
    return i < 0 ? -i : 2 * (size - 1) - i;
  }

  // Calls f(pointer into `inner` or nullptr, element of `outer`) for all of `outer`.
  template <class Inner, class Outer, class F>
  void each_place(const Inner& inner, const Outer& outer, const Context& context,
                  const F& f) const {
    const Index C = inner.extent(1), H = inner.extent(2), W = inner.extent(3);
    parallel_for(context.threads, inner.extent(0) * C, [&](Index map, int) {
      const auto in = inner[map / C][map % C];
      const auto out = outer[map / C][map % C];
      for (Index i = 0; i < out.extent(0); ++i) {
        const Index h = source(i - options.top, H);
        for (Index j = 0; j < out.extent(1); ++j) {
          const Index w = source(j - options.left, W);
          f(h < 0 || w < 0 ? nullptr : &in(h, w), out(i, j));
        }
      }
    });
  }
};

/// pad2d({.top = 1, .left = 1}), for sequential<float>(...).
inline Pad2d pad2d(const Pad2dOptions& options) { return {options}; }

}  // namespace fovea::inline FOVEA_ABI
