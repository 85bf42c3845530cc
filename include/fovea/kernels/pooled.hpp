// SPDX-License-Identifier: MIT
//
// A convolution with ReLU and 2 x 2 max-pooling on top, summed directly: for first layers, whose few
// channels give Winograd nothing to save, for large kernels, strides and groups.
//
// The lanes of a vector are neighbouring windows of the pooling. Position e = 0 .. 3 of a window is
// row a = e / 2, column b = e % 2, and tap (kh, kw) of it reads pixel
//
//   ((2 i + a) s + kh d,  (2 j + b) s + kw d)        for window (i, j)
//
// In a copy of the image that is cut into 2s x 2s phases (padded.hpp) that is one place
// offset[k][e], and window (i, j) stands i * pitch + j behind it. So
//
//   forward     four sums, one for each position, stay in registers until the largest is found
//   dW[o][k]    = sum over e and windows of  [winner = e] dy  x[offset[k][e] + .]
//
// Why it is fast: nothing between convolution and pooling is ever written to memory, on the way back
// the gradient of a window is spread to its four positions in registers too, and no lane is shuffled.
// Slow twin: the layers one by one (Keep::all).
#pragma once

#include "fovea/kernels/convolution.hpp"
#include "fovea/kernels/max_pool_tile.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The tables of one such block, made once: x (N, C, H, W), w (O, C/g, KH, KW), y (N, O, OH/2, OW/2).
template <class T>
class PooledConvolution {
 public:
  PooledConvolution() = default;

  /// For x of at most this shape; the pooling windows are 2 x 2.
  [[gnu::cold]] PooledConvolution(Shape<4> x, Index outputs, const Window& window, Index groups)
      : H_(x[2]), W_(x[3]), groups_(groups), C_(x[1] / groups), O_(outputs / groups) {
    const auto [kernel, stride, padding, dilation] = window;
    const auto [OH, OW] = window.output(H_, W_);
    rows_ = OH / 2, cols_ = OW / 2;
    const Extent2 step{2 * stride.h, 2 * stride.w};
    const Extent2 reach{(kernel.h - 1) * dilation.h + stride.h,
                        (kernel.w - 1) * dilation.w + stride.w};
    in_ = {step, padding, {rows_ + reach.h / step.h, cols_ + reach.w / step.w}};
    check(in_.size() * C_ < INT32_MAX, "convolution: an image of ", x, " is too large");
    for (Index c = 0; c < C_; ++c)
      for (Index kh = 0; kh < kernel.h; ++kh)
        for (Index kw = 0; kw < kernel.w; ++kw)
          for (Index e = 0; e < 4; ++e)
            offsets_.push_back(static_cast<std::int32_t>(
                c * in_.size() +
                in_.place(e / 2 * stride.h + kh * dilation.h, e % 2 * stride.w + kw * dilation.w)));
    K_ = C_ * kernel.h * kernel.w;
    three_by_three_ = kernel == Extent2{3} && stride == Extent2{1} && dilation == Extent2{1};
  }

  /// y = max-pool(ReLU(w * x + bias)), and which of four positions won; `bias` and `winner` may be null.
  void forward(View<const T, 4> x, const T* w, const T* bias, View<T, 4> y, std::uint8_t* winner,
               Tensor<T, 2>& scratch, int threads) const {
    const Index plane = rows_ * cols_;
    reserve(scratch, threads, image_size());
    for_slices(x.extent(0), groups_, O_, 4 * K_ * plane, threads,
               [&](Index n, Index g, Index o, Index count, int thread) {
                 T* const image = scratch[thread].data();
                 pad(x, n, g, image);
                 for (Index i = 0; i < count; i += at_once) {
                   const Index first = g * O_ + o + i, at = (n * groups_ * O_ + first) * plane;
                   forward_planes(image, w + first * K_, bias ? bias + first : nullptr,
                                  std::min<Index>(at_once, count - i), y.data() + at,
                                  winner ? winner + at : nullptr);
                 }
               });
  }

