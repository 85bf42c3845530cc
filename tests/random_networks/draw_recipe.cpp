// SPDX-License-Identifier: MIT
//
// Draws recipes. A step reads the last value, or any before it, so that values with several readers are frequent; in
// the end what nobody reads is joined.
#include "random_networks/recipe.hpp"

namespace random_networks {
namespace {

class Drawing {
 public:
  Drawing(std::uint64_t seed, Index index) : rng_{seed, index} {
    Description& d = recipe_.description;
    d.seed = rng_.bits();
    d.whole = index % 2 == 1;
    d.batch = 1 + below(5);
    d.capacity = d.batch + below(4);
    for (int i = 0; i < 3; ++i) d.reused.push_back(1 + below(6));
    // Work is what threads share only from some size on.
    budget_ = pick({4e4, 4e4, 1e5, 1e5, 1e5, 1e5, 1e5, 1e5, 3e5, 1e6});
    d.number = static_cast<int>(index);
    if (chance(0.1))
      recipe_.values.push_back({1 + below(12)});
    else
      recipe_.values.push_back({1 + below(chance(0.2) ? 17 : 5), extent(), extent()});
    steps_ = static_cast<int>(1 + below(12));
  }

  Recipe draw(int most) {
    for (int i = 0; i < std::min(most, steps_); ++i) {
      const std::size_t x = some_value();
      maps(x).image() ? image_piece(x) : row_piece(x);
    }
    budget_ = 1e9;
    if (recipe_.steps.empty()) add({Step::Kind::relu, {0}}, maps(0));
    join();
    Description& d = recipe_.description;
    for (const Step& s : recipe_.steps)
      d.modes |= s.kind == Step::Kind::dropout || s.kind == Step::Kind::nested ||
                 s.kind == Step::Kind::norm || s.kind == Step::Kind::chunk_norm ||
                 s.kind == Step::Kind::dropout2d;
    return recipe_;
  }

 private:
  Index below(Index n) { return rng_.below(n); }
  bool chance(double p) { return rng_.uniform() < p; }
  template <class X>
  X pick(std::initializer_list<X> options) {
    return options.begin()[below(static_cast<Index>(options.size()))];
  }
  Index extent() { return 1 + below(chance(0.15) ? 19 : 11); }
  const Maps& maps(std::size_t v) const { return recipe_.values[v]; }
  std::size_t last() const { return recipe_.values.size() - 1; }
  std::size_t some_value() {
    if (chance(0.6)) return last();
    return static_cast<std::size_t>(below(static_cast<Index>(recipe_.values.size())));
  }

  // Adds a step, if its work, in multiply-adds of one example, and its memory are not too much.
  bool add(Step step, const Maps& y, double work = 0) {
    const auto batch = static_cast<double>(recipe_.description.batch);
    work = (work + 4 * static_cast<double>(y.size())) * batch;
    if (y.size() > 4000 || work_ + work > budget_) return false;
    work_ += work;
    recipe_.steps.push_back(std::move(step));
    recipe_.values.push_back(y);
    return true;
  }

