// SPDX-License-Identifier: MIT
//
// What a network has learned, as a file: safetensors with PyTorch's names and layouts, so that
// `load_state_dict` takes our files as they are, and we take PyTorch's.
//
//   save_model("model.safetensors", net, mnist_scaling);   // a network that reads images
//   save_model("model.safetensors", net);                  // any other
//   load_model("model.safetensors", net);        // or an error in words, and `net` is as it was
//
// In its metadata travel
//
//   format                   "pt", what PyTorch's tools expect
//   architecture             a line for each layer (model/architecture.hpp)
//   input.mean, input.std    a pixel p in [0, 1] becomes (p - mean) / std for the network;
//                            absent if it was saved without a scaling
//   selftest.input           one input, as the network sees it, always the same random numbers: a
//                            JSON array
//   selftest.logits          the network's answer
//
// So a model proves itself when it is loaded: the answer is computed again and compared. A file
// without these, one of PyTorch's for instance, loads all the same, and the report says so.
#pragma once

#include "fovea/core/random.hpp"
#include "fovea/data/dataset.hpp"
#include "fovea/io/state.hpp"
#include "fovea/model/architecture.hpp"

namespace fovea::inline FOVEA_ABI {

/// How strictly a file is taken.
struct LoadOptions {
  bool strict = true;    ///< false: take what fits, and report what does not
  bool selftest = true;  ///< false: do not compute the answer again
  Names names = {};      ///< what the file calls our tensors
};

/// What was found in a file.
struct LoadReport : StateReport {
  std::vector<std::string> differences;  ///< between the architectures
  std::optional<double> selftest;        ///< largest error of the answer, relative; none: not tried
  std::optional<Scaling> scaling;        ///< of the input; none: the file does not say
  Metadata metadata;
};

namespace detail {

// How far the answers are from those in the metadata, as a share of the largest.
template <class Net>
double selftest_error(const Net& net, const Metadata& metadata, std::string_view file) {
  const auto numbers = [&](const char* key, Index expected) {
    const auto values = numbers_from_json(metadata.at(key), concat(file, ": ", key));
    check(std::ssize(values) == expected, file, ": ", key, ": expected ", expected,
          " numbers, found ", values.size());
    return values;
  };
  using T = typename Net::value_type;
  Tensor<T, Net::input_rank> x(net.input_shape().prepend(1));
  const auto input = numbers("selftest.input", x.size());
  std::transform(input.begin(), input.end(), x.begin(), [](double v) { return static_cast<T>(v); });
  const auto y = net.predict(x);
  const auto logits = numbers("selftest.logits", y.size());
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    largest = std::max(largest, std::abs(logits[i]));
    const double off = std::abs(static_cast<double>(y.data()[i]) - logits[i]);
    error = off <= error ? error : off;  // and NaN wins
  }
  return exactly_equal(error, 0) ? 0 : error / largest;
}

}  // namespace detail

/// What a pixel in [0, 1] becomes, by a file's metadata; nothing if it does
/// not say. `file` is for errors.
inline std::optional<Scaling> input_scaling(const Metadata& metadata,
                                            std::string_view file = "metadata") {
  if (!metadata.contains("input.mean") || !metadata.contains("input.std")) return {};
  // A number, or a list of one for each channel.
  const auto numbers = [&](const char* key) {
    auto json = detail::parse_json(metadata.at(key));
    if (!json.is_array()) json = nlohmann::json::array({json});
    std::vector<double> all;
    for (const auto& number : json) {
      check(number.is_number() && json.size() <= PerChannel::most, file,
            ": expected a number, or a list of one for each channel, for ", key, ", found ",
            printable(metadata.at(key)));
      all.push_back(number.template get<double>());
    }
    check(!all.empty(), file, ": expected a number for ", key, ", found none");
    return PerChannel(all.data(), std::ssize(all));
  };
  const Scaling scaling{numbers("input.mean"), numbers("input.std")};
  for (Index c = 0; c < scaling.std.count(); ++c)
    check(scaling.std[c] > 0, file, ": expected a number above 0 for input.std, found ",
          scaling.std[c]);
  return scaling;
}

