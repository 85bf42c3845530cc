// SPDX-License-Identifier: MIT
//
// Convolution without a column matrix, for any kernel, stride, padding, dilation and groups.
//
// im2col turns a convolution into a matrix product by writing every window of the image as a column:
// row k = (c, kh, kw) of that matrix is channel c, shifted by (kh, kw). But a shifted image need
// not be written down. In a copy of the image with its padding around it, row k begins at
//
//   offset[k] = c * channel + kh * d * pitch + kw * d
//
// and runs on contiguously: position (i, j) of the output reads offset[k] + i * pitch + j. So the
// register tile of a matrix product (tile.hpp) works on the padded image in place, with a table of K
// offsets instead of a matrix of K OH OW numbers. That is why it is fast: the operands of 9 shifts
// are the same numbers in L1. What it costs: the pitch is a little larger than the row, and what
// is computed between rows is thrown away. Wide rows of short sums are done one by one instead, so
// that they go straight to where they belong.
//
//   stride       the copy is cut into s x s phases, in which neighbours of one phase are neighbours in
//                memory: pixel (h, w) stands in plane (h % s, w % s) at (h / s, w / s)
//   forward      y[o] = sum over k of  W[o][k] x[offset[k] + .]
//   dx           the same sweep over the padded dy with the weights turned around, once for each
//                phase of x (each sees its own part of the taps)
//   dW           dW[o][k] = <dy[o], x[offset[k] + .]>: dot products, with zeros between dy's rows
//
// Plain 3 x 3 kernels with several channels go Winograd's way instead (winograd.hpp), forward and dx;
// depthwise ones have a kernel of their own (depthwise.hpp).
//
// Slow twins: the formula itself (tests) and im2col with a product (benchmarks/ladder).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/core/parallel.hpp"
#include "fovea/core/tensor.hpp"
#include "fovea/kernels/channels_last.hpp"
#include "fovea/kernels/depthwise.hpp"
#include "fovea/kernels/padded.hpp"
#include "fovea/kernels/tile.hpp"
#include "fovea/kernels/winograd_strips.hpp"
#include "fovea/kernels/work.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The places that a sweep visits: (i, j) reads first + i * pitch + j.
struct Sweep {
  Index rows, cols, pitch, first;  ///< places; elements from row to row, and to the first place

  /// Whether sums go straight to where they belong, row by row. What lies between rows is left out then, but
  /// the last vector of a row works out again what the one before has: good for wide rows, and for short
  /// sums, which are done sooner than they are copied.
  template <class T>
  bool in_place(Index depth, Index step) const {
    const Index again = whole_vectors<T>(cols) - pitch;
    return step == 1 && cols >= lanes<T> && (pitch == cols || again * depth <= 4 * cols);
  }

  /// Rows whose sums are collected before they are written out: about 2 KB of them.
  Index rows_at_once() const { return std::clamp<Index>(512 / pitch, 1, std::max<Index>(rows, 1)); }
  /// Elements from the first to the last place of that many rows, rounded up to whole vectors.
  template <class T>
  Index length(Index count) const {
    return whole_vectors<T>((count - 1) * pitch + cols);
  }
};

/// Where a sweep writes its sums: plane o begins at y + o * plane, row i of it at i * row from there, and
/// its numbers are `step` apart. bias[o] is added if there is one.
template <class T>
struct SweepOutput {
  T* y;                        ///< the first plane
  Index plane, row, step = 1;  ///< elements from plane to plane, row to row, number to number
  const T* bias = nullptr;     ///< one number for each plane, or none

  /// The same from plane o on.
  SweepOutput from(Index o) const {
    return {y + o * plane, plane, row, step, bias ? bias + o : bias};
  }

  /// Copies `count` sums to row i of plane o.
  FOVEA_OUT_OF_LINE void write(Index o, Index i, Index count, const T* sums) const {
    T* const to = y + o * plane + i * row;
    if (step == 1)
      std::copy_n(sums, count, to);
    else
      for (Index j = 0; j < count; ++j) to[j * step] = sums[j];
  }
};

