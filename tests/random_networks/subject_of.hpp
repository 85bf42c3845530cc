// SPDX-License-Identifier: MIT
//
// Makes a Subject of a network: every function casts and calls.
#pragma once

#include <functional>

#include "random_networks/network_subject.hpp"

namespace random_networks {

/// Calls f with each index below `count`, as a constant, that equals i: f.operator()<i>().
template <std::size_t count, class F>
void at_index(std::size_t i, F&& f) {
  [&]<std::size_t... j>(std::index_sequence<j...>) {
    ((i == j ? f.template operator()<j>() : void()), ...);
  }
  (std::make_index_sequence<count>{});
}

/// One type for all that visits tensors by name, so that for_each_state is compiled once for each network.
template <class T>
struct Visit {
  const std::function<typename Subject<T>::EachState>& f;
  template <std::size_t R>
  void operator()(const std::string& name, Tensor<T, R>& tensor) const {
    f(name, tensor.shape().extents(), tensor.flat());
  }
};
/// The same for gradients, which have no name.
template <class T>
struct VisitGradient {
  const std::function<void(std::span<T>)>& f;
  template <std::size_t R>
  void operator()(View<T, R>, View<T, R> gradient) const {
    f(gradient.flat());
  }
};

/// The names of all parameters, and those of all buffers.
struct Names {
  std::vector<std::string> parameters, buffers;
};

template <class Net>
class RunOf : public Run<typename Net::value_type> {
  using T = typename Net::value_type;

 public:
  RunOf(Net& net, const Names& names, Workspace<Net> w)
      : net_(net), names_(names), w_(std::move(w)) {
    w_.step = 3;
  }

  Numbers<T> forward(const Numbers<T>& x, Index n, std::optional<Mode> mode) override {
    Numbers<T> copy = x;
    const auto input = view_of(copy, net_.input_shape().prepend(1), n);
    const auto y = numbers_of(mode ? net_.forward(input, w_, *mode) : net_.forward(input, w_));
    std::fill(copy.begin(), copy.end(), std::numeric_limits<T>::quiet_NaN());
    return y;
  }
  void backward(const Numbers<T>& dy) override {
    const auto to = w_.output_gradient();
    check(to.size() == static_cast<Index>(dy.size()), "output_gradient: expected ", dy.size(),
          " numbers, got ", to.shape());
    std::copy(dy.begin(), dy.end(), to.begin());
    net_.backward(w_);
  }
  Numbers<T> forward_after(std::size_t i, const Numbers<T>& y, Index n, Mode mode) override {
    Numbers<T> output;
    at_index<Net::depth>(i, [&]<std::size_t j>() {
      output = numbers_of(net_.template forward_after<j>(
          view_of(y, std::get<j>(net_.output_shapes(1)), n), w_, mode));
    });
    return output;
  }
  void backward_from(std::size_t i, const Numbers<T>& dy) override {
    at_index<Net::depth>(i, [&]<std::size_t j>() {
      const auto shape = std::get<j>(net_.output_shapes(1));
      net_.template backward_from<j>(
          view_of(dy, shape, static_cast<Index>(dy.size()) / shape.size()), w_);
    });
  }

  Numbers<T> activation(std::size_t i) const override {
    Numbers<T> y;
    at_index<Net::depth>(i, [&]<std::size_t j>() { y = numbers_of(w_.template activation<j>()); });
    return y;
  }
  Numbers<T> gradient(std::size_t i) const override {
    Numbers<T> dy;
    at_index<Net::depth>(i, [&]<std::size_t j>() { dy = numbers_of(w_.template gradient<j>()); });
    return dy;
  }
  Numbers<T> input_gradient() const override { return numbers_of(w_.input_gradient()); }

  Tensors<T> parameter_gradients() override {
    Tensors<T> tensors;
    each_gradient([&](std::span<T> g) {
      tensors.push_back({names_.parameters.at(tensors.size()), {g.begin(), g.end()}});
    });
    return tensors;
  }
  void fill_parameter_gradients(T value) override {
    each_gradient([&](std::span<T> g) { std::fill(g.begin(), g.end(), value); });
  }
  Tensors<T> new_buffers() override {
    Tensors<T> after;
    if (names_.buffers.empty()) return after;
    Tensors<T> before;
    each_buffer([&](const std::string& name, auto, std::span<T> values) {
      before.push_back({name, {values.begin(), values.end()}});
    });
    net_.commit_buffers(w_);
    each_buffer([&](const std::string& name, auto, std::span<T> values) {
      after.push_back({name, {values.begin(), values.end()}});
      std::copy_n(before.at(after.size() - 1).values.data(), values.size(), values.begin());
    });
    return after;
  }
  std::vector<Trace> traces() const override {
    if constexpr (std::is_same_v<T, double>)
      return trace(w_.plan());
    else
      return {};
  }

