// SPDX-License-Identifier: MIT
//
// The padded copy of an image that forward and dW work on, and where
// each row of im2col begins in it.
//
// A stride of s cuts it into s x s phases (padded.hpp), in which neighbours of one phase are
// neighbours in memory; tap (kh, kw) then reads the phase (kh d % s, kw d % s).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/core/check.hpp"
#include "fovea/kernels/convolution_shape.hpp"
#include "fovea/kernels/padded.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The layout of the channels of one group: output (i, j) reads row k at
/// offsets()[k] + i * pitch() + j.
template <class T>
class PaddedImage {
 public:
  PaddedImage() = default;
  /// Throws when it has 2^31 elements or more.
  [[gnu::cold]] explicit PaddedImage(const ConvolutionShape& shape)
      : C_(shape.C), H_(shape.image.h), W_(shape.image.w) {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape;
    const Extent2 reach{(kernel.h - 1) * dilation.h, (kernel.w - 1) * dilation.w};
    channel_ = {stride, padding, {output.h + reach.h / stride.h, output.w + reach.w / stride.w}};
    check(offsets_reach({stride.h, stride.w, channel_.extent.h, channel_.extent.w, C}) &&
              channel_.size() * C < largest_offset,
          "convolution: an image of ", Shape{groups * C, H_, W_}, " with a padding of ", padding,
          " is too large");
    for (Index c = 0; c < C; ++c)
      for (Index kh = 0; kh < kernel.h; ++kh)
        for (Index kw = 0; kw < kernel.w; ++kw)
          offsets_.push_back(static_cast<std::int32_t>(
              c * channel_.size() + channel_.offset(kh * dilation.h, kw * dilation.w)));
    size_ = whole_vectors<T>(C * channel_.size() + pitch() + lanes<T>);
  }

  /// Elements from row to row.
  Index pitch() const { return channel_.extent.w; }
  /// Elements of the channels, and what the last vector reads beyond them.
  Index size() const { return size_; }
  /// Of every row k = (c, kh, kw).
  const std::vector<std::int32_t>& offsets() const { return offsets_; }

  /// Writes it from the channels x (C, H, W).
  void pad(const T* x, T* image) const {
    const T* const end = x + C_ * H_ * W_;
    for (Index c = 0; c < C_; ++c)
      channel_.copy(x + c * H_ * W_, H_, W_, x, end, image + c * channel_.size());
    std::fill_n(image + C_ * channel_.size(), size_ - C_ * channel_.size(), T{0});
  }

 private:
  Index C_ = 0, H_ = 0, W_ = 0, size_ = 0;
  PaddedChannel channel_{};
  std::vector<std::int32_t> offsets_{};
};

}  // namespace fovea::inline FOVEA_ABI::kernels