namespace detail {

// R rows of sums for V vectors of places from x on, row i to to[i] + p.
template <int R, int V, class T>
FOVEA_KERNEL void sweep_tile(const std::int32_t* offsets, Index depth, Array<const T* const, R>& w,
                             const Array<T, R>& bias, const T* x, Array<T* const, R>& to, Index p) {
  multiply_tile<T, R, V>(
      depth, w, [](Index k) { return k; },
      [=](Index k, int v) { return x + offsets[k] + v * lanes<T>; },
      [&](const auto& sum) {
#pragma GCC unroll 8
        for (int i = 0; i < R; ++i)
#pragma GCC unroll 8
          for (int v = 0; v < V; ++v) store(to[i] + p + v * lanes<T>, sum[i][v] + bias[i]);
      });
}

// Up to R rows of sums for the rows [begin, end) of places.
template <int R, class T>
void sweep_rows(const Sweep& at, Index begin, Index end, const std::int32_t* offsets, Index depth,
                const T* w, Index rows, const T* x, T* sums, const SweepOutput<T>& y) {
  const bool in_place = at.in_place<T>(depth, y.step);
  const Index at_once = at.rows_at_once(), stride = at.length<T>(at_once);
  Array<const T*, R> from;
  Array<T, R> bias;
  Array<T*, R> to;
  for (Index i = 0; i < R; ++i) {
    const Index row = std::min(i, rows - 1);  // beyond the last one, the last one again
    from[i] = w + row * depth;
    bias[i] = y.bias ? y.bias[row] : T{0};
    to[i] = in_place ? y.y + row * y.plane : sums + i * stride;
  }
  // Rows without anything between them are one row.
  const bool as_one = at.pitch == at.cols && y.row == at.cols;
  const Index step = !in_place ? at_once : as_one ? end - begin : 1;
  for (Index first = begin; first < end; first += step) {
    const Index count = std::min(step, end - first);
    const Index length = in_place ? (count - 1) * at.pitch + at.cols : at.length<T>(count);
    const Index place = in_place ? first * y.row : 0;
    const T* const start = x + at.first + first * at.pitch;
    Index p = 0;
    const auto tiles = [&]<int V>() {
      for (; p + V * lanes<T> <= length; p += V * lanes<T>)
        sweep_tile<R, V>(offsets, depth, from, bias, start + p, to, place + p);
    };
    // A single row leaves registers free.
    tiles.template operator()<R == 1 ? 8 : 3>();
    if constexpr (R > 1) tiles.template operator()<2>();
    // The last vector begins early if it has to.
    for (; p < length; p += lanes<T>) {
      const Index last = std::min(p, length - lanes<T>);
      sweep_tile<R, 1>(offsets, depth, from, bias, start + last, to, place + last);
    }
    if (in_place) continue;
    for (Index i = 0; i < rows; ++i)
      for (Index row = 0; row < count; ++row)
        y.write(i, first + row, at.cols, to[i] + row * at.pitch);
  }
}

}  // namespace detail

/// For every row o of w (rows, depth) and every place: sum over k of w[o][k] x[offsets[k] + place], to
/// y. `sums` is scratch. Of an x that is larger than half of L2 a part that fits meets all of w before
/// the next part does.
template <class T>
void sweep(const Sweep& at, const std::int32_t* offsets, Index depth, const T* w, Index rows,
           const T* x, T* sums, const SweepOutput<T>& y) {
  if (at.rows <= 0 || at.cols <= 0) return;
  // The last channel lies last, so this is about the size of x. A phase of dx may be nobody's: no taps.
  const Index size = (depth > 0 ? offsets[depth - 1] : 0) + at.rows * at.pitch;
  const Index parts = std::min(at.rows, size * Index{sizeof(T)} / l2_share + 1);
  for (Index part = 0; part < parts; ++part) {
    const auto [begin, end] = piece_of(at.rows, parts, part);
    for (Index o = 0; o < rows; o += tile_rows) {
      const Index count = std::min<Index>(tile_rows, rows - o);
      const auto run = count == 1 ? detail::sweep_rows<1, T> : detail::sweep_rows<tile_rows, T>;
      run(at, begin, end, offsets, depth, w + o * depth, count, x, sums, y.from(o));
    }
  }
}

