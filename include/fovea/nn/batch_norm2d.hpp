// SPDX-License-Identifier: MIT
//
// Batch normalisation: every channel gets mean 0 and variance 1, and then a scale and a shift that
// are trained (Ioffe and Szegedy, Batch normalization: accelerating deep network training by
// reducing internal covariate shift, ICML 2015).
//
//   mean = sum x / M    var = sum (x - mean)^2 / M        over the M = N H W numbers of a channel
//   x'   = (x - mean) / sqrt(var + eps)
//   y    = gamma x' + beta
//
//   x, y (N, C, H, W) or (N, C)    gamma, beta, mean, var (C)
//
// Backward. x acts on y directly, through the mean and through the variance. With g = dy,
//
//   dbeta = sum g     dgamma = sum g x'
//   dx    = gamma / sqrt(var + eps) (g - dbeta / M - x' dgamma / M)
//
// It is a projection: the normalisation undoes any shift and any scale of all x, so two parts of g
// are taken away, the one that would shift x (its mean) and the one that would scale it (along x').
//
// In prediction mean and var are running values. Each step of training moves them by `momentum`
// towards those of its batch (there sum (x - mean)^2 / (M - 1), as in PyTorch), and dx is
// gamma / sqrt(var + eps) g.
#pragma once

#include "fovea/kernels/batch_norm_steps.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a BatchNorm2d is made with.
struct BatchNorm2dOptions {
  Index channels = 0;     ///< C
  double momentum = 0.1;  ///< the share of the batch in the next running values, in [0, 1]
  double eps = 1e-5;      ///< above 0
  bool affine = true;     ///< false: gamma is 1 and beta 0, and neither is trained
  bool frozen = false;    ///< true: running values in training too, and they stay as they are
  Statistics statistics = Statistics::batch;  ///< in training
  friend bool operator==(const BatchNorm2dOptions&, const BatchNorm2dOptions&) = default;
};

/// Batch normalisation of x (N, C, H, W), or of x (N, C).
template <class T>
class BatchNorm2d {
 public:
  using value_type = T;
  static constexpr std::string_view kind = "bn";

  BatchNorm2dOptions options;
  Tensor<T, 1> weight{}, bias{};               // (C), gamma and beta, or empty
  Tensor<T, 1> running_mean{}, running_var{};  // (C)

