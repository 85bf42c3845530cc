// SPDX-License-Identifier: MIT
//
// Transposed convolution: a convolution backwards, from few pixels to many (Zeiler, Krishnan,
// Taylor and Fergus, Deconvolutional networks, CVPR 2010).
//
//   y[n,o, i s - p + kh d, j s - p + kw d] += W[c,o,kh,kw] x[n,c,i,j],   y begins as b[o]
//
//   x (N, C, H, W)    W (C, O/g, KH, KW)    b (O)    y (N, O, OH, OW)
//   OH = (H - 1) s - 2 p + d (KH - 1) + output_padding + 1
//
// A convolution with these options leads from y back to x, and its pages are all there is to it:
//
//   forward     what that convolution calls dx, for dy = x
//   backward    dx is its forward of dy;  dW its dW for x = dy and dy = x;  db = sum of dy
//
// With a stride of s several extents OH lead back to the same H; output_padding, below s, says
// which one is meant.
#pragma once

#include "fovea/kernels/channel_sums.hpp"
#include "fovea/kernels/convolution.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a ConvTranspose2d is made with.
struct ConvTranspose2dOptions {
  Index in = 0, out = 0;                                      ///< channels C and O
  Extent2 kernel = 1, stride = 1, padding = 0, dilation = 1;  ///< K, s, p and d, in pixels
  Extent2 output_padding = 0;                                 ///< rows and columns more, below s
  Index groups = 1;                                           ///< g, a divisor of both
  bool bias = true;                                           ///< false: b is 0 and not trained
  Init init = Init::kaiming_uniform;                          ///< of W and b
  friend bool operator==(const ConvTranspose2dOptions&, const ConvTranspose2dOptions&) = default;
};

/// Transposed convolution of x (N, C, H, W): y (N, O, OH, OW).
template <class T>
class ConvTranspose2d {
 public:
  using value_type = T;
  static constexpr std::string_view kind = "convt";
  static constexpr bool sees_elsewhere = true;  // for receptive fields

  ConvTranspose2dOptions options;
  Tensor<T, 4> weight{};  // (C, O/g, KH, KW)
  Tensor<T, 1> bias{};    // (O), or empty

