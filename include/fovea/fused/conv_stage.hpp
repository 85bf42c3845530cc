// SPDX-License-Identifier: MIT
//
// One stage of a ConvChain: a convolution and what follows it, on one image after the other.
//
//   PooledStage   Conv2d, Relu, MaxPool2d{2} in any order with the same result
//   PlainStage    Conv2d, Relu
//
// This class is what both share: the layout of their images, and the tiles of 2 x 2 outputs that
// the forward pass is made of. Images are in channels-last order, (H, W, C), with their padding
// around them. The stage before writes them, or read_images() does; the last stage writes y as a
// tensor. Forward of 3 x 3 kernels with several channels is Winograd's; others, the first layer for
// instance, are summed directly.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "fovea/engine/any_layer.hpp"
#include "fovea/kernels/batch_tree.hpp"
#include "fovea/kernels/direct.hpp"
#include "fovea/kernels/winograd.hpp"
#include "fovea/nn/conv2d.hpp"

namespace fovea::inline FOVEA_ABI {

/// y from x (N, C, H, W), one image at a time.
template <class T>
class ConvStage {
 public:
  /// Images of one chunk of work.
  static constexpr Index chunk_images = 4;

  virtual ~ConvStage() = default;
  ConvStage(const ConvStage&) = delete;
  ConvStage& operator=(const ConvStage&) = delete;

  /// y of `count` images from n on, a chunk of the outputs: to the next stage, or to `y`.
  virtual void forward_images(View<T, 4> y, Index n, Index count, Index buffer,
                              std::pair<Index, Index> output_chunk, int thread) = 0;
  /// Before backward, if anything reads dx: the weights in the order in which dx reads them.
  virtual void flip_weights(int threads) = 0;
  /// An image in backward.
  struct Image {
    Index n, buffer;      ///< its number, and its buffer among those that run backward together
    Index chunk;          ///< of the batch
    bool first_of_chunk;  ///< its dW and db are assigned, those of the others are added
    bool parameters;      ///< whether dW and db are wanted
    int thread;           ///< which thread's scratch
  };
  /// dW and db of its chunk, and dx, which the stage before reads if there is one.
  virtual void backward_image(const View<const T, 4>& y, const View<const T, 4>& dy,
                              const View<T, 4>& dx, const Image& image) = 0;
  /// dW and db: the sums of the chunks are added (kernels/batch_tree.hpp).
  virtual void add_chunks(Index chunks, int threads) = 0;

  /// Makes `next` the stage after this one.
  [[gnu::cold]] void hand_over_to(ConvStage& next) {
    next_ = &next, next.first_ = false;
    out_ = next.in_;
  }
  /// Tables and scratch, which depend on the stages before and after this one, and on how
  /// many images run backward together.
  [[gnu::cold]] virtual void plan(Index) {
    in_.validate(images_per_tile_), out_.validate(images_per_tile_);
    images_ = Tensor<T, 2>(
        Shape{forward_only_ ? std::min(N_, 2 * chunk_images * threads_) : N_, in_.size()});
    y_size_ = !next_ ? images_per_tile_ * out_.size() : 0;
  }

  /// The layer, wherever its network is now.
  const Conv2d<T>& conv() const { return layer_->template get<Conv2d<T>>(); }
  /// Whether there is no backward.
  bool forward_only() const { return forward_only_; }
  /// Image n of x, in this stage's layout.
  const T* image(Index n) { return images_[n].data(); }
  /// For tests: whether forward is Winograd's.
  bool by_winograd() const { return by_winograd_; }
  /// Multiply-adds of a batch of N.
  kernels::Work work(Index N) const { return kernels::Work{N} * 4 * units_ * conv().weight.size(); }
  /// Chunks into which the outputs can be cut.
  Index most_output_chunks() const { return padded_outputs_ / lanes<T>; }
  /// Whether anything reads dx: the stage before, or the network.
  bool wants_dx(const View<T, 4>& dx) const { return !first_ || !dx.empty(); }

  /// Weights in the order in which the tiles read them.
  void pack_weights(int threads) {
    if (packed_) return;
    packed_ = prepack_;
    const Tensor<T, 4>& weight = conv().weight;
    const Index area = kernel_.h * kernel_.w;
    if (by_winograd_)
      winograd_.transform_weights(weight.data(), in_.channels * area, area, 1, weights_.data(),
                                  threads);
    else
      direct_.pack_weights(weight.data(), weights_.data());
    std::copy(conv().bias.begin(), conv().bias.end(), bias_.begin());
  }

  /// x of `count` images from n on in this stage's layout.
  void read_images(const View<const T, 4>& x, Index n, Index count, Index buffer) {
    for (Index k = 0; k < count; ++k) in_.read(x[n + k].data(), images_[buffer + k].data());
  }