  /// dW and db; `winner` is what forward found.
  void parameter_gradients(View<const T, 4> x, View<const T, 4> dy, const std::uint8_t* winner,
                           View<T, 4> dw, View<T, 1> db, Tensor<T, 2>& scratch,
                           Tensor<T, 2>& partial, int threads) const {
    const Index N = x.extent(0), plane = rows_ * cols_;
    sum_over_parts(
        N, N * dw.size() * plane, dw, db, partial, threads,
        [&](Index first, Index last, T* sums, T* bias, int thread) {
          T* const images = scratch[thread].data();
          for (Index g = 0; g < groups_; ++g) {
            for (Index n = first; n < last; ++n) pad(x, n, g, images + (n - first) * image_size());
            for (Index o = g * O_; o < (g + 1) * O_; o += together)
              add_gradients(images, first, last, dy, winner, o,
                            std::min<Index>(together, (g + 1) * O_ - o), sums + o * K_,
                            bias ? bias + o : nullptr);
          }
        },
        [&](Index largest) { reserve(scratch, threads, largest * image_size()); });
  }

 private:
  // Outputs that are summed together forward: four vectors of sums each.
  static constexpr int at_once = tile_rows / 2;
  // Outputs and taps whose products with x are summed together for dW.
  static constexpr int together = tile_rows / 4, taps = 9;

  Index image_size() const {
    return (C_ * in_.size() + in_.extent.w + 2 * lanes<T> - 1) / lanes<T> * lanes<T>;
  }

  void pad(View<const T, 4> x, Index n, Index g, T* image) const {
    for (Index c = 0; c < C_; ++c)
      in_.copy(x.data() + ((n * groups_ + g) * C_ + c) * H_ * W_, H_, W_, x.begin(), x.end(),
               image + c * in_.size());
    std::fill_n(image + C_ * in_.size(), image_size() - C_ * in_.size(), T{0});
  }

  FOVEA_KERNEL void forward_planes(const T* image, const T* w, const T* bias, Index count, T* y,
                                   std::uint8_t* winner) const {
    const T* from[at_once];
    T add[at_once];
    for (Index o = 0; o < at_once; ++o) {
      from[o] = w + std::min(o, count - 1) * K_;
      add[o] = bias ? bias[std::min(o, count - 1)] : T{0};
    }
    const std::int32_t* const offsets = offsets_.data();
    const Index plane = rows_ * cols_;
    for (Index i = 0; i < rows_; ++i)
      for (Index j = 0; j < cols_; j += lanes<T>) {
        const T* const x = image + i * in_.extent.w + j;
        const Index at = i * cols_ + j;
        multiply_tile<T, at_once, 4>(
            K_, from, 1, [=](Index k, int e) { return x + offsets[4 * k + e]; },
            [&](const auto& sum) {
#pragma GCC unroll 4
              for (int o = 0; o < at_once; ++o) {
                if (o >= count) break;
                const auto pooled = max_pool_tile<T>(sum[o], Vec<T>{} + add[o]);
                // What is too much of a vector, the next row overwrites.
                const bool whole = plane - at >= lanes<T>;
                const auto left = static_cast<std::size_t>(plane - at);
                T* const to = y + o * plane + at;
                if (whole)
                  store(to, pooled.y);
                else
                  std::memcpy(to, &pooled.y, left * sizeof(T));
                if (!winner) continue;  // nobody will go back
                std::uint8_t* const who = winner + o * plane + at;
                if (whole)
                  std::memcpy(who, &pooled.winner, sizeof pooled.winner);
                else
                  std::memcpy(who, &pooled.winner, left);
              }
            });
      }
  }

  // For outputs o, o + 1, ...: sums[o][k] += sum over the images' windows of dy x, db += that of dy.
  void add_gradients(const T* images, Index first, Index last, View<const T, 4> dy,
                     const std::uint8_t* winner, Index o, Index count, T* dw, T* db) const {
    if (three_by_three_) {
      for (Index r = 0; r < count; ++r)
        for (Index c = 0; c < C_; ++c)
          add_three_by_three(images, first, last, dy, winner, o + r, c, dw + r * K_ + 9 * c,
                             db && c == 0 ? db + r : nullptr);
      return;
    }
    for (Index k = 0; k < K_; k += taps)
      add_taps(images, first, last, dy, winner, o, count, k, dw, k == 0 ? db : nullptr);
  }

