// SPDX-License-Identifier: MIT
#include "contracts/contracts.hpp"
#include "fovea/io/checkpoint.hpp"
#include "fovea/io/gzip.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/io/npy.hpp"

using namespace contracts;

namespace {

// A tensor "a" of these, and nothing else.
Safetensors only(StoredTensor tensor, const std::string& name = "a") {
  return {{{name, std::move(tensor)}}, {}};
}

auto resumed_net(std::uint64_t seed = 1) {
  Rng rng{seed};
  return Sequential{Shape{4}, Linear<float>{{.in = 4, .out = 3}, rng}, Dropout{},
                    Linear<float>{{.in = 3, .out = 2}, rng}};
}
using ResumedNet = decltype(resumed_net());

std::string state_text(const ResumedNet& net) {
  std::string text;
  net.for_each_state([&](const std::string& name, const auto& tensor) {
    text += name;
    for (const float x : tensor) text += concat(" ", std::to_string(x));
  });
  return text;
}

}  // namespace

TEST_CASE("contracts: what a writer must not write") {
  const TemporaryDirectory directory;
  const std::string path = directory.path() / "file";
  const auto refused = [&](Safetensors file) {
    write_file(path, "before");
    const std::string message = error_of([&] { write_safetensors(path, file); });
    CHECK(read_file(path) == Bytes{'b', 'e', 'f', 'o', 'r', 'e'});
    CHECK(!std::filesystem::exists(path + ".part"));
    if (!message.empty()) throw Error(message);
  };
  std::vector<Index> ranks(65, 1);
  run({
      {"a tensor named __metadata__",
       [=] {
         refused(only({Dtype::U8, {1}, {1}}, "__metadata__"));
       },
       "safetensors: expected another name for a tensor than __metadata__"},
      {"the same beside metadata",
       [=] {
         Safetensors file = only({Dtype::U8, {1}, {1}}, "__metadata__");
         file.metadata = {{"format", "pt"}};
         refused(file);
       },
       "another name"},
      {"fewer bytes than the shape has",
       [=] {
         refused(only({Dtype::F32, {2}, Bytes(7)}));
       },
       "safetensors: a: expected the bytes of 2 numbers, F32 (2), found 7"},
      {"more bytes than the shape has",
       [=] {
         refused(only({Dtype::F64, {2}, Bytes(24)}));
       },
       "2 numbers, F64 (2), found 24"},
      {"bytes without a shape",
       [=] {
         refused(only({Dtype::F32, {}, Bytes(8)}));
       },
       "1 numbers, F32 (), found 8"},
      {"a shape without bytes",
       [=] {
         refused(only({Dtype::F32, {3}, {}}));
       },
       "3 numbers, F32 (3), found 0"},
      {"negative extents",
       [=] {
         refused(only({Dtype::F32, {-2, -1}, Bytes(8)}));
       },
       "extents of 0 or more, got -2"},
      {"extents that overflow",
       [=] {
         refused(only({Dtype::F32, {huge, 4, 2}, Bytes(8)}));
       },
       "does not fit into"},
      {"a type that there is not",
       [=] {
         refused(only({static_cast<Dtype>(7), {1}, {1}}));
       },
       "expected a Dtype, found number 7"},
      {"a negative type",
       [=] {
         refused(only({static_cast<Dtype>(-1), {1}, {1}}));
       },
       "expected a Dtype, found number -1"},
      {"more extents than the reader takes",
       [=] {
         refused(only({Dtype::U8, ranks, {1}}));
       },
       "at most 64 extents, found 65"},
      {"a name that is not UTF-8",
       [=] {
         refused(only({Dtype::U8, {1}, {1}}, "\xff"));
       },
       "in UTF-8"},
      {"metadata that are not UTF-8",
       [=] {
         Safetensors file = only({Dtype::U8, {1}, {1}});
         file.metadata = {{"k", "\xc3"}};
         refused(file);
       },
       "in UTF-8"},
      {"no name for the file",
       [] {
         write_safetensors("", only({Dtype::U8, {1}, {1}}));
       },
       "expected the name of a file, found an empty one"},
      {"no name for an array", [] { write_npy("", Tensor<float, 1>{1}); }, "found an empty one"},
      {"a directory in the place of the file",
       [&] {
         write_safetensors(directory.path(), only({Dtype::U8, {1}, {1}}));
       },
       "cannot be written"},
      {"odd, but readable",
       [] {
         Safetensors file = only({Dtype::F32, {0, 3}, {}}, "");
         file.tensors["quote \" and \\"] = {Dtype::U8, {}, {1}};
         file.tensors[std::string("zero\0byte", 9)] = {Dtype::F64, {1}, Bytes(8)};
         file.tensors["__metadata"] = {Dtype::BOOL, {2}, {0, 1}};
         file.metadata = {{"", "\n"}};
         const auto back = parse_safetensors(encode_safetensors(file), "f");
         CHECK(back.metadata == file.metadata);
         CHECK(back.tensors.size() == 4);
         for (const auto& [name, tensor] : file.tensors) {
           CHECK(back.tensors.at(name).bytes == tensor.bytes);
           CHECK(back.tensors.at(name).shape == tensor.shape);
         }
       },
       {}},
      {"a tensor without a number, as an array",
       [] {
         CHECK(parse_npy<float, 2>(encode_npy(Tensor<float, 2>(Shape{0, 3})), "f").shape() ==
               Shape{0, 3});
       },
       {}},
      {"an array of another type with other numbers",
       [] {
         parse_npy<float, 1>(encode_npy(Tensor<double, 1>{0.5, 0.1}), "f");
       },
       "f: expected numbers that are exactly <f4, found the f8 0.1 at offset 1"},
      {"an array of another type with the same numbers",
       [] {
         CHECK(parse_npy<std::uint8_t, 1>(encode_npy(Tensor<double, 1>{0, 255}), "f")(1) == 255);
       },
       {}},
      {"stored numbers that do not fit change nothing",
       [] {
         std::vector<float> numbers{1, 2};
         const StoredTensor stored = store(Tensor<double, 1>{5, 1e300});
         CHECK(contains(error_of([&] { stored.copy_to(std::span(numbers), "x"); }),
                        "found 1e+300 at 1"));
         CHECK(numbers == std::vector<float>{1, 2});
       },
       {}},
      {"stored bytes that are no whole number",
       [] {
         std::vector<float> numbers(1);
         StoredTensor{Dtype::F32, {1}, Bytes(7)}.copy_to(std::span(numbers), "x");
       },
       "x: expected the bytes of 1 numbers, F32 (1), found 7"},
      {"a state of which one number does not fit changes nothing",
       [] {
         ResumedNet net = resumed_net();
         const std::string before = state_text(net);
         std::map<std::string, StoredTensor> state;
         store_state(resumed_net(2), state);
         state["fc2.bias"] = store(Tensor<double, 1>{0, 1e300});
         CHECK(contains(error_of([&] { take_state(state, net, "f"); }),
                        "f: fc2.bias: expected numbers that fit into F32"));
         CHECK(state_text(net) == before);
       },
       {}},
  });
}