/// Calls body(n, group, first row, rows, thread). Where there are fewer images than threads, images
/// are cut, by groups or by rows; that changes who computes a number, never how.
template <class Body>
void for_slices(Index N, Index groups, Index rows, Work work_per_row, int threads, Body&& body) {
  if (work_per_row * N * groups * rows < small_work) threads = 1;
  const Index tiles = (rows + tile_rows - 1) / tile_rows;
  const Index wanted = N >= 2 * threads || threads == 1 ? 1 : (2 * threads + N - 1) / N;
  const Index group_slices = std::min(groups, wanted);
  const Index row_slices = std::min(tiles, (wanted + group_slices - 1) / group_slices);
  const Index slices = group_slices * row_slices;
  parallel_for(threads, N * slices, [&](Index piece, int thread) {
    const Index n = piece / slices, slice = piece % slices;
    const auto [g0, g1] = piece_of(groups, group_slices, slice / row_slices);
    const auto [t0, t1] = piece_of(tiles, row_slices, slice % row_slices);
    const Index first = t0 * tile_rows, last = std::min<Index>(t1 * tile_rows, rows);
    for (Index g = g0; g < g1; ++g) body(n, g, first, last - first, thread);
  });
}

/// Into how many parts a batch is cut for sums of `size` numbers over it: a function of shapes alone.
/// One at least, for the sums over no image are 0.
inline Index batch_parts(Index N, Index size) {
  return std::clamp<Index>(N, 1, size > 65536 ? 4 : 16);
}

/// From the sums of one part of a batch to those of the next: they begin at a cache line.
inline Index part_stride(Index dw, Index db) { return (dw + db + 15) / 16 * 16; }

/// dw and db as sums over the batch, which is cut into parts, however many threads there are:
/// body(first, last, dw, db, thread) adds those of images [first, last). `sums` is scratch for all parts.
/// They are added in their order, so the number of threads cannot change a bit.
template <class T, class Body>
void sum_over_parts(Index N, Work work, View<T, 4> dw, View<T, 1> db, T* sums, int threads,
                    Body&& body) {
  const Index parts = batch_parts(N, dw.size()), size = dw.size() + db.size();
  const Index stride = part_stride(dw.size(), db.size());
  parallel_for(work < small_work ? 1 : threads, parts, [&](Index part, int thread) {
    T* const own = sums + part * stride;
    const auto [first, last] = piece_of(N, parts, part);
    std::fill_n(own, size, T{0});
    body(first, last, own, db.empty() ? nullptr : own + dw.size(), thread);
  });
  sum_parts(threads, sums, parts, stride, dw.data(), dw.size());
  sum_parts(threads, sums + dw.size(), parts, stride, db.data(), db.size());
}

/// One convolution's tables, made once: x (N, C, H, W), w (O, C/g, KH, KW), y (N, O, OH, OW).
template <class T>
class Convolution {
 public:
  Convolution() = default;

