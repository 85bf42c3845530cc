// SPDX-License-Identifier: MIT
//
// summary(net): a table of the layers with their output shapes, parameters, multiply-adds for one
// example, and receptive fields: how large a patch of the input one unit sees.
// The fields follow from the windows alone (seen.hpp);
// explain/receptive_field.hpp says which patch it is.
#pragma once

#include <cstdint>
#include <string>

#include "fovea/model/seen.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// 421642 -> "421,642"
inline std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

// "(N, 32, 28, 28)": the shape of a batch of one, without the one.
inline std::string batch_text(const Extents& shape) {
  return concat("(N", to_string(shape.with_batch(1)).substr(2));
}

inline std::string table_row(std::size_t names, std::string_view name, std::string_view shape,
                             std::string_view parameters, std::string_view multiply_adds,
                             std::string_view field) {
  const auto left = [](std::string_view text, std::size_t width) {
    return std::string(text) + std::string(text.size() < width ? width - text.size() : 0, ' ');
  };
  const auto right = [](std::string_view text, std::size_t width) {
    return std::string(text.size() < width ? width - text.size() : 0, ' ') + std::string(text);
  };
  return left(name, names) + left(shape, 20) + right(parameters, 12) + right(multiply_adds, 16) +
         right(field, 12) + "\n";
}

}  // namespace detail

/// A line for every layer: name, output shape, parameters, multiply-adds for
/// one example, field in pixels.
template <std::size_t R, class... Layers>
std::string summary(const Sequential<R, Layers...>& net) {
  using Net = Sequential<R, Layers...>;
  using detail::grouped;
  std::size_t names = 10;  // columns
  for (std::size_t i = 0; i < Net::depth; ++i)
    names = std::max(names, Net::layer_name(i).size() + 1);
  std::string text =
      detail::table_row(names, "layer", "output", "parameters", "multiply-adds", "sees") +
      detail::table_row(names, "input", detail::batch_text(net.input_shape().prepend(1)), "", "",
                        "");
  std::int64_t total_parameters = 0, total_work = 0;  // 64 bits in WebAssembly too
  const auto w = net.workspace(1, {.keep = Keep::output, .threads = 1, .fuse = false});
  const Plan<typename Net::value_type>& plan = w.plan();
  const auto values = detail::seen_values(plan);
  std::size_t done = 0;  // layers of the plan that are inside of those above
  const auto add = [&](const std::string& name, Index parameters) {
    const std::size_t value = plan.find(name);
    std::int64_t work = 0;
    for (; done < value; ++done) work += plan.layer(done).multiply_adds;
    const auto& [field, kind] = values[value].seen;
    using Kind = detail::Seen::Kind;
    const std::string sees = kind == Kind::everything ? "all"
                             : kind == Kind::unknown  ? "unknown"
                                                      : concat(field.size.h, " x ", field.size.w);
    text +=
        detail::table_row(names, name, detail::batch_text(plan.value(value).extents),
                          parameters ? grouped(parameters) : "", work ? grouped(work) : "", sees);
    total_parameters += parameters;
    total_work += work;
  };
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (add(Net::layer_name(i), detail::parameter_count(std::get<i>(net.layers()))), ...);
  }
  (std::make_index_sequence<Net::depth>{});
  return text +
         detail::table_row(names, "total", "", grouped(total_parameters), grouped(total_work), "");
}

}  // namespace fovea::inline FOVEA_ABI
