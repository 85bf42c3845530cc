// SPDX-License-Identifier: MIT
//
// Attacks: the worst image within reach. No pixel may move by more than epsilon, and the loss shall
// become as large as possible:
//
//   max over p' of L(f(p'), label)    with |p' - p| <= epsilon and 0 <= p' <= 1, pixel by pixel
//
//   p' = p + u, u = 0 or uniform in [-epsilon, epsilon]   the start
//   p' = clamp(p' + step sign(dL/dp'))                    a step up the loss, and back into the box
//
// One such loop is three attacks:
//
//   fgsm(e)        one step of e from p (Goodfellow, Shlens, Szegedy: Explaining and harnessing
//                  adversarial examples, ICLR 2015)
//   fast_fgsm(e)   one step of 1.25 e from a random start: enough to train with (Wong, Rice,
//                  Kolter: Fast is better than free, ICLR 2020)
//   pgd(e)         40 steps of min(0.01, e / 10) from a random start: what robustness is measured
//                  by (Madry et al.: Towards deep learning models resistant to adversarial
//                  attacks, ICLR 2018)
//
//   under_attack(net, test, pgd(0.3)).accuracy()              // what is left of a data set
//   Attack attack{net, 50, train.scaling, fast_fgsm(0.3)};    // batch by batch, to train with
//   const auto worse = attack(net, images, labels);
//
// A network sees x = (p - mean) / std, so the box is turned into bounds on x, once; to_pixel(x)
// keeps to it exactly, rounding included. Only the start may leave [0, 1], until the first step:
// were black pixels held at 0, half of them would start there, all of them end at 0 or epsilon, and
// a network trained on that resists nothing else. pgd leaves an image alone as soon as it is taken
// for another class.
//
// How to read the result: an upper bound of the accuracy. A better attack may find more.
#pragma once

#include "fovea/core/bits.hpp"
#include "fovea/explain/layers.hpp"
#include "fovea/train/metrics.hpp"

namespace fovea::inline FOVEA_ABI {

/// How far, how often and in which steps an attack moves the pixels.
struct AttackOptions {
  double epsilon = 0.3;       ///< radius of the ball in pixels, which are in [0, 1]
  Index steps = 40;           ///< gradients taken
  double step = 0.01;         ///< how far every pixel moves in one of them
  bool random_start = true;   ///< begin anywhere in the ball, a function of (seed, image)
  bool until_fooled = false;  ///< no further step for an image that is taken for another class
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: OMP_NUM_THREADS, or all
};

/// One step to the border of the ball (Goodfellow et al. 2015).
inline AttackOptions fgsm(double epsilon) {
  return {.epsilon = epsilon, .steps = 1, .step = epsilon, .random_start = false};
}
/// One step of 1.25 epsilon from a random start (Wong et al. 2020): to train against.
inline AttackOptions fast_fgsm(double epsilon) {
  return {.epsilon = epsilon, .steps = 1, .step = 1.25 * epsilon};
}
/// Forty steps of min(0.01, epsilon / 10) from a random start (Madry et al. 2018).
inline AttackOptions pgd(double epsilon) {
  return {.epsilon = epsilon, .step = std::min(0.01, epsilon / 10), .until_fooled = true};
}

/// Memory for attacks on batches of at most `capacity`; after the first batch nothing is allocated.
template <Classifier Net>
class Attack {
 public:
  using T = typename Net::value_type;

  /// For batches of at most `capacity`; throws on negative radii and steps.
  /// `net` may change between batches.
  Attack(const Net& net, Index capacity, const Scaling& scaling, const AttackOptions& options)
      : scaling_(scaling),
        options_(checked(options)),
        pass_(net.workspace(
            capacity,
            {.input_gradient = true, .parameter_gradients = false, .threads = options.threads})),
        x_(image_shape(net).prepend(capacity)),
        low_(x_.shape()),
        high_(x_.shape()),
        result_(x_.shape()),
        labels_(Shape{capacity}),
        number_(Shape{capacity}) {
    scaling.validate(x_.extent(1));
  }

