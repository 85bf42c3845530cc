// SPDX-License-Identifier: MIT
//
// Convolutions, each with a batch normalisation and an activation, as one step; and with x added
// at the end, a whole residual block.
//
//   forward    u = conv(x)                    its mean and variance are summed as it is stored
//              z = f(scale (u - middle) + shift)                    when the next one reads it
//   backward   g = f'(t) dz                                the sums of g are taken as dz is stored
//              du = scale g - mean - (u - middle) slope                          when it is read
//
// Why it is fast: a statistic of the batch is a barrier, for nothing can be normalised before the
// last image has been through the convolution. A normalisation by itself reads all of the batch for
// its statistics and again to use them, at the speed of memory. Here both happen to strips that are
// in the cache for the sake of a convolution (norm_stage.hpp): of two numbers a pixel that are
// written and three that are read, forward, one and one are left. And u and g stay in channels-last
// order, in which the convolutions work: only what comes into the whole step and what leaves it is
// transposed.
//
// z and du are in no tensor, nor is the z of a residual, y = relu(x + z): it is added to x when
// y is written, and the gradient of the sum, which is g of the last stage, to dx. u is kept
// where there is a backward; g, and u elsewhere, are in one to three batches of memory that all
// steps of a workspace share. Reference implementation: the layers one by one (.fuse = false).
#pragma once

#include "fovea/fused/norm_stage.hpp"

namespace fovea::inline FOVEA_ABI {

/// Conv2d of 3 x 3 and BatchNorm2d, with or without this activation, once or more; then Add of
/// x, or Add and Relu, if the last stage is without. y (N, O, H, W) from x (N, C, H, W).
template <class T, class Layer>
class ConvNorm final : public FusedGroup<T> {
 public:
  using First = BatchNorm2d<T>;              ///< what a network must have
  using Second = Layer;                      ///< and this
  using Stage = NormStage<T, Layer>;         ///< of which it is made
  static constexpr bool input_again = true;  ///< by Add

  /// As many stages as follow each other, and what is done to their sum with x.
  static std::size_t match(Neighbours<T> layers, const Extents& x, const WorkspaceOptions&) {
    if (x.rank != 4) return 0;
    std::size_t taken = 0;
    Shape<4> shape = x.shape<4>();
    while (const std::size_t count = Stage::match(layers.subspan(taken), shape)) taken += count;
    // The gradient of the sum is g of the last stage, where that has no activation.
    if (taken == 0 || taken == layers.size() || !layers[taken]->template is<Add>() ||
        !layers[taken - 1]->template is<BatchNorm2d<T>>())
      return taken;
    ++taken;
    return taken < layers.size() && layers[taken]->template is<Relu>() ? taken + 1 : taken;
  }

  /// Makes all memory. x: the largest input.
  [[gnu::cold]] ConvNorm(Neighbours<T> layers, const Extents& x, const WorkspaceOptions& how)
      : goes_back_(how.keep != Keep::output) {
    Shape<4> shape = x.shape<4>();
    kernels::ScratchSize size;
    Index block = 0;
    for (std::size_t at = 0; at < layers.size(); at = ends_.back()) {
      const Shape<4> in = shape;
      adds_ = layers[at]->template is<Add>();
      clips_ = adds_ && at + 1 < layers.size();
      if (adds_) break;
      ends_.push_back(at + Stage::match(layers.subspan(at), shape));
      stages_.emplace_back(layers.subspan(at, ends_.back() - at), in, shape, goes_back_);
      Stage& stage = stages_.back();
      if (how.prepack_weights) stage.convolution.keep_weights();
      if (goes_back_) kept_.emplace_back(Shape{shape.size()});
      size = size.covering(stage.convolution.scratch());
      if (goes_back_) size = size.covering(stage.input_gradient.scratch());
      if (goes_back_ && how.parameter_gradients)
        size = size.covering(stage.weight_gradient.scratch(shape[0]));
      largest_ = std::max(largest_, shape.size());
      // A row of planes is read some pixels beyond its end.
      block = std::max(block, (stage.rows_at_once() * shape[3] + lanes<T>)*shape[1]);
    }
    for_kernels_ = (size.shared + 15) / 16 * 16;
    size = size.covering({block, for_kernels_});
    size.shared += (std::min<Index>(std::ssize(stages_) - adds_, 2) + adds_) * largest_;
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const bool another = goes_back_ && s + 1 < stages_.size();
      stages_[s].make_sums(shape[0], another ? &stages_[s + 1] : nullptr);
    }
    scratch_ = {how.threads, size, how.scratch};
  }

