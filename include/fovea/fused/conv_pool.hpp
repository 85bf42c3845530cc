// SPDX-License-Identifier: MIT
//
// A 3 x 3 convolution and a 2 x 2 max-pooling as one step, where no ReLU is near:
//
//   forward    y = pool(conv(x)); the winner of each window is a byte
//   backward   dy of the convolution is dy of the pool at the winner, zero at the other three
//
// For networks that normalise what was pooled: Conv2d, MaxPool2d, BatchNorm2d and an activation.
// With a ReLU, ConvChain does the same and more.
//
// All products are Winograd's, on strips of an image that stay in L2 (kernels/winograd_strips.hpp).
// A strip of outputs is pooled before it is written, and a strip of dy is made when it is read. So
// what the convolution yields and its gradient, each four times y, are in no tensor: with 64
// filters and 2000 images of 31 x 31 pixels these are 492 MB each, and 115 MB of winners become 29.
//
// Not in fovea.hpp, because a program that has no such network need not compile it:
//
//   auto w = net.workspace(2000, {}, fovea::conv_pool<float>);
//
// Reference implementation: the layers one by one (.fuse = false).
#pragma once

#include <array>

#include "fovea/engine/fused_group.hpp"
#include "fovea/kernels/max_pool_tile.hpp"
#include "fovea/kernels/winograd_gradient.hpp"
#include "fovea/kernels/winograd_strips.hpp"
#include "fovea/nn/conv2d.hpp"
#include "fovea/nn/max_pool2d.hpp"
#include "fovea/nn/relu.hpp"

namespace fovea::inline FOVEA_ABI {

/// Conv2d of 3 x 3 and MaxPool2d of 2 x 2: y (N, O, PH, PW) from x (N, C, H, W).
template <class T>
class ConvPool final : public FusedGroup<T> {
 public:
  using First = Conv2d<T>;   ///< what it begins with
  using Second = MaxPool2d;  ///< what follows

  /// Both, for Winograd's kernels and outputs in whole vectors of any width, and no ReLU.
  static std::size_t match(Neighbours<T> layers, const Extents& x, const WorkspaceOptions&) {
    if (x.rank != 4 || layers.size() < 2 || !layers[0]->template is<Conv2d<T>>() ||
        !layers[1]->template is<MaxPool2d>())
      return 0;
    if (layers.size() > 2 && layers[2]->template is<Relu>()) return 0;
    const auto& conv = layers[0]->template get<Conv2d<T>>();
    const auto& pool = layers[1]->template get<MaxPool2d>();
    return conv.options.out % 16 == 0 && pool.options == MaxPool2dOptions{2, 2} &&
                   kernels::WinogradStrips<T>::suits(shape_of(conv, x.shape<4>()))
               ? 2
               : 0;
  }

  /// Makes all memory. x: the largest input.
  [[gnu::cold]] ConvPool(Neighbours<T> layers, const Extents& x, const WorkspaceOptions& how)
      : layer_(*layers[0]), goes_back_(how.keep != Keep::output) {
    const kernels::ConvolutionShape shape = shape_of(conv(), x.shape<4>());
    const Index N = x.at[0];
    pooled_ = {shape.output.h / 2, shape.output.w / 2};
    forward_ = kernels::WinogradStrips<T>::forward(shape);
    if (how.prepack_weights) forward_.keep_weights();
    auto size = forward_.scratch();
    if (goes_back_) {
      back_ = kernels::WinogradStrips<T>::input_gradient(shape);
      gradient_ = kernels::WinogradGradient<T>{shape};
      around_ = {2 - shape.padding.h, 2 - shape.padding.w};
      size = size.covering(back_.scratch());
      if (how.parameter_gradients) size = size.covering(gradient_.scratch(N));
      winners_ = Tensor<std::uint8_t, 4>(Shape{N, pooled_.h, pooled_.w, shape.O});
    }
    scratch_ = {how.threads, size, how.scratch};
  }

  bool ignores_output() const override { return true; }
  /// y = pool(conv(x))
  void forward(AnyView<const T> any_x, AnyView<T> any_y, const Context& context) override {
    const auto x = any_x.template as<4>();
    const auto y = any_y.template as<4>();
    const int threads = scratch_.provide(context.threads, forward_.scratch());
    const Shape<3> image{x.extent(1), x.extent(2), x.extent(3)};
    const Extent2 padding = conv().options.padding;
    forward_.run(
        x.extent(0), conv().weight.data(), conv().bias.data(), scratch_, threads,
        [&](Index n, Index row, T* strip) {
          forward_.input().read_rows(x[n].data(), image, padding, row, strip);
        },
        [&](Index n, Index row, Index rows, Index begin, Index end, T* strip) {
          pool(n, row / 2, rows / 2, begin, end, strip, y[n][begin].data());
        });
  }

