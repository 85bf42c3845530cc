// SPDX-License-Identifier: MIT
//
// How a plan is made of layers: which neighbours run as one, when each value is alive, and names.
//
// Step s of S runs forward at time s and backward at time 2 S - 1 - s. What backward reads is kept
// to the end, so that backward may run again with another output gradient.
#pragma once

#include "fovea/engine/plan.hpp"

namespace fovea::inline FOVEA_ABI {

template <class T>
[[gnu::cold]] void Plan<T>::finish(std::size_t output, std::span<const FusionRule<T>> rules) {
  check(!layers_.empty(), "workspace: expected a network of at least one layer");
  for (std::size_t k = 0; k < layers_.size(); ++k)
    check(!values_[k + 1].readers.empty() || (k + 1 == layers_.size() && k + 1 == output),
          layers_[k]->path, ": no layer reads what it writes, and it is not the output");
  check(!values_[0].readers.empty(), "workspace: no layer reads the input");
  make_steps(options_.fuse ? rules : std::span<const FusionRule<T>>());
  plan_memory();
  found_.reserve(dimensions_.size());
  set_batch(capacity_);
  finished_ = true;
}

// The layers from k on that follow each other without a branch; or also those that read k's input
// once more.
template <class T>
[[gnu::cold]] std::size_t Plan<T>::neighbours_from(std::size_t k, bool input_again) const {
  std::size_t count = 1;
  while (k + count < layers_.size()) {
    const auto& inputs = layers_[k + count]->inputs;
    const bool follows = std::all_of(inputs.begin(), inputs.end(), [&](std::size_t v) {
      return v == k + count || v == layers_[k]->inputs[0];
    });
    if (!follows || (inputs.size() > 1 && !input_again) ||
        values_[k + count].readers != std::vector{k + count})
      break;
    ++count;
  }
  return count;
}

// Whether of the layers with parameters all are frozen, or none.
template <class T>
[[gnu::cold]] bool Plan<T>::alike(std::size_t first, std::size_t count) const {
  std::size_t frozen = 0, trained = 0;
  for (std::size_t k = first; k < first + count; ++k)
    (layers_[k]->all_frozen ? frozen : trained) += layers_[k]->has_parameters;
  return frozen == 0 || trained == 0;
}

template <class T>
[[gnu::cold]] void Plan<T>::make_steps(std::span<const FusionRule<T>> rules) {
  std::vector<AnyLayer<T>*> all;
  for (const auto& layer : layers_) all.push_back(layer.get());
  const std::size_t trained = first_trained();
  for (std::size_t k = 0; k < layers_.size();) {
    const Extents& input = values_[layers_[k]->inputs[0]].extents;
    const FusionRule<T>* rule = nullptr;
    std::size_t count = 1;
    for (const FusionRule<T>& candidate : rules) {
      if (layers_[k]->inputs.size() > 1) break;  // a group gets one x
      const Neighbours<T> neighbours{all.data() + k, neighbours_from(k, candidate.input_again)};
      const std::size_t takes = candidate.match(neighbours, input, options_);
      if (takes < 2 || !alike(k, takes)) continue;
      rule = &candidate, count = takes;
      break;
    }
    for (std::size_t j = k; j < k + count; ++j) {
      std::vector<Extents> x;
      for (const std::size_t v : layers_[j]->inputs) x.push_back(values_[v].extents);
      const detail::InsideLayer inside;
      try {
        layers_[j]->prepare(x, options_, count > 1);
      } catch (const Error& error) {
        fail(layers_[j]->path, ": ", error.what());
      }
      step_of_.push_back(steps_.size());
    }
    steps_.push_back({k, k + count - 1});
    if (count > 1) {
      WorkspaceOptions how = options_;
      if (k + count <= trained) how.keep = Keep::output;  // backward does not come so far
      steps_.back().group = rule->make({all.data() + k, count}, input, how);
    }
    k += count;
  }
}

// The first layer of which backward is needed: it has a parameter that is trained.
template <class T>
[[gnu::cold]] std::size_t Plan<T>::first_trained() const {
  if (options_.input_gradient || options_.keep == Keep::everything) return 0;
  if (!options_.parameter_gradients) return 0;
  std::size_t k = 0;
  while (k < layers_.size() && (!layers_[k]->has_parameters || layers_[k]->all_frozen)) ++k;
  return k;
}

// Whether backward computes value v again: it is made of one value by a layer with at most 16
// multiply-adds for each number, or by a group that says so, and no view looks at it.
template <class T>
[[gnu::cold]] bool Plan<T>::computed_again(std::size_t v) const {
  if (!options_.recompute || !goes_back() || v == 0 || !exists(v)) return false;
  const auto& readers = values_[v].readers;
  const Step& step = steps_[step_of_[v - 1]];
  const AnyLayer<T>& layer = *layers_[step.first];
  const auto few = static_cast<std::int64_t>(16 * values_[v].extents.with_batch(1).size());
  const bool cheap = step.group ? step.group->runs_again() : layer.multiply_adds <= few;
  return cheap && layer.inputs.size() == 1 && !layer.is_view && !readers.empty() &&
         std::none_of(readers.begin(), readers.end(),
                      [&](std::size_t k) { return layers_[k]->is_view; });
}

// The first and the last time at which backward reads each value; none: last < 0.
template <class T>
[[gnu::cold]] std::vector<Lifetime> Plan<T>::read_in_backward() const {
  const auto end = static_cast<Index>(2 * steps_.size());
  std::vector<Lifetime> spans(values_.size(), {.first = end, .last = -1});
  const auto add = [&](std::size_t v, Index time) {
    spans[v].first = std::min(spans[v].first, time);
    spans[v].last = std::max(spans[v].last, time);
  };
  for (std::size_t v = values_.size(); v-- > 0;) {
    const auto at_step = [&](std::size_t s) {
      if (goes_back() && s >= first_back_) add(v, end - 1 - static_cast<Index>(s));
    };
    for (const std::size_t k : values_[v].readers) at_step(step_of_[k]);
    if (v == 0) continue;
    const Step& step = steps_[step_of_[v - 1]];
    const AnyLayer<T>& layer = *layers_[step.first];
    if (!(step.group ? step.group->ignores_output() : layer.ignores_output))
      at_step(step_of_[v - 1]);
    // What it is computed from is read when it is computed again.
    if (spans[v].last >= 0 && computed_again(v)) add(layer.inputs[0], spans[v].first);
  }
  return spans;
}

template <class T>
[[gnu::cold]] void Plan<T>::plan_memory() {
  const std::size_t first = first_trained();
  first_back_ = first < layers_.size() ? step_of_[first] : steps_.size();
  const std::vector<Lifetime> in_backward = read_in_backward();
  const auto end = static_cast<Index>(2 * steps_.size());
  const auto back = [&](std::size_t s) { return end - 1 - static_cast<Index>(s); };
  const bool all = options_.keep == Keep::everything;
  const std::size_t count = values_.size();
  std::vector<Lifetime> lives(2 * count);  // values, then their gradients
  // Whose memory a value has: its own, or that of the source of a view.
  std::vector<std::size_t> owner(2 * count);
  std::vector<std::pair<std::size_t, std::size_t>> added;  // step, input: needs memory for a moment
  for (std::size_t v = 0; v < count; ++v) {
    owner[v] = v;
    owner[count + v] = count + v;
    const auto& readers = values_[v].readers;
    const Index size = exists(v) ? values_[v].extents.size() : 0;
    const std::size_t last = readers.empty() ? 0 : step_of_[readers.back()];
    const bool output = readers.empty();
    const Index written = v == 0 ? 0 : static_cast<Index>(step_of_[v - 1]);
    Lifetime &life = lives[v], &gradient_life = lives[count + v];
    life = {size, all ? 0 : written, all || goes_back() || output ? end : static_cast<Index>(last)};
    const bool to_go_back = goes_back() && (output || written >= static_cast<Index>(first_back_));
    gradient_life = {to_go_back ? size : 0, all || output ? 0 : back(last),
                     all || output ? end : back(static_cast<std::size_t>(written))};
    if (options_.recompute && goes_back() && !output)
      life.last = std::max(static_cast<Index>(last), computed_again(v) ? 0 : in_backward[v].last);
    if (v == 0) {
      const bool kept = std::all_of(readers.begin(), readers.end(), [&](std::size_t k) {
        const auto& group = steps_[step_of_[k]].group;
        return group && group->keeps_input();
      });
      // Where a later layer reads it, forward_after does so when the caller's may be gone.
      const bool once = in_backward[0].last < 0 && (options_.recompute || readers.back() == 0);
      if (!goes_back() || kept || once) life.size = 0;
      gradient_life = {options_.input_gradient ? size : 0, 0, end};
    }
  }
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    const auto& inputs = layers_[steps_[s].first]->inputs;
    steps_[s].added.resize(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto& readers = values_[inputs[i]].readers;
      const bool last_reader = step_of_[readers.back()] == s &&
                               std::find(inputs.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                         inputs.end(), inputs[i]) == inputs.end();
      if (last_reader || lives[count + inputs[i]].size == 0) continue;
      lives.push_back({lives[count + inputs[i]].size, back(s), back(s)});
      owner.push_back(owner.size());
      added.push_back({s, i});
    }
  }
  std::vector<std::size_t> again;  // the values that backward computes again
  for (std::size_t v = 1; v < count; ++v)
    if (in_backward[v].last >= 0 && computed_again(v)) {
      again.push_back(v);
      lives.push_back({lives[v].size, in_backward[v].first, in_backward[v].last});
      owner.push_back(owner.size());
    }
  // A view has the memory of what it looks at, which is alive as long as any that look at it.
  for (std::size_t v = 1; v < count; ++v) {
    const AnyLayer<T>& layer = *layers_[v - 1];
    if (!layer.is_view || layer.inputs[0] == 0 || steps_[step_of_[v - 1]].group) continue;
    const std::size_t x = layer.inputs[0];
    const auto join = [&](std::size_t view, std::size_t of) {
      owner[view] = owner[of];
      Lifetime& life = lives[owner[of]];
      life.first = std::min(life.first, lives[view].first);
      life.last = std::max(life.last, lives[view].last);
      lives[view].size = 0;
    };
    join(v, x);
    // Where x has other readers, their gradients are added, so dx needs memory of its own.
    if (values_[x].readers.size() == 1 && lives[count + x].size > 0) join(count + v, count + x);
  }
  const MemoryPlan memory = fovea::plan_memory(lives, 64 / sizeof(T));  // a cache line
  storage_ = Tensor<T, 1>(Shape{memory.size});
  const auto data_of = [&](std::size_t value) {
    const std::size_t where = owner[value];
    return lives[where].size == 0 ? nullptr : storage_.data() + memory.offsets[where];
  };
  for (std::size_t v = 0; v < count; ++v)
    values_[v].data = values_[v].once = data_of(v), values_[v].gradient = data_of(count + v);
  for (std::size_t a = 0; a < again.size(); ++a)
    values_[again[a]].again = data_of(2 * count + added.size() + a);
  for (std::size_t a = 0; a < added.size(); ++a)
    steps_[added[a].first].added[added[a].second] = data_of(2 * count + a);
}

