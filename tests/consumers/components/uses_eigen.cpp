// SPDX-License-Identifier: MIT
//
// Shows Eigen a matrix by the component eigen; status 0 if Eigen sees its trace.
#include <fovea/core/eigen.hpp>

int main() {
  const fovea::Tensor<double, 2> a{{2, 1}, {1, 3}};
  return fovea::as_eigen(a).trace() == 5 ? 0 : 1;
}