  struct Pass {
    Tensor<T, 4> dweight{};            // (C, O/g, KH, KW)
    Tensor<T, 1> dbias{};              // (O), or empty
    kernels::Convolution<T> kernel{};  ///< from y to x
    kernels::Scratch<T> scratch{};     ///< of the kernel
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"weight", &ConvTranspose2d::weight, &Pass::dweight},
                      Parameter{"bias", &ConvTranspose2d::bias, &Pass::dbias}};
  }

  /// Draws W and b from rng. Throws on channels or groups that do not fit together.
  [[gnu::cold]] ConvTranspose2d(const ConvTranspose2dOptions& o, Rng& rng) : options(o) {
    weight = Tensor<T, 4>(weight_shape());
    if (o.bias) bias = Tensor<T, 1>(Shape{o.out});
    const Index area = o.kernel.h * o.kernel.w;
    initialise(weight.flat(), bias.flat(), o.out / o.groups * area, o.in / o.groups * area, o.init,
               rng);
  }

  /// Throws unless options, weight and bias, which are open to assignment, fit together.
  void validate() const {
    const Index biases = options.bias ? options.out : 0;
    const auto expected = weight_shape();
    check(weight.shape() == expected && bias.size() == biases, "ConvTranspose2d: expected a ",
          "weight ", expected, " and a bias of ", biases, " numbers for these options, got ",
          weight.shape(), " and ", bias.size());
  }

  std::string settings() const {
    const auto& o = options;
    return concat("stride ", o.stride, ", padding ", o.padding, ", dilation ", o.dilation,
                  ", output padding ", o.output_padding, ", groups ", o.groups);
  }

  Shape<4> output_shape(Shape<4> x) const {
    validate();
    const auto& o = options;
    check(x[1] == o.in, "expected (N, ", o.in, ", H, W), got ", x);
    check(x[2] > 0 && x[3] > 0 && x[2] <= largest_extent && x[3] <= largest_extent,
          "expected images of 1 to ", largest_extent, " rows and columns, got ", x);
    const auto extent = [&](auto axis, Index in) {
      return (in - 1) * o.stride.*axis - 2 * o.padding.*axis +
             o.dilation.*axis * (o.kernel.*axis - 1) + o.output_padding.*axis + 1;
    };
    const Shape y{x[0], o.out, extent(&Extent2::h, x[2]), extent(&Extent2::w, x[3])};
    check(y[2] > 0 && y[3] > 0 && window().output(y[2], y[3]) == Extent2(x[2], x[3]),
          "a padding of ", o.padding, " leaves nothing of ", x);
    return y;
  }

  std::int64_t multiply_adds(Shape<4> x) const {
    return std::int64_t{x.size()} * (weight.size() / options.in);
  }

  [[gnu::cold]] Pass pass(Shape<4> x, const WorkspaceOptions& how) const {
    Pass pass;
    pass.kernel = {output_shape(x), options.in, window(), options.groups};
    const bool backward = how.keep != Keep::output;
    pass.scratch = {resolve_threads(how.threads),
                    pass.kernel.scratch(true, backward && how.parameter_gradients), how.scratch};
    if (!backward) return pass;
    pass.dweight = Tensor<T, 4>(weight.shape());
    pass.dbias = Tensor<T, 1>(bias.shape());
    return pass;
  }

  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    check_forward(*this, x, y);
    pass.kernel.validate(y.shape(), options.in, window(), options.groups);
    pass.kernel.input_gradient(x, weight.data(), y, pass.scratch, context.threads);
    if (bias.empty()) return;
    parallel_for(context.threads, y.extent(0), [&](Index n, int) {
      for (Index o = 0; o < options.out; ++o)
        for (T& number : y[n][o]) number += bias(o);
    });
  }

  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    check_gradients(*this, pass, context);
    pass.kernel.validate(y.shape(), options.in, window(), options.groups);
    if (!dx.empty())
      pass.kernel.forward(dy, weight.data(), nullptr, dx, pass.scratch, context.threads);
    if (!context.parameter_gradients) return;
    const kernels::BatchChunks chunks = context.chunks(dy.extent(0));
    pass.kernel.parameter_gradients(dy, x, pass.dweight, {}, chunks, pass.scratch, context.threads);
    const kernels::ChannelPlanes planes(dy.shape());
    parallel_for(context.threads, pass.dbias.size(), [&](Index o, int) {
      pass.dbias(o) = kernels::channel_sum(dy.data(), chunks, planes, o);
    });
  }

 private:
  Window window() const {
    return {options.kernel, options.stride, options.padding, options.dilation};
  }
  // What the options say of W. Throws if they make no sense.
  Shape<4> weight_shape() const {
    const auto& o = options;
    check(o.in > 0 && o.out > 0, "ConvTranspose2d: expected channels in and out of 1 or more, got ",
          o.in, " and ", o.out);
    check(o.groups > 0 && o.in % o.groups == 0 && o.out % o.groups == 0,
          "ConvTranspose2d: expected groups that divide ", o.in, " and ", o.out, ", got ",
          o.groups);
    window().validate("ConvTranspose2d");
    check(0 <= o.output_padding.h && o.output_padding.h < o.stride.h && 0 <= o.output_padding.w &&
              o.output_padding.w < o.stride.w,
          "ConvTranspose2d: expected an output_padding from 0 to below the stride, got ",
          o.output_padding, " for ", o.stride);
    return {o.in, o.out / o.groups, o.kernel.h, o.kernel.w};
  }
};

/// conv_transpose2d({.out = 32, .kernel = 2, .stride = 2}), for sequential<float>(...).
inline InputSpec<ConvTranspose2d, ConvTranspose2dOptions> conv_transpose2d(
    const ConvTranspose2dOptions& options) {
  return {options};
}

}  // namespace fovea::inline FOVEA_ABI
