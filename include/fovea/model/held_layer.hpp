// SPDX-License-Identifier: MIT
//
// A layer that a Network holds without its type: it copies itself, draws itself on a
// plan, and shows its tensors.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "fovea/engine/plan.hpp"

namespace fovea::inline FOVEA_ABI {

namespace detail {

// A value of a network while it is drawn: its shape, and its number in the plan.
struct DrawnValue {
  Extents shape;
  std::size_t number = 0;
};

// A layer of a Network without its type.
template <class T>
class HeldLayer {
 public:
  // Calls f(name, tensor, gradient) for parameters and, if there is no plan, for buffers.
  struct Visitor {
    void (*call)(void* f, const std::string& name, AnyView<T> tensor, AnyView<T> gradient);
    void* f;
    const Plan<T>* plan;
    bool buffers, named;
  };
  virtual ~HeldLayer() = default;
  virtual std::unique_ptr<HeldLayer> copy() const = 0;
  virtual void draw(Graph<Plan<T>>& graph, std::vector<DrawnValue>& values,
                    std::size_t k) const = 0;
  virtual void visit(const Visitor& visitor) = 0;
  virtual void commit_buffers(const Plan<T>& plan) = 0;
  virtual std::string_view kind() const = 0;
  virtual Index parameter_count() const = 0;
  std::size_t ordinal = 0, place = 0;
};

template <class T, class Layer, std::size_t... R>
class Held final : public HeldLayer<T> {
 public:
  Held(Layer layer, const std::array<std::size_t, sizeof...(R)>& inputs)
      : layer_(std::move(layer)), inputs_(inputs) {}
  std::unique_ptr<HeldLayer<T>> copy() const override { return std::make_unique<Held>(*this); }
  std::string_view kind() const override { return Layer::kind; }
  Index parameter_count() const override { return detail::parameter_count(layer_); }

  void draw(Graph<Plan<T>>& graph, std::vector<DrawnValue>& values, std::size_t k) const override {
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      const auto y = graph.run(
          Layer::kind, this->ordinal, this->place, layer_,
          Value<R>{values[inputs_[i]].shape.template shape<R>(), values[inputs_[i]].number}...);
      values[k + 1] = {y.shape, y.number};
    }
    (std::make_index_sequence<sizeof...(R)>{});
  }

  void visit(const typename HeldLayer<T>::Visitor& v) override {
    each([&]<class L>(L& layer, const Path& path) {
      const auto name = [&](std::string_view tensor) {
        return v.named ? concat(to_string(path), ".", tensor) : std::string();
      };
      const auto call = [&](const auto& p, auto tensor, const AnyView<T>& gradient) {
        v.call(v.f, name(p.name), tensor, gradient);
      };
      if (v.plan)
        each_gradient(layer, *v.plan, call);
      else
        each_parameter<L>([&](const auto& p) {
          if (!(layer.*p.value).empty()) call(p, (layer.*p.value).view(), {});
        });
      if (v.buffers)
        each_buffer<L>(
            [&](const auto& b) { v.call(v.f, name(b.name), (layer.*b.value).view(), {}); });
    });
  }

  void commit_buffers(const Plan<T>& plan) override {
    each([&]<class L>(L& layer, const Path&) { take_over_buffers(layer, plan); });
  }

 private:
  template <class F>
  void each(const F& f) {
    const Path root;
    visit_layers(layer_, root.numbered(Layer::kind, this->ordinal, this->place), f);
  }

  Layer layer_;
  std::array<std::size_t, sizeof...(R)> inputs_;
};

}  // namespace detail

}  // namespace fovea::inline FOVEA_ABI
