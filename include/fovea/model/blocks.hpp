// SPDX-License-Identifier: MIT
//
// Blocks: neighbouring layers that run as one. The network's author writes textbook layers; which of
// them could run together is known from their types, and whether they do is decided once, from their
// options, when a pass is made (never for Keep::all, which is also what the tests compare with).
//
//   Conv2d, Relu, MaxPool2d{2}    What stands between the layers is never written to memory: of four
//                                 responses the winner is found where the sums are, in registers. On
//                                 the way back three of four gradients are zero, and all where the
//                                 unit is dead, so the two products run over a list of the others.
//   Linear, Relu                  one sweep over y adds the bias and clips.
//
// Forward of 3 x 3 kernels with several channels is Winograd's; others, the first layer for instance,
// are summed directly.
#pragma once

#include <algorithm>
#include <cmath>

#include "fovea/kernels/pooled.hpp"
#include "fovea/kernels/sparse.hpp"
#include "fovea/kernels/sparse_gemm.hpp"
#include "fovea/kernels/transpose.hpp"
#include "fovea/kernels/winograd.hpp"
#include "fovea/nn/conv2d.hpp"
#include "fovea/nn/linear.hpp"
#include "fovea/nn/max_pool2d.hpp"
#include "fovea/nn/relu.hpp"

namespace fovea::inline FOVEA_ABI {

/// No block begins with this layer.
struct NoBlock {
  static constexpr std::size_t span = 1;  ///< layers that it runs
  /// From anything: there is nothing to plan.
  template <class... Arguments>
  NoBlock(const Arguments&...) {}
  /// Never.
  bool active() const { return false; }
};

/// Conv2d, Relu and MaxPool2d{2} as one: y (N, O, OH/2, OW/2) from x (N, C, H, W).
template <class T>
class ConvReluPool {
 public:
  static constexpr std::size_t span = 3;  ///< layers that it runs

  /// Decides whether and how; makes all memory. x: the largest input.
  [[gnu::cold]] ConvReluPool(Shape<4> x, const PassOptions& how, const Conv2d<T>& conv, const Relu&,
                             const MaxPool2d& pool) {
    const auto& o = conv.options;
    const auto [N, C, H, W] = x;
    const auto [OH, OW] = conv.window().output(H, W);
    active_ = how.keep != Keep::all && pool.options.kernel == Extent2{2} &&
              pool.options.stride == Extent2{2} && pool.options.padding == Extent2{0};
    if (!active_) return;
    frozen_ = how.frozen;
    const bool plain = o.stride == Extent2{1} && o.dilation == Extent2{1} && o.groups == 1;
    by_winograd_ = kernels::Winograd<T>::suits(conv.window(), o.groups, C, o.out);
    sparse_ = plain && kernels::sparse_rows(o.kernel.h) && 2 * o.kernel.w * C >= lanes<T>;
    if (how.keep != Keep::nothing)
      winner_ = Tensor<std::uint8_t, 4>(Shape{N, o.out, OH / 2, OW / 2});
    if (by_winograd_) {
      winograd_ = {x, o.out, o.padding, {OH / 2, OW / 2}};
      transformed_ = Tensor<T, 1>(Shape{winograd_.weights_size()});
      const Index rows = kernels::tile_rows * winograd_.length();
      scratch_ = Tensor<T, 2>(Shape{how.threads, winograd_.scratch() + 2 * rows + 2 * lanes<T>});
    }
    if (!by_winograd_ || !sparse_) pooled_ = {x, o.out, conv.window(), o.groups};
    if (how.keep == Keep::nothing || !sparse_) return;
    run_ = (o.kernel.w * C + lanes<T> - 1) / lanes<T> * lanes<T>;
    image_ = {H + 2 * o.padding.h, (W + 2 * o.padding.w) * C + lanes<T>};
    turned_ = Tensor<T, 1>(Shape{o.out * o.kernel.h * run_});
    partial_ = Tensor<T, 2>(
        Shape{std::min(N, batch_parts), o.out * o.kernel.h * run_ + (o.out + 15) / 16 * 16});
    check(image_.h * image_.w < INT32_MAX, "an image of ", x, " is too large");
    for (Index i = 0; i < OH / 2; ++i)
      for (Index j = 0; j < OW / 2; ++j)
        windows_.push_back(static_cast<std::int32_t>(2 * i * image_.w + 2 * j * C));
    units_ = o.out * (OH / 2) * (OW / 2) + 1;
    entries_.resize(static_cast<std::size_t>(how.threads * units_));
    ends_ = Tensor<Index, 2>(Shape{how.threads, o.out});
    images_ = Tensor<T, 2>(Shape{how.threads, 2 * (image_.h * image_.w + run_) + lanes<T> * C});
  }

