// SPDX-License-Identifier: MIT
//
// Whitening: a first layer that need not be learned, because it follows from the images.
//
//   C   = mean over all patches p of  p p^T          (D, D), D = channels x rows x columns
//   C   = V L V^T                                    eigenvectors in the columns of V
//   w_k = v_k / sqrt(l_k + eps),  and  -w_k          2 D filters
//
// What comes out has the covariance 1: neighbouring pixels of a photograph are nearly the same, so
// most of a patch is its mean, and the differences, which say what can be seen, are small. After
// whitening all directions are of one size. (Jordan, 94 % on CIFAR-10 in 3.29 seconds on a single
// GPU, 2024, section 3.2; before him Page, How to train your ResNet, 2019.)
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fovea/data/batches.hpp"

namespace cifar {

using fovea::Index, fovea::Shape, fovea::Tensor;

/// Eigenvectors of a symmetric matrix in the rows of `vectors`, and their eigenvalues, the largest
/// first.
struct Eigen {
  Tensor<double, 2> vectors;
  std::vector<double> values;
};

/// By Jacobi's rotations: each takes one element beside the diagonal to zero, and the sum of
/// squares of those falls to nothing (Golub and Van Loan, Matrix computations, 8.5).
inline Eigen eigen(Tensor<double, 2> A) {
  const Index D = A.extent(0);
  Tensor<double, 2> V(A.shape());
  for (Index i = 0; i < D; ++i) V(i, i) = 1;
  const auto rotate = [](double& x, double& y, double c, double s) {
    const double first = c * x - s * y;
    y = s * x + c * y;
    x = first;
  };
  for (int sweep = 0; sweep < 30; ++sweep)
    for (Index p = 0; p < D; ++p)
      for (Index q = p + 1; q < D; ++q) {
        if (std::abs(A(p, q)) < 1e-300) continue;
        // The angle for which element (p, q) becomes zero.
        const double tau = (A(q, q) - A(p, p)) / (2 * A(p, q));
        const double t = (tau < 0 ? -1 : 1) / (std::abs(tau) + std::sqrt(1 + tau * tau));
        const double c = 1 / std::sqrt(1 + t * t), s = t * c;
        for (Index k = 0; k < D; ++k) rotate(A(k, p), A(k, q), c, s);
        for (Index k = 0; k < D; ++k) rotate(A(p, k), A(q, k), c, s);
        for (Index k = 0; k < D; ++k) rotate(V(p, k), V(q, k), c, s);
      }
  std::vector<Index> order(static_cast<std::size_t>(D));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return A(a, a) > A(b, b); });
  Eigen result{Tensor<double, 2>(A.shape()), {}};
  for (Index k = 0; k < D; ++k) {
    const Index from = order[static_cast<std::size_t>(k)];
    result.values.push_back(A(from, from));
    std::copy(V[from].begin(), V[from].end(), result.vectors[k].begin());
  }
  return result;
}

/// Filters (2 D, C, K, K) that whiten the K x K patches of these images, as a network sees them.
inline Tensor<float, 4> whitening_filters(const fovea::Dataset& images, Index K, double eps) {
  const auto [N, C, H, W] = images.images.shape();
  const Index D = C * K * K;
  Tensor<double, 2> covariance(Shape{D, D});
  std::vector<double> patch(static_cast<std::size_t>(D));
  double count = 0;
  for (const auto& [batch, labels] : fovea::batches(images, 500, {.shuffle = false}))
    for (Index n = 0; n < batch.extent(0); ++n)
      for (Index h = 0; h + K <= H; ++h)
        for (Index w = 0; w + K <= W; ++w, ++count) {
          auto to = patch.begin();
          for (Index c = 0; c < C; ++c)
            for (Index i = 0; i < K; ++i)
              for (Index j = 0; j < K; ++j) *to++ = static_cast<double>(batch(n, c, h + i, w + j));
          for (Index i = 0; i < D; ++i)
            for (Index j = 0; j < D; ++j)
              covariance(i, j) +=
                  patch[static_cast<std::size_t>(i)] * patch[static_cast<std::size_t>(j)];
        }
  fovea::check(count > 0, "whitening: expected images of at least ", K, " x ", K, ", found none");
  for (double& x : covariance) x /= count;
  const auto [vectors, values] = eigen(covariance);
  Tensor<float, 4> filters(Shape{2 * D, C, K, K});
  for (Index k = 0; k < D; ++k)
    for (Index i = 0; i < D; ++i) {
      const double w = vectors(k, i) / std::sqrt(values[static_cast<std::size_t>(k)] + eps);
      filters[k].data()[i] = static_cast<float>(w);
      filters[D + k].data()[i] = static_cast<float>(-w);
    }
  return filters;
}

}  // namespace cifar
