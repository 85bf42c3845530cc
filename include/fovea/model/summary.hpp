// SPDX-License-Identifier: MIT
//
// summary(net): a table of the layers with their output shapes, parameters, multiply-adds for one
// example, and receptive fields: how large a patch of the input one unit sees.
// The fields follow from the windows alone (seen.hpp); explain/receptive_field.hpp says which patch it is.
#pragma once

#include <cstdint>
#include <string>

#include "fovea/model/seen.hpp"

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
template <std::size_t R>
std::string batch_text(const Shape<R>& shape) {
  return concat("(N", to_string(shape).substr(2));
}

inline std::string table_row(std::string_view name, std::string_view shape,
                             std::string_view parameters, std::string_view multiply_adds,
                             std::string_view field) {
  const auto left = [](std::string_view text, std::size_t width) {
    return std::string(text) + std::string(text.size() < width ? width - text.size() : 0, ' ');
  };
  const auto right = [](std::string_view text, std::size_t width) {
    return std::string(text.size() < width ? width - text.size() : 0, ' ') + std::string(text);
  };
  return left(name, 10) + left(shape, 20) + right(parameters, 12) + right(multiply_adds, 16) +
         right(field, 12) + "\n";
}

}  // namespace detail

/// A line for every layer: name, output shape, parameters, multiply-adds for one example, field in pixels.
template <std::size_t R, class... Layers>
std::string summary(const Sequential<R, Layers...>& net) {
  using Net = Sequential<R, Layers...>;
  using detail::grouped;
  std::string text =
      detail::table_row("layer", "output", "parameters", "multiply-adds", "sees") +
      detail::table_row("input", detail::batch_text(net.input_shape().prepend(1)), "", "", "");
  std::int64_t total_parameters = 0, total_work = 0;  // 64 bits in WebAssembly too
  detail::SeenRecorder recorder;
  std::size_t before = 1;  // values of the layers above
  net.draw(recorder, [&](auto i, const auto& y) {
    const auto& values = recorder.values;
    const Index parameters = detail::parameter_count(std::get<i>(net.layers()));
    std::int64_t work = 0;
    for (; before < values.size(); ++before) work += values[before].multiply_adds;
    const detail::Seen& seen = values[y.number].seen;
    using Kind = detail::Seen::Kind;
    const std::string sees = seen.kind == Kind::everything ? "all"
                             : seen.kind == Kind::unknown
                                 ? "unknown"
                                 : concat(seen.field.size.h, " x ", seen.field.size.w);
    text +=
        detail::table_row(Net::layer_name(i), detail::batch_text(y.shape),
                          parameters ? grouped(parameters) : "", work ? grouped(work) : "", sees);
    total_parameters += parameters;
    total_work += work;
  });
  return text + detail::table_row("total", "", grouped(total_parameters), grouped(total_work), "");
}

}  // namespace fovea::inline FOVEA_ABI
