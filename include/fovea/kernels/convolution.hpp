// SPDX-License-Identifier: MIT
//
// Convolution for any kernel, stride, padding, dilation and groups, without a column
// matrix: which kernel does what.
//
//                                    forward              dx                    dW, db
//   3 x 3, 8 channels or more        WinogradStrips       WinogradStrips        WinogradGradient
//   3 x 3, one channel a group       depthwise            depthwise             depthwise_gradient
//   any other                        ForwardSweep         InputGradient         WeightGradient
//
// The sweep (sweep.hpp) is the general way; the exact conditions of the other two are
// Winograd::suits() and suits_depthwise(). Depthwise kernels take the place of the sweep in the
// same three headers, on the same padded images.
//
// Reference implementations: the formula itself (nn/reference/conv2d.hpp) and im2col with a
// product (benchmarks/ladder).
#pragma once

#include "fovea/core/check.hpp"
#include "fovea/kernels/forward_sweep.hpp"
#include "fovea/kernels/input_gradient.hpp"
#include "fovea/kernels/weight_gradient.hpp"
#include "fovea/kernels/winograd_gradient.hpp"
#include "fovea/kernels/winograd_strips.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// One convolution's tables, made once: x (N, C, H, W), w (O, C/g, KH, KW), y (N, O, OH, OW).
template <class T>
class Convolution {
 public:
  Convolution() = default;

  /// For x of at most this shape, a window that fits into it, and groups that divide channels and
  /// outputs. Throws when a padded image has 2^31 elements or more.
  [[gnu::cold]] Convolution(const Shape<4>& x, Index outputs, const Window& window, Index groups)
      : x_(x), outputs_(outputs), window_(window), groups_(groups) {
    const ConvolutionShape shape{x, outputs, window, groups};
    const PaddedImage<T> image{shape};
    sweep_ = ForwardSweep<T>{shape, image};
    weight_gradient_ = WeightGradient<T>{shape, image};
    input_gradient_ = InputGradient<T>{shape};
    by_winograd_ = WinogradStrips<T>::suits(shape);
    if (!by_winograd_) return;
    winograd_ = WinogradStrips<T>::forward(shape);
    winograd_back_ = WinogradStrips<T>::input_gradient(shape);
    winograd_gradient_ = WinogradGradient<T>{shape};
  }

  /// From now on forward() may keep what it makes of the weights, because they stay as they are.
  [[gnu::cold]] void keep_weights() {
    if (by_winograd_) winograd_.keep_weights();
  }

  /// Throws unless it was made for this, the size of the batch aside.
  void validate(const Shape<4>& x, Index outputs, const Window& window, Index groups) const {
    check(x == x_.with_batch(x[0]) && outputs == outputs_ && groups == groups_ && window == window_,
          "convolution: expected a Pass for x ", x, ", ", outputs, " outputs, ", groups,
          " groups and a kernel of ", window.kernel, ", got one for x ", x_, ", ", outputs_, ", ",
          groups_, " and ", window_.kernel, " or other strides");
  }

  /// Whether it uses Winograd's algorithms.
  bool by_winograd() const { return by_winograd_; }

  /// The largest of what is needed: forward, and backward with or without dW.
  ScratchSize scratch(bool backward, bool dw) const {
    ScratchSize size = forward_scratch();
    if (backward) size = size.covering(input_gradient_scratch());
    if (backward && dw) size = size.covering(weight_gradient_scratch(x_[0]));
    return size;
  }

  /// y[n,o] = bias[o] + what W[o] finds in x[n]; `bias` may be null.
  void forward(View<const T, 4> x, const T* w, const T* bias, View<T, 4> y, Scratch<T>& scratch,
               int threads) {
    threads = scratch.provide(threads, forward_scratch());
    if (by_winograd_) return winograd_.run(x, w, bias, y, scratch, threads);
    sweep_.run(x, w, bias, y, scratch, threads);
  }

  /// dx[n,c] = the sum, over every o and tap, of what y took from it.
  void input_gradient(View<const T, 4> dy, const T* w, View<T, 4> dx, Scratch<T>& scratch,
                      int threads) {
    threads = scratch.provide(threads, input_gradient_scratch());
    if (by_winograd_) return winograd_back_.run(dy, w, nullptr, dx, scratch, threads);
    input_gradient_.run(dy, w, dx, scratch, threads);
  }

  /// dW[o,c,kh,kw] = the sum, over every n and output position, of dy times what y took
  /// with it; db[o] = sum of dy[n,o].
  void parameter_gradients(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dw, View<T, 1> db,
                           const BatchChunks& chunks, Scratch<T>& scratch, int threads) const {
    threads = scratch.provide(threads, weight_gradient_scratch(x.extent(0)));
    if (by_winograd_) return winograd_gradient_.run(x, dy, dw, db, chunks, scratch, threads);
    weight_gradient_.run(x, dy, dw, db, chunks, scratch, threads);
  }

  /// The steps by themselves, so that benchmarks can time them without the copies.
  const ForwardSweep<T>& forward_steps() const { return sweep_; }
  /// The same of dx.
  const InputGradient<T>& input_gradient_steps() const { return input_gradient_; }
  /// The same of dW.
  const WeightGradient<T>& weight_gradient_steps() const { return weight_gradient_; }

 private:
  ScratchSize forward_scratch() const {
    return by_winograd_ ? winograd_.scratch() : sweep_.scratch();
  }
  ScratchSize input_gradient_scratch() const {
    return by_winograd_ ? winograd_back_.scratch() : input_gradient_.scratch();
  }
  ScratchSize weight_gradient_scratch(Index N) const {
    return by_winograd_ ? winograd_gradient_.scratch(N) : weight_gradient_.scratch(N);
  }

  Shape<4> x_{};  // what it was made for
  Index outputs_ = 0;
  Window window_{};
  Index groups_ = 1;
  ForwardSweep<T> sweep_{};
  InputGradient<T> input_gradient_{};
  WeightGradient<T> weight_gradient_{};
  bool by_winograd_ = false;
  WinogradStrips<T> winograd_{}, winograd_back_{};
  WinogradGradient<T> winograd_gradient_{};
};

}  // namespace fovea::inline FOVEA_ABI::kernels