  /// Whether the three layers run as one.
  bool active() const { return active_; }
  /// For tests: which way the numbers take.
  bool by_winograd() const { return by_winograd_; }
  /// Whether the gradients are lists.
  bool sparse() const { return sparse_; }

  /// y (N, O, OH/2, OW/2) = max-pool(ReLU(convolution of x (N, C, H, W))).
  FOVEA_OUT_OF_LINE void forward(View<const T, 4> x, View<T, 4> y, const Conv2d<T>& conv,
                                 typename Conv2d<T>::Pass& pass, const Context& context) {
    if (by_winograd_)
      forward_winograd(x, y, conv, context.threads);
    else
      pooled_.forward(x, conv.weight.data(), conv.bias.data(), y,
                      winner_.empty() ? nullptr : winner_.data(), pass.scratch, context.threads);
  }

  /// Assigns dx, unless it is empty, and dW and db in the convolution's pass.
  FOVEA_OUT_OF_LINE void backward(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy,
                                  View<T, 4> dx, const Conv2d<T>& conv,
                                  typename Conv2d<T>::Pass& pass, const Context& context) {
    if (sparse_) return backward_sparse(x, y, dy, dx, conv, pass, context);
    if (context.parameter_gradients)
      pooled_.parameter_gradients(x, dy, winner_.data(), pass.dweight, pass.dbias, pass.scratch,
                                  pass.partial, context.threads);
    if (dx.empty()) return;
    // The gradient is spread out again, one plane at a time.
    const auto [OH, OW] = conv.window().output(x.extent(2), x.extent(3));
    const auto spread = [&, OH = OH, OW = OW](Index n, Index o, T* to, Index pitch) {
      const Index at = dy[n][o].data() - dy.data();
      kernels::unpool(dy.data() + at, winner_.data() + at, dy.size() - at, OH / 2, OW / 2, to,
                      pitch);
      if (OH % 2) std::fill_n(to + (OH - 1) * pitch, pitch, T{0});
    };
    pass.kernel.input_gradient_from(spread, conv.weight.data(), dx, pass.scratch, pass.partial,
                                    context.threads);
  }

 private:
  // Into how many parts a batch is cut for the sums over it, however many threads there are.
  static constexpr Index batch_parts = 16;

  void forward_winograd(View<const T, 4> x, View<T, 4> y, const Conv2d<T>& conv, int threads) {
    const Index C = conv.options.in, OH = y.extent(2), OW = y.extent(3);
    const Index length = winograd_.length();
    const bool remember = !winner_.empty();
    if (!packed_)
      winograd_.transform_weights(
          [&](Index o, Index c) { return conv.weight.data() + (o * C + c) * 9; }, 1,
          transformed_.data(), threads);
    packed_ = frozen_;
    // Behind Winograd's own memory. Where that ends is found once, not for every vector.
    T* const first = scratch_.data() + winograd_.scratch();
    const Index pitch = scratch_.extent(1);
    const auto values = [=](int thread) { return first + thread * pitch; };
    const auto places = [=](int thread) {
      return reinterpret_cast<std::uint8_t*>(values(thread) + kernels::tile_rows * length);
    };
    winograd_.run(
        x, transformed_.data(), scratch_, threads,
        [&](Index o, Index i, Index t, const Vec<T>(&window)[4], int thread) {
          const T bias = conv.bias.empty() ? T{0} : conv.bias(o);
          const auto pooled = kernels::max_pool_tile<T>(window, Vec<T>{} + bias);
          store(values(thread) + i * length + t, pooled.y);
          if (remember)
            std::memcpy(places(thread) + i * length + t, &pooled.winner, sizeof pooled.winner);
        },
        [&](Index o, Index i, Index n, Index row, Index rows, Index t, int thread) {
          const Index at = ((n * y.extent(1) + o) * OH + row) * OW;
          std::copy_n(values(thread) + i * length + t, rows * OW, y.data() + at);
          if (remember)
            std::copy_n(places(thread) + i * length + t, rows * OW, winner_.data() + at);
        });
  }

