// SPDX-License-Identifier: MIT
//
// cifar_train: 94 % of CIFAR-10 on a CPU in minutes. Writes model.safetensors, metrics.json and
// pictures into --out.
#include <chrono>
#include <cstdio>
#include <optional>

#include "cifar/cifar_cnn.hpp"
#include "cifar/pictures.hpp"
#include "cifar/six_views.hpp"
#include "fovea/data/cifar.hpp"
#include "fovea/fused/conv_pool.hpp"
#include "fovea/io/model_file.hpp"
#include "support/checkpoints.hpp"
#include "support/find_data.hpp"
#include "support/metrics_json.hpp"
#include "support/options.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "support/ranks.hpp"

using namespace fovea;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::uint64_t epochs_of_first_bias = 3;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Run {
  CifarOptions options;
  Dataset train, test;
  const CheckpointFile* checkpoint = nullptr;  // of rank 0
  Ranks* ranks = nullptr;
};

struct Result {
  std::vector<float> losses = {};         // of each step, a mean over its images
  std::vector<EpochMetrics> epochs = {};  // those that were finished
};

template <class Net>
Result train(Net& net, const Run& run) {
  const CifarOptions& o = run.options;
  const Index batch = o.batch_size, steps_of_epoch = run.train.size() / batch;
  const auto epochs = static_cast<std::uint64_t>(o.epochs);
  const double steps = static_cast<double>(o.epochs) * static_cast<double>(steps_of_epoch);
  auto muon = cifar::optimizer(net, batch);
  const cifar::Rates rates;
  Result done;
  Ranks& ranks = *run.ranks;
  TrainingState at;
  double seconds = 0;  // of this epoch
  if (run.checkpoint || ranks.size() > 1) {
    const auto text = [](const auto& value) { return nlohmann::json(value).dump(); };
    at.run = {{"training images", fingerprint(run.train)},
              {"--epochs", text(o.epochs)},
              {"--batch-size", text(o.batch_size)},
              {"--seed", text(o.seed)}};
    if (ranks.size() > 1) begin_alike(ranks, at.run);
    auto w = net.workspace(1, {.threads = 1, .seed = o.seed});
    if (run.checkpoint && run.checkpoint->load(net, muon, w, at)) {
      Measured measured = measured_in(at.notes, run.checkpoint->path());
      done.epochs = std::move(measured.epochs);
      seconds = measured.seconds;
    }
    continue_alike(ranks, net, muon, w, at);
  }

  std::optional<Workspace<Net>> w;
  std::optional<SharedBatches<float>> shared;
  const auto begin_epoch = [&] {
    const bool first = at.epoch < epochs_of_first_bias;
    if (w && at.epoch != epochs_of_first_bias) return;
    shared.reset();
    w.reset();  // before the next one is made: each has most of a gigabyte
    w.emplace(net.workspace(
        largest_part(batch, ranks.size()),
        {.threads = o.threads,
         .seed = o.seed,
         .recompute = true,
         .frozen = first ? cifar::never_trained : cifar::first_layer_or_never_trained},
        conv_pool<float>));
    w->step = muon.steps();
    shared.emplace(ranks, *w);
  };
  const auto save = [&] {
    if (!run.checkpoint) return;
    at.notes = to_notes({done.epochs, seconds});
    run.checkpoint->save(net, muon, *w, at);
  };

  while (at.epoch < epochs && !all_interrupted(ranks)) {
    begin_epoch();
    const int epoch = static_cast<int>(at.epoch) + 1;
    Progress progress(concat("epoch ", epoch, "/", o.epochs), steps_of_epoch * batch, o.quiet);
    auto start = Clock::now();
    for (const auto& [images, labels] : batches(run.train, batch,
                                                {.seed = o.seed,
                                                .epoch = at.epoch,
                                                .first_step = static_cast<Index>(at.step),
                                                .threads = o.threads,
                                                .parts = ranks.size(),
                                                .part = ranks.rank()},
                                                Augment{.mirror = Mirror::alternate, .crop = 2})) {
      if (static_cast<Index>(at.step) == steps_of_epoch) break;  // the last partial batch
      shared->begin(batch);
      const double left = 1 - static_cast<double>(muon.steps()) / steps;
      muon.options.learning_rate = rates.filters * left;
      muon.options.rest.learning_rate = rates.biases * left;
      const float loss =
          cross_entropy(net.forward(images, *w), labels, w->output_gradient(),
                        {.smoothing = 0.2, .reduction = Reduction::sum, .part = w->part});
      check(std::isfinite(loss), "the loss is ", loss, " at epoch ", epoch, ", step ", at.step + 1,
            ": expected a finite number");
      net.backward(*w);
      shared->finish();
      muon.step(net, *w);
      if (muon.steps() % steps_between_comparisons == 0)
        check_same_weights(ranks, net, muon.steps());
      at.losses.push_back(loss / static_cast<float>(batch));
      at.loss_sum += static_cast<double>(loss);
      at.step += 1;
      const Index seen = static_cast<Index>(at.step) * batch;
      progress.update(seen, at.loss_sum / static_cast<double>(seen));
      if (run.checkpoint && at.step % static_cast<std::uint64_t>(o.every) == 0) {
        seconds += since(start);
        save();
        start = Clock::now();
      }
      if (all_interrupted(ranks)) break;
    }
    seconds += since(start);
    progress.finish();
    if (static_cast<Index>(at.step) < steps_of_epoch) break;  // this epoch was not measured

    Accuracy accuracy;
    if (ranks.rank() == 0) accuracy = evaluate(net, run.test, {.threads = o.threads}).accuracy();
    const auto seen = static_cast<double>(steps_of_epoch * batch);
    const double loss = at.loss_sum / seen;
    done.epochs.push_back({epoch, loss, accuracy.percent(), seconds, seen / seconds});
    if (!o.quiet) {
      std::printf("epoch %d/%d  loss %.4f  one view %.2f %%  %.1f s, %.0f images/s\n", epoch,
                  o.epochs, loss, accuracy.percent(), seconds, seen / seconds);
      std::fflush(stdout);
    }
    at.epoch += 1;
    at.step = 0;
    at.loss_sum = seconds = 0;
    save();
  }
  if (w && at.step > 0) save();  // interrupted in the middle of an epoch
  if (all_interrupted(ranks)) interrupt();
  done.losses = std::move(at.losses);
  return done;
}