 protected:
  /// Makes memory. x: the largest input; `units`: the tiles of 2 x 2 outputs, down and across; `y`:
  /// the rows and columns of what the stage writes.
  [[gnu::cold]] ConvStage(const AnyLayer<T>& layer, Shape<4> x, Extent2 units, Extent2 y,
                          const WorkspaceOptions& how)
      : layer_(&layer), kernel_(conv().options.kernel) {
    const auto& o = conv().options;
    const auto [N, C, H, W] = x;
    N_ = N;
    threads_ = how.threads;
    prepack_ = how.prepack_weights;
    forward_only_ = how.keep == Keep::output;
    O_ = o.out;
    padded_outputs_ = whole_vectors<T>(O_), units_ = units.h * units.w;
    in_ = {C, {H, W}, o.padding}, out_ = {O_, y, 0};
    in_.validate(1), out_.validate(1);
    by_winograd_ = kernels::Winograd<T>::suits(conv().window(), 1, C, O_);
    if (by_winograd_)
      winograd_ = {C, O_, in_.row()};
    else
      direct_ = {C, O_, o.kernel, in_.row()};
    // Of small images the last register tile would often be half empty.
    images_per_tile_ = !by_winograd_ || units_ > 128 ? 1 : units_ > 64 ? 2 : chunk_images;
    weights_ =
        Tensor<T, 1>(Shape{by_winograd_ ? winograd_.weights_size() : direct_.weights_size()});
    bias_ = Tensor<T, 1>(Shape{padded_outputs_});
  }

  /// Calls store_tile(out, first image, t, o, four sums) for the tiles of `count` images and a
  /// chunk of the outputs, and hands y over to the next stage or writes it.
  template <class StoreTile>
  [[gnu::always_inline]] void each_tile(const View<T, 4>& y, Index n, Index count, Index buffer,
                                        std::pair<Index, Index> output_chunk, int thread,
                                        T* scratch, const StoreTile& store_tile) {
    const auto [first, last] =
        chunk_range(padded_outputs_ / lanes<T>, output_chunk.second, output_chunk.first);
    const Index begin = first * lanes<T>, end = last * lanes<T>;
    for (Index k = 0; k < count; k += images_per_tile_) {
      const Index images = std::min(images_per_tile_, count - k);
      T* const out = next_ ? next_->images_[buffer + k].data() : own_y(thread);
      const auto store = store_tile(out, n + k);
      const T* const x = images_[buffer + k].data();
      if (by_winograd_)
        winograd_.run(x, windows_.data(), images * units_, weights_.data(), begin, end, scratch,
                      store);
      else
        direct_.run(x, windows_.data(), images * units_, weights_.data(), begin, end, store);
      for (Index i = 0; !next_ && i < images; ++i)
        out_.write(out + i * out_.size(), begin, std::min(end, O_), y[n + k + i].data());
    }
  }

  /// As many of the lanes as there are outputs from o on.
  template <class Vector, class Element>
  [[gnu::always_inline]] static void store_lanes(Element* to, const Vector& values, Index left) {
    if (left >= lanes<T>)
      std::memcpy(to, &values, sizeof values);
    else
      std::memcpy(to, &values, static_cast<std::size_t>(left) * sizeof(Element));
  }

  /// Where the scratch of this thread begins: y or dy, then dx.
  T* own_y(int thread) { return scratch_[thread].data(); }
  T* own_dx(int thread, Index buffer) { return own_y(thread) + y_size_ + buffer * in_.size(); }
  /// The gradient of y, which the next stage has left.
  const T* gradient_of_y(const View<const T, 4>& dy, const Image& image) {
    if (next_) return next_->own_dx(image.thread, image.buffer);
    out_.read(dy[image.n].data(), own_y(image.thread));
    return own_y(image.thread);
  }

  const AnyLayer<T>* layer_;
  ConvStage* next_ = nullptr;
  bool by_winograd_ = false;
  bool first_ = true;                      // of its chain
  bool prepack_ = false, packed_ = false;  // whether the weights stay as they are, and are there
  bool forward_only_ = false;
  int threads_ = 1;
  Extent2 kernel_{1};
  Index N_ = 0;                                     // the capacity
  Index O_ = 0, padded_outputs_ = 0;                // outputs, and the same in whole vectors
  Index units_ = 0;                                 // tiles in an image
  Index images_per_tile_ = 1;                       // images whose tiles are one row of tiles
  kernels::ChannelsLast<T> in_{}, out_{};           // an image of x, and of y
  std::vector<std::int32_t> windows_{}, pixels_{};  // where the units are in x, and in y
  kernels::Winograd<T> winograd_{};
  kernels::DirectTiles<T> direct_{};
  Tensor<T, 1> weights_{}, bias_{};  // as the tiles read them
  Tensor<T, 2> images_{};            // x, with padding; the stage before writes it if there is one
  Index y_size_ = 0;
  Tensor<T, 2> scratch_{};  // (threads, y or dy, dx, ...)
  Tensor<T, 2> partial_{};  // (chunks, dW and db)
};

}  // namespace fovea::inline FOVEA_ABI