  bool runs_again() const override { return goes_back_; }
  bool ignores_output() const override { return !clips_; }

  /// y = z of the last stage, x + z, or relu(x + z).
  void forward(AnyView<const T> x, AnyView<T> y, const Context& context) override {
    run(0, x.template as<4>(), y.template as<4>(), context);
  }
  /// After any stage but the last.
  bool forward_after(std::size_t layer, AnyView<const T> x, AnyView<T> y,
                     const Context& context) override {
    if (adds_) return false;  // there is no x
    const auto end = std::find(ends_.begin(), ends_.end() - 1, layer + 1);
    if (end == ends_.end() - 1) return false;
    run(static_cast<std::size_t>(end - ends_.begin()) + 1, x.template as<4>(), y.template as<4>(),
        context);
    return true;
  }

  /// dx, unless it is empty, and the gradients of all parameters.
  void backward(AnyView<const T> any_x, AnyView<const T> any_y, AnyView<const T> any_dy,
                AnyView<T> any_dx, const Context& context) override {
    const auto x = any_x.template as<4>(), y = any_y.template as<4>();
    const auto dy = any_dy.template as<4>();
    const auto dx = any_dx.template as<4>();
    const Index N = dy.extent(0);
    place();
    Stage& last = stages_.back();
    last.begin_gradient(last.image.h);
    parallel_for(context.threads, N, [&](Index n, int thread) {
      const Index O = last.O, W = last.image.w, H = last.image.h, step = last.rows_at_once();
      T* const dz = last.g + n * last.size();
      for (Index row = 0; row < H; row += step)
        last.read_planes(dy[n].data(), clips_ ? y[n].data() : nullptr, row, std::min(step, H - row),
                         scratch_.own(thread), dz + row * W * O);
      last.take_gradient(dz, W * O, n, 0, H, 0, O);
    });
    for (std::size_t s = stages_.size(); s-- > 0;) {
      Stage& stage = stages_[s];
      Stage* const before = s > 0 ? &stages_[s - 1] : nullptr;
      stage.end_gradient(N, context);
      if (context.parameter_gradients) weight_gradient(stage, before, x, context);
      if (!before && dx.empty()) return;
      if (before) before->begin_gradient(stage.input_gradient.output().extent.h);
      const int threads = scratch_.provide(context.threads, stage.input_gradient.scratch());
      stage.input_gradient.run(
          N, stage.conv().weight.data(), nullptr, scratch_, threads,
          [&](Index n, Index row, T* strip) {
            stage.read_gradient(n, row, stage.input_gradient.input(), stage.around, strip);
          },
          [&](Index n, Index row, Index rows, Index begin, Index end, T* strip) {
            const Index pitch = stage.input_gradient.output().row();
            if (before) return before->take_gradient(strip, pitch, n, row, rows, begin, end);
            if (adds_) last.add_gradient(strip, pitch, n, row, rows, begin, end);
            stage.input_gradient.write_planes(strip, row, rows, begin, end, dx[n].data());
          });
    }
  }

