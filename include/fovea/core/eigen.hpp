// SPDX-License-Identifier: MIT
//
// The single include point of Eigen: as_eigen(x) shows a matrix, or a vector, to all of Eigen's
// linear algebra without copying an element. CMake: link fovea::eigen; no other header needs Eigen.
//
//   Tensor<double, 2> a{{2, 1}, {1, 3}};
//   as_eigen(a).trace() == 5
//
// No type of Eigen appears in the members or parameters of this library: its alignment depends on
// compiler flags, and ours must not.
#pragma once

#if !__has_include(<Eigen/Core>)
#  error "core/eigen.hpp needs Eigen 3.4 or newer: link fovea::eigen, or add -I /usr/include/eigen3"
#endif
#include <Eigen/Core>
#if !EIGEN_VERSION_AT_LEAST(3, 4, 0)
#  error "fovea/core/eigen.hpp needs Eigen 3.4 or newer: <Eigen/Core> is of an older version"
#endif

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI {

/// A map of the same memory: a row-major matrix for rank 2, a column vector for rank 1.
template <class T>
auto as_eigen(View<T, 2> x) {
  using Matrix =
      Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<std::conditional_t<std::is_const_v<T>, const Matrix, Matrix>>(
      x.data(), x.extent(0), x.extent(1));
}

template <class T>
auto as_eigen(View<T, 1> x) {
  using Vector = Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, 1>;
  return Eigen::Map<std::conditional_t<std::is_const_v<T>, const Vector, Vector>>(x.data(),
                                                                                  x.extent(0));
}

template <class T, std::size_t R>
auto as_eigen(Tensor<T, R>& x) {
  return as_eigen(x.view());
}

template <class T, std::size_t R>
auto as_eigen(const Tensor<T, R>& x) {
  return as_eigen(x.view());
}

}  // namespace fovea::inline FOVEA_ABI
