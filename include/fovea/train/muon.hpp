// SPDX-License-Identifier: MIT
//
// Muon: the filters of a convolution move by an orthogonal matrix, so that no direction is learned
// faster than another (Jordan et al., Muon: an optimizer for hidden layers in neural networks,
// 2024).
//
//   v  = mu v + g
//   u  = g + mu v                               Nesterov's momentum
//   X  = u as a matrix (O, C KH KW), over its norm
//   X  = a X + (b A + c A A) X,   A = X X^T     n times; (a, b, c) = (3.4445, -4.7750, 2.0315)
//   w  = sqrt(O) w / |w|                        with `.normalise`: the filters keep their size
//   w -= lr X
//
// Why it works: with X = P S Q^T, the singular value decomposition, one such step (Newton and
// Schulz) leaves P and Q and takes every singular value s to a s + b s^3 + c s^5, which leads from
// anywhere in (0, 1] to about 1. The update is near P Q^T, the nearest orthogonal matrix, and no
// decomposition was computed.
//
// All parameters that are not filters of a convolution are trained as Sgd trains them, with the
// options in `rest`.
#pragma once

#include <algorithm>
#include <cmath>

#include "fovea/kernels/channel_sums.hpp"
#include "fovea/kernels/gemm.hpp"
#include "fovea/train/sgd.hpp"

namespace fovea::inline FOVEA_ABI {

/// The numbers of Muon.
struct MuonOptions {
  double learning_rate = 0.02;  ///< of filters
  double momentum = 0.95;       ///< mu, in [0, 1)
  int iterations = 5;           ///< n, of Newton and Schulz
  double weight_decay = 0;      ///< the share of a filter that a step of size 1 takes away
  bool normalise = false;       ///< filters have the norm sqrt(O) before each step
  SgdOptions rest{.learning_rate = 0.05, .momentum = 0.85, .nesterov = true};  ///< of the others
};

/// Muon for the filters of convolutions, Sgd for the rest, for all parameters of one network.
template <class T>
class Muon : public Optimizer<T> {
 public:
  MuonOptions options;  ///< may change between steps

  /// v at zero. Throws on options outside their range.
  template <class Net, class Groups = OneGroup>
  explicit Muon(const Net& net, MuonOptions o = {}, const Groups& groups = {})
      : Optimizer<T>("Muon", net, groups), options(o), velocity_(this->zeros()) {
    check_options();
  }

  /// What a checkpoint keeps besides steps(): name and member.
  static constexpr auto state() { return std::make_tuple(std::pair{"velocity", &Muon::velocity_}); }

  /// One step, with the checks of Sgd::step.
  template <class Net>
  void step(Net& net, Workspace<Net>& workspace) {
    check_options();
    this->each(net, workspace, [&](const auto& p) {
      T* const v = velocity_.data() + p.offset;
      if (p.rank == 4)
        step_of_filters(p, v, workspace.threads());
      else
        Sgd<T>::update(p, v, options.rest, workspace.threads());
    });
  }

 private:
  void check_options() const {
    this->check_number(options.learning_rate, "learning rate");
    this->check_share(options.momentum, "momentum");
    check(0 <= options.iterations && options.iterations <= 100,
          "Muon: expected 0 to 100 iterations, got ", options.iterations);
    this->check_number(options.weight_decay, "weight decay");
    Sgd<T>::check_options(*this, options.rest);
  }

  void step_of_filters(const auto& p, T* v, int threads) {
    const Index rows = p.rows, columns = p.size / p.rows;
    const T mu = static_cast<T>(options.momentum);
    reserve(p.size, std::min(rows, columns));
    for (Index i = 0; i < p.size; ++i) {
      v[i] = flush_denormal(mu * v[i] + p.g[i]);
      x_.data()[i] = p.g[i] + mu * v[i];
    }
    orthogonalise(rows, columns, threads);
    const double rate = options.learning_rate * p.group.rate;
    const auto keep = static_cast<T>(
        (1 - rate * options.weight_decay * p.group.decay) *
        (options.normalise ? std::sqrt(static_cast<double>(rows)) / norm(p.w, p.size) : 1.0));
    for (Index i = 0; i < p.size; ++i) p.w[i] = keep * p.w[i] - static_cast<T>(rate) * x_.data()[i];
  }

  // X = a X + (b A + c A A) X, n times. Of a tall X the transpose is taken: A is the smaller.
  void orthogonalise(Index rows, Index columns, int threads) {
    using Matrix = kernels::Matrix<T>;
    const bool tall = rows > columns;
    const Index m = std::min(rows, columns);
    const auto scale = static_cast<T>(1 / norm(x_.data(), rows * columns));
    for (T& x : View<T, 1>(x_.data(), Shape{rows * columns})) x *= scale;
    for (int step = 0; step < options.iterations; ++step) {
      const Matrix stored{x_.data(), rows, columns}, result{y_.data(), rows, columns};
      const Matrix X = tall ? stored.transposed() : stored, Y = tall ? result.transposed() : result;
      const Matrix A{a_.data(), m, m}, B{b_.data(), m, m};
      kernels::gemm<T>(X, X.transposed(), A, false, threads);
      kernels::gemm<T>(A, A, B, false, threads);
      for (Index i = 0; i < m * m; ++i) b_.data()[i] = b * a_.data()[i] + c * b_.data()[i];
      kernels::gemm<T>(B, X, Y, false, threads);
      for (Index i = 0; i < rows * columns; ++i) x_.data()[i] = a * x_.data()[i] + y_.data()[i];
    }
  }

  // |x|, and a little more: of zeros too something can be divided by it.
  static double norm(const T* x, Index size) {
    return std::sqrt(kernels::lane_sum<T>(size, [&](Index i) { return x[i] * x[i]; })) + 1e-7;
  }

  void reserve(Index size, Index m) {
    if (x_.size() < size) x_ = y_ = Tensor<T, 1>(Shape{size});
    if (a_.size() < m * m) a_ = b_ = Tensor<T, 1>(Shape{m * m});
  }

  static constexpr auto a = static_cast<T>(3.4445), b = static_cast<T>(-4.7750),
                        c = static_cast<T>(2.0315);
  Tensor<T, 1> velocity_;               // v of all parameters, one after the other
  Tensor<T, 1> x_{}, y_{}, a_{}, b_{};  // scratch for the largest filters
};

template <class Net>
Muon(const Net&, MuonOptions = {}) -> Muon<typename Net::value_type>;
template <class Net, class Groups>
Muon(const Net&, MuonOptions, const Groups&) -> Muon<typename Net::value_type>;

}  // namespace fovea::inline FOVEA_ABI
