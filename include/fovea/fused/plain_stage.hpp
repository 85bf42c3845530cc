// SPDX-License-Identifier: MIT
//
// Conv2d and Relu on one image after the other, for networks with several
// convolutions between poolings (VGG).
//
//   forward    bias and ReLU while the sums are in registers; images stay in channels-last order
//   backward   g = dy where y > 0, once, with the padding around it that dx needs. Then both sums
//              read their operands where they are, several outputs (or channels) to a vector:
//
//     dW[k][o] = sum over p of  x[p + offset[k]] g[p][o]      k = (kh, kw, c), p: the pixels of y
//     dx       = the convolution of g with flipped kernels, inputs and outputs exchanged,
//                in the same tiles as forward
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "fovea/fused/conv_stage.hpp"
#include "fovea/kernels/dense_gradient.hpp"

namespace fovea::inline FOVEA_ABI {

/// y (N, O, OH, OW) from x (N, C, H, W): convolution and ReLU.
template <class T>
class PlainStage final : public ConvStage<T> {
  using Base = ConvStage<T>;
  using Base::conv, Base::in_, Base::out_, Base::O_, Base::units_, Base::windows_, Base::pixels_,
      Base::padded_outputs_, Base::partial_, Base::first_, Base::next_, Base::own_dx, Base::own_y,
      Base::bias_, Base::forward_only_, Base::threads_, Base::kernel_;

 public:
  /// Whether a stage can do what this layer says for inputs x.
  static bool suits(const Conv2d<T>& conv, Shape<4> x) {
    const auto& o = conv.options;
    const auto y = conv.output_shape(x);
    return o.kernel.h > 1 && o.kernel.w > 1 && o.stride == Extent2{1} && o.dilation == Extent2{1} &&
           o.groups == 1 && o.padding.h < o.kernel.h && o.padding.w < o.kernel.w && y[2] > 1 &&
           y[3] > 1 && x[2] > 1 && x[3] > 1;
  }

  /// Makes all memory. x: the largest input; y: what comes out.
  [[gnu::cold]] PlainStage(const AnyLayer<T>& layer, Shape<4> x, Shape<4> y,
                           const WorkspaceOptions& how)
      : Base(layer, x, tiles(y), {y[2], y[3]}, how) {
    if (forward_only_) return;
    const auto& o = conv().options;
    const Index N = x[0], C = x[1];
    back_ = {O_, {y[2], y[3]}, {o.kernel.h - 1 - o.padding.h, o.kernel.w - 1 - o.padding.w}};
    back_.validate(1);
    offsets_ = kernels::tap_offsets(o.kernel, C, in_.row());
    sources_ = in_.tile_offsets(0, {y[2], y[3]}, 1, 1);
    gradients_ = back_.tile_offsets(back_.inside(), {y[2], y[3]}, 1, 1);
    size_ = static_cast<Index>(offsets_.size()) * padded_outputs_;
    partial_ = Tensor<T, 2>(Shape{kernels::BatchChunks(N).count, size_ + padded_outputs_});
    back_windows_ = even_offsets(back_, 0, {x[2], x[3]});
    back_pixels_ = even_offsets(in_, in_.inside(), {x[2], x[3]});
    dx_by_winograd_ = kernels::Winograd<T>::suits(conv().window(), 1, O_, C);
    if (dx_by_winograd_)
      dx_winograd_ = {O_, C, back_.row()};
    else
      dx_direct_ = {O_, C, o.kernel, back_.row()};
    flipped_ = Tensor<T, 1>(
        Shape{dx_by_winograd_ ? dx_winograd_.weights_size() : dx_direct_.weights_size()});
    zeros_ = Tensor<T, 1>(Shape{whole_vectors<T>(C)});
    if (!dx_by_winograd_) transposed_ = Tensor<T, 4>(Shape{C, O_, o.kernel.h, o.kernel.w});
  }

