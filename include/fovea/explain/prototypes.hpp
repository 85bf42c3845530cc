// SPDX-License-Identifier: MIT
//
// Prototypes: the image that excites a class most. Start from grey and climb the logit in the
// pixels (Erhan et al.: Visualizing higher-layer features of a deep network, 2009; Simonyan,
// Vedaldi, Zisserman: Deep inside convolutional networks, 2013):
//
//   p <- clamp((1 - decay) (p + rate g / rms(g))),    g = d z_k / dp,    0 <= p <= 1
//
//   p (C, H, W) pixels    z_k the logit of class k, of which the network sees (p - mean) / std
//
// Without help this ends in noise that excites the network and tells a human nothing. Three habits
// prefer images that look like something: decay (the L2 penalty) takes away what is not worth its
// brightness, a blur every few steps what is finer than a stroke, and jitter, a shift by some
// pixels and back, what works at one place only.
//
// How to read it: not a typical image of the class, but what the network takes for more of it than
// any real one. What is missing in the picture, it does not need.
//
//   const auto result = prototypes(net, Tensor<Label, 1>{3, 8}, train.scaling);
//   result.images[0], result.probabilities(0)            // a three
#pragma once

#include <cmath>

#include "fovea/explain/probe.hpp"

namespace fovea::inline FOVEA_ABI {

/// How an image climbs.
struct PrototypeOptions {
  Index steps = 256;       ///< gradients taken
  double rate = 0.05;      ///< root mean square of what one step adds to the pixels
  double decay = 0.02;     ///< the share of every pixel that one step takes away
  Index blur_every = 4;    ///< steps between two blurs by (1 2 1) / 4 in rows and columns; 0: none
  Index jitter = 2;        ///< the largest shift in rows and columns
  std::uint64_t seed = 0;  ///< image and shifts are functions of (seed, class, step)
  int threads = 0;         ///< 0: OMP_NUM_THREADS, or all
};

/// An image for each class, and what the network says about it.
template <class T>
struct Prototypes {
  Tensor<T, 4> images;         ///< (N, C, H, W), pixels in [0, 1]
  Tensor<T, 1> logits;         ///< (N): of the class of each image
  Tensor<T, 1> probabilities;  ///< (N)
};

namespace detail {

// Each row, then each column, becomes (1 2 1) / 4 of itself; the border is repeated outwards.
template <class T>
void blur_plane(View<T, 2> x) {
  const auto [H, W] = x.shape();
  const auto line = [&](T* first, Index count, Index stride) {
    T before = first[0];
    for (Index i = 0; i < count; ++i) {
      const T here = first[i * stride], after = i + 1 < count ? first[(i + 1) * stride] : here;
      first[i * stride] = (before + 2 * here + after) / 4;
      before = here;
    }
  };
  for (Index h = 0; h < H; ++h) line(x.data() + h * W, W, 1);
  for (Index w = 0; w < W; ++w) line(x.data() + w, H, W);
}

// f(i, j) for every element i of an image and the place j that a circular shift takes it to.
template <class F>
void for_each_shifted(const Shape<3>& shape, Index down, Index right, const F& f) {
  const auto [C, H, W] = shape;
  for (Index c = 0, i = 0; c < C; ++c)
    for (Index h = 0; h < H; ++h)
      for (Index w = 0; w < W; ++w, ++i)
        f(i, (c * H + (h + down + H) % H) * W + (w + right + W) % W);
}

}  // namespace detail

/// One image for each of `classes` (N).
template <Classifier Net>
Prototypes<typename Net::value_type> prototypes(const Net& net, View<const Label, 1> classes,
                                                const Scaling& scaling,
                                                const PrototypeOptions& o = {}) {
  using T = typename Net::value_type;
  const Index N = classes.extent(0), K = class_count(net);
  const auto shape = image_shape(net);  // (C, H, W)
  check(N > 0, "prototypes: expected one class or more, got none");
  for (const Label k : classes)
    check(0 <= k && k < K, "prototypes: expected classes in [0, ", K, "), got ", k);
  check(o.steps >= 1, "prototypes: expected 1 step or more, got ", o.steps);
  check(o.rate > 0, "prototypes: expected a rate > 0, got ", o.rate);
  check(0 <= o.decay && o.decay < 1, "prototypes: expected a decay in [0, 1), got ", o.decay);
  check(o.blur_every >= 0, "prototypes: expected blur_every of 0 or more, got ", o.blur_every);
  check(0 <= o.jitter && o.jitter < std::min(shape[1], shape[2]),
        "prototypes: expected a jitter of 0 or more and less than the image, got ", o.jitter);

  auto workspace = net.workspace(
      N, {.input_gradient = true, .parameter_gradients = false, .threads = o.threads});
  Tensor<T, 4> pixels(shape.prepend(N)), x(shape.prepend(N));
  for (Index n = 0; n < N; ++n) {
    Rng rng{o.seed, classes[n]};
    for (T& p : pixels[n]) p = static_cast<T>(0.5 + 0.1 * rng.uniform(-1, 1));
  }
  scaling.validate(shape[0]);
  // What the network sees of pixel i of an image.
  const auto input = [&](T p, Index i) {
    return static_cast<T>(scaling.to_input(static_cast<double>(p), i / (shape[1] * shape[2])));
  };
  for (Index step = 0; step < o.steps; ++step) {
    // The shift of image n in this step, the same on the way there and back.
    const auto shifted = [&](Index n, const auto& f) {
      Rng rng{o.seed, classes[n], step};
      const Index down = rng.below(2 * o.jitter + 1) - o.jitter;
      const Index right = rng.below(2 * o.jitter + 1) - o.jitter;
      detail::for_each_shifted(shape, down, right, f);
    };
    parallel_for(workspace.threads(), N, [&](Index n, int) {
      shifted(n, [&](Index i, Index j) { x[n].data()[j] = input(pixels[n].data()[i], i); });
    });
    logit_gradient(net, x, classes, workspace);
    const auto dx = detail::with_rank<const T, 4>(workspace.input_gradient());
    parallel_for(workspace.threads(), N, [&](Index n, int) {
      const auto image = pixels[n];
      double square = 0;
      for (const T g : dx[n]) square += static_cast<double>(g) * static_cast<double>(g);
      const double size = std::sqrt(square / static_cast<double>(image.size()));
      const T rate = size > 0 ? static_cast<T>(o.rate / size) : T{0};
      const T keep = static_cast<T>(1 - o.decay);
      shifted(n, [&](Index i, Index j) {
        image.data()[i] = keep * (image.data()[i] + rate * dx[n].data()[j]);
      });
      if (o.blur_every > 0 && step % o.blur_every == o.blur_every - 1)
        for (Index c = 0; c < shape[0]; ++c) detail::blur_plane(image[c]);
      for (T& p : image) p = std::clamp(p, T{0}, T{1});
    });
  }

  const auto draw = [&](Index n, View<T, 3> image) {
    for (Index i = 0; i < image.size(); ++i) image.data()[i] = input(pixels[n].data()[i], i);
  };
  const auto z = probe_logits(net, N, draw, o.threads);
  const auto p = softmax(z);
  Prototypes<T> result{std::move(pixels), Tensor<T, 1>(Shape{N}), Tensor<T, 1>(Shape{N})};
  for (Index n = 0; n < N; ++n) {
    result.logits(n) = z(n, classes[n]);
    result.probabilities(n) = p(n, classes[n]);
  }
  return result;
}

}  // namespace fovea::inline FOVEA_ABI