  // Whether Winograd's tiles of 4 x 4, which round, are used where sums shall be exact.
  bool rounds(Index C, Index O, const Window& w, Index groups) const {
    return recipe_.description.whole && std::min(C, O) >= 16 && groups == 1 &&
           w.kernel == Extent2{3} && w.stride == Extent2{1} && w.dilation == Extent2{1};
  }
  bool conv(Step::Kind kind, std::size_t x, Conv2dOptions o) {
    const Maps& in = maps(x);
    o.in = in.C;
    o.bias = chance(0.75);
    const Window window{o.kernel, o.stride, o.padding, o.dilation};
    const auto [H, W] = window.output(in.H, in.W);
    if (H == 0 || W == 0) return false;
    if (rounds(o.in, o.out, window, o.groups)) return false;
    const double work =
        static_cast<double>(H * W * o.out * o.in / o.groups * o.kernel.h * o.kernel.w);
    Step step{kind, {x}, o};
    step.rate = rate();
    switch (kind) {
      case Step::Kind::conv:
        return add(step, {o.out, H, W}, work);
      case Step::Kind::residual:
      case Step::Kind::nested:
        return add(step, in, 2 * work);
      case Step::Kind::sum:
        return add(step, {o.out, H, W}, 2 * work);
      case Step::Kind::repeated:
        return add(step, in, 3 * work);
      case Step::Kind::branches:
        return add(step, {2 * o.out + in.C, H, W}, 2 * work);
      default:
        if (H < 2 || W < 2) return false;
        if (kind == Step::Kind::both) return add(step, {o.out + in.C, H / 2, W / 2}, work);
        return add(step, {o.out, H / 2, W / 2}, work);
    }
  }
  double rate() { return recipe_.description.whole ? 0.5 : pick({0.2, 0.5, 0.7}); }
  Index channels() { return chance(0.3) ? pick<Index>({8, 9, 16, 17, 24}) : 1 + below(8); }
  static Conv2dOptions same(Index k, Index out) {
    return {.out = out, .kernel = k, .padding = k / 2};
  }
  bool relu(std::size_t x) { return add({Step::Kind::relu, {x}}, maps(x)); }
  bool pool(std::size_t x, const MaxPool2dOptions& o) {
    const MaxPool2d layer{o};
    const Maps& in = maps(x);
    const auto [H, W] = layer.window().output(in.H, in.W);
    if (H == 0 || W == 0) return false;
    // A window may step over the whole image.
    if (o.padding.h > 0 && (o.dilation.h >= in.H || o.dilation.w >= in.W) &&
        o.dilation != Extent2{1})
      return false;
    const auto y = layer.output_shape(Shape{Index{1}, in.C, in.H, in.W});
    return add({Step::Kind::pool, {x}, {}, layer.options}, {in.C, y[2], y[3]});
  }
  // A layer with a step of its own, and what comes out of it.
  template <class Layer>
  bool resize(Step step, const Layer& layer) {
    const Maps& in = maps(step.x[0]);
    Shape<4> y;
    try {
      y = layer.output_shape(Shape{Index{1}, in.C, in.H, in.W});
    } catch (const Error&) {
      return false;  // it does not fit
    }
    return add(std::move(step), {y[1], y[2], y[3]}, 9 * static_cast<double>(y.size()));
  }
  // Layers that change the extents.
  void resized(std::size_t x) {
    const bool whole = recipe_.description.whole;
    const Maps in = maps(x);
    switch (below(whole ? 3 : 5)) {
      case 0: {
        Step step{Step::Kind::transposed, {x}};
        auto& o = step.convt;
        o = {.in = in.C,
             .out = 1 + below(6),
             .kernel = {1 + below(4), 1 + below(3)},
             .stride = {1 + below(3), 1 + below(2)},
             .padding = {below(2), below(3)},
             .dilation = {1, 1 + below(2)},
             .bias = chance(0.7)};
        if (chance(0.3)) o.kernel = 3, o.padding = 1, o.dilation = 1;
        o.output_padding = {below(o.stride.h), below(o.stride.w)};
        if (in.C % 2 == 0 && chance(0.3)) o.groups = 2, o.out = 2 * (1 + below(3));
        Rng rng{1};
        resize(step, ConvTranspose2d<float>{o, rng});
        return;
      }
      case 1: {
        Step step{Step::Kind::upsample, {x}};
        step.up = {
            .scale = {1 + below(3), 1 + below(2)},
            .mode = !whole && chance(0.6) ? Interpolation::bilinear : Interpolation::nearest};
        resize(step, Upsample{step.up});
        return;
      }
      case 2: {
        Step step{Step::Kind::pad, {x}};
        step.borders = {.top = below(3),
                        .left = below(2),
                        .bottom = below(2),
                        .right = below(3),
                        .border = pick({Border::zeros, Border::reflect, Border::replicate})};
        resize(step, Pad2d{step.borders});
        return;
      }
      case 3: {
        Step step{Step::Kind::average, {x}};
        step.avg = {.kernel = {2 + below(2), 2 + below(3)},
                    .stride = 1 + below(3),
                    .padding = below(2),
                    .count_padding = chance(0.5)};
        resize(step, AvgPool2d{step.avg});
        return;
      }
      default:
        resize({Step::Kind::global_average, {x}}, GlobalAvgPool2d{});
    }
  }
  // With enough numbers for a variance.
  void norm(std::size_t x) {
    const Description& d = recipe_.description;
    const Maps& in = maps(x);
    const Index place = in.H * in.W;
    if (d.whole) return;
    const double work = 10 * static_cast<double>(in.size());
    const Index which = below(4);
    if (which < 2 && d.batch * place >= 12) add({Step::Kind::norm, {x}}, in, work);
    if (which == 2 && place >= 12) add({Step::Kind::chunk_norm, {x}}, in, work);
    if (which == 3) {
      Step step{Step::Kind::group_norm, {x}};
      step.which = in.C % 2 == 0 && chance(0.5) ? 2 : chance(0.3) ? in.C : 1;
      if (in.C / step.which * place >= 12) add(step, in, work);
    }
  }
  // A residual block, or what begins as one: convolutions with a normalisation, in whole vectors.
  void block(std::size_t x) {
    budget_ = std::max(budget_, 4e5);
    const Index C = chance(0.8) ? 16 : 32, stages = 1 + below(3);
    if (maps(x).C != C || chance(0.2)) {
      if (!conv(Step::Kind::conv, x, same(3, C))) return;
      x = last();
    }
    for (Index i = 0; i < stages; ++i) {
      if (!conv(Step::Kind::conv, last(), same(3, C))) return;
      const Maps& in = maps(last());
      if (recipe_.description.batch * in.H * in.W < 12) return;
      if (!add({Step::Kind::norm, {last()}}, in, 10 * static_cast<double>(in.size()))) return;
      if (i + 1 < stages || chance(0.2)) common_piece(last(), 2);
    }
    if (chance(0.8)) joined(true, chance(0.5) ? x : last(), chance(0.5) ? last() : x);
    if (chance(0.7)) relu(last());
  }
  bool fc(std::size_t x, Index out) {
    Step step{Step::Kind::fc, {x}};
    step.out = out, step.bias = chance(0.8);
    return add(step, {out}, static_cast<double>(out * maps(x).C));
  }