  [[gnu::cold]] void plan(Index together) override {
    Base::plan(together);
    windows_ = pixels_ = {};
    for (Index i = 0; i < Base::images_per_tile_; ++i) {
      append(windows_, even_offsets(in_, i * in_.size(), out_.extent));
      append(pixels_, even_offsets(out_, i * out_.size() + out_.inside(), out_.extent));
    }
    Index tiles = Base::by_winograd_ ? Base::winograd_.scratch() : 0, dx = 0, masked = 0;
    if (!forward_only_) {
      if (dx_by_winograd_) tiles = std::max(tiles, dx_winograd_.scratch());
      dx = std::max(together * in_.size(), (together - 1) * in_.size() + out_.size());
      masked = back_.size();
    }
    masked_at_ = Base::y_size_ + dx, tiles_at_ = masked_at_ + masked;
    Base::scratch_ = Tensor<T, 2>(Shape{threads_, tiles_at_ + tiles});
  }

  void forward_images(View<T, 4> y, Index n, Index count, Index buffer,
                      std::pair<Index, Index> output_chunk, int thread) override {
    Base::each_tile(y, n, count, buffer, output_chunk, thread, own_y(thread) + tiles_at_,
                    [&](T* out, Index) {
                      return StoreTile{out, pixels_.data(), bias_.data(), Vec<T>{}, out_.row(), O_};
                    });
  }

  void flip_weights(int threads) override {
    const Tensor<T, 4>& weight = conv().weight;
    const auto [O, C, KH, KW] = weight.shape();
    if (dx_by_winograd_)
      return dx_winograd_.transform_weights(weight.data() + 8, 9, C * 9, -1, flipped_.data(),
                                            threads);
    for (Index c = 0; c < C; ++c)
      for (Index o = 0; o < O; ++o)
        std::reverse_copy(&weight(o, c, 0, 0), &weight(o, c, 0, 0) + KH * KW,
                          &transposed_(c, o, 0, 0));
    dx_direct_.pack_weights(transposed_.data(), flipped_.data());
  }

  /// g once, then dW over its pixels, then dx in tiles.
  void backward_image(const View<const T, 4>& y_tensor, const View<const T, 4>& y_gradient,
                      const View<T, 4>& x_gradient, const typename Base::Image& image) override {
    const auto [n, buffer, chunk, first_of_chunk, parameters, thread] = image;
    const T* const dy = Base::gradient_of_y(y_gradient, image);
    T *const dx = own_dx(thread, buffer), *const masked = own_y(thread) + masked_at_;
    const T* y = next_ ? next_->image(n) : dx;
    if (!next_) out_.read(y_tensor[n].data(), dx);  // dx is not there yet
    T* const dW = partial_[chunk].data();
    if (parameters && first_of_chunk) std::fill_n(dW + size_, padded_outputs_, T{0});
    mask(y, dy, masked, parameters ? dW + size_ : nullptr);
    if (parameters)
      kernels::dense_gradient(Base::image(n), sources_, offsets_, masked, gradients_,
                              padded_outputs_, first_of_chunk, dW);
    if (!Base::wants_dx(x_gradient)) return;
    const Index C = in_.channels;
    const Vec<T> lowest = Vec<T>{} - std::numeric_limits<T>::infinity();
    const StoreTile store{dx, back_pixels_.data(), zeros_.data(), lowest, in_.row(), C};
    const auto count = static_cast<Index>(back_windows_.size());
    if (dx_by_winograd_)
      dx_winograd_.run(masked, back_windows_.data(), count, flipped_.data(), 0, whole_vectors<T>(C),
                       own_y(thread) + tiles_at_, store);
    else
      dx_direct_.run(masked, back_windows_.data(), count, flipped_.data(), 0, whole_vectors<T>(C),
                     store);
    if (first_) in_.write(dx, 0, C, x_gradient[n].data());
  }

  void add_chunks(Index chunks, int threads) override {
    auto& pass = Base::layer_->template pass<typename Conv2d<T>::Pass>();
    T* const sums = partial_.data();
    kernels::sum_chunks(threads, sums, chunks, partial_.extent(1), sums, partial_.extent(1));
    const auto [O, C, KH, KW] = pass.dweight.shape();
    const Index area = KH * KW;
    parallel_for(threads, O, [&, C = C](Index o, int) {
      T* to = pass.dweight[o].data();
      for (Index c = 0; c < C; ++c)
        for (Index tap = 0; tap < area; ++tap) *to++ = sums[(tap * C + c) * padded_outputs_ + o];
    });
    std::copy_n(sums + size_, pass.dbias.size(), pass.dbias.data());
  }

