// SPDX-License-Identifier: MIT
//
// How a plan runs: forward is a loop over its steps, backward the same loop from the end.
#pragma once

#include "fovea/engine/plan.hpp"
#include "fovea/kernels/batch_part.hpp"

namespace fovea::inline FOVEA_ABI {

template <class T>
void Plan<T>::forward(const T* x, std::size_t first, const Context& context) {
  context_ = context;
  if (first == 0) {
    input_ = x;
    if (T* const copy = values_[0].data) {
      std::copy_n(x, value(0).extents.size(), copy);
      input_ = copy;
    }
  }
  for (std::size_t s = first < layers_.size() ? step_of_[first] : steps_.size(); s < steps_.size();
       ++s)
    naming(steps_[s], [&] { run_forward(steps_[s]); });
}

template <class T>
bool Plan<T>::forward_inside(std::size_t k, const AnyView<const T>& x, const Context& context) {
  const Step& step = steps_[step_of_[k]];
  bool begun = false;
  context_ = context;
  naming(step, [&] {
    begun = step.group->forward_after(k - step.first, x, value(step.last + 1), context_of(step));
  });
  if (begun) forward(nullptr, step.last + 1, context);
  return begun;
}

template <class T>
void Plan<T>::backward(std::size_t v) {
  // Readers after v do not run, and the last of them would have assigned the gradient.
  for (std::size_t u = 0; u < v; ++u)
    if (values_[u].gradient && values_[u].readers.back() >= v)
      std::fill_n(values_[u].gradient, gradient(u).extents.size(), T{0});
  for (std::size_t s = step_of_[v - 1] + 1; s-- > first_back_;)
    naming(steps_[s], [&] { run_backward(steps_[s]); });
}

// What the layers of a step are told. Those with parameters are all frozen, or none is.
template <class T>
Context Plan<T>::context_of(const Step& step) const {
  Context context = context_;
  context.layer = layers_[step.first]->identity;
  for (std::size_t k = step.first; k <= step.last; ++k)
    if (layers_[k]->all_frozen) {
      context.parameter_gradients = false;
      context.mode = Mode::eval;
    }
  return context;
}

template <class T>
void Plan<T>::run_forward(Step& step) {
  AnyLayer<T>& layer = *layers_[step.first];
  const AnyView<T> y = value(step.last + 1);
  const Context context = context_of(step);
  if (step.group) return step.group->forward(read(layer.inputs[0]), y, context);
  std::array<AnyView<const T>, most_inputs> x;
  const std::size_t count = layer.inputs.size();
  for (std::size_t i = 0; i < count; ++i) x[i] = read(layer.inputs[i]);
  if (layer.is_view && x[0].data == y.data) return;
  layer.forward({x.data(), count}, y, context);
}

// What this layer reads and what was not kept, from what was kept on.
template <class T>
void Plan<T>::compute_again(const AnyLayer<T>& reader) {
  for (const std::size_t v : reader.inputs) {
    ValueInfo& x = values_[v];
    if (!x.again || std::exchange(x.is_again, true)) continue;
    Step& step = steps_[step_of_[v - 1]];
    compute_again(*layers_[step.first]);
    x.data = x.again;
    context_.again = true;
    run_forward(step);
    context_.again = false;
  }
}

template <class T>
void Plan<T>::run_backward(Step& step) {
  AnyLayer<T>& layer = *layers_[step.first];
  compute_again(layer);
  const AnyView<T> y = value(step.last + 1), dy = gradient(step.last + 1);
  const Context context = context_of(step);
  std::array<AnyView<const T>, most_inputs> x;
  std::array<AnyView<T>, most_inputs> dx;
  const std::size_t count = layer.inputs.size();
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = read(layer.inputs[i]);
    dx[i] = gradient(layer.inputs[i]);
    if (step.added[i]) dx[i].data = step.added[i];
  }
  if (step.group)
    step.group->backward(x[0], y, dy, dx[0], context);
  else if (!layer.is_view || dx[0].data != dy.data)
    layer.backward({x.data(), count}, y, dy, {dx.data(), count}, context);
  for (std::size_t i = 0; i < count; ++i)
    if (step.added[i]) add(step.added[i], gradient(layer.inputs[i]));
  if (context.part.exchange) context.part.exchange->backward_has_reached(step.first);
}

// sum += addend
template <class T>
void Plan<T>::add(const T* addend, const AnyView<T>& sum) const {
  parallel_blocks(context_.threads, sum.extents.size(), 16384, [&](Index first, Index last) {
    for (Index i = first; i < last; ++i) sum.data[i] += addend[i];
  });
}

}  // namespace fovea::inline FOVEA_ABI
