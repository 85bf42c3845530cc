// SPDX-License-Identifier: MIT
//
// Checkpoints: training can be stopped at any step, by a crash too, and goes on as if it
// had not been, to the same bits.
//
//   CheckpointFile file("run.ckpt");                     // no other process may write it now
//   TrainingState at{.run = {{"batch size", "64"}, {"data", fingerprint(train)}}};
//   auto w = net.workspace(64, {.seed = 1});
//   file.load(net, adam, w, at);                         // where it was stopped, if it was
//   ...  file.save(net, adam, w, at);                    // every now and then
//
// That works because a position in training is (epoch, step): the order of an epoch is a function
// of (seed, epoch), random numbers inside layers are one of the workspace's (seed, step), and a
// learning rate is one of the step. So a checkpoint holds, as a safetensors file,
//
//   model.conv1.weight, ...               the state of the network: parameters and buffers
//   optimizer.mean, optimizer.square      the state of the optimizer
//   ema.average, ...                      what else is given: file.save(net, adam, w, at, ema)
//   losses (steps)                        the loss of every step so far
//   metadata                              clock, seed, epoch, step, loss_sum; run.* and notes.*
//
// What `run` says, the network and the workspace's seed must be the same when training goes on: a
// checkpoint of another data set or option is refused, with what differs. `notes` are whatever a
// program wants to find again.
#pragma once

#include "fovea/data/dataset.hpp"
#include "fovea/io/durable_file.hpp"
#include "fovea/io/state.hpp"
#include "fovea/model/architecture.hpp"

namespace fovea::inline FOVEA_ABI {

/// Where training is, apart from the network and the optimizer.
struct TrainingState {
  std::uint64_t epoch = 0, step = 0;  ///< the batch that comes next
  double loss_sum = 0;                ///< over the images of this epoch so far
  std::vector<float> losses = {};     ///< of every step so far
  Metadata run = {};                  ///< what must not differ
  Metadata notes = {};                ///< what else is kept
};

/// A text that differs between data sets: their size, and FNV-1a of all images and labels.
inline std::string fingerprint(const Dataset& data) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::uint64_t value) { hash = (hash ^ value) * 0x100000001b3; };
  for (const std::uint8_t byte : data.images) add(byte);
  for (const Label label : data.labels) add(static_cast<std::uint64_t>(label));
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return concat(data.name, " ", data.images.shape(), " ", text);
}

namespace detail {

// What a checkpoint says, or an error message about what it does not.
class CheckpointReader {
 public:
  explicit CheckpointReader(const std::string& path) : name_(path), file_(read_safetensors(path)) {
    const std::string format = text("format");
    check(format == checkpoint_format, name_, ": expected a checkpoint (", checkpoint_format,
          "), found the format ", printable(format));
  }

  const std::string& name() const { return name_; }

  const std::string& text(const std::string& key) const {
    const auto found = file_.metadata.find(key);
    check(found != file_.metadata.end(), name_, ": expected ", key,
          " in the metadata, found none (not a checkpoint?)");
    return found->second;
  }

  template <class Number>
  Number number(const std::string& key) const {
    const auto json = parse_json(text(key));
    const bool right = std::floating_point<Number> ? json.is_number() : json.is_number_unsigned();
    check(right, name_, ": expected a ", std::floating_point<Number> ? "" : "whole ", "number for ",
          key, ", found ", printable(text(key)));
    return json.get<Number>();
  }

  const StoredTensor& tensor(const std::string& key) const {
    const auto found = file_.tensors.find(key);
    check(found != file_.tensors.end(), name_, ": expected a tensor ", key, ", found none");
    return found->second;
  }

  // All texts and tensors whose names begin so, without the beginning.
  template <class Value>
  static std::map<std::string, Value> below(std::string_view prefix,
                                            const std::map<std::string, Value>& all) {
    std::map<std::string, Value> some;
    for (const auto& [key, value] : all)
      if (key.starts_with(prefix)) some[key.substr(prefix.size())] = value;
    return some;
  }
  Metadata texts(std::string_view prefix) const { return below(prefix, file_.metadata); }
  std::map<std::string, StoredTensor> tensors(std::string_view prefix) const {
    return below(prefix, file_.tensors);
  }

  static constexpr std::string_view checkpoint_format = "fovea checkpoint 1";

 private:
  std::string name_;
  Safetensors file_;
};

// Calls f(name, tensor) for each tensor of an optimizer, an average or whatever has a state().
template <class Part, class F>
void each_tensor(std::string_view name, Part& part, F&& f) {
  std::apply([&](const auto&... s) { (f(concat(name, ".", s.first), part.*s.second), ...); },
             Part::state());
}

}  // namespace detail

