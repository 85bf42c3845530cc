// SPDX-License-Identifier: MIT
//
// A recipe: a network as data, drawn from a seed, and built as a Network of float or of double. The same steps in the
// same order are the same network, so fewer steps make a smaller one: that is how a failure becomes small.
#pragma once

#include "random_networks/network_subject.hpp"

namespace random_networks {

/// The shape of one example: rows of features have no pixels.
struct Maps {
  Index C = 0, H = 0, W = 0;
  bool image() const { return H > 0; }
  Index size() const { return image() ? C * H * W : C; }
  Extents extents() const {
    return image() ? Extents(Shape{Index{1}, C, H, W}) : Extents(Shape{Index{1}, C});
  }
  friend bool operator==(const Maps&, const Maps&) = default;
};

/// One layer of a recipe. Those from `residual` on are layers made of layers.
struct Step {
  enum class Kind {
    conv,
    pool,
    relu,
    flatten,
    fc,
    dropout,
    scale,
    norm,
    add,
    concat,
    residual,   // x + conv(relu(conv(x)))
    nested,     // x + dropout(x + relu(conv(x)))
    sum,        // relu(conv(x)) + conv(x)
    both,       // pool(relu(conv(x))), pool(x)
    chain,      // relu(pool(conv(x)))
    rows,       // x + fc(relu(fc(x)))
    both_rows,  // relu(fc(x)), relu(fc(x))
    chunk_norm,
    group_norm,
    dropout2d,
    average,
    global_average,
    activation,
    transposed,
    upsample,
    pad,
    softmax,
    shortcut,  // pool(clip(conv(x))) + conv(pool(x))
    repeated,  // x + relu(conv(x)), three times
    branches,  // relu(conv(x)), pool(conv(x)), x
  };
  Kind kind;
  std::vector<std::size_t> x{};  // the values it reads; it writes the next one
  Conv2dOptions conv{};
  MaxPool2dOptions pool{};
  AvgPool2dOptions avg{};
  ConvTranspose2dOptions convt{};
  UpsampleOptions up{};
  Pad2dOptions borders{};
  Index which = 0;  // of the activations; groups of a normalisation
  Index out = 0;    // features of fc
  bool bias = true;
  double rate = 0.5;  // of dropout

  friend std::string to_string(const Step& s) {
    constexpr std::array names{
        "conv",       "pool",      "relu",    "flatten",        "fc",         "dropout",
        "scale",      "norm",      "add",     "concat",         "residual",   "nested",
        "sum",        "both",      "chain",   "rows",           "both_rows",  "chunk_norm",
        "group_norm", "dropout2d", "average", "global_average", "activation", "transposed",
        "upsample",   "pad",       "softmax", "shortcut",       "repeated",   "branches"};
    std::string text = fovea::concat(names[static_cast<std::size_t>(s.kind)], "(");
    for (std::size_t i = 0; i < s.x.size(); ++i) text += fovea::concat(i ? ", v" : "v", s.x[i]);
    text += ")";
    if (s.conv.in > 0)
      text +=
          fovea::concat(" ", s.conv.in, " to ", s.conv.out, ", kernel ", s.conv.kernel, ", stride ",
                        s.conv.stride, ", padding ", s.conv.padding, ", dilation ", s.conv.dilation,
                        ", groups ", s.conv.groups, s.conv.bias ? "" : ", no bias");
    if (s.kind == Kind::pool)
      text += fovea::concat(" kernel ", s.pool.kernel, ", stride ", s.pool.stride, ", padding ",
                            s.pool.padding, ", dilation ", s.pool.dilation,
                            s.pool.ceil_mode ? ", rounded up" : "");
    if (s.kind == Kind::average)
      text += fovea::concat(" kernel ", s.avg.kernel, ", stride ", s.avg.stride, ", padding ",
                            s.avg.padding, s.avg.count_padding ? "" : " not counted");
    if (s.kind == Kind::transposed)
      text += fovea::concat(" to ", s.convt.out, ", kernel ", s.convt.kernel, ", stride ",
                            s.convt.stride, ", padding ", s.convt.padding, " and ",
                            s.convt.output_padding, ", dilation ", s.convt.dilation, ", groups ",
                            s.convt.groups);
    if (s.kind == Kind::upsample) text += fovea::concat(" ", Upsample{s.up}.settings());
    if (s.kind == Kind::pad) text += fovea::concat(" ", Pad2d{s.borders}.settings());
    if (s.which > 0) text += fovea::concat(" ", s.which);
    if (s.out > 0) text += fovea::concat(" to ", s.out, s.bias ? "" : ", no bias");
    return text;
  }
};

/// A network.
struct Recipe {
  std::vector<Maps> values{};  // of each value; 0 is the input
  std::vector<Step> steps{};
  Description description{};