  void backward_sparse(View<const T, 4> x, View<const T, 4> y, View<const T, 4> dy, View<T, 4> dx,
                       const Conv2d<T>& conv, typename Conv2d<T>::Pass& pass,
                       const Context& context) {
    const int threads = context.threads;
    const bool parameters = context.parameter_gradients;
    const auto [N, C, H, W] = x.shape();
    const Index O = y.extent(1), OH = y.extent(2), OW = y.extent(3);
    const Extent2 kernel = conv.options.kernel, padding = conv.options.padding;
    const Index filter = kernel.h * run_, size = O * filter;
    const Index parts = std::min(N, batch_parts);
    const auto pixel = static_cast<std::int32_t>(C), row = static_cast<std::int32_t>(image_.w);
    const std::int32_t place[] = {0, pixel, row, row + pixel, 0};
    if (!dx.empty()) turn_weights(conv, threads);
    parallel_for(threads, parts, [&, N = N, C = C, H = H, W = W](Index part, int thread) {
      T* const dW = partial_[part].data();
      T* const db = dW + size;
      T* const image = images_[thread].data();                 // x, padded, (H, W, C)
      T* const gradient = image + image_.h * image_.w + run_;  // dx, the same
      auto* const entries = entries_.data() + thread * units_;
      std::fill_n(dW, partial_.extent(1), T{0});
      std::fill_n(image, image_.h * image_.w + run_, T{0});
      const auto [first, last] = piece_of(N, parts, part);
      for (Index n = first; n < last; ++n) {
        const Index inside = padding.h * image_.w + padding.w * C;
        if (parameters) kernels::to_channels_last(x[n].data(), C, H, W, image + inside, image_.w);
        if (!dx.empty()) std::fill_n(gradient, image_.h * image_.w + run_, T{0});
        auto* list = entries;
        for (Index o = 0; o < O; ++o) {
          const Index at = (n * O + o) * OH * OW;
          const Index count = kernels::list_entries(dy.data() + at, winner_.data() + at, OH * OW,
                                                    windows_.data(), place, list);
          if (parameters) {
            db[o] += kernels::sum_entries(list, count);
            kernels::sparse_weight_gradient(list, count, image, image_.w, kernel.h, run_,
                                            dW + o * filter);
          }
          list += count;
          ends_(thread, o) = list - entries;
        }
        // After all of dW, for x and dx together do not fit into L1.
        list = entries;
        for (Index o = 0; o < O && !dx.empty(); ++o) {
          auto* const end = entries + ends_(thread, o);
          kernels::sparse_input_gradient(list, end - list, turned_.data() + o * filter, kernel.h,
                                         run_, gradient, image_.w);
          list = end;
        }
        if (!dx.empty())
          kernels::from_channels_last(gradient + inside, image_.w, C, H, W, dx[n].data());
      }
    });
    if (!parameters) return;
    // The parts are added in their order, so the number of threads cannot change a bit.
    parallel_for(threads, O, [&, C = C](Index o, int) {
      T* const dW = partial_[0].data() + o * filter;
      T& db = partial_[0][size + o];
      for (Index part = 1; part < parts; ++part) {
        const T* const from = partial_[part].data() + o * filter;
        for (Index i = 0; i < filter; ++i) dW[i] += from[i];
        db += partial_[part][size + o];
      }
      for (Index c = 0; c < C; ++c)
        for (Index kh = 0; kh < kernel.h; ++kh)
          for (Index kw = 0; kw < kernel.w; ++kw)
            pass.dweight(o, c, kh, kw) = dW[kh * run_ + kw * C + c];
      if (!pass.dbias.empty()) pass.dbias(o) = db;
    });
  }