TEST_CASE("contracts: limits of readers") {
  const TemporaryDirectory directory;
  // Ten times "a", as gzip -n writes it.
  const Bytes packed{0x1f, 0x8b, 8, 0,    0,    0,    0,    0,  2, 3, 0x4b, 0x4c,
                     0x84, 1,    0, 0xf0, 0xcd, 0x11, 0x4c, 10, 0, 0, 0};
  Bytes twice = packed;
  twice.insert(twice.end(), packed.begin(), packed.end());
  const auto text = [](const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); };
  run({
      {"gunzip: the largest limit",
       [&] { CHECK(text(gunzip(packed, SIZE_MAX, "f")) == "aaaaaaaaaa"); },
       {}},
      {"gunzip: the largest limit but one",
       [&] { CHECK(text(gunzip(packed, SIZE_MAX - 1, "f")).size() == 10); },
       {}},
      {"gunzip: just enough", [&] { CHECK(gunzip(packed, 10, "f").size() == 10); }, {}},
      {"gunzip: one too few", [&] { gunzip(packed, 9, "f"); },
       "f: expected at most 9 bytes when unpacked, found"},
      {"gunzip: nothing allowed", [&] { gunzip(packed, 0, "f"); }, "at most 0 bytes when unpacked"},
      {"gunzip: two members, just enough", [&] { CHECK(gunzip(twice, 20, "f").size() == 20); }, {}},
      {"gunzip: two members, one byte too few", [&] { gunzip(twice, 19, "f"); },
       "f: expected at most 19 bytes when unpacked, found"},
      {"gunzip: a length that is a lie",
       [&] {
         Bytes lie = packed;
         lie[19] = lie[20] = lie[21] = lie[22] = 0xff;
         gunzip(lie, SIZE_MAX, "f");
       },
       "a corrupt one"},
      {"gunzip: nothing", [] { gunzip({}, SIZE_MAX, "f"); }, "found only 0 bytes"},
      {"a file larger than the limit",
       [&] {
         write_file(directory.path() / "ten", "0123456789");
         read_file(directory.path() / "ten", 9);
       },
       "expected at most 9 bytes, found 10"},
      {"a file as large as the limit",
       [&] { CHECK(read_file(directory.path() / "ten", 10).size() == 10); },
       {}},
      {"a file without a name", [] { read_file(""); }, "found an empty one"},
      {"a device without an end", [] { read_file("/dev/zero", 1000); },
       "/dev/zero: expected at most 1000 bytes, found more"},
      {"a device without an end, as a model", [] { InputFile("/dev/zero", 1 << 20); },
       "expected at most 1048576 bytes, found more"},
      {"a device without content", [] { read_safetensors("/dev/null"); },
       "/dev/null: expected a safetensors file, found only 0 bytes"},
      {"a directory", [&] { read_safetensors(directory.path()); },
       "expected a file, found a directory"},
      {"more bytes than memory", [] { make_bytes(SIZE_MAX, "f"); },
       "f: 18446744073709551615 bytes do not fit into memory"},
  });
}

