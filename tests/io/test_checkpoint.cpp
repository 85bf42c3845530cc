// SPDX-License-Identifier: MIT
#include "fovea/io/checkpoint.hpp"

#include "fovea/train/averages.hpp"
#include "fovea/train/stopping.hpp"
#include "support.hpp"

using namespace test;

namespace {

// With dropout, by itself and inside a residual block, which draws another mask in every step, and batch
// normalisation, which has buffers.
auto small_net(std::uint64_t seed) {
  Rng rng{seed};
  return Sequential{Shape{1, 28, 28},
                    Conv2d<float>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    BatchNorm2d<float>{{.channels = 8}},
                    Flatten{},
                    Dropout{},
                    Linear<float>{{.in = 8 * 14 * 14, .out = 10}, rng},
                    Residual{Chain{Dropout{}, Linear<float>{{.in = 10, .out = 10}, rng}}}};
}
using Net = decltype(small_net(1));

template <class Optimizer>
Optimizer made_for(const Net& net) {
  if constexpr (std::same_as<Optimizer, Sgd<float>>)
    return Optimizer{net, {.learning_rate = 0.01, .momentum = 0.9}};
  else
    return Optimizer{net};
}

template <class Optimizer>
struct Training {
  Net net = small_net(1);
  Optimizer optimizer = made_for<Optimizer>(net);
  Workspace<Net> w = net.workspace(32, {.threads = 1, .seed = 5});
  TrainingState at{.run = {{"seed", "1"}}};

  bool load(const CheckpointFile& file) { return file.load(net, optimizer, w, at); }
  void save(const CheckpointFile& file) const { file.save(net, optimizer, w, at); }

  // Up to `steps` steps from where it stands, two epochs at most.
  void go(const Dataset& data, int steps) {
    for (; at.epoch < 2; ++at.epoch, at.step = 0, at.loss_sum = 0)
      for (const auto& [images, labels] :
           batches(data, 32, {.epoch = at.epoch, .first_step = static_cast<Index>(at.step)})) {
        if (steps-- == 0) return;
        const auto logits = net.forward(images, w);
        const float loss = cross_entropy(logits, labels, w.output_gradient());
        net.backward(w);
        optimizer.step(net, w);
        at.losses.push_back(loss);
        at.loss_sum += static_cast<double>(loss);
        ++at.step;
      }
  }
};

std::map<std::string, StoredTensor> state_of(const Net& net) {
  std::map<std::string, StoredTensor> tensors;
  store_state(net, tensors);
  return tensors;
}
bool same(const Net& a, const Net& b) {
  const auto x = state_of(a), y = state_of(b);
  return std::equal(x.begin(), x.end(), y.begin(),
                    [](const auto& s, const auto& t) { return s.second.bytes == t.second.bytes; });
}

}  // namespace

TEST_CASE_TEMPLATE("checkpoint: stopped anywhere, training ends with the same bits", Optimizer,
                   Adam<float>, AdamW<float>, Sgd<float>) {
  const TemporaryDirectory directory;
  const Dataset data = synthetic_digits(100, 3);  // four batches, the last one smaller
  Training<Optimizer> whole;
  whole.go(data, 100);
  REQUIRE(whole.at.losses.size() == 8);
  for (const int stop : {0, 1, 3, 4, 5, 8}) {
    CAPTURE(stop);
    const CheckpointFile file(directory.path() / concat("run", stop));
    Training<Optimizer> first;
    first.go(data, stop);
    first.save(file);

    Training<Optimizer> second;
    second.net = small_net(9);
    REQUIRE(second.load(file));
    CHECK(second.w.step == static_cast<std::uint64_t>(stop));
    CHECK(second.optimizer.steps() == static_cast<std::uint64_t>(stop));
    second.go(data, 100);
    CHECK(same(second.net, whole.net));
    CHECK(second.at.losses == whole.at.losses);
  }
}