  // (O, C, KH, KW) to (O, KH, run) with runs of KW C numbers.
  void turn_weights(const Conv2d<T>& conv, int threads) {
    const auto [O, C, KH, KW] = conv.weight.shape();
    parallel_for(threads, O, [&, C = C, KH = KH, KW = KW](Index o, int) {
      for (Index kh = 0; kh < KH; ++kh) {
        T* const to = turned_.data() + (o * KH + kh) * run_;
        for (Index c = 0; c < C; ++c)
          for (Index kw = 0; kw < KW; ++kw) to[kw * C + c] = conv.weight(o, c, kh, kw);
      }
    });
  }

  bool active_ = false, by_winograd_ = false, sparse_ = false;
  bool frozen_ = false, packed_ = false;  // whether U stays as it is, and is there
  Tensor<std::uint8_t, 4> winner_;  // (N, O, OH/2, OW/2): which of the four; empty in a predictor
  kernels::PooledConvolution<T> pooled_;
  kernels::Winograd<T> winograd_;
  Tensor<T, 1> transformed_;  // U
  Tensor<T, 2> scratch_;      // (threads, Winograd's)
  Index run_ = 0;             // KW C, in whole vectors
  Extent2 image_{0};          // rows, and elements in a row, of a padded channels-last image
  std::vector<std::int32_t> windows_;  // where each pooling window begins in it
  Tensor<T, 1> turned_;                // W as (O, KH, run)
  Tensor<T, 2> partial_;               // (parts of the batch, dW as (O, KH, run), db)
  Tensor<T, 2> images_;                // (threads, image and gradient)
  // For every thread the entries of one image, at most `units_`, and where those of each output channel
  // end: (threads, O).
  Index units_ = 0;
  std::vector<kernels::Entry<T>> entries_;
  Tensor<Index, 2> ends_;
};

/// Linear and Relu as one: y (N, out) from x (N, in).
template <class T>
class LinearRelu {
 public:
  static constexpr std::size_t span = 2;  ///< layers that it runs

  /// Makes all memory. x: the largest input.
  [[gnu::cold]] LinearRelu(Shape<2> x, const PassOptions& how, const Linear<T>& linear, const Relu&)
      : active_(how.keep != Keep::all) {
    if (!active_) return;
    if (how.keep != Keep::nothing) {
      masked_ = Tensor<T, 2>(Shape{x[0], linear.options.out});
      of_image_ = kernels::Nonzeros<T>(x[0], linear.options.out);
      of_unit_ = kernels::Nonzeros<T>(linear.options.out, x[0]);
    }
    if (how.frozen) {
      turned_ = Tensor<T, 2>(Shape{linear.options.in, linear.options.out});
      kernels::transpose(linear.weight.data(), linear.options.out, linear.options.in,
                         linear.options.in, turned_.data(), linear.options.out);
      nonzeros_ = Tensor<std::int32_t, 2>(Shape{how.threads, linear.options.in + 1});
      may_skip_ = std::all_of(turned_.begin(), turned_.end(), [](T w) { return std::isfinite(w); });
    }
  }

  /// Whether the two layers run as one.
  bool active() const { return active_; }

  /// y = max(x W^T + b, 0)
  FOVEA_OUT_OF_LINE void forward(View<const T, 2> x, View<T, 2> y, const Linear<T>& linear,
                                 typename Linear<T>::Pass& pass, const Context& context) {
    if (turned_.empty())
      linear.forward(x, y, pass, context);
    else
      forward_turned(x, y, linear, context.threads);
    for (T& value : y) value = value < T{0} ? T{0} : value;
  }

