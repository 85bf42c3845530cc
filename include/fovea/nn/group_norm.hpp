// SPDX-License-Identifier: MIT
//
// Group normalisation: as batch normalisation (nn/batch_norm2d.hpp), but mean and variance are of
// one example and a group of channels, so that they do not depend on the batch, and training and
// prediction are the same (Wu and He, Group normalization, ECCV 2018).
//
//   mean, var    over the M = C/g H W numbers of group k of example n
//   x' = (x - mean) / sqrt(var + eps)      y = gamma[c] x' + beta[c]
//
//   x, y (N, C, H, W) or (N, C)    gamma, beta (C)
//
//   groups = 1   layer normalisation of a whole example (Ba et al. 2016)
//   groups = C   instance normalisation: every map by itself (Ulyanov et al. 2016)
//
// Backward, with h = gamma dy and sums over the group:
//
//   dx = (h - sum h / M - x' sum (h x') / M) / sqrt(var + eps)
//   dbeta[c] = sum over n, h, w of dy      dgamma[c] = sum over n, h, w of dy x'
#pragma once

#include <cmath>

#include "fovea/kernels/channel_sums.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

/// What a GroupNorm is made with.
struct GroupNormOptions {
  Index channels = 0;  ///< C
  Index groups = 1;    ///< g, a divisor of C
  double eps = 1e-5;   ///< above 0
  bool affine = true;  ///< false: gamma is 1 and beta 0, and neither is trained
  friend bool operator==(const GroupNormOptions&, const GroupNormOptions&) = default;
};

/// Group normalisation of x (N, C, H, W), or of x (N, C).
template <class T>
class GroupNorm {
 public:
  using value_type = T;
  static constexpr std::string_view kind = "gn";
  static constexpr bool sees_all = true;  // a mean is of the whole map, for receptive fields

  GroupNormOptions options;
  Tensor<T, 1> weight{}, bias{};  // (C), gamma and beta, or empty

  struct Pass {
    Tensor<T, 1> dweight{}, dbias{};      // (C), or empty
    Tensor<double, 2> mean{}, inverse{};  // (N, g): mean and 1 / sqrt(var + eps) of forward
  };
  static constexpr auto parameters() {
    return std::tuple{Parameter{"weight", &GroupNorm::weight, &Pass::dweight},
                      Parameter{"bias", &GroupNorm::bias, &Pass::dbias}};
  }

  /// gamma = 1, beta = 0. Throws on options outside their range.
  [[gnu::cold]] explicit GroupNorm(const GroupNormOptions& o) : options(o) {
    const Shape affine{o.affine ? std::max<Index>(o.channels, 0) : 0};
    weight = Tensor<T, 1>(affine, T{1}), bias = Tensor<T, 1>(affine);
    validate();
  }

  /// Throws unless options and tensors, which are open to assignment, make sense together.
  void validate() const {
    const auto& [C, g, eps, affine] = options;
    check(C > 0 && g > 0 && C % g == 0, "GroupNorm: expected groups that divide the channels, got ",
          g, " and ", C);
    check(eps > 0 && eps < 1e30, "GroupNorm: expected a finite eps above 0, got ", eps);
    const Index size = affine ? C : 0;
    check(weight.size() == size && bias.size() == size, "GroupNorm: expected a weight and a bias ",
          "of ", size, " numbers for these options, got ", weight.size(), " and ", bias.size());
  }

  std::string settings() const { return concat("groups ", options.groups, ", eps ", options.eps); }

  template <std::size_t R>
  requires(R == 2 || R == 4) Shape<R> output_shape(Shape<R> x)
  const {
    validate();
    check(x[1] == options.channels, "expected ", options.channels, " channels, got ", x);
    return x;
  }

  template <std::size_t R>
  [[gnu::cold]] Pass pass(Shape<R> x, const WorkspaceOptions& how) const {
    const Shape groups{output_shape(x)[0], options.groups};
    Pass pass{{}, {}, Tensor<double, 2>(groups), Tensor<double, 2>(groups)};
    if (how.keep != Keep::output) pass.dweight = weight, pass.dbias = bias;
    return pass;
  }

