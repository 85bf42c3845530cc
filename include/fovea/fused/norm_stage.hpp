// SPDX-License-Identifier: MIT
//
// One stage of a ConvNorm (conv_norm.hpp): a 3 x 3 convolution, the normalisation of what it
// yields, and an activation.
//
//   u = conv(x)    t = scale (u - middle) + shift    z = f(t)    scale = gamma / sqrt(var + eps)
//
// u and the gradient g = ds/dt are images in channels-last order, (N, H, W, O). z and du are made
// of them a few rows at a time, when a convolution reads them; the sums that mean and variance and
// their gradients need are taken a few rows at a time, when a convolution writes u and dz. So each
// function here gets or makes a strip of one image that is in the cache.
#pragma once

#include "fovea/engine/fused_group.hpp"
#include "fovea/fused/norm_activation.hpp"
#include "fovea/kernels/pixel_sums.hpp"
#include "fovea/kernels/winograd_gradient.hpp"
#include "fovea/kernels/winograd_strips.hpp"
#include "fovea/nn/add.hpp"
#include "fovea/nn/conv2d.hpp"

namespace fovea::inline FOVEA_ABI {

/// The tables, constants and rows of one stage. Pixels of u and g are O numbers.
template <class T, class Layer>
class NormStage {
 public:
  /// How many layers the stage takes that begins with the first of these, 0 if none does: a
  /// convolution for Winograd's kernels with outputs in whole vectors of any width, a
  /// normalisation by statistics of the batch, and this activation. Makes x what comes out.
  static std::size_t match(Neighbours<T> layers, Shape<4>& x) {
    if (layers.size() < 2 || !layers[0]->template is<Conv2d<T>>() ||
        !layers[1]->template is<BatchNorm2d<T>>())
      return 0;
    const auto& conv = layers[0]->template get<Conv2d<T>>();
    const kernels::ConvolutionShape shape{x, conv.options.out, conv.window(), conv.options.groups};
    if (conv.options.out % 16 != 0 || !kernels::WinogradStrips<T>::suits(shape) ||
        layers[1]->template get<BatchNorm2d<T>>().options.statistics != Statistics::batch)
      return 0;
    const bool active = layers.size() > 2 && layers[2]->template is<Layer>();
    if (!active && layers.size() > 2 &&  // the groups of other activations come later
        is_any<Relu, Gelu, Silu, LeakyRelu, Hardswish, Clip>(*layers[2]))
      return 0;
    x = conv.output_shape(x);
    return active ? 3 : 2;
  }

  /// Of these layers, for x and y of at most these shapes.
  [[gnu::cold]] NormStage(Neighbours<T> layers, const Shape<4>& x, const Shape<4>& y,
                          bool goes_back)
      : padding(layers[0]->template get<Conv2d<T>>().options.padding),
        around{2 - padding.h, 2 - padding.w},
        image{y[2], y[3]},
        O(y[1]),
        conv_(layers[0]),
        norm_(layers[1]),
        activation_(layers.size() > 2 ? layers[2] : nullptr),
        constants_(Shape{5, O}),
        moments_(O),
        gradients_(O) {
    const kernels::ConvolutionShape shape{x, O, conv().window(), 1};
    convolution = kernels::WinogradStrips<T>::forward(shape);
    if (goes_back) input_gradient = kernels::WinogradStrips<T>::input_gradient(shape);
    if (goes_back) weight_gradient = kernels::WinogradGradient<T>{shape};
  }
  /// Makes room for the sums of N images, whose strips are those of u, and of dx of the stage after
  /// this one, if there is one that goes back.
  [[gnu::cold]] void make_sums(Index N, const NormStage* next) {
    const Index strip = convolution.output().extent.h;
    sums_ = {N, image, O, next ? std::min(strip, next->input_gradient.output().extent.h) : strip};
  }

  NormStage(const NormStage&) = delete;
  NormStage& operator=(const NormStage&) = delete;
  NormStage(NormStage&&) = default;

  const Conv2d<T>& conv() const { return conv_->template get<Conv2d<T>>(); }            ///< layer
  auto& conv_pass() const { return conv_->template pass<typename Conv2d<T>::Pass>(); }  ///< its own
  Index size() const { return image.h * image.w * O; }  ///< elements of an image
  /// Rows of z that are made at once where they become planes.
  Index rows_at_once() const {
    return std::clamp<Index>(kernels::l2_share / 2 / (image.w * O * Index{sizeof(T)}), 1, image.h);
  }

  const Extent2 padding, around;  ///< zeros around x, and around du
  const Extent2 image;            ///< (H, W) of u
  const Index O;                  ///< channels of u

  kernels::WinogradStrips<T> convolution{}, input_gradient{};  ///< u from x, and dx from du
  kernels::WinogradGradient<T> weight_gradient{};              ///< dW
  T *u = nullptr, *g = nullptr;                                ///< where they are in this pass