/// A checkpoint that one process at a time may use.
class CheckpointFile {
 public:
  /// Throws if another process has this checkpoint, or the path leads to something else.
  explicit CheckpointFile(std::string path)
      : path_(not_something_else(std::move(path))),
        lock_(detail::behind_links(path_) + ".lock") {}  // one lock, however many links lead to it

  /// Where it is, or will be.
  const std::string& path() const { return path_; }
  /// Whether one has been saved.
  bool exists() const { return what_is_at(path_) != "nothing"; }

  /// Writes atomically and durably; the checkpoint before it stays as FILE.previous. `more` are an
  /// Ema, a Lookahead, a Plateau, or anything with a name and a state().
  template <class Net, class Optimizer, class... More>
  void save(const Net& net, const Optimizer& optimizer, const Workspace<Net>& w,
            const TrainingState& at, const More&... more) const {
    Safetensors file;
    std::map<std::string, StoredTensor> state;
    store_state(net, state);
    for (auto& [name, tensor] : state) file.tensors["model." + name] = std::move(tensor);
    const auto keep = [&](const std::string& name, const auto& tensor) {
      file.tensors[name] = store(tensor);
    };
    detail::each_tensor("optimizer", optimizer, keep);
    (detail::each_tensor(More::name, more, keep), ...);
    file.tensors["losses"] =
        store(View<const float, 1>(at.losses.data(), Shape{std::ssize(at.losses)}));

    file.metadata = {{"format", std::string(detail::CheckpointReader::checkpoint_format)},
                     {"architecture", architecture(net)},
                     {"clock", to_string(optimizer.steps())},
                     {"seed", to_string(w.options().seed)},
                     {"epoch", to_string(at.epoch)},
                     {"step", to_string(at.step)},
                     {"loss_sum", nlohmann::json(at.loss_sum).dump()}};
    for (const auto& [key, value] : at.run) file.metadata["run." + key] = value;
    for (const auto& [key, value] : at.notes) file.metadata["notes." + key] = value;
    replace_durably(path_, encode_safetensors(file));
  }

  /// Puts network, optimizer, the workspace's step and `at` where they were, and
  /// returns true; false if there is no checkpoint yet. Throws, and changes nothing,
  /// if it is not one of this run. `more` as in save.
  template <class Net, class Optimizer, class... More>
  bool load(Net& net, Optimizer& optimizer, Workspace<Net>& w, TrainingState& at,
            More&... more) const {
    if (!exists()) return false;
    const detail::CheckpointReader file(path_);
    const auto compare = [&](std::string_view what, std::string_view expected,
                             std::string_view found) {
      for (const auto& difference : differences(expected, found))
        fail(file.name(), ": a checkpoint of another run, ", what, ": ", difference);
    };
    compare("network", architecture(net), file.text("architecture"));
    for (const auto& [key, value] : at.run) compare(key, value, file.text("run." + key));
    compare("seed of the workspace", to_string(w.options().seed),
            to_string(file.number<std::uint64_t>("seed")));

    Net stored_net = net;
    Optimizer stored_optimizer = optimizer;
    const auto complaint = take_state(file.tensors("model."), stored_net, file.name()).complaint();
    check(complaint.empty(), file.name(), ": expected the tensors of this network, found ",
          complaint);
    std::tuple<More...> stored_more(more...);
    const auto take = [&](const std::string& key, auto& tensor) {
      file.tensor(key).copy_to(tensor.flat(), concat(file.name(), ": ", key));
    };
    detail::each_tensor("optimizer", stored_optimizer, take);
    std::apply([&](auto&... part) { (detail::each_tensor(More::name, part, take), ...); },
               stored_more);
    stored_optimizer.set_steps(file.number<std::uint64_t>("clock"));

    TrainingState stored{file.number<std::uint64_t>("epoch"),
                         file.number<std::uint64_t>("step"),
                         file.number<double>("loss_sum"),
                         {},
                         at.run,
                         file.texts("notes.")};
    const StoredTensor& losses = file.tensor("losses");
    stored.losses.resize(static_cast<std::size_t>(losses.size()));
    losses.copy_to(std::span(stored.losses), concat(file.name(), ": losses"));
    check(stored.losses.empty() || stored.losses.size() == stored_optimizer.steps(), file.name(),
          ": expected a loss for each of ", stored_optimizer.steps(), " steps, found ",
          stored.losses.size());

    net = std::move(stored_net);
    optimizer = std::move(stored_optimizer);
    std::tie(more...) = std::move(stored_more);
    w.step = optimizer.steps();
    at = std::move(stored);
    return true;
  }

 private:
  static std::string not_something_else(std::string path) {
    const auto found = what_is_at(path);
    check(found == "a file" || found == "nothing", path,
          ": expected a checkpoint or nothing, found ", found);
    return path;
  }

  std::string path_;
  FileLock lock_;
};

}  // namespace fovea::inline FOVEA_ABI
