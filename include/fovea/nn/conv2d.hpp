// SPDX-License-Identifier: MIT
//
// Convolution: the same small pattern is looked for at every place of the image.
//
//   y[n,o,i,j] = b[o] + sum over c,kh,kw of  W[o,c,kh,kw] x[n, c, i s - p + kh d, j s - p + kw d]
//
//   x (N, C, H, W)    W (O, C/g, KH, KW)    b (O)    y (N, O, OH, OW)
//
// Strictly this is a cross-correlation, as in every deep-learning library. With g groups, channels
// and filters are cut into g parts and each part of the filters sees its own part of the channels.
//
// Lowering: im2col writes every window of one image as a column, and the sum becomes a product of
// two matrices. For image n and group g, with columns (C/g KH KW, OH OW) = im2col(x[n, g]):
//
//   forward     y[n,g] = W[g] columns + b
//   backward    dW[g] = sum over n of dy[n,g] columns^T     db[o] = sum over n,i,j of dy[n,o,i,j]
//               dcolumns = W[g]^T dy[n,g],   dx[n,g] = col2im(dcolumns)
//
// Only one image's columns exist at a time for each thread, never those of a batch.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/gemm.hpp"
#include "fovea/kernels/im2col.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/nn/layer.hpp"

namespace fovea::inline FOVEA_ABI {

struct Conv2dOptions {
  Index in = 0, out = 0;  ///< channels C and O
  Extent2 kernel = 1, stride = 1, padding = 0, dilation = 1;
  Index groups = 1;
  bool bias = true;
  Init init = Init::kaiming_uniform;
};

template <class T>
class Conv2d {
 public:
  using value_type = T;
  static constexpr std::string_view kind = "conv";

  Conv2dOptions options;
  Tensor<T, 4> weight;  // (O, C/g, KH, KW)
  Tensor<T, 1> bias;    // (O), or empty

