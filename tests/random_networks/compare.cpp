// SPDX-License-Identifier: MIT
//
// Runs each network of the program in every way that there is and compares the results, tensor by
// tensor: the output, the gradients of the input and of every parameter, the new value of every buffer.
//
//   reference      Keep::everything on one thread: layer by layer, every value in memory
//   sweeps         Keep::everything, for_backward, output, each fused and unfused, predict, Predictor
//   forward_after and backward_from, at every layer where they are allowed
//   options        without the input's gradient, without those of the parameters
//   reuse          one workspace and batches of several sizes, with NaN in it between them
//   interleaved    two workspaces of one network
//   derivative     of s = <y, dy> by a difference of two forwards
//   as a Network   the layers of a Sequential in one, to the last bit
//
// Every way runs with 1, 2, 3 and 7 threads, which must give the same bits; float and double.
//
// Results may differ by 1e-5 of the largest number of a tensor in float and by 1e-12 in double. In networks
// of whole numbers all sums are exact, whatever their order is, so results must be equal. There, ties
// between the numbers of a window and zeros in front of a ReLU are frequent, and the rule for them is
// tested. In the other networks a unit that is that close to a tie may legally go either way, and
// everything after it with it: such a case is drawn again.
// So is one in which rounding is so large that float and double differ in the reference itself.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>

#include "random_networks/subject.hpp"

