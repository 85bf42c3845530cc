// SPDX-License-Identifier: MIT
#include "fovea/io/model_file.hpp"

#include <limits>

#include "support.hpp"

using namespace test;

namespace {

template <class T>
auto small_net(std::uint64_t seed, Index padding = 1) {
  Rng rng{seed};
  return Sequential{Shape{2, 5, 6 - 2 * (padding - 1)},
                    Conv2d<T>{{.in = 2, .out = 3, .kernel = 3, .padding = padding}, rng}, Relu{},
                    Flatten{}, Linear<T>{{.in = 3 * (3 + 2 * padding) * 6, .out = 4}, rng}};
}

template <class Net>
std::map<std::string, StoredTensor> state_of(const Net& net) {
  std::map<std::string, StoredTensor> tensors;
  store_state(net, tensors);
  return tensors;
}

template <class Net>
bool same(const Net& a, const Net& b) {
  const auto x = state_of(a), y = state_of(b);
  return std::equal(x.begin(), x.end(), y.begin(), [](const auto& s, const auto& t) {
    return s.first == t.first && s.second.bytes == t.second.bytes;
  });
}

// y = x - running: a layer with a buffer.
struct Centre {
  using value_type = float;
  static constexpr std::string_view kind = "centre";
  Tensor<float, 1> running{1.0f, 2.0f};
  struct Pass {
    Tensor<float, 1> running{0.0f, 0.0f};
  };
  static constexpr auto buffers() {
    return std::tuple{Buffer{"running", &Centre::running, &Pass::running}};
  }
  Shape<2> output_shape(Shape<2> x) const { return x; }
  void forward(View<const float, 2> x, View<float, 2> y, Pass&, const Context&) const {
    for (Index n = 0; n < x.extent(0); ++n)
      for (Index k = 0; k < 2; ++k) y(n, k) = x(n, k) - running(k);
  }
  void backward(View<const float, 2>, View<const float, 2>, View<const float, 2> dy,
                View<float, 2> dx, Pass&, const Context&) const {
    std::copy(dy.begin(), dy.end(), dx.begin());
  }
};

struct Fixture {
  TemporaryDirectory directory;
  std::filesystem::path path = directory.path() / "model.safetensors";
};

}  // namespace

TEST_CASE("architecture: a line for each layer, and what differs") {
  const auto net = small_net<float>(1);
  CHECK(architecture(net) ==
        "input (2, 5, 6)\n"
        "conv1 weight (3, 2, 3, 3), bias (3), kernel 3, stride 1, padding 1, dilation 1\n"
        "relu1\n"
        "flatten1\n"
        "fc1 weight (4, 90), bias (4)\n");
  CHECK(differences("a\nb\n", "a\nb\n").empty());
  CHECK(differences("a\nb\n", "a\nc\nd\n") ==
        std::vector<std::string>{"expected b, found c", "expected nothing, found d"});
}

TEST_CASE_TEMPLATE("model file: there and back", T, float, double) {
  const Fixture f;
  const auto net = small_net<T>(1);
  auto other = small_net<T>(2);
  save_model(f.path, net, {.mean = 0.25, .std = 0.5}, {{"trained.on", "nothing"}});
  const auto report = load_model(f.path, other);
  CHECK(same(net, other));
  CHECK(report.complaint() == "");
  CHECK(report.selftest.value() == 0);
  CHECK(report.metadata.at("trained.on") == "nothing");
  CHECK(report.scaling->mean == 0.25);
  CHECK(report.scaling->std == 0.5);
  CHECK(!input_scaling({}));
  CHECK(encode_safetensors(model_file(net, {})) == encode_safetensors(model_file(other, {})));
}

