// SPDX-License-Identifier: MIT
//
// What the tests of explain/ share: a small network with H != W, and images for it.
#pragma once

#include "support.hpp"

namespace test {

/// Random bytes as images, and random labels.
inline Dataset random_images(Index N, Shape<3> image, Index classes, std::uint64_t seed) {
  Dataset data{"random", Tensor<std::uint8_t, 4>(image.prepend(N)), Tensor<Label, 1>(Shape{N}),
               classes, Scaling{.mean = 0.4, .std = 0.3}};
  Rng rng{seed};
  for (auto& byte : data.images) byte = static_cast<std::uint8_t>(rng.below(256));
  for (auto& label : data.labels) label = static_cast<Label>(rng.below(classes));
  return data;
}

/// conv1 relu1 pool1 conv2 relu2 flatten1 fc1 relu3 fc2, for images (2, 11, 8) and 4 classes.
template <class T>
auto small_net(std::uint64_t seed) {
  Rng rng{seed};
  return Sequential{
      Shape{2, 11, 8},
      Conv2d<T>{{.in = 2, .out = 5, .kernel = 3, .padding = 1}, rng},
      Relu{},
      MaxPool2d{{.kernel = 2}},
      Conv2d<T>{{.in = 5, .out = 6, .kernel = {2, 3}, .stride = {2, 1}, .padding = {0, 1}}, rng},
      Relu{},
      Flatten{},
      Linear<T>{{.in = 6 * 2 * 4, .out = 9}, rng},
      Relu{},
      Linear<T>{{.in = 9, .out = 4}, rng}};
}

}  // namespace test
