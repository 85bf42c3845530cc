// SPDX-License-Identifier: MIT
//
// The network of the course report: two convolutions to see, two linear layers to decide.
#pragma once

#include "fovea/fovea.hpp"

template <class T>
auto course_cnn(fovea::Rng& rng) {
  using namespace fovea;
  return sequential<T>(Shape{1, 28, 28}, rng,
                       conv2d({.out = 32, .kernel = 3, .padding = 1}), relu, max_pool2d(2),
                       conv2d({.out = 64, .kernel = 3, .padding = 1}), relu, max_pool2d(2),
                       flatten, linear(128), relu, linear(10));
}