  template <std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, Pass& pass, const Context& context) const {
    check_shapes(*this, x, y);
    check_pass(pass, x.extent(0));
    const kernels::ChannelPlanes planes(x.shape());
    const Index channels = planes.C / options.groups, M = channels * planes.size;
    parallel_for(context.threads, planes.N, [&](Index n, int) {
      for (Index k = 0; k < options.groups; ++k) {
        const T* const group = x.data() + planes.offset(n, k * channels);
        const double mean =
            kernels::lane_sum<T>(M, [&](Index i) { return group[i]; }) / static_cast<double>(M);
        const auto middle = static_cast<T>(mean);
        const double squares = kernels::lane_sum<T>(
            M, [&](Index i) { return (group[i] - middle) * (group[i] - middle); });
        const double inverse = 1 / std::sqrt(squares / static_cast<double>(M) + options.eps);
        pass.mean(n, k) = mean, pass.inverse(n, k) = inverse;
        for (Index c = k * channels; c < (k + 1) * channels; ++c) {
          const Index at = planes.offset(n, c);
          normalisation(pass, n, c).forward(x.data() + at, y.data() + at, planes.size);
        }
      }
    });
  }

  template <std::size_t R>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx,
                Pass& pass, const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    check_gradients(*this, pass, context);
    check_pass(pass, x.extent(0));
    const kernels::ChannelPlanes planes(x.shape());
    const Index channels = planes.C / options.groups;
    const auto sums = [&](Index n, Index c) {
      const Index at = planes.offset(n, c);
      return kernels::plane_gradient(x.data() + at, y.data() + at, dy.data() + at, planes.size,
                                     normalisation(pass, n, c));
    };
    if (!dx.empty())
      parallel_for(context.threads, planes.N, [&](Index n, int) {
        for (Index k = 0; k < options.groups; ++k) {
          const double M = static_cast<double>(channels * planes.size),
                       inverse = pass.inverse(n, k);
          double h = 0, hx = 0;
          for (Index c = k * channels; c < (k + 1) * channels; ++c) {
            const auto s = sums(n, c);
            h += gamma(c) * s.g, hx += gamma(c) * s.gx;
          }
          const auto mean = static_cast<T>(h / M * inverse),
                     slope = static_cast<T>(hx / M * inverse * inverse * inverse);
          for (Index c = k * channels; c < (k + 1) * channels; ++c)
            kernels::normalise_back(x.data(), y.data(), dy.data(), dx.data(), planes, n, n + 1, c,
                                    normalisation(pass, n, c), {mean, slope});
        }
      });
    if (!context.parameter_gradients || !options.affine) return;
    const kernels::BatchChunks chunks = context.chunks(planes.N);
    parallel_for(context.threads, planes.C, [&](Index c, int) {
      pass.dbias(c) = kernels::sum_in_chunks<T>(chunks, [&](Index n) { return sums(n, c).g; });
      pass.dweight(c) = kernels::sum_in_chunks<T>(
          chunks, [&](Index n) { return sums(n, c).gx * pass.inverse(n, c / channels); });
    });
  }

 private:
  kernels::Normalisation<T> normalisation(const Pass& pass, Index n, Index c) const {
    const Index k = c / (options.channels / options.groups);
    return {static_cast<T>(pass.mean(n, k)), static_cast<T>(gamma(c) * pass.inverse(n, k)),
            weight.empty() ? T{0} : bias(c)};
  }
  double gamma(Index c) const { return weight.empty() ? 1.0 : static_cast<double>(weight(c)); }
  void check_pass(const Pass& pass, Index N) const {
    check(N <= pass.mean.extent(0) && pass.mean.extent(1) == options.groups &&
              pass.mean.shape() == pass.inverse.shape(),
          "GroupNorm: expected a Pass for ", N, " examples and ", options.groups,
          " groups, got one for ", pass.mean.shape(), "; pass(shape, options) makes it");
  }
};

/// group_norm({.groups = 8}), for sequential<float>(...).
inline InputSpec<GroupNorm, GroupNormOptions, &GroupNormOptions::channels> group_norm(
    const GroupNormOptions& options = {}) {
  return {options};
}

}  // namespace fovea::inline FOVEA_ABI
