// SPDX-License-Identifier: MIT
//
// Rung 6: backward through pooling and ReLU as one list of (offset, value) for each output channel.
// At most one of four positions in a window has a gradient, and none where the unit is dead. With x in
// channels-last order, (H, W, C), one kernel row lies over KW C neighbours, a run, and an entry does
//
//   dW[o][kh] += g x[position + kh]      dx[position + kh] += g W[o][kh]
//
// Why it is faster: a quarter of the multiply-adds or fewer. (The runs of a first layer, three numbers, fill
// no vector; the library spreads its gradients in registers, see kernels/direct.hpp.)
#pragma once

#include "fovea/kernels/sparse.hpp"
#include "ladder/fused_conv2d.hpp"

namespace ladder {

template <class T>
class SparseGradients {
 public:
  SparseGradients(Shape<4> x, const Conv2d<T>& conv) : run_(conv.options.kernel.w * x[1]) {
    const Shape size{conv.options.out, conv.options.kernel.h, whole_vectors<T>(run_)};
    weight_ = dweight_ = Tensor<T, 3>(size);
    const kernels::ChannelsLast<T> image{x[1], {x[2], x[3]}, conv.options.padding};
    dimage_ = Tensor<T, 1>(Shape{image.size()});
    entries_.resize(static_cast<std::size_t>(x[2] * x[3] + 1));
  }

  template <class Layer, class Pass>
  void assign(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dx, const Layer& layer,
              Pass& pass, const Context&) {
    const auto [O, C, KH, KW] = layer.weight.shape();
    const Index row = pass.in.row(), run = weight_.extent(2), count = pass.winner.extent(1);
    const std::int32_t corner[] = {0, int(C), int(row), int(row + C), 0};
    kernels::SparseEntry<T>* const list = entries_.data();
    const T* const image = pass.image.data();
    const T* const gradient = pass.pooled.data();
    dweight_.fill(T{0});
    pass.dbias.fill(T{0});
    for (Index i = 0; i < layer.weight.size(); ++i)
      weight_.data()[permuted(layer, i)] = layer.weight.data()[i];
    for (Index n = 0; n < x.extent(0); ++n) {
      pass.in.read(x[n].data(), pass.image.data());
      pass.out.read(dy[n].data(), pass.pooled.data());
      dimage_.fill(T{0});
      for (Index o = 0; o < O; ++o) {
        const Index listed =
            kernels::compact_entries(gradient + o, pass.pixels.data(), &pass.winner(n, 0, o), O,
                                     count, pass.windows.data(), corner, list);
        for (Index i = 0; i < listed; ++i) pass.dbias(o) += list[i].value;
        kernels::sparse_weight_gradient(list, listed, image, row, KH, run, dweight_[o].data());
        if (!dx.empty())
          kernels::sparse_input_gradient(list, listed, weight_[o].data(), KH, run, dimage_.data(),
                                         row);
      }
      if (!dx.empty()) pass.in.write(dimage_.data(), 0, C, dx[n].data());
    }
    for (Index i = 0; i < layer.weight.size(); ++i)
      pass.dweight.data()[i] = dweight_.data()[permuted(layer, i)];
  }

 private:
  // The offset of element i of W (O, C, KH, KW) in (O, KH, run), with runs of KW C numbers.
  Index permuted(const Conv2d<T>& conv, Index i) const {
    const auto [O, C, KH, KW] = conv.weight.shape();
    return (i / (C * KH * KW) * KH + i / KW % KH) * weight_.extent(2) + i % KW * C +
           i / (KH * KW) % C;
  }

  Index run_;                                     // KW C
  Tensor<T, 1> dimage_;                           // dx of one image, in the layout of x
  Tensor<T, 3> weight_, dweight_;                 // (O, KH, run in whole vectors)
  std::vector<kernels::SparseEntry<T>> entries_;  // of one output channel
};

}  // namespace ladder
