// SPDX-License-Identifier: MIT
//
// Blocks: neighbouring layers that run as one. The network's author writes textbook layers; which of
// them could run together is known from their types, and whether they do is decided once, from their
// options, when a workspace is made (never with .fuse = false, which the tests compare with).
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
#include <span>

#include "fovea/kernels/direct.hpp"
#include "fovea/kernels/sparse.hpp"
#include "fovea/kernels/sparse_gemm.hpp"
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

/// Conv2d, Relu and MaxPool2d{2} as one: y (N, O, OH/2, OW/2) from x (N, C, H, W). Inside, images are in
/// channels-last order, (H, W, C), with their padding around them. Blocks that follow each other are a
/// chain: an image goes through all of them while it is in the cache, and what stands between them never
/// takes the shape of a tensor.
template <class T>
class ConvReluPool {
 public:
  static constexpr std::size_t span = 3;  ///< layers that it runs

  /// A block of a chain with its layer. Where it begins it has x and dx, the last has y and dy.
  struct Stage {
    ConvReluPool* block = nullptr;             ///< its memory
    const Conv2d<T>* conv = nullptr;           ///< the layer
    typename Conv2d<T>::Pass* pass = nullptr;  ///< where the layer's gradients go
    View<const T, 4>
        x{};         ///< (N, C, H, W), read forward; or empty: the block before has written it
    View<T, 4> y{};  ///< (N, O, OH/2, OW/2)
    View<const T, 4> dy{};  ///< ds/dy
    View<T, 4> dx{};        ///< ds/dx, or empty if nobody asks
  };
  /// Blocks that follow each other.
  using Chain = std::span<const Stage>;

  /// Decides whether and how; makes all memory. x: the largest input.
  [[gnu::cold]] ConvReluPool(Shape<4> x, const WorkspaceOptions& how, const Conv2d<T>& conv,
                             const Relu&, const MaxPool2d& pool) {
    const auto& o = conv.options;
    const auto [N, C, H, W] = x;
    const auto [OH, OW] = conv.window().output(H, W);
    active_ = how.fuse && kernels::sparse_rows(o.kernel.h) && o.stride == Extent2{1} &&
              o.dilation == Extent2{1} && o.groups == 1 && pool.options.kernel == Extent2{2} &&
              pool.options.stride == Extent2{2} && pool.options.padding == Extent2{0};
    if (!active_) return;
    N_ = N;
    threads_ = how.threads;
    prepack_ = how.prepack_weights;
    forward_only_ = how.keep == Keep::output;
    O_ = o.out;
    columns_ = whole_vectors<T>(O_);
    units_ = OH / 2 * (OW / 2);
    in_ = {C, {H, W}, o.padding};
    out_ = {O_, {OH / 2, OW / 2}, 0};
    in_.validate(1), out_.validate(1);
    by_winograd_ = kernels::Winograd<T>::suits(conv.window(), 1, C, O_);
    if (by_winograd_)
      winograd_ = {C, O_, in_.row()};
    else
      direct_ = {C, O_, o.kernel, in_.row()};
    // Of small images the last register tile would often be half empty.
    at_once_ = !by_winograd_ || units_ > 128 ? 1 : units_ > 64 ? 2 : group;
    weights_ =
        Tensor<T, 1>(Shape{by_winograd_ ? winograd_.weights_size() : direct_.weights_size()});
    bias_ = Tensor<T, 1>(Shape{columns_});
    if (!forward_only_) {
      grey_ = C == 1 && o.kernel == Extent2{3} && lanes<T> >= 8;
      run_ = whole_vectors<T>(o.kernel.w * C);
      winner_ = Tensor<std::uint8_t, 1>(Shape{N * units_ * O_ + lanes<T>});
      turned_ = Tensor<T, 1>(Shape{O_ * o.kernel.h * run_});
      size_ = grey_ ? 9 * columns_ : O_ * o.kernel.h * run_;
      partial_ = Tensor<T, 2>(Shape{std::min(N, batch_parts), size_ + columns_});
      entries_.resize(static_cast<std::size_t>(threads_ * (O_ * units_ + 1)));
      ends_ = Tensor<Index, 2>(Shape{threads_, O_});
    }
    plan();
  }