 private:
  // Stores a tile of 2 x 2 sums: y with its bias, 0 where that is below, or dx as it is. One for
  // both, because what is compiled around it is large.
  struct StoreTile {
    T* image;
    const std::int32_t* pixels;  // where each tile begins
    const T* bias;
    Vec<T> least;
    Index row, channels;

    [[gnu::always_inline]] void operator()(Index t, Index o, const Vec<T> (&tile)[4]) const {
      const Vec<T> b = load(bias + o);
      T* const to = image + pixels[t] + o;
#pragma GCC unroll 4
      for (int e = 0; e < 4; ++e) {
        const Vec<T> sum = tile[e] + b;
        Base::store_lanes(to + e / 2 * row + e % 2 * channels, sum < least ? least : sum,
                          channels - o);
      }
    }
  };

  // Tiles of 2 x 2 that cover y; where its extents are odd, the last ones begin a pixel early.
  static Extent2 tiles(Shape<4> y) { return {(y[2] + 1) / 2, (y[3] + 1) / 2}; }
  static std::vector<std::int32_t> even_offsets(const kernels::ChannelsLast<T>& image, Index from,
                                                Extent2 pixels) {
    std::vector<std::int32_t> offsets;
    for (Index i = 0; i < pixels.h; i += 2)
      for (Index j = 0; j < pixels.w; j += 2)
        offsets.push_back(static_cast<std::int32_t>(from + std::min(i, pixels.h - 2) * image.row() +
                                                    std::min(j, pixels.w - 2) * image.channels));
    return offsets;
  }
  static void append(std::vector<std::int32_t>& all, const std::vector<std::int32_t>& more) {
    all.insert(all.end(), more.begin(), more.end());
  }

  // g = dy where y > 0, with zeros around it; adds the sum of each output to db.
  void mask(const T* y, const T* dy, T* masked, T* db) const {
    const auto [height, width] = out_.extent;
    T* to = masked;
    const auto zeros = [&](Index count) {
      count = std::min(count, masked + back_.size() - to);  // after the last row there may be fewer
      std::fill_n(to, count, T{0});
      to += count;
    };
    zeros(back_.inside());
    for (Index i = 0; i < height; ++i) {
      const Index from = out_.inside() + i * out_.row();
      for (Index j = 0; j < width; ++j, to += O_)
        mask_pixel(y + from + j * O_, dy + from + j * O_, to, db);
      zeros(2 * back_.padding.w * O_);
    }
    zeros(back_.size());
  }
  void mask_pixel(const T* y, const T* dy, T* to, T* db) const {
    for (Index o = 0; o < O_; ++o) {
      const T gradient = dy[o];  // in any case, so that the loop has no branch
      to[o] = y[o] > T{0} ? gradient : T{0};
    }
    for (Index o = 0; db && o < O_; ++o) db[o] += to[o];
  }

  kernels::ChannelsLast<T> back_{};                           // an image of g
  std::vector<std::int32_t> offsets_{};                       // of the taps in x
  std::vector<std::int32_t> sources_{}, gradients_{};         // of the pixels of y: in x, and in g
  std::vector<std::int32_t> back_windows_{}, back_pixels_{};  // of the tiles of dx: in g, and in x
  bool dx_by_winograd_ = false;
  kernels::Winograd<T> dx_winograd_{};
  kernels::DirectTiles<T> dx_direct_{};
  Tensor<T, 1> flipped_{};     // W as the tiles of dx read it
  Tensor<T, 1> zeros_{};       // for dx, in place of a bias
  Tensor<T, 4> transposed_{};  // W flipped, inputs and outputs exchanged, if dx is summed directly
  Index size_ = 0;             // elements of dW of a chunk
  Index masked_at_ = 0, tiles_at_ = 0;  // in the scratch: g, and what the tiles need
};

}  // namespace fovea::inline FOVEA_ABI
