// SPDX-License-Identifier: MIT
//
// Makes a Subject of a Network. It has no forward_after and no backward_from, so compare.cpp sees no layers of it.
#pragma once

#include "random_networks/trace.hpp"

namespace random_networks {

template <class T>
class NetworkRun : public Run<T> {
 public:
  NetworkRun(Network<T>& net, const Extents& input, Workspace<Network<T>> w)
      : net_(net), input_(input), w_(std::move(w)) {
    w_.step = 3;
  }

  Numbers<T> forward(const Numbers<T>& x, Index n, std::optional<Mode> mode) override {
    Numbers<T> copy = x;
    const AnyView<const T> input(copy.data(), input_.with_batch(n));
    const Numbers<T> y = all_of(mode ? net_.forward(input, w_, *mode) : net_.forward(input, w_));
    std::fill(copy.begin(), copy.end(), std::numeric_limits<T>::quiet_NaN());
    return y;
  }
  void backward(const Numbers<T>& dy) override {
    const AnyView<T> to = w_.output_gradient();
    check(to.extents.size() == static_cast<Index>(dy.size()), "output_gradient: expected ",
          dy.size(), " numbers, got ", to.extents);
    std::copy(dy.begin(), dy.end(), to.data);
    net_.backward(w_);
  }
  Numbers<T> forward_after(std::size_t, const Numbers<T>&, Index, Mode) override { none(); }
  void backward_from(std::size_t, const Numbers<T>&) override { none(); }
  Numbers<T> activation(std::size_t) const override { none(); }
  Numbers<T> gradient(std::size_t) const override { none(); }
  Numbers<T> input_gradient() const override { return all_of(w_.input_gradient()); }

  Tensors<T> parameter_gradients() override {
    Tensors<T> tensors;
    net_.for_each_parameter([&](const std::string& name, AnyView<T>) {
      tensors.push_back({name, {}});
    });
    std::size_t i = 0;
    net_.for_each_parameter(w_, [&](View<T, 1>, View<T, 1> g) {
      tensors.at(i++).values = {g.begin(), g.end()};
    });
    check(i == tensors.size(), "expected ", tensors.size(), " gradients, got ", i);
    return tensors;
  }
  void fill_parameter_gradients(T value) override {
    net_.for_each_parameter(w_, [&](View<T, 1>, View<T, 1> g) { g.fill(value); });
  }
  Tensors<T> new_buffers() override {
    const Tensors<T> before = buffers();
    if (before.empty()) return {};
    net_.commit_buffers(w_);
    const Tensors<T> after = buffers();
    std::size_t i = 0;
    each_buffer([&](const std::string&, AnyView<T> to) {
      std::copy(before.at(i).values.begin(), before.at(i).values.end(), to.data), ++i;
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
  [[noreturn]] static void none() { fail("a Network has no layers that a place has a type of"); }
  static Numbers<T> all_of(const AnyView<const T>& view) {
    return {view.data, view.data + view.extents.size()};
  }
  void each_buffer(const std::function<void(const std::string&, AnyView<T>)>& f) {
    std::vector<std::string> parameters;
    net_.for_each_parameter(
        [&](const std::string& name, AnyView<T>) { parameters.push_back(name); });
    net_.for_each_state([&](const std::string& name, AnyView<T> tensor) {
      if (std::find(parameters.begin(), parameters.end(), name) == parameters.end())
        f(name, tensor);
    });
  }
  Tensors<T> buffers() {
    Tensors<T> all;
    each_buffer([&](const std::string& name, AnyView<T> tensor) {
      all.push_back({name, all_of(tensor)});
    });
    return all;
  }

  Network<T>& net_;
  const Extents& input_;
  Workspace<Network<T>> w_;
};

template <class T>
class NetworkSubject : public Subject<T> {
 public:
  /// For inputs and outputs of these extents, a batch of one.
  NetworkSubject(Network<T> net, const Extents& input, const Extents& output)
      : net_(std::move(net)), input_(input), output_(output) {}

  std::size_t depth() const override { return 0; }
  std::string layer_name(std::size_t) const override { return ""; }
  Index input_size() const override { return input_.size(); }
  Index output_size() const override { return output_.size(); }
  void each_state(const std::function<typename Subject<T>::EachState>& f) override {
    net_.for_each_state([&](const std::string& name, AnyView<T> tensor) {
      f(name, std::span(tensor.extents.at).first(tensor.extents.rank),
        {tensor.data, static_cast<std::size_t>(tensor.extents.size())});
    });
  }
  std::unique_ptr<Run<T>> workspace(Index capacity, const WorkspaceOptions& how) override {
    return std::make_unique<NetworkRun<T>>(net_, input_,
                                           net_.workspace(capacity, how, more_rules<T>(how)));
  }
  /// What a Predictor makes.
  std::unique_ptr<Run<T>> predictor(Index capacity, int threads) override {
    return workspace(capacity, {.keep = Keep::output, .threads = threads, .prepack_weights = true});
  }
  Numbers<T> predict(const Numbers<T>& x, Index n, int threads) const override {
    const auto from = [&]<std::size_t R>(const View<const T, R>& view) {
      return output_.rank == 4 ? numbers_of(net_.template predict<4>(view, threads))
                               : numbers_of(net_.template predict<2>(view, threads));
    };
    return input_.rank == 4 ? from(view_of(x, input_.shape<4>(), n))
                            : from(view_of(x, input_.shape<2>(), n));
  }
  Network<T>& net() { return net_; }

 private:
  Network<T> net_;
  Extents input_, output_;
};

}  // namespace random_networks
