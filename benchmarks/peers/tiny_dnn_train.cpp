// SPDX-License-Identifier: MIT
//
// Images/s of training the course network in tiny-dnn:   tiny_dnn_train DIR IMAGES
#include <tiny_dnn/tiny_dnn.h>

#include <cstdio>
#include <cstdlib>

#include "peers.hpp"

using namespace tiny_dnn;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string directory = argv[1];
  const auto count = static_cast<std::size_t>(std::atol(argv[2]));
  const auto pixels = read_idx_bytes(directory + "/train-images-idx3-ubyte", 16);
  const auto digits = read_idx_bytes(directory + "/train-labels-idx1-ubyte", 8);
  std::vector<vec_t> images(count, vec_t(784));
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t p = 0; p < 784; ++p)
      images[i][p] = (static_cast<float>(pixels[i * 784 + p]) / 255 - 0.1307f) / 0.3081f;
  const std::vector<label_t> labels(digits.begin(), digits.begin() + static_cast<long>(count));

  network<sequential> net;
  using activation::identity;
  using activation::relu;
  net << convolutional_layer<relu>(28, 28, 3, 1, 32, padding::same)
      << max_pooling_layer<identity>(28, 28, 32, 2)
      << convolutional_layer<relu>(14, 14, 3, 32, 64, padding::same)
      << max_pooling_layer<identity>(14, 14, 64, 2) << fully_connected_layer<relu>(3136, 128)
      << fully_connected_layer<activation::softmax>(128, 10);
  adam optimizer;
  const double start = now();
  net.train<cross_entropy_multiclass>(optimizer, images, labels, 64, 1);
  std::printf("{\"rate\": %g}\n", static_cast<double>(count) / (now() - start));
}