  /// Before forward of a batch of N. Throws if it is too small for statistics.
  void begin_value(Index N, const Context& context) {
    auto& pass = norm_pass();
    pass.of_batch = context.mode == Mode::train && !norm().options.frozen;
    part_ = pass.of_batch ? context.part : BatchPart{};
    check(norm().options.statistics == Statistics::batch, norm_->path,
          ": expected statistics of the batch, as when this workspace was made; make a new one");
    if (pass.of_batch) groups(N).check_enough(Shape{N, O, image.h, image.w}, norm_->path);
    sums_.cut(convolution.output().extent.h);
  }

  /// Keeps the channels [begin, end) of these rows of u, and their moments if they are wanted.
  FOVEA_KERNEL void take_value(const T* strip, Index n, Index row, Index rows, Index begin,
                               Index end) {
    const Index pixel = O, line = image.w * O, pitch = convolution.output().row();
    T* const to = u + n * size() + row * line;
    if (norm_pass().of_batch)
      return sums_.take_moments(
          strip, pitch, n, row, rows, begin, end,
          [=](Index h, Index w, Index o, Vec<T> v) { store(to + h * line + w * pixel + o, v); });
    for (Index h = 0; h < rows; ++h)
      for (Index at = 0; at < line; at += pixel)
        std::copy_n(strip + h * pitch + at + begin, end - begin, to + h * line + at + begin);
  }

  /// The statistics of all of u, and with them the constants of its normalisation.
  void end_value(Index N, int threads) {
    auto& pass = norm_pass();
    const auto all = groups(N);
    if (pass.of_batch) {
      parallel_for(threads, O, [&](Index c, int) { moments_(c) = sums_.moments(all.chunks, c); });
      kernels::add_parts(part_, moments_.all());
    }
    const kernels::BatchNormSteps steps{norm(), pass};
    for (Index c = 0; c < O; ++c) {
      pass.steps(c) =
          pass.of_batch ? steps.take(0, c, moments_(c), numbers(all)) : steps.take_running(0, c);
      const auto normal = steps.normalisation(0, c, kernels::AsItIs{});
      constants_(0, c) = normal.middle;
      constants_(1, c) = normal.scale;
      constants_(2, c) = normal.shift;
    }
    steps.move_running();
  }

  /// A strip of z with zeros around it, for the next convolution: from this row on, in this layout.
  FOVEA_KERNEL void read_value(Index n, Index row, const kernels::ChannelsLast<T>& layout,
                               Extent2 zeros, T* strip) const {
    layout.surround(image, zeros, row, strip,
                    [&](Index begin, Index end, T* to) { value(n, begin, end, to, layout.row()); });
  }
  /// These rows of z to the planes of an image y (O, H, W); `block` has room for them.
  FOVEA_KERNEL void write_planes(Index n, Index row, Index rows, T* block, T* y) const {
    value(n, row, row + rows, block, image.w * O);
    kernels::from_channels_last(block, image.w * O, O, O, rows, image.w, y + row * image.w,
                                image.h * image.w);
  }

  /// These rows of dz from the planes of dy: where a Relu follows, of which y is the output, with
  /// zeros where it clipped. `block` has room for them.
  FOVEA_KERNEL void read_planes(const T* dy, const T* y, Index row, Index rows, T* block,
                                T* dz) const {
    const Index count = rows * image.w;
    Index plane = image.h * image.w;
    const T* from = dy + row * image.w;
    if (y) {
      for (Index o = 0; o < O; ++o)
        kernels::map_vectors(
            count, block + o * count,
            [](Vec<T> d, Vec<T> v) { return detail::AfterNorm<Relu>{}.gradient(v, v, d); },
            from + o * plane, y + row * image.w + o * plane);
      from = block, plane = count;
    }
    kernels::to_channels_last(from, plane, O, rows, image.w, dz, image.w * O, O);
  }

  /// Before take_gradient(): rows come in strips of so many.
  void begin_gradient(Index strip) { sums_.cut(strip); }

  /// g of the channels [begin, end) of these rows, and its sums, from dz.
  FOVEA_KERNEL void take_gradient(const T* dz, Index pitch, Index n, Index row, Index rows,
                                  Index begin, Index end) {
    const Index pixel = O, line = image.w * O, first = n * size() + row * line;
    const T* const from = u + first;
    T* const to = g + first;
    with_activation([&](const auto& f) FOVEA_WIDE_VECTORS {
      for (Index o = begin; o < end; o += lanes<T>) {
        const Channels c(constants_, o);
        sums_.take(n, row, rows, o, [=](Index h, Index w, Vec<T>* sum) {
          const Index at = h * line + w * pixel + o;
          const Vec<T> v = load(from + at), t = c.normalised(v);
          const Vec<T> gradient = f.gradient(t, f.value(t), load(dz + h * pitch + w * pixel + o));
          store(to + at, gradient);
          sum[0] += gradient;
          sum[1] += gradient * (v - c.middle);
        });
      }
    });
  }

