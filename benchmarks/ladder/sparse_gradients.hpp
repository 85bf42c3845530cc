// SPDX-License-Identifier: MIT
//
// Rung 6: the way back through pooling and ReLU as one list of (position, g) for each output channel.
// At most one of four positions in a window has a gradient, and none where the unit is dead. With x in
// channels-last order, (H, W, C), one kernel row lies over KW C neighbours, a run, and an entry does
//
//   dW[o][kh] += g x[position + kh]      dx[position + kh] += g W[o][kh]
//
// Why it is faster: a quarter of the multiply-adds or fewer. The runs of a first layer are too short
// for that, so its windows stay in registers (kernels/pooled.hpp). For one thread and stride 1.
#pragma once

#include "fovea/kernels/sparse.hpp"
#include "fovea/kernels/transpose.hpp"
#include "ladder/fused_conv2d.hpp"

namespace ladder {

template <class T>
class SparseGradients {
 public:
  SparseGradients(Shape<4> x, const Conv2d<T>& conv) : padding_(conv.options.padding) {
    const Index C = x[1], KH = conv.options.kernel.h, KW = conv.options.kernel.w;
    const auto [OH, OW] = conv.window().output(x[2], x[3]);
    if (2 * KW * C < lanes<T> || !kernels::sparse_rows(KH)) return;
    run_ = (KW * C + lanes<T> - 1) / lanes<T> * lanes<T>;
    row_ = (x[3] + 2 * padding_.w) * C + lanes<T>;
    image_ = dimage_ = Tensor<T, 1>(Shape{(x[2] + 2 * padding_.h) * row_ + run_ + lanes<T> * C});
    weight_ = dweight_ = Tensor<T, 3>(Shape{conv.options.out, KH, run_});
    for (Index i = 0; i < OH / 2 * (OW / 2); ++i)
      windows_.push_back(static_cast<std::int32_t>(i / (OW / 2) * 2 * row_ + i % (OW / 2) * 2 * C));
    entries_.resize(windows_.size() + 1);
  }

  template <class Pass>
  void assign(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dx, const Conv2d<T>& conv,
              Pass& pass, int threads) {
    if (run_ == 0)
      return pass.pooled.parameter_gradients(x, dy, pass.winner.data(), pass.dweight, pass.dbias,
                                             pass.scratch, pass.partial, threads);
    const auto [N, C, H, W] = x.shape();
    const Index KH = weight_.extent(1), size = conv.weight.size();
    const std::int32_t place[] = {0, int(C), int(row_), int(row_ + C), 0};
    const Index inside = padding_.h * row_ + padding_.w * C;
    kernels::Entry<T>* const list = entries_.data();
    T *const image = image_.data(), *const dimage = dimage_.data();
    dweight_.fill(T{0});
    pass.dbias.fill(T{0});
    for (Index i = 0; i < size; ++i) weight_.data()[turned(conv, i)] = conv.weight.data()[i];
    for (Index n = 0; n < N; ++n) {
      kernels::to_channels_last(x[n].data(), C, H, W, image + inside, row_);
      dimage_.fill(T{0});
      for (Index o = 0; o < dy.extent(1); ++o) {
        const Index count = kernels::list_entries(dy[n][o].data(), pass.winner[n][o].data(),
                                                  dy[n][o].size(), windows_.data(), place, list);
        if (!pass.dbias.empty()) pass.dbias(o) += kernels::sum_entries(list, count);
        kernels::sparse_weight_gradient(list, count, image, row_, KH, run_, dweight_[o].data());
        kernels::sparse_input_gradient(list, count, weight_[o].data(), KH, run_, dimage, row_);
      }
      if (!dx.empty()) kernels::from_channels_last(dimage + inside, row_, C, H, W, dx[n].data());
    }
    for (Index i = 0; i < size; ++i) pass.dweight.data()[i] = dweight_.data()[turned(conv, i)];
  }

 private:
  // Where element i of W (O, C, KH, KW) stands in (O, KH, run), with runs of KW C numbers.
  Index turned(const Conv2d<T>& conv, Index i) const {
    const auto [O, C, KH, KW] = conv.weight.shape();
    return (i / (C * KH * KW) * KH + i / KW % KH) * run_ + i % KW * C + i / (KH * KW) % C;
  }

  Extent2 padding_;
  Index run_ = 0, row_ = 0;            // elements of a run in whole vectors, and of a row of pixels
  Tensor<T, 1> image_, dimage_;        // x and dx of one image, padded, channels last
  Tensor<T, 3> weight_, dweight_;      // (O, KH, run)
  std::vector<std::int32_t> windows_;  // where each pooling window begins
  std::vector<kernels::Entry<T>> entries_;  // of one output channel
};

}  // namespace ladder
