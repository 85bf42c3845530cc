// SPDX-License-Identifier: MIT
//
// Sums over each channel of a batch (N, C, ...), as fast as memory is read.
//
// A compiler may not reorder a floating-point sum, so a plain loop adds one number at a time and
// waits four cycles for each. In lane_sum number i goes to partial sum i mod 16, whatever the width
// of a vector is: 16 independent additions for the compiler to put into vectors, and the same bits
// on every processor. At most 4096 numbers are summed in T, and these sums in double.
//
// A variance needs the mean first, which would be a second sweep over memory. Instead the mean and
// the sum of squared deviations of each plane (n, c), which stays in L1, are merged with those of
// the planes before it (Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for
// computing sample variances, 1979): no large number is subtracted from a large one.
#pragma once

#include <algorithm>

#include "fovea/core/bits.hpp"
#include "fovea/kernels/batch_tree.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The sum of term(i), a T, over 0 <= i < size.
template <class T, class Term>
double lane_sum(Index size, const Term& term) {
  constexpr Index lanes = 16, block = 4096;
  double total = 0;
  for (Index first = 0; first < size; first += block) {
    const Index last = std::min(first + block, size);
    T sums[lanes] = {};
    Index i = first;
    for (; i + lanes <= last; i += lanes)
      for (Index lane = 0; lane < lanes; ++lane) sums[lane] += term(i + lane);
    for (Index lane = 0; i < last; ++i, ++lane) sums[lane] += term(i);
    for (Index half = lanes / 2; half > 0; half /= 2)
      for (Index lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    total += static_cast<double>(sums[0]);
  }
  return total;
}

/// Where the planes (n, c) of a batch (N, C, ...) are.
struct ChannelPlanes {
  Index N, C, size;  ///< `size`: of a plane
  /// Of a batch of this shape.
  template <std::size_t R>
  explicit ChannelPlanes(const Shape<R>& x) : N(x[0]), C(x[1]), size(1) {
    for (std::size_t axis = 2; axis < R; ++axis) size *= x[axis];
  }
  /// The offset of plane (n, c).
  Index offset(Index n, Index c) const { return (n * C + c) * size; }
};

/// The sum of channel c of x.
template <class T>
double channel_sum(const T* x, const ChannelPlanes& planes, Index c) {
  return sum_of_examples(planes.N, [&](Index n) {
    const T* const p = x + planes.offset(n, c);
    return lane_sum<T>(planes.size, [&](Index i) { return p[i]; });
  });
}

/// The groups of examples that have a mean of their own: all examples, or each chunk of the batch.
struct BatchGroups {
  BatchChunks chunks;  ///< of the batch
  Index count;         ///< of groups
  /// Of a batch of N.
  BatchGroups(Index N, bool one) : chunks(N), count(one ? 1 : chunks.count) {}
  /// The first chunk of this one.
  Index chunk(Index group) const { return group == count ? chunks.count : group; }
  /// The first example of this one.
  Index begin(Index group) const { return chunks.begin(chunk(group)); }
  /// Its examples.
  Index size(Index group) const { return begin(group + 1) - begin(group); }
  /// Its share of all examples.
  double share(Index group) const {
    return static_cast<double>(size(group)) / static_cast<double>(begin(count));
  }
};

/// How many numbers there are, their mean, and the sum of their squared deviations from it.
struct Moments {
  double count = 0, mean = 0, squares = 0;  ///< in this order
  /// Of both sets of numbers.
  void operator+=(const Moments& other) {
    if (exactly_equal(other.count, 0)) return;
    const double both = count + other.count, apart = other.mean - mean;
    squares += other.squares + apart * apart * (count * other.count / both);
    mean += apart * (other.count / both);
    count = both;
  }
};

/// The moments of channel c of x over one group, as the tree of its chunks.
template <class T>
Moments channel_moments(const T* x, const ChannelPlanes& planes, const BatchGroups& groups,
                        Index group, Index c) {
  const auto& chunks = groups.chunks;
  const auto count = static_cast<double>(planes.size);
  Moments total;
  const Index first = groups.chunk(group), last = groups.chunk(group + 1);
  sum_leaves<0>(first, last, total, [&](Index chunk, Moments& sum) {
    sum = {};
    for (Index n = chunks.begin(chunk); n < chunks.begin(chunk + 1) && planes.size > 0; ++n) {
      const T* const p = x + planes.offset(n, c);
      const double mean = lane_sum<T>(planes.size, [&](Index i) { return p[i]; }) / count;
      const auto middle = static_cast<T>(mean);
      sum += Moments{count, mean, lane_sum<T>(planes.size, [&](Index i) {
                       return (p[i] - middle) * (p[i] - middle);
                     })};
    }
  });
  return total;
}

/// sum g and sum g (x - middle)
struct GradientSums {
  double g = 0, gx = 0;  ///< in this order
  /// Of both sets of numbers.
  void operator+=(const GradientSums& other) {
    g += other.g;
    gx += other.gx;
  }
};

/// The sums of g and g (x - middle) in plane (n, c).
template <class T>
GradientSums plane_gradient(const T* x, const T* g, T middle, const ChannelPlanes& planes, Index n,
                            Index c) {
  const T *const p = x + planes.offset(n, c), *const q = g + planes.offset(n, c);
  return {lane_sum<T>(planes.size, [&](Index i) { return q[i]; }),
          lane_sum<T>(planes.size, [&](Index i) { return q[i] * (p[i] - middle); })};
}

/// The same in channel c over one group.
template <class T>
GradientSums channel_gradient(const T* x, const T* g, T middle, const ChannelPlanes& planes,
                              const BatchGroups& groups, Index group, Index c) {
  const auto& chunks = groups.chunks;
  GradientSums total;
  const Index first = groups.chunk(group), last = groups.chunk(group + 1);
  sum_leaves<0>(first, last, total, [&](Index chunk, GradientSums& sum) {
    sum = {};
    for (Index n = chunks.begin(chunk); n < chunks.begin(chunk + 1); ++n)
      sum += plane_gradient(x, g, middle, planes, n, c);
  });
  return total;
}

/// y = (x - middle) scale + shift, in channel c of the examples [first, last).
template <class T>
void normalise(const T* x, T* y, const ChannelPlanes& planes, Index first, Index last, Index c,
               T middle, T scale, T shift) {
  for (Index n = first; n < last; ++n) {
    const T* const from = x + planes.offset(n, c);
    T* const to = y + planes.offset(n, c);
    FOVEA_INDEPENDENT
    for (Index i = 0; i < planes.size; ++i) to[i] = (from[i] - middle) * scale + shift;
  }
}

/// dx = scale g - mean - (x - middle) slope, in channel c of the examples [first, last).
template <class T>
void normalise_back(const T* x, const T* g, T* dx, const ChannelPlanes& planes, Index first,
                    Index last, Index c, T middle, T scale, T mean, T slope) {
  for (Index n = first; n < last; ++n) {
    const Index at = planes.offset(n, c);
    const T *const p = x + at, *const q = g + at;
    T* const to = dx + at;
    FOVEA_INDEPENDENT
    for (Index i = 0; i < planes.size; ++i) to[i] = scale * q[i] - mean - (p[i] - middle) * slope;
  }
}

}  // namespace fovea::inline FOVEA_ABI::kernels
