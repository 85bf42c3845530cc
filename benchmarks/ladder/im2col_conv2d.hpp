// SPDX-License-Identifier: MIT
//
// Rungs 2 and 3: convolution as a matrix product. For each image, with columns (C KH KW, OH OW),
//
//   forward     y[n] = W columns + b
//   backward    dW += dy[n] columns^T      dcolumns = W^T dy[n],   dx[n] = col2im dcolumns
//
// Why rung 2 is faster than the seven loops: the question whether a tap lies inside the image is asked
// once a row, when the columns are written, and what remains is one long loop over neighbours in
// memory, which a compiler turns into vector instructions. Why rung 3 is faster than rung 2: the
// product keeps a tile of sums in registers (products.hpp). What both cost: the columns are KH KW
// times as large as the image, and they are written and read again for every image.
#pragma once

#include "fovea/nn/conv2d.hpp"
#include "fovea/nn/reference/im2col.hpp"
#include "ladder/products.hpp"

namespace ladder {

using namespace fovea;

/// A Conv2d without groups that multiplies matrices with `Product`, on one thread.
template <class T, class Product>
struct Im2colConv2d : Conv2d<T> {
  using Conv2d<T>::Conv2d;

  struct Pass : Conv2d<T>::Pass {
    Tensor<T, 2> columns, dcolumns;  // (C KH KW, OH OW), of one image
  };

  Pass pass(Shape<4> x, const WorkspaceOptions& how) const {
    const auto [N, O, OH, OW] = this->output_shape(x);
    const Shape columns{this->weight.size() / O, OH * OW};
    return {Conv2d<T>::pass(x, how), Tensor<T, 2>(columns), Tensor<T, 2>(columns)};
  }

  void forward(View<const T, 4> x, View<T, 4> y, Pass& pass, const Context&) const {
    const auto [K, P] = pass.columns.shape();
    const Index O = y.extent(1);
    for (Index n = 0; n < x.extent(0); ++n) {
      write_columns(x[n], pass);
      Product::template multiply<T>({this->weight.data(), O, K}, {pass.columns.data(), K, P},
                                    {y[n].data(), O, P}, false);
      for (Index o = 0; o < this->bias.size(); ++o)
        for (T& value : y[n][o]) value += this->bias(o);
    }
  }

  void backward(View<const T, 4> x, View<const T, 4> /*y*/, View<const T, 4> dy, View<T, 4> dx,
                Pass& pass, const Context&) const {
    const auto [K, P] = pass.columns.shape();
    const Index O = dy.extent(1);
    dx.fill(T{0});
    pass.dbias.fill(T{0});
    for (Index n = 0; n < x.extent(0); ++n) {
      const Matrix<const T> gradient(dy[n].data(), O, P);
      write_columns(x[n], pass);
      Product::template multiply<T>(gradient,
                                    Matrix<const T>(pass.columns.data(), K, P).transposed(),
                                    {pass.dweight.data(), O, K}, n > 0);
      for (Index o = 0; o < pass.dbias.size(); ++o)
        for (const T g : dy[n][o]) pass.dbias(o) += g;
      if (dx.empty()) continue;
      Product::template multiply<T>(Matrix<const T>(this->weight.data(), O, K).transposed(),
                                    gradient, {pass.dcolumns.data(), K, P}, false);
      reference::col2im(pass.dcolumns.data(), x.extent(1), x.extent(2), x.extent(3), this->window(),
                        dx[n].data());
    }
  }

 private:
  void write_columns(View<const T, 3> x, Pass& pass) const {
    reference::im2col(x.data(), x.extent(0), x.extent(1), x.extent(2), this->window(),
                      pass.columns.data());
  }
};

}  // namespace ladder
