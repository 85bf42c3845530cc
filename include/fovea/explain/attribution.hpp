// SPDX-License-Identifier: MIT
//
// Attribution: what each pixel has to do with logit k, for one image. All methods answer with this
// one type, whatever way they take (gradients.hpp, occlusion.hpp, grad_cam.hpp), so that each can
// be drawn, judged (faithfulness.hpp) and compared (randomisation.hpp) like any other:
//
//   for (const auto& a : {gradient_map(net, image, k), smooth_grad(net, image, k),
//                         occlusion(net, image, k)})
//     deletion_curve(net, image, k, a).area();
//
// How to read it: a pixel with a positive value speaks for class k, with a negative one against it.
// The unit is that of the method; compare orders and places, not values.
#pragma once

#include <cmath>

#include "fovea/core/ops.hpp"

namespace fovea::inline FOVEA_ABI {

/// What each pixel has to do with one logit.
template <class T>
struct Attribution {
  Tensor<T, 3> map{};  ///< (C, H, W), signed; (1, H, W) by methods that see places and no channels

  /// One number for each place, (H, W): the sum over the channels.
  Tensor<T, 2> places() const { return sum<0>(map); }
  /// How much each place matters, for or against, (H, W): the sum of
  /// |map[c,h,w]| over the channels.
  Tensor<T, 2> magnitudes() const {
    return sum<0>(fovea::map(map, [](T value) { return std::abs(value); }));
  }
};

}  // namespace fovea::inline FOVEA_ABI
