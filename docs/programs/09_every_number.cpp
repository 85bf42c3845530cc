// SPDX-License-Identifier: MIT
// Chapter 9: every number of one forward and one backward pass through a tiny network.
#include <fovea/fovea.hpp>

#include <cstdio>

using namespace fovea;

template <class Matrix>
void show(const char* name, const Matrix& m) {
  std::printf("%s =\n%s\n", name, to_string(m).c_str());
}

int main() {
  Rng rng{1};
  auto net = sequential<double>(Shape{1, 3, 7}, rng, conv2d({.out = 1, .kernel = 2}), relu,
                                max_pool2d(2), flatten, linear(2));
  auto& [conv1, relu1, pool1, flatten1, fc1] = net.layers();
  conv1.weight = {{{{1, 0}, {-1, 2}}}};               // (O, C, KH, KW) = (1, 1, 2, 2)
  conv1.bias = {-1};                                  // (O)
  fc1.weight = {{1, 2, -1}, {-1, 1, 2}};              // (out, in) = (2, 3)
  fc1.bias = {0, 0};                                  // (out)
  const Tensor<double, 4> x{{{{0, 2, 0, 0, 1, 3, 1},  // (N, C, H, W) = (1, 1, 3, 7)
                              {2, 1, 1, 0, 0, 0, 0},
                              {0, 1, 1, 0, 0, 0, 1}}}};
  const Tensor<Label, 1> label{0};

  auto w = net.workspace(1, {.keep = Keep::everything, .input_gradient = true});
  const auto z = net.forward(x, w);
  show("conv1", w.activation<0>()[0][0]);
  show("relu1", w.activation<1>()[0][0]);
  show("pool1", w.activation<2>()[0][0]);
  show("z", z);
  const double loss = cross_entropy(z, label, w.output_gradient());
  std::printf("L = %.3f\n\n", loss);

  net.backward(w);
  show("dz", w.gradient<4>());
  show("fc1: dW", w.layer<4>().dweight);
  show("db", w.layer<4>().dbias);
  show("d pool1", w.gradient<2>()[0][0]);
  show("d relu1", w.gradient<1>()[0][0]);
  show("d conv1", w.gradient<0>()[0][0]);
  show("conv1: dW", w.layer<0>().dweight[0][0]);
  show("db", w.layer<0>().dbias);
  show("dx", w.input_gradient()[0][0]);
}