namespace detail {
// "0.5", or "[0.5,0.4,0.3]"
inline std::string channels_text(const PerChannel& numbers) {
  if (numbers.count() == 1) return nlohmann::json(numbers[0]).dump();
  auto list = nlohmann::json::array();
  for (Index c = 0; c < numbers.count(); ++c) list.push_back(numbers[c]);
  return list.dump();
}
}  // namespace detail

namespace detail {

// A file of `net` in memory: its state under the names of the file, and the metadata above but for
// a scaling of the input.
template <class Net>
Safetensors named_file(const Net& net, const Names& names) {
  using T = typename Net::value_type;
  // An input that looks like nothing in particular, in numbers whose texts are short and exact.
  Tensor<T, Net::input_rank> x(net.input_shape().prepend(1));
  Rng rng{0};
  for (T& value : x) value = static_cast<T>(rng.below(17)) / 8 - 1;
  const auto logits = net.predict(x);
  for (const T logit : logits)
    check(std::isfinite(logit), "save_model: expected a network with finite logits, found ", logit);

  Safetensors file;
  file.metadata["format"] = "pt";
  file.metadata["architecture"] = architecture(net);
  file.metadata["selftest.input"] = detail::numbers_to_json(x.flat());
  file.metadata["selftest.logits"] = detail::numbers_to_json(logits.flat());
  store_state(net, file.tensors, names);
  return file;
}

}  // namespace detail

/// A file of `net` in memory: its state, and the metadata above but for a scaling of the input.
template <class Net>
Safetensors model_file(const Net& net) {
  return detail::named_file(net, {});
}

/// The same with the scaling of the images that the network reads, and `more` metadata.
template <class Net>
Safetensors model_file(const Net& net, const Scaling& scaling, Metadata more = {},
                       const Names& names = {}) {
  Safetensors file = detail::named_file(net, names);
  file.metadata["input.mean"] = detail::channels_text(scaling.mean);
  file.metadata["input.std"] = detail::channels_text(scaling.std);
  file.metadata.merge(more);  // what is there stays
  return file;
}

/// Writes `net` to a file, or throws and leaves what was there. The same
/// network gives the same bytes.
template <class Net>
void save_model(const std::string& path, const Net& net) {
  write_safetensors(path, model_file(net));
}
/// The same under the names of the file, with a scaling or without. N is deduced so that {} is the
/// scaling.
template <class Net, std::same_as<Names> N>
void save_model(const std::string& path, const Net& net, const N& names) {
  write_safetensors(path, detail::named_file(net, names));
}
template <class Net>
void save_model(const std::string& path, const Net& net, const Scaling& scaling, Metadata more = {},
                const Names& names = {}) {
  write_safetensors(path, model_file(net, scaling, std::move(more), names));
}

/// Takes the weights in a file into `net`; throws, and leaves `net` as it was, when they are not
/// this network's or the self-test fails.
template <class Net>
LoadReport load_model(const std::string& path, Net& net, LoadOptions options = {}) {
  Safetensors file = read_safetensors(path);
  Net loaded = net;
  LoadReport report{
      take_state(std::move(file.tensors), loaded, path, options.names), {}, {}, {}, file.metadata};
  report.scaling = input_scaling(file.metadata, path);
  if (const auto found = file.metadata.find("architecture"); found != file.metadata.end())
    report.differences = differences(architecture(net), found->second);

  const std::string complaint = report.complaint();
  if (options.strict) {
    check(report.differences.empty(), path, ": a file of another network: ",
          report.differences.empty() ? "" : report.differences.front());
    check(complaint.empty(), path, ": expected the tensors of this network, found ", complaint);
  }
  if (options.selftest && complaint.empty() && report.differences.empty() &&
      file.metadata.contains("selftest.input") && file.metadata.contains("selftest.logits")) {
    constexpr double most = 1e-4;  // rounding differs between instruction sets, by far less
    report.selftest = detail::selftest_error(loaded, file.metadata, path);
    check(*report.selftest <= most, path,
          ": expected the logits of its self-test, found them off by ", *report.selftest,
          " of the largest (a damaged file?)");
  }
  net = std::move(loaded);
  return report;
}

}  // namespace fovea::inline FOVEA_ABI
