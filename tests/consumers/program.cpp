// SPDX-License-Identifier: MIT
//
// What every consumer compiles: learns which side of a line a point is on, and fails if it does not.
//
//   program ON|OFF     whether OpenMP was asked for; the program must have got what was asked for
#include <fovea/fovea.hpp>

#include <cstdio>
#include <cstring>

using namespace fovea;

int main(int argc, char** argv) {
  constexpr Index N = 200;
  Rng rng{1};
  Tensor<float, 2> points(Shape{N, 2});
  Tensor<Label, 1> sides(Shape{N});
  for (Index n = 0; n < N; ++n) {
    for (Index i = 0; i < 2; ++i) points(n, i) = static_cast<float>(2 * rng.uniform() - 1);
    sides(n) = points(n, 0) + 2 * points(n, 1) > 0.3f;
  }

  Sequential net{Shape{2}, Linear<float>{{.in = 2, .out = 2}, rng}};
  auto w = net.workspace(N);
  Sgd sgd{net, {.learning_rate = 1.0}};
  for (int step = 0; step < 300; ++step) {
    const auto logits = net.forward(points, w);
    cross_entropy(logits, sides, w.output_gradient());
    net.backward(w);
    sgd.step(net, w);
  }
  ConfusionMatrix confusion(2);
  confusion.add(net.predict(points), sides);

  const bool learned = confusion.accuracy().percent() > 95;
  const bool as_asked = argc == 2 && build_info().openmp == (std::strcmp(argv[1], "ON") == 0);
  std::printf("%.1f %% right, %s, %s\n", confusion.accuracy().percent(),
              build_info().openmp ? "OpenMP" : "one thread", FOVEA_TEXT(FOVEA_ISA));
  return learned && as_asked ? 0 : 1;
}
