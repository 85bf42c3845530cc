// SPDX-License-Identifier: MIT
//
// The state of a network, a Sequential or a Network, parameters and buffers, as named tensors of a
// file, and back.
//
//   store_state(net, file.tensors);                           // "conv1.weight", "conv1.bias", ...
//   const StateReport report = take_state(file.tensors, net, "model.safetensors");
//   check(report.complaint().empty(), report.complaint());
//
// Names and layouts are PyTorch's. Modules of its nn.Sequential have numbers for names, 0.weight,
// 3.weight, 7.weight; where a file has only such names, the k-th number is
// our k-th layer with tensors. Names of one's own classes are translated:
//
//   const Names names{{"layer1.0", "residual1.f"}, {"layer1.1", "residual2.f"}, {"fc", "fc1"}};
//   take_state(file.tensors, net, path, names);               // layer1.0.conv1.weight, ...
//
// What PyTorch counts beside (num_batches_tracked) is left out.
#pragma once

#include <charconv>

#include "fovea/io/safetensors.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {

/// Names in a file, and ours: of each pair one replaces the other at the beginning of a name, up to
/// a dot. Where several pairs fit, the longest does.
class Names {
 public:
  Names() = default;
  /// {theirs, ours} ...
  Names(std::initializer_list<std::pair<std::string, std::string>> pairs) : pairs_(pairs) {}

  /// What we call what the file calls `name`.
  std::string ours(std::string_view name) const { return translated(name, true); }
  /// What the file calls what we call `name`.
  std::string theirs(std::string_view name) const { return translated(name, false); }

 private:
  std::string translated(std::string_view name, bool to_ours) const {
    std::string_view best_from, best_to;
    for (const auto& [theirs, ours] : pairs_) {
      const std::string_view from = to_ours ? theirs : ours;
      const bool fits =
          name.starts_with(from) && (name.size() == from.size() || name[from.size()] == '.');
      if (fits && from.size() > best_from.size()) {
        best_from = from;
        best_to = to_ours ? ours : theirs;
      }
    }
    return concat(best_to, name.substr(best_from.size()));
  }
  std::vector<std::pair<std::string, std::string>> pairs_{};
};

/// What did not fit when tensors of a file were taken into a network.
struct StateReport {
  /// Names: not in the file, not in the network, in both with different shapes.
  std::vector<std::string> missing{}, unexpected{}, misshaped{};

  /// "no conv1.bias; fc1.weight (128, 98) instead of (128, 3136)", or nothing if all fitted. A
  /// sentence has room for the first ten.
  std::string complaint() const {
    std::string text;
    std::size_t count = 0;
    const auto add = [&](const std::vector<std::string>& names, std::string_view before) {
      for (const std::string& name : names)
        if (++count <= 10) text += concat(text.empty() ? "" : "; ", before, name);
    };
    add(missing, "no ");
    add(misshaped, "");
    add(unexpected, "unexpected ");
    return count <= 10 ? text : concat(text, "; and ", count - 10, " more");
  }
};

namespace detail {

// "features.3.weight": before "features.", number 3, after "weight".
struct NumberedName {
  std::string_view before, after;
  std::uint64_t number;
};
inline std::optional<NumberedName> numbered(std::string_view name) {
  const std::size_t last = name.rfind('.');
  if (last == name.npos) return {};
  const std::size_t dot = name.substr(0, last).rfind('.');
  const std::size_t first = dot == name.npos ? 0 : dot + 1;
  NumberedName parts{name.substr(0, first), name.substr(last + 1), 0};
  const auto [end, error] = std::from_chars(name.data() + first, name.data() + last, parts.number);
  if (error != std::errc{} || end != name.data() + last) return {};
  return parts;
}

// Gives the tensors our names, if their names are one prefix and a number.
inline void rename_numbered(std::map<std::string, StoredTensor>& tensors,
                            const std::vector<std::string>& our_names) {
  std::map<std::uint64_t, std::string> layers;  // 3 -> "conv2."
  for (const auto& [name, tensor] : tensors) {
    const auto parts = numbered(name);
    if (!parts || parts->before != numbered(tensors.begin()->first)->before) return;
    layers[parts->number];
  }
  auto layer = layers.begin();
  std::string_view before;
  for (const std::string_view name : our_names) {
    const auto prefix = name.substr(0, name.rfind('.') + 1);
    if (prefix == before) continue;
    before = prefix;
    if (layer == layers.end()) break;
    (layer++)->second = prefix;
  }
  std::map<std::string, StoredTensor> renamed;
  for (auto& [name, tensor] : tensors) {
    const auto parts = *numbered(name);
    const std::string& ours = layers[parts.number];
    renamed[ours.empty() ? name : concat(ours, parts.after)] = std::move(tensor);
  }
  tensors = std::move(renamed);
}

}  // namespace detail

/// Puts the tensors of `net` into `tensors`, under their names in the file. Throws where two would
/// have the same.
template <class Net>
void store_state(const Net& net, std::map<std::string, StoredTensor>& tensors,
                 const Names& names = {}) {
  net.for_each_state([&](const std::string& name, const auto& tensor) {
    const auto [at, is_new] = tensors.emplace(names.theirs(name), store(tensor));
    check(is_new, "names: expected one name for each tensor, found ", at->first, " twice");
  });
}

/// Moves tensors into those of `net` that have their names and shapes, converted to its type.
/// Throws, and changes nothing, where a number does not fit the type; `file` is for errors.
template <class Net>
StateReport take_state(std::map<std::string, StoredTensor> in_file, Net& net, std::string_view file,
                       const Names& names = {}) {
  std::map<std::string, StoredTensor> tensors;
  for (auto& [name, tensor] : in_file) {
    if (name.ends_with("num_batches_tracked")) continue;
    const auto [at, is_new] = tensors.emplace(names.ours(name), std::move(tensor));
    check(is_new, file, ": expected one tensor for ", at->first, ", found ", printable(name),
          " as well");
  }
  std::vector<std::string> own;
  net.for_each_state([&](const std::string& name, const auto&) { own.push_back(name); });
  detail::rename_numbered(tensors, own);

  StateReport report;
  std::map<std::string, StoredTensor> taken;
  const auto any = [](auto& tensor) {  // of a Sequential it is a tensor
    if constexpr (requires { tensor.view(); })
      return AnyView<typename Net::value_type>(tensor.view());
    else
      return tensor;
  };
  net.for_each_state([&](const std::string& name, auto& tensor) {
    auto stored = tensors.extract(name);
    if (stored.empty()) return report.missing.push_back(name);
    const std::string expected = to_string(any(tensor).extents),
                      found = detail::extents_text(stored.mapped().shape);
    if (expected != found)
      return report.misshaped.push_back(concat(name, " ", found, " instead of ", expected));
    stored.mapped().check_copy_to(any(tensor).flat(), concat(file, ": ", name));
    taken.insert(std::move(stored));
  });
  net.for_each_state([&](const std::string& name, auto& tensor) {
    const auto stored = taken.find(name);
    if (stored != taken.end()) stored->second.copy_to(any(tensor).flat(), concat(file, ": ", name));
  });
  for (const auto& [name, tensor] : tensors) report.unexpected.push_back(printable(name));
  return report;
}

}  // namespace fovea::inline FOVEA_ABI