  struct Pass {
    Tensor<T, 1> dweight{}, dbias{};             // (C), or empty
    Tensor<T, 1> running_mean{}, running_var{};  // (C), after the step
    Tensor<double, 2> mean{}, inverse{};  // (groups, C), in forward: mean, 1 / sqrt(var + eps)
    kernels::PerChannel<kernels::RunningStep> steps{};  // what moves the running values
    bool of_batch = false;                              // whether forward took them from its batch
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"weight", &BatchNorm2d::weight, &Pass::dweight},
                      Parameter{"bias", &BatchNorm2d::bias, &Pass::dbias}};
  }
  static constexpr auto buffers() {
    return std::tuple{Buffer{"running_mean", &BatchNorm2d::running_mean, &Pass::running_mean},
                      Buffer{"running_var", &BatchNorm2d::running_var, &Pass::running_var}};
  }

  /// gamma = 1, beta = 0. Throws on options outside their range.
  [[gnu::cold]] explicit BatchNorm2d(const BatchNorm2dOptions& o) : options(o) {
    check(o.channels > 0, "BatchNorm2d: expected 1 channel or more, got ", o.channels);
    const Shape C{o.channels}, affine{o.affine ? o.channels : 0};
    weight = Tensor<T, 1>(affine, T{1}), bias = Tensor<T, 1>(affine);
    running_mean = Tensor<T, 1>(C), running_var = Tensor<T, 1>(C, T{1});
    validate();
  }

  /// Throws unless options and tensors, which are open to assignment, make sense together.
  void validate() const {
    const auto& o = options;
    check(0 <= o.momentum && o.momentum <= 1, "BatchNorm2d: expected a momentum in [0, 1], got ",
          o.momentum);
    check(o.eps > 0 && o.eps < 1e30, "BatchNorm2d: expected a finite eps above 0, got ", o.eps);
    const Index C = o.channels, affine = o.affine ? C : 0;
    check(weight.size() == affine && bias.size() == affine && running_mean.size() == C &&
              running_var.size() == C,
          "BatchNorm2d: expected a weight and a bias of ", affine, " and running values of ", C,
          " numbers for these options, got ", weight.size(), ", ", bias.size(), ", ",
          running_mean.size(), " and ", running_var.size());
  }

  std::string settings() const { return concat("eps ", options.eps); }

  template <std::size_t R>
  requires(R == 2 || R == 4) Shape<R> output_shape(Shape<R> x)
  const {
    validate();
    check(x[1] == options.channels, "expected ", options.channels, " channels, got ", x);
    return x;
  }

  template <std::size_t R>
  [[gnu::cold]] Pass pass(Shape<R> x, const WorkspaceOptions& how) const {
    const Tensor<double, 2> none(Shape{
        kernels::BatchGroups(output_shape(x)[0], options.statistics).count, options.channels});
    Pass pass{{}, {}, running_mean, running_var, none, none, options.channels};
    if (how.keep != Keep::output) pass.dweight = weight, pass.dbias = bias;
    return pass;
  }

  /// y = f(gamma (x - mean) / sqrt(var + eps) + beta); fused/norm_activation.hpp has an f.
  template <std::size_t R, class F = kernels::AsItIs>
  void forward(View<const T, R> x, View<T, R> y, Pass& pass, const Context& context,
               const F& f = {}) const {
    check_shapes(*this, x, y);
    const kernels::ChannelPlanes planes(x.shape());
    const auto groups = groups_for(pass, planes.N, context.part);
    const kernels::BatchNormSteps steps{*this, pass};
    pass.of_batch = context.mode == Mode::train && !options.frozen;
    if (pass.of_batch) groups.check_enough(x.shape());
    const BatchPart part = pass.of_batch && !context.again ? context.part : BatchPart{};
    auto all = kernels::shared_sums(groups.one, part, context.threads, planes.C, [&](Index c) {
      return channel_moments(x.data(), planes, groups, 0, c);
    });
    parallel_for(context.threads, planes.C, [&](Index c, int) {
      const auto leaf = [&](Index g, kernels::RunningStep& step) {
        step = {};
        if (pass.of_batch && !context.again) {
          const auto m = all.empty() ? channel_moments(x.data(), planes, groups, g, c) : all(c);
          step = steps.take(g, c, m, static_cast<double>(groups.whole * planes.size));
        } else if (!context.again) {
          step = steps.take_running(g, c);
        }
        kernels::normalise(x.data(), y.data(), planes, groups, g, c, steps.normalisation(g, c, f));
      };
      kernels::sum_leaves<0>(0, groups.count, pass.steps(c), leaf);
    });
    if (!groups.one) kernels::add_parts(part, pass.steps.all());
    if (!context.again) steps.move_running();
  }

  /// dbeta = sum g,  dgamma = sum g x',  dx = gamma / sqrt(var + eps) (g - dbeta/M - x' dgamma/M)
  template <std::size_t R, class F = kernels::AsItIs>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx,
                Pass& pass, const Context& context, const F& f = {}) const {
    check_shapes(*this, x, y, dy, dx);
    check_gradients(*this, pass, context);
    const kernels::ChannelPlanes planes(x.shape());
    const auto groups = groups_for(pass, planes.N, context.part);
    const kernels::BatchNormSteps steps{*this, pass};
    const auto sums_of = [&](Index g, Index c) {
      return kernels::channel_gradient(x.data(), y.data(), dy.data(), steps.normalisation(g, c, f),
                                       pass.inverse(g, c), planes, groups, g, c);
    };
    const auto take = [&](Index c, const auto& sum) {
      if (context.parameter_gradients) steps.keep_gradients(c, sum);
      return sum;
    };
    auto all = kernels::shared_sums(groups.one && pass.of_batch, context.part, context.threads,
                                    planes.C, [&](Index c) { return take(c, sums_of(0, c)); });
    parallel_for(context.threads, planes.C, [&](Index c, int) {
      kernels::GradientSums<T> total;
      kernels::sum_leaves<0>(0, groups.count, total, [&](Index g, auto& sum) {
        sum = all.empty() ? sums_of(g, c) : all(c);
        if (dx.empty()) return;
        kernels::normalise_back(
            x.data(), y.data(), dy.data(), dx.data(), planes, groups.begin(g), groups.begin(g + 1),
            c, steps.normalisation(g, c, f),
            steps.gradient(g, c, static_cast<double>(groups.size(g) * planes.size), sum));
      });
      if (all.empty()) take(c, total);
    });
  }

 private:
  kernels::BatchGroups groups_for(const Pass& pass, Index N, const BatchPart& part) const {
    const kernels::BatchGroups groups(N, options.statistics, part);
    groups.check_pass(options.channels, pass.mean.shape(), pass.inverse.shape());
    return groups;
  }
};

/// batch_norm2d(), batch_norm2d({.momentum = 0.4}), for sequential<float>(...).
inline InputSpec<BatchNorm2d, BatchNorm2dOptions, &BatchNorm2dOptions::channels> batch_norm2d(
    const BatchNorm2dOptions& options = {}) {
  return {options};
}

}  // namespace fovea::inline FOVEA_ABI
