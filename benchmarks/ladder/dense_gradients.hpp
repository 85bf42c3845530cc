// SPDX-License-Identifier: MIT
//
// Backward of rung 5: the gradient of each window goes to its winner, zeros to the other
// three, and the convolution goes back as if there were no zeros.
#pragma once

#include "ladder/fused_conv2d.hpp"

namespace ladder {

/// All four positions of every window are multiplied, though at most one is not zero.
template <class T>
struct DenseGradients {
  Tensor<T, 4> spread;  // the gradient of the convolution's output, (N, O, OH, OW)

  DenseGradients(Shape<4> x, const Conv2d<T>& conv) : spread(conv.Conv2d<T>::output_shape(x)) {}

  template <class Layer, class Pass>
  void assign(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dx, const Layer& layer,
              Pass& pass, const Context& context) {
    const auto [N, O, rows, cols] = dy.shape();
    spread.fill(T{0});
    for (Index n = 0; n < N; ++n)
      for (Index o = 0; o < O; ++o)
        for (Index i = 0; i < rows * cols; ++i)
          if (const auto winner = pass.winner(n, i, o); winner != kernels::no_winner)
            spread(n, o, 2 * (i / cols) + winner / 2, 2 * (i % cols) + winner % 2) =
                dy(n, o, i / cols, i % cols);
    const View<const T, 4> full = as_const(spread).sub(0, N);
    layer.Conv2d<T>::backward(x, full, full, dx, pass, context);
  }
};

}  // namespace ladder
