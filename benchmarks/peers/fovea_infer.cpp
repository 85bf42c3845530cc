// SPDX-License-Identifier: MIT
//
// Images/s of the exported course network in fovea: the counterpart of onnxruntime_infer.js.
//
//   fovea_infer DIR BATCH THREADS SECONDS
#include <cstdio>
#include <cstdlib>

#include "examples/support/course_cnn.hpp"
#include "peers.hpp"

using namespace fovea;

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string directory = argv[1];
  const Index batch = std::atol(argv[2]);
  const int threads = std::atoi(argv[3]);
  const double seconds = std::atof(argv[4]);

  Rng rng{1};
  auto net = course_cnn<float>(rng);
  const auto weights = read_floats(directory + "/weights.bin");
  const float* next = weights.data();
  net.for_each_parameter([&](const std::string&, auto& tensor) {
    std::copy_n(next, tensor.size(), tensor.data());
    next += tensor.size();
  });
  const auto pixels = read_floats(directory + "/images.bin");
  Tensor<float, 4> images(Shape{batch, Index{1}, Index{28}, Index{28}});
  std::copy_n(pixels.data(), images.size(), images.data());

  const Predictor predictor{net, batch};
  auto scratch = predictor.scratch(threads);
  std::vector<float> logits;
  for (const float v : predictor(images, scratch)) logits.push_back(v);

  const auto call = [&] { predictor(images, scratch); };
  median_time(call, seconds / 5);  // the threads wake up
  const double time = median_time(call, seconds);

  std::printf("{\"rate\": %g, \"logits\": [", static_cast<double>(batch) / time);
  for (std::size_t i = 0; i < logits.size(); ++i)
    std::printf("%s%.9g", i == 0 ? "" : ", ", static_cast<double>(logits[i]));
  std::puts("]}");
}