  /// The images (N, C, H, W) made worse, good until the next call. `first` is the number of the
  /// first of them: image n starts where (seed, first + n) says, so no cut into batches changes
  /// anything.
  View<const T, 4> operator()(const Net& net, View<const T, 4> images, View<const Label, 1> labels,
                              Index first = 0) {
    const Index N = images.extent(0);
    check(0 < N && N <= x_.extent(0) && images.shape() == x_.shape().with_batch(N),
          "attack: expected images ", x_.shape(), " or fewer, got ", images.shape());
    check(labels.extent(0) == N, "attack: expected ", N, " labels, got ", labels.extent(0));
    parallel_for(pass_.threads(), N, [&](Index n, int) {
      start(images[n], Rng{options_.seed, first + n}, n);
      labels_(n) = labels[n];
      number_(n) = n;
    });
    Index left = N;  // those still under attack stand in front
    for (Index t = 0; t < options_.steps && left > 0; ++t) {
      const auto x = as_const(x_).sub(0, left);
      const auto logits = detail::logits_of(net, x, pass_);
      cross_entropy(logits, labels_.view().sub(0, left),
                    detail::with_rank<T, 2>(pass_.output_gradient()));
      net.backward(pass_);
      const auto dx = detail::with_rank<const T, 4>(pass_.input_gradient());
      const auto fooled = [&](Index n) {
        return options_.until_fooled && t > 0 && argmax(logits[n]) != labels_(n);
      };
      parallel_for(pass_.threads(), left, [&](Index n, int) {
        if (!fooled(n)) climb(dx[n], n);
      });
      for (Index n = left; n-- > 0;)
        if (fooled(n)) retire(n, --left);
    }
    for (Index n = 0; n < left; ++n) retire(n, n);
    return result_.view().sub(0, N);
  }

 private:
  static const AttackOptions& checked(const AttackOptions& o) {
    check(0 <= o.epsilon && o.epsilon <= 1, "attack: expected an epsilon in [0, 1], got ",
          o.epsilon);
    check(o.steps >= 1, "attack: expected 1 step or more, got ", o.steps);
    check(o.step >= 0, "attack: expected a step of 0 or more, got ", o.step);
    return o;
  }

  // The box around image n in network units, and where in the ball to start.
  void start(View<const T, 3> image, Rng rng, Index n) {
    const double epsilon = options_.epsilon;
    T *const x = x_[n].data(), *const lows = low_[n].data(), *const highs = high_[n].data();
    const Index plane = image.extent(1) * image.extent(2);
    for (Index i = 0; i < image.size(); ++i) {
      const Index c = i / plane;
      const auto pixel = [&](T input) { return scaling_.to_pixel(static_cast<double>(input), c); };
      const T from = image.data()[i];
      const double p = std::clamp(pixel(from), 0.0, 1.0);
      const double bottom = std::max(p - epsilon, 0.0), top = std::min(p + epsilon, 1.0);
      T low = static_cast<T>(scaling_.to_input(bottom, c));
      T high = static_cast<T>(scaling_.to_input(top, c));
      while (pixel(low) < bottom) low = detail::next_above(low);
      while (pixel(high) > top) high = -detail::next_above(-high);
      if (exactly_equal(epsilon, 0) || low > high) low = high = from;
      const double u = options_.random_start ? rng.uniform(-epsilon, epsilon) : 0.0;
      lows[i] = low;
      highs[i] = high;
      x[i] = static_cast<T>(static_cast<double>(from) + u / scaling_.std[c]);
    }
  }

  // x = clamp(x + step sign(dx))
  void climb(View<const T, 3> dx, Index n) {
    T* const x = x_[n].data();
    const T *const low = low_[n].data(), *const high = high_[n].data();
    const Index plane = dx.extent(1) * dx.extent(2);
    for (Index i = 0; i < dx.size(); ++i) {
      const auto step = static_cast<T>(options_.step / scaling_.std[i / plane]);
      const T g = dx.data()[i], move = g > T{0} ? step : g < T{0} ? -step : T{0};
      x[i] = std::min(std::max(x[i] + move, low[i]), high[i]);
    }
  }

  // Image n has its result; image `last` takes its place.
  void retire(Index n, Index last) {
    const auto copy = [](View<const T, 3> from, View<T, 3> to) {
      std::copy(from.begin(), from.end(), to.begin());
    };
    copy(x_[n], result_[number_(n)]);
    if (n == last) return;
    for (auto* const tensor : {&x_, &low_, &high_}) copy((*tensor)[last], (*tensor)[n]);
    labels_(n) = labels_(last);
    number_(n) = number_(last);
  }

  Scaling scaling_;
  AttackOptions options_;
  Workspace<Net> pass_;
  Tensor<T, 4> x_, low_, high_, result_;  // (capacity, C, H, W): the images, their box
  Tensor<Label, 1> labels_;               // (capacity)
  Tensor<Index, 1> number_;               // (capacity): which image of the batch stands there
};

/// What the network says of every image of a data set after an attack on it.
/// Throws on an empty data set.
template <Classifier Net>
ConfusionMatrix under_attack(const Net& net, const Dataset& data, const AttackOptions& o = {}) {
  auto images = detail::in_order<typename Net::value_type>("under_attack", data);
  Attack<Net> attack{net, images.batch_size(), data.scaling, o};
  auto w = net.workspace(images.batch_size(), {.keep = Keep::output, .threads = o.threads});
  ConfusionMatrix confusion(data.classes);
  Index first = 0;
  for (const auto& [x, labels] : images) {
    confusion.add(detail::logits_of(net, attack(net, x, labels, first), w), labels);
    first += x.extent(0);
  }
  return confusion;
}

}  // namespace fovea::inline FOVEA_ABI
