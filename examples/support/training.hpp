// SPDX-License-Identifier: MIT
//
// The training loop of the programs, with a progress bar and a line for every epoch.
//
//   const Training done = train(net, data.train, data.test, recipe);
//
// A hook turns a batch into what the network is trained on, for instance into the worst images within
// reach:  train(net, data.train, data.test, recipe, [&](const Net& n, auto images, auto labels,
// Index first) { return attack(n, images, labels, first); })
#pragma once

#include <chrono>
#include <cmath>
#include <cstdio>

#include "fovea/fovea.hpp"
#include "support/interrupt.hpp"
#include "support/metrics_json.hpp"
#include "support/progress.hpp"

/// How a network is trained.
struct Recipe {
  std::string name = {};  // written before the epochs; empty: there is only one network
  int epochs = 3;
  fovea::Index batch_size = 64;
  double learning_rate = 1e-3;
  std::string schedule = "constant";
  fovea::Augment augment = {};
  std::uint64_t seed = 1;
  int threads = 0;
  bool quiet = false;
};

struct Training {
  std::vector<float> losses = {};         // one for each step
  std::vector<EpochMetrics> epochs = {};  // those that were finished
  fovea::ConfusionMatrix confusion;       // of the test images, after the last of them
};

inline double learning_rate(const Recipe& r, std::uint64_t steps, std::uint64_t t) {
  if (r.schedule == "cosine") return fovea::Cosine{.rate = r.learning_rate, .steps = steps}(t);
  if (r.schedule == "one-cycle") return fovea::OneCycle{.peak = r.learning_rate, .steps = steps}(t);
  return fovea::Constant{r.learning_rate}(t);
}

/// The hook that changes nothing.
struct AsTheyAre {
  template <class Net, class Images, class Labels>
  Images operator()(const Net&, Images images, Labels, fovea::Index) const {
    return images;
  }
};

/// Trains `net`; after Ctrl-C with what was finished. `hook(net, images, labels, first)` gets the
/// number of images seen before.
template <class Net, class Hook = AsTheyAre>
Training train(Net& net, const fovea::Dataset& data, const fovea::Dataset& test, const Recipe& r,
               const Hook& hook = {}) {
  using namespace fovea;
  using Clock = std::chrono::steady_clock;
  auto pass = net.pass(r.batch_size, {.threads = r.threads, .seed = r.seed});
  Adam adam{net, {.learning_rate = r.learning_rate}};
  Training done{.confusion = ConfusionMatrix(data.classes)};
  const Index per_epoch = (data.size() + r.batch_size - 1) / r.batch_size;
  const auto steps = static_cast<std::uint64_t>(r.epochs * per_epoch);
  const std::string prefix = r.name.empty() ? "" : r.name + ", ";

  for (int epoch = 1; epoch <= r.epochs && !interrupted(); ++epoch) {
    Progress progress(concat(prefix, "epoch ", epoch, "/", r.epochs), data.size(), r.quiet);
    const auto start = Clock::now();
    double loss_sum = 0;
    Index seen = 0;
    for (const auto& [images, labels] : batches(data, r.batch_size,
                                                {.seed = r.seed,
                                                .epoch = static_cast<std::uint64_t>(epoch - 1),
                                                .augment = r.augment,
                                                .threads = r.threads})) {
      adam.options.learning_rate = learning_rate(r, steps, adam.clock());
      const auto x = hook(std::as_const(net), images, labels, (epoch - 1) * data.size() + seen);
      const auto logits = net.forward(x, pass);
      const float loss = cross_entropy(logits, labels, pass.dlogits());
      check(std::isfinite(loss), "the loss is ", loss, " at epoch ", epoch, ", step ",
            seen / r.batch_size + 1, ": expected a finite number (is the learning rate of ",
            r.learning_rate, " too large?)");
      net.backward(x, pass);
      adam.step(net, pass);
      done.losses.push_back(loss);
      loss_sum += static_cast<double>(loss) * static_cast<double>(labels.size());
      seen += labels.size();
      progress.update(seen, loss_sum / static_cast<double>(seen));
      if (interrupted()) break;
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    progress.finish();
    if (seen < data.size()) break;  // interrupted: this epoch was not measured

    done.confusion = evaluate(net, batches(test, 100, {.shuffle = false}), test.classes, r.threads);
    const auto accuracy = done.confusion.accuracy();
    const auto [low, high] = accuracy.interval();
    const double loss = loss_sum / static_cast<double>(seen),
                 speed = static_cast<double>(seen) / seconds;
    done.epochs.push_back({epoch, loss, accuracy.percent(), seconds, speed});
    if (r.quiet) continue;
    std::printf(
        "%sepoch %d/%d  loss %.4f  test accuracy %.2f %% (95 %%: %.2f-%.2f)  %.1f s, %.0f "
        "images/s\n",
        prefix.c_str(), epoch, r.epochs, loss, accuracy.percent(), low, high, seconds, speed);
    std::fflush(stdout);
  }
  return done;
}