TEST_CASE("model file: a network without images has no scaling, and proves itself all the same") {
  const Fixture f;
  const auto network = [](std::uint64_t seed) {
    Rng rng{seed};
    return sequential<float>(Shape{3}, rng, linear(4), relu, linear(2));
  };
  const auto net = network(1);
  auto other = network(2);
  save_model(f.path, net);
  const Safetensors file = read_safetensors(f.path);
  CHECK(!file.metadata.contains("input.mean"));
  CHECK(!file.metadata.contains("input.std"));
  const auto report = load_model(f.path, other);
  CHECK(same(net, other));
  CHECK(!report.scaling);
  CHECK(report.selftest.value() == 0);
  Safetensors damaged = file;
  damaged.tensors["fc2.bias"].bytes[3] ^= 0x40;
  write_safetensors(f.path, damaged);
  CHECK(contains(error_of([&] { load_model(f.path, other); }), "the logits of its self-test"));

  // A scaling that changes nothing is not the same as none, and metadata of one's own replace none of ours.
  const Safetensors scaled = model_file(net, {}, {{"format", "mine"}, {"input.mean", "7"}});
  CHECK(scaled.metadata.at("format") == "pt");
  CHECK(scaled.metadata.at("input.mean") == "0.0");
  CHECK(scaled.metadata.at("selftest.input") == file.metadata.at("selftest.input"));
  CHECK(input_scaling(scaled.metadata)->std == 1);
}

TEST_CASE("model file: a network in double takes weights in float, and the other way") {
  const Fixture f;
  save_model(f.path, small_net<float>(1), {});
  auto wide = small_net<double>(2);
  CHECK(load_model(f.path, wide).selftest.value() < 1e-6);
  save_model(f.path, wide, {});
  auto narrow = small_net<float>(2);
  CHECK(load_model(f.path, narrow).selftest.value() < 1e-6);
  CHECK(same(narrow, small_net<float>(1)));
}

TEST_CASE("model file: buffers and a missing bias") {
  const Fixture f;
  Rng rng{1};
  const Linear<float> fc{{.in = 3, .out = 2, .bias = false}, rng};
  Sequential net{Shape{3}, fc, Centre{}};
  std::get<1>(net.layers()).running = {5.0f, 6.0f};
  save_model(f.path, net, {});
  CHECK(read_safetensors(f.path).tensors.size() == 2);
  Sequential other{Shape{3}, fc, Centre{}};
  load_model(f.path, other);
  CHECK(std::get<1>(other.layers()).running(1) == 6.0f);
}

TEST_CASE_TEMPLATE("state: a Network gives the tensors of a Sequential, and takes them", T, float,
                   double) {
  const auto net = small_net<T>(1);
  const auto made_of = [](std::uint64_t seed, Index out) {
    Rng rng{seed};
    Network<T> made;
    auto x = made.input(Shape{2, 5, 6});
    x = made.add(Relu{},
                 made.add(Conv2d<T>{{.in = 2, .out = out, .kernel = 3, .padding = 1}, rng}, x));
    made.add(Linear<T>{{.in = 30 * out, .out = 4}, rng}, made.add(Flatten{}, x));
    return made;
  };
  auto made = made_of(2, 3);
  CHECK(state_of(made).at("conv1.weight").shape == std::vector<std::int64_t>{3, 2, 3, 3});
  CHECK(take_state(state_of(net), made, "file").complaint().empty());
  CHECK(std::ranges::equal(state_of(made), state_of(net), [](const auto& s, const auto& t) {
    return s.first == t.first && s.second.shape == t.second.shape &&
           s.second.bytes == t.second.bytes;
  }));
  auto back = small_net<T>(3);
  CHECK(take_state(state_of(made), back, "file").complaint().empty());
  CHECK(same(back, net));

  // What does not fit is told, and is left as it was; a number that does not fit changes nothing.
  auto wider = made_of(4, 2);
  CHECK(take_state(state_of(net), wider, "file").complaint() ==
        "conv1.weight (3, 2, 3, 3) instead of (2, 2, 3, 3); conv1.bias (3) instead of (2); "
        "fc1.weight (4, 90) instead of (4, 60)");
}

TEST_CASE("model file: PyTorch's names for nn.Sequential") {
  const Fixture f;
  const auto net = small_net<float>(1);
  const auto tensors = state_of(net);
  for (const char* const before : {"", "features."}) {
    Safetensors file;
    for (const auto& [ours, theirs] : {std::pair{"conv1.weight", "2.weight"},
                                       {"conv1.bias", "2.bias"},
                                       {"fc1.weight", "11.weight"},
                                       {"fc1.bias", "11.bias"}})
      file.tensors[concat(before, theirs)] = tensors.at(ours);
    write_safetensors(f.path, file);
    auto other = small_net<float>(2);
    const auto report = load_model(f.path, other);
    CHECK(same(net, other));
    CHECK(!report.selftest);  // the file has none
    file.tensors[concat(before, "12.bias")] = tensors.at("fc1.bias");
    write_safetensors(f.path, file);
    CHECK(contains(error_of([&] { load_model(f.path, other); }),
                   concat("unexpected ", before, "12.bias")));
  }
}