int run_training(const CifarOptions& given, Ranks& ranks) {
  CifarOptions options = given;
  const bool writes = ranks.rank() == 0;
  options.quiet = options.quiet || !writes;
  const auto say = [&](const std::string& line) {
    if (!options.quiet) std::puts(line.c_str());
  };
  if (writes) prepare_directory(options.out);
  const auto checkpoint =
      open_checkpoint(writes ? options.checkpoint : std::filesystem::path{}, options.resume);
  std::filesystem::path found;
  Run run{options, {}, {}, checkpoint ? &*checkpoint : nullptr, &ranks};
  auto data = find_cifar10(options.data, found);
  run.train = std::move(data.train), run.test = std::move(data.test);
  if (options.hold_out > 0)
    std::tie(run.train, run.test) = stratified_split(run.train, options.hold_out, 0);
  if (options.limit > 0 && options.limit < run.train.size())
    run.train = run.train.part(0, options.limit);
  check(options.batch_size <= run.train.size(), "--batch-size: expected at most the ",
        run.train.size(), " training images, found ", options.batch_size);

  Rng rng{options.seed};
  auto net = cifar::cifar_cnn<float>(rng);
  const int threads = resolve_threads(options.threads);
  say(concat(build_line(threads),
             ranks.size() > 1 ? concat(" on each of ", ranks.size(), " ranks") : std::string()));
  say(concat("CIFAR-10 from ", found.string(), ": ", run.train.size(), " images to train on, ",
             run.test.size(), options.hold_out > 0 ? " held out" : "", " to test with\n"));
  say(summary(net));

  // Everything from the data in memory to the last weights counts: whitening and augmentation, too.
  const auto start = Clock::now();
  cifar::prepare(net, run.train);
  const double whitening = since(start);
  const Result done = train(net, run);
  print_waiting(ranks, options.quiet);
  if (!writes) return interrupted() ? interrupted_status : 0;
  double seconds = whitening;
  for (const auto& e : done.epochs) seconds += e.seconds;

  Metrics metrics{"cifar10",    net.parameter_count(), threads, std::string(build_info().isa),
                  options.seed, done.epochs,           {}};
  if (options.hold_out > 0) metrics.held_out = options.hold_out;
  if (with_mpi) metrics.ranks = ranks.size();
  if (done.losses.empty()) {
    write_file(options.out / "metrics.json", to_json(metrics));
    return interrupted_status;
  }
  const Predictor predictor{net, 500};
  auto scratch = predictor.scratch(options.threads);
  const auto judged =
      cifar::judge(run.test, [&](View<const float, 4> x) { return predictor(x, scratch); });
  const auto six = judged.six_views.accuracy(), one = judged.one_view.accuracy();
  if (done.epochs.size() == static_cast<std::size_t>(options.epochs)) {
    metrics.test_accuracy = six.percent();
    metrics.test_accuracy_one_view = one.percent();
    metrics.training_seconds = seconds;
  }
  write_file(options.out / "metrics.json", to_json(metrics));
  save_model(options.out / "model.safetensors", net, run.train.scaling,
             {{"trained.on", "cifar10"}, {"trained.steps", to_string(done.losses.size())}});
  cifar::write_pictures({.network = summary(net),
                         .filters = std::get<0>(net.layers()).weight,
                         .test = &run.test,
                         .judged = &judged,
                         .judged_by = options.hold_out > 0 ? "held-out images" : "test images",
                         .losses = done.losses,
                         .steps_per_epoch = run.train.size() / options.batch_size,
                         .seconds = seconds},
                        options.out);
  const auto [low, high] = six.interval();
  std::printf("%ssix views %.2f %% (95 %%: %.2f-%.2f), one view %.2f %%, trained in %.0f s\n",
              options.quiet ? "" : "\n", six.percent(), low, high, one.percent(), seconds);
  if (interrupted()) say("Stopped by Ctrl-C; what was measured so far is kept.");
  if (interrupted() && checkpoint)
    say(concat("Add --resume to go on from ", options.checkpoint.string(), "."));
  say(concat("model.safetensors, metrics.json, report.html and the pictures are in ",
             options.out.string()));
  return interrupted() ? interrupted_status : 0;
}

}  // namespace

int main(int argc, char** argv) {
  static Ranks ranks;  // left by std::exit, too
  std::optional<SilentErrors> silent(std::in_place, ranks.rank() > 0);
  const auto options = parse_cifar_options(argc, argv);
  silent.reset();
  catch_interrupt(ranks.size() > 1);
  return run_on_ranks("cifar_train", ranks, [&] { return run_training(options, ranks); });
}