  /// For x of at most this shape, a window that fits into it, and groups that divide channels and outputs.
  /// Throws when a padded image has 2^31 elements or more.
  [[gnu::cold]] Convolution(Shape<4> x, Index outputs, Window window, Index groups)
      : x_(x),
        outputs_(outputs),
        window_(window),
        H_(x[2]),
        W_(x[3]),
        groups_(groups),
        C_(x[1] / groups),
        O_(outputs / groups) {
    const auto [OH, OW] = window.output(H_, W_);
    // A stride that leads out of the padded image is as good as one that just does, and makes fewer phases.
    window.stride = {std::min(window.stride.h, H_ + 2 * window.padding.h),
                     std::min(window.stride.w, W_ + 2 * window.padding.w)};
    const auto [kernel, stride, padding, dilation] = window;
    const Extent2 reach{(kernel.h - 1) * dilation.h, (kernel.w - 1) * dilation.w};
    kernel_ = kernel;
    in_ = {stride, padding, {OH + reach.h / stride.h, OW + reach.w / stride.w}};
    forward_ = {OH, OW, in_.extent.w, 0};
    check(offsets_reach({stride.h, stride.w, in_.extent.h, in_.extent.w, C_}) &&
              in_.size() * C_ < largest_offset,
          "convolution: an image of ", x, " with a padding of ", padding, " is too large");
    check(stride.h * stride.w <= most_phases, "convolution: a stride of ", stride,
          " is too large for this image");
    for (Index c = 0; c < C_; ++c)
      for (Index kh = 0; kh < kernel.h; ++kh)
        for (Index kw = 0; kw < kernel.w; ++kw)
          offsets_.push_back(static_cast<std::int32_t>(
              c * in_.size() + in_.place(kh * dilation.h, kw * dilation.w)));
    K_ = static_cast<Index>(offsets_.size());
    plan_input_gradient(window);
    depthwise_ = C_ == 1 && O_ == 1 && kernel == Extent2{3} && stride == Extent2{1} &&
                 dilation == Extent2{1} && std::min(OW, W_) >= lanes<T>;
    image_size_ = whole_vectors<T>(C_ * in_.size() + in_.extent.w + lanes<T>);
    gradient_pitch_ = depthwise_ ? whole_vectors<T>(OW) : forward_.pitch;
    flat_ = whole_vectors<T>((OH + (depthwise_ ? 4 : 0)) * gradient_pitch_);
    by_winograd_ = Winograd<T>::suits(window, groups, C_, O_) && padding.h <= 2 && padding.w <= 2;
    if (!by_winograd_) return;
    winograd_ = {x, outputs, padding, {OH, OW}};
    winograd_back_ = {{x[0], O_, OH, OW}, C_, {2 - padding.h, 2 - padding.w}, {H_, W_}};
  }

  /// Throws unless it was made for this, the size of the batch aside.
  void validate(const Shape<4>& x, Index outputs, const Window& window, Index groups) const {
    check(x == x_.with_batch(x[0]) && outputs == outputs_ && groups == groups_ && window == window_,
          "convolution: expected a Pass for x ", x, ", ", outputs, " outputs, ", groups,
          " groups and a kernel of ", window.kernel, ", got one for x ", x_, ", ", outputs_, ", ",
          groups_, " and ", window_.kernel, " or other strides");
  }

  /// Whether forward and dx go Winograd's way.
  bool by_winograd() const { return by_winograd_; }

  /// The largest of what is needed: forward, and on the way back, there also for dW.
  ScratchSize scratch(bool backward, bool dw) const {
    ScratchSize size = forward_scratch();
    if (backward) size = size.covering(input_gradient_scratch());
    if (backward && dw) size = size.covering(parameter_gradients_scratch(x_[0]));
    return size;
  }
  /// What forward() needs.
  ScratchSize forward_scratch() const {
    return by_winograd_ ? winograd_.scratch() : ScratchSize{image_size() + forward_sums(), 0};
  }
  /// What input_gradient() needs.
  ScratchSize input_gradient_scratch() const {
    return by_winograd_ ? winograd_back_.scratch()
                        : ScratchSize{gradient_size() + gradient_sums(), weights_size()};
  }
  /// What parameter_gradients() needs for a batch of N.
  ScratchSize parameter_gradients_scratch(Index N) const {
    return {images_at_once() * (image_size() + O_ * flat()) + 4 * lanes<T>,
            batch_parts(N, weights_size()) * part_stride(weights_size(), groups_ * O_)};
  }

