// SPDX-License-Identifier: MIT
//
// Winograd's algorithm (winograd.hpp) for a convolution by itself: x (N,
// C, H, W) to y (N, O, OH, OW).
//
// A strip is a few rows of tiles of one image, or several small images. It is copied to
// channels-last order with its padding around it, transformed tile by tile, and its outputs are
// copied back to planes, all within half of L2.
//
// The gradient dx of such a convolution is one too: of dy, with flipped kernels and with inputs and
// outputs exchanged.
#pragma once

#include <vector>

#include "fovea/core/tensor.hpp"
#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/convolution_shape.hpp"
#include "fovea/kernels/winograd.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The tables of one such convolution, made once.
template <class T>
class WinogradStrips {
 public:
  WinogradStrips() = default;
  /// Whether forward and dx of a convolution can be computed so.
  static bool suits(const ConvolutionShape& shape) {
    const auto& [groups, C, O, image, output, kernel, stride, padding, dilation] = shape;
    return Winograd<T>::suits({kernel, stride, padding, dilation}, groups, C, O) &&
           padding.h <= 2 && padding.w <= 2;
  }
  /// From x to y.
  static WinogradStrips forward(const ConvolutionShape& s) {
    return {s.C, s.image, s.padding, s.O, s.output, false};
  }
  /// From dy to dx.
  static WinogradStrips input_gradient(const ConvolutionShape& s) {
    return {s.O, s.output, {2 - s.padding.h, 2 - s.padding.w}, s.C, s.image, true};
  }

  /// What run() needs; the threads share the transformed weights.
  ScratchSize scratch() const {
    return {images_ * (in_.size() + out_.size()) + out_.channels +
                (tile_ == 4 ? by_4_.scratch() : by_2_.scratch()),
            tile_ == 4 ? by_4_.weights_size() : by_2_.weights_size()};
  }

  /// From now on run() transforms its weights once, because they stay as they are.
  [[gnu::cold]] void keep_weights() { kept_ = Tensor<T, 1>(Shape{scratch().shared}); }

  /// y = bias + the convolution of x with the weights w of the convolution; `bias` may be null.
  void run(View<const T, 4> x, const T* w, const T* bias, View<T, 4> y, Scratch<T>& scratch,
           int threads) {
    run(
        x.extent(0), w, bias, scratch, threads,
        [&](Index n, Index row, T* strip) {
          in_.read_rows(x[n].data(), {C_, H_, W_}, padding_, row, strip);
        },
        [&](Index n, Index row, Index rows, Index begin, Index end, T* strip) {
          write_planes(strip, row, rows, begin, end, y[n].data());
        });
  }

  /// The same of N images that are not in memory as such: read(n, row, strip) writes a strip of x,
  /// in the layout input(), from this row of the padded image on; write(n, row, rows, begin, end,
  /// strip) gets the outputs [begin, end) of these rows of y, in the layout output().
  template <class Read, class Write>
  void run(Index N, const T* w, const T* bias, Scratch<T>& scratch, int threads, const Read& read,
           const Write& write) {
    if (tile_ == 4)
      run_tiles(by_4_, N, w, bias, scratch, threads, read, write);
    else
      run_tiles(by_2_, N, w, bias, scratch, threads, read, write);
  }
  /// What write() may do: the outputs to the planes of an image y (O, OH, OW).
  void write_planes(const T* strip, Index row, Index rows, Index begin, Index end, T* y) const {
    const Index plane = output_.h * output_.w;
    from_channels_last(strip + begin, out_.row(), out_.channels, end - begin, rows, output_.w,
                       y + begin * plane + row * output_.w, plane);
  }
  /// Of a strip of x.
  const ChannelsLast<T>& input() const { return in_; }
  /// Of a strip of y.
  const ChannelsLast<T>& output() const { return out_; }