TEST_CASE("model file: what does not fit is refused in strict mode and listed in lenient mode") {
  const Fixture f;
  const auto net = small_net<float>(1);
  Safetensors file = model_file(net, {});
  file.tensors.erase("conv1.bias");
  file.tensors["extra"] = store(Tensor<float, 1>{1.0f});
  file.tensors["fc1.bias"] = store(Tensor<float, 1>{1.0f});
  write_safetensors(f.path, file);
  auto other = small_net<float>(2);
  const auto before = other;
  CHECK(
      error_of([&] { load_model(f.path, other); }) ==
      concat(f.path.string(),
             ": expected the tensors of this network, found no conv1.bias; fc1.bias (1) instead of "
             "(4); unexpected extra"));
  CHECK(same(other, before));
  const auto report = load_model(f.path, other, {.strict = false});
  CHECK(report.missing == std::vector<std::string>{"conv1.bias"});
  CHECK(report.unexpected == std::vector<std::string>{"extra"});
  CHECK(report.misshaped == std::vector<std::string>{"fc1.bias (1) instead of (4)"});
  CHECK(!report.selftest);
  CHECK(std::get<0>(other.layers()).weight(0, 0, 0, 0) ==
        std::get<0>(net.layers()).weight(0, 0, 0, 0));
}

TEST_CASE("model file: another architecture is told by what differs, though all tensors fit") {
  const Fixture f;
  Rng rng{1};
  const Linear<float> fc{{.in = 4, .out = 4}, rng};
  save_model(f.path, Sequential{Shape{4}, fc, Relu{}, fc}, {});
  Sequential other{Shape{4}, fc, fc};
  CHECK(contains(error_of([&] { load_model(f.path, other); }),
                 "a file of another network: expected fc2 weight (4, 4), bias (4), found relu1"));
  CHECK(load_model(f.path, other, {.strict = false}).differences.size() == 2);
}