  /// y[o] = bias[o] + sum over k of W[o][k] x[offset[k] + .]; `bias` may be null.
  FOVEA_OUT_OF_LINE void forward(View<const T, 4> x, const T* w, const T* bias, View<T, 4> y,
                                 Scratch<T>& scratch, int threads) const {
    threads = scratch.provide(threads, forward_scratch());
    if (by_winograd_) {
      winograd_.winograd().transform_weights(w, C_ * 9, 9, 1, scratch.shared(), threads);
      return winograd_.run(x, bias, y, scratch, threads);
    }
    const Index N = x.extent(0), plane = forward_.rows * forward_.cols;
    for_slices(N, groups_, O_, Work{K_} * plane, threads,
               [&](Index n, Index g, Index o, Index count, int thread) {
                 T* const image = scratch.own(thread);
                 pad_image(x.data() + (n * groups_ + g) * C_ * H_ * W_, image);
                 const Index first = g * O_ + o;
                 forward_image(image, w + first * K_, bias ? bias + first : nullptr, count,
                               y.data() + (n * groups_ * O_ + first) * plane, image + image_size());
               });
  }

  /// dW[o][k] = sum over n of <dy[n,o], x[n][offset[k] + .]>,   db[o] = sum of dy[n,o].
  FOVEA_OUT_OF_LINE void parameter_gradients(View<const T, 4> x, View<const T, 4> dy, View<T, 4> dw,
                                             View<T, 1> db, Scratch<T>& scratch,
                                             int threads) const {
    const Index N = x.extent(0);
    threads = scratch.provide(threads, parameter_gradients_scratch(N));
    sum_over_parts(N, Work{N} * dw.size() * flat(), dw, db, scratch.shared(), threads,
                   [&](Index first, Index last, T* sums, T* bias, int thread) {
                     add_gradients(x, dy, first, last, sums, bias, scratch.own(thread));
                   });
  }

  /// dx[n,c] = the sum, over every o and tap, of what y took from it.
  FOVEA_OUT_OF_LINE void input_gradient(View<const T, 4> dy, const T* w, View<T, 4> dx,
                                        Scratch<T>& scratch, int threads) const {
    threads = scratch.provide(threads, input_gradient_scratch());
    T* const turned = scratch.shared();
    if (by_winograd_) {
      // A convolution of dy with the kernels turned by half a circle, inputs and outputs exchanged.
      winograd_back_.winograd().transform_weights(w + 8, 9, C_ * 9, -1, turned, threads);
      return winograd_back_.run(dy, nullptr, dx, scratch, threads);
    }
    const Index N = dx.extent(0);
    turn_weights(w, turned);
    for_slices(N, groups_, C_, Work{O_} * kernel_.h * kernel_.w * H_ * W_, threads,
               [&](Index n, Index g, Index c, Index count, int thread) {
                 T* const padded = scratch.own(thread);
                 pad_gradient(dy, n, g, padded);
                 const Index first = g * C_ + c;
                 input_gradient_image(padded, turned, first, count,
                                      dx.data() + (n * groups_ * C_ + first) * H_ * W_,
                                      padded + gradient_size());
               });
  }

  // The steps of the above, for who wants to time them without the copies around them.

  /// Scratch for the sums of one image, forward and on the way back.
  Index forward_sums() const { return sums_size(forward_); }
  /// The same on the way back.
  Index gradient_sums() const {
    Index sums = 0;
    for (const Phase& phase : phases_) sums = std::max(sums, sums_size(phase.sweep));
    return sums;
  }

