// SPDX-License-Identifier: MIT
// Chapter 16: batch normalisation of four numbers, there and back, and what prediction does.
#include <fovea/fovea.hpp>

#include <cmath>
#include <cstdio>

using namespace fovea;

template <class Numbers>
void show(const char* name, const Numbers& x) {
  std::printf("%-19s", name);
  for (const double value : x) std::printf(" %8.4f", value + 0.0);
  std::printf("\n");
}

int main() {
  // Two images of 1 x 2 pixels, one channel: M = N H W = 4.
  BatchNorm2d<double> bn{{.channels = 1}};
  bn.weight = {2}, bn.bias = {1};  // gamma and beta
  Sequential net{Shape{1, 1, 2}, bn};
  const Tensor<double, 4> x{{{{-6, 0}}}, {{{2, 8}}}};
  const Tensor<double, 1> g{0, 1, -1, 4};  // dy

  auto w = net.workspace(2, {.keep = Keep::everything, .input_gradient = true});
  const auto y = net.forward(x, w, Mode::train);
  const auto& pass = w.layer<0>();
  std::printf("mean %.4f, 1 / sqrt(var + eps) %.4f\n", pass.mean(0, 0), pass.inverse(0, 0));
  Tensor<double, 1> normal(Shape{4});  // x'
  for (Index i = 0; i < 4; ++i) normal(i) = (x.data()[i] - pass.mean(0, 0)) * pass.inverse(0, 0);
  show("x", x.flat());
  show("x'", normal);
  show("y", y.flat());

  std::copy(g.begin(), g.end(), w.output_gradient().begin());
  net.backward(w);
  const double dbeta = pass.dbias(0), dgamma = pass.dweight(0);
  std::printf("\ndbeta = sum g = %.4f, dgamma = sum g x' = %.4f\n", dbeta, dgamma);
  Tensor<double, 1> along(Shape{4}), left(Shape{4});
  for (Index i = 0; i < 4; ++i) {
    along(i) = normal(i) * dgamma / 4;
    left(i) = g(i) - dbeta / 4 - along(i);
  }
  show("g", g);
  std::printf("%-19s %8.4f each\n", "its mean", dbeta / 4);
  show("its part along x'", along);
  show("what is left", left);
  show("dx", w.input_gradient().flat());

  // The optimizers hand the running values over after each step; here by hand.
  net.commit_buffers(w);
  const auto& [trained] = net.layers();
  std::printf("\nrunning values after one step: mean %.4f, var %.4f\n", trained.running_mean(0),
              trained.running_var(0));
  show("y in prediction", net.forward(x, w, Mode::eval).flat());
  for (int step = 1; step < 100; ++step) net.forward(x, w, Mode::train), net.commit_buffers(w);
  std::printf("after 100 of the same batch:   mean %.4f, var %.4f\n", trained.running_mean(0),
              trained.running_var(0));
  show("y in prediction", net.forward(x, w, Mode::eval).flat());

  // A bias in front of it.
  Rng rng{1};
  auto biased =
      sequential<double>(Shape{1, 6, 6}, rng, conv2d({.out = 2, .kernel = 3}), batch_norm2d());
  auto b = biased.workspace(4, {.keep = Keep::everything});
  Tensor<double, 4> images(Shape{4, 1, 6, 6});
  for (double& value : images) value = rng.uniform(-1, 1);
  const Tensor<double, 4> before(biased.forward(images, b, Mode::train));
  std::get<0>(biased.layers()).bias = {100, -100};
  const auto after = biased.forward(images, b, Mode::train);
  double change = 0;
  for (Index i = 0; i < before.size(); ++i)
    change = std::max(change, std::abs(after.data()[i] - before.data()[i]));
  for (double& value : b.output_gradient()) value = rng.uniform(-1, 1);
  biased.backward(b);
  double largest = 0;
  for (const double db : b.layer<0>().dbias) largest = std::max(largest, std::abs(db));
  std::printf("\nbiases of 100 and -100 before it: y %s, db %s\n",
              change < 1e-9 ? "is the same" : "changes",
              largest < 1e-9 ? "is zero" : "is not zero");

  // One number has no variance.
  try {
    Sequential one{Shape{1, 1, 1}, bn};
    auto v = one.workspace(1);
    one.forward(Tensor<double, 4>(Shape{1, 1, 1, 1}), v);
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
  }
}