 private:
  void each_gradient(const std::function<void(std::span<T>)>& f) {
    net_.for_each_parameter(w_, VisitGradient<T>{f});
  }
  void each_buffer(const std::function<typename Subject<T>::EachState>& f) {
    const std::function<typename Subject<T>::EachState> buffers = [&](const std::string& name,
                                                                      auto shape, auto values) {
      if (std::find(names_.buffers.begin(), names_.buffers.end(), name) != names_.buffers.end())
        f(name, shape, values);
    };
    net_.for_each_state(Visit<T>{buffers});
  }

  Net& net_;
  const Names& names_;
  Workspace<Net> w_;
};

template <class Net>
class SubjectOf : public Subject<typename Net::value_type> {
  using T = typename Net::value_type;

  // A Predictor, its scratch, and what runs them; in the order in which they need each other.
  class PredictorRun : public Run<T> {
   public:
    PredictorRun(const Net& net, Index capacity, int threads)
        : predictor_(net, capacity), scratch_(predictor_.scratch(threads)) {}
    Numbers<T> forward(const Numbers<T>& x, Index n, std::optional<Mode>) override {
      return numbers_of(
          predictor_(view_of(x, predictor_.net().input_shape().prepend(1), n), scratch_));
    }
    Numbers<T> forward_after(std::size_t i, const Numbers<T>& y, Index n, Mode mode) override {
      Numbers<T> output;
      at_index<Net::depth>(i, [&]<std::size_t j>() {
        const auto shape = std::get<j>(predictor_.net().output_shapes(1));
        output = numbers_of(
            predictor_.net().template forward_after<j>(view_of(y, shape, n), scratch_, mode));
      });
      return output;
    }
    void backward(const Numbers<T>&) override { none(); }
    void backward_from(std::size_t, const Numbers<T>&) override { none(); }
    Numbers<T> activation(std::size_t) const override { none(); }
    Numbers<T> gradient(std::size_t) const override { none(); }
    Numbers<T> input_gradient() const override { none(); }
    Tensors<T> parameter_gradients() override { none(); }
    void fill_parameter_gradients(T) override { none(); }
    Tensors<T> new_buffers() override { none(); }
    std::vector<Trace> traces() const override { none(); }

   private:
    [[noreturn]] static void none() { fail("a predictor has nothing but an output"); }
    Predictor<Net> predictor_;
    Workspace<Net> scratch_;
  };

 public:
  explicit SubjectOf(Net net) : net_(std::move(net)) {
    auto& [parameters, buffers] = names_;
    const std::function<typename Subject<T>::EachState> add =
        [&](const std::string& name, auto, auto) { parameters.push_back(name); };
    net_.for_each_parameter(Visit<T>{add});
    each_state([&](const std::string& name, auto, auto) {
      if (std::find(parameters.begin(), parameters.end(), name) == parameters.end())
        buffers.push_back(name);
    });
  }

  std::size_t depth() const override { return Net::depth; }
  std::string layer_name(std::size_t i) const override { return Net::layer_name(i); }
  Index input_size() const override { return net_.input_shape().size(); }
  Index output_size() const override {
    return std::get<Net::depth - 1>(net_.output_shapes(1)).size();
  }
  void each_state(const std::function<typename Subject<T>::EachState>& f) override {
    net_.for_each_state(Visit<T>{f});
  }
  std::unique_ptr<Run<T>> workspace(Index capacity, const WorkspaceOptions& how) override {
    return std::make_unique<RunOf<Net>>(net_, names_,
                                        net_.workspace(capacity, how, more_rules<T>(how)));
  }
  std::unique_ptr<Run<T>> predictor(Index capacity, int threads) override {
    return std::make_unique<PredictorRun>(net_, capacity, threads);
  }
  std::unique_ptr<Subject<T>> as_network() const override {
    Network<T> net;
    const Extents output = add_from<0>(net, net.input(net_.input_shape()));
    return std::make_unique<NetworkSubject<T>>(std::move(net), net_.input_shape().prepend(1),
                                               output);
  }
  Numbers<T> predict(const Numbers<T>& x, Index n, int threads) const override {
    return numbers_of(net_.predict(view_of(x, net_.input_shape().prepend(1), n), threads));
  }

 private:
  // The layers from i on, one by one; the shape of the output.
  template <std::size_t i, std::size_t R>
  Extents add_from(Network<T>& net, const Value<R>& x) const {
    const auto y = net.add(std::get<i>(net_.layers()), x);
    if constexpr (i + 1 < Net::depth)
      return add_from<i + 1>(net, y);
    else
      return y.shape;
  }

  Net net_;
  Names names_;
};

/// From a function that makes a network; what its layers draw is overwritten later.
template <auto make>
auto subject() {
  Rng rng{1};
  auto net = make(rng);
  using Net = decltype(net);
  return std::unique_ptr<Subject<typename Net::value_type>>(
      std::make_unique<SubjectOf<Net>>(std::move(net)));
}

}  // namespace random_networks
