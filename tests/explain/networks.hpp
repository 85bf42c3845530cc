// SPDX-License-Identifier: MIT
//
// Networks for the tests of explanations: one whose truth is known, and one that has learned.
#pragma once

#include "support.hpp"

namespace test {

/// Logit 1 is the sum over rows 2..4 and columns 3..5 of channel 1, logit 2 minus that, logit 0 is
/// 0: whatever an explanation says, this is what the network looks at. Images (2, 9, 7).
template <class T>
auto planted_network() {
  Rng rng{1};
  Sequential net{Shape{2, 9, 7}, Flatten{}, Linear<T>{{.in = 126, .out = 3, .bias = false}, rng}};
  auto& [flatten1, fc1] = net.layers();
  fc1.weight.fill(T{0});
  for (Index h = 2; h < 5; ++h)
    for (Index w = 3; w < 6; ++w) {
      fc1.weight(1, 63 + h * 7 + w) = T{1};
      fc1.weight(2, 63 + h * 7 + w) = T{-1};
    }
  return net;
}
inline bool planted(Index h, Index w) { return 2 <= h && h < 5 && 3 <= w && w < 6; }

/// A small network with every kind of block; random weights.
template <class T>
auto digits_network() {
  Rng rng{1};
  return Sequential{Shape{1, 28, 28},
                    Conv2d<T>{{.in = 1, .out = 8, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Conv2d<T>{{.in = 8, .out = 8, .kernel = 3, .padding = 1}, rng},
                    Relu{},
                    MaxPool2d{{.kernel = 2}},
                    Flatten{},
                    Linear<T>{{.in = 392, .out = 32}, rng},
                    Relu{},
                    Linear<T>{{.in = 32, .out = 10}, rng}};
}

inline const TrainAndTest& digits() {
  static const TrainAndTest data = synthetic_train_and_test(1500, 70);
  return data;
}

/// The same, trained on digits().train.
inline const auto& trained_network() {
  static const auto trained = [] {
    auto net = digits_network<float>();
    auto workspace = net.workspace(50);
    Adam adam{net, {.learning_rate = 5e-3}};
    for (std::uint64_t epoch = 0; epoch < 3; ++epoch)
      for (const auto& [images, labels] : batches(digits().train, 50, {.epoch = epoch})) {
        cross_entropy(net.forward(images, workspace), labels, workspace.output_gradient());
        net.backward(workspace);
        adam.step(net, workspace);
      }
    return net;
  }();
  return trained;
}

/// All test images, scaled (70, 1, 28, 28), and their labels.
inline const auto& digit_batch() {
  static auto all = batches(digits().test, 70, {.shuffle = false});
  static const auto batch = all[0];
  return batch;
}

template <TensorLike A, TensorLike B>
bool same_bits(const A& a, const B& b) {
  return a.shape() == b.shape() &&
         std::equal(as_const(a).begin(), as_const(a).end(), as_const(b).begin());
}

}  // namespace test
