// SPDX-License-Identifier: MIT
//
// Linear and Relu as one step: one sweep over y adds the bias and clips. In backward
// dy is zero where the unit is dead. If at least half of the units are dead, the two products run
// over lists of the others.
#pragma once

#include <algorithm>
#include <cmath>

#include "fovea/engine/fused_group.hpp"
#include "fovea/kernels/batch_gemm.hpp"
#include "fovea/kernels/transpose.hpp"
#include "fovea/nn/linear.hpp"
#include "fovea/nn/relu.hpp"

namespace fovea::inline FOVEA_ABI {

/// Linear and Relu as one: y (N, out) from x (N, in).
template <class T>
class LinearRelu final : public FusedGroup<T> {
 public:
  using First = Linear<T>;  ///< what it begins with

  /// A linear layer and a ReLU.
  static std::size_t match(Neighbours<T> layers, const Extents&, const WorkspaceOptions&) {
    return layers.size() >= 2 && layers[0]->template is<Linear<T>>() &&
                   layers[1]->template is<Relu>()
               ? 2
               : 0;
  }

  /// Makes all memory. x: the largest input.
  [[gnu::cold]] LinearRelu(Neighbours<T> layers, const Extents& largest,
                           const WorkspaceOptions& how)
      : layer_(*layers[0]) {
    const Linear<T>& linear = this->linear();
    const auto x = largest.shape<2>();
    if (how.keep != Keep::output) {
      masked_ = Tensor<T, 2>(Shape{x[0], linear.options.out});
      of_image_ = kernels::Nonzeros<T>(x[0], linear.options.out);
      of_unit_ = kernels::Nonzeros<T>(linear.options.out, x[0], kernels::BatchChunks::most);
    }
    if (how.prepack_weights) {
      transposed_ = Tensor<T, 2>(Shape{linear.options.in, linear.options.out});
      kernels::transpose(linear.weight.data(), linear.options.out, linear.options.in,
                         linear.options.in, transposed_.data(), linear.options.out);
      nonzeros_ = Tensor<std::int32_t, 2>(Shape{how.threads, linear.options.in + 1});
      may_skip_ =
          std::all_of(transposed_.begin(), transposed_.end(), [](T w) { return std::isfinite(w); });
    }
  }

  /// y = max(x W^T + b, 0)
  void forward(AnyView<const T> any_x, AnyView<T> any_y, const Context& context) override {
    const auto x = any_x.template as<2>();
    const auto y = any_y.template as<2>();
    if (transposed_.empty())
      linear().forward(x, y, pass(), context);
    else
      forward_transposed(x, y, linear(), context.threads);
    NoPass nothing;
    Relu{}.forward(as_const(y), y, nothing, context);
  }

  /// Whether the last backward went over the units that are alive alone.
  bool sparse() const { return sparse_; }

  /// Assigns dx, unless it is empty, and dW and db in the linear layer's pass.
  void backward(AnyView<const T> any_x, AnyView<const T> any_y, AnyView<const T> any_dy,
                AnyView<T> any_dx, const Context& context) override {
    const auto x = any_x.template as<2>(), y = any_y.template as<2>(), dy = any_dy.template as<2>();
    const auto dx = any_dx.template as<2>();
    const Linear<T>& linear = this->linear();
    typename Linear<T>::Pass& pass = this->pass();
    const auto [N, out] = y.shape();
    const View<T, 2> alive = masked_.view().sub(0, N);
    NoPass nothing;
    Relu{}.backward(y, y, dy, alive, nothing, context);
    const kernels::Matrix<const T> gradient{alive.data(), N, out};
    of_image_.list(gradient);
    // A dense product does twice as much a second.
    sparse_ = 2 * of_image_.size() <= y.size() && N <= kernels::most_sparse_batch;
    if (!sparse_) return linear.backward(x, y, alive, dx, pass, context);

    const Index in = x.extent(1);
    if (!dx.empty())
      kernels::sparse_gemm<T>(of_image_, {linear.weight.data(), out, in}, {dx.data(), N, in},
                              context.threads);
    if (!context.parameter_gradients) return;
    const kernels::BatchChunks chunks = context.chunks(N);
    of_unit_.list(gradient.transposed(), chunks.count,
                  [&](Index chunk) { return chunks.begin(chunk + 1); });
    kernels::batch_sparse_gemm<T>(of_unit_, {x.data(), N, in}, {pass.dweight.data(), out, in},
                                  chunks, context.threads);
    linear.bias_gradient(as_const(alive), pass, context);
  }

 private:
  const Linear<T>& linear() const { return layer_.template get<Linear<T>>(); }
  typename Linear<T>::Pass& pass() const {
    return layer_.template pass<typename Linear<T>::Pass>();
  }

  // With W^T at hand: a few images use only the rows of it where x is not zero, and after a ReLU
  // most of x is. Not with weights that are infinite or NaN: times zero they
  // are NaN, which must reach y.
  void forward_transposed(View<const T, 2> x, View<T, 2> y, const Linear<T>& linear, int threads) {
    const auto [N, in] = x.shape();
    const Index out = y.extent(1), block = 4 * lanes<T>, blocks = (out + block - 1) / block;
    if (N > few || !may_skip_) {
      kernels::gemm<T>({x.data(), N, in}, {transposed_.data(), in, out}, {y.data(), N, out}, false,
                       threads);
    } else {
      y.fill(T{0});
      const Index chunks =
          kernels::Work{N} * in * out < kernels::small_work ? 1 : std::min<Index>(blocks, threads);
      parallel_for(threads, chunks, [&, N = N](Index chunk, int thread) {
        const auto [first, last] = chunk_range(blocks, chunks, chunk);
        for (Index n = 0; n < N; ++n)
          kernels::add_rows(x[n].data(), x.extent(1), transposed_.data(), out, first * block,
                            std::min(out, last * block), y[n].data(), nonzeros_[thread].data());
      });
    }
    linear.add_bias(y);
  }

  static constexpr Index few = 4;

  const AnyLayer<T>& layer_;
  bool sparse_ = false;
  Tensor<T, 2> masked_{};                        // dy where the unit is alive
  kernels::Nonzeros<T> of_image_{}, of_unit_{};  // its rows, its columns
  Tensor<T, 2> transposed_{};                    // W^T, with prepack_weights
  bool may_skip_ = false;                        // whether all of it is finite
  Tensor<std::int32_t, 2> nonzeros_{};           // (threads, where x is not zero)
};

}  // namespace fovea::inline FOVEA_ABI
