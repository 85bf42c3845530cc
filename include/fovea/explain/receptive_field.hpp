// SPDX-License-Identifier: MIT
//
// Receptive field: the patch of the image that a unit can see. Everything outside of it could
// change, and the unit would not notice.
//
// Layer by layer, with kernel K, stride s, padding p and dilation d, rows and columns apart:
//
//   r += d (K - 1) j      a -= p j      j *= s           from  r = j = 1,  a = 0  on
//
//   r   size: rows (columns) of the patch
//   j   jump: how far apart in the image the patches of neighbouring units are
//   a   start: the first row of the patch of unit 0; negative means padding
//
// so that unit i sees the rows [a + i j, a + i j + r), around a + i j + (r - 1) / 2. (Dumoulin and
// Visin, A guide to convolution arithmetic for deep learning, 2016; Araujo, Norris and Sim,
// Computing receptive fields of convolutional neural networks, Distill 2019.) The course network:
//
//              conv1   pool1   conv2   pool2
//   size         3       4       8      10
//   jump         1       2       2       4
//
// A shorter formula is in use, r = K + (K - 1) (L - 1) after L layers. It is right for
// convolutions of stride 1 in a row and says 5 for conv2; the pooling in between, which
// doubles the jump, makes it 8.
//
//   for (const auto& field : receptive_fields(net))
//     text += concat(field.layer, " ", field.size, " ", field.box(3, 4));
//   of_layer(receptive_fields(net), "residual1.f.conv2").size
//
// Units at the border see less than their box. `seen` goes back through the layers and leaves out
// what is padding anywhere on the way. Once a layer mixes all positions (Flatten, Linear), the
// field is all that the maps before it have seen. How much of the patch a unit makes use of is
// another matter: effective_field.hpp.
#pragma once

#include <string>
#include <vector>

#include "fovea/explain/layers.hpp"
#include "fovea/model/seen.hpp"

namespace fovea::inline FOVEA_ABI {

/// A rectangle of pixels; top and left may be negative where it reaches into the padding.
struct Box {
  Index top = 0, left = 0, height = 0, width = 0;  ///< rows and columns of pixels

  /// Whether that pixel is inside.
  bool contains(Index row, Index col) const {
    return top <= row && row < top + height && left <= col && col < left + width;
  }
  friend bool operator==(const Box&, const Box&) = default;
};

/// "8x8 from (-3, 5) on"
inline std::string to_string(const Box& b) {
  return concat(b.height, "x", b.width, " from (", b.top, ", ", b.left, ") on");
}

/// What the units of one layer see.
struct ReceptiveField {
  std::string layer;          ///< its path
  Extent2 size, jump, start;  ///< pixels; the size of the image and no jump if `whole`
  Extent2 units;              ///< rows and columns of units; of the last maps if `whole`
  Extent2 image;              ///< rows and columns of pixels
  bool whole = false;         ///< every unit sees everything that the last maps have seen
  bool known = true;          ///< false after a layer that does not say what it sees; then no box

  /// Pixels, as a real number where the size is even: 3.5 is between rows 3 and 4.
  struct Centre {
    double row, col;  ///< of the middle
  };
  /// In the middle of box(i, j); that of unit (0, 0) is the literature's "first centre".
  Centre centre(Index i, Index j) const {
    const Box b = box(i, j);
    return {static_cast<double>(2 * b.top + b.height - 1) / 2,
            static_cast<double>(2 * b.left + b.width - 1) / 2};
  }

  /// What unit (i, j) sees, padding included. Throws when there is no such unit.
  Box box(Index i, Index j) const {
    check_unit(i, j);
    return {start.h + i * jump.h, start.w + j * jump.w, size.h, size.w};
  }

  /// The pixels of the image that unit (i, j) sees: the smallest box around them.
  Box seen(Index i, Index j) const {
    check_unit(i, j);
    const auto [top, height] = seen_along(&Extent2::h, i);
    const auto [left, width] = seen_along(&Extent2::w, j);
    return {top, left, height, width};
  }

