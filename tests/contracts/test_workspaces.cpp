// SPDX-License-Identifier: MIT
//
// Misuse of networks, workspaces, predictors and optimizers: the right numbers, or one Error that names the
// mistake. Nothing here may be undefined behaviour, so all of it also runs under the sanitizers.
#include <optional>
#include <thread>

#include "support.hpp"

using namespace test;

namespace workspace_contracts {

namespace {

auto network(Index hidden = 6, std::uint64_t seed = 1) {
  Rng rng{seed};
  return Sequential{Shape{2, 8, 8},
                    Conv2d<float>{{.in = 2, .out = 8, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{},
                    Conv2d<float>{{.in = 8, .out = 3, .kernel = 3, .padding = 1}, rng},
                    Flatten{},
                    Linear<float>{{.in = 48, .out = hidden}, rng},
                    Relu{},
                    Linear<float>{{.in = hidden, .out = 3}, rng}};
}
using Net = decltype(network());

Tensor<float, 4> images(Index N = 4) { return random_tensor<float>(Shape{N, 2, 8, 8}, 3); }
const Tensor<Label, 1> labels{0, 2, 1, 0};

void train_step(Net& net, Workspace<Net>& w, Adam<float>& adam) {
  const auto logits = net.forward(images(), w);
  cross_entropy(logits, labels, w.output_gradient());
  net.backward(w);
  adam.step(net, w);
}

template <class N>
std::vector<float> parameters(const N& net) {
  std::vector<float> all;
  net.for_each_state([&](const std::string&, const auto& t) {
    for (const auto v : t) all.push_back(static_cast<float>(v));
  });
  return all;
}

// One misuse, and what its error has to say; "" for none: it is right.
struct Row {
  const char* name;
  std::function<void()> misuse;
  std::string says;
};

auto inner_network() {
  Rng rng{2};
  return Sequential{Shape{4}, Linear<float>{{.in = 4, .out = 4}, rng}, Dropout{}};
}
using Inner = decltype(inner_network());

// A layer that runs a network by itself, in one of several ways.
enum class Mistake { own_workspace, fresh_options, predict };
template <Mistake mistake>
struct Wrong {
  using value_type = float;
  static constexpr std::string_view kind = "wrong";
  Inner inner = inner_network();
  std::shared_ptr<Workspace<Inner>> made_before =
      std::make_shared<Workspace<Inner>>(inner.workspace(1));
  Shape<2> output_shape(Shape<2> x) const { return x; }
  int pass(Shape<2> x, const WorkspaceOptions& options) const {
    if constexpr (mistake == Mistake::own_workspace) inner.workspace(x[0], options);
    return 0;
  }
  void forward(View<const float, 2> x, View<float, 2> y, int&, const Context&) const {
    if constexpr (mistake == Mistake::fresh_options) {
      const auto z = inner.forward(x, *made_before);
      std::copy(z.begin(), z.end(), y.begin());
    } else {
      const auto z = inner.predict(x);
      std::copy(z.begin(), z.end(), y.begin());
    }
  }
  void backward(View<const float, 2>, View<const float, 2>, View<const float, 2>, View<float, 2>,
                int&, const Context&) const {}
};

// A layer made of two, which runs them in one of several wrong ways.
enum class Composed { well, swapped, forgets, twice };
template <Composed how>
struct Pair {
  static constexpr std::string_view kind = "pair";
  Linear<float> a, b;
  explicit Pair(Rng& rng) : a({.in = 4, .out = 4}, rng), b({.in = 4, .out = 4}, rng) {}
  static constexpr auto children() {
    return std::tuple{Child{"a", &Pair::a}, Child{"b", &Pair::b}};
  }
  auto compose(auto& graph, const auto& x) const {
    if constexpr (how == Composed::well) return graph.run("b", b, graph.run("a", a, x));
    if constexpr (how == Composed::swapped) return graph.run("a", a, graph.run("b", b, x));
    if constexpr (how == Composed::forgets) return graph.run("a", a, x);
    if constexpr (how == Composed::twice)
      return graph.run("b", b, graph.run("a", a, graph.run("a", a, x)));
  }
};
template <Composed how>
void make_pair() {
  Rng rng{1};
  const Sequential net{Shape{4}, Pair<how>{rng}};
  net.workspace(1);
}

// A layer that throws when it runs.
struct Throws {
  static constexpr std::string_view kind = "throws";
  Shape<2> output_shape(Shape<2> x) const { return x; }
  template <class T>
  void forward(View<const T, 2>, View<T, 2>, NoPass&, const Context&) const {
    fail("no more of this");
  }
  template <class T>
  void backward(View<const T, 2>, View<const T, 2>, View<const T, 2>, View<T, 2>, NoPass&,
                const Context&) const {}
};

// A buffer whose new value in the Pass has another size.
struct WrongBuffer {
  using value_type = float;
  static constexpr std::string_view kind = "count";
  Index extent;
  Tensor<float, 1> value{0.0f, 0.0f};
  struct Pass {
    Tensor<float, 1> value;
  };
  static constexpr auto buffers() {
    return std::tuple{Buffer{"value", &WrongBuffer::value, &Pass::value}};
  }
  Pass pass(Shape<2>, const WorkspaceOptions&) const { return {Tensor<float, 1>(Shape{extent})}; }
  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const float, 2> x, View<float, 2> y, Pass&, const Context&) const {
    std::copy(x.begin(), x.end(), y.begin());
  }
  void backward(View<const float, 2>, View<const float, 2>, View<const float, 2> dy,
                View<float, 2> dx, Pass&, const Context&) const {
    std::copy_n(dy.begin(), dx.size(), dx.begin());
  }
};

std::vector<Row> rows() {
  return {
      {"backward before forward",
       [] {
         const auto net = network();
         auto w = net.workspace(4);
         net.backward(w);
       },
       "backward: expected a forward in this workspace before it"},
      {"backward after a forward that failed half-way",
       [] {
         const Sequential net{Shape{4}, Throws{}};
         auto w = net.workspace(1);
         try {
           net.forward(Tensor<float, 2>(Shape{1, 4}), w);
         } catch (const Error&) {
         }
         net.backward(w);
       },
       "backward: expected a forward in this workspace before it"},
      {"backward after forward_after",
       [] {
         const auto net = network();
         auto w = net.workspace(4);
         net.forward(images(), w);
         net.forward_after<2>(Tensor<float, 4>(Shape{4, 8, 4, 4}), w);
         net.backward(w);
       },
       "backward: the last forward began in the middle"},
      {"backward with a workspace for prediction",
       [] {
         const auto net = network();
         auto w = net.workspace(4, {.keep = Keep::output});
         net.forward(images(), w);
         net.backward(w);
       },
       "output_gradient: this workspace is for prediction"},
      {"a workspace of a copy",
       [] {
         const auto net = network(), copy = net;
         auto w = net.workspace(4);
         copy.forward(images(), w);
       },
       "forward: this workspace or optimizer was made for another network"},
      {"a = b with larger extents, then the old workspace",
       [] {
         auto net = network();
         auto w = net.workspace(4);
         net = network(600);
         net.forward(images(), w);
       },
       "forward: fc1 has other extents or options than when this workspace was made"},
      {"a = b with larger extents between backward and step",
       [] {
         auto net = network();
         auto w = net.workspace(4);
         Adam adam{net};
         train_step(net, w, adam);
         net = network(600);
         adam.step(net, w);
       },
       "Adam: expected the"},
      {"a larger weight by hand",
       [] {
         auto net = network();
         auto w = net.workspace(4);
         std::get<7>(net.layers()).weight = Tensor<float, 2>(Shape{4, 6});
         net.forward(images(), w);
       },
       "fc2"},
      {"another stride by hand",
       [] {
         auto net = network();
         auto w = net.workspace(4);
         std::get<0>(net.layers()).options.stride = 2;
         net.forward(images(), w);
       },
       ""},
      {"options of the same extents by hand",
       [] {
         auto net = network();
         auto w = net.workspace(4);
         auto& o = std::get<0>(net.layers()).options;
         o.padding = 2, o.dilation = 2;
         net.forward(images(), w);
       },
       "forward: conv1 has other extents or options"},
      {"a network that has been moved from",
       [] {
         auto net = network();
         const auto moved = std::move(net);
         net.workspace(4);
       },
       "workspace: this network has been moved from"},
      {"a workspace that has been moved from",
       [] {
         const auto net = network();
         auto w = net.workspace(4);
         const auto moved = std::move(w);
         net.forward(images(), w);
       },
       "forward: this workspace or optimizer has been moved from"},
      {"2^62 examples", [] { network().workspace(Index{1} << (sizeof(Index) * 8 - 2)); },
       "does not fit"},
      {"-1 examples", [] { network().workspace(-1); }, "batch size of 1 or more, got -1"},
      {"x in the memory of the workspace",
       [] {
         Rng rng{1};
         const Sequential net{Shape{4}, Linear<float>{{.in = 4, .out = 4}, rng}, Relu{}};
         auto w = net.workspace(2, {.keep = Keep::output});
         const auto y = net.forward(Tensor<float, 2>(Shape{2, 4}, 1.0f), w);
         net.forward(y, w);
       },
       "forward: expected an input outside of this workspace's memory"},
      {"a scratch of another predictor",
       [] {
         const Predictor one{network(), 4}, two{network(6, 2), 4};
         auto scratch = one.scratch();
         two(images(), scratch);
       },
       "was made for another network"},
      {"a scratch of what a predictor was before",
       [] {
         Predictor predictor{network(), 4};
         auto scratch = predictor.scratch();
         predictor = Predictor{network(6, 2), 4};
         predictor(images(), scratch);
       },
       "the weights have changed since this workspace packed them"},
      {"an optimizer of another network",
       [] {
         auto net = network(), other = network();
         Adam adam{other};
         auto w = net.workspace(4);
         train_step(net, w, adam);
       },
       "Adam: this workspace or optimizer was made for another network"},
      {"an optimizer of a smaller network that grew",
       [] {
         auto net = network();
         Sgd sgd{net};
         net = network(600);
         auto w = net.workspace(4);
         net.forward(images(), w);
         net.backward(w);
         sgd.step(net, w);
       },
       "Sgd: expected the"},
      {"a step with a workspace for prediction",
       [] {
         auto net = network();
         auto w = net.workspace(4, {.keep = Keep::output});
         Adam adam{net};
         net.forward(images(), w);
         adam.step(net, w);
       },
       "Adam: expected a workspace with gradients of the parameters"},
      {"a step without gradients",
       [] {
         auto net = network();
         auto w = net.workspace(4, {.parameter_gradients = false});
         Sgd sgd{net};
         sgd.step(net, w);
       },
       "Sgd: expected a workspace with gradients of the parameters"},
      {"training with weights that were packed",
       [] {
         auto net = network();
         auto w = net.workspace(4, {.prepack_weights = true});
         Adam adam{net};
         train_step(net, w, adam);
       },
       "Adam: expected a workspace for training, got one with {.prepack_weights = true}"},
      {"a buffer's new value that is too small",
       [] {
         const Sequential net{Shape{2}, WrongBuffer{1}};
         net.workspace(1);
       },
       "count1: expected a new value (2) of value in its Pass, found (1)"},
      {"a buffer's new value that is too large",
       [] {
         const Sequential net{Shape{2}, WrongBuffer{3}};
         net.workspace(1);
       },
       "count1: expected a new value (2) of value in its Pass, found (3)"},
      {"a network that a layer makes a workspace for",
       [] {
         const Sequential net{Shape{4}, Wrong<Mistake::own_workspace>{}};
         net.workspace(1);
       },
       "wrong1: workspace: expected a network that no layer runs by itself"},
      {"a network that a layer runs in a workspace made before",
       [] {
         const Sequential net{Shape{4}, Wrong<Mistake::fresh_options>{}};
         net.predict(Tensor<float, 2>(Shape{1, 4}));
       },
       "wrong1: forward: expected a network that no layer runs by itself"},
      {"a network that a layer asks for a prediction",
       [] {
         const Sequential net{Shape{4}, Wrong<Mistake::predict>{}};
         net.predict(Tensor<float, 2>(Shape{1, 4}));
       },
       "wrong1: workspace: expected a network that no layer runs by itself"},
      {"children that run in another order", make_pair<Composed::swapped>,
       "pair1: expected compose() to run each child once, in the order of children(), next a, "
       "found b"},
      {"a child that does not run", make_pair<Composed::forgets>,
       "pair1: compose() does not run b, which children() lists"},
      {"a child that runs twice", make_pair<Composed::twice>, "next b, found a"},
      {"an error inside of a layer inside of a layer",
       [] {
         const Chain inside{Dropout{}, Residual{Throws{}}};
         const Sequential net{Shape{4}, Dropout{}, Residual{inside}};
         net.predict(Tensor<float, 2>(Shape{1, 4}));
       },
       "residual1.f.residual1.f.throws1: no more of this"},
  };
}

}  // namespace

TEST_CASE("contracts: each misuse of a workspace is an error that names it") {
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    const std::string error = error_of(row.misuse);
    CAPTURE(error);
    CHECK(error != "");
    CHECK(contains(error, row.says));
  }
}

TEST_CASE("contracts: an error changes nothing") {
  make_pair<Composed::well>();  // children in their order
  auto net = network(), other = network();
  auto w = net.workspace(4);
  Adam adam{net}, wrong{other};
  train_step(net, w, adam);
  const auto before = parameters(net);
  CHECK_THROWS_AS(wrong.step(net, w), Error);
  CHECK(wrong.steps() == 0);
  CHECK(parameters(net) == before);
  CHECK(w.step == 1);
  adam.step(net, w);  // and it goes on
  CHECK(parameters(net) != before);
}

TEST_CASE("contracts: x need not live, backward may run again, one expression will do") {
  auto net = network();
  auto kept = net.workspace(4, {.keep = Keep::everything, .input_gradient = true});
  for (const bool fuse : {true, false}) {
    auto w = net.workspace(6, {.input_gradient = true, .fuse = fuse});
    {
      auto x = std::make_optional(images());
      net.forward(*x, w);
      x->fill(std::numeric_limits<float>::quiet_NaN());
    }
    net.forward(images(), kept);
    const auto dy = random_tensor<float>(Shape{4, 3}, 9);
    for (int time = 0; time < 3; ++time) {  // the third time with what is there
      if (time < 2) w.output_gradient().fill(0), kept.output_gradient().fill(0);
      if (time == 1)
        for (auto* each : {&w, &kept})
          std::copy(dy.begin(), dy.end(), each->output_gradient().begin());
      net.backward(w);
      net.backward(kept);
      CHECK(relative_error(w.input_gradient(), kept.input_gradient()) <= 1e-5);
      CHECK(relative_error(w.layer<0>().dweight, kept.layer<0>().dweight) <= 1e-5);
      CHECK((max(map(w.input_gradient(), [](float g) { return std::abs(g); })) > 0) == (time > 0));
    }
    // The batch of this forward, whichever argument is evaluated first.
    const float loss = cross_entropy(net.forward(images(), w), labels, w.output_gradient());
    const auto x = images();
    const Tensor<Label, 1> two(labels.sub(1, 2));
    const float smaller = cross_entropy(net.forward(x.sub(1, 2), w), two, w.output_gradient());
    CHECK(w.output_gradient().shape() == Shape{2, 3});
    CHECK(loss > 0);
    CHECK(std::abs(smaller - cross_entropy(net.predict(x.sub(1, 2)), two)) <= 1e-6);
  }
}

TEST_CASE("contracts: the mode follows from the workspace") {
  Sequential net{Shape{1000}, Dropout{}};
  const Tensor<float, 2> ones(Shape{1, 1000}, 1.0f);
  for (const bool fuse : {true, false}) {
    auto train = net.workspace(1, {.fuse = fuse});
    CHECK(max(net.forward(ones, train)) == 2);
    CHECK(max(net.forward(ones, train, Mode::eval)) == 1);
  }
  for (const Keep keep : {Keep::output, Keep::everything}) {
    auto look = net.workspace(1, {.keep = keep});
    CHECK(sum(net.forward(ones, look)) == 1000);
    CHECK(max(net.forward(ones, look, Mode::train)) == 2);
  }
  CHECK(sum(net.predict(ones)) == 1000);
}

TEST_CASE("contracts: each network inside a layer draws its own mask, a new one in each step") {
  const Chain inside{Dropout{}};
  const Sequential net{Shape{500}, Residual{inside}, Residual{inside},
                       Residual{inside, Shortcut{inside}}, Residual{Residual{inside}}};
  const Tensor<float, 2> ones(Shape{1, 500}, 1.0f);
  std::vector<std::string> masks;
  for (std::uint64_t step = 0; step < 2; ++step)
    for (const std::uint64_t seed : {1u, 2u}) {
      // Each branch by itself: the output of residual k less its input, where the input is not zero.
      auto look = net.workspace(1, {.keep = Keep::everything, .seed = seed});
      look.step = step;
      net.forward(ones, look, Mode::train);
      const auto drawn = [&](auto y, auto x) {
        std::string text;
        for (Index i = 0; i < y.size(); ++i)
          if (x.data()[i] > 0) text += y.data()[i] > x.data()[i] ? '1' : '0';
        return text;
      };
      masks.push_back(drawn(look.activation<0>(), as_const(ones)));
      masks.push_back(drawn(look.activation<1>(), look.activation<0>()));
      masks.push_back(drawn(look.activation<3>(), look.activation<2>()));
      CHECK(max(look.activation<0>()) == 3);
      // left and right of a sum: 0, 2 or 4 times the input, so the masks differ.
      bool both = false, one = false;
      for (Index i = 0; i < 500; ++i) {
        const float ratio = look.activation<2>().data()[i] / look.activation<1>().data()[i];
        both = both || ratio == 4;
        one = one || ratio == 2;
      }
      CHECK((both && one));
    }
  std::sort(masks.begin(), masks.end());
  CHECK(std::adjacent_find(masks.begin(), masks.end()) == masks.end());
  CHECK(to_string(net.predict(ones)) ==
        to_string(Tensor<float, 2>(Shape{1, 500}, 2 * 2 * 2 * 3.0f)));
}

TEST_CASE("contracts: buffers are taken over after training alone") {
  Rng rng{1};
  const auto make = [&] {
    return Sequential{Shape{2, 4, 4},
                      Conv2d<float>{{.in = 2, .out = 3, .kernel = 3, .padding = 1}, rng},
                      BatchNorm2d<float>{{.channels = 3}},
                      Residual{Chain{BatchNorm2d<float>{{.channels = 3}}, Relu{}}},
                      Flatten{},
                      Linear<float>{{.in = 48, .out = 3}, rng}};
  };
  auto net = make(), loaded = make();
  loaded.for_each_state([](const std::string& name, auto& tensor) {
    if (contains(name, "running")) tensor.fill(7);
  });
  auto w = net.workspace(4);
  Sgd sgd{net};
  net = loaded;  // as loading a file does
  const auto x = random_tensor<float>(Shape{4, 2, 4, 4}, 2);
  const auto running = [&] {
    std::string text;
    net.for_each_state([&](const std::string& name, const auto& tensor) {
      if (contains(name, "running_mean")) text += to_string(tensor);
    });
    return text;
  };
  const auto before = running();
  net.forward(x, w, Mode::eval);
  w.output_gradient().fill(0);
  net.backward(w);
  sgd.step(net, w);
  CHECK(running() == before);
  net.forward(x, w);
  net.backward(w);
  sgd.step(net, w);
  const auto after = running();
  CHECK(after != before);
  sgd.step(net, w);  // without a forward in between: nothing new
  CHECK(running() == after);
}

TEST_CASE("contracts: copies, moves and exceptions leave what is there usable") {
  auto net = network();
  auto w = net.workspace(4);
  Adam adam{net};
  train_step(net, w, adam);
  const auto expected = to_string(net.predict(images()));
  // A moved network keeps its workspace and its optimizer.
  auto moved = std::move(net);
  auto moved_w = std::move(w);
  CHECK(to_string(moved.predict(images())) == expected);
  train_step(moved, moved_w, adam);
  // A network that was moved from can be assigned to, and is a new one.
  net = moved;
  auto fresh = net.workspace(4);
  CHECK(to_string(net.forward(images(), fresh, Mode::eval)) ==
        to_string(moved.forward(images(), moved_w, Mode::eval)));
  // To itself.
  const auto& same = net;
  net = same;
  net.forward(images(), fresh);
  // A refused call leaves the last forward as it was.
  moved.forward(images(), moved_w);
  CHECK_THROWS_AS(moved.forward(images(5), moved_w), Error);
  moved_w.output_gradient().fill(1);
  moved.backward(moved_w);
  // Two networks of one type side by side.
  auto other = network(6, 5);
  auto other_w = other.workspace(4);
  const auto y = to_string(moved.forward(images(), moved_w));
  other.forward(images(), other_w);
  CHECK(to_string(moved.forward(images(), moved_w)) == y);
}

TEST_CASE("contracts: one network, a workspace for each thread") {
  const auto net = network();
  const auto expected = to_string(net.predict(images()));
  std::vector<std::thread> threads;
  std::vector<std::string> found(4);
  for (auto& text : found)
    threads.emplace_back([&] {
      auto w = net.workspace(4, {.threads = 1});
      for (int i = 0; i < 5; ++i) {
        text = to_string(net.forward(images(), w, Mode::eval));
        w.output_gradient().fill(1);
        net.backward(w);
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& text : found) CHECK(text == expected);
}

}  // namespace workspace_contracts
