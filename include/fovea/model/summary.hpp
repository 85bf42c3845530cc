// SPDX-License-Identifier: MIT
//
// summary(net): a table of the layers with their output shapes, parameters, multiply-adds for one
// example, and receptive fields: how large a patch of the input one unit sees.
// The fields follow from the windows alone (Field in kernels/window.hpp); explain/receptive_field.hpp
// says which patch it is.
#pragma once

#include <cstdint>
#include <string>

#include "fovea/kernels/window.hpp"
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
  Field field;
  bool local = true;  // false once a layer without a window has mixed all positions
  const auto outputs = net.output_shapes(1);
  const auto line = [&]<std::size_t i>(auto input) {
    const auto& layer = std::get<i>(net.layers());
    const Index parameters = detail::parameter_count(layer);
    std::int64_t work = 0;
    if constexpr (requires { layer.multiply_adds(input); }) work = layer.multiply_adds(input);
    const auto output = std::get<i>(outputs);
    if constexpr (requires { layer.window(); }) {
      field = field.behind(layer.window());
    } else if constexpr (decltype(output)::rank != 4 || decltype(input)::rank != 4) {
      local = false;
    }
    const std::string sees = local ? concat(field.size.h, " x ", field.size.w) : "all";
    text +=
        detail::table_row(Net::layer_name(i), detail::batch_text(output),
                          parameters ? grouped(parameters) : "", work ? grouped(work) : "", sees);
    total_parameters += parameters;
    total_work += work;
  };
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    const auto inputs = std::tuple_cat(std::tuple{net.input_shape().prepend(1)}, outputs);
    (line.template operator()<i>(std::get<i>(inputs)), ...);
  }
  (std::make_index_sequence<Net::depth>{});
  return text + detail::table_row("total", "", grouped(total_parameters), grouped(total_work), "");
}

}  // namespace fovea::inline FOVEA_ABI
