// SPDX-License-Identifier: MIT
//
// Conv2d, Relu and MaxPool2d{2} on one image after the other, with the ReLU before or after
// the pooling: the largest of four is clipped, or four are clipped and the largest is
// taken, which is the same number.
//
//   forward    the sums of the four windows that a unit of the pool sees are made together, in
//              registers, where bias and maximum are taken and the winner is remembered: a quarter
//              of the responses is written
//   backward   a unit that is alive sends its gradient to one element of x. A list of these
//              entries, (offset, value), is what dW and dx are sums over: a quarter of the products
//              of the dense form, or fewer
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "fovea/fused/conv_stage.hpp"
#include "fovea/kernels/sparse.hpp"
#include "fovea/nn/max_pool2d.hpp"

namespace fovea::inline FOVEA_ABI {

/// y (N, O, OH/2, OW/2) from x (N, C, H, W): convolution, ReLU and pooling.
template <class T>
class PooledStage final : public ConvStage<T> {
  using Base = ConvStage<T>;
  using Base::conv, Base::in_, Base::out_, Base::O_, Base::units_, Base::windows_, Base::pixels_,
      Base::padded_outputs_, Base::partial_, Base::first_, Base::next_, Base::own_dx, Base::bias_,
      Base::forward_only_, Base::threads_;

 public:
  /// Whether a stage can do what these layers say.
  static bool suits(const Conv2d<T>& conv, const MaxPool2d& pool) {
    const auto& o = conv.options;
    return kernels::sparse_rows(o.kernel.h) && o.stride == Extent2{1} && o.dilation == Extent2{1} &&
           o.groups == 1 && pool.options == MaxPool2dOptions{.kernel = 2, .stride = 2};
  }

  /// Makes all memory. x: the largest input; y: what comes out.
  [[gnu::cold]] PooledStage(const AnyLayer<T>& layer, Shape<4> x, Shape<4> y,
                            const WorkspaceOptions& how)
      : Base(layer, x, {y[2], y[3]}, {y[2], y[3]}, how) {
    if (forward_only_) return;
    const auto& o = conv().options;
    const Index N = x[0], C = x[1];
    single_channel_ = C == 1 && o.kernel == Extent2{3} && lanes<T> >= 8;
    run_ = whole_vectors<T>(o.kernel.w * C);
    winner_ = Tensor<std::uint8_t, 1>(Shape{N * units_ * O_ + lanes<T>});
    flipped_ = Tensor<T, 1>(Shape{O_ * o.kernel.h * run_});
    size_ = single_channel_ ? 9 * padded_outputs_ : O_ * o.kernel.h * run_;
    partial_ = Tensor<T, 2>(Shape{kernels::BatchChunks(N).count, size_ + padded_outputs_});
    entries_.resize(static_cast<std::size_t>(threads_ * (O_ * units_ + 1)));
    ends_ = Tensor<Index, 2>(Shape{threads_, O_});
  }

  [[gnu::cold]] void plan(Index together) override {
    Base::plan(together);
    windows_ = in_.tile_offsets(0, out_.extent, 2, Base::images_per_tile_);
    pixels_ = out_.tile_offsets(out_.inside(), out_.extent, 1, Base::images_per_tile_);
    const Index tiles = Base::by_winograd_ ? Base::winograd_.scratch() : 0;
    const Index dx = forward_only_ ? 0 : together * in_.size();
    Base::scratch_ = Tensor<T, 2>(Shape{threads_, Base::y_size_ + std::max(dx, tiles)});
  }

  /// For tests: whether dW goes over lists, too; dx always does.
  bool sparse() const { return !single_channel_; }

  void forward_images(View<T, 4> y, Index n, Index count, Index buffer,
                      std::pair<Index, Index> output_chunk, int thread) override {
    const T* const bias = bias_.data();
    const std::int32_t* const pixel = pixels_.data();
    const Index O = O_;
    Base::each_tile(y, n, count, buffer, output_chunk, thread, own_dx(thread, 0),
                    [&](T* out, Index image) {
                      std::uint8_t* const winner =
                          forward_only_ ? nullptr : winner_.data() + image * units_ * O;
                      return [=](Index t, Index o, const Vec<T>(&window)[4]) {
                        const auto pooled = kernels::max_pool_tile<T>(window, load(bias + o));
                        Base::store_lanes(out + pixel[t] + o, pooled.y, O - o);
                        if (winner) Base::store_lanes(winner + t * O + o, pooled.winner, O - o);
                      };
                    });
  }