  /// Whether the three layers run as one.
  bool active() const { return active_; }
  /// Backward reads a copy of x that forward makes.
  bool keeps_input() const { return active_; }
  /// For tests: which way the numbers take.
  bool by_winograd() const { return by_winograd_; }
  /// Whether dW goes over lists, too; dx always does.
  bool sparse() const { return !grey_; }

  /// Makes `next` the block behind this one in a chain.
  [[gnu::cold]] void hand_over_to(ConvReluPool& next) {
    last_ = next.first_ = false;
    out_ = next.in_;
    plan(), next.plan();
  }

  /// y = max-pool(ReLU(convolution of x)), one block after the other.
  FOVEA_OUT_OF_LINE static void forward(Chain chain, const Context& context) {
    const Index N = chain[0].x.extent(0), groups = (N + group - 1) / group;
    kernels::Work work = 0;
    for (const Stage& stage : chain) {
      stage.block->pack_weights(*stage.conv, context.threads);
      work += stage.block->work(N, *stage.conv);
    }
    const int threads = work < kernels::small_work ? 1 : context.threads;
    if (groups >= 2 * threads)
      return parallel_for(threads, groups, [&](Index piece, int thread) {
        const Index n = piece * group, count = std::min(group, N - n);
        // In forward-only mode an image is needed only until the next block has read it.
        const Index slot = chain[0].block->forward_only_ ? thread * group : n;
        chain[0].block->read_images(chain[0], n, count, slot);
        for (std::size_t s = 0; s < chain.size(); ++s)
          chain[s].block->forward_images(chain, s, n, count, slot, {0, 1}, thread);
      });
    // Where there are few images, the outputs are shared out.
    parallel_for(threads, N, [&](Index n, int) { chain[0].block->read_images(chain[0], n, 1, n); });
    for (std::size_t s = 0; s < chain.size(); ++s) {
      ConvReluPool& block = *chain[s].block;
      const int helpers = block.work(N, *chain[s].conv) < kernels::small_work ? 1 : threads;
      const Index slices = std::min<Index>(block.columns_ / lanes<T>, helpers);
      parallel_for(helpers, groups * slices, [&](Index piece, int thread) {
        const Index n = piece / slices * group;
        block.forward_images(chain, s, n, std::min(group, N - n), n, {piece % slices, slices},
                             thread);
      });
    }
  }

  /// From dy of the last assigns dx of the first, unless it is empty, and every dW and db.
  FOVEA_OUT_OF_LINE static void backward(Chain chain, const Context& context) {
    const Index N = chain.back().dy.extent(0), parts = std::min(N, batch_parts);
    for (const Stage& stage : chain)
      if (stage.block->wants_dx(stage)) stage.block->turn_weights(*stage.conv, context.threads);
    parallel_for(context.threads, parts, [&](Index part, int thread) {
      const auto [first, last] = piece_of(N, parts, part);
      for (const Stage& stage : chain)
        if (context.parameter_gradients) stage.block->partial_[part].fill(T{0});
      for (Index n = first; n < last; ++n)
        for (std::size_t s = chain.size(); s-- > 0;)
          chain[s].block->backward_image(chain, s, n, part, thread, context.parameter_gradients);
    });
    for (const Stage& stage : chain)
      if (context.parameter_gradients) stage.block->add_parts(parts, *stage.pass, context.threads);
  }

 private:
  // Into how many parts a batch is cut for the sums over it, however many threads there are.
  static constexpr Index batch_parts = 16;
  static constexpr Index group = 4;  // images that go through a chain together

  // Tables and scratch, which depend on who stands before and behind this block.
  [[gnu::cold]] void plan() {
    in_.validate(at_once_), out_.validate(at_once_);
    windows_ = in_.places(0, out_.extent, 2, at_once_);
    pixels_ = out_.places(out_.inside(), out_.extent, 1, at_once_);
    images_ =
        Tensor<T, 2>(Shape{forward_only_ ? std::min(N_, 2 * group * threads_) : N_, in_.size()});
    y_size_ = last_ ? at_once_ * out_.size() : 0;
    const Index tiles = by_winograd_ ? winograd_.scratch() : 0;
    const Index dx = forward_only_ ? 0 : in_.size();
    scratch_ = Tensor<T, 2>(Shape{threads_, y_size_ + std::max(dx, tiles)});
  }