TEST_CASE("contracts: checkpoints") {
  const TemporaryDirectory directory;
  const auto x = random_tensor<float>(Shape{3, 4}, 1);
  const Tensor<Label, 1> labels{0, 1, 1};
  const auto steps = [&](ResumedNet& net, Adam<float>& adam, Workspace<ResumedNet>& w, int count) {
    for (int i = 0; i < count; ++i) {
      const auto logits = net.forward(x, w);
      cross_entropy(logits, labels, w.output_gradient());
      net.backward(w);
      adam.step(net, w);
    }
  };
  const CheckpointFile file(directory.path() / "run");
  ResumedNet trained = resumed_net();
  Adam adam{trained, {.learning_rate = 0.1}};
  auto w = trained.workspace(3, {.seed = 7});
  steps(trained, adam, w, 3);
  file.save(trained, adam, w, {});
  steps(trained, adam, w, 1);
  run({
      {"the first step after loading has the mask of that step",
       [&] {
         ResumedNet net = resumed_net(2);
         Adam other{net, {.learning_rate = 0.1}};
         auto own = net.workspace(3, {.seed = 7});
         TrainingState at;
         CHECK(file.load(net, other, own, at));
         CHECK(own.step == 3);
         steps(net, other, own, 1);
         CHECK(state_text(net) == state_text(trained));
       },
       {}},
      {"a workspace in which something has run",
       [&] {
         ResumedNet net = resumed_net(2);
         Adam other{net, {.learning_rate = 0.1}};
         auto own = net.workspace(3, {.seed = 7});
         steps(net, other, own, 5);
         TrainingState at;
         CHECK(file.load(net, other, own, at));
         steps(net, other, own, 1);
         CHECK(state_text(net) == state_text(trained));
       },
       {}},
      {"a workspace with another seed changes nothing",
       [&] {
         ResumedNet net = resumed_net(2);
         const std::string before = state_text(net);
         Adam other{net};
         auto own = net.workspace(3, {.seed = 8});
         TrainingState at;
         const std::string message = error_of([&] { file.load(net, other, own, at); });
         CHECK(state_text(net) == before);
         CHECK(other.steps() == 0);
         CHECK(own.step == 0);
         throw Error(message);
       },
       "run: a checkpoint of another run, seed of the workspace: expected 8, found 7"},
  });
}
