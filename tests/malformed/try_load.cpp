// SPDX-License-Identifier: MIT
//
// Loads a malformed file, and shows that nothing comes of it but a sentence.
//
//   try_load make DIRECTORY      a good model.safetensors and run.ckpt, to make malformed files from
//   try_load KIND FILE           prints the sentence; status 1 and why, if it is not as it should be
//
// The file must be refused with an Error of one line that begins with the file's name and says what was
// expected and what was found. The network, the optimizer and the place in training must be, bit for bit,
// what they were, and memory must not have grown by 64 MB at any time. A file that is wrong as
// safetensors must be refused with the same sentence wherever it stands: as tensors in a file or in
// memory, as weights, as a checkpoint.
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>

#include "fovea/io/checkpoint.hpp"
#include "fovea/io/model_file.hpp"
#include "fovea/io/npy.hpp"
#include "mnist/read_picture.hpp"
#include "support/course_cnn.hpp"

using namespace fovea;

#ifdef __has_feature
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define FOVEA_TEST_SANITIZED
#  endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#  define FOVEA_TEST_SANITIZED
#endif

namespace {

#ifdef FOVEA_TEST_SANITIZED
constexpr bool memory_counts = false;  // a sanitizer needs far more than the program
#else
constexpr bool memory_counts = true;
#endif
constexpr double most_megabytes = 64;

// A line of /proc/self/status, in megabytes.
double megabytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key + ":"))
      return std::strtod(line.c_str() + key.size() + 1, nullptr) / 1e3;
  return 0;
}

// What a program has in memory while it loads a file.
struct Memory {
  Rng rng{1};
  decltype(course_cnn<float>(rng)) net = course_cnn<float>(rng);
  Adam<float> adam{net};
  Workspace<decltype(net)> w = net.workspace(32);
  TrainingState at{.run = {{"seed", "1"}, {"images", fingerprint(synthetic_digits(64, 1))}}};

  void train() {
    const Dataset data = synthetic_digits(64, 1);
    for (const auto& [images, labels] : batches(data, 32)) {
      const auto logits = net.forward(images, w);
      at.losses.push_back(cross_entropy(logits, labels, w.output_gradient()));
      net.backward(w);
      adam.step(net, w);
      at.step += 1;
    }
  }

  // All of it, as the bytes of a file would have it.
  Bytes bits() {
    Safetensors all{{}, at.run};
    store_state(net, all.tensors);
    detail::each_tensor("optimizer", adam, [&](const std::string& name, const auto& moment) {
      all.tensors[name] = store(moment);
    });
    all.tensors["losses"] =
        store(View<const float, 1>(at.losses.data(), Shape{std::ssize(at.losses)}));
    all.metadata["notes"] = nlohmann::json(at.notes).dump();
    all.metadata["at"] = concat(adam.steps(), " ", at.epoch, " ", at.step, " ", at.loss_sum);
    return encode_safetensors(all);
  }
};

template <class F>
std::string sentence_of(F&& load) {
  try {
    load();
  } catch (const Error& error) {
    return error.what();
  }
  return "LOADED";
}

// What each way of loading says, once if they all say the same.
std::set<std::string> sentences(const std::string& kind, const std::string& file, Memory& memory) {
  std::set<std::string> said;
  const auto load = [&](auto&& how) { said.insert(sentence_of(how)); };
  const auto as_bytes = [&](auto&& parse) {
    // A file of 100 MB in memory would be the test's own fault.
    if (std::filesystem::file_size(file) < 10'000'000) load([&] { parse(read_file(file)); });
  };
  if (kind == "safetensors") {
    load([&] { read_safetensors(file); });
    as_bytes([&](const Bytes& bytes) { parse_safetensors(bytes, file); });
  }
  if (kind == "safetensors" || kind == "weights") {
    load([&] { load_model(file, memory.net); });
  }
  if (kind == "safetensors" || kind == "checkpoint") {
    const CheckpointFile checkpoint(file);
    load([&] { checkpoint.load(memory.net, memory.adam, memory.w, memory.at); });
  }
  if (kind == "npy") {
    load([&] { read_npy<float, 2>(file); });
    as_bytes([&](const Bytes& bytes) { parse_npy<float, 2>(bytes, file); });
  }
  if (kind == "picture") {
    load([&] {
      const Bytes bytes = read_picture(file);
      if (holds_idx(bytes))
        decode_idx(bytes, file);
      else
        decode_grey(bytes, file);
    });
  }
  return said;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string kind = argv[1], file = argv[2];
  Memory memory;
  memory.train();
  if (kind == "make") {
    save_model(file + "/model.safetensors", memory.net, mnist_scaling);
    CheckpointFile(file + "/run.ckpt").save(memory.net, memory.adam, memory.w, memory.at);
    return 0;
  }

  const Bytes before = memory.bits();
#ifdef __GLIBC__
  malloc_trim(0);  // what training has freed is not idle memory
#endif
  std::ofstream("/proc/self/clear_refs") << 5;  // VmHWM, the most so far, begins anew
  const double idle = megabytes("VmRSS");
  const auto said = sentences(kind, file, memory);
  const double grown = megabytes("VmHWM") - idle;

  int status = 0;
  const auto demand = [&](bool right, const std::string& what) {
    if (right) return;
    std::cout << "  " << what << "\n";
    status = 1;
  };
  for (const std::string& sentence : said) {
    std::cout << sentence << "\n";
    const auto has = [&](const char* word) { return sentence.find(word) != sentence.npos; };
    demand(sentence.starts_with(file + ": "), "does not begin with the file's name");
    demand(has("expected") && has("found"), "does not say what was expected and what was found");
    demand(std::none_of(sentence.begin(), sentence.end(),
                        [](unsigned char c) { return c < 32 || c == 127; }),
           "is not one line of text");
    demand(sentence.size() < 600, concat("has ", sentence.size(), " letters"));
  }
  demand(said.size() == 1, concat(said.size(), " different sentences"));
  demand(memory.bits() == before,
         "the network, the optimizer or the place in training has changed");
  demand(!memory_counts || grown < most_megabytes, concat("memory grew by ", grown, " MB"));
  std::fprintf(stderr, "%.1f\n", grown);
  return status;
}
