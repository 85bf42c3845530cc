// SPDX-License-Identifier: MIT
//
// Convolution: the same small filter is applied at every position of the image.
//
//   y[n,o,i,j] = b[o] + sum over c,kh,kw of  W[o,c,kh,kw] x[n, c, i s - p + kh d, j s - p + kw d]
//
//   x (N, C, H, W)    W (O, C/g, KH, KW)    b (O)    y (N, O, OH, OW)
//
// Strictly this is a cross-correlation, as in every deep-learning library. With g groups, channels
// and filters are cut into g groups, and each group of filters reads its own group of channels.
//
// Lowering: write every window of an image as a column, row k = (c, kh, kw), and the sum becomes a
// product of two matrices. For image n and group g, with columns (C/g KH KW, OH OW) of x[n, g]:
//
//   forward     y[n,g] = W[g] columns + b
//   backward    dW[g] = sum over n of dy[n,g] columns^T     db[o] = sum over n,i,j of dy[n,o,i,j]
//               dcolumns = W[g]^T dy[n,g],   dx[n,g] = every entry added to the pixel it came from
//
// kernels/convolution.hpp does these three without ever writing the columns down. The formula as
// loops, forward and backward, is nn/reference/conv2d.hpp; the columns are nn/reference/im2col.hpp.
#pragma once

#include "fovea/kernels/convolution.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a Conv2d is made with.
struct Conv2dOptions {
  Index in = 0, out = 0;                                      ///< channels C and O
  Extent2 kernel = 1, stride = 1, padding = 0, dilation = 1;  ///< K, s, p and d, in pixels
  Index groups = 1;                                           ///< g, a divisor of both
  bool bias = true;                                           ///< false: b is 0 and not trained
  Init init = Init::kaiming_uniform;                          ///< of W and b
  friend bool operator==(const Conv2dOptions&, const Conv2dOptions&) = default;
};

/// Convolution of x (N, C, H, W) with O filters: y (N, O, OH, OW).
template <class T>
class Conv2d {
 public:
  using value_type = T;
  static constexpr std::string_view kind = "conv";
  static constexpr bool ignores_output = true;  ///< backward does not read y

  Conv2dOptions options;
  Tensor<T, 4> weight{};  // (O, C/g, KH, KW)
  Tensor<T, 1> bias{};    // (O), or empty

  struct Pass {
    Tensor<T, 4> dweight{};            // (O, C/g, KH, KW)
    Tensor<T, 1> dbias{};              // (O), or empty
    kernels::Convolution<T> kernel{};  ///< tables, made once
    kernels::Scratch<T> scratch{};     ///< padded images, sums over chunks of the batch
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"weight", &Conv2d::weight, &Pass::dweight},
                      Parameter{"bias", &Conv2d::bias, &Pass::dbias}};
  }

  /// Draws W and b from rng. Throws on channels or groups that do not fit together.
  // By reference: g++ 12 with AVX-512 passes the constants of a 1 x 1 kernel from one channel to
  // one, {1, 1, 1, 1, 1, 1, 0, 0}, as eight ones when they are passed by value.
  [[gnu::cold]] Conv2d(const Conv2dOptions& o, Rng& rng) : options(o) {
    const auto [in, out, kernel, stride, padding, dilation, groups, with_bias, init] = o;
    weight = Tensor<T, 4>(weight_shape());
    if (with_bias) bias = Tensor<T, 1>(Shape{out});
    const Index area = kernel.h * kernel.w;
    initialise(weight.flat(), bias.flat(), in / groups * area, out / groups * area, init, rng);
  }

  /// Throws unless options, weight and bias, which are open to assignment, fit together.
  void validate() const {
    const Index biases = options.bias ? options.out : 0;
    const auto expected = weight_shape();
    check(weight.shape() == expected && bias.size() == biases, "Conv2d: expected a weight ",
          expected, " and a bias of ", biases, " numbers for these options, got ", weight.shape(),
          " and ", bias.size());
  }

  Window window() const {
    return {options.kernel, options.stride, options.padding, options.dilation};
  }

  Shape<4> output_shape(Shape<4> x) const {
    validate();
    const auto [N, C, H, W] = x;
    const auto [OH, OW] = window().output(H, W);
    check(C == options.in, "expected (N, ", options.in, ", H, W), got ", x);
    check(OH > 0 && OW > 0, "a kernel of ", options.kernel, " does not fit into ", x);
    return {N, options.out, OH, OW};
  }

  std::int64_t multiply_adds(Shape<4> x) const {
    return std::int64_t{output_shape(x).size()} * (weight.size() / options.out);
  }

  [[gnu::cold]] Pass pass(Shape<4> x, const WorkspaceOptions& how) const {
    output_shape(x).size();  // throws where it would be too large
    Pass pass = fused_pass(x, how);
    pass.kernel = {x, options.out, window(), options.groups};
    if (how.prepack_weights) pass.kernel.keep_weights();
    pass.scratch = {resolve_threads(how.threads),
                    pass.kernel.scratch(how.keep != Keep::output, how.parameter_gradients),
                    how.scratch};
    return pass;
  }
  /// The same where a fused block does the work.
  [[gnu::cold]] Pass fused_pass(Shape<4>, const WorkspaceOptions& how) const {
    Pass pass;
    if (how.keep == Keep::output) return pass;
    pass.dweight = Tensor<T, 4>(weight.shape());
    pass.dbias = Tensor<T, 1>(bias.shape());
    return pass;
  }

  /// y[n,g] = W[g] columns + b
  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    check_forward(*this, x, y);
    pass.kernel.validate(x.shape(), options.out, window(), options.groups);
    pass.kernel.forward(x, weight.data(), bias.data(), y, pass.scratch, context.threads);
  }

  /// dW[g] = sum over n of dy[n,g] columns^T,   db = sum of dy,   dcolumns = W[g]^T dy[n,g]
  void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    check_gradients(*this, pass, context);
    pass.kernel.validate(x.shape(), options.out, window(), options.groups);
    if (context.parameter_gradients)
      pass.kernel.parameter_gradients(x, dy, pass.dweight, pass.dbias, context.chunks(dy.extent(0)),
                                      pass.scratch, context.threads);
    if (!dx.empty())
      pass.kernel.input_gradient(dy, weight.data(), dx, pass.scratch, context.threads);
  }

 private:
  // What the options say of W. Throws if they make no sense.
  Shape<4> weight_shape() const {
    const auto& [in, out, kernel, stride, padding, dilation, groups, with_bias, init] = options;
    check(in > 0 && out > 0, "Conv2d: expected channels in and out of 1 or more, got ", in, " and ",
          out);
    check(groups > 0 && in % groups == 0 && out % groups == 0,
          "Conv2d: expected groups that divide ", in, " and ", out, ", got ", groups);
    window().validate("Conv2d");
    return {out, in / groups, kernel.h, kernel.w};
  }
};

/// conv2d({.out = 32, .kernel = 3}), for sequential<float>(...).
inline InputSpec<Conv2d, Conv2dOptions> conv2d(const Conv2dOptions& options) { return {options}; }

}  // namespace fovea::inline FOVEA_ABI
