// SPDX-License-Identifier: MIT
//
// Rungs 5 and 6: convolution, ReLU and 2 x 2 max-pooling as one layer.
//
//   x (N, C, H, W)    y (N, O, OH/2, OW/2)
//
// Why it is faster than the three layers: the numbers between convolution and pooling, four for each
// one that survives, are never written to memory. The sums of a window are in four registers, the
// largest is found there, and a byte that names the winner is all that backward needs.
//
// How the gradients are then computed is the difference between the two rungs: `Gradients` is
// DenseGradients (dense_gradients.hpp) or SparseGradients (sparse_gradients.hpp). For one thread.
#pragma once

#include "fovea/kernels/direct.hpp"
#include "fovea/nn/conv2d.hpp"

namespace ladder {

using namespace fovea;

template <class T, class Gradients>
struct FusedConv2d : Conv2d<T> {
  using Conv2d<T>::Conv2d;

  struct Pass : Conv2d<T>::Pass {
    Gradients gradients;
    kernels::ChannelsLast<T> in, out;  // one image of x, and of y
    kernels::DirectTiles<T> tiles;
    std::vector<std::int32_t> windows, pixels;  // where they begin in x, and their outputs in y
    Tensor<T, 1> image, pooled, weight, bias;   // as the tiles read and write them
    Tensor<std::uint8_t, 3> winner;             // (N, windows, O): which of the four
  };

  Shape<4> output_shape(Shape<4> x) const {
    const auto [N, O, OH, OW] = Conv2d<T>::output_shape(x);
    return {N, O, OH / 2, OW / 2};
  }

  Pass pass(Shape<4> x, const WorkspaceOptions& how) const {
    const auto& o = this->options;
    const auto [N, O, rows, cols] = output_shape(x);
    Pass p{Conv2d<T>::pass(x, how), {x, *this}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}};
    p.in = {x[1], {x[2], x[3]}, o.padding}, p.out = {O, {rows, cols}, 0};
    p.tiles = {x[1], O, o.kernel, p.in.row()};
    p.windows = p.in.tile_offsets(0, {rows, cols}, 2, 1),
    p.pixels = p.out.tile_offsets(0, {rows, cols}, 1, 1);
    p.image = Tensor<T, 1>(Shape{p.in.size()}), p.pooled = Tensor<T, 1>(Shape{p.out.size()});
    p.weight = Tensor<T, 1>(Shape{p.tiles.weights_size()});
    p.bias = Tensor<T, 1>(Shape{whole_vectors<T>(O)});
    p.winner = Tensor<std::uint8_t, 3>(Shape{N + 1, rows * cols, O});  // vectors may reach beyond
    return p;
  }

  void forward(View<const T, 4> x, View<T, 4> y, Pass& p, const Context&) const {
    const Index O = y.extent(1), count = y[0][0].size();
    p.tiles.pack_weights(this->weight.data(), p.weight.data());
    std::copy(this->bias.begin(), this->bias.end(), p.bias.begin());
    for (Index n = 0; n < x.extent(0); ++n) {
      p.in.read(x[n].data(), p.image.data());
      p.tiles.run(p.image.data(), p.windows.data(), count, p.weight.data(), 0, p.bias.size(),
                  [&](Index t, Index o, const Vec<T>(&window)[4]) {
                    const auto found = kernels::max_pool_tile<T>(window, load(p.bias.data() + o));
                    store(p.pooled.data() + t * O + o, found.y);  // O is a number of whole vectors
                    std::memcpy(&p.winner(n, t, o), &found.winner, sizeof found.winner);
                  });
      p.out.write(p.pooled.data(), 0, O, y[n].data());
    }
  }

  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context& context) const {
    pass.gradients.assign(x, dy, dx, *this, pass, context);
  }
};

}  // namespace ladder