  /// The gradients of one group's outputs, padded for the way back.
  Index gradient_size() const { return O_ * out_.size() + out_.extent.w + 4 * lanes<T>; }
  /// Writes them from dy (n, g).
  void pad_gradient(View<const T, 4> dy, Index n, Index g, T* padded) const {
    const Index pitch = out_.extent.w, above = out_.before.h * pitch + out_.before.w;
    for (Index o = 0; o < O_; ++o, padded += out_.size()) {
      std::fill_n(padded, above, T{0});
      spread_plane(dy[n][g * O_ + o].data(), forward_.rows, forward_.cols, padded + above, pitch);
      std::fill(padded + out_.before.h * pitch + forward_.rows * pitch, padded + out_.size(), T{0});
    }
  }

  /// The padded channels of one group, and what the last vector reads beyond them.
  Index image_size() const { return image_size_; }
  /// Images whose dot products are taken together: small ones cannot pay for adding up the lanes.
  Index images_at_once() const { return std::clamp<Index>(1024 / flat(), 1, 8); }

  /// From row to row of a plane of dy while dW is summed, and the whole plane.
  Index gradient_pitch() const { return gradient_pitch_; }
  /// Elements of that plane, in whole vectors.
  Index flat() const { return flat_; }
  /// Writes the plane of dy of image n, output o, with zeros between the rows.
  void spread_gradient(View<const T, 4> dy, Index n, Index o, T* to) const {
    const Index above = depthwise_ ? 2 * gradient_pitch() : 0;
    std::fill_n(to, above, T{0});
    spread_plane(dy[n][o].data(), forward_.rows, forward_.cols, to + above, gradient_pitch());
    std::fill(to + above + forward_.rows * gradient_pitch(), to + flat(), T{0});
  }

  /// The channels of one group, padded.
  void pad_image(const T* x, T* image) const {
    const T* const end = x + C_ * H_ * W_;
    for (Index c = 0; c < C_; ++c)
      in_.copy(x + c * H_ * W_, H_, W_, x, end, image + c * in_.size());
    std::fill_n(image + C_ * in_.size(), image_size() - C_ * in_.size(), T{0});
  }

  /// y of one group of one padded image, `count` outputs; `sums` is scratch.
  void forward_image(const T* image, const T* w, const T* bias, Index count, T* y, T* sums) const {
    const Index OH = forward_.rows, OW = forward_.cols;
    if (depthwise_)
      return kernels::depthwise(image, in_.extent.w, w, bias ? *bias : T{0}, OH, OW, y);
    sweep(forward_, offsets_.data(), K_, w, count, image, sums,
          {.y = y, .plane = OH * OW, .row = OW, .bias = bias});
  }

 private:
  // One phase of dx: the pixels first + (i, j) s, from y's `nearest` + (i, j) and those before it.
  struct Phase {
    Sweep sweep{};
    Extent2 first{0}, nearest{0};
    Index taps = 0;  // of the kernel, how many
  };

  Index weights_size() const { return groups_ * O_ * K_; }
  static Index sums_size(const Sweep& at) { return tile_rows * at.length<T>(at.rows_at_once()); }

  // dw and db += those of the images [first, last).
  void add_gradients(View<const T, 4> x, View<const T, 4> dy, Index first, Index last, T* dw, T* db,
                     T* scratch) const {
    const Index images = images_at_once();
    T* const gradients = scratch + images * image_size();
    for (Index n = first; n < last; n += images) {
      const Index count = std::min(images, last - n);
      for (Index g = 0; g < groups_; ++g) {
        for (Index m = 0; m < count; ++m) {
          pad_image(x[n + m].data() + g * C_ * H_ * W_, scratch + m * image_size());
          for (Index o = 0; o < O_; ++o) {
            T* const to = gradients + (m * O_ + o) * flat();
            spread_gradient(dy, n + m, g * O_ + o, to);
            if (db) db[g * O_ + o] += sum_of(to, flat());
          }
        }
        add_products(count, scratch, gradients, dw + g * O_ * K_);
      }
    }
  }

