// SPDX-License-Identifier: MIT
//
// The outputs of a convolution as one sweep over the padded image.
//
//   y[o] = b[o] + sum over k of  W[o][k] x[offset[k] + .]
//
// Reference implementation: nn/reference/conv2d.hpp.
#pragma once

#include "fovea/kernels/depthwise.hpp"
#include "fovea/kernels/image_chunks.hpp"
#include "fovea/kernels/padded_image.hpp"
#include "fovea/kernels/sweep.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// Its tables, made once.
template <class T>
class ForwardSweep {
 public:
  ForwardSweep() = default;
  /// Over x in this layout.
  [[gnu::cold]] ForwardSweep(const ConvolutionShape& shape, const PaddedImage<T>& image)
      : shape_(shape),
        image_(image),
        sweep_{shape.output.h, shape.output.w, image_.pitch(), 0},
        depthwise_(suits_depthwise<T>(shape)),
        as_it_is_(shape.pointwise() && shape.pixels() >= lanes<T>) {}

  /// What run() needs.
  ScratchSize scratch() const { return {image_.size() + sums_size(), 0}; }

  /// y of x; `bias` may be null.
  FOVEA_OUT_OF_LINE void run(View<const T, 4> x, const T* w, const T* bias, View<T, 4> y,
                             Scratch<T>& scratch, int threads) const {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape_;
    const Index N = x.extent(0), K = shape_.K(), pixels = shape_.pixels(),
                outputs = shape_.outputs();
    for_image_chunks(
        N, groups, O, Work{K} * outputs, threads,
        [&, groups = groups, C = C, O = O](Index n, Index g, Index o, Index count, int thread) {
          T* const padded = scratch.own(thread);
          const T* const channels = x.data() + (n * groups + g) * C * pixels;
          if (!as_it_is_) image_.pad(channels, padded);
          const Index first = g * O + o;
          run_image(as_it_is_ ? channels : padded, w + first * K, bias ? bias + first : nullptr,
                    count, y.data() + (n * groups * O + first) * outputs, padded + image_.size());
        });
  }

  // The steps of run() by themselves, so that benchmarks can time them without the copies.

  /// The layout of x.
  const PaddedImage<T>& image() const { return image_; }
  /// Elements of scratch for the sums of one image.
  Index sums_size() const { return sweep_.sums_size<T>(); }
  /// y of one group of one padded image, `count` outputs; `sums` is scratch.
  void run_image(const T* image, const T* w, const T* bias, Index count, T* y, T* sums) const {
    const auto [OH, OW] = shape_.output;
    if (depthwise_) return depthwise(image, image_.pitch(), w, bias ? *bias : T{0}, OH, OW, y);
    sweep(sweep_, image_.offsets().data(), shape_.K(), w, count, image, sums,
          {.y = y, .plane = OH * OW, .row = OW, .bias = bias});
  }

 private:
  ConvolutionShape shape_{};
  PaddedImage<T> image_{};
  Sweep sweep_{};
  bool depthwise_ = false;
  bool as_it_is_ = false;  // x need not be copied
};

}  // namespace fovea::inline FOVEA_ABI::kernels