  // The block before, or who runs the chain.
  bool wants_dx(const Stage& stage) const { return !first_ || !stage.dx.empty(); }

  kernels::Work work(Index N, const Conv2d<T>& conv) const {
    return kernels::Work{N} * 4 * units_ * conv.weight.size();
  }

  void pack_weights(const Conv2d<T>& conv, int threads) {
    if (packed_) return;
    packed_ = prepack_;
    const Index area = conv.options.kernel.h * conv.options.kernel.w;
    if (by_winograd_)
      winograd_.transform_weights(conv.weight.data(), in_.channels * area, area, 1, weights_.data(),
                                  threads);
    else
      direct_.pack_weights(conv.weight.data(), weights_.data());
    std::copy(conv.bias.begin(), conv.bias.end(), bias_.begin());
  }

  // Where this thread's part of the scratch begins: y or dy, dx or what the tiles need.
  T* own_y(int thread) { return scratch_[thread].data(); }
  T* own_dx(int thread) { return own_y(thread) + y_size_; }

  // x of `count` images from n on in this block's layout, unless the block before has written it.
  void read_images(const Stage& stage, Index n, Index count, Index slot) {
    for (Index k = 0; k < count && !stage.x.empty(); ++k)
      in_.read(stage.x[n + k].data(), images_[slot + k].data());
  }

  // y of `count` images from n on, a slice of the outputs.
  void forward_images(Chain chain, std::size_t s, Index n, Index count, Index slot,
                      std::pair<Index, Index> slice, int thread) {
    const auto [first, last] = piece_of(columns_ / lanes<T>, slice.second, slice.first);
    const Index begin = first * lanes<T>, end = last * lanes<T>, O = O_;
    const T* const bias = bias_.data();
    const std::int32_t* const pixel = pixels_.data();
    for (Index k = 0; k < count; k += at_once_) {
      const Index images = std::min(at_once_, count - k);
      T* const out = last_ ? own_y(thread) : chain[s + 1].block->images_[slot + k].data();
      std::uint8_t* const winner = forward_only_ ? nullptr : winner_.data() + (n + k) * units_ * O;
      const auto store_pooled = [=](Index t, Index o, const Vec<T>(&window)[4]) {
        const auto pooled = kernels::max_pool_tile<T>(window, load(bias + o));
        T* const to = out + pixel[t] + o;
        const Index left = std::min(O - o, lanes<T>);
        if (left == lanes<T>)
          store(to, pooled.y);
        else
          std::memcpy(to, &pooled.y, static_cast<std::size_t>(left) * sizeof(T));
        if (!winner) return;  // nobody will go back
        std::uint8_t* const who = winner + t * O + o;
        if (left == lanes<T>)
          std::memcpy(who, &pooled.winner, sizeof pooled.winner);
        else
          std::memcpy(who, &pooled.winner, static_cast<std::size_t>(left));
      };
      const T* const x = images_[slot + k].data();
      if (by_winograd_)
        winograd_.run(x, windows_.data(), images * units_, weights_.data(), begin, end,
                      own_dx(thread), store_pooled);
      else
        direct_.run(x, windows_.data(), images * units_, weights_.data(), begin, end, store_pooled);
      for (Index i = 0; last_ && i < images; ++i)
        out_.write(out + i * out_.size(), begin, std::min(end, O), chain[s].y[n + k + i].data());
    }
  }