  friend std::string to_string(const Recipe& r) {
    std::string text =
        concat("  v0 ", r.values[0].extents(), ", batch ", r.description.batch, " of ",
               r.description.capacity, r.description.whole ? ", whole numbers\n" : "\n");
    for (std::size_t k = 0; k < r.steps.size(); ++k)
      text +=
          concat("  v", k + 1, " = ", to_string(r.steps[k]), ": ", r.values[k + 1].extents(), "\n");
    return text;
  }
};

/// Draws network `index` of a seed, by at most `most` steps.
Recipe draw_recipe(std::uint64_t seed, Index index, int most);

/// Calls f with the activation of this number; the first one is exact on whole numbers.
template <class F>
void with_activation(Index which, const F& f) {
  switch (which) {
    case 0:
      return f(Clip{{-2, 2}});
    case 1:
      return f(LeakyRelu{{0.2}});
    case 2:
      return f(Elu{{1.5}});
    case 3:
      return f(Sigmoid{});
    case 4:
      return f(Tanh{});
    case 5:
      return f(Silu{});
    case 6:
      return f(Gelu{});
    case 7:
      return f(Softplus{{2}});
    case 8:
      return f(Hardsigmoid{});
    case 9:
      return f(Hardswish{});
    default:
      return f(Clip{{-0.5, 0.5}});
  }
}
constexpr Index activation_count = 11;

/// The Network of a recipe.
template <class T>
std::unique_ptr<NetworkSubject<T>> build(const Recipe& recipe) {
  struct Either {
    Value<4> image{};
    Value<2> rows{};
  };
  Rng rng{1};  // what layers draw is overwritten
  Network<T> net;
  std::vector<Either> values(recipe.values.size());
  const Maps& in = recipe.values[0];
  if (in.image())
    values[0].image = net.input(Shape{in.C, in.H, in.W});
  else
    values[0].rows = net.input(Shape{in.C});
  for (std::size_t k = 0; k < recipe.steps.size(); ++k) {
    const Step& s = recipe.steps[k];
    const Either &x = values[s.x[0]], &other = values[s.x.back()];
    const bool image = recipe.values[s.x[0]].image();
    const Index C = recipe.values[s.x[0]].C;
    Either& y = values[k + 1];
    const auto conv = [&](Index to) {
      Conv2dOptions o = s.conv;
      o.in = std::exchange(o.out, to);
      return Conv2d<T>{o, rng};
    };
    const auto images = [&](auto layer) { y.image = net.add(std::move(layer), x.image); };
    const auto of_rows = [&](auto layer) { y.rows = net.add(std::move(layer), x.rows); };
    const auto any = [&](auto layer) { image ? images(layer) : of_rows(layer); };
    const auto join = [&](auto layer) {
      if (image)
        y.image = net.add(layer, x.image, other.image);
      else
        y.rows = net.add(layer, x.rows, other.rows);
    };
    const auto fc = [&](Index from, Index to) {
      return Linear<T>{{.in = from, .out = to, .bias = s.bias}, rng};
    };
    switch (s.kind) {
      case Step::Kind::conv:
        images(Conv2d<T>{s.conv, rng});
        break;
      case Step::Kind::pool:
        images(MaxPool2d{s.pool});
        break;
      case Step::Kind::relu:
        any(Relu{});
        break;
      case Step::Kind::flatten:
        y.rows = net.add(Flatten{}, x.image);
        break;
      case Step::Kind::fc:
        of_rows(fc(C, s.out));
        break;
      case Step::Kind::dropout:
        any(Dropout{s.rate});
        break;
      case Step::Kind::scale:
        any(Scale<T>{C});
        break;
      case Step::Kind::norm:
        images(BatchNorm2d<T>{{.channels = C}});
        break;
      case Step::Kind::chunk_norm:
        images(BatchNorm2d<T>{{.channels = C, .statistics = Statistics::chunk}});
        break;
      case Step::Kind::group_norm:
        images(GroupNorm<T>{{.channels = C, .groups = s.which}});
        break;
      case Step::Kind::dropout2d:
        images(Dropout2d{s.rate});
        break;
      case Step::Kind::average:
        images(AvgPool2d{s.avg});
        break;
      case Step::Kind::global_average:
        images(GlobalAvgPool2d{});
        break;
      case Step::Kind::activation:
        with_activation(s.which, any);
        break;
      case Step::Kind::transposed:
        images(ConvTranspose2d<T>{s.convt, rng});
        break;
      case Step::Kind::upsample:
        images(Upsample{s.up});
        break;
      case Step::Kind::pad:
        images(Pad2d{s.borders});
        break;
      case Step::Kind::softmax:
        any(Softmax{});
        break;
      case Step::Kind::shortcut: {
        auto first = Conv2d<T>{s.conv, rng};
        Conv2dOptions past = s.conv;
        past.kernel = 1, past.padding = 0, past.stride = 1, past.groups = 1;
        images(Residual{Chain{std::move(first), Clip{{-2, 2}}, MaxPool2d{}},
                        Shortcut{MaxPool2d{}, Conv2d<T>{past, rng}}});
        break;
      }
      case Step::Kind::repeated:
        images(Repeat{3, [&] { return Residual{Conv2d<T>{s.conv, rng}, Relu{}}; }});
        break;
      case Step::Kind::branches: {
        auto first = Conv2d<T>{s.conv, rng}, second = Conv2d<T>{s.conv, rng};
        images(Concat{Chain{std::move(first), Relu{}},
                      Chain{std::move(second), MaxPool2d{{.kernel = 3, .stride = 1, .padding = 1}}},
                      Chain{Pad2d{}}});
        break;
      }
      case Step::Kind::add:
        join(Add{});
        break;
      case Step::Kind::concat:
        join(Concat{});
        break;
      case Step::Kind::residual: {
        auto first = Conv2d<T>{s.conv, rng};
        images(Residual{std::move(first), Relu{}, conv(C)});
        break;
      }
      case Step::Kind::nested:
        images(Residual{Chain{Residual{Conv2d<T>{s.conv, rng}, Relu{}}, Dropout{s.rate}}});
        break;
      case Step::Kind::sum: {
        auto left = Conv2d<T>{s.conv, rng}, right = Conv2d<T>{s.conv, rng};
        images(Residual{Chain{std::move(left), Relu{}}, Shortcut{std::move(right)}});
        break;
      }
      case Step::Kind::both:
        images(Both{Chain{Conv2d<T>{s.conv, rng}, Relu{}, MaxPool2d{}}, Chain{MaxPool2d{}}});
        break;
      case Step::Kind::chain:
        images(Chain{Conv2d<T>{s.conv, rng}, MaxPool2d{}, Relu{}});
        break;
      case Step::Kind::rows: {
        auto first = fc(C, s.out);
        of_rows(Residual{std::move(first), Relu{}, fc(s.out, C)});
        break;
      }
      case Step::Kind::both_rows: {
        auto left = fc(C, s.out), right = fc(C, s.out);
        of_rows(Both{Chain{std::move(left), Relu{}}, Chain{std::move(right), Relu{}}});
        break;
      }
    }
  }
  return std::make_unique<NetworkSubject<T>>(std::move(net), in.extents(),
                                             recipe.values.back().extents());
}

}  // namespace random_networks
