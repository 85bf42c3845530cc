// SPDX-License-Identifier: MIT
//
// The gradient of a convolution's input, as sweeps over the padded dy with flipped weights.
//
//   dx[c] = the sum, over every o and tap, of what y[o] took from x[c] with it
//
// x[h] is read by y[oh] with tap kh when h + p = oh s + kh d. With h + p = q s + a, the taps of
// phase a are those with kh d % s = a, and oh = q - kh d / s. So there is one sweep for each of the
// s x s phases of x, and each has its own subset of the taps.
//
// Reference implementation: nn/reference/conv2d.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/core/check.hpp"
#include "fovea/kernels/depthwise.hpp"
#include "fovea/kernels/image_chunks.hpp"
#include "fovea/kernels/padded.hpp"
#include "fovea/kernels/sweep.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// Its tables, made once.
template <class T>
class InputGradient {
 public:
  InputGradient() = default;
  /// Throws when a padded gradient is too large, or the stride.
  [[gnu::cold]] explicit InputGradient(const ConvolutionShape& shape)
      : shape_(shape),
        depthwise_(suits_depthwise<T>(shape)),
        as_it_is_(shape.pointwise() && shape.pixels() >= lanes<T>) {
    check(shape.stride.h * shape.stride.w <= most_phases, "convolution: a stride of ", shape.stride,
          " is too large for this image");
    plan_phases();
    plan_offsets();
  }

  /// What run() needs.
  ScratchSize scratch() const { return {gradient_size() + sums_size(), shape_.weights()}; }

  /// dx from dy.
  FOVEA_OUT_OF_LINE void run(View<const T, 4> dy, const T* w, View<T, 4> dx, Scratch<T>& scratch,
                             int threads) const {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape_;
    const Index N = dx.extent(0), pixels = shape_.pixels();
    T* const permuted = scratch.shared();
    permute_weights(w, permuted);
    for_image_chunks(
        N, groups, C, Work{O} * kernel.h * kernel.w * pixels, threads,
        [&, groups = groups, C = C](Index n, Index g, Index c, Index count, int thread) {
          T* const padded = scratch.own(thread);
          if (!as_it_is_) pad_gradient(dy, n, g, padded);
          const Index first = g * C + c;
          run_image(as_it_is_ ? dy[n][g * shape_.O].data() : padded, permuted, first, count,
                    dx.data() + (n * groups * C + first) * pixels, padded + gradient_size());
        });
  }

  // The steps of run() by themselves, so that benchmarks can time them without the copies.

  /// Elements of scratch for the sums of one image.
  Index sums_size() const {
    Index sums = 0;
    for (const Phase& phase : phases_) sums = std::max(sums, phase.sweep.template sums_size<T>());
    return sums;
  }
  /// The gradients of one group's outputs, padded.
  Index gradient_size() const {
    return shape_.O * padded_.size() + padded_.extent.w + 4 * lanes<T>;
  }
  /// Writes them from dy (n, g).
  void pad_gradient(View<const T, 4> dy, Index n, Index g, T* padded) const {
    const auto [OH, OW] = shape_.output;
    const Index pitch = padded_.extent.w, above = padded_.before.h * pitch + padded_.before.w;
    for (Index o = 0; o < shape_.O; ++o, padded += padded_.size()) {
      std::fill_n(padded, above, T{0});
      spread_plane(dy[n][g * shape_.O + o].data(), OH, OW, padded + above, pitch);
      std::fill(padded + padded_.before.h * pitch + OH * pitch, padded + padded_.size(), T{0});
    }
  }

  /// For every phase the matrix (groups C, O taps) that its sweep multiplies with.
  void permute_weights(const T* w, T* permuted) const {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape_;
    const Index area = kernel.h * kernel.w;
    const std::int32_t* tap = taps_.data();
    for (const Phase& phase : phases_) {
      for (Index g = 0; g < groups; ++g)
        for (Index c = 0; c < C; ++c)
          for (Index o = 0; o < O; ++o)
            for (Index t = 0; t < phase.taps; ++t)
              *permuted++ = w[((g * O + o) * C + c) * area + tap[t]];
      tap += phase.taps;
    }
  }

