// SPDX-License-Identifier: MIT
//
// Softmax as a layer: numbers of any size become shares of one.
//
//   y[c] = exp(x[c]) / sum over k of exp(x[k])           over the channels, at each place
//   dx[c] = y[c] (dy[c] - sum over k of dy[k] y[k])
//
//   x, y (N, C) or (N, C, H, W)
//
// A network that is trained with cross_entropy ends without it: that loss takes the logits, which
// is exact where a logarithm of a rounded probability is not (nn/cross_entropy.hpp).
#pragma once

#include <algorithm>

#include "fovea/core/math.hpp"
#include "fovea/kernels/channel_sums.hpp"
#include "fovea/nn/layer.hpp"
#include "fovea/nn/shapes.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// Writes p[n,.] and returns {m, log sum exp(z - m)}.
struct SoftmaxRow {
  double largest, log_sum;
};
template <class T>
SoftmaxRow softmax_row(View<const T, 1> z, View<T, 1> p) {
  const double largest = static_cast<double>(*std::max_element(z.begin(), z.end()));
  double sum = 0;
  for (Index k = 0; k < z.size(); ++k) {
    const double e = math::exp(static_cast<double>(z[k]) - largest);
    sum += e;
    if (!p.empty()) p[k] = static_cast<T>(e);
  }
  for (T& probability : p) probability = static_cast<T>(static_cast<double>(probability) / sum);
  return {largest, math::log(sum)};
}

}  // namespace detail

/// The probabilities (N, K) of the logits (N, K).
template <Ranked<2> Z>
Tensor<ElementOf<Z>, 2> softmax(const Z& logits) {
  check(logits.extent(1) > 0, "softmax: expected (N, K) with K > 0, got ", logits.shape());
  Tensor<ElementOf<Z>, 2> p(logits.shape());
  for (Index n = 0; n < p.extent(0); ++n)
    detail::softmax_row<ElementOf<Z>>(as_const(logits)[n], p[n]);
  return p;
}

/// Shares of one over the channels of x (N, C, ...).
struct Softmax {
  static constexpr std::string_view kind = "softmax";

  template <std::size_t R>
  requires(R == 2 || R == 4) Shape<R> output_shape(Shape<R> x)
  const {
    check(x[1] > 0, "expected 1 channel or more, got ", x);
    return x;
  }

  template <class T, std::size_t R>
  void forward(View<const T, R> x, View<T, R> y, NoPass&, const Context& context) const {
    check_shapes(*this, x, y);
    each_place(x.shape(), context, [&](Index first, Index last, Index stride) {
      T largest = x.data()[first];
      for (Index i = first; i < last; i += stride)
        if (!(x.data()[i] <= largest)) largest = x.data()[i];  // or a NaN
      double sum = 0;
      for (Index i = first; i < last; i += stride) {
        const double e = math::exp(static_cast<double>(x.data()[i] - largest));
        sum += e, y.data()[i] = static_cast<T>(e);
      }
      for (Index i = first; i < last; i += stride)
        y.data()[i] = static_cast<T>(static_cast<double>(y.data()[i]) / sum);
    });
  }

  template <class T, std::size_t R>
  void backward(View<const T, R> x, View<const T, R> y, View<const T, R> dy, View<T, R> dx, NoPass&,
                const Context& context) const {
    check_shapes(*this, x, y, dy, dx);
    if (dx.empty()) return;
    each_place(x.shape(), context, [&](Index first, Index last, Index stride) {
      double sum = 0;
      for (Index i = first; i < last; i += stride)
        sum += static_cast<double>(dy.data()[i]) * static_cast<double>(y.data()[i]);
      for (Index i = first; i < last; i += stride)
        dx.data()[i] = y.data()[i] * (dy.data()[i] - static_cast<T>(sum));
    });
  }

 private:
  // Calls f(first, last, stride) with the offsets of the channels at each place of each example.
  template <std::size_t R, class F>
  static void each_place(const Shape<R>& x, const Context& context, const F& f) {
    const kernels::ChannelPlanes planes(x);
    parallel_for(context.threads, planes.N, [&](Index n, int) {
      for (Index i = 0; i < planes.size; ++i)
        f(planes.offset(n, 0) + i, planes.offset(n + 1, 0) + i, planes.size);
    });
  }
};

}  // namespace fovea::inline FOVEA_ABI