  /// Whether the last backward went over the units that are alive alone.
  bool sparse() const { return sparse_; }

  /// Assigns dx, unless it is empty, and dW and db in the linear layer's pass.
  FOVEA_OUT_OF_LINE void backward(View<const T, 2> x, View<const T, 2> y, View<const T, 2> dy,
                                  View<T, 2> dx, const Linear<T>& linear,
                                  typename Linear<T>::Pass& pass, const Context& context) {
    const auto [N, out] = y.shape();
    const View<T, 2> alive = masked_.view().sub(0, N);
    for (Index i = 0; i < y.size(); ++i) alive.data()[i] = y.data()[i] > T{0} ? dy.data()[i] : T{0};
    const kernels::Matrix<const T> gradient{alive.data(), N, out};
    of_image_.list(gradient);
    sparse_ = 2 * of_image_.size() <= y.size();  // a dense product does twice as much a second
    if (!sparse_) return linear.backward(x, y, alive, dx, pass, context);

    const Index in = x.extent(1);
    if (!dx.empty())
      kernels::sparse_gemm<T>(of_image_, {linear.weight.data(), out, in}, {dx.data(), N, in},
                              context.threads);
    if (!context.parameter_gradients) return;
    of_unit_.list(gradient.transposed());
    kernels::sparse_gemm<T>(of_unit_, {x.data(), N, in}, {pass.dweight.data(), out, in},
                            context.threads);
    if (!linear.bias.empty())
      for (Index j = 0; j < out; ++j) pass.dbias(j) = of_unit_.sum(j);
  }

 private:
  // With W^T at hand: a few images use only the rows of it where x is not zero, and after a ReLU
  // most of x is. Not with weights that are infinite or NaN: times zero they are NaN, which must be seen.
  void forward_turned(View<const T, 2> x, View<T, 2> y, const Linear<T>& linear, int threads) {
    const auto [N, in] = x.shape();
    const Index out = y.extent(1), slice = 4 * lanes<T>, slices = (out + slice - 1) / slice;
    for (Index n = 0; n < N; ++n)
      if (linear.bias.empty())
        y[n].fill(T{0});
      else
        std::copy(linear.bias.begin(), linear.bias.end(), y[n].begin());
    if (N > few || !may_skip_)
      return kernels::gemm<T>({x.data(), N, in}, {turned_.data(), in, out}, {y.data(), N, out},
                              true, threads);
    const Index pieces = N * in * out < kernels::small_work ? 1 : std::min<Index>(slices, threads);
    parallel_for(threads, pieces, [&, N = N](Index piece, int thread) {
      const auto [first, last] = piece_of(slices, pieces, piece);
      for (Index n = 0; n < N; ++n)
        kernels::add_rows(x[n].data(), x.extent(1), turned_.data(), out, first * slice,
                          std::min(out, last * slice), y[n].data(), nonzeros_[thread].data());
    });
  }

  static constexpr Index few = 4;

  bool active_, sparse_ = false;
  Tensor<T, 2> masked_;                      // dy where the unit is alive
  kernels::Nonzeros<T> of_image_, of_unit_;  // its rows, its columns
  Tensor<T, 2> turned_;                      // W^T, if the weights are frozen
  bool may_skip_ = false;                    // whether all of it is finite
  Tensor<std::int32_t, 2> nonzeros_;         // (threads, where x is not zero)
};

namespace detail {

// The block that could begin with the first of these layers.
template <class... Layers>
struct BlockOf {
  using type = NoBlock;
};
template <class T, class... Rest>
struct BlockOf<Conv2d<T>, Relu, MaxPool2d, Rest...> {
  using type = ConvReluPool<T>;
};
template <class T, class... Rest>
struct BlockOf<Linear<T>, Relu, Rest...> {
  using type = LinearRelu<T>;
};

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
