// SPDX-License-Identifier: MIT
//
// Which network, which layer, which images? All pages of explain/ take them alike,
//
//   f(net, image, class, {.layer = "conv2", .threads = 2})  // image (1, C, H, W), scaled
//   f(net, data, {.layer = "residual1.f.conv2"})
//
// where net is a Sequential or a Network<T>, and a layer is named by its path, also
// inside of another layer. What a page says of every layer is a list in the order in
// which they run, each with its path:
//
//   of_layer(activity(net, data), "residual1.f.relu1").dead
//
// Whatever a layer computes is looked at as maps (N, C, H, W): the F features of a linear layer are
// F channels with one unit each, so every page works for every layer. The
// network always runs in eval mode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fovea/data/batches.hpp"
#include "fovea/model/workspace.hpp"

namespace fovea::inline FOVEA_ABI {

/// A network from images (N, C, H, W) to logits (N, K). Of a Network<T> that is known when it runs.
template <class Net>
concept Classifier = requires {
  typename Net::value_type;
}
&&(!requires { Net::input_rank; } || (Net::input_rank == 4 && Net::output_rank == 2));

/// Images (N, C, H, W) as this network takes them: scaled, "in network units".
template <class Net>
using ImagesOf = View<const typename Net::value_type, 4>;

/// For what has no other options.
struct LookOptions {
  int threads = 0;  ///< 0: OMP_NUM_THREADS, or all
};

/// (C, H, W), one image for this network.
template <class Net>
Shape<3> image_shape(const Net& net) {
  const Extents one = net.input_shape();
  check(one.rank == 3, "expected a network that takes images (C, H, W), got one that takes ", one);
  return one.shape<3>();
}

/// Image n of a data set as a batch of one, (1, C, H, W), scaled as in training.
template <class T = float>
Tensor<T, 4> image_at(const Dataset& data, Index n) {
  check(0 <= n && n < data.size(), "image: expected an index in [0, ", data.size(), "), got ", n);
  auto images = batches<T>(data, 1, {.shuffle = false});
  return Tensor<T, 4>(images[n].images);
}

/// A black image of a data set (every pixel 0), (1, C, H, W), scaled as in training: a
/// baseline that shows nothing.
template <class T = float>
Tensor<T, 4> black_image(const Dataset& data) {
  Tensor<T, 4> image(data.images.shape().with_batch(1));
  for (Index c = 0; c < image.extent(1); ++c)
    image[0][c].fill(static_cast<T>(data.scaling.to_input(0, c)));
  return image;
}

/// What a layer computed as maps: (N, C, H, W) as it is, anything else as N
/// examples of F maps (N, F, 1, 1).
template <class T>
View<T, 4> as_maps(const AnyView<T>& x) {
  if (x.extents.rank == 4) return x.template as<4>();
  const Index N = x.extents.at[0], F = x.extents.with_batch(1).size();
  return {x.data, Shape{N, F, Index{1}, Index{1}}};
}

/// The result for the layer with this path, out of a list with one for every layer; for a layer
/// made of others that of its last. Throws with the paths there are when there is no such layer.
template <class Result>
Result of_layer(const std::vector<Result>& results, std::string_view path) {
  for (std::size_t k = results.size(); k-- > 0;)
    if (detail::is_within(results[k].layer, path)) return results[k];
  std::string all;
  for (const Result& result : results) all += concat(" ", result.layer);
  fail("there is no layer ", path, ", only", all);
}

namespace detail {

// What either front returns, a View or an AnyView, as a view of R axes.
template <class T, std::size_t R>
View<T, R> with_rank(const AnyView<T>& x) {
  return x.template as<R>();
}

// The logits (N, K) of x.
template <Classifier Net>
View<const typename Net::value_type, 2> logits_of(const Net& net, ImagesOf<Net> x,
                                                  Workspace<Net>& w) {
  return with_rank<const typename Net::value_type, 2>(net.forward(x, w, Mode::eval));
}

inline void check_layer(const char* what, std::string_view layer) {
  check(!layer.empty(), what,
        ": expected the path of a layer, as in {.layer = \"conv2\"}, got none");
}

// How many images the pages of explain/ put through a network at a time.
inline constexpr Index explain_batch = 64;

// The images in their order; throws when there is none.
template <class T>
Batches<T> in_order(const char* what, const Dataset& data) {
  check(data.size() > 0, what, ": expected one image or more, got an empty data set");
  return batches<T>(data, std::min(data.size(), explain_batch), {.shuffle = false});
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