namespace random_networks {
namespace {

constexpr std::array thread_counts{1, 2, 3, 7};
constexpr std::uint64_t dropout_seed = 11;

/// What is wrong with a network, a line for each tensor.
class Report {
 public:
  /// What no rounding excuses: an error, NaN, other bits.
  void add(std::string line) {
    if (lines.size() < 30) lines.push_back(std::move(line));
    excusable = false;
  }
  /// A number that is too far from what was expected.
  void add_distance(std::string line, double limits) {
    if (lines.size() < 30) lines.push_back(std::move(line));
    excess = std::max(excess, limits);
  }
  std::vector<std::string> lines;
  bool excusable = true;
  double excess = 0;    // the largest of those distances, in limits
  double worst = 0;     // relative error of all that was compared with a limit
  double rounding = 0;  // and of the reference in float against that in double
};

/// The numbers that a network runs with.
struct Numerics {
  std::map<std::string, Numbers<double>> state;  // by name
  Numbers<double> x, dy;
  bool exact = false;  // whether sums are exact in float, in every order
  double closest_tie =
      1;  // how far the closest tie is, relative to the largest number in its layer
};

template <class T>
Numbers<T> rounded(const Numbers<double>& values) {
  return {values.begin(), values.end()};
}

template <class T>
double largest(const Numbers<T>& values) {
  double most = 0;
  for (const T value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

bool ends_with(const std::string& text, const char* end) { return text.ends_with(end); }

/// Draws weights, an input and an output gradient. Of whole numbers each `level` has fewer and smaller ones.
Numerics draw(Subject<double>& subject, const Description& d, int attempt, int level) {
  Rng rng{d.seed, attempt};
  Numerics numbers;
  const auto sign = [&] { return rng.below(2) ? 1.0 : -1.0; };
  const auto whole = [&](Index most) {
    return static_cast<double>(rng.below(2 * most + 1) - most);
  };
  const Index taps = std::array{8, 5, 4, 3, 2, 2}[static_cast<std::size_t>(level)];
  const double density =
      std::array{0.7, 0.4, 0.2, 0.1, 0.05, 0.02}[static_cast<std::size_t>(level)];
  subject.each_state([&](const std::string& name, std::span<const Index> shape, auto values) {
    if (ends_with(name, ".weight") && shape.size() > 1) {
      // Rows of W, each for one output.
      const auto rows = static_cast<std::size_t>(shape[0]), row = values.size() / rows;
      const double bound = std::sqrt(6.0 / static_cast<double>(row));
      for (double& w : values) w = d.whole ? 0 : rng.uniform(-bound, bound);
      for (std::size_t o = 0; o < rows && d.whole; ++o)
        for (Index k = 0; k < taps; ++k)
          values[o * row + static_cast<std::size_t>(rng.below(static_cast<Index>(row)))] = sign();
    } else {
      const bool spread =  // those of a normalisation are its gamma
          ends_with(name, ".scale") || ends_with(name, ".weight") ||
          ends_with(name, ".running_var");
      for (double& v : values)
        v = d.whole  ? (spread ? sign() : whole(1))
            : spread ? rng.uniform(0.5, 1.5)
                     : rng.uniform(-0.2, 0.4);
    }
    numbers.state[name] = {values.begin(), values.end()};
  });
  numbers.x.resize(static_cast<std::size_t>(d.batch * subject.input_size()));
  for (double& x : numbers.x) x = d.whole ? whole(level < 2 ? 3 : 2) : rng.uniform(-1, 1);
  numbers.dy.resize(static_cast<std::size_t>(d.batch * subject.output_size()));
  for (double& g : numbers.dy)
    g = !d.whole                  ? rng.uniform(-1, 1)
        : rng.uniform() < density ? (level < 2 ? whole(2) : sign())
                                  : 0;
  return numbers;
}

template <class T>
void set_state(Subject<T>& subject, const Numerics& numbers) {
  subject.each_state([&](const std::string& name, std::span<const Index>, auto values) {
    const auto& from = numbers.state.at(name);
    std::transform(from.begin(), from.end(), values.begin(),
                   [](double value) { return static_cast<T>(value); });
  });
}

template <class T>
const Named<T>* find(const Tensors<T>& tensors, const std::string& name) {
  for (const auto& t : tensors)
    if (t.name == name) return &t;
  return nullptr;
}

/// What errors in this tensor are relative to: its largest number. The gradient of a bias is a sum in which nearly all
/// may cancel (in front of a batch normalisation all does), so there it is that of the whole layer.
template <class T>
double scale_of(const Tensors<T>& all, const Named<T>& t) {
  double scale = largest(t.values);
  if (ends_with(t.name, ".bias"))
    if (const auto* const weight = find(all, t.name.substr(0, t.name.size() - 4) + "weight"))
      scale = std::max(scale, largest(weight->values));
  return scale;
}

/// The largest of the sums of |values[i]| over the elements i with the same key(i), which is below `keys`.
template <class Key>
double largest_sum(const Numbers<double>& values, Index keys, Key&& key) {
  std::vector<double> sums(static_cast<std::size_t>(keys));
  for (std::size_t i = 0; i < values.size(); ++i)
    sums[static_cast<std::size_t>(key(static_cast<Index>(i)))] += std::abs(values[i]);
  return *std::max_element(sums.begin(), sums.end());
}

/// Whether every sum in this layer is exact in float, whatever the order of its terms. Winograd's transforms
/// multiply sums by at most 36 and make quarters of whole numbers.
bool is_exact(const Trace& t) {
  for (const char* rounds :
       {"bn", "gn", "avgpool", "globalpool", "leakyrelu", "elu", "sigmoid", "tanh", "silu", "gelu",
        "softplus", "hardsigmoid", "hardswish", "softmax"})
    if (t.kind == rounds) return false;
  const double x = largest(t.x), dy = largest(t.dy);
  double sum = std::max(x, dy), factor = 1;
  if (t.kind == "upsample" || t.kind == "pad") factor = 64;  // places that show one pixel
  if (t.kind == "convt") {
    // Any sum over W is at most that over all of it, and so it is with dy.
    const double all = largest_sum(t.weight, 1, [](Index) { return 0; }),
                 all_dy = largest_sum(t.dy, 1, [](Index) { return 0; });
    sum = std::max({sum, x * all, dy * all, all_dy * std::max(x, 1.0)});
    if (t.weight_shape[2] == 3 && t.weight_shape[3] == 3)
      factor = 4 * 36 * 9.0 * static_cast<double>(std::max(t.weight_shape[0], t.weight_shape[1]));
  } else if (!t.weight.empty()) {
    const Index O = t.weight_shape[0], C = t.weight_shape.size() > 1 ? t.weight_shape[1] : 1;
    const Index groups = t.kind == "fc" ? 1 : t.x_shape[1] / C;
    const Index area = static_cast<Index>(t.weight.size()) / (O * C);
    const Index places = static_cast<Index>(t.dy.size()) / (t.x_shape[0] * O);
    double row = largest_sum(t.weight, O, [=](Index i) { return i / (C * area); });
    double column = largest_sum(t.weight, groups * C, [=](Index i) {
      return i / (C * area) / (O / groups) * C + i / area % C;
    });
    if (t.kind == "conv" && t.window.kernel == Extent2{3} && groups == 1) {
      factor = 4 * 36;
      row = std::max(row, largest(t.weight) * static_cast<double>(9 * C));
      column = std::max(column, largest(t.weight) * static_cast<double>(9 * O));
    }
    const double of_dy = largest_sum(t.dy, O, [=](Index i) { return i / places % O; });
    sum = std::max({sum, x * row, dy * column, of_dy * std::max(x, 1.0)});
  }
  return sum * factor < 0x1p24;
}

/// How far the closest tie in front of a ReLU, or of another function with a bend, or in the windows of a pool is; 1 if
/// there is none.
/// Zeros are no ties: a ReLU has made them, in every way.
double closest_tie(const Trace& t) {
  const double scale = largest(t.x);
  double closest = 1;
  const auto distance = [&](double value) { closest = std::min(closest, std::abs(value) / scale); };
  if (t.kind == "relu")
    for (const double x : t.x)
      if (x != 0) distance(x);
  if (t.kind == "leakyrelu" || t.kind == "elu")
    for (const double x : t.x) distance(x);
  if (t.kind == "clip" || t.kind == "hardswish" || t.kind == "hardsigmoid")
    for (const double x : t.x) distance(std::abs(x) - (t.kind == "clip" ? 0.5 : 3));
  if (t.kind == "pool") {
    const Index H = t.x_shape[2], W = t.x_shape[3], planes = t.x_shape[0] * t.x_shape[1];
    const auto [OH, OW] = t.window.output(H, W);
    for (Index p = 0; p < planes; ++p)
      for (Index i = 0; i <= OH; ++i)  // the last ones if it is rounded up
        for (Index j = 0; j <= OW; ++j) {
          double first = -INFINITY, second = -INFINITY;
          for (Index k = 0; k < t.window.kernel.h * t.window.kernel.w; ++k) {
            const Index h = i * t.window.stride.h - t.window.padding.h +
                            k / t.window.kernel.w * t.window.dilation.h;
            const Index w = j * t.window.stride.w - t.window.padding.w +
                            k % t.window.kernel.w * t.window.dilation.w;
            if (h < 0 || h >= H || w < 0 || w >= W) continue;
            const double x = t.x[static_cast<std::size_t>((p * H + h) * W + w)];
            second = std::max(second, std::min(first, x));
            first = std::max(first, x);
          }
          if (second > -INFINITY && (first != 0 || second != 0)) distance(first - second);
        }
  }
  return closest;
}

/// Draws until sums are exact, if they are to be, and the result depends on the input. `attempt` counts on.
Numerics problem(Subject<double>& subject, const Description& d, int& attempt) {
  Numerics numbers;
  int level = 0;
  for (int tries = 0; tries < 12; ++tries) {
    numbers = draw(subject, d, attempt++, level);
    set_state(subject, numbers);
    const auto run = subject.workspace(
        d.batch,
        {.keep = Keep::everything, .input_gradient = true, .threads = 1, .seed = dropout_seed});
    run->forward(numbers.x, d.batch, Mode::train);
    run->backward(numbers.dy);
    const auto traces = run->traces();
    numbers.exact = d.whole && std::all_of(traces.begin(), traces.end(), is_exact);
    for (const Trace& t : traces)
      numbers.closest_tie = std::min(numbers.closest_tie, closest_tie(t));
    const bool alive = largest(run->input_gradient()) > 0;
    if (d.whole && !numbers.exact)
      level = std::min(level + 1, 5);
    else if (alive)
      return numbers;
    else
      level = std::max(level - 1, 0);
  }
  return numbers;
}

/// All ways to run one network in T.
template <class T>
class Comparison {
 public:
  Comparison(Subject<T>& subject, const Description& d, const Numerics& numbers, Report& report)
      : subject_(subject),
        network_(subject.as_network()),
        d_(d),
        x_(rounded<T>(numbers.x)),
        dy_(rounded<T>(numbers.dy)),
        limit_(numbers.exact    ? 0
               : sizeof(T) == 4 ? 1e-5
                                : 1e-12),
        report_(report) {
    set_state(subject, numbers);
    if (network_) set_state(*network_, numbers);
  }

  /// Compares everything with the reference in training, and in prediction if that differs.
  void run() {
    for (const Mode mode : {Mode::train, Mode::eval}) {
      mode_ = mode;
      const WorkspaceOptions how{.keep = Keep::everything, .input_gradient = true, .threads = 1};
      if (mode == Mode::train || d_.modes) {
        attempt("reference", [&] { make_reference(how); });
        if (!report_.lines.empty()) return;
        sweeps(how);
        after();
        from();
        options();
        reuse();
        interleaved();
        as_network();
        derivative();
      }
      if (mode == Mode::eval) predictions();
    }
  }

  /// The results of the reference in training.
  const Tensors<T>& reference() {
    mode_ = Mode::train;
    make_reference({.keep = Keep::everything, .input_gradient = true, .threads = 1});
    return reference_;
  }

 private:
  static const char* name_of(Keep keep) {
    return keep == Keep::everything ? "everything"
           : keep == Keep::output   ? "output"
                                    : "for_backward";
  }
  std::string way(const std::string& what) const {
    return (d_.modes ? mode_ == Mode::train ? "train, " : "eval, " : "") + what;
  }

  // One forward of the first n images, and one backward if the workspace was made for that.
  Tensors<T> step(Run<T>& run, const WorkspaceOptions& how, const Numbers<T>& x,
                  const Numbers<T>& dy, Index n, std::optional<Mode> mode) const {
    const bool backward = how.keep != Keep::output,
               parameters = backward && how.parameter_gradients;
    if (parameters) run.fill_parameter_gradients(std::numeric_limits<T>::quiet_NaN());
    Tensors<T> all{{"output", run.forward(x, n, mode)}};
    for (auto& buffer : run.new_buffers())
      all.push_back({"buffer " + buffer.name, std::move(buffer.values)});
    if (!backward) return all;
    run.backward(dy);
    if (how.input_gradient) all.push_back({"input gradient", run.input_gradient()});
    if (parameters)
      for (auto& g : run.parameter_gradients())
        all.push_back({"gradient of " + g.name, std::move(g.values)});
    return all;
  }

  Tensors<T> step(const WorkspaceOptions& how, std::optional<Mode> mode) const {
    auto run = subject_.workspace(d_.capacity, with_seed(how));
    return step(*run, how, x_, dy_, d_.batch, mode);
  }
  static WorkspaceOptions with_seed(WorkspaceOptions how) {
    how.seed = dropout_seed;
    return how;
  }
  static WorkspaceOptions with_threads(WorkspaceOptions how, int threads) {
    how.threads = threads;
    return how;
  }

  void make_reference(const WorkspaceOptions& how) {
    auto run = subject_.workspace(d_.batch, with_seed(how));
    reference_ = step(*run, how, x_, dy_, d_.batch, mode_);
    activations_.clear(), gradients_.clear();
    for (std::size_t i = 0; i < subject_.depth(); ++i) {
      activations_.push_back(run->activation(i));
      gradients_.push_back(run->gradient(i));
    }
    for (const auto& t : reference_)
      if (!std::all_of(t.values.begin(), t.values.end(), [](T v) { return std::isfinite(v); }))
        report_.add(way("reference: " + t.name + " is not finite"));
  }

  void sweeps(const WorkspaceOptions& everything) {
    all_threads("Keep::everything", reference_,
                [&](int threads) { return step(with_threads(everything, threads), mode_); });
    for (const Keep keep : {Keep::for_backward, Keep::output})
      for (const bool fuse : {true, false})
        all_threads(std::string("Keep::") + name_of(keep) + (fuse ? "" : ", .fuse = false"),
                    reference_, [&](int threads) {
                      return step({.keep = keep,
                                   .input_gradient = keep != Keep::output,
                                   .threads = threads,
                                   .fuse = fuse},
                                  mode_);
                    });
    // What is computed again has the same bits; with what fuses, ConvPool is among it.
    const auto again = [&](bool fuse, bool recompute, int threads) {
      return step(
          {.input_gradient = true, .threads = threads, .fuse = fuse, .recompute = recompute},
          mode_);
    };
    for (const bool fuse : {true, false})
      all_threads(fuse ? ".recompute" : ".recompute, .fuse = false", reference_,
                  [&](int threads) { return again(fuse, true, threads); });
    attempt(".recompute", [&] {
      expect_same_bits(".recompute, .fuse = false", again(false, true, 1), again(false, false, 1));
    });
    // The mode that follows from the workspace.
    const Keep keep = mode_ == Mode::train ? Keep::for_backward : Keep::output;
    attempt("no mode given", [&] {
      expect_close("no mode given", step({.keep = keep, .threads = 1}, std::nullopt), reference_);
    });
  }

  // y of each layer goes to the layers after it.
  void after() {
    for (const Keep keep : {Keep::for_backward, Keep::output})
      for (const bool prepack : {false, true}) {
        if (prepack && (keep != Keep::output || mode_ == Mode::train)) continue;
        for (const bool fuse : {true, false}) {
          const WorkspaceOptions how{.keep = keep, .fuse = fuse, .prepack_weights = prepack};
          const std::string what =
              concat("forward_after, Keep::", name_of(keep), prepack ? ", prepacked" : "",
                     fuse ? "" : ", .fuse = false");
          every_layer(what, fuse, [&](std::size_t i, int threads) {
            auto run = subject_.workspace(d_.capacity, with_seed(with_threads(how, threads)));
            return Tensors<T>{{"output", run->forward_after(i, activations_[i], d_.batch, mode_)}};
          });
        }
      }
  }

  // ds/dy of each layer goes to the layers before it.
  void from() {
    for (const bool fuse : {true, false}) {
      const WorkspaceOptions how{.input_gradient = true, .fuse = fuse};
      every_layer(fuse ? "backward_from" : "backward_from, .fuse = false", fuse,
                  [&](std::size_t i, int threads) {
                    auto run =
                        subject_.workspace(d_.capacity, with_seed(with_threads(how, threads)));
                    run->forward(x_, d_.batch, mode_);
                    run->backward_from(i, gradients_[i]);
                    Tensors<T> all{{"input gradient", run->input_gradient()}};
                    for (auto& g : run->parameter_gradients())
                      if (layer_of(g.name) <= i)
                        all.push_back({"gradient of " + g.name, std::move(g.values)});
                    return all;
                  });
    }
  }

  void options() {
    all_threads("without the input's gradient", reference_,
                [&](int threads) { return step({.threads = threads}, mode_); });
    all_threads("without the parameters' gradients", reference_, [&](int threads) {
      return step({.input_gradient = true, .parameter_gradients = false, .threads = threads},
                  mode_);
    });
  }

  // One workspace, batches of several sizes, and before each of them a full one of NaN.
  void reuse() {
    const auto most = *std::max_element(d_.reused.begin(), d_.reused.end());
    for (const Keep keep : {Keep::for_backward, Keep::output})
      for (const int threads : {1, 3}) {
        const WorkspaceOptions how{
            .keep = keep, .input_gradient = keep != Keep::output, .threads = threads};
        const std::string name =
            concat("reused workspace, Keep::", name_of(keep), ", ", threads, " threads");
        attempt(name, [&] {
          auto run = subject_.workspace(most, with_seed(how));
          int count = 0;
          for (const Index n : d_.reused) {
            if (count++ > 0) {
              constexpr T nan = std::numeric_limits<T>::quiet_NaN();
              run->forward(Numbers<T>(size(most * subject_.input_size()), nan), most, mode_);
              if (keep != Keep::output)
                run->backward(Numbers<T>(size(most * subject_.output_size()), nan));
            }
            const auto x = some(x_, subject_.input_size(), n),
                       dy = some(dy_, subject_.output_size(), n);
            const WorkspaceOptions all{
                .keep = Keep::everything, .input_gradient = true, .threads = 1};
            auto fresh = subject_.workspace(n, with_seed(all));
            expect_close(concat(name, ", batch ", count, " of ", n),
                         step(*run, how, x, dy, n, mode_), step(*fresh, all, x, dy, n, mode_));
          }
        });
      }
  }

  // All ways share a plan, so what is wrong in it is the same in each. Here s = <y, dy> itself is the judge: along a
  // random direction of the input and of all parameters, it changes as the gradients say.
  void derivative() {
    if (sizeof(T) == 4 || d_.whole) return;  // whole numbers have ties everywhere
    attempt("derivative of s", [&] {
      Rng rng{d_.seed, 7};
      const auto direction = [&](const Numbers<T>& like) {
        Numbers<T> v(like.size());
        for (T& each : v) each = static_cast<T>(rng.uniform(-1, 1));
        return v;
      };
      const Tensors<T>& all = reference_;
      Tensors<T> along;
      double expected = 0, scale = 0;
      for (const auto& t : all) {
        along.push_back({t.name, direction(t.values)});
        if (t.name.find("gradient") == std::string::npos) continue;
        for (std::size_t i = 0; i < t.values.size(); ++i) {
          const auto term = static_cast<double>(t.values[i] * along.back().values[i]);
          expected += term, scale += std::abs(term);
        }
      }
      const auto s_at = [&](T step) {
        const auto move = [&](auto& values, const Named<T>* v) {
          for (std::size_t i = 0; v && i < values.size(); ++i) values[i] += step * v->values[i];
        };
        const auto move_all = [&] {
          subject_.each_state([&](const std::string& name, std::span<const Index>, auto values) {
            move(values, find(along, "gradient of " + name));
          });
        };
        Numbers<T> x = x_;
        move(x, find(along, "input gradient"));
        const auto before = state();
        move_all();
        auto run =
            subject_.workspace(d_.batch, with_seed({.keep = Keep::everything, .threads = 1}));
        const Numbers<T> y = run->forward(x, d_.batch, mode_);
        subject_.each_state([&](const std::string& name, std::span<const Index>, auto values) {
          const auto& old = find(before, name)->values;
          std::copy(old.begin(), old.end(), values.begin());
        });
        double s = 0;
        for (std::size_t i = 0; i < y.size(); ++i) s += static_cast<double>(y[i] * dy_[i]);
        return s;
      };
      const double step = 1e-7;
      const double found = (s_at(static_cast<T>(step)) - s_at(static_cast<T>(-step))) / (2 * step);
      // Where a dropout leaves nothing, everything is 0.
      const double limit = 1e-4, difference = std::abs(found - expected);
      const double error = difference > 0 ? difference / scale : difference;
      if (!(error <= limit))
        report_.add_distance(concat(way("derivative of s"), ": the gradients say ", expected,
                                    ", found ", found, " (limit ", limit, " of ", scale, ")"),
                             error / limit);
    });
  }
  // All parameters and buffers.
  Tensors<T> state() {
    Tensors<T> all;
    subject_.each_state([&](const std::string& name, std::span<const Index>, auto values) {
      all.push_back({name, {values.begin(), values.end()}});
    });
    return all;
  }

  // The same layers in a Network: the same plan, the same names and the same bits.
  void as_network() {
    if (!network_) return;
    for (const bool fuse : {true, false}) {
      const WorkspaceOptions how{.input_gradient = true, .threads = 2, .fuse = fuse};
      attempt("as a Network", [&] {
        auto run = network_->workspace(d_.capacity, with_seed(how));
        expect_same_bits("as a Network", step(*run, how, x_, dy_, d_.batch, mode_),
                         step(how, mode_));
      });
    }
  }

  // forward in one workspace and in another, then backward in both.
  void interleaved() {
    const WorkspaceOptions how{.input_gradient = true, .threads = 2};
    attempt("interleaved", [&] {
      auto one = subject_.workspace(d_.batch, with_seed(how));
      auto two = subject_.workspace(d_.capacity, with_seed(how));
      Numbers<T> other(x_.rbegin(), x_.rend());
      one->forward(x_, d_.batch, mode_);
      two->forward(other, d_.batch, mode_);
      one->backward(dy_);
      two->backward(dy_);
      Tensors<T> all{{"input gradient", one->input_gradient()}};
      for (auto& g : one->parameter_gradients())
        all.push_back({"gradient of " + g.name, std::move(g.values)});
      expect_close("interleaved with another workspace", all, reference_);
    });
  }

  void predictions() {
    if (!d_.modes) make_reference({.keep = Keep::everything, .input_gradient = true, .threads = 1});
    const Tensors<T> expected{reference_.front()};
    all_threads("predict", expected, [&](int threads) {
      return Tensors<T>{{"output", subject_.predict(x_, d_.batch, threads)}};
    });
    for (const Index capacity : {d_.batch, d_.capacity})
      all_threads(concat("Predictor of ", capacity), expected, [&](int threads) {
        auto run = subject_.predictor(capacity, threads);
        run->forward(x_, d_.batch, Mode::eval);
        return Tensors<T>{{"output", run->forward(x_, d_.batch, Mode::eval)}};
      });
    every_layer("forward_after, Predictor", true, [&](std::size_t i, int threads) {
      auto run = subject_.predictor(d_.capacity, threads);
      return Tensors<T>{{"output", run->forward_after(i, activations_[i], d_.batch, Mode::eval)}};
    });
    // More than predict takes at a time.
    if (static_cast<Index>(x_.size()) < 20'000) {
      const auto x = some(x_, subject_.input_size(), 70);
      attempt("predict 70", [&] {
        expect_close("predict, 70 images", {{"output", subject_.predict(x, 70, 2)}},
                     {{"output", some(reference_.front().values, subject_.output_size(), 70)}});
      });
    }
  }

  static std::size_t size(Index n) { return static_cast<std::size_t>(n); }
  // n examples of those in `values`, from the last one backwards and round again.
  Numbers<T> some(const Numbers<T>& values, Index each, Index n) const {
    Numbers<T> result;
    const Index count = static_cast<Index>(values.size()) / each;
    for (Index i = 0; i < n; ++i) {
      const auto first = values.begin() + (count - 1 - i % count) * each;
      result.insert(result.end(), first, first + each);
    }
    return result;
  }
  std::size_t layer_of(const std::string& parameter) const {
    std::size_t i = 0;
    while (i < subject_.depth() && !parameter.starts_with(subject_.layer_name(i) + ".")) ++i;
    return i;
  }

  // Runs f and reports what it throws.
  template <class F>
  void attempt(const std::string& what, F&& f) {
    try {
      f();
    } catch (const std::exception& error) {
      report_.add(way(what) + ": an error: " + error.what());
    }
  }

  // run(threads) against what is expected, and with more threads against one, to the last bit.
  template <class F>
  void all_threads(const std::string& what, const Tensors<T>& expected, F&& run) {
    attempt(what, [&] {
      Tensors<T> one;
      for (const int threads : thread_counts) {
        Tensors<T> now = run(threads);
        if (threads > 1)
          expect_same_bits(concat(what, ", ", threads, " threads"), now, one);
        else
          expect_close(what, now, expected), one = std::move(now);
      }
    });
  }

  // run(layer, threads) for each layer. One that runs as one with its neighbours may refuse, and says so.
  template <class F>
  void every_layer(const std::string& what, bool may_refuse, F&& run) {
    for (std::size_t i = 0; i < subject_.depth(); ++i) {
      const std::string here = what + ", " + subject_.layer_name(i);
      try {
        const Tensors<T> one = run(i, 1);
        expect_close(here, one, reference_);
        expect_same_bits(here + ", 3 threads", run(i, 3), one);
      } catch (const Error& error) {
        const bool refusal = std::strstr(error.what(), "runs as one with its neighbours");
        if (!refusal || !may_refuse || i + 1 == subject_.depth())
          report_.add(way(here) + ": an error: " + error.what());
      }
    }
  }

  void expect_close(const std::string& what, const Tensors<T>& got, const Tensors<T>& expected) {
    for (const auto& t : got) {
      const auto* const right = find(expected, t.name);
      if (!right || right->values.size() != t.values.size()) {
        report_.add(way(what) + ": " + t.name + " has another size");
        continue;
      }
      const double scale = scale_of(expected, *right);
      double error = 0;
      std::size_t where = 0;
      for (std::size_t k = 0; k < t.values.size(); ++k) {
        const double off =
            std::abs(static_cast<double>(t.values[k]) - static_cast<double>(right->values[k]));
        if (!(off <= error)) error = off, where = k;  // NaN stays
        if (std::isnan(off)) break;
      }
      const double relative = error == 0 ? 0 : error / scale;
      report_.worst = std::max(report_.worst, limit_ > 0 ? relative * 1e-5 / limit_ : 0);
      if (relative <= limit_) continue;
      const std::string line = concat(way(what), ": ", t.name, ": an error of ", relative,
                                      " (limit ", limit_, "): element ", where, " is ",
                                      t.values[where], ", expected ", right->values[where]);
      std::isfinite(error) ? report_.add_distance(line, relative / limit_) : report_.add(line);
    }
  }

  void expect_same_bits(const std::string& what, const Tensors<T>& got,
                        const Tensors<T>& expected) {
    for (const auto& t : got) {
      const auto* const right = find(expected, t.name);
      if (!right || right->values.size() != t.values.size() ||
          std::memcmp(right->values.data(), t.values.data(), t.values.size() * sizeof(T)) != 0)
        report_.add(way(what) + ": " + t.name + " has other bits");
    }
  }

  Subject<T>& subject_;
  std::unique_ptr<Subject<T>> network_;  // of the same layers, for a Sequential
  const Description& d_;
  Numbers<T> x_, dy_;
  double limit_;
  Report& report_;
  Mode mode_ = Mode::train;
  Tensors<T> reference_;
  std::vector<Numbers<T>> activations_, gradients_;
};

/// The reference in float against that in double: equal where sums are exact.
void compare_precisions(const Tensors<float>& single, const Tensors<double>& full, bool exact,
                        Report& report) {
  for (std::size_t i = 0; i < full.size(); ++i) {
    const double scale = scale_of(full, full[i]), limit = exact ? 0 : 1e-4;
    double error = 0;
    for (std::size_t k = 0; k < full[i].values.size(); ++k)
      error =
          std::max(error, std::abs(static_cast<double>(single[i].values[k]) - full[i].values[k]));
    if (error > 0) report.rounding = std::max(report.rounding, error / scale);
    if (!(error <= limit * scale))
      report.add_distance(concat("float against double: ", full[i].name, ": an error of ",
                                 error / scale, " (limit ", limit, ")"),
                          error / scale / limit);
  }
}

Report compare(const Entry& entry, Numerics& numbers, int& attempt) {
  Report report;
  const auto full = entry.in_double();
  const auto single = entry.in_float();
  numbers = problem(*full, entry.description, attempt);
  Comparison<double> in_double(*full, entry.description, numbers, report);
  in_double.run();
  if (!report.lines.empty()) report.lines.push_back("(all of these in double)");
  const std::size_t before = report.lines.size();
  Comparison<float> in_float(*single, entry.description, numbers, report);
  in_float.run();
  if (report.lines.size() > before) report.lines.push_back("(these in float)");
  compare_precisions(in_float.reference(), in_double.reference(), numbers.exact, report);
  return report;
}

}  // namespace

Verdict judge(const Entry& entry) {
  Report report;
  Numerics numbers;
  bool undecided = false;
  int attempt = 0;
  for (int tries = 0; tries < 4; ++tries) {
    report = compare(entry, numbers, attempt);
    // A unit that close to a tie goes either way, and where rounding is large in the reference, it is elsewhere.
    // What is just beyond a limit is no more than rounding if it is gone in another draw.
    const bool may = !report.lines.empty() && report.excusable && !numbers.exact;
    undecided = may && (numbers.closest_tie < 1e-5 || report.rounding > 2e-6);
    if (!undecided && !(may && report.excess < 100)) break;
  }
  return {report.lines, undecided, numbers.exact, report.worst};
}

/// A line of text for each tensor, "name count", then an empty line, then all of their numbers.
void dump(const Entry& entry, const char* path) {
  const Description& d = entry.description;
  const auto subject = entry.in_double();
  int attempt = 0;
  const Numerics numbers = problem(*subject, d, attempt);
  set_state(*subject, numbers);
  Tensors<double> all{{"x", numbers.x}, {"dy", numbers.dy}};
  for (const auto& [name, values] : numbers.state) all.push_back({name, values});
  for (const Mode mode : {Mode::train, Mode::eval}) {
    const std::string prefix = mode == Mode::train ? "train " : "eval ";
    const auto run = subject->workspace(
        d.capacity, {.input_gradient = true, .threads = 2, .seed = dropout_seed});
    all.push_back({prefix + "output", run->forward(numbers.x, d.batch, mode)});
    for (auto& b : run->new_buffers())
      all.push_back({prefix + "buffer " + b.name, std::move(b.values)});
    run->backward(numbers.dy);
    all.push_back({prefix + "input gradient", run->input_gradient()});
    for (auto& g : run->parameter_gradients())
      all.push_back({prefix + "gradient of " + g.name, std::move(g.values)});
  }
  std::FILE* const file = std::fopen(path, "wb");
  check(file != nullptr, "cannot write ", path);
  std::fprintf(file, "exact %d\n", numbers.exact || numbers.closest_tie > 1e-11);
  for (const auto& t : all) std::fprintf(file, "%zu %s\n", t.values.size(), t.name.c_str());
  std::fprintf(file, "\n");
  for (const auto& t : all) std::fwrite(t.values.data(), sizeof(double), t.values.size(), file);
  check(std::fclose(file) == 0, "cannot write ", path);
}

}  // namespace random_networks