TEST_CASE("checkpoint: all of the state comes back, and the one before stays") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "run.ckpt";
  Training<Adam<float>> t;
  const CheckpointFile file(path);
  CHECK(!file.exists());
  CHECK(!t.load(file));
  t.at = {3, 7, 0.1 + 0.2, {1.5f, 2.5f}, {{"a", "b"}}, {{"epochs", "[]"}}};
  t.optimizer.set_steps(2);
  t.save(file);
  const Bytes first = read_file(path);
  CHECK(!std::filesystem::exists(path.string() + ".previous"));
  t.at.step = 8;
  t.save(file);
  CHECK(read_file(path.string() + ".previous") == first);
  t.save(file);
  CHECK(read_file(path.string() + ".previous") == read_file(path));
  for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
    const std::string name = entry.path().filename();
    CAPTURE(name);
    CHECK((name == "run.ckpt" || name == "run.ckpt.previous" || name == "run.ckpt.lock"));
  }
  TrainingState back{.run = {{"a", "b"}}};
  REQUIRE(file.load(t.net, t.optimizer, t.w, back));
  CHECK(back.epoch == 3);
  CHECK(back.step == 8);
  CHECK(back.loss_sum == 0.1 + 0.2);
  CHECK(back.losses == t.at.losses);
  CHECK(back.notes == t.at.notes);
}

TEST_CASE("checkpoint: of another run, another network, or none at all") {
  const TemporaryDirectory directory;
  const CheckpointFile file(directory.path() / "run.ckpt");
  Training<Adam<float>> t;
  t.save(file);
  const Net before = t.net;
  const auto error = [&](auto&& net, Metadata run) {
    TrainingState at{.run = std::move(run)};
    auto w = net.workspace(32, {.seed = 5});
    return error_of([&] { file.load(net, t.optimizer, w, at); });
  };
  CHECK(error(t.net, {{"seed", "1"}}) == "");
  CHECK(contains(error(t.net, {{"seed", "2"}}),
                 "a checkpoint of another run, seed: expected 2, found 1"));
  CHECK(
      contains(error(t.net, {{"epochs", "2"}}), "expected run.epochs in the metadata, found none"));
  Rng rng{1};
  Sequential other{Shape{4}, Linear<float>{{.in = 4, .out = 2}, rng}};
  CHECK(contains(error(other, {{"seed", "1"}}),
                 "another run, network: expected input (4), found input (1, 28, 28)"));
  Sgd<float> sgd{t.net};
  CHECK(contains(error_of([&] { file.load(t.net, sgd, t.w, t.at); }),
                 "expected a tensor optimizer.velocity, found none"));
  auto seed_0 = t.net.workspace(32);
  CHECK(contains(error_of([&] { file.load(t.net, t.optimizer, seed_0, t.at); }),
                 "another run, seed of the workspace: expected 0, found 5"));

  const auto damaged = [&](auto&& change) {
    Safetensors content = read_safetensors(file.path());
    change(content);
    write_safetensors(file.path(), content);
    const std::string sentence = error(t.net, {{"seed", "1"}});
    t.save(file);
    return sentence;
  };
  CHECK(contains(damaged([](Safetensors& f) { f.metadata["format"] = "pt"; }),
                 "expected a checkpoint (fovea checkpoint 1), found the format pt"));
  CHECK(contains(damaged([](Safetensors& f) { f.metadata["step"] = "-3"; }),
                 "expected a whole number for step, found -3"));
  CHECK(contains(damaged([](Safetensors& f) { f.metadata["loss_sum"] = "much"; }),
                 "expected a number for loss_sum, found much"));
  CHECK(contains(damaged([](Safetensors& f) { f.metadata.erase("clock"); }), "expected clock"));
  CHECK(contains(damaged([](Safetensors& f) { f.metadata.erase("seed"); }), "expected seed"));
  CHECK(contains(damaged([](Safetensors& f) { f.metadata["seed"] = "five"; }),
                 "expected a whole number for seed, found five"));
  CHECK(contains(damaged([](Safetensors& f) { f.tensors.erase("model.fc1.bias"); }),
                 "found no fc1.bias"));
  CHECK(contains(damaged([](Safetensors& f) { f.tensors.erase("losses"); }), "a tensor losses"));
  CHECK(
      contains(damaged([](Safetensors& f) { f.tensors["losses"] = store(Tensor<float, 1>{1.0f}); }),
               "expected a loss for each of 0 steps, found 1"));
  CHECK(contains(
      damaged([](Safetensors& f) { f.tensors["optimizer.mean"] = store(Tensor<float, 1>{1.0f}); }),
      "optimizer.mean: expected"));
  CHECK(same(t.net, before));
  CHECK(t.w.step == 0);
}

TEST_CASE("checkpoint: one process at a time, and only where it can be written") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "run.ckpt";
  {
    const CheckpointFile file(path);
    // A lock belongs to an open file, so a second one in this process is as good as another process.
    CHECK(contains(error_of([&] { const CheckpointFile second(path); }),
                   "found one that another process holds"));
  }
  CHECK(error_of([&] { const CheckpointFile again(path); }) == "");
  std::filesystem::create_directory(directory.path() / "d");
  CHECK(contains(error_of([&] { const CheckpointFile file(directory.path() / "d"); }),
                 "expected a checkpoint or nothing, found a directory"));
  CHECK(contains(error_of([&] { const CheckpointFile file(directory.path() / "no" / "run"); }),
                 "run.lock: cannot be opened for writing (No such file or directory)"));
}

