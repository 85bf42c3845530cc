// SPDX-License-Identifier: MIT
//
// Probes: the two questions that explanations ask a network, about many versions of one image.
//
//   what does it say?          z(x_1), ..., z(x_M)                       probe_logits
//   what does it look at?      1/M sum over m of d z_k / dx at x_m       probe_gradient
//
//   x (C, H, W)    z (K) logits    k the class in question
//
// Occlusion, deletion and insertion ask the first; the gradient (M = 1), SmoothGrad and integrated
// gradients ask the second. They differ in the versions x_m they draw, and in nothing else:
//
//   const auto z = probe_logits(net, 10, [&](Index m, View<float, 3> x) { ... x_m ... }, threads);
//
// Always the logit, never the softmax: a probability also moves when other classes do, and where
// the network is sure its gradient vanishes. With s = <z, e_k> = z_k, one backward of the one-hot
// vector e_k is the gradient; rows of a batch do not meet in eval mode, so a batch answers N
// questions.
#pragma once

#include <string_view>

#include "fovea/core/parallel.hpp"
#include "fovea/explain/layers.hpp"

namespace fovea::inline FOVEA_ABI {

/// K, the number of logits.
template <Classifier Net>
Index class_count(const Net& net) {
  const Extents logits = net.output_shape();
  check(logits.rank == 1, "expected a network that says logits (K), got one that says ", logits);
  return logits.at[0];
}

/// Throws, in the name of `what`, unless `image` is one image (1, C, H, W) and k one of the
/// classes.
template <Classifier Net>
void check_question(std::string_view what, const Net& net, ImagesOf<Net> image, Index k) {
  const auto one = image_shape(net).prepend(1);
  check(image.shape() == one, what, ": expected one image ", one, ", got ", image.shape());
  check(0 <= k && k < class_count(net), what, ": expected a class in [0, ", class_count(net),
        "), got ", k);
}

namespace detail {

// The baseline of some options, (1, C, H, W), or zeros if there is none.
template <Classifier Net>
Tensor<typename Net::value_type, 4> baseline_or_zeros(std::string_view what, const Net& net,
                                                      ImagesOf<Net> baseline) {
  const auto one = image_shape(net).prepend(1);
  if (baseline.empty()) return Tensor<typename Net::value_type, 4>(one);
  check(baseline.shape() == one, what, ": expected one image ", one, " as baseline, got ",
        baseline.shape());
  return Tensor<typename Net::value_type, 4>(baseline);
}

}  // namespace detail

/// The logits (N, K) of x (N, C, H, W); `w.input_gradient()` then is d z[n, classes[n]] / dx[n], if
/// the workspace was made with {.input_gradient = true}.
template <Classifier Net>
auto logit_gradient(const Net& net, ImagesOf<Net> x, View<const Label, 1> classes,
                    Workspace<Net>& w) {
  const auto logits = detail::logits_of(net, x, w);
  const auto dlogits = detail::with_rank<typename Net::value_type, 2>(w.output_gradient());
  dlogits.fill(0);
  for (Index n = 0; n < x.extent(0); ++n) dlogits.at(n, classes[n]) = 1;
  net.backward(w);
  return logits;
}

namespace detail {

// Calls use(first, images) for batches of the `count` images that draw(m, image) writes, m in
// [0, count): several at a time, so draw may write its image and nothing else.
template <Classifier Net, class Draw, class Use>
void for_each_probe(const Net& net, Index count, int threads, const Draw& draw, const Use& use) {
  const Index capacity = std::min(count, explain_batch);
  Tensor<typename Net::value_type, 4> x(image_shape(net).prepend(capacity));
  for (Index first = 0; first < count; first += capacity) {
    const auto part = x.sub(0, std::min(capacity, count - first));
    parallel_for(threads, part.extent(0), [&](Index n, int) { draw(first + n, part[n]); });
    use(first, part);
  }
}

}  // namespace detail

/// The logits (count, K) of the images that draw(m, View<T, 3> image) writes for m in [0, count).
template <Classifier Net, class Draw>
Tensor<typename Net::value_type, 2> probe_logits(const Net& net, Index count, const Draw& draw,
                                                 int threads) {
  auto w = net.workspace(std::min(count, detail::explain_batch),
                         {.keep = Keep::output, .threads = threads});
  Tensor<typename Net::value_type, 2> logits(Shape{count, class_count(net)});
  detail::for_each_probe(net, count, w.threads(), draw, [&](Index first, ImagesOf<Net> x) {
    const auto z = detail::logits_of(net, x, w);
    std::copy(z.begin(), z.end(), logits.sub(first, x.extent(0)).begin());
  });
  return logits;
}

/// The mean gradient (C, H, W) of logit k over the images that draw(m, View<T, 3> image) writes.
template <Classifier Net, class Draw>
Tensor<typename Net::value_type, 3> probe_gradient(const Net& net, Index k, Index count,
                                                   const Draw& draw, int threads) {
  using T = typename Net::value_type;
  auto w =
      net.workspace(std::min(count, detail::explain_batch),
                    {.input_gradient = true, .parameter_gradients = false, .threads = threads});
  const Tensor<Label, 1> classes(Shape{w.capacity()}, static_cast<Label>(k));
  Tensor<double, 3> sum(image_shape(net));
  detail::for_each_probe(net, count, w.threads(), draw, [&](Index, ImagesOf<Net> x) {
    logit_gradient(net, x, classes.sub(0, x.extent(0)), w);
    const auto all = detail::with_rank<const T, 4>(w.input_gradient());
    for (Index n = 0; n < x.extent(0); ++n) {
      const auto dx = all[n];
      for (Index i = 0; i < dx.size(); ++i) sum.data()[i] += static_cast<double>(dx.data()[i]);
    }
  });
  return map(sum, [&](double s) { return static_cast<T>(s / static_cast<double>(count)); });
}

}  // namespace fovea::inline FOVEA_ABI