  // Image n: adds to part `part` of dW and db, and assigns dx.
  void backward_image(Chain chain, std::size_t s, Index n, Index part, int thread,
                      bool parameters) {
    const Stage& stage = chain[s];
    const Extent2 kernel = stage.conv->options.kernel;
    if (last_) out_.read(stage.dy[n].data(), own_y(thread));
    const T* const dy = last_ ? own_y(thread) : chain[s + 1].block->own_dx(thread);
    const std::uint8_t* const winner = winner_.data() + n * units_ * O_;
    const T* const x = images_[n].data();
    T* const dW = partial_[part].data();
    T* const db = dW + size_;
    for (Index o = 0; parameters && o < O_; o += lanes<T>) {
      kernels::add_pooled_bias(dy + o, pixels_.data(), winner + o, O_, units_, db + o);
      if (grey_)
        kernels::add_grey_gradient(x, in_.row(), windows_.data(), units_, dy + o, pixels_.data(),
                                   winner + o, O_, dW + o, columns_);
    }
    if (grey_ && !wants_dx(stage)) return;

    const auto row = static_cast<std::int32_t>(in_.row()),
               pixel = static_cast<std::int32_t>(in_.channels);
    const std::int32_t place[] = {0, pixel, row, row + pixel, 0};
    auto* const entries = entries_.data() + thread * (O_ * units_ + 1);
    auto* list = entries;
    for (Index o = 0; o < O_; ++o) {
      list += kernels::list_entries(dy + o, pixels_.data(), winner + o, O_, units_, windows_.data(),
                                    place, list);
      ends_(thread, o) = list - entries;
    }
    // One after the other, for what all of this reads does not fit into L1.
    const Index filter = kernel.h * run_;
    const auto each_list = [&](auto&& use) {
      for (Index o = 0, first = 0; o < O_; first = ends_(thread, o++))
        use(o, entries + first, ends_(thread, o) - first);
    };
    if (parameters && !grey_)
      each_list([&](Index o, const auto* listed, Index count) {
        kernels::sparse_weight_gradient(listed, count, x, row, kernel.h, run_, dW + o * filter);
      });
    if (!wants_dx(stage)) return;
    T* const dx = own_dx(thread);
    std::fill_n(dx, in_.size(), T{0});
    each_list([&](Index o, const auto* listed, Index count) {
      kernels::sparse_input_gradient(listed, count, turned_.data() + o * filter, kernel.h, run_, dx,
                                     row);
    });
    if (first_) in_.write(dx, 0, in_.channels, stage.dx[n].data());
  }

  // The parts are added in their order, so the number of threads cannot change a bit.
  void add_parts(Index parts, typename Conv2d<T>::Pass& pass, int threads) {
    T* const sums = partial_.data();
    sum_parts(threads, sums, parts, partial_.extent(1), sums, partial_.extent(1));
    const Shape<4> shape = pass.dweight.shape();
    parallel_for(threads, shape[0], [&](Index o, int) {
      const auto [O, C, KH, KW] = shape;
      for (Index c = 0; c < C; ++c)
        for (Index kh = 0; kh < KH; ++kh)
          for (Index kw = 0; kw < KW; ++kw)
            pass.dweight(o, c, kh, kw) = grey_ ? sums[(kh * KW + kw) * columns_ + o]
                                               : sums[(o * KH + kh) * run_ + kw * C + c];
    });
    std::copy_n(sums + size_, pass.dbias.size(), pass.dbias.data());
  }

  // (O, C, KH, KW) to (O, KH, run) with runs of KW C numbers.
  void turn_weights(const Conv2d<T>& conv, int threads) {
    const Shape<4> shape = conv.weight.shape();
    parallel_for(threads, shape[0], [&](Index o, int) {
      const auto [O, C, KH, KW] = shape;
      for (Index kh = 0; kh < KH; ++kh) {
        T* const to = turned_.data() + (o * KH + kh) * run_;
        for (Index c = 0; c < C; ++c)
          for (Index kw = 0; kw < KW; ++kw) to[kw * C + c] = conv.weight(o, c, kh, kw);
      }
    });
  }

