// SPDX-License-Identifier: MIT
//
// The fully connected layer: every output is a weighted sum of all inputs.
//
//   x (N, in)    W (out, in)    b (out)    y (N, out)
//
//   forward     y = x W^T + b
//   backward    dx = dy W      dW = dy^T x      db[o] = sum over n of dy[n,o]
//
// The same as three loops: nn/reference/linear.hpp.
#pragma once

#include "fovea/core/parallel.hpp"
#include "fovea/kernels/batch_gemm.hpp"
#include "fovea/nn/init.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a Linear is made with.
struct LinearOptions {
  Index in = 0, out = 0;              ///< features
  bool bias = true;                   ///< false: b is 0 and not trained
  Init init = Init::kaiming_uniform;  ///< of W and b
  friend bool operator==(const LinearOptions&, const LinearOptions&) = default;
};

/// x (N, in) to y (N, out) = x W^T + b.
template <class T>
class Linear {
 public:
  using value_type = T;
  static constexpr std::string_view kind = "fc";

  LinearOptions options;
  Tensor<T, 2> weight{};  // (out, in)
  Tensor<T, 1> bias{};    // (out), or empty

  struct Pass {
    Tensor<T, 2> dweight{};  // (out, in)
    Tensor<T, 1> dbias{};    // (out), or empty
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"weight", &Linear::weight, &Pass::dweight},
                      Parameter{"bias", &Linear::bias, &Pass::dbias}};
  }

  /// Draws W and b from rng. Throws unless in and out are 1 or more.
  [[gnu::cold]] Linear(LinearOptions o, Rng& rng) : options(o) {
    weight = Tensor<T, 2>(weight_shape());
    if (o.bias) bias = Tensor<T, 1>(Shape{o.out});
    initialise(weight.flat(), bias.flat(), o.in, o.out, o.init, rng);
  }

  /// Throws unless options, weight and bias, which are open to assignment, fit together.
  void validate() const {
    const Index biases = options.bias ? options.out : 0;
    const auto expected = weight_shape();
    check(weight.shape() == expected && bias.size() == biases, "Linear: expected a weight ",
          expected, " and a bias of ", biases, " numbers for these options, got ", weight.shape(),
          " and ", bias.size());
  }

  Shape<2> output_shape(Shape<2> x) const {
    validate();
    check(x[1] == options.in, "expected (N, ", options.in, "), got ", x);
    return {x[0], options.out};
  }

  std::int64_t multiply_adds(Shape<2> x) const { return std::int64_t{x[0]} * weight.size(); }

  Pass pass(Shape<2> x, const WorkspaceOptions& how) const {
    output_shape(x).size();  // throws where it would be too large
    if (how.keep == Keep::output) return {};
    return {Tensor<T, 2>(weight.shape()), Tensor<T, 1>(bias.shape())};
  }

  /// y[n] += b, which a product has left out.
  void add_bias(View<T, 2> y) const {
    for (Index n = 0; n < y.extent(0) && !bias.empty(); ++n) add(y[n], bias);
  }

  void forward(View<const T, 2> x, View<T, 2> y, Pass&, const Context& context) const {
    check_forward(*this, x, y);
    kernels::gemm<T>(matrix(x), matrix(weight.view()).transposed(), matrix(y), false,
                     context.threads);
    add_bias(y);
  }

  void backward(View<const T, 2> x, View<const T, 2> y, View<const T, 2> dy, View<T, 2> dx,
                Pass& pass, const Context& context) const {
    check_backward(*this, x, y, dy, dx);
    check_gradients(*this, pass, context);
    // y = x W^T + b
    if (!dx.empty())
      kernels::gemm<T>(matrix(dy), matrix(weight.view()), matrix(dx), false, context.threads);
    if (!context.parameter_gradients) return;
    kernels::batch_gemm<T>(matrix(dy), matrix(x), matrix(pass.dweight.view()),
                           context.chunks(dy.extent(0)), context.threads);
    bias_gradient(dy, pass, context);
  }
  /// db = sum over n of dy[n]
  void bias_gradient(View<const T, 2> dy, Pass& pass, const Context& context) const {
    if (bias.empty()) return;
    kernels::sum_rows(dy.data(), context.chunks(dy.extent(0)), bias.size(), pass.dbias.data());
  }

 private:
  // What the options say of W. Throws if they make no sense.
  Shape<2> weight_shape() const {
    check(options.in > 0 && options.out > 0,
          "Linear: expected features in and out of 1 or more, got ", options.in, " and ",
          options.out);
    return {options.out, options.in};
  }
  FOVEA_OUT_OF_LINE static void add(View<T, 1> sum, View<const T, 1> row) {
    for (Index i = 0; i < sum.size(); ++i) sum[i] += row[i];
  }
  template <class U>
  static kernels::Matrix<U> matrix(View<U, 2> x) {
    return {x.data(), x.extent(0), x.extent(1)};
  }
};

/// linear({.out = 10, .bias = false}), for sequential<float>(...).
inline InputSpec<Linear, LinearOptions> linear(const LinearOptions& options) { return {options}; }
/// linear(10)
inline InputSpec<Linear, LinearOptions> linear(Index out) { return {{.in = 0, .out = out}}; }

}  // namespace fovea::inline FOVEA_ABI
