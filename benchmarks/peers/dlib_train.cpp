// SPDX-License-Identifier: MIT
//
// Images/s of training the course network in dlib:   dlib_train DIR IMAGES
#include <dlib/dnn.h>

#include <cstdio>
#include <cstdlib>

#include "peers.hpp"

using namespace dlib;

// Read from the bottom: convolution, ReLU and max-pool twice, then two linear layers.
template <long filters, class Below>
using block = max_pool<2, 2, 2, 2, relu<con<filters, 3, 3, 1, 1, Below>>>;
using Net =
    loss_multiclass_log<fc<10, relu<fc<128, block<64, block<32, input<matrix<unsigned char>>>>>>>>;

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string directory = argv[1];
  const auto count = std::atol(argv[2]);
  const auto pixels = read_idx_bytes(directory + "/train-images-idx3-ubyte", 16);
  const auto digits = read_idx_bytes(directory + "/train-labels-idx1-ubyte", 8);
  std::vector<matrix<unsigned char>> images;
  std::vector<unsigned long> labels;
  for (long i = 0; i < count; ++i) {
    matrix<unsigned char> image(28, 28);
    std::copy_n(&pixels[static_cast<std::size_t>(i) * 784], 784, image.begin());
    images.push_back(image);
    labels.push_back(digits[static_cast<std::size_t>(i)]);
  }

  Net net;
  dnn_trainer<Net, adam> trainer(net, adam(0, 0.9f, 0.999f));
  trainer.set_learning_rate(1e-3);
  const auto step = [&](long first) {
    const auto last = std::min(first + 64, count);
    trainer.train_one_step(images.begin() + first, images.begin() + last, labels.begin() + first);
  };
  step(0);
  trainer.get_net();  // waits for the trainer's thread
  const double start = now();
  for (long first = 0; first < count; first += 64) step(first);
  trainer.get_net();
  std::printf("{\"rate\": %g}\n", static_cast<double>(count) / (now() - start));
}
