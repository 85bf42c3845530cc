// SPDX-License-Identifier: MIT
//
// Rungs 5 and 6: convolution, ReLU and 2 x 2 max-pooling as one layer.
//
//   x (N, C, H, W)    y (N, O, OH/2, OW/2)
//
// Why it is faster than the three layers: the numbers between convolution and pooling, four for each
// one that survives, are never written to memory. The sums of a window stand in four registers, the
// largest is found there, and a byte that names the winner is all that backward needs.
//
// How the gradients are then computed is the difference between the two rungs: `Gradients` is
// DenseGradients (this page) or SparseGradients (sparse_gradients.hpp).
#pragma once

#include "fovea/kernels/pooled.hpp"
#include "fovea/nn/conv2d.hpp"

namespace ladder {

using namespace fovea;

/// Rung 5: all four positions of every window are multiplied, though at most one is not zero.
template <class T>
struct DenseGradients {
  DenseGradients(Shape<4>, const Conv2d<T>&) {}

  template <class Pass>
  void assign(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dx, const Conv2d<T>& conv,
              Pass& pass, int threads) {
    // The gradient of the convolution's output, one plane at a time.
    const auto [OH, OW] = conv.window().output(x.extent(2), x.extent(3));
    const auto plane = [&, OH = OH, OW = OW](Index n, Index o, T* to, Index pitch) {
      const Index at = dy[n][o].data() - dy.data();
      kernels::unpool(dy.data() + at, pass.winner.data() + at, dy.size() - at, OH / 2, OW / 2, to,
                      pitch);
      if (OH % 2) std::fill_n(to + (OH - 1) * pitch, pitch, T{0});
    };
    pass.kernel.parameter_gradients(x, plane, pass.dweight, pass.dbias, pass.scratch, pass.partial,
                                    threads);
    if (!dx.empty())
      pass.kernel.input_gradient_from(plane, conv.weight.data(), dx, pass.scratch, pass.partial,
                                      threads);
  }
};

template <class T, class Gradients>
struct FusedConv2d : Conv2d<T> {
  using Conv2d<T>::Conv2d;

  struct Pass : Conv2d<T>::Pass {
    kernels::PooledConvolution<T> pooled;
    Tensor<std::uint8_t, 4> winner;  // (N, O, OH/2, OW/2): which of the four
    Gradients gradients;
  };

  Shape<4> output_shape(Shape<4> x) const {
    const auto [N, O, OH, OW] = Conv2d<T>::output_shape(x);
    return {N, O, OH / 2, OW / 2};
  }

  Pass pass(Shape<4> x, const PassOptions& how) const {
    const auto& o = this->options;
    return {Conv2d<T>::pass(x, how),
            kernels::PooledConvolution<T>(x, o.out, this->window(), o.groups),
            Tensor<std::uint8_t, 4>(output_shape(x)), Gradients(x, *this)};
  }

  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context& context) const {
    pass.pooled.forward(x, this->weight.data(), this->bias.data(), y, pass.winner.data(),
                        pass.scratch, context.threads);
  }

  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    pass.gradients.assign(x, dy, dx, *this, pass, context.threads);
  }
};

}  // namespace ladder
