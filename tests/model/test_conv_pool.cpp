// SPDX-License-Identifier: MIT
//
// Convolution and max-pooling as one step, beside the layers one by one.
#include "fovea/fused/conv_pool.hpp"
#include "support.hpp"

using namespace test;

namespace conv_pool_tests {
namespace {

template <class T>
auto network(Index C, Index O, Index padding, bool bias, Index H, Index W) {
  Rng rng{7};
  return sequential<T>(Shape{C, H, W}, rng,
                       conv2d({.out = O, .kernel = 3, .padding = padding, .bias = bias}),
                       max_pool2d(2), gelu, flatten, linear(3));
}

template <class T>
void compare(Index C, Index O, Index padding, bool bias, Index H, Index W, Index N) {
  const Shape shape{N, C, H, W, O, padding};
  CAPTURE(shape);
  auto net = network<T>(C, O, padding, bias, H, W);
  const auto x = random_tensor<T>(Shape{N, C, H, W}, 3);
  auto alone = net.workspace(N, {.input_gradient = true, .threads = 1, .fuse = false});
  const auto expected = training_step(net, alone, x);
  StepNumbers<T> first;
  for (const int threads : {1, 2, 3, 7}) {
    auto w = net.workspace(N, {.input_gradient = true, .threads = threads}, conv_pool<T>);
    REQUIRE(w.plan().step_name(0) == "conv1 pool1");
    const auto got = training_step(net, w, x);
    if (threads == 1) first = got;
    CHECK(got == first);
  }
  REQUIRE(first.size() == expected.size());
  for (std::size_t k = 0; k < first.size(); ++k) {
    CAPTURE(k);
    double most = 1e-30, error = 0;
    for (std::size_t i = 0; i < first[k].size(); ++i) {
      most = std::max(most, std::abs(static_cast<double>(expected[k][i])));
      error = std::max(error, std::abs(static_cast<double>(first[k][i] - expected[k][i])));
    }
    CHECK(error <= most * (sizeof(T) == 4 ? 1e-4 : 1e-11));
  }
}

TEST_CASE("conv_pool: y and all gradients are those of the layers, with any number of threads") {
  compare<double>(8, 16, 1, true, 9, 12, 3);
  compare<double>(24, 32, 0, false, 31, 31, 2);
  compare<double>(17, 48, 2, true, 2, 5, 19);
  compare<float>(24, 64, 1, false, 31, 31, 5);
  compare<float>(64, 256, 1, false, 15, 15, 3);
  compare<float>(64, 32, 1, false, 7, 7, 40);
}

}  // namespace
}  // namespace conv_pool_tests