  /// A layer between the image and these units; layer k writes value k + 1, value 0 is the image.
  struct Step {
    Window window;                   ///< kernel, stride, padding, dilation
    Extent2 units;                   ///< rows and columns of what it writes
    std::vector<std::size_t> reads;  ///< the values that it slides over
  };
  std::vector<Step> steps;  ///< the layers from the image to the last maps of this one

 private:
  void check_unit(Index i, Index j) const {
    check(known, layer, ": its receptive field is not known, for this layer or one before it has ",
          "neither a window() nor the extents of its input");
    check(0 <= i && i < units.h && 0 <= j && j < units.w, layer, ": expected a unit in ", units.h,
          " rows and ", units.w, " columns, got (", i, ", ", j, ")");
  }

  // Marks the rows (or columns) that matter, from the unit back to the image: {first, count}.
  std::pair<Index, Index> seen_along(Index Extent2::*axis, Index unit) const {
    // One list of marks for each value, the image first.
    std::vector<std::vector<bool>> all(steps.size() + 1);
    all.back().assign(static_cast<std::size_t>(units.*axis), whole);
    all.back()[static_cast<std::size_t>(unit)] = true;
    for (std::size_t k = steps.size(); k-- > 0;)
      for (const std::size_t x : steps[k].reads) {
        const Extent2 extent = x == 0 ? image : steps[x - 1].units;
        all[x].resize(static_cast<std::size_t>(extent.*axis));
        mark_seen(steps[k].window, axis, all[k + 1], all[x]);
      }
    auto& marks = all.front();
    marks.resize(static_cast<std::size_t>(image.*axis));
    const auto first = std::find(marks.begin(), marks.end(), true);
    const auto last = std::find(marks.rbegin(), std::make_reverse_iterator(first), true).base();
    return {first == marks.end() ? 0 : first - marks.begin(), last - first};
  }

  // Marks the rows (or columns) of x that the marked ones of y see through a window.
  static void mark_seen(const Window& w, Index Extent2::*axis, const std::vector<bool>& y,
                        std::vector<bool>& x) {
    for (std::size_t o = 0; o < y.size(); ++o)
      for (Index k = 0; y[o] && k < w.kernel.*axis; ++k) {
        const Index at =
            static_cast<Index>(o) * w.stride.*axis - w.padding.*axis + k * w.dilation.*axis;
        if (0 <= at && at < static_cast<Index>(x.size())) x[static_cast<std::size_t>(at)] = true;
      }
  }
};

/// The field of every layer, in the order in which they run, derived as model/seen.hpp says.
template <class Net>
std::vector<ReceptiveField> receptive_fields(const Net& net) {
  image_shape(net);  // throws if these are no images
  const auto w = net.workspace(1, {.keep = Keep::output, .threads = 1, .fuse = false});
  const auto values = detail::seen_values(w.plan());
  std::vector<ReceptiveField> fields;
  for (std::size_t v = 1; v < values.size(); ++v) {
    using Kind = detail::Seen::Kind;
    const auto& [field, kind] = values[v].seen;
    ReceptiveField now{
        w.plan().layer(v - 1).path, 0, 0, 0, {0}, values[0].units, kind == Kind::everything,
        kind != Kind::unknown,      {}};
    if (kind == Kind::field) now.size = field.size, now.jump = field.jump, now.start = field.start;
    if (now.whole) now.size = now.image;
    now.units = values[values[v].maps].units;
    for (std::size_t u = 1; u <= values[v].maps; ++u)
      now.steps.push_back(
          {values[u].window.value_or(Window{1, 1, 0, 1}), values[u].units, values[u].reads});
    fields.push_back(std::move(now));
  }
  return fields;
}

/// r = K + (K - 1) (L - 1): the field after L convolutions with kernel K and stride 1, and nothing
/// in between.
constexpr Index field_without_pooling(Index kernel, Index layers) {
  return kernel + (kernel - 1) * (layers - 1);
}

}  // namespace fovea::inline FOVEA_ABI
