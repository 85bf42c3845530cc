// SPDX-License-Identifier: MIT
//
// What subjects of both kinds of networks need: numbers to and from tensors, and what each layer has seen.
#pragma once

#include "random_networks/layers.hpp"
#include "random_networks/subject.hpp"

namespace random_networks {

template <std::size_t R>
std::vector<Index> extents_of(const Shape<R>& shape) {
  return {shape.extents().begin(), shape.extents().end()};
}
template <TensorLike X>
Numbers<ElementOf<X>> numbers_of(const X& x) {
  return {as_const(x).begin(), as_const(x).end()};
}
/// `values` as n examples of this shape; the batch in it does not count.
template <class T, std::size_t R>
View<const T, R> view_of(const Numbers<T>& values, Shape<R> shape, Index n) {
  shape = shape.with_batch(n);
  check(shape.size() == static_cast<Index>(values.size()), "expected ", shape, ", got ",
        values.size(), " numbers");
  return {values.data(), shape};
}

/// Each layer of a workspace that keeps everything: what it reads, the gradient of what it writes, its weight.
inline std::vector<Trace> trace(const Plan<double>& plan) {
  const auto extents = [](const Extents& e) {
    return std::vector<Index>(e.at.begin(), e.at.begin() + static_cast<std::ptrdiff_t>(e.rank));
  };
  const auto numbers = [](const AnyView<double>& view) {
    return Numbers<double>(view.data, view.data + view.extents.size());
  };
  std::vector<Trace> traces;
  for (std::size_t k = 0; k < plan.layer_count(); ++k) {
    const AnyLayer<double>& layer = plan.layer(k);
    const AnyView<double> x = plan.value(layer.inputs[0]);
    const std::size_t name =
        layer.path.find_last_of('.') + 1;  // "conv" of "residual1.branch.conv2"
    Trace t{layer.path.substr(name, layer.path.find_last_not_of("0123456789") + 1 - name),
            extents(x.extents),
            numbers(x),
            numbers(plan.gradient(k + 1)),
            {}};
    const auto weigh = [&](const auto& weight) {
      t.weight = numbers_of(weight);
      t.weight_shape = extents_of(weight.shape());
    };
    if (layer.is<Conv2d<double>>()) {
      weigh(layer.get<Conv2d<double>>().weight);
      t.window = layer.get<Conv2d<double>>().window();
    }
    if (layer.is<MaxPool2d>()) t.window = layer.get<MaxPool2d>().window();
    if (layer.is<Linear<double>>()) weigh(layer.get<Linear<double>>().weight);
    if (layer.is<ConvTranspose2d<double>>()) weigh(layer.get<ConvTranspose2d<double>>().weight);
    if (layer.is<Scale<double>>()) weigh(layer.get<Scale<double>>().scale);
    traces.push_back(std::move(t));
  }
  return traces;
}

}  // namespace random_networks
