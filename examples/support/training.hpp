// SPDX-License-Identifier: MIT
//
// The training loop of the programs, with a progress bar and a line for every epoch.
//
//   const Training done = train(net, data.train, data.test, recipe);
//
// With a checkpoint file, training goes on where that was written, to the same bits as if it had never
// stopped, and writes it again every so many steps, after every epoch, and on Ctrl-C.
//
// A hook turns a batch into what the network is trained on, for instance into the worst images within
// reach:  train(net, data.train, data.test, recipe, [&](const Net& n, auto images, auto labels,
// Index first) { return attack(n, images, labels, first); })
#pragma once

#include <chrono>
#include <cmath>
#include <cstdio>

#include "fovea/fovea.hpp"
#include "support/checkpoints.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/ranks.hpp"

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
  const fovea::CheckpointFile* checkpoint = nullptr;
  std::uint64_t checkpoint_every = 500;  // steps
  Ranks* ranks = nullptr;                // that train together; rank 0 alone has a checkpoint
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

/// What must not differ when training goes on. Threads may: they change no bit.
inline fovea::Metadata run_of(const Recipe& r, const fovea::Dataset& data,
                              const fovea::Dataset& test) {
  const auto text = [](const auto& value) { return nlohmann::json(value).dump(); };
  const fovea::Augment& a = r.augment;
  return {{"training images", fingerprint(data)},
          {"test images", fingerprint(test)},
          {"--epochs", text(r.epochs)},
          {"--batch-size", text(r.batch_size)},
          {"--learning-rate", text(r.learning_rate)},
          {"--schedule", r.schedule},
          {"--seed", text(r.seed)},
          {"augmentation", text(std::vector<double>{a.shift, a.rotate, a.scale, a.noise})}};
}

/// Trains `net`; after Ctrl-C with what was finished. `hook(net, images, labels, first)` gets the
/// number of images seen before.
template <class Net, class Hook = AsTheyAre>
Training train(Net& net, const fovea::Dataset& data, const fovea::Dataset& test, const Recipe& r,
               const Hook& hook = {}) {
  using namespace fovea;
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  Ranks alone;
  Ranks& ranks = r.ranks ? *r.ranks : alone;
  auto w = net.workspace(largest_part(r.batch_size, ranks.size()),
                         {.threads = r.threads, .seed = r.seed});
  SharedBatches shared{ranks, w};
  Adam adam{net, {.learning_rate = r.learning_rate}};
  Training done{.confusion = ConfusionMatrix(data.classes)};
  const Index per_epoch = (data.size() + r.batch_size - 1) / r.batch_size;
  const auto steps = static_cast<std::uint64_t>(r.epochs * per_epoch);
  const std::string prefix = r.name.empty() ? "" : r.name + ", ";
  const auto judge = [&] { done.confusion = evaluate(net, test, {.threads = r.threads}); };

  TrainingState at;
  double seconds = 0;  // of this epoch
  if (r.checkpoint) {
    at.run = run_of(r, data, test);
    if (r.checkpoint->load(net, adam, w, at)) {
      Measured measured = measured_in(at.notes, r.checkpoint->path());
      done.epochs = std::move(measured.epochs);
      seconds = measured.seconds;
      if (!done.epochs.empty()) judge();
    }
  }
  continue_alike(ranks, net, adam, w, at);
  const auto save = [&] {
    if (!r.checkpoint) return;
    at.notes = to_notes({done.epochs, seconds});
    r.checkpoint->save(net, adam, w, at);
  };

  while (at.epoch < static_cast<std::uint64_t>(r.epochs) && !all_interrupted(ranks)) {
    const int epoch = static_cast<int>(at.epoch) + 1;
    Progress progress(concat(prefix, "epoch ", epoch, "/", r.epochs), data.size(), r.quiet);
    auto start = Clock::now();
    Index seen = std::min(static_cast<Index>(at.step) * r.batch_size, data.size());
    for (const auto& [images, labels] : batches(data, r.batch_size,
                                                {.seed = r.seed,
                                                .epoch = at.epoch,
                                                .first_step = static_cast<Index>(at.step),
                                                .threads = r.threads,
                                                .parts = ranks.size(),
                                                .part = ranks.rank()},
                                                r.augment)) {
      const Index whole = std::min(r.batch_size, data.size() - seen);
      shared.begin(whole);
      adam.options.learning_rate = learning_rate(r, steps, adam.steps());
      const auto x = hook(std::as_const(net), images, labels, (epoch - 1) * data.size() + seen);
      const auto logits = net.forward(x, w);
      const float loss = cross_entropy(logits, labels, w.output_gradient(), {.part = w.part});
      check(std::isfinite(loss), "the loss is ", loss, " at epoch ", epoch, ", step ", at.step + 1,
            ": expected a finite number (is the learning rate of ", r.learning_rate,
            " too large?)");
      net.backward(w);
      shared.finish();
      adam.step(net, w);
      if (adam.steps() % steps_between_comparisons == 0)
        check_same_weights(ranks, net, adam.steps());
      at.losses.push_back(loss);
      at.loss_sum += static_cast<double>(loss) * static_cast<double>(whole);
      at.step += 1;
      seen += whole;
      progress.update(seen, at.loss_sum / static_cast<double>(seen));
      if (r.checkpoint && at.step % r.checkpoint_every == 0) {
        seconds += since(start);
        save();
        start = Clock::now();
      }
      if (all_interrupted(ranks)) break;
    }
    seconds += since(start);
    progress.finish();
    if (seen < data.size()) break;  // interrupted: this epoch was not measured

    if (ranks.rank() == 0) judge();
    const auto accuracy = done.confusion.accuracy();
    const auto [low, high] = accuracy.interval();
    const double loss = at.loss_sum / static_cast<double>(seen),
                 speed = static_cast<double>(seen) / seconds;
    done.epochs.push_back({epoch, loss, accuracy.percent(), seconds, speed});
    if (!r.quiet) {
      print_parts(
          {concat(prefix, "epoch ", epoch, "/", r.epochs), "loss " + formatted(loss, 4, 'f'),
           concat("test ", formatted(accuracy.percent(), 2, 'f'),
                  " % (95 %: ", formatted(low, 2, 'f'), "-", formatted(high, 2, 'f'), ")"),
           concat(formatted(seconds, 1, 'f'), " s, ", formatted(speed, 0, 'f'), " images/s")});
      std::fflush(stdout);
    }
    at.epoch += 1;
    at.step = 0;
    at.loss_sum = seconds = 0;
    save();
  }
  if (at.step > 0) save();  // interrupted in the middle of an epoch
  if (all_interrupted(ranks)) interrupt();
  done.losses = std::move(at.losses);
  return done;
}