  bool active_ = false, by_winograd_ = false;
  bool first_ = true, last_ = true;        // of its chain
  bool grey_ = false;                      // one channel: dW is summed in registers, not over lists
  bool prepack_ = false, packed_ = false;  // whether the weights stay as they are, and are there
  bool forward_only_ = false;
  int threads_ = 1;
  Index N_ = 0, O_ = 0, columns_ = 0;  // the capacity; outputs, and the same in whole vectors
  Index units_ = 0, at_once_ = 1;  // windows in an image; images whose tiles are one row of tiles
  kernels::ChannelsLast<T> in_{}, out_{};           // an image of x, and of y
  std::vector<std::int32_t> windows_{}, pixels_{};  // where their units are in x, and in y
  kernels::Winograd<T> winograd_{};
  kernels::DirectTiles<T> direct_{};
  Tensor<T, 1> weights_{}, bias_{};   // as the tiles read them
  Tensor<std::uint8_t, 1> winner_{};  // (N, units, O): which of the four; empty in a predictor
  Tensor<T, 2> images_{};             // x, with padding; the block before writes it if there is one
  Index y_size_ = 0;
  Tensor<T, 2> scratch_{};    // (threads, y or dy, dx or what the tiles need)
  Index run_ = 0, size_ = 0;  // KW C in whole vectors; elements of dW in a part
  Tensor<T, 1> turned_{};     // W as (O, KH, run)
  Tensor<T, 2> partial_{};    // (parts, dW as (O, KH, run), or (KH, KW, O) if grey, and db)
  std::vector<kernels::Entry<T>> entries_{};  // for every thread those of one image
  Tensor<Index, 2> ends_{};                   // (threads, O): where those of each output end
};

/// Linear and Relu as one: y (N, out) from x (N, in).
template <class T>
class LinearRelu {
 public:
  static constexpr std::size_t span = 2;  ///< layers that it runs

  /// Makes all memory. x: the largest input.
  [[gnu::cold]] LinearRelu(Shape<2> x, const WorkspaceOptions& how, const Linear<T>& linear,
                           const Relu&)
      : active_(how.fuse) {
    if (!active_) return;
    if (how.keep != Keep::output) {
      masked_ = Tensor<T, 2>(Shape{x[0], linear.options.out});
      of_image_ = kernels::Nonzeros<T>(x[0], linear.options.out);
      of_unit_ = kernels::Nonzeros<T>(linear.options.out, x[0]);
    }
    if (how.prepack_weights) {
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
    NoPass nothing;
    Relu{}.forward(as_const(y), y, nothing, context);
  }

  /// Whether the last backward went over the units that are alive alone.
  bool sparse() const { return sparse_; }

  /// Assigns dx, unless it is empty, and dW and db in the linear layer's pass.
  FOVEA_OUT_OF_LINE void backward(View<const T, 2> x, View<const T, 2> y, View<const T, 2> dy,
                                  View<T, 2> dx, const Linear<T>& linear,
                                  typename Linear<T>::Pass& pass, const Context& context) {
    const auto [N, out] = y.shape();
    const View<T, 2> alive = masked_.view().sub(0, N);
    NoPass nothing;
    Relu{}.backward(y, y, dy, alive, nothing, context);
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
    const Index N = x.extent(0), in = x.extent(1);
    const Index out = y.extent(1), slice = 4 * lanes<T>, slices = (out + slice - 1) / slice;
    if (N > few || !may_skip_) {
      kernels::gemm<T>({x.data(), N, in}, {turned_.data(), in, out}, {y.data(), N, out}, false,
                       threads);
    } else {
      y.fill(T{0});
      const Index pieces =
          kernels::Work{N} * in * out < kernels::small_work ? 1 : std::min<Index>(slices, threads);
      parallel_for(threads, pieces, [&](Index piece, int thread) {
        const auto [first, last] = piece_of(slices, pieces, piece);
        for (Index n = 0; n < N; ++n)
          kernels::add_rows(x[n].data(), x.extent(1), turned_.data(), out, first * slice,
                            std::min(out, last * slice), y[n].data(), nonzeros_[thread].data());
      });
    }
    linear.add_bias(y);
  }

  static constexpr Index few = 4;

  bool active_, sparse_ = false;
  Tensor<T, 2> masked_{};                        // dy where the unit is alive
  kernels::Nonzeros<T> of_image_{}, of_unit_{};  // its rows, its columns
  Tensor<T, 2> turned_{};                        // W^T, if the weights are prepack_weights
  bool may_skip_ = false;                        // whether all of it is finite
  Tensor<std::int32_t, 2> nonzeros_{};           // (threads, where x is not zero)
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