  // Convolutions with a ReLU and perhaps a pool each.
  void stack(std::size_t x) {
    const Index count = 1 + below(3), k = pick<Index>({3, 3, 3, 5, 2}), order = below(4);
    for (Index i = 0; i < count; ++i, x = last()) {
      const bool valid = chance(0.2);
      if (!conv(Step::Kind::conv, x,
                {.out = channels(), .kernel = k, .padding = valid ? 0 : k / 2}))
        return;
      // Sometimes a value inside what would be one group has a second reader, later.
      if (order == 0 && !pool(last(), {})) return;
      if (!relu(last())) return;
      if (order == 1 && !pool(last(), {})) return;
    }
    if (order == 2) pool(last(), {});
  }

  void any_conv(std::size_t x) {
    const auto two = [&](std::initializer_list<Index> from) {
      return Extent2{pick(from), pick(from)};
    };
    Conv2dOptions o{.out = channels(),
                    .kernel = two({1, 2, 3, 3, 4, 5}),
                    .stride = chance(0.4) ? two({1, 2, 3}) : 1,
                    .padding = chance(0.6) ? two({0, 1, 2}) : 0,
                    .dilation = chance(0.25) ? two({1, 2, 3}) : 1};
    const Index C = maps(x).C;
    if (chance(0.2)) o.groups = C, o.out = C * (1 + below(2));  // depthwise
    for (const Index g : {3, 2})
      if (o.groups == 1 && C % g == 0 && chance(0.3)) o.groups = g, o.out = g * (1 + below(4));
    conv(Step::Kind::conv, x, o);
  }

  // y = f(x), then x + y, or both side by side, or x read twice.
  void join_with_others(std::size_t x) {
    std::vector<std::size_t> sums, concats;
    for (std::size_t v = 0; v <= last(); ++v) {
      if (maps(v) == maps(x)) sums.push_back(v);
      if (maps(v).H == maps(x).H && maps(v).W == maps(x).W) concats.push_back(v);
    }
    const bool sum = chance(0.6);
    const auto& from = sum ? sums : concats;
    const auto other = from[static_cast<std::size_t>(below(static_cast<Index>(from.size())))];
    joined(sum, x, other);
  }
  bool joined(bool sum, std::size_t x, std::size_t other) {
    Maps y = maps(x);
    if (!sum) y.C += maps(other).C;
    return add({sum ? Step::Kind::add : Step::Kind::concat, {x, other}}, y);
  }

  void common_piece(std::size_t x, Index which) {
    if (which == 0) {
      Step step{maps(x).image() && chance(0.4) ? Step::Kind::dropout2d : Step::Kind::dropout, {x}};
      step.rate = rate();
      add(step, maps(x));
    } else if (which == 1) {
      add({Step::Kind::scale, {x}}, maps(x), static_cast<double>(maps(x).size()));
    } else if (which == 2) {
      if (chance(0.3)) {
        relu(x);
      } else if (!recipe_.description.whole && maps(x).C > 1 && chance(0.15)) {
        add({Step::Kind::softmax, {x}}, maps(x), static_cast<double>(maps(x).size()));
      } else {
        Step step{Step::Kind::activation, {x}};
        if (!recipe_.description.whole) step.which = 1 + below(activation_count - 1);
        add(step, maps(x), static_cast<double>(maps(x).size()));
      }
    } else {
      join_with_others(x);
    }
  }

