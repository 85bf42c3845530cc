// SPDX-License-Identifier: MIT
//
// Receptive field: the patch of the image that a unit can see. Everything outside of it could change,
// and the unit would not notice.
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
// A shorter formula is in use, r = K + (K - 1) (L - 1) after L layers. It is right for convolutions of
// stride 1 in a row and says 5 for conv2; the pooling in between, which doubles the jump, makes it 8.
//
//   for (const auto& field : receptive_fields(net))
//     text += concat(field.name, " ", field.size, " ", field.box(3, 4));
//
// Units at the border see less than their box. `seen` goes back through the layers and leaves out
// what is padding anywhere on the way. Once a layer mixes all positions (Flatten, Linear), the field
// is all that the maps before it have seen. How much of the patch a unit makes use of is another
// matter: effective_field.hpp.
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
  std::string name;           ///< of the layer
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

  /// One window between the image and the layer, or several in a layer that contains a network.
  struct Step {
    Window window;             ///< kernel, stride, padding, dilation
    Extent2 input;             // rows and columns it slides over
    std::vector<Step> inside;  ///< the windows of the network instead, from its input to its output
    bool skips = false;        ///< the input of that network reaches its output directly, too
  };
  std::vector<Step> steps;  ///< the windows from the image to this layer

 private:
  void check_unit(Index i, Index j) const {
    check(known, name, ": its receptive field is not known, for this layer or one before it has ",
          "neither a window() nor the extents of its input");
    check(0 <= i && i < units.h && 0 <= j && j < units.w, name, ": expected a unit in ", units.h,
          " rows and ", units.w, " columns, got (", i, ", ", j, ")");
  }

  // Marks the rows (or columns) that matter, from the unit back to the image: {first, count}.
  std::pair<Index, Index> seen_along(Index Extent2::*axis, Index unit) const {
    std::vector<bool> marks(static_cast<std::size_t>(units.*axis), whole);
    marks[static_cast<std::size_t>(unit)] = true;
    marks = marks_before(steps, axis, std::move(marks));
    const auto first = std::find(marks.begin(), marks.end(), true);
    const auto last = std::find(marks.rbegin(), std::make_reverse_iterator(first), true).base();
    return {first == marks.end() ? 0 : first - marks.begin(), last - first};
  }

  // The rows (or columns) in front of all of these steps that the marked ones see.
  static std::vector<bool> marks_before(const std::vector<Step>& steps, Index Extent2::*axis,
                                        std::vector<bool> marks) {
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      const Window& w = step->window;
      std::vector<bool> before(static_cast<std::size_t>(step->input.*axis), false);
      if (!step->inside.empty()) before = marks_before(step->inside, axis, marks);
      for (std::size_t o = 0; o < marks.size(); ++o) {
        if (!marks[o]) continue;
        if (step->skips) before[o] = true;
        if (!step->inside.empty()) continue;
        for (Index k = 0; k < w.kernel.*axis; ++k) {
          const Index at =
              static_cast<Index>(o) * w.stride.*axis - w.padding.*axis + k * w.dilation.*axis;
          if (0 <= at && at < step->input.*axis) before[static_cast<std::size_t>(at)] = true;
        }
      }
      marks = std::move(before);
    }
    return marks;
  }
};

namespace detail {

// The windows of a layer, for an input of this shape.
template <class Layer>
void add_steps(const Layer& layer, Shape<4> in, Shape<4> out,
               std::vector<ReceptiveField::Step>& steps) {
  if constexpr (requires { layer.window(); }) {
    steps.push_back({layer.window(), {in[2], in[3]}, {}, false});
  } else {
    each_child<Layer>([&](const auto& c) {
      ReceptiveField::Step step{{}, {in[2], in[3]}, {}, in[2] == out[2] && in[3] == out[3]};
      each_layer_with_shapes(layer.*c.net, [&]<std::size_t>(const auto& inside, auto x, auto y) {
        if constexpr (decltype(x)::rank == 4 && decltype(y)::rank == 4)
          add_steps(inside, x, y, step.inside);
      });
      if (!step.inside.empty()) steps.push_back(std::move(step));
    });
  }
}

}  // namespace detail

/// The field of every layer, in their order, derived as model/seen.hpp says.
template <class Net>
std::vector<ReceptiveField> receptive_fields(const Net& net) {
  static_assert(Net::input_rank == 4, "receptive_fields: a network that takes images");
  const auto [C, H, W] = net.input_shape();
  std::vector<ReceptiveField> fields;
  detail::Seen seen;
  ReceptiveField now{{}, 1, 1, 0, {H, W}, {H, W}, false, true, {}};
  detail::each_layer_with_shapes(net, [&]<std::size_t i>(const auto& layer, auto in, auto out) {
    now.name = Net::layer_name(i);
    seen = detail::seen_after(layer, seen, in, out);
    now.whole = seen.kind == detail::Seen::Kind::everything;
    now.known = seen.kind != detail::Seen::Kind::unknown;
    if constexpr (decltype(in)::rank == 4 && decltype(out)::rank == 4) {
      detail::add_steps(layer, in, out, now.steps);
      now.units = {out[2], out[3]};
    }
    const bool field = seen.kind == detail::Seen::Kind::field;
    now.size = field ? seen.field.size : now.whole ? now.image : Extent2{0};
    now.jump = field ? seen.field.jump : Extent2{0};
    now.start = field ? seen.field.start : Extent2{0};
    fields.push_back(now);
  });
  return fields;
}

/// r = K + (K - 1) (L - 1): the field after L convolutions with kernel K and stride 1, and nothing
/// in between.
constexpr Index field_without_pooling(Index kernel, Index layers) {
  return kernel + (kernel - 1) * (layers - 1);
}

}  // namespace fovea::inline FOVEA_ABI