  // The windows of a 3 x 3 kernel at all four positions lie in a patch of 4 x 4: 16 loads for 36
  // multiply-adds.
  FOVEA_KERNEL void add_three_by_three(const T* images, Index first, Index last,
                                       View<const T, 4> dy, const std::uint8_t* winner, Index o,
                                       Index c, T* dw, T* db) const {
    const Index pitch = in_.extent.w, plane = in_.plane(), H = rows_, W = cols_;
    const Index image = image_size(), size = dy.size();
    const T* const gradients = dy.data();
    Vec<T> sum[9] = {}, bias = {};
    for (Index n = first; n < last; ++n)
      for (Index i = 0; i < H; ++i)
        for (Index j = 0; j < W; j += lanes<T>) {
          const T* const x = images + (n - first) * image + c * 4 * plane + i * pitch + j;
          const Index at = ((n * groups_ * O_ + o) * H + i) * W + j;
          const WindowGradients<T> g(gradients + at, winner + at, size - at, W - j);
          bias += g.sum();
          Vec<T> patch[16];
#pragma GCC unroll 4
          for (int u = 0; u < 4; ++u)
#pragma GCC unroll 4
            for (int v = 0; v < 4; ++v)
              patch[4 * u + v] =
                  in_register<T>(load(x + (u % 2 * 2 + v % 2) * plane + u / 2 * pitch + v / 2));
#pragma GCC unroll 4
          for (int e = 0; e < 4; ++e) {
            const Vec<T> at_e = g.at(e);
#pragma GCC unroll 9
            for (int tap = 0; tap < 9; ++tap)
              sum[tap] += at_e * patch[4 * (e / 2 + tap / 3) + e % 2 + tap % 3];
          }
        }
    T parts[lanes<T>];
#pragma GCC unroll 9
    for (int tap = 0; tap < 9; ++tap) {
      store(parts, sum[tap]);
      dw[tap] += sum_of(parts, lanes<T>);
    }
    store(parts, bias);
    if (db) *db += sum_of(parts, lanes<T>);
  }

  FOVEA_KERNEL void add_taps(const T* images, Index first, Index last, View<const T, 4> dy,
                             const std::uint8_t* winner, Index o, Index count, Index k, T* dw,
                             T* db) const {
    std::int32_t offset[4][taps];
    for (Index tap = 0; tap < taps; ++tap)
      for (Index e = 0; e < 4; ++e)
        offset[e][tap] = offsets_[static_cast<std::size_t>(4 * std::min(k + tap, K_ - 1) + e)];
    Vec<T> sum[taps][together] = {}, bias[together] = {};
    for (Index n = first; n < last; ++n) {
      const T* const image = images + (n - first) * image_size();
      for (Index i = 0; i < rows_; ++i)
        for (Index j = 0; j < cols_; j += lanes<T>) {
          const T* const x = image + i * in_.extent.w + j;
          WindowGradients<T> g[together];
#pragma GCC unroll 2
          for (Index r = 0; r < together; ++r) {
            const Index at =
                ((n * groups_ * O_ + o + std::min(r, count - 1)) * rows_ + i) * cols_ + j;
            g[r] = {dy.data() + at, winner + at, dy.size() - at, cols_ - j};
            bias[r] += g[r].sum();
          }
          for (int e = 0; e < 4; ++e) {
            Vec<T> at_e[together];
#pragma GCC unroll 2
            for (int r = 0; r < together; ++r) at_e[r] = g[r].at(e);
#pragma GCC unroll 9
            for (int tap = 0; tap < taps; ++tap) {
              const Vec<T> pixels = load(x + offset[e][tap]);
#pragma GCC unroll 2
              for (int r = 0; r < together; ++r) sum[tap][r] += at_e[r] * pixels;
            }
          }
        }
    }
    for (Index r = 0; r < count; ++r) {
#pragma GCC unroll 9
      for (Index tap = 0; tap < taps; ++tap) {
        T parts[lanes<T>];
        store(parts, sum[tap][r]);
        if (k + tap < K_) dw[r * K_ + k + tap] += sum_of(parts, lanes<T>);
      }
      T parts[lanes<T>];
      store(parts, bias[r]);
      if (db) db[r] += sum_of(parts, lanes<T>);
    }
  }

  Index H_ = 0, W_ = 0, groups_ = 1, C_ = 0, O_ = 0, K_ = 0, rows_ = 0, cols_ = 0;
  bool three_by_three_ = false;
  PaddedChannel in_;
  std::vector<std::int32_t> offsets_;  // [k][e]
};

}  // namespace fovea::inline FOVEA_ABI::kernels