TEST_CASE("durable files: what cannot be written leaves what was there") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "x";
  replace_durably(path, Bytes{1, 2, 3});
  std::filesystem::create_directory(directory.path() / "x.part");
  CHECK(contains(error_of([&] { replace_durably(path, Bytes{4}); }),
                 "x: cannot be written (Is a directory)"));
  CHECK(std::filesystem::is_directory(directory.path() / "x.part"));
  CHECK(read_file(path) == Bytes{1, 2, 3});
  CHECK(contains(error_of([&] { replace_durably(directory.path() / "no" / "x", Bytes{4}); }),
                 "cannot be written (No such file or directory)"));
}

TEST_CASE("durable files: behind a link, and not in the place of a pipe") {
  const TemporaryDirectory directory;
  const auto at = [&](const char* name) { return directory.path() / name; };
  std::filesystem::create_directory(at("disk"));
  std::filesystem::create_symlink("disk/run", at("link"));
  replace_durably(at("link"), Bytes{1});
  replace_durably(at("link"), Bytes{2});
  CHECK(std::filesystem::is_symlink(at("link")));
  CHECK(read_file(at("disk") / "run") == Bytes{2});
  CHECK(read_file(at("disk") / "run.previous") == Bytes{1});
  REQUIRE(::mkfifo(at("pipe").c_str(), 0600) == 0);
  CHECK(contains(error_of([&] { replace_durably(at("pipe"), Bytes{1}); }),
                 "pipe: expected a file to write over, or nothing, found a pipe"));
  CHECK(what_is_at(at("pipe")) == "a pipe");
  // Two names of one checkpoint have one lock.
  const CheckpointFile first(at("link"));
  CHECK(contains(error_of([&] { const CheckpointFile second(at("disk") / "run"); }),
                 "found one that another process holds"));
}

TEST_CASE("fingerprint: every image and label counts") {
  const Dataset data = synthetic_digits(20, 1);
  Dataset other = data;
  CHECK(fingerprint(data) == fingerprint(other));
  other.labels(19) += 1;
  CHECK(fingerprint(data) != fingerprint(other));
  other = data;
  other.images(3, 0, 27, 27) ^= 1;
  CHECK(fingerprint(data) != fingerprint(other));
}

TEST_CASE("checkpoint: averages and a plateau go on too, to the same bits") {
  const auto data = synthetic_digits(160, 3);
  struct All {
    Training<Sgd<float>> t{};
    Ema<float> ema{t.net, 0.9};
    Lookahead<float> lookahead{t.net, 2, 0.5};
    Plateau plateau{.rate = 0.01, .factor = 0.5, .patience = 1};
    void go(const Dataset& set, int steps) {
      for (int i = 0; i < steps; ++i) {
        t.optimizer.options.learning_rate = plateau.now();
        t.go(set, 1);
        ema.update(t.net);
        lookahead.update(t.net, t.optimizer.steps());
        plateau.add(2.3);
      }
    }
  };
  const TemporaryDirectory directory;
  const CheckpointFile checkpoint(directory.path() / "run.ckpt");
  All whole, first, second;
  whole.go(data, 8);
  first.go(data, 5);
  checkpoint.save(first.t.net, first.t.optimizer, first.t.w, first.t.at, first.ema, first.lookahead,
                  first.plateau);
  CHECK(checkpoint.load(second.t.net, second.t.optimizer, second.t.w, second.t.at, second.ema,
                        second.lookahead, second.plateau));
  second.go(data, 3);
  CHECK(same(whole.t.net, second.t.net));
  CHECK(whole.plateau.now() == second.plateau.now());
  for (All* all : {&whole, &second}) all->ema.swap(all->t.net);
  CHECK(same(whole.t.net, second.t.net));
  // A checkpoint without an average is not one of this run, and changes nothing.
  All third;
  checkpoint.save(first.t.net, first.t.optimizer, first.t.w, first.t.at);
  const auto before = third.t.net;
  CHECK(contains(error_of([&] {
                   checkpoint.load(third.t.net, third.t.optimizer, third.t.w, third.t.at,
                                   third.ema);
                 }),
                 "expected a tensor ema.average, found none"));
  CHECK(same(before, third.t.net));
}
