// SPDX-License-Identifier: MIT
#include "explorer/blueprint.hpp"

#include <map>
#include <variant>

#include "fovea/fovea.hpp"

namespace explorer {
namespace {

using namespace fovea;

constexpr Index most_layers = 40, most_parameters = 3'000'000;
constexpr std::int64_t most_multiply_adds = 60'000'000;  // of one image: some 100 images a second

// Adds layers one after the other; their input is maps or features.
class Builder {
 public:
  Builder(Built& built, std::uint64_t seed)
      : built_(built), rng_{seed}, now_(built.net.input(Shape{1, 28, 28})) {
    built.architecture = concat("input ", Shape{1, 28, 28}, "\n");
  }

  void add(const Json& layer) {
    check(layer.is_object(), "network: expected a layer, found ", layer.dump().substr(0, 60));
    const auto kind = needed<std::string>(layer, "layer");
    const auto size = [&](const char* name, Index otherwise, Index most) {
      const Index value = option<Index>(layer, name, otherwise);
      check(1 <= value && value <= most, kind, ": expected ", name, " from 1 to ", most, ", found ",
            value);
      return value;
    };
    if (kind == "conv") {
      const Index kernel = size("kernel", 3, 11);
      check(kernel % 2 == 1, "conv: expected an odd kernel, found ", kernel);
      const Index C = maps(kind).shape[1], O = size("out", 16, 128), s = size("stride", 1, 4);
      put(Conv2d<float>{{.in = C, .out = O, .kernel = kernel, .stride = s, .padding = kernel / 2},
                        rng_},
          maps(kind));
    } else if (kind == "relu") {
      on_either(Relu{});
    } else if (kind == "batch_norm") {
      put(BatchNorm2d<float>{{.channels = maps(kind).shape[1]}}, maps(kind));
    } else if (kind == "max_pool") {
      put(MaxPool2d{{.kernel = size("kernel", 2, 4)}}, maps(kind));
    } else if (kind == "residual") {
      const Index C = maps(kind).shape[1];
      const Conv2dOptions o{.in = C, .out = C, .kernel = 3, .padding = 1};
      Conv2d<float> first{o, rng_}, second{o, rng_};
      const BatchNorm2d<float> norm{{.channels = C}};
      put(Residual{Chain{std::move(first), norm, Relu{}, std::move(second), norm}}, maps(kind));
    } else if (kind == "global_avg_pool") {
      put(GlobalAvgPool2d{}, maps(kind));
    } else if (kind == "dropout") {
      const double share = option<double>(layer, "share", 0.25);
      check(0 <= share && share < 1, "dropout: expected a share in [0, 1), found ", share);
      on_either(Dropout{share});
    } else if (kind == "linear") {
      linear(size("out", 64, 1024));
    } else {
      fail(
          "network: expected conv, relu, batch_norm, max_pool, residual, global_avg_pool, dropout "
          "or linear, found ",
          printable(kind.substr(0, 40)));
    }
  }

  void linear(Index out) {
    if (const auto* x = std::get_if<Value<4>>(&now_)) put(Flatten{}, *x);
    const auto x = std::get<Value<2>>(now_);
    put(Linear<float>{{.in = x.shape[1], .out = out}, rng_}, x);
  }

 private:
  const Value<4>& maps(const std::string& kind) const {
    const auto* x = std::get_if<Value<4>>(&now_);
    if (!x) fail(kind, ": expected maps before it, found features of a linear layer");
    return *x;
  }

  template <class Layer>
  void on_either(const Layer& layer) {
    std::visit([&](const auto x) { put(layer, x); }, now_);
  }

  template <class Layer, std::size_t R>
  void put(Layer layer, const Value<R>& x) {
    const int ordinal = ++count_[std::string(Layer::kind)];
    built_.architecture += concat(Layer::kind, ordinal, detail::layer_text(layer), "\n");
    now_ = built_.net.add(std::move(layer), x);
  }

  Built& built_;
  Rng rng_;
  std::variant<Value<4>, Value<2>> now_;
  std::map<std::string, int> count_{};
};

}  // namespace

Built build(const Json& layers, Index classes, std::uint64_t seed) {
  check(layers.is_array() && layers.size() <= std::size_t{most_layers},
        "network: expected a list of at most ", most_layers, " layers, found ",
        layers.is_array() ? concat(layers.size(), " layers") : "something else");
  check(2 <= classes && classes <= 20, "network: expected 2 to 20 classes, found ", classes);
  Built built{{}, layers, {}, classes};
  Builder builder(built, seed);
  for (const Json& layer : layers) {
    builder.add(layer);
    check(built.net.parameter_count() <= most_parameters, "network: expected at most ",
          most_parameters, " parameters, found ", built.net.parameter_count());
  }
  builder.linear(classes);
  check(built.net.parameter_count() <= most_parameters, "network: expected at most ",
        most_parameters, " parameters, found ", built.net.parameter_count());
  const std::int64_t work = multiply_adds(built.net);
  check(work <= most_multiply_adds, "network: expected at most ", most_multiply_adds,
        " multiply-adds an image, found ", work);
  return built;
}

std::int64_t multiply_adds(const Net& net) {
  const auto w = net.workspace(1, {.keep = Keep::output, .threads = 1, .fuse = false});
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < w.plan().layer_count(); ++k) sum += w.plan().layer(k).multiply_adds;
  return sum;
}

const std::vector<std::string>& presets() {
  static const std::vector<std::string> names{"one layer", "two layers", "small convolution",
                                              "course",    "deep",       "residual"};
  return names;
}

Json preset(const std::string& name) {
  const auto conv = [](int out, int kernel = 3) {
    return Json{{"layer", "conv"}, {"out", out}, {"kernel", kernel}};
  };
  const auto linear = [](int out) { return Json{{"layer", "linear"}, {"out", out}}; };
  const Json relu{{"layer", "relu"}}, pool{{"layer", "max_pool"}, {"kernel", 2}},
      norm{{"layer", "batch_norm"}}, residual{{"layer", "residual"}},
      average{{"layer", "global_avg_pool"}};
  if (name == "one layer") return Json::array();
  if (name == "two layers") return Json::array({linear(64), relu});
  if (name == "small convolution") return Json::array({conv(8, 5), relu, pool});
  if (name == "course")
    return Json::array({conv(32), relu, pool, conv(64), relu, pool, linear(128), relu});
  if (name == "deep")
    return Json::array({conv(16), relu, conv(16), relu, pool, conv(32), relu, conv(32), relu, pool,
                        linear(64), relu});
  if (name == "residual")
    return Json::array({conv(16), norm, relu, residual, relu, pool, residual, relu, pool, residual,
                        relu, average});
  fail("network: expected one of the presets, found ", printable(name.substr(0, 40)));
}

}  // namespace explorer
