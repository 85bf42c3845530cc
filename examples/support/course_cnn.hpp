// SPDX-License-Identifier: MIT
//
// The network of the course report: two convolutions to see, two linear layers to decide.
#pragma once

#include "fovea/fovea.hpp"

template <class T>
auto course_cnn(fovea::Rng& rng) {
  using namespace fovea;
  return Sequential{Shape{1, 28, 28},
                    Conv2d<T>{{.in = 1, .out = 32, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<T>{{.in = 32, .out = 64, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Linear<T>{{.in = 3136, .out = 128}, rng},
                    Relu{},
                    Linear<T>{{.in = 128, .out = 10}, rng}};
}