 private:
  template <int m, class Read, class Write>
  FOVEA_OUT_OF_LINE void run_tiles(const Winograd<T, m>& winograd, Index N, const T* w,
                                   const T* bias, Scratch<T>& scratch, int threads,
                                   const Read& read, const Write& write) {
    T* const U = kept_.empty() ? scratch.shared() : kept_.data();
    if (!std::exchange(have_weights_, !kept_.empty())) {
      if (flipped_)
        winograd.transform_weights(w + 8, 9, O_ * 9, -1, U, threads);
      else
        winograd.transform_weights(w, C_ * 9, 9, 1, U, threads);
    }
    const Index columns = out_.channels, TH = output_tiles(output_.h);
    const Index x_size = images_ * in_.size(), y_size = images_ * out_.size();
    const Index strips = (TH + rows_ - 1) / rows_;
    const Index blocks = (N + images_ - 1) / images_ * strips;
    // Where there are fewer strips than threads, the outputs are cut into chunks, too.
    const Index vectors = columns / lanes<T>;
    const Index chunks = blocks >= 2 * threads ? 1 : std::min<Index>(vectors, threads);
    parallel_for(threads, blocks * chunks, [&](Index chunk, int thread) {
      const Index block = chunk / chunks;
      const Index n = block / strips * images_, count = std::min(images_, N - n);
      const Index row = block % strips * rows_, rows = std::min(rows_, TH - row);
      const auto [first, last] = chunk_range(vectors, chunks, chunk % chunks);
      const Index begin = first * lanes<T>, end = std::min(last * lanes<T>, O_);
      T* const images = scratch.own(thread);
      T* const out = images + x_size;
      T* const add = out + y_size;  // the bias, in whole vectors
      for (Index o = 0; o < columns; ++o) add[o] = bias && o < O_ ? bias[o] : T{0};
      for (Index k = 0; k < count; ++k) read(n + k, m * row, images + k * in_.size());
      const Index cols = output_tiles(output_.w);
      winograd.run(images, windows_.data(), ((count - 1) * rows_ + rows) * cols, U, begin,
                   last * lanes<T>, add + columns,
                   [&](Index t, Index o, Array<const Vec<T>, m * m>& tile) {
                     T* const to = out + pixels_[static_cast<std::size_t>(t)] + o;
                     const Vec<T> b = load(add + o);
#pragma GCC unroll 4
                     for (int i = 0; i < m; ++i)
#pragma GCC unroll 4
                       for (int j = 0; j < m; ++j)
                         store(to + i * out_.row() + j * columns, tile[i * m + j] + b);
                   });
      for (Index k = 0; k < count; ++k)
        write(n + k, m * row, std::min(m * rows, output_.h - m * row), begin, end,
              out + k * out_.size());
    });
  }

  [[gnu::cold]] WinogradStrips(Index C, Extent2 image, Extent2 padding, Index O, Extent2 output,
                               bool flipped)
      : C_(C),
        H_(image.h),
        W_(image.w),
        O_(O),
        output_(output),
        padding_(padding),
        flipped_(flipped) {
    tile_ = winograd_tile(C, O, output);
    const Extent2 tiles{output_tiles(output.h), output_tiles(output.w)};
    // As many rows of tiles as leave x and y in half of L2, or several small images.
    const Index width = tile_ * tiles.w + 2, columns = whole_vectors<T>(O);
    const Index row = tile_ * width * (C_ + columns) * Index{sizeof(T)};
    rows_ = std::clamp<Index>(l2_share / row, 1, tiles.h);
    images_ = rows_ < tiles.h ? 1 : std::clamp<Index>(128 / (tiles.h * tiles.w), 1, 16);
    in_ = {C_, {tile_ * rows_ + 2, width}, 0};
    out_ = {columns, {tile_ * rows_, tile_ * tiles.w}, 0};
    if (tile_ == 4)
      by_4_ = {C_, O, in_.row()};
    else
      by_2_ = {C_, O, in_.row()};
    windows_ = in_.tile_offsets(0, {rows_, tiles.w}, tile_, images_);
    pixels_ = out_.tile_offsets(0, {rows_, tiles.w}, tile_, images_);
  }

  Index output_tiles(Index outputs) const { return (outputs + tile_ - 1) / tile_; }

  Index C_ = 0, H_ = 0, W_ = 0, O_ = 0;
  Extent2 output_{0}, padding_{0};
  bool flipped_ = false;          // for dx: kernels flipped, inputs and outputs exchanged
  Index tile_ = 2;                // m: rows and columns of a tile of outputs
  Index rows_ = 1, images_ = 1;   // of one block
  ChannelsLast<T> in_{}, out_{};  // of one strip; its padding is among the pixels
  std::vector<std::int32_t> windows_{}, pixels_{};  // of every tile, in x and in y
  Winograd<T, 2> by_2_{};
  Winograd<T, 4> by_4_{};
  Tensor<T, 1> kept_{};        // transformed weights that stay as they are
  bool have_weights_ = false;  // and whether they are there
};

}  // namespace fovea::inline FOVEA_ABI::kernels