 public:
  /// dw[o][k] += sum over m of <gradients[m][o], images[m][offset[k] + .]>.
  void add_products(Index count, const T* images, const T* gradients, T* dw) const {
    if (depthwise_) {
      for (Index m = 0; m < count; ++m)
        depthwise_gradient(images + m * image_size(), in_.extent.w, gradients + m * flat(),
                           gradient_pitch(), forward_.rows, dw);
      return;
    }
    // Of a row; tile_rows of them stay in L1.
    const Index block = O_ == 1 ? flat() : 4096 / Index{sizeof(T)};
    for (Index p = 0; p < flat(); p += block) {
      const Index length = std::min(block, flat() - p);
      if (O_ == 1)
        dot_rows<1, 9>(count, length, images + p, gradients + p, 1, dw);
      else
        for (Index o = 0; o < O_; o += tile_rows)
          dot_rows<tile_rows, tile_vectors>(count, length, images + p, gradients + o * flat() + p,
                                            std::min<Index>(tile_rows, O_ - o), dw + o * K_);
    }
  }

 private:
  template <int R, int V>
  void dot_rows(Index count, Index length, const T* images, const T* gradients, Index rows,
                T* dw) const {
    Array<const T*, R> left;
    for (Index i = 0; i < R; ++i) left[i] = gradients + std::min(i, rows - 1) * flat();
    for (Index k = 0; k < K_; k += V) dots<R, V>(count, length, images, left, rows, k, dw);
  }

  // Beyond the last row and the last k are those again, which nobody reads.
  template <int R, int V>
  FOVEA_KERNEL void dots(Index count, Index length, const T* images, Array<const T* const, R>& left,
                         Index rows, Index k, T* dw) const {
    Array<const T*, V> right;
    for (Index v = 0; v < V; ++v)
      right[v] = images + offsets_[static_cast<std::size_t>(std::min(k + v, K_ - 1))];
    Array<Array<T, R>, V> sums;
    dot_tile<T, R, V>(count, length, left, O_ * flat(), right, image_size(), sums);
    const Index taps = std::min<Index>(V, K_ - k);
    for (Index i = 0; i < rows; ++i, dw += K_)
#pragma GCC unroll 1
      for (Index v = 0; v < taps; ++v) dw[k + v] += sums[v][i];
  }

  // x[h] is read by y[oh] with tap kh when h + p = oh s + kh d. With h + p = q s + a, the taps of
  // phase a are those with kh d % s = a, and oh = q - kh d / s.
  [[gnu::cold]] void plan_input_gradient(const Window& window) {
    const auto [kernel, stride, padding, dilation] = window;
    Extent2 before{0}, beyond{forward_.rows, forward_.cols};
    for (Index a = 0; a < stride.h; ++a)
      for (Index b = 0; b < stride.w; ++b) {
        Phase phase;
        const Extent2 first =
            phase.first = {modulo(a - padding.h, stride.h), modulo(b - padding.w, stride.w)};
        const Extent2 q = phase.nearest = {(first.h + padding.h - a) / stride.h,
                                           (first.w + padding.w - b) / stride.w};
        for (Index kh = 0; kh < kernel.h; ++kh) {
          if (kh * dilation.h % stride.h != a) continue;
          for (Index kw = 0; kw < kernel.w; ++kw) {
            if (kw * dilation.w % stride.w != b) continue;
            taps_.push_back(static_cast<std::int32_t>(kh * kernel.w + kw));
            phase.taps += 1;
            before.h = std::max(before.h, kh * dilation.h / stride.h - q.h);
            before.w = std::max(before.w, kw * dilation.w / stride.w - q.w);
          }
        }
        phase.sweep.rows = first.h < H_ ? (H_ - 1 - first.h) / stride.h + 1 : 0;
        phase.sweep.cols = first.w < W_ ? (W_ - 1 - first.w) / stride.w + 1 : 0;
        beyond.h = std::max(beyond.h, q.h + phase.sweep.rows);
        beyond.w = std::max(beyond.w, q.w + phase.sweep.cols);
        phases_.push_back(phase);
      }
    out_ = {1, before, {before.h + beyond.h, before.w + beyond.w}};
    check(offsets_reach({out_.extent.h, out_.extent.w, O_}), "convolution: a gradient of ", O_,
          " planes of ", out_.extent, " is too large");
    const std::int32_t* tap = taps_.data();
    for (Phase& phase : phases_) {
      phase.sweep.pitch = out_.extent.w;
      phase.sweep.first = out_.place(phase.nearest.h + before.h, phase.nearest.w + before.w);
      for (Index o = 0; o < O_; ++o)
        for (Index t = 0; t < phase.taps; ++t) {
          const Index dh = tap[t] / kernel.w * dilation.h / stride.h;
          const Index dw = tap[t] % kernel.w * dilation.w / stride.w;
          back_offsets_.push_back(static_cast<std::int32_t>(o * out_.size() - out_.place(dh, dw)));
        }
      tap += phase.taps;
    }
  }