  void image_piece(std::size_t x) {
    const Index C = maps(x).C, k = pick<Index>({1, 3, 3, 5});
    switch (below(19)) {
      case 0:
      case 1:
      case 2:
        return stack(x);
      case 3:
      case 4:
        return any_conv(x);
      case 5: {  // a residual of single layers
        if (!conv(Step::Kind::conv, x, same(3, C)) || !relu(last())) return;
        if (chance(0.5) && !conv(Step::Kind::conv, last(), same(3, C))) return;
        joined(true, x, last());
        return;
      }
      case 6: {
        const Extent2 kernel = pick<Index>({2, 2, 3});
        pool(x, {.kernel = kernel,
                 .stride = pick<Index>({1, 2, 3}),
                 .padding = chance(0.3) ? 1 : 0,
                 .dilation = chance(0.3) ? Extent2{1 + below(2), 2} : 1,
                 .ceil_mode = chance(0.4)});
        return;
      }
      case 7: {
        const auto kind = pick({Step::Kind::residual, Step::Kind::nested});
        auto o = same(k, kind == Step::Kind::nested ? C : channels());
        if (kind == Step::Kind::residual && C % 2 == 0 && o.out % 2 == 0 && chance(0.3))
          o.groups = 2;
        conv(kind, x, o);
        return;
      }
      case 8:
        conv(pick({Step::Kind::sum, Step::Kind::both, Step::Kind::chain, Step::Kind::shortcut,
                   Step::Kind::branches}),
             x, same(k, channels()));
        return;
      case 9:
      case 10:  // a Flatten, of which there may be others, and its readers
        if (!add({Step::Kind::flatten, {x}}, {maps(x).size()})) return;
        if (chance(0.5)) row_piece(last());
        return;
      case 11:
        if (recipe_.description.whole || chance(0.7)) return norm(x);
        return block(x);
      case 12:
      case 13:
        resized(x);
        return;
      case 14:
        conv(Step::Kind::repeated, x, same(k, C));
        return;
      default:
        return common_piece(x, below(5));
    }
  }

  void row_piece(std::size_t x) {
    Step step{Step::Kind::fc, {x}};
    step.out = 1 + below(20), step.bias = chance(0.8);
    const auto work = static_cast<double>(maps(x).C * step.out);
    switch (below(8)) {
      case 0:
      case 1:
        if (fc(x, step.out)) relu(last());
        return;
      case 2:
        fc(x, step.out);
        return;
      case 3:
        step.kind = Step::Kind::rows;
        add(step, maps(x), 2 * work);
        return;
      case 4:
        step.kind = Step::Kind::both_rows;
        add(step, {2 * step.out}, 2 * work);
        return;
      default:
        return common_piece(x, below(5));
    }
  }

  // Until one value has no reader, which then is the last.
  void join() {
    for (;;) {
      std::vector<bool> read(recipe_.values.size());
      for (const Step& s : recipe_.steps)
        for (const std::size_t x : s.x) read[x] = true;
      std::vector<std::size_t> ends;
      for (std::size_t v = 0; v <= last(); ++v)
        if (!read[v]) ends.push_back(v);
      if (ends.size() == 1) return;
      const std::size_t a = ends[0], b = ends[1];
      if (maps(a) == maps(b) && chance(0.5))
        joined(true, a, b);
      else if (maps(a).H == maps(b).H && maps(a).W == maps(b).W && maps(a).C + maps(b).C < 60)
        joined(false, a, b);
      else if (const std::size_t v = maps(a).image() ? a : b; maps(v).image())
        add({Step::Kind::flatten, {v}}, {maps(v).size()});
      else
        fc(maps(a).C > maps(b).C ? a : b, 1 + below(9));
    }
  }

  Rng rng_;
  Recipe recipe_{};
  double work_ = 0, budget_ = 0;
  int steps_ = 0;
};

}  // namespace

Recipe draw_recipe(std::uint64_t seed, Index index, int most) {
  return Drawing{seed, index}.draw(most);
}

}  // namespace random_networks