  /// Weights for dx: (O, C, KH, KW) to (O, KH, run) with runs of KW C numbers.
  void flip_weights(int threads) override {
    const Tensor<T, 4>& weight = conv().weight;
    const auto [O, C, KH, KW] = weight.shape();
    parallel_for(threads, O, [&, C = C, KH = KH, KW = KW](Index o, int) {
      for (Index kh = 0; kh < KH; ++kh) {
        T* const to = flipped_.data() + (o * KH + kh) * run_;
        for (Index c = 0; c < C; ++c)
          for (Index kw = 0; kw < KW; ++kw) to[kw * C + c] = weight(o, c, kh, kw);
      }
    });
  }

  /// A list for each output, then dW and dx over the lists.
  void backward_image(const View<const T, 4>&, const View<const T, 4>& y_gradient,
                      const View<T, 4>& x_gradient, const typename Base::Image& image) override {
    const auto [n, buffer, chunk, first_of_chunk, parameters, thread] = image;
    const Extent2 kernel = Base::kernel_;
    const T* const dy = Base::gradient_of_y(y_gradient, image);
    const std::uint8_t* const winner = winner_.data() + n * units_ * O_;
    const T* const x = Base::images_[n].data();
    T* const dW = partial_[chunk].data();
    if (parameters && first_of_chunk) partial_[chunk].fill(T{0});
    T* const db = dW + size_;
    for (Index o = 0; parameters && o < O_; o += lanes<T>) {
      kernels::add_pooled_bias(dy + o, pixels_.data(), winner + o, O_, units_, db + o);
      if (single_channel_)
        kernels::add_single_channel_gradient(x, in_.row(), windows_.data(), units_, dy + o,
                                             pixels_.data(), winner + o, O_, dW + o,
                                             padded_outputs_);
    }
    if (single_channel_ && !Base::wants_dx(x_gradient)) return;

    const auto row = static_cast<std::int32_t>(in_.row()),
               pixel = static_cast<std::int32_t>(in_.channels);
    const std::int32_t corner[] = {0, pixel, row, row + pixel, 0};
    auto* const entries = entries_.data() + thread * (O_ * units_ + 1);
    auto* list = entries;
    for (Index o = 0; o < O_; ++o) {
      list += kernels::compact_entries(dy + o, pixels_.data(), winner + o, O_, units_,
                                       windows_.data(), corner, list);
      ends_(thread, o) = list - entries;
    }
    // One after the other, because what they read together does not fit into L1.
    const Index filter = kernel.h * run_;
    const auto each_list = [&, thread = thread](auto&& use) {
      for (Index o = 0, first = 0; o < O_; first = ends_(thread, o++))
        use(o, entries + first, ends_(thread, o) - first);
    };
    if (parameters && !single_channel_)
      each_list([&](Index o, const auto* listed, Index count) {
        kernels::sparse_weight_gradient(listed, count, x, row, kernel.h, run_, dW + o * filter);
      });
    if (!Base::wants_dx(x_gradient)) return;
    T* const dx = own_dx(thread, buffer);
    std::fill_n(dx, in_.size(), T{0});
    each_list([&](Index o, const auto* listed, Index count) {
      kernels::sparse_input_gradient(listed, count, flipped_.data() + o * filter, kernel.h, run_,
                                     dx, row);
    });
    if (first_) in_.write(dx, 0, in_.channels, x_gradient[n].data());
  }

  void add_chunks(Index chunks, int threads) override {
    auto& pass = Base::layer_->template pass<typename Conv2d<T>::Pass>();
    T* const sums = partial_.data();
    kernels::sum_chunks(threads, sums, chunks, partial_.extent(1), sums, partial_.extent(1));
    const auto [O, C, KH, KW] = pass.dweight.shape();
    parallel_for(threads, O, [&, C = C, KH = KH, KW = KW](Index o, int) {
      for (Index c = 0; c < C; ++c)
        for (Index kh = 0; kh < KH; ++kh)
          for (Index kw = 0; kw < KW; ++kw)
            pass.dweight(o, c, kh, kw) = single_channel_
                                             ? sums[(kh * KW + kw) * padded_outputs_ + o]
                                             : sums[(o * KH + kh) * run_ + kw * C + c];
    });
    std::copy_n(sums + size_, pass.dbias.size(), pass.dbias.data());
  }

 private:
  bool single_channel_ = false;       // one channel: dW is summed in registers, not over lists
  Index run_ = 0, size_ = 0;          // KW C in whole vectors; elements of dW of a chunk
  Tensor<std::uint8_t, 1> winner_{};  // (N, units, O): which of the four; empty in a predictor
  Tensor<T, 1> flipped_{};            // W as (O, KH, run)
  std::vector<kernels::SparseEntry<T>> entries_{};  // for every thread those of one image
  Tensor<Index, 2> ends_{};                         // (threads, O): where those of each output end
};

}  // namespace fovea::inline FOVEA_ABI