  struct Pass {
    Tensor<T, 4> dweight;  // (O, C/g, KH, KW)
    Tensor<T, 1> dbias;    // (O), or empty
    Tensor<T, 2> scratch;  // (threads, columns and packed operands)
    Tensor<T, 2> partial;  // (parts of the batch, O C/g KH KW + O): sums of dW and db
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"weight", &Conv2d::weight, &Pass::dweight},
                      Parameter{"bias", &Conv2d::bias, &Pass::dbias}};
  }

  Conv2d(Conv2dOptions o, Rng& rng) : options(o) {
    const auto [in, out, kernel, stride, padding, dilation, groups, with_bias, init] = o;
    check(in > 0 && out > 0, "Conv2d: expected channels in and out of 1 or more, got ", in, " and ",
          out);
    check(groups > 0 && in % groups == 0 && out % groups == 0,
          "Conv2d: expected groups that divide ", in, " and ", out, ", got ", groups);
    window().validate();
    weight = Tensor<T, 4>(Shape{out, in / groups, kernel.h, kernel.w});
    if (with_bias) bias = Tensor<T, 1>(Shape{out});
    const Index area = kernel.h * kernel.w;
    initialise(weight.view(), bias.view(), in / groups * area, out / groups * area, init, rng);
  }

  Window window() const {
    return {options.kernel, options.stride, options.padding, options.dilation};
  }

  Shape<4> output_shape(Shape<4> x) const {
    const auto [N, C, H, W] = x;
    const auto [OH, OW] = window().output(H, W);
    check(C == options.in, "expected (N, ", options.in, ", H, W), got ", x);
    check(OH > 0 && OW > 0, "a kernel of ", options.kernel, " does not fit into ", x);
    return {N, options.out, OH, OW};
  }

  Index multiply_adds(Shape<4> x) const {
    return output_shape(x).size() * (weight.size() / options.out);
  }

  Pass pass(Shape<4> x, const PassOptions& how) const {
    const Sizes s(*this, x);
    Pass pass;
    pass.scratch = Tensor<T, 2>(Shape{how.threads, s.columns + s.packed});
    if (how.keep == Keep::nothing) return pass;
    pass.dweight = Tensor<T, 4>(weight.shape());
    pass.dbias = Tensor<T, 1>(bias.shape());
    pass.partial = Tensor<T, 2>(Shape{std::min(s.N, batch_parts), weight.size() + bias.size()});
    return pass;
  }

  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    const Sizes s(*this, x.shape());
    parallel_for(context.threads, s.N, [&](Index n, int thread) {
      T* const columns = pass.scratch[thread].data();
      for (Index g = 0; g < s.groups; ++g) {
        T* const out = y[n].data() + g * s.O * s.P;
        kernels::im2col(x[n].data() + g * s.C * s.H * s.W, s.C, s.H, s.W, window(), columns);
        kernels::gemm<T>({weight.data() + g * s.O * s.K, s.O, s.K}, {columns, s.K, s.P},
                         {out, s.O, s.P}, false, columns + s.columns);
        if (!bias.empty())
          for (Index o = 0; o < s.O; ++o)
            for (Index p = 0; p < s.P; ++p) out[o * s.P + p] += bias(g * s.O + o);
      }
    });
  }

  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    parameter_gradients(x, dy, pass, context);
    if (!dx.empty()) input_gradient(dy, dx, pass, context);
  }

  /// dW[g] = sum over n of dy[n,g] columns^T,   db = sum of dy     | y[n,g] = W[g] columns + b
  void parameter_gradients(View<const T, 4> x, View<const T, 4> dy, Pass& pass,
                           const Context& context) const {
    const Sizes s(*this, x.shape());
    const Index parts = std::min(s.N, batch_parts);
    parallel_for(context.threads, parts, [&](Index part, int thread) {
      T* const columns = pass.scratch[thread].data();
      T* const dW = pass.partial[part].data();
      T* const db = dW + weight.size();
      pass.partial[part].fill(T{0});
      const auto [first, last] = piece_of(s.N, parts, part);
      for (Index n = first; n < last; ++n)
        for (Index g = 0; g < s.groups; ++g) {
          const kernels::Matrix<const T> dout(dy[n].data() + g * s.O * s.P, s.O, s.P);
          const kernels::Matrix<const T> columns_t(columns, s.P, s.K, 1, s.P);
          kernels::im2col(x[n].data() + g * s.C * s.H * s.W, s.C, s.H, s.W, window(), columns);
          kernels::gemm<T>(dout, columns_t, {dW + g * s.O * s.K, s.O, s.K}, true,
                           columns + s.columns);
          if (bias.empty()) continue;
          for (Index o = 0; o < s.O; ++o) db[g * s.O + o] += sum_of(dout.data + o * s.P, s.P);
        }
    });
    // The parts are added in their order, so the number of threads cannot change a bit.
    const T* const sums = pass.partial.data();
    const Index stride = weight.size() + bias.size();
    sum_parts(context.threads, sums, parts, stride, pass.dweight.data(), weight.size());
    sum_parts(context.threads, sums + weight.size(), parts, stride, pass.dbias.data(), bias.size());
  }

  /// dcolumns = W[g]^T dy[n,g],   dx[n,g] = col2im(dcolumns)
  void input_gradient(View<const T, 4> dy, View<T, 4> dx, Pass& pass,
                      const Context& context) const {
    const Sizes s(*this, dx.shape());
    parallel_for(context.threads, s.N, [&](Index n, int thread) {
      T* const columns = pass.scratch[thread].data();
      dx[n].fill(T{0});
      for (Index g = 0; g < s.groups; ++g) {
        const kernels::Matrix<const T> transposed_weights(weight.data() + g * s.O * s.K, s.K, s.O,
                                                          1, s.K);
        kernels::gemm<T>(transposed_weights, {dy[n].data() + g * s.O * s.P, s.O, s.P},
                         {columns, s.K, s.P}, false, columns + s.columns);
        kernels::col2im(columns, s.C, s.H, s.W, window(), dx[n].data() + g * s.C * s.H * s.W);
      }
    });
  }

 private:
  // Into how many parts a batch is cut for the sums over it, however many threads there are.
  static constexpr Index batch_parts = 16;

  // The extents of one group's matrices: K = C/g KH KW rows of columns, P = OH OW positions.
  struct Sizes {
    Index N, C, H, W, O, K, P, groups, columns, packed;
    Sizes(const Conv2d& conv, Shape<4> x) : N(x[0]), H(x[2]), W(x[3]), groups(conv.options.groups) {
      const Shape<4> y = conv.output_shape(x);
      C = x[1] / groups;
      O = y[1] / groups;
      K = conv.weight.size() / y[1];
      P = y[2] * y[3];
      columns = (K * P + 15) / 16 * 16;
      packed = std::max({kernels::gemm_scratch<T>(O, P, K), kernels::gemm_scratch<T>(O, K, P),
                         kernels::gemm_scratch<T>(K, P, O)});
    }
  };
};

}  // namespace fovea::inline FOVEA_ABI
