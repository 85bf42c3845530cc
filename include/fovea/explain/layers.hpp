// SPDX-License-Identifier: MIT
//
// Which layer? The pages of explain/ take it as a template argument,
//
//   const auto field = effective_field<Net::index("conv2")>(net, images);
//
// because the rank of what a layer computes is part of its type. For a name that comes at run time:
//
//   visit_layer(net, name, [&]<std::size_t i>() { return effective_field<i>(net, images); });
//
// Whatever a layer computes is looked at as maps (N, C, H, W): the F features of a linear layer are
// F channels with one unit each, so every page works for every layer.
#pragma once

#include <string_view>

#include "fovea/data/batches.hpp"
#include "fovea/model/sequential.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

template <class Result, std::size_t i, class F>
Result call_with_index(F& f) {
  return f.template operator()<i>();
}

}  // namespace detail

/// Calls f with the number of the layer of that name as its template argument; what it returns has one
/// type for all layers. Throws with the names there are when there is no such layer.
template <class Net, class F>
auto visit_layer(const Net&, std::string_view name, F&& f) {
  const std::size_t at = Net::index(name);
  using Result = decltype(f.template operator()<0>());
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    using Call = Result (*)(std::remove_reference_t<F>&);
    constexpr Call calls[] = {detail::call_with_index<Result, i, std::remove_reference_t<F>>...};
    return calls[at](f);
  }
  (std::make_index_sequence<Net::depth>{});
}

/// Calls f with the number of every layer as its template argument, from the first to the last.
template <class Net, class F>
void for_each_layer(const Net&, F&& f) {
  [&]<std::size_t... i>(std::index_sequence<i...>) { (f.template operator()<i>(), ...); }
  (std::make_index_sequence<Net::depth>{});
}

/// What a layer computed as maps: (N, C, H, W) as it is, (N, F) as (N, F, 1, 1).
template <class T>
View<T, 4> as_maps(View<T, 4> x) {
  return x;
}
template <class T>
View<T, 4> as_maps(View<T, 2> x) {
  return x.reshape(Shape{x.extent(0), x.extent(1), Index{1}, Index{1}});
}

/// Image n of a data set as a batch of one, (1, C, H, W), scaled as in training.
template <class T = float>
Tensor<T, 4> image_at(const Dataset& data, Index n) {
  check(0 <= n && n < data.size(), "image: expected an index in [0, ", data.size(), "), got ", n);
  auto images = batches<T>(data, 1, {.shuffle = false});
  return Tensor<T, 4>(images[n].images);
}

namespace detail {

// How many images the pages of explain/ put through a network at a time.
inline constexpr Index explain_batch = 64;

// The images in their order; throws when there is none.
template <class T>
Batches<T> in_order(const char* who, const Dataset& data) {
  check(data.size() > 0, who, ": expected one image or more, got an empty data set");
  return batches<T>(data, std::min(data.size(), explain_batch), {.shuffle = false});
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
