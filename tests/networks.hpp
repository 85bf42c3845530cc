// SPDX-License-Identifier: MIT
//
// The networks that promises about speed, memory and bits are made for. All take (N, 3, 32, 32) but the first two and
// the course network (examples/support/course_cnn.hpp), which take (N, 1, 28, 28).
#pragma once

#include "fovea/fovea.hpp"

namespace networks {

using namespace fovea;

/// A convolution with a padding that keeps the extents, for a stride of 1.
inline Conv2d<float> conv(Rng& rng, Index in, Index out, Index kernel, Index stride = 1,
                          Index groups = 1, bool bias = true) {
  return {{.in = in,
           .out = out,
           .kernel = kernel,
           .stride = stride,
           .padding = kernel / 2,
           .groups = groups,
           .bias = bias},
          rng};
}

/// Both kinds of block, and a fully connected one wide enough for several threads. Trained in a moment.
inline auto small(Rng& rng, Index groups = 1) {
  return Sequential{Shape{1, 28, 28},
                    conv(rng, 1, 8, 3),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<float>{{.in = 8, .out = 8, .kernel = 3, .groups = groups}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Linear<float>{{.in = 288, .out = 70}, rng},
                    Relu{},
                    Linear<float>{{.in = 70, .out = 10}, rng}};
}

/// LeNet-5 (LeCun et al., 1998), with ReLU and max-pooling.
inline auto lenet5(Rng& rng) {
  return Sequential{Shape{1, 28, 28},
                    conv(rng, 1, 6, 5),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<float>{{.in = 6, .out = 16, .kernel = 5}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Linear<float>{{.in = 400, .out = 120}, rng},
                    Relu{},
                    Linear<float>{{.in = 120, .out = 84}, rng},
                    Relu{},
                    Linear<float>{{.in = 84, .out = 10}, rng}};
}

/// In the manner of VGG (Simonyan and Zisserman, 2015): 64 64 P 128 128 P 256 256 P, 128, 10.
inline auto vgg(Rng& rng) {
  return Sequential{Shape{3, 32, 32},
                    conv(rng, 3, 64, 3),
                    Relu{},
                    conv(rng, 64, 64, 3),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    conv(rng, 64, 128, 3),
                    Relu{},
                    conv(rng, 128, 128, 3),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    conv(rng, 128, 256, 3),
                    Relu{},
                    conv(rng, 256, 256, 3),
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Linear<float>{{.in = 4096, .out = 128}, rng},
                    Relu{},
                    Linear<float>{{.in = 128, .out = 10}, rng}};
}

/// Convolution, batch normalisation, ReLU, convolution, batch normalisation.
inline auto branch(Rng& rng, Index in, Index out, Index stride) {
  return Chain{conv(rng, in, out, 3, stride, 1, false), BatchNorm2d<float>{{.channels = out}},
               Relu{}, conv(rng, out, out, 3, 1, 1, false), BatchNorm2d<float>{{.channels = out}}};
}
/// Half the extents, by a 1 x 1 convolution.
inline auto shortcut(Rng& rng, Index in, Index out) {
  return Shortcut{conv(rng, in, out, 1, 2, 1, false), BatchNorm2d<float>{{.channels = out}}};
}

/// Six residual blocks of `width`, 2 width and 4 width channels (He et al., 2016).
inline auto resnet(Rng& rng, Index width = 16) {
  return Sequential{
      Shape{3, 32, 32},
      conv(rng, 3, width, 3, 1, 1, false),
      BatchNorm2d<float>{{.channels = width}},
      Relu{},
      Residual{branch(rng, width, width, 1)},
      Relu{},
      Residual{branch(rng, width, width, 1)},
      Relu{},
      Residual{branch(rng, width, 2 * width, 2), shortcut(rng, width, 2 * width)},
      Relu{},
      Residual{branch(rng, 2 * width, 2 * width, 1)},
      Relu{},
      Residual{branch(rng, 2 * width, 4 * width, 2), shortcut(rng, 2 * width, 4 * width)},
      Relu{},
      Residual{branch(rng, 4 * width, 4 * width, 1)},
      Relu{},
      GlobalAvgPool2d{},
      Flatten{},
      Linear<float>{{.in = 4 * width, .out = 10}, rng}};
}

/// Twelve residual blocks of two convolutions, with batch normalisation.
inline auto twelve_blocks(Rng& rng) {
  const auto block = [&] { return Residual{branch(rng, 16, 16, 1)}; };
  return Sequential{Shape{3, 32, 32}, conv(rng, 3, 16, 3),
                    Relu{},           block(),
                    block(),          block(),
                    block(),          block(),
                    block(),          block(),
                    block(),          block(),
                    block(),          block(),
                    block(),          MaxPool2d{{.kernel = 8}},
                    Flatten{},        Linear<float>{{.in = 256, .out = 10}, rng}};
}

/// Depthwise 3 x 3 and 5 x 5 kernels with 1 x 1 convolutions between them (Howard et al., 2017).
inline auto mobile(Rng& rng) {
  const auto depthwise = [&](Index channels, Index kernel, Index stride) {
    return conv(rng, channels, channels, kernel, stride, channels);
  };
  return Sequential{Shape{3, 32, 32}, conv(rng, 3, 16, 3, 2),
                    Relu{},           depthwise(16, 3, 1),
                    Relu{},           conv(rng, 16, 32, 1),
                    Relu{},           depthwise(32, 5, 2),
                    Relu{},           conv(rng, 32, 64, 1),
                    Relu{},           depthwise(64, 3, 2),
                    Relu{},           conv(rng, 64, 64, 1),
                    Relu{},           MaxPool2d{{.kernel = 4}},
                    Flatten{},        Linear<float>{{.in = 64, .out = 10}, rng}};
}

/// Strides, dilation, groups, unequal kernels, a pool that overlaps.
inline auto odd(Rng& rng) {
  return Sequential{
      Shape{3, 32, 32},
      Conv2d<float>{{.in = 3, .out = 12, .kernel = {3, 5}, .stride = {2, 1}, .padding = 1}, rng},
      Relu{},
      Conv2d<float>{{.in = 12, .out = 18, .kernel = 3, .padding = 2, .dilation = 2, .groups = 3},
                    rng},
      Relu{},
      MaxPool2d{{.kernel = 3, .stride = 2, .padding = 1}},
      Conv2d<float>{{.in = 18, .out = 9, .kernel = {1, 3}, .stride = 3, .dilation = {1, 2}}, rng},
      Relu{},
      Flatten{},
      Linear<float>{{.in = 108, .out = 10}, rng}};
}

}  // namespace networks
