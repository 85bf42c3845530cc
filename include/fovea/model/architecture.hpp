// SPDX-License-Identifier: MIT
//
// architecture(net): a line for the input and for every layer, with all that decides what a network
// computes besides the numbers in its tensors. Networks with the same lines can exchange weights.
//
//   input (1, 28, 28)
//   conv1 weight (32, 1, 3, 3), bias (32), kernel 3, stride 1, padding 1, dilation 1
//   relu1
//   pool1 kernel 2, stride 2, padding 0, dilation 1
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {
namespace detail {

// " weight (32, 1, 3, 3), bias (32), kernel 3, ..."; a chain inside as its layers in brackets.
template <class Layer>
[[gnu::cold]] std::string layer_text(const Layer& layer) {
  std::string text;
  const auto add = [&](const auto&... parts) {
    text += concat(text.empty() ? " " : ", ", parts...);
  };
  each_parameter<Layer>([&](const auto& p) {
    if (!(layer.*p.value).empty()) add(p.name, " ", (layer.*p.value).shape());
  });
  each_buffer<Layer>([&](const auto& b) { add(b.name, " ", (layer.*b.value).shape()); });
  if constexpr (requires { layer.window(); }) {
    const Window window = layer.window();
    add("kernel ", window.kernel, ", stride ", window.stride, ", padding ", window.padding,
        ", dilation ", window.dilation);
  }
  if constexpr (requires { layer.settings(); })
    if (const std::string settings = layer.settings(); !settings.empty()) add(settings);
  if constexpr (requires { Layer::is_chain; })
    layer.each_layer([&](const auto& inside, std::string_view kind, std::size_t i_th, std::size_t) {
      text += concat(text.empty() ? " [" : "; ", kind, i_th, layer_text(inside));
    });
  else if constexpr (requires { Layer::children(); })
    std::apply([&](const auto&... c) { (add(c.name, layer_text(layer.*c.layer)), ...); },
               Layer::children());
  if (requires { Layer::is_chain; }) text += "]";
  return text;
}

}  // namespace detail

/// A line for the input and one for each layer; equal for networks whose weights can be exchanged.
template <std::size_t R, class... Layers>
[[gnu::cold]] std::string architecture(const Sequential<R, Layers...>& net) {
  std::string text = concat("input ", net.input_shape(), "\n");
  std::size_t i = 0;
  const auto add_line = [&](const auto& layer) {
    text += concat(net.layer_name(i++), detail::layer_text(layer), "\n");
  };
  std::apply([&](const auto&... layers) { (add_line(layers), ...); }, net.layers());
  return text;
}

/// What differs, line by line: "expected relu1, found pool1 kernel 2, ...".
[[gnu::cold]] inline std::vector<std::string> differences(std::string_view expected,
                                                          std::string_view found) {
  const auto take_line = [](std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line.empty() ? "nothing" : line;
  };
  std::vector<std::string> lines;
  while (!expected.empty() || !found.empty()) {
    const auto ours = take_line(expected), theirs = take_line(found);
    if (ours != theirs) lines.push_back(concat("expected ", ours, ", found ", printable(theirs)));
  }
  return lines;
}

}  // namespace fovea::inline FOVEA_ABI
