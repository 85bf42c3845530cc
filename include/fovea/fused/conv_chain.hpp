// SPDX-License-Identifier: MIT
//
// Convolutions, each with a ReLU and maybe a pooling, as one step: a chain of stages
// (conv_stage.hpp).
//
// Images are in channels-last order with their padding around them, and go through all stages while
// they are in the cache: values between stages never become a tensor, and those between a
// convolution and its pooling are never written at all.
#pragma once

#include <memory>
#include <vector>

#include "fovea/engine/fused_group.hpp"
#include "fovea/fused/plain_stage.hpp"
#include "fovea/fused/pooled_stage.hpp"
#include "fovea/nn/relu.hpp"

namespace fovea::inline FOVEA_ABI {

/// Convolutions with their ReLU and pooling, one after the other.
template <class T>
class ConvChain final : public FusedGroup<T> {
  using Stage = ConvStage<T>;

 public:
  using First = Conv2d<T>;  ///< what it begins with

  /// As many stages as follow each other.
  static std::size_t match(Neighbours<T> layers, const Extents& x, const WorkspaceOptions&) {
    std::size_t count = 0;
    auto shape = x.rank == 4 ? x.shape<4>() : Shape<4>();
    while (const std::size_t span = stage_of(layers.subspan(count), shape)) count += span;
    return count;
  }

  /// Makes all memory. x: the largest input.
  [[gnu::cold]] ConvChain(Neighbours<T> layers, const Extents& largest,
                          const WorkspaceOptions& how) {
    auto x = largest.shape<4>();
    for (std::size_t at = 0; at < layers.size();) {
      auto y = x;
      const std::size_t span = stage_of(layers.subspan(at), y);
      if (span == 3)
        stages_.push_back(std::make_unique<PooledStage<T>>(*layers[at], x, y, how));
      else
        stages_.push_back(std::make_unique<PlainStage<T>>(*layers[at], x, y, how));
      at += span;
      x = y;
      ends_.push_back(at);
    }
    for (std::size_t s = 1; s < stages_.size(); ++s) stages_[s - 1]->hand_over_to(*stages_[s]);
    // Weights that do not fit into L2 are read once for several images.
    Index weights = 0;
    for (const auto& stage : stages_) weights += stage->conv().weight.size();
    together_ = weights * Index{sizeof(T)} > kernels::l2_share ? Stage::chunk_images : 1;
    for (const auto& stage : stages_) stage->plan(together_);
  }

  bool keeps_input() const override { return true; }
  /// For tests.
  const Stage& stage(std::size_t s) const { return *stages_[s]; }

  /// y = max-pool(ReLU(convolution of x)), stage after stage.
  void forward(AnyView<const T> x, AnyView<T> y, const Context& context) override {
    run(stages_, x.template as<4>(), y.template as<4>(), context);
  }
  /// After any stage.
  bool forward_after(std::size_t layer, AnyView<const T> x, AnyView<T> y,
                     const Context& context) override {
    const auto end = std::find(ends_.begin(), ends_.end(), layer + 1);
    if (end == ends_.end()) return false;
    run(std::span(stages_).subspan(static_cast<std::size_t>(end - ends_.begin()) + 1),
        x.template as<4>(), y.template as<4>(), context);
    return true;
  }
  /// From dy of the last stage assigns dx of the first, unless it is empty, and every dW and db.
  void backward(AnyView<const T>, AnyView<const T> any_y, AnyView<const T> any_dy,
                AnyView<T> any_dx, const Context& context) override {
    const auto y = any_y.template as<4>(), dy = any_dy.template as<4>();
    const auto dx = any_dx.template as<4>();
    const kernels::BatchChunks chunks = context.chunks(dy.extent(0));
    const bool parameters = context.parameter_gradients;
    for (const auto& stage : stages_)
      if (stage->wants_dx(dx)) stage->flip_weights(context.threads);
    parallel_for(context.threads, chunks.count, [&](Index chunk, int thread) {
      const Index first = chunks.begin(chunk), last = chunks.begin(chunk + 1);
      for (Index n = first; n < last; n += together_)
        for (std::size_t s = stages_.size(); s-- > 0;)
          for (Index buffer = 0; buffer < std::min(together_, last - n); ++buffer)
            stages_[s]->backward_image(
                y, dy, dx, {n + buffer, buffer, chunk, n + buffer == first, parameters, thread});
    });
    for (const auto& stage : stages_)
      if (parameters) stage->add_chunks(chunks.count, context.threads);
  }

 private:
  FOVEA_OUT_OF_LINE static void run(std::span<const std::unique_ptr<Stage>> stages,
                                    const View<const T, 4>& x, const View<T, 4>& y,
                                    const Context& context) {
    const Index size = Stage::chunk_images, N = x.extent(0), chunks = (N + size - 1) / size;
    kernels::Work work = 0;
    for (const auto& stage : stages) {
      stage->pack_weights(context.threads);
      work += stage->work(N);
    }
    const int threads = work < kernels::small_work ? 1 : context.threads;
    if (chunks >= 2 * threads)
      return parallel_for(threads, chunks, [&](Index chunk, int thread) {
        const Index n = chunk * size, count = std::min(size, N - n);
        // In forward-only mode an image is needed only until the next stage has read it.
        const Index buffer = stages[0]->forward_only() ? thread * size : n;
        stages[0]->read_images(x, n, count, buffer);
        for (const auto& stage : stages) stage->forward_images(y, n, count, buffer, {0, 1}, thread);
      });
    // Where there are few images, the outputs of each are cut into chunks.
    parallel_for(threads, N, [&](Index n, int) { stages[0]->read_images(x, n, 1, n); });
    for (const auto& stage : stages) {
      const int stage_threads = stage->work(N) < kernels::small_work ? 1 : threads;
      const Index output_chunks = std::min<Index>(stage->most_output_chunks(), stage_threads);
      parallel_for(stage_threads, chunks * output_chunks, [&](Index i, int thread) {
        const Index n = i / output_chunks * size;
        stage->forward_images(y, n, std::min(size, N - n), n, {i % output_chunks, output_chunks},
                              thread);
      });
    }
  }

  // How many layers the stage takes that begins with the first of these, 0 if none
  // does. Makes x what comes out.
  static std::size_t stage_of(Neighbours<T> layers, Shape<4>& x) {
    if (layers.size() < 2 || !layers[0]->template is<Conv2d<T>>()) return 0;
    const auto& conv = layers[0]->template get<Conv2d<T>>();
    const auto y = conv.output_shape(x);
    const auto relu_then_pool = [&](std::size_t relu_at, std::size_t pool_at) {
      return layers.size() >= 3 && layers[relu_at]->template is<Relu>() &&
             layers[pool_at]->template is<MaxPool2d>();
    };
    const std::size_t pool = relu_then_pool(1, 2) ? 2 : relu_then_pool(2, 1) ? 1 : 0;
    if (pool > 0 && PooledStage<T>::suits(conv, layers[pool]->template get<MaxPool2d>())) {
      x = layers[pool]->template get<MaxPool2d>().output_shape(y);
      return 3;
    }
    if (!layers[1]->template is<Relu>() || !PlainStage<T>::suits(conv, x)) return 0;
    x = y;
    return 2;
  }

  std::vector<std::unique_ptr<Stage>> stages_{};
  Index together_ = 1;               // images that run backward together
  std::vector<std::size_t> ends_{};  // of each stage: the layer after it
};

}  // namespace fovea::inline FOVEA_ABI