  static Index modulo(Index value, Index s) { return (value % s + s) % s; }

 public:
  /// For every phase the matrix (groups C, O taps) that its sweep multiplies with.
  void turn_weights(const T* w, T* turned) const {
    const Index area = kernel_.h * kernel_.w;
    const std::int32_t* tap = taps_.data();
    for (const Phase& phase : phases_) {
      for (Index g = 0; g < groups_; ++g)
        for (Index c = 0; c < C_; ++c)
          for (Index o = 0; o < O_; ++o)
            for (Index t = 0; t < phase.taps; ++t)
              *turned++ = w[((g * O_ + o) * C_ + c) * area + tap[t]];
      tap += phase.taps;
    }
  }

  /// dx of `count` channels of one image from the padded gradient; `first` counts over all groups.
  void input_gradient_image(const T* padded, const T* turned, Index first, Index count, T* dx,
                            T* sums) const {
    if (depthwise_) {
      // The same with the kernel turned by half a circle, from two rows and columns before the first.
      const Sweep& at = phases_[0].sweep;
      T w[9];
      std::reverse_copy(turned + first * 9, turned + first * 9 + 9, w);
      return kernels::depthwise(padded + at.first - 2 * at.pitch - 2, at.pitch, w, T{0}, H_, W_,
                                dx);
    }
    const std::int32_t* offsets = back_offsets_.data();
    for (const Phase& phase : phases_) {
      const Index depth = O_ * phase.taps;
      sweep(phase.sweep, offsets, depth, turned + first * depth, count, padded, sums,
            {.y = dx + phase.first.h * W_ + phase.first.w,
             .plane = H_ * W_,
             .row = in_.phases.h * W_,
             .step = in_.phases.w});
      offsets += depth;
      turned += groups_ * C_ * depth;
    }
  }

 private:
  static constexpr Index most_phases = 1 << 20;  // of a stride

  Shape<4> x_{};  // what it was made for
  Index outputs_ = 0;
  Window window_{};
  Index H_ = 0, W_ = 0, groups_ = 1, C_ = 0, O_ = 0, K_ = 0;
  Index image_size_ = 0, gradient_pitch_ = 0, flat_ = 0;  // see the functions of these names
  Extent2 kernel_{1};
  PaddedChannel in_{}, out_{};  // of x, and of dy on the way back
  Sweep forward_{};
  std::vector<std::int32_t> offsets_{};                // of the K rows of im2col
  std::vector<std::int32_t> taps_{}, back_offsets_{};  // kh KW + kw, and the same for dx, by phases
  std::vector<Phase> phases_{};
  bool by_winograd_ = false, depthwise_ = false;
  WinogradStrips<T> winograd_{}, winograd_back_{};
};

}  // namespace fovea::inline FOVEA_ABI::kernels
