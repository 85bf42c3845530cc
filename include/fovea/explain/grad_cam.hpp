// SPDX-License-Identifier: MIT
//
// Grad-CAM: where in the image does a layer find what speaks for class k? (Selvaraju et al.:
// Grad-CAM: visual explanations from deep networks via gradient-based localization, ICCV 2017)
//
//   w[c]        = mean over i,j of d z_k / da[c,i,j]    how much class k likes what c finds
//   coarse[i,j] = max(0, sum over c of w[c] a[c,i,j])   where it is found
//   map         = coarse, enlarged to the image by bilinear interpolation
//
//   a (C', h, w) the layer's output for this image    coarse (h, w)    map (1, H, W)
//
// How to read it: the map is coarse, as coarse as the layer, and only says "for", never "against".
// The layer is usually the ReLU behind the last convolution: deeper ones have no places left, and
// before the ReLU most activations are negative, so that the sum may be below zero, the map 0,
// everywhere.
//
//   const auto cam = grad_cam(net, image, k, {.layer = "relu2"});
//   cam.places()                                         // (H, W), to lay over the image
#pragma once

#include <string_view>

#include "fovea/explain/attribution.hpp"
#include "fovea/explain/probe.hpp"

namespace fovea::inline FOVEA_ABI {

/// x (h, w) at H x W places: the value of pixel (i, j) is interpolated at ((i + 1/2) h/H - 1/2,
/// ...), and beyond the outermost centres it stays as it is there.
template <Ranked<2> X>
Tensor<ElementOf<X>, 2> enlarge_bilinear(const X& x, Index H, Index W) {
  const auto from = as_const(x);
  const auto [h, w] = from.shape();
  check(h > 0 && w > 0 && H > 0 && W > 0, "enlarge: expected extents of 1 or more, got ",
        from.shape(), " and ", Shape{H, W});
  // The lower of the two neighbours on one axis, and the share of the upper one.
  const auto place = [](Index i, Index small, Index large) {
    const double at =
        (static_cast<double>(i) + 0.5) * static_cast<double>(small) / static_cast<double>(large) -
        0.5;
    const double inside = std::clamp(at, 0.0, static_cast<double>(small - 1));
    const Index low = std::min(static_cast<Index>(inside), std::max<Index>(small - 2, 0));
    return std::pair{low, inside - static_cast<double>(low)};
  };
  Tensor<ElementOf<X>, 2> y(Shape{H, W});
  for (Index i = 0; i < H; ++i)
    for (Index j = 0; j < W; ++j) {
      const auto [top, down] = place(i, h, H);
      const auto [left, right] = place(j, w, W);
      const Index below = std::min(top + 1, h - 1), beside = std::min(left + 1, w - 1);
      const double upper = (1 - right) * static_cast<double>(from(top, left)) +
                           right * static_cast<double>(from(top, beside));
      const double lower = (1 - right) * static_cast<double>(from(below, left)) +
                           right * static_cast<double>(from(below, beside));
      y(i, j) = static_cast<ElementOf<X>>((1 - down) * upper + down * lower);
    }
  return y;
}

/// Which layer is looked at.
struct GradCamOptions {
  std::string_view layer = {};  ///< its path, "relu2"; its output must have places, (N, C', h, w)
  int threads = 0;              ///< 0: OMP_NUM_THREADS, or all
};

/// Where a class is seen (Selvaraju et al. 2017); the map is (1, H, W), and nowhere negative.
template <class T>
struct GradCam : Attribution<T> {
  Tensor<T, 2> coarse{};  ///< (h, w), as the layer sees it
};

/// Where the layer finds what speaks for class k.
template <Classifier Net>
GradCam<typename Net::value_type> grad_cam(const Net& net, ImagesOf<Net> image, Index k,
                                           const GradCamOptions& o) {
  using T = typename Net::value_type;
  check_question("Grad-CAM", net, image, k);
  detail::check_layer("Grad-CAM", o.layer);
  auto w = net.workspace(
      1, {.keep = Keep::everything, .parameter_gradients = false, .threads = o.threads});
  check(w.activation(o.layer).extents.rank == 4,
        "Grad-CAM: expected a layer with rows and columns, got ", o.layer);
  logit_gradient(net, image, Tensor<Label, 1>{static_cast<Label>(k)}, w);
  const View<const T, 3> a = as_maps(w.activation(o.layer))[0];      // (C', h, w)
  const auto weights = mean<1, 2>(as_maps(w.gradient(o.layer))[0]);  // (C')
  GradCam<T> cam;
  cam.coarse = Tensor<T, 2>(Shape{a.extent(1), a.extent(2)});
  for (Index c = 0; c < a.extent(0); ++c) cam.coarse += a[c] * weights(c);
  for (T& value : cam.coarse) value = std::max(value, T{0});
  const auto [one, C, H, W] = image.shape();
  cam.map = Tensor<T, 3>(enlarge_bilinear(cam.coarse, H, W).reshape(Shape{Index{1}, H, W}));
  return cam;
}

}  // namespace fovea::inline FOVEA_ABI