TEST_CASE("model file: the self-test finds damage") {
  const Fixture f;
  const auto net = small_net<float>(1);
  auto other = small_net<float>(2);
  const auto before = other;
  const auto with = [&](auto&& change) {
    Safetensors file = model_file(net, {});
    change(file);
    write_safetensors(f.path, file);
    return error_of([&] { load_model(f.path, other); });
  };
  const auto flip = [](Safetensors& file) { file.tensors["conv1.weight"].bytes[3] ^= 0x40; };
  CHECK(with([](Safetensors&) {}) == "");
  other = before;
  CHECK(contains(with(flip), "expected the logits of its self-test, found them off by"));
  CHECK(contains(with([](Safetensors& file) {  // one bit in the middle of each: a few per cent
                   auto& bytes = file.tensors["fc1.bias"].bytes;
                   for (std::size_t i = 2; i < bytes.size(); i += 4) bytes[i] ^= 0x04;
                 }),
                 "found them off by 0.0"));
  CHECK(contains(with([](Safetensors& file) {
                   for (auto& byte : file.tensors["fc1.bias"].bytes) byte = 0xff;  // NaN
                 }),
                 "found them off by nan"));
  CHECK(contains(with([](Safetensors& file) { file.metadata["selftest.input"] = "[1]"; }),
                 "selftest.input: expected 60 numbers, found 1"));
  CHECK(contains(with([](Safetensors& file) { file.metadata["selftest.logits"] = "[1,null]"; }),
                 "selftest.logits: expected a JSON array of numbers, found [1,null]"));
  CHECK(same(other, before));
  with(flip);
  CHECK(!load_model(f.path, other, {.selftest = false}).selftest);

  auto broken = net;
  std::get<0>(broken.layers()).weight(0, 0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK(contains(error_of([&] { save_model(f.path, broken, {}); }), "finite logits, found nan"));
}

TEST_CASE("model file: of many names that do not fit, a sentence has ten") {
  const Fixture f;
  auto net = small_net<float>(1);
  Safetensors file = model_file(net, {});
  for (int i = 0; i < 300; ++i) file.tensors[concat("more.", i)] = file.tensors.at("fc1.bias");
  write_safetensors(f.path, file);
  const std::string sentence = error_of([&] { load_model(f.path, net); });
  CHECK(contains(sentence, "found unexpected more.0; unexpected more.1; "));
  CHECK(contains(sentence, "; and 290 more"));
  CHECK(sentence.size() < 400);
}

TEST_CASE("model file: a scaling that is none") {
  const Fixture f;
  const auto net = small_net<float>(1);
  auto other = small_net<float>(2);
  const auto before = other;
  save_model(f.path, net, {.mean = 0.25, .std = 0});
  CHECK(contains(error_of([&] { load_model(f.path, other); }),
                 f.path.string() + ": expected a number above 0 for input.std, found 0"));
  CHECK(same(other, before));
  CHECK(contains(
      error_of([] {
        input_scaling({{"input.mean", "x"}, {"input.std", "1"}});
      }),
      "metadata: expected a number, or a list of one for each channel, for input.mean, found x"));
  CHECK(contains(error_of([] {
                   input_scaling({{"input.mean", "0"}, {"input.std", "0"}});
                 }),
                 "metadata: expected a number above 0 for input.std, found 0"));
}

TEST_CASE("model file: names of a file that are not ours, and a scaling for each channel") {
  Rng rng{1};
  const auto net_of = [&] {
    return sequential<float>(Shape{3, 6, 6}, rng, conv2d({.out = 4, .kernel = 3}), batch_norm2d(),
                             relu, residual(conv2d({.out = 4}), batch_norm2d()), flatten,
                             linear(2));
  };
  const auto net = net_of();
  const Names names{{"stem", "conv1"},
                    {"layer1.0", "residual1.f"},
                    {"layer1.0.norm", "residual1.f.bn1"},
                    {"fc", "fc1"}};
  CHECK(names.theirs("residual1.f.conv1.weight") == "layer1.0.conv1.weight");
  CHECK(names.theirs("residual1.f.bn1.bias") == "layer1.0.norm.bias");
  CHECK(names.ours("layer1.0.norm.running_mean") == "residual1.f.bn1.running_mean");
  CHECK(names.ours("layer1.00.x") == "layer1.00.x");
  CHECK(names.theirs("conv10.weight") == "conv10.weight");
  std::map<std::string, StoredTensor> tensors;
  store_state(net, tensors, names);
  CHECK(tensors.contains("stem.weight"));
  CHECK(tensors.contains("layer1.0.norm.running_var"));
  CHECK(!tensors.contains("conv1.weight"));
  tensors["bn1.num_batches_tracked"] = tensors["bn1.weight"];
  auto other = net_of();
  CHECK(take_state(tensors, other, "f", names).complaint().empty());
  const auto x = Tensor<float, 4>(Shape{2, 3, 6, 6}, 0.5f);
  const auto a = net.predict(x), b = other.predict(x);
  CHECK(std::equal(a.begin(), a.end(), b.begin()));
  CHECK(contains(take_state(tensors, other, "f").complaint(), "no conv1.weight"));
  tensors["conv1.weight"] = tensors["stem.weight"];
  CHECK(contains(error_of([&] { take_state(tensors, other, "f", names); }),
                 "f: expected one tensor for conv1.weight, found stem.weight as well"));
  CHECK(contains(error_of([&] {
                   store_state(net, tensors, Names{{"a", "conv1"}, {"a", "bn1"}});
                 }),
                 "twice"));

  const Scaling scaling{.mean = {0.5, 0.25, 0.125}, .std = {1, 2, 4}};
  CHECK(input_scaling(model_file(net, scaling).metadata)->std == scaling.std);
  CHECK(input_scaling(model_file(net, scaling).metadata)->mean == scaling.mean);
  CHECK(contains(error_of([&] {
                   input_scaling({{"input.mean", "[]"}, {"input.std", "1"}});
                 }),
                 "found none"));
  CHECK(contains(error_of([&] {
                   input_scaling({{"input.mean", "[0, 1]"}, {"input.std", "[1, 0]"}});
                 }),
                 "expected a number above 0 for input.std, found 0"));
}
