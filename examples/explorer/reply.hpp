// SPDX-License-Identifier: MIT
//
// Reply: what the page gets for a command, JSON with long lists of numbers and bytes beside it.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "fovea/core/any_view.hpp"

namespace explorer {

using Json = nlohmann::json;

/// JSON, and the numbers and bytes that it points to.
struct Reply {
  Json text = Json::object();
  std::vector<float> numbers{};
  std::vector<std::uint8_t> bytes{};

  /// Appends a tensor to the numbers: {"at": its first, "shape": [...]}.
  template <fovea::TensorLike X>
  Json place(const X& x) {
    Json where{{"at", numbers.size()}, {"shape", x.shape().extents()}};
    for (const auto value : fovea::as_const(x)) numbers.push_back(static_cast<float>(value));
    return where;
  }
  /// The same of a list.
  template <class T>
  Json place(const std::vector<T>& x) {
    Json where{{"at", numbers.size()}, {"shape", {x.size()}}};
    for (const T value : x) numbers.push_back(static_cast<float>(value));
    return where;
  }
  /// A whole value of a network, with its batch.
  Json place(const fovea::AnyView<const float>& x) {
    const auto& e = x.extents;
    Json where{{"at", numbers.size()},
               {"shape", std::vector<fovea::Index>(e.at.begin(), e.at.begin() + long(e.rank))}};
    numbers.insert(numbers.end(), x.data, x.data + e.size());
    return where;
  }
};

/// The member `name` of a command, or `otherwise`. Throws where it has another type.
template <class T>
T option(const Json& command, const char* name, T otherwise) {
  const auto found = command.find(name);
  if (found == command.end() || found->is_null()) return otherwise;
  const bool fits = std::is_same_v<T, bool>          ? found->is_boolean()
                    : std::is_arithmetic_v<T>        ? found->is_number()
                    : std::is_same_v<T, std::string> ? found->is_string()
                                                     : true;
  fovea::check(fits, name, ": expected another type of value, found ", found->dump().substr(0, 60));
  return found->get<T>();
}

/// The member `name` of a command. Throws where there is none.
template <class T>
T needed(const Json& command, const char* name) {
  fovea::check(command.contains(name), "command: expected ", name, ", found none");
  return option<T>(command, name, T{});
}

}  // namespace explorer
