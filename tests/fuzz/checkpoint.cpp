// SPDX-License-Identifier: MIT
//
// A checkpoint of a small network that a training was started with. What is refused must leave all
// as it was.
#include "fovea/io/checkpoint.hpp"
#include "fovea/fovea.hpp"
#include "fuzz.hpp"

using namespace fovea;

namespace {

auto small_net() {
  Rng rng{1};
  return Sequential{Shape{2}, Linear<float>{{.in = 2, .out = 2}, rng}, Relu{},
                    Linear<float>{{.in = 2, .out = 1}, rng}};
}

Bytes bytes_of(const decltype(small_net())& net) {
  Safetensors file;
  store_state(net, file.tensors);
  return encode_safetensors(file);
}

// In memory, not on a disk: a file without a name would do, but the reader wants one.
const std::filesystem::path path = concat("/dev/shm/fovea-fuzz-", static_cast<long>(::getpid()));

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const CheckpointFile file(path);
  static const auto start = small_net();
  write_file(path, std::span(data, size));
  auto net = start;
  Adam adam{net};
  TrainingState at{.run = {{"seed", "1"}}};
  bool loaded = false;
  auto w = net.workspace(1);
  fuzz::attempt([&] { loaded = file.load(net, adam, w, at); });
  if (!loaded &&
      (bytes_of(net) != bytes_of(start) || adam.steps() != 0 || w.step != 0 || at.epoch != 0))
    std::abort();
  return 0;
}
