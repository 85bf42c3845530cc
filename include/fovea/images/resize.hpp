// SPDX-License-Identifier: MIT
//
// An image at another size. Along each axis, of `in` pixels and `out` of them afterwards:
//
//   out < in    area averaging: pixel i is the average over [i in / out, (i + 1) in / out)
//   out > in    bilinear: the centre of pixel i lies at (i + 1/2) in / out - 1/2 between two
//               centres, or beyond the first or the last, whose value is taken
//
// Weights are integers, in over out has no rounding, and each result is rounded once: the bytes are
// the same on every machine. Averaging sees every pixel, so that fine patterns do not turn into
// coarse ones.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// How a picture of one shape becomes one of another.
enum class Resize {
  exact,  ///< stretched to height x width, whatever its shape
  crop,   ///< the smallest that covers height x width, of which the middle is cut out
  pad     ///< the largest that fits into height x width, in the middle of a black border
};

namespace detail {

// The weights by which pixels along one axis become pixels first, ..., first + count - 1 of `size`.
class ResampledAxis {
 public:
  ResampledAxis(std::int64_t in, std::int64_t size, std::int64_t first, std::int64_t count) {
    const bool shrinks = size <= in;
    total_ = static_cast<std::uint64_t>(shrinks ? in : 2 * size);
    for (std::int64_t i = first; i < first + count; ++i) {
      if (shrinks) {  // in units of 1 / size of a pixel
        const std::int64_t begin = i * in, end = begin + in;
        for (std::int64_t k = begin / size; k * size < end; ++k)
          add(k, std::min(end, (k + 1) * size) - std::max(begin, k * size));
      } else {  // in units of 1 / (2 size)
        const std::int64_t at = std::max<std::int64_t>((2 * i + 1) * in - size, 0);
        const std::int64_t k = at / (2 * size), fraction = at % (2 * size);
        const bool last = k + 1 >= in;
        add(last ? in - 1 : k, last ? 2 * size : 2 * size - fraction);
        if (!last && fraction > 0) add(k + 1, fraction);
      }
      ends_.push_back(terms_.size());
    }
  }

  struct Term {
    std::int64_t pixel;
    std::uint64_t weight;
  };
  Index count() const { return std::ssize(ends_); }
  std::uint64_t total() const { return total_; }  // the sum of the weights of every pixel
  // Calls body(pixel, weight) for what pixel i is made of.
  template <class Body>
  void for_each(Index i, const Body& body) const {
    const auto n = static_cast<std::size_t>(i);
    for (std::size_t t = n > 0 ? ends_[n - 1] : 0; t < ends_[n]; ++t)
      body(terms_[t].pixel, terms_[t].weight);
  }
  // The pixels that have weights: [first, last).
  std::int64_t first() const { return terms_.front().pixel; }
  std::int64_t last() const { return terms_.back().pixel + 1; }

 private:
  void add(std::int64_t pixel, std::int64_t weight) {
    terms_.push_back({pixel, static_cast<std::uint64_t>(weight)});
  }

  std::vector<Term> terms_{};
  std::vector<std::size_t> ends_{};
  std::uint64_t total_ = 1;
};

// Writes the image into rows `top`, ... and columns `left`, ... of `to`.
[[gnu::cold]] inline void resample(View<const std::uint8_t, 3> image, const ResampledAxis& rows,
                                   const ResampledAxis& columns, View<std::uint8_t, 3> to,
                                   std::int64_t top, std::int64_t left) {
  const Index width = columns.count();
  // Sums are at most 255 times both totals, 2^58 at the limits of resize_image.
  const std::uint64_t total = rows.total() * columns.total();
  std::vector<std::uint64_t> across(static_cast<std::size_t>((rows.last() - rows.first()) * width));
  std::vector<std::uint64_t> sums(static_cast<std::size_t>(width));
  for (Index c = 0; c < image.extent(0); ++c) {
    std::uint64_t* sum = across.data();
    for (std::int64_t y = rows.first(); y < rows.last(); ++y) {
      const std::uint8_t* const from = image[c].data() + y * image.extent(2);
      for (Index j = 0; j < width; ++j, ++sum) {
        std::uint64_t of_pixel = 0;
        columns.for_each(
            j, [&](std::int64_t x, std::uint64_t weight) { of_pixel += weight * from[x]; });
        *sum = of_pixel;
      }
    }
    for (Index i = 0; i < rows.count(); ++i) {
      std::fill(sums.begin(), sums.end(), std::uint64_t{0});
      rows.for_each(i, [&](std::int64_t y, std::uint64_t weight) {
        const std::uint64_t* const row = across.data() + (y - rows.first()) * width;
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += weight * row[j];
      });
      std::uint8_t* out = to[c].data() + (top + i) * to.extent(2) + left;
      for (const std::uint64_t s : sums)
        *out++ = static_cast<std::uint8_t>((s + total / 2) / total);
    }
  }
}

}  // namespace detail

/// The image (C, H, W) as one of (C, height, width); sides have at most 65 535 pixels.
[[gnu::cold]] inline Tensor<std::uint8_t, 3> resize_image(View<const std::uint8_t, 3> image,
                                                          Index height, Index width, Resize how) {
  constexpr Index most = 65'535;
  const Index H = image.extent(1), W = image.extent(2);
  check(0 < H && H <= most && 0 < W && W <= most, "resize: expected an image with sides in [1, ",
        most, "], got ", H, " x ", W);
  check(0 < height && height <= most && 0 < width && width <= most,
        "resize: expected a height and a width in [1, ", most, "], got ", height, " x ", width);
  // The extents of the whole picture at its new size: to cover, the larger scale decides.
  std::int64_t rows = height, columns = width;
  const auto rounded = [](std::int64_t a, std::int64_t b, std::int64_t c) {  // a b / c
    return std::max<std::int64_t>((2 * a * b + c) / (2 * c), 1);
  };
  const bool wide = std::int64_t{W} * height > std::int64_t{H} * width;  // wider than the result
  if (how != Resize::exact) {
    if (wide == (how == Resize::crop))
      columns = rounded(W, height, H);
    else
      rows = rounded(H, width, W);
  }
  // What is larger than the result is cut, what is smaller has a border.
  const std::int64_t down = std::min<std::int64_t>(rows, height),
                     across = std::min<std::int64_t>(columns, width);
  Tensor<std::uint8_t, 3> result(Shape{image.extent(0), height, width});
  detail::resample(image, detail::ResampledAxis(H, rows, (rows - down) / 2, down),
                   detail::ResampledAxis(W, columns, (columns - across) / 2, across), result.view(),
                   (height - down) / 2, (width - across) / 2);
  return result;
}

}  // namespace fovea::inline FOVEA_ABI