  /// dW, db, and dx unless it is empty.
  void backward(AnyView<const T> any_x, AnyView<const T>, AnyView<const T> any_dy,
                AnyView<T> any_dx, const Context& context) override {
    const auto x = any_x.template as<4>(), dy = any_dy.template as<4>();
    const auto dx = any_dx.template as<4>();
    auto& pass = layer_.template pass<typename Conv2d<T>::Pass>();
    if (context.parameter_gradients) {
      const int threads = scratch_.provide(context.threads, gradient_.scratch(x.extent(0)));
      gradient_.run(
          pass.dweight, pass.dbias, context.chunks(dy.extent(0)), scratch_, threads,
          [&](Index n, Index row, T* strip) { gradient_.read_planes(x[n].data(), row, strip); },
          [&](Index n, Index row, T* strip) { spread(dy, n, gradient_.gradient(), 0, row, strip); },
          [&](Index n, Index o) { return gradient_.sum_of_plane(dy[n][o]); });
    }
    if (dx.empty()) return;
    const int threads = scratch_.provide(context.threads, back_.scratch());
    back_.run(
        x.extent(0), conv().weight.data(), nullptr, scratch_, threads,
        [&](Index n, Index row, T* strip) { spread(dy, n, back_.input(), around_, row, strip); },
        [&](Index n, Index row, Index rows, Index begin, Index end, T* strip) {
          back_.write_planes(strip, row, rows, begin, end, dx[n].data());
        });
  }

 private:
  static kernels::ConvolutionShape shape_of(const Conv2d<T>& conv, const Shape<4>& x) {
    return {x, conv.options.out, conv.window(), conv.options.groups};
  }
  const Conv2d<T>& conv() const { return layer_.template get<Conv2d<T>>(); }

  // Rows [first, first + rows) of the pooled planes from a strip of outputs, which they overwrite:
  // pixel j of a row is written when pixel 2 j has been read.
  FOVEA_KERNEL void pool(Index n, Index first, Index rows, Index begin, Index end, T* strip, T* y) {
    const Index row = forward_.output().row(), O = forward_.output().channels;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < pooled_.w; ++j) {
        T* const from = strip + 2 * i * row + 2 * j * O;
        T* const to = strip + 2 * i * row + j * O;
        std::uint8_t* const winner = goes_back_ ? &winners_(n, first + i, j, 0) : nullptr;
        for (Index o = begin; o < end; o += lanes<T>) {
          const Vec<T> window[] = {load(from + o), load(from + o + O), load(from + o + row),
                                   load(from + o + row + O)};
          Integers<T> largest;
          store(to + o, kernels::largest_of<T>(window, largest));
          if (!winner) continue;
          const auto bytes = __builtin_convertvector(largest, typename kernels::Winners<T>::type);
          std::memcpy(winner + o, &bytes, sizeof bytes);
        }
      }
    kernels::from_channels_last(strip + begin, 2 * row, O, end - begin, rows, pooled_.w,
                                y + first * pooled_.w, pooled_.h * pooled_.w);
  }

  // A strip of the convolution's dy from row `first` of the image with zeros around it on. The
  // pooled gradients of a row go to its even pixels, and from there to those that won.
  FOVEA_KERNEL void spread(const View<const T, 4>& dy, Index n,
                           const kernels::ChannelsLast<T>& layout, Extent2 around, Index first,
                           T* strip) const {
    constexpr Index block = lanes<T>;
    const Index O = layout.channels, plane = pooled_.h * pooled_.w;
    const Index left = around.w * O, right = left + 2 * pooled_.w * O;
    const T* const end = dy.data() + dy.size();
    for (Index i = 0; i < layout.extent.h; ++i, strip += layout.row()) {
      const Index h = first + i - around.h;
      if (h < 0 || h >= 2 * pooled_.h) {
        std::fill_n(strip, layout.row(), T{0});
        continue;
      }
      std::fill_n(strip, left, T{0});
      std::fill(strip + right, strip + layout.row(), T{0});
      const T* const pooled = dy[n].data() + h / 2 * pooled_.w;
      T* const to = strip + left;
      for (Index o = 0; o < O; o += block)
        for (Index j = 0; j < pooled_.w; j += block) {
          const T* const from = pooled + o * plane + j;
          const Index count = std::min(block, pooled_.w - j);
          // What is read beyond a row is another row, but for the last one of all.
          if (end - from >= (block - 1) * plane + block)
            kernels::detail::transpose_block(from, plane, to + 2 * j * O + o, 2 * O, count);
          else
            kernels::detail::transpose_rest(from, block, count, plane, to + 2 * j * O + o, 2 * O);
        }
      const int which = h % 2 == 0 ? 0 : 2;
      for (Index j = 0; j < pooled_.w; ++j) {
        const std::uint8_t* const winner = &winners_(n, h / 2, j, 0);
        T* const pixel = to + 2 * j * O;
        for (Index o = 0; o < O; o += lanes<T>) {
          const kernels::WindowGradients<T> gradients(pixel + o, winner + o);
          store(pixel + o, gradients.at(which));
          store(pixel + O + o, gradients.at(which + 1));
        }
      }
    }
    std::fill_n(strip, layout.size() - layout.extent.h * layout.row(), T{0});
  }

  const AnyLayer<T>& layer_;
  bool goes_back_;
  Extent2 pooled_{0}, around_{0};  // rows and columns of y; zeros around dy, for dx
  kernels::WinogradStrips<T> forward_{}, back_{};
  kernels::WinogradGradient<T> gradient_{};
  kernels::Scratch<T> scratch_{};
  Tensor<std::uint8_t, 4> winners_{};  // (N, PH, PW, O): which of the four; empty in a predictor
};

/// For workspace(batch, options, conv_pool<float>): the rule of this group.
template <class T>
inline constexpr std::array conv_pool{fusion_rule<ConvPool<T>, T>};

}  // namespace fovea::inline FOVEA_ABI
