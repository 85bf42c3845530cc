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
#include <string_view>

#include "fovea/core/bits.hpp"
#include "fovea/kernels/batch_part.hpp"
#include "fovea/kernels/vector_functions.hpp"

namespace fovea::inline FOVEA_ABI {

/// Over which examples batch normalisation takes a mean and a variance in training: all of the
/// batch, or each of its 16 chunks by itself (batch_tree.hpp).
enum class Statistics { batch, chunk };

namespace kernels {
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

/// The sum of channel c of x, of these chunks.
template <class T>
T channel_sum(const T* x, const BatchChunks& chunks, const ChannelPlanes& planes, Index c) {
  return sum_in_chunks<T>(chunks, [&](Index n) {
    const T* const p = x + planes.offset(n, c);
    return lane_sum<T>(planes.size, [&](Index i) { return p[i]; });
  });
}

/// The groups of examples that have a mean of their own: all examples, or each chunk of the batch.
struct BatchGroups {
  BatchChunks chunks;  ///< of the batch, or of a part of it
  bool one;            ///< whether there is one mean, of all of the batch
  Index count;         ///< of groups
  Index whole;         ///< examples of the whole batch
  /// Of N examples, all of a batch or a part of it.
  BatchGroups(Index N, Statistics statistics, const BatchPart& part = {})
      : chunks(N, part),
        one(statistics == Statistics::batch),
        count(one ? 1 : chunks.count),
        whole(part.all(N)) {}
  /// The first chunk of this one.
  Index chunk(Index group) const { return group == count ? chunks.count : group; }
  /// The first example of this one.
  Index begin(Index group) const { return chunks.begin(chunk(group)); }
  /// Its examples, those in other parts of the batch too.
  Index size(Index group) const { return one ? whole : begin(group + 1) - begin(group); }
  /// Throws unless each group of x has two numbers of each channel or more, in the name of `layer`.
  template <std::size_t R>
  void check_enough(const Shape<R>& x, std::string_view layer = {}) const {
    for (Index g = 0; g < count; ++g)
      check(size(g) * ChannelPlanes(x).size > 1, layer, layer.empty() ? "" : ": ",
            "expected at least two numbers of each channel ", "in ",
            one ? "a batch" : "each chunk of a batch", " of training, got ", x);
  }
  /// Throws unless these are the shapes of a Pass with room for the groups.
  void check_pass(Index C, Shape<2> mean, Shape<2> inverse) const {
    check(mean.size() >= count * C && mean == inverse, "BatchNorm2d: expected a Pass for ", count,
          " x ", C, " means, got one for ", mean, "; pass(shape, options) makes it");
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

/// What a group moves running values by: a share of its mean and its variance.
struct RunningStep {
  double mean = 0, var = 0;  ///< in this order
  /// Of both groups.
  void operator+=(const RunningStep& other) {
    mean += other.mean;
    var += other.var;
  }
};

/// sum g and sum g (x - middle); and what of them goes to parameters, in T as all gradients do.
template <class T>
struct GradientSums {
  double g = 0, gx = 0;     ///< in this order
  T plain = 0, scaled = 0;  ///< sum g, and sum g (x - middle) times 1 / sqrt(var + eps)
  /// Of both sets of numbers.
  void operator+=(const GradientSums& other) {
    g += other.g;
    gx += other.gx;
    plain += other.plain;
    scaled += other.scaled;
  }
  /// At the end of a chunk. `inverse`: 1 / sqrt(var + eps)
  void end_chunk(double inverse) {
    plain = static_cast<T>(g), scaled = static_cast<T>(gx * inverse);
  }
};

/// What is done to a normalised number: nothing.
struct AsItIs {
  /// y
  template <class V>
  V value(V normalised) const {
    return normalised;
  }
  /// ds/d(normalised), from g = ds/dy
  template <class V>
  V gradient(V, V, V g) const {
    return g;
  }
};

/// y = f(t), t = (x - middle) scale + shift: how one channel is normalised.
template <class T, class F = AsItIs>
struct Normalisation {
  T middle, scale, shift;  ///< of t
  F f = {};                ///< what is done to t

  /// f(t)
  void forward(const T* x, T* y, Index size) const {
    map_vectors(
        size, y, [&](Vec<T> v) { return f.value((v - middle) * scale + shift); }, x);
  }
  /// ds/dt from ds/dy = dy; `g` has room for it unless f is AsItIs.
  const T* gradient(const T* x, const T* y, const T* dy, Index size, T* g) const {
    if constexpr (std::is_same_v<F, AsItIs>) return dy;
    map_vectors(
        size, g,
        [&](Vec<T> v, Vec<T> fv, Vec<T> d) {
          return f.gradient((v - middle) * scale + shift, fv, d);
        },
        x, y, dy);
    return g;
  }
};

/// The sums of g = ds/dt and g (x - middle) in a plane.
template <class T, class F>
GradientSums<T> plane_gradient(const T* x, const T* y, const T* dy, Index size,
                               const Normalisation<T, F>& normal) {
  constexpr Index block = 4096;  // as lane_sum's
  T g[std::is_same_v<F, AsItIs> ? 1 : block];
  GradientSums<T> total;
  for (Index first = 0; first < size; first += block) {
    const Index count = std::min(block, size - first);
    const T* const q = normal.gradient(x + first, y + first, dy + first, count, g);
    const T* const p = x + first;
    total.g += lane_sum<T>(count, [&](Index i) { return q[i]; });
    total.gx += lane_sum<T>(count, [&](Index i) { return q[i] * (p[i] - normal.middle); });
  }
  return total;
}

/// The same in channel c over one group. `inverse`: 1 / sqrt(var + eps)
template <class T, class F>
GradientSums<T> channel_gradient(const T* x, const T* y, const T* dy,
                                 const Normalisation<T, F>& normal, double inverse,
                                 const ChannelPlanes& planes, const BatchGroups& groups,
                                 Index group, Index c) {
  const auto& chunks = groups.chunks;
  GradientSums<T> total;
  const Index first = groups.chunk(group), last = groups.chunk(group + 1);
  sum_leaves<0>(first, last, total, [&](Index chunk, GradientSums<T>& sum) {
    sum = {};
    for (Index n = chunks.begin(chunk); n < chunks.begin(chunk + 1); ++n) {
      const Index at = planes.offset(n, c);
      sum += plane_gradient(x + at, y + at, dy + at, planes.size, normal);
    }
    sum.end_chunk(inverse);
  });
  return total;
}

/// y = f(t), in channel c of one group.
template <class T, class F>
void normalise(const T* x, T* y, const ChannelPlanes& planes, const BatchGroups& groups,
               Index group, Index c, const Normalisation<T, F>& normal) {
  for (Index n = groups.begin(group); n < groups.begin(group + 1); ++n) {
    const Index at = planes.offset(n, c);
    normal.forward(x + at, y + at, planes.size);
  }
}

/// dx = scale g - mean - (x - middle) slope: how a gradient goes back through a normalisation.
/// Both are 0 where mean and variance are not those of the batch.
template <class T>
struct NormalisationGradient {
  T mean = 0, slope = 0;  ///< in this order
};

/// dx in channel c of the examples [first, last).
template <class T, class F>
void normalise_back(const T* x, const T* y, const T* dy, T* dx, const ChannelPlanes& planes,
                    Index first, Index last, Index c, const Normalisation<T, F>& normal,
                    const NormalisationGradient<T>& back) {
  const T middle = normal.middle, scale = normal.scale, shift = normal.shift;
  const T mean = back.mean, slope = back.slope;
  const F& f = normal.f;
  for (Index n = first; n < last; ++n) {
    const Index at = planes.offset(n, c);
    map_vectors(
        planes.size, dx + at,
        [&](Vec<T> p, Vec<T> fp, Vec<T> d) {
          const Vec<T> gradient = f.gradient((p - middle) * scale + shift, fp, d);
          return scale * gradient - mean - (p - middle) * slope;
        },
        x + at, y + at, dy + at);
  }
}
}  // namespace kernels

}  // namespace fovea::inline FOVEA_ABI
