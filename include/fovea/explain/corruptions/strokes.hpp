// SPDX-License-Identifier: MIT
//
// What lies over the image or hides a part of it: a square, stripes, lines.
//
//   corrupt(test, corruption::cutout(8))            // a black square of 8 x 8 pixels at random
#pragma once

#include "fovea/core/math.hpp"
#include "fovea/explain/corruptions/corruption.hpp"

namespace fovea::inline FOVEA_ABI::detail {

// Adds a white line from column c0, row r0 to c1, r1 to every column of it that `drawn` names. It
// is some three pixels thick: at the vertical distance d its value is 1 + ln(1 - d / 2.3).
template <class Drawn>
void add_line(View<float, 3> x, double c0, double r0, double c1, double r1, Drawn drawn) {
  const auto [C, H, W] = x.shape();
  if (exactly_equal(c0, c1)) return;
  const auto first = std::max<Index>(0, static_cast<Index>(std::floor(c0)));
  const auto last = std::min<Index>(W, static_cast<Index>(math::ceil(c1)));
  for (Index j = first; j < last; ++j) {
    if (!drawn(j)) continue;
    const double row = r0 + (r1 - r0) / (c1 - c0) * (static_cast<double>(j) - c0);
    for (Index i = 0; i < H; ++i) {
      const double d = std::min(std::abs(static_cast<double>(i) - row), 2.2999);
      const auto value = static_cast<float>(std::max(0.0, 1 + math::log(1 - d / 2.3)));
      for (Index c = 0; c < C; ++c) x(c, i, j) = std::min(1.0f, x(c, i, j) + value);
    }
  }
}

inline void check_room(std::string_view name, const Shape<3>& image) {
  check(image[1] >= 8 && image[2] >= 8, name, ": expected an image of 8 x 8 pixels or more, got ",
        image[1], " x ", image[2]);
}

}  // namespace fovea::inline FOVEA_ABI::detail

namespace fovea::inline FOVEA_ABI::corruption {

/// Cutout (DeVries and Taylor 2017): a square of side x side pixels of this value, its upper
/// left corner at (row, column).
inline Corruption cutout_at(Index row, Index column, Index side, float value = 0) {
  check(row >= 0 && column >= 0 && side > 0,
        "cutout: expected a square of 1 pixel or more inside the image, got side ", side, " at (",
        row, ", ", column, ")");
  detail::check_amount("cutout: expected a value", static_cast<double>(value), 1);
  return {"cutout", concat("side ", side, " at (", row, ", ", column, ")"),
          [=](View<const float, 3> in, View<float, 3> out, Rng) {
            const auto [C, H, W] = in.shape();
            check(row + side <= H && column + side <= W, "cutout: expected a square inside of ", H,
                  " x ", W, " pixels, got side ", side, " at (", row, ", ", column, ")");
            std::copy(in.begin(), in.end(), out.begin());
            for (Index c = 0; c < C; ++c)
              for (Index i = row; i < row + side; ++i) std::fill_n(&out(c, i, column), side, value);
          }};
}

/// The same at a random place, each one in the image equally likely.
inline Corruption cutout(Index side, float value = 0) {
  cutout_at(0, 0, side, value);
  return {"cutout", concat("side ", side, " at random"),
          [=](View<const float, 3> in, View<float, 3> out, Rng rng) {
            const Index rows = std::max<Index>(1, in.extent(1) - side + 1),
                        columns = std::max<Index>(1, in.extent(2) - side + 1);
            const Index row = rng.below(rows), column = rng.below(columns);
            cutout_at(row, column, side, value).apply(in, out, rng);
          }};
}

/// The left and the right quarter of the image inverted, as in MNIST-C.
inline Corruption stripe() {
  return {"stripe", "the outer quarters inverted",
          [](View<const float, 3> in, View<float, 3> out, Rng) {
            const auto [C, H, W] = in.shape();
            for (Index c = 0; c < C; ++c)
              for (Index i = 0; i < H; ++i)
                for (Index j = 0; j < W; ++j)
                  out(c, i, j) = j < W / 4 || j >= W - W / 4 ? 1 - in(c, i, j) : in(c, i, j);
          }};
}

/// A line from the left border to the right one, two columns drawn and two not, as in MNIST-C.
inline Corruption dotted_line() {
  return {"dotted_line", "from the left to the right",
          [](View<const float, 3> in, View<float, 3> out, Rng rng) {
            const auto [C, H, W] = in.shape();
            detail::check_room("dotted_line", in.shape());
            std::copy(in.begin(), in.end(), out.begin());
            const auto r0 = static_cast<double>(rng.below(H - 1));
            const auto r1 = static_cast<double>(rng.below(H - 1));
            detail::add_line(out, 0, r0, static_cast<double>(W - 1), r1,
                             [](Index j) { return j / 2 % 2 == 1; });
          }};
}

/// A zigzag of four pixels across from the left to the right, as in MNIST-C.
inline Corruption zigzag() {
  return {"zigzag", "from the left to the right",
          [](View<const float, 3> in, View<float, 3> out, Rng rng) {
            const auto [C, H, W] = in.shape();
            detail::check_room("zigzag", in.shape());
            std::copy(in.begin(), in.end(), out.begin());
            // Corners every 2 * reach along an axis that may fall or rise a little, to either side.
            constexpr double reach = 2, c0 = 2;
            const auto r0 = static_cast<double>(rng.below(H - 1));
            const double width = static_cast<double>(W - 3) - c0;
            const auto rise = static_cast<double>(rng.below(10) - 5);
            const double length = std::sqrt(width * width + rise * rise);
            const double cosine = width / length, sine = rise / length;
            double c = c0, r = r0;  // where the pen is
            const auto draw_to = [&](double along, double across) {
              const double c1 = c0 + cosine * along - sine * across;
              const double r1 = r0 + sine * along + cosine * across;
              detail::add_line(out, c, r, c1, r1, [](Index) { return true; });
              c = c1;
              r = r1;
            };
            double across = reach, along = reach;
            for (; along <= length; along += 2 * reach, across = -across) draw_to(along, across);
            // The original's own end: across / (2 * what is left behind the last crossing).
            const double rest = length - 2 * reach * std::floor(length / (2 * reach));
            if (rest > 0) draw_to(length, -across / (2 * rest));
          }};
}

}  // namespace fovea::inline FOVEA_ABI::corruption