template <class T>
[[gnu::cold]] std::size_t Plan<T>::find(std::string_view path) const {
  for (std::size_t k = layers_.size(); k-- > 0;)
    if (detail::is_within(layers_[k]->path, path)) return k + 1;
  std::string all;
  for (const auto& layer : layers_) all += " " + layer->path;
  fail("there is no layer ", path, " in this network, only", all);
}

template <class T>
[[gnu::cold]] std::string Plan<T>::step_name(std::size_t s) const {
  std::string name;
  for (std::size_t k = steps_[s].first; k <= steps_[s].last; ++k)
    name += concat(name.empty() ? "" : " ", layers_[k]->path);
  return name;
}

namespace detail {

// What a layer left in this member of its Pass.
template <class T, class Layer, class Member, class Pass>
Member& left_by(const Plan<T>& plan, const Layer& layer, Member Pass::*member) {
  return plan.own(layer).template pass<Pass>().*member;
}

// Calls f(parameter, gradient) for those of a layer that are not empty; the
// gradient is empty if the parameter stays as it is.
template <class Layer, class T, class F>
void each_gradient(Layer& layer, const Plan<T>& plan, const F& f) {
  const AnyLayer<T>& own = plan.own(layer);
  int i = 0;
  each_parameter<std::remove_const_t<Layer>>(
      [&]<class V, class M, class Pass>(const Parameter<V, M Pass::*>& p) {
        const bool frozen = own.frozen >> i++ & 1;
        auto& tensor = layer.*p.value;
        auto gradient = (own.template pass<Pass>().*p.gradient).view();
        if (!tensor.empty()) f(p, tensor.view(), frozen ? decltype(gradient){} : gradient);
      });
}

// The buffers of a layer get the new values that its last forward left.
template <class Layer, class T>
void take_over_buffers(Layer& layer, const Plan<T>& plan) {
  each_buffer<Layer>([&](const auto& b) {
    const auto& update = left_by(plan, layer, b.update);
    std::copy(update.begin(), update.end(), (layer.*b.value).begin());
  });
}

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
