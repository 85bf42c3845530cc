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

#include <cmath>

#include "fovea/kernels/channel_sums.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// Over which examples a mean and a variance are taken in training: all of the batch, or each of
/// its 16 chunks by itself (kernels/batch_tree.hpp).
enum class Statistics { batch, chunk };

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
    bool of_batch = false;                // whether forward took them from its batch
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
    const Tensor<double, 2> none(Shape{groups_of(output_shape(x)[0]).count, options.channels});
    Pass pass{{}, {}, running_mean, running_var, none, none};
    if (how.keep != Keep::output) pass.dweight = weight, pass.dbias = bias;
    return pass;
  }

  /// y = f(gamma (x - mean) / sqrt(var + eps) + beta); fused/norm_activation.hpp has an f.
  template <std::size_t R, class F = kernels::AsItIs>
  void forward(View<const T, R> x, View<T, R> y, Pass& pass, const Context& context,
               const F& f = {}) const {
    check_shapes(*this, x, y);
    const kernels::ChannelPlanes planes(x.shape());
    const auto groups = groups_for(pass, planes.N);
    pass.of_batch = context.mode == Mode::train && !options.frozen;
    for (Index g = 0; g < groups.count && pass.of_batch; ++g)
      check(groups.size(g) * planes.size > 1, "expected at least two numbers of each channel in ",
            groups.count == 1 ? "a batch" : "each chunk of a batch", " of training, got ",
            x.shape());
    parallel_for(context.threads, planes.C, [&](Index c, int) {
      const double keep = pass.of_batch ? 1 - options.momentum : 1;
      double new_mean = keep * to_double(running_mean(c)),
             new_var = keep * to_double(running_var(c));
      for (Index g = 0; g < groups.count; ++g) {
        if (!context.again) {
          double mean = to_double(running_mean(c)), var = to_double(running_var(c));
          if (pass.of_batch) {
            const auto m = kernels::channel_moments(x.data(), planes, groups, g, c);
            const double share = options.momentum * groups.share(g);
            mean = m.mean, var = m.squares / m.count;
            new_mean += share * mean, new_var += share * m.squares / (m.count - 1);
          }
          pass.mean(g, c) = mean, pass.inverse(g, c) = 1 / std::sqrt(var + options.eps);
        }
        kernels::normalise(x.data(), y.data(), planes, groups, g, c, normalisation(pass, g, c, f));
      }
      if (context.again) return;
      pass.running_mean(c) = static_cast<T>(new_mean),
      pass.running_var(c) = static_cast<T>(new_var);
    });
  }

  /// dbeta = sum g,  dgamma = sum g x',  dx = gamma / sqrt(var + eps) (g - dbeta/M - x' dgamma/M)
  template <std::size_t R, class F = kernels::AsItIs>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx,
                Pass& pass, const Context& context, const F& f = {}) const {
    check_shapes(*this, x, y, dy, dx);
    check_gradients(*this, pass, context);
    const kernels::ChannelPlanes planes(x.shape());
    const auto groups = groups_for(pass, planes.N);
    parallel_for(context.threads, planes.C, [&](Index c, int) {
      double dgamma = 0, dbeta = 0;
      for (Index g = 0; g < groups.count; ++g) {
        const double inverse = pass.inverse(g, c);
        const auto normal = normalisation(pass, g, c, f);
        const auto sum =
            kernels::channel_gradient(x.data(), y.data(), dy.data(), normal, planes, groups, g, c);
        dbeta += sum.g, dgamma += sum.gx * inverse;
        if (dx.empty()) continue;
        const double scale = gamma(c) * inverse, M = to_double(groups.size(g) * planes.size);
        const double mean = pass.of_batch ? scale / M * sum.g : 0;  // even where the sum is NaN
        const double slope = pass.of_batch ? scale / M * sum.gx * inverse * inverse : 0;
        kernels::normalise_back(x.data(), y.data(), dy.data(), dx.data(), planes, groups.begin(g),
                                groups.begin(g + 1), c, normal, T(mean), T(slope));
      }
      if (!context.parameter_gradients || !options.affine) return;
      pass.dweight(c) = static_cast<T>(dgamma), pass.dbias(c) = static_cast<T>(dbeta);
    });
  }

 private:
  static double to_double(auto x) { return static_cast<double>(x); }
  template <class F>
  kernels::Normalisation<T, F> normalisation(const Pass& pass, Index g, Index c, const F& f) const {
    return {static_cast<T>(pass.mean(g, c)), static_cast<T>(gamma(c) * pass.inverse(g, c)),
            options.affine ? bias(c) : T{0}, f};
  }
  double gamma(Index c) const { return options.affine ? to_double(weight(c)) : 1; }
  using Groups = kernels::BatchGroups;
  Groups groups_of(Index N) const { return {N, options.statistics == Statistics::batch}; }
  Groups groups_for(const Pass& pass, Index N) const {
    const Groups groups = groups_of(N);
    check(pass.mean.size() >= groups.count * options.channels &&
              pass.mean.shape() == pass.inverse.shape(),
          "BatchNorm2d: expected a Pass for ", groups.count, " x ", options.channels,
          " means, got one for ", pass.mean.shape(), "; pass(shape, options) makes it");
    return groups;
  }
};

/// batch_norm2d(), batch_norm2d({.momentum = 0.4}), for sequential<float>(...).
inline InputSpec<BatchNorm2d, BatchNorm2dOptions, &BatchNorm2dOptions::channels> batch_norm2d(
    const BatchNorm2dOptions& options = {}) {
  return {options};
}

}  // namespace fovea::inline FOVEA_ABI
