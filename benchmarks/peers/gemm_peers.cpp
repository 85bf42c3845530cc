// SPDX-License-Identifier: MIT
//
// Matrix products of fovea, OpenBLAS and Eigen, in turn in one process.
//
//   gemm_peers THREADS ROUNDS SECONDS M,N,K...
//
// Prints one JSON array: for each product the median GFLOP/s of each library.
#include <cblas.h>

#include <Eigen/Dense>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "fovea/fovea.hpp"
#include "peers.hpp"

namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

RowMajor random_matrix(fovea::Index rows, fovea::Index cols, std::uint64_t seed) {
  fovea::Tensor<float, 2> values(fovea::Shape{rows, cols});
  fovea::Rng rng{seed};
  fovea::fill_uniform(values.flat(), 1.0, rng);
  return Eigen::Map<RowMajor>(values.data(), rows, cols);
}

void product(fovea::Index m, fovea::Index n, fovea::Index k, int threads, int rounds,
             double seconds) {
  const RowMajor a = random_matrix(m, k, 1), b = random_matrix(k, n, 2);
  RowMajor ours(m, n), blas(m, n), eigen(m, n);
  const auto M = static_cast<int>(m), N = static_cast<int>(n), K = static_cast<int>(k);
  const auto run_ours = [&] {
    fovea::kernels::gemm<float>({a.data(), m, k}, {b.data(), k, n}, {ours.data(), m, n}, false,
                                threads);
  };
  const auto run_blas = [&] {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, a.data(), K, b.data(), N, 0,
                blas.data(), N);
  };
  const auto run_eigen = [&] { eigen.noalias() = a * b; };
  run_ours(), run_blas(), run_eigen();
  const float far =
      std::max((ours - blas).cwiseAbs().maxCoeff(), (ours - eigen).cwiseAbs().maxCoeff());
  if (!(far < 1e-3f * std::sqrt(static_cast<float>(k))))
    throw std::runtime_error("products differ");

  std::vector<double> t_ours, t_blas, t_eigen;
  for (int round = 0; round < rounds; ++round) {
    t_ours.push_back(mean_time(run_ours, seconds));
    t_blas.push_back(mean_time(run_blas, seconds));
    t_eigen.push_back(mean_time(run_eigen, seconds));
  }
  const double gflop =
      2e-9 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  std::printf("{\"shape\": \"%d,%d,%d\", \"ours\": %g, \"openblas\": %g, \"eigen\": %g}", M, N, K,
              gflop / median(t_ours), gflop / median(t_blas), gflop / median(t_eigen));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const int threads = std::atoi(argv[1]), rounds = std::atoi(argv[2]);
  openblas_set_num_threads(threads);
  Eigen::setNbThreads(threads);
  std::printf("[");
  for (int i = 4; i < argc; ++i) {
    long m = 0, n = 0, k = 0;
    if (std::sscanf(argv[i], "%ld,%ld,%ld", &m, &n, &k) != 3) return 2;
    if (i > 4) std::puts(",");
    product(m, n, k, threads, rounds, std::atof(argv[3]));
  }
  std::puts("]");
}