 private:
  // Says where u and g are. Shared are two batches, in turns: g, and u if there is no backward. A g
  // that is also part of dx has another one.
  void place() {
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const bool own = adds_ && s + 1 == stages_.size();
      const auto at = static_cast<Index>(own ? std::min<std::size_t>(s, 2) : s % 2);
      T* const shared = scratch_.shared() + for_kernels_ + at * largest_;
      stages_[s].u = goes_back_ ? kept_[s].data() : shared;
      stages_[s].g = shared;
    }
  }

  // The stages from `first` on. Where u is kept, once more (Context::again) means to write y alone.
  void run(std::size_t first, const View<const T, 4>& x, const View<T, 4>& y,
           const Context& context) {
    const Index N = x.extent(0);
    place();
    for (std::size_t s = context.again && goes_back_ ? stages_.size() : first; s < stages_.size();
         ++s) {
      Stage& stage = stages_[s];
      const Stage* const before = s > first ? &stages_[s - 1] : nullptr;
      const auto& layout = stage.convolution.input();
      stage.begin_value(N, context);
      const int threads = scratch_.provide(context.threads, stage.convolution.scratch());
      stage.convolution.run(
          N, stage.conv().weight.data(), stage.conv().bias.data(), scratch_, threads,
          [&](Index n, Index row, T* strip) {
            if (before)
              before->read_value(n, row, layout, stage.padding, strip);
            else
              layout.read_rows(x[n].data(), {x.extent(1), x.extent(2), x.extent(3)}, stage.padding,
                               row, strip);
          },
          [&](Index n, Index row, Index rows, Index begin, Index end, T* strip) {
            stage.take_value(strip, n, row, rows, begin, end);
          });
      stage.end_value(N, context.threads);
    }
    const Stage& last = stages_.back();
    const Index step = last.rows_at_once(), H = last.image.h, blocks = (H + step - 1) / step;
    parallel_for(context.threads, N * blocks, [&](Index i, int thread) {
      const Index n = i / blocks, row = i % blocks * step;
      last.write_planes(n, row, std::min(step, H - row), scratch_.own(thread), y[n].data());
      if (adds_) add_rows(x[n].data(), row, std::min(step, H - row), y[n].data());
    });
  }

  // These rows of an image: y += x, and what is below 0 becomes 0.
  FOVEA_KERNEL void add_rows(const T* x, Index row, Index rows, T* y) const {
    const Stage& last = stages_.back();
    const Index W = last.image.w, plane = last.image.h * W;
    for (Index at = row * W; at < last.O * plane; at += plane)
      kernels::map_vectors(
          rows * W, y + at,
          [&](Vec<T> z, Vec<T> v) {
            const Vec<T> sum = v + z;
            return clips_ ? detail::AfterNorm<Relu>{}.value(sum) : sum;
          },
          y + at, x + at);
  }

  void weight_gradient(const Stage& stage, const Stage* before, const View<const T, 4>& x,
                       const Context& context) {
    const auto& kernel = stage.weight_gradient;
    auto& pass = stage.conv_pass();
    const int threads = scratch_.provide(context.threads, kernel.scratch(x.extent(0)));
    kernel.run(
        pass.dweight, pass.dbias, context.chunks(x.extent(0)), scratch_, threads,
        [&](Index n, Index row, T* strip) {
          if (before)
            before->read_value(n, row, kernel.input(), stage.padding, strip);
          else
            kernel.read_planes(x[n].data(), row, strip);
        },
        [&](Index n, Index row, T* strip) {
          stage.read_gradient(n, row, kernel.gradient(), 0, strip);
        },
        [&](Index n, Index o) { return stage.sum_of_gradient(n, o); });
  }

  bool goes_back_;
  bool adds_ = false, clips_ = false;  // x is added at the end, and then Relu
  std::vector<Stage> stages_{};
  std::vector<std::size_t> ends_{};   // of each stage: the layer after it
  std::vector<Tensor<T, 1>> kept_{};  // u of each stage, if there is a backward
  Index largest_ = 0;                 // elements of the largest u
  Index for_kernels_ = 0;             // shared memory before the batches of g
  kernels::Scratch<T> scratch_{};
};

}  // namespace fovea::inline FOVEA_ABI