  /// The gradients of gamma and beta, and the constants of du.
  void end_gradient(Index N, const Context& context) {
    const kernels::BatchNormSteps steps{norm(), norm_pass()};
    const kernels::BatchGroups all(N, Statistics::batch, context.part);
    parallel_for(context.threads, O, [&](Index c, int) {
      gradients_(c) = sums_.gradient(all.chunks, c, steps.pass.inverse(0, c));
      if (context.parameter_gradients) steps.keep_gradients(c, gradients_(c));
    });
    kernels::add_parts(part_, gradients_.all());
    for (Index c = 0; c < O; ++c) {
      const auto back = steps.gradient(0, c, numbers(all), gradients_(c));
      constants_(3, c) = back.mean;
      constants_(4, c) = back.slope;
    }
  }

  /// A strip of du = scale g - mean - (u - middle) slope with zeros around it.
  FOVEA_KERNEL void read_gradient(Index n, Index row, const kernels::ChannelsLast<T>& layout,
                                  Extent2 zeros, T* strip) const {
    const Index pixel = O, line = image.w * O, pitch = layout.row();
    const T *const from_u = u + n * size(), *const from_g = g + n * size();
    layout.surround(image, zeros, row, strip, [&](Index begin, Index end, T* to) {
      for (Index o = 0; o < pixel; o += lanes<T>) {
        const Channels c(constants_, o);
        const Vec<T> mean = load(&constants_(3, o)), slope = load(&constants_(4, o));
        for (Index h = begin; h < end; ++h)
          for (Index at = o; at < line; at += pixel)
            store(to + (h - begin) * pitch + at,
                  c.scale * load(from_g + h * line + at) - mean -
                      (load(from_u + h * line + at) - c.middle) * slope);
      }
    });
  }
  /// Adds g to a strip of dx, where x is added to z.
  FOVEA_KERNEL void add_gradient(T* strip, Index pitch, Index n, Index row, Index rows, Index begin,
                                 Index end) const {
    const Index pixel = O, line = image.w * O;
    const T* const from = g + n * size() + row * line;
    for (Index h = 0; h < rows; ++h)
      for (Index at = 0; at < line; at += pixel)
        for (Index o = begin; o < end; o += lanes<T>) {
          T* const to = strip + h * pitch + at + o;
          store(to, load(to) + load(from + h * line + at + o));
        }
  }
  /// The sum of du[n,o], for a bias.
  T sum_of_gradient(Index n, Index o) const {
    const T *const from = u + n * size() + o, *const gradient_of = g + n * size() + o;
    const auto& k = constants_;
    return static_cast<T>(kernels::lane_sum<T>(image.h * image.w, [&](Index i) {
      return k(1, o) * gradient_of[i * O] - k(3, o) - (from[i * O] - k(0, o)) * k(4, o);
    }));
  }

 private:
  const BatchNorm2d<T>& norm() const { return norm_->template get<BatchNorm2d<T>>(); }
  auto& norm_pass() const { return norm_->template pass<typename BatchNorm2d<T>::Pass>(); }
  kernels::BatchGroups groups(Index N) const { return {N, Statistics::batch, part_}; }
  double numbers(const kernels::BatchGroups& all) const {  // of a channel, in the whole batch
    return static_cast<double>(all.whole * image.h * image.w);
  }

  template <class... Layers>
  static bool is_any(const AnyLayer<T>& layer) {
    return (layer.template is<Layers>() || ...);
  }

  // The constants of `lanes` channels.
  struct Channels {
    Vec<T> middle, scale, shift;
    Channels(const Tensor<T, 2>& all, Index o)
        : middle(load(&all(0, o))), scale(load(&all(1, o))), shift(load(&all(2, o))) {}
    Vec<T> normalised(Vec<T> v) const { return (v - middle) * scale + shift; }
  };

  // Calls body(f) with what is done to a normalised number.
  template <class Body>
  void with_activation(const Body& body) const {
    if (!activation_) return body(kernels::AsItIs{});
    const Layer& layer = activation_->template get<Layer>();
    if constexpr (requires { layer.validate(); }) layer.validate();
    body(detail::AfterNorm<Layer>{layer});
  }

  // Rows [begin, end) of z.
  void value(Index n, Index begin, Index end, T* to, Index pitch) const {
    const Index pixel = O, line = image.w * O;
    const T* const from = u + n * size();
    with_activation([&](const auto& f) FOVEA_WIDE_VECTORS {
      for (Index o = 0; o < pixel; o += lanes<T>) {
        const Channels c(constants_, o);
        for (Index h = begin; h < end; ++h)
          for (Index at = o; at < line; at += pixel)
            store(to + (h - begin) * pitch + at, f.value(c.normalised(load(from + h * line + at))));
      }
    });
  }

  const AnyLayer<T>*conv_, *norm_, *activation_;
  BatchPart part_{};  // of the last forward that took statistics of its batch
  kernels::PixelSums<T> sums_{};
  Tensor<T, 2> constants_;  // middle, scale, shift, mean, slope: (5, O)
  kernels::PerChannel<kernels::Moments> moments_;
  kernels::PerChannel<kernels::GradientSums<T>> gradients_;
};

}  // namespace fovea::inline FOVEA_ABI