  /// dx of `count` channels of one image from the padded gradient; `first` counts over all groups.
  void run_image(const T* padded, const T* permuted, Index first, Index count, T* dx,
                 T* sums) const {
    const auto [H, W] = shape_.image;
    if (depthwise_) {
      // The forward kernel with flipped weights, from two rows and columns before the first.
      const Sweep& at = phases_[0].sweep;
      T w[9];
      std::reverse_copy(permuted + first * 9, permuted + first * 9 + 9, w);
      return depthwise(padded + at.first - 2 * at.pitch - 2, at.pitch, w, T{0}, H, W, dx);
    }
    const std::int32_t* offsets = offsets_.data();
    for (const Phase& phase : phases_) {
      const Index depth = shape_.O * phase.taps;
      sweep(phase.sweep, offsets, depth, permuted + first * depth, count, padded, sums,
            {.y = dx + phase.first.h * W + phase.first.w,
             .plane = H * W,
             .row = shape_.stride.h * W,
             .step = shape_.stride.w});
      offsets += depth;
      permuted += shape_.groups * shape_.C * depth;
    }
  }

 private:
  // One phase of dx: the pixels first + (i, j) s, from y's `nearest` + (i, j) and those before it.
  struct Phase {
    Sweep sweep{};
    Extent2 first{0}, nearest{0};
    Index taps = 0;  // of the kernel, how many
  };

  // The phases, the taps of each, and how much padding dy needs for them.
  [[gnu::cold]] void plan_phases() {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape_;
    Extent2 before{0}, beyond = output;
    for (Index a = 0; a < stride.h; ++a)
      for (Index b = 0; b < stride.w; ++b) {
        Phase phase;
        const Extent2 first =
            phase.first = {modulo(a - padding.h, stride.h), modulo(b - padding.w, stride.w)};
        const Extent2 q = phase.nearest = {(first.h + padding.h - a) / stride.h,
                                           (first.w + padding.w - b) / stride.w};
        for (Index kh = 0; kh < kernel.h; ++kh) {
          if (kh * dilation.h % stride.h != a) continue;
          for (Index kw = 0; kw < kernel.w; ++kw) {
            if (kw * dilation.w % stride.w != b) continue;
            taps_.push_back(static_cast<std::int32_t>(kh * kernel.w + kw));
            phase.taps += 1;
            before.h = std::max(before.h, kh * dilation.h / stride.h - q.h);
            before.w = std::max(before.w, kw * dilation.w / stride.w - q.w);
          }
        }
        phase.sweep.rows = first.h < image.h ? (image.h - 1 - first.h) / stride.h + 1 : 0;
        phase.sweep.cols = first.w < image.w ? (image.w - 1 - first.w) / stride.w + 1 : 0;
        beyond.h = std::max(beyond.h, q.h + phase.sweep.rows);
        beyond.w = std::max(beyond.w, q.w + phase.sweep.cols);
        phases_.push_back(phase);
      }
    padded_ = {1, before, {before.h + beyond.h, before.w + beyond.w}};
    check(offsets_reach({padded_.extent.h, padded_.extent.w, O}), "convolution: a gradient of ", O,
          " planes of ", padded_.extent, " is too large");
  }

  // Where each sweep begins in the padded dy, and where its rows do.
  [[gnu::cold]] void plan_offsets() {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape_;
    const Extent2 before = padded_.before;
    const std::int32_t* tap = taps_.data();
    for (Phase& phase : phases_) {
      phase.sweep.pitch = padded_.extent.w;
      phase.sweep.first = padded_.offset(phase.nearest.h + before.h, phase.nearest.w + before.w);
      for (Index o = 0; o < O; ++o)
        for (Index t = 0; t < phase.taps; ++t) {
          const Index dh = tap[t] / kernel.w * dilation.h / stride.h;
          const Index dw = tap[t] % kernel.w * dilation.w / stride.w;
          offsets_.push_back(
              static_cast<std::int32_t>(o * padded_.size() - padded_.offset(dh, dw)));
        }
      tap += phase.taps;
    }
  }

  static Index modulo(Index value, Index s) { return (value % s + s) % s; }
  static constexpr Index most_phases = 1 << 20;  // of a stride

  ConvolutionShape shape_{};
  PaddedChannel padded_{};  // of dy
  std::vector<std::int32_t> taps_{},
      offsets_{};  // kh KW + kw, and the rows of the sweeps, by phases
  std::vector<Phase> phases_{};
  bool depthwise_ = false;
  bool as_it_is_ = false;  // dy need not be copied
};

}  // namespace fovea::inline FOVEA_ABI::kernels
