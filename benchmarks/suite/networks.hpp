// SPDX-License-Identifier: MIT
//
// The networks of the suite, from 1998 to now. torch_suite.py has the same for PyTorch.
//
//   lenet5     LeCun et al. 1998, with ReLU and max-pooling; 1 x 28 x 28
//   course     conv 32, pool, conv 64, pool, 128, 10; 1 x 28 x 28
//   vgg        64 64 P 128 128 P 256 256 P, 128, 10 (after Simonyan and Zisserman 2014)
//   resnet8    one block each of 16, 32 and 64 channels, with batch normalisation (He et al. 2015)
//   resnet20   three of each
//   mobile     3 x 3 and 5 x 5 depthwise and 1 x 1 convolutions (after Howard et al. 2017)
//   cifar      that of cifar_train (Jordan 2024)
//
// All but the first two see 3 x 32 x 32.
#pragma once

#include <string_view>

#include "cifar/cifar_cnn.hpp"
#include "fovea/fovea.hpp"

namespace suite {

using fovea::Index, fovea::Rng, fovea::Shape;

/// A 3 x 3 convolution with what follows it in the networks of the suite.
inline auto conv_relu(Index out) {
  return fovea::chain(fovea::conv2d({.out = out, .kernel = 3, .padding = 1}), fovea::relu);
}
inline auto conv_norm(Index out, Index kernel = 3, Index stride = 1, Index groups = 1) {
  return fovea::chain(fovea::conv2d({.out = out,
                                     .kernel = kernel,
                                     .stride = stride,
                                     .padding = kernel / 2,
                                     .groups = groups,
                                     .bias = false}),
                      fovea::batch_norm2d());
}
inline auto conv_norm_relu(Index out, Index kernel = 3, Index stride = 1, Index groups = 1) {
  return fovea::chain(conv_norm(out, kernel, stride, groups), fovea::relu);
}
/// y = relu(x + f(x)), and the same with half the rows and columns.
inline auto block(Index channels) {
  return fovea::chain(fovea::residual(fovea::chain(conv_norm_relu(channels), conv_norm(channels))),
                      fovea::relu);
}
inline auto half(Index channels) {
  return fovea::chain(fovea::residual(conv_norm_relu(channels, 3, 2), conv_norm(channels),
                                      fovea::shortcut(conv_norm(channels, 1, 2))),
                      fovea::relu);
}
/// A depthwise convolution, and one that mixes the channels.
inline auto separable(Index channels, Index out, Index kernel, Index stride) {
  return fovea::chain(conv_norm_relu(channels, kernel, stride, channels), conv_norm_relu(out, 1));
}

/// Calls f(network) with the network of this name. False if there is none.
template <class F>
bool with_network(std::string_view name, const F& f) {
  using namespace fovea;
  Rng rng{1};
  const Shape digit{1, 28, 28}, photograph{3, 32, 32};
  if (name == "lenet5")
    f(sequential<float>(digit, rng, conv2d({.out = 6, .kernel = 5, .padding = 2}), relu,
                        max_pool2d(2), conv2d({.out = 16, .kernel = 5}), relu, max_pool2d(2),
                        flatten, linear(120), relu, linear(84), relu, linear(10)));
  else if (name == "course")
    f(sequential<float>(digit, rng, conv_relu(32), max_pool2d(2), conv_relu(64), max_pool2d(2),
                        flatten, linear(128), relu, linear(10)));
  else if (name == "vgg")
    f(sequential<float>(photograph, rng, conv_relu(64), conv_relu(64), max_pool2d(2),
                        conv_relu(128), conv_relu(128), max_pool2d(2), conv_relu(256),
                        conv_relu(256), max_pool2d(2), flatten, linear(128), relu, linear(10)));
  else if (name == "resnet8")
    f(sequential<float>(photograph, rng, conv_norm_relu(16), block(16), half(32), half(64),
                        global_avg_pool2d, flatten, linear(10)));
  else if (name == "resnet20")
    f(sequential<float>(photograph, rng, conv_norm_relu(16), repeat(3, block(16)), half(32),
                        repeat(2, block(32)), half(64), repeat(2, block(64)), global_avg_pool2d,
                        flatten, linear(10)));
  else if (name == "mobile")
    f(sequential<float>(photograph, rng, conv_norm_relu(32), separable(32, 64, 3, 1),
                        separable(64, 128, 5, 2), separable(128, 128, 3, 1),
                        separable(128, 256, 5, 2), separable(256, 256, 3, 1), global_avg_pool2d,
                        flatten, linear(10)));
  else if (name == "cifar")
    f(cifar::cifar_cnn<float>(rng));
  else
    return false;
  return true;
}

}  // namespace suite
