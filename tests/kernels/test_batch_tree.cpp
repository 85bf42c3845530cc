// SPDX-License-Identifier: MIT
//
// Sums over a batch are one tree, whatever computes them. Numbers are powers of two of very different size, so that
// products are exact and every sum depends on its order.
#include "fovea/kernels/batch_gemm.hpp"
#include "networks.hpp"
#include "support.hpp"

using namespace test;

namespace batch_tree_tests {
namespace {

// The tree as its definition says: halves of a power of two of leaves, the left one first.
template <class T, class Leaf>
T tree_of(Index first, Index span, Index count, const Leaf& leaf) {
  if (span == 1) return leaf(first);
  const T left = tree_of<T>(first, span / 2, count, leaf);
  if (first + span / 2 >= count) return left;
  return left + tree_of<T>(first + span / 2, span / 2, count, leaf);
}

// The sum of term(n) over a batch of N: leaves example after example.
template <class T, class Term>
T batch_sum(Index N, const Term& term) {
  const Index count = std::min<Index>(N, 16);
  return tree_of<T>(0, 16, count, [&](Index chunk) {
    T sum{0};
    for (Index n = N * chunk / count; n < N * (chunk + 1) / count; ++n) sum += term(n);
    return sum;
  });
}

template <class T>
Tensor<T, 2> powers(Index rows, Index cols, std::uint64_t seed, double zeros = 0) {
  Tensor<T, 2> x(Shape{rows, cols});
  Rng rng{seed};
  for (T& v : x)
    v = rng.uniform() < zeros ? T{0}
                              : static_cast<T>((rng.below(2) ? 1.0 : -1.0) *
                                               std::exp2(static_cast<double>(rng.below(30)) - 15));
  return x;
}

const Index batch_sizes[] = {1,  2,  3,  5,  7,   8,   11,  15,   16,  17,
                             31, 33, 64, 65, 100, 255, 300, 1000, 1100};

TEST_CASE("batch tree: chunks are neighbours that cover the batch") {
  for (const Index N : batch_sizes) {
    const kernels::BatchChunks chunks(N);
    CHECK(chunks.count == std::min<Index>(N, 16));
    for (Index chunk = 0; chunk <= chunks.count; ++chunk)
      CHECK(chunks.begin(chunk) == N * chunk / chunks.count);
  }
  CHECK(kernels::BatchChunks(0).count == 1);
  CHECK(kernels::sum_of_examples(0, [](Index) { return 1.0; }) == 0.0);
}

TEST_CASE_TEMPLATE("batch tree: numbers, rows and chunks in memory", T, float, double) {
  for (const Index N : batch_sizes) {
    CAPTURE(N);
    const auto x = powers<T>(N, 70, 1);
    Tensor<T, 1> rows(Shape{70});
    kernels::sum_rows(x.data(), N, Index{70}, rows.data());
    for (Index j = 0; j < 70; ++j) {
      const auto term = [&](Index n) { return x(n, j); };
      const T expected = batch_sum<T>(N, term);
      CHECK(rows(j) == expected);
      CHECK(kernels::sum_of_examples(N, term) == expected);
    }
    // Chunks in memory, as many as there are.
    const Index count = std::min<Index>(N, 16), size = 3 * 8 * lanes<T> + 5;
    const auto leaves = powers<T>(count, size + 3, 2);
    Tensor<T, 1> sum(Shape{size});
    kernels::sum_chunks(3, leaves.data(), count, size + 3, sum.data(), size);
    for (Index i = 0; i < size; ++i)
      CHECK(sum(i) == tree_of<T>(0, 16, count, [&](Index chunk) { return leaves(chunk, i); }));
  }
}

TEST_CASE_TEMPLATE("batch tree: the product of two batches, dense and sparse", T, float, double) {
  for (const Index N : batch_sizes)
    for (const auto& extents : {std::pair<Index, Index>{1, 1}, {9, 50}, {67, 130}}) {
      const Index m = extents.first, n = extents.second;
      CAPTURE(N);
      CAPTURE(m);
      const auto a = powers<T>(N, m, 3, 0.6), b = powers<T>(N, n, 4);
      Tensor<T, 2> c(Shape{m, n}, T{7}), again(Shape{m, n}, T{7});
      kernels::batch_gemm<T>({a.data(), N, m}, {b.data(), N, n}, {c.data(), m, n}, N, 3);
      Tensor<T, 2> expected(Shape{m, n});
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < n; ++j)
          expected(i, j) = batch_sum<T>(N, [&](Index k) { return a(k, i) * b(k, j); });
      CHECK(std::equal(c.begin(), c.end(), expected.begin()));
      if (N > kernels::most_sparse_batch) continue;
      kernels::Nonzeros<T> lists(m, N, kernels::BatchChunks::most);
      const kernels::BatchChunks chunks(N);
      lists.list(kernels::Matrix<const T>(a.data(), N, m).transposed(), chunks.count,
                 [&](Index chunk) { return chunks.begin(chunk + 1); });
      kernels::batch_sparse_gemm<T>(lists, {b.data(), N, n}, {again.data(), m, n}, N, 3);
      CHECK(std::equal(again.begin(), again.end(), expected.begin()));
    }
}

// The gradient of a batch of 16 or fewer is the tree of the gradients of its examples, to the last bit.
template <class Net>
void check_gradients(Net& net, Index N, const WorkspaceOptions& options) {
  const auto one = net.output_shapes(1);
  const Index classes = std::get<Net::depth - 1>(one)[1];
  const auto x = random_tensor<float>(net.input_shape().prepend(N), 5);
  const auto dy = random_tensor<float>(Shape{N, classes}, 6);
  const auto gradients = [&](Index first, Index count) {
    auto w = net.workspace(N, options);
    net.forward(x.sub(first, count), w, Mode::eval);
    const auto part = as_const(dy).sub(first, count);
    std::copy(part.begin(), part.end(), w.output_gradient().begin());
    net.backward(w);
    std::vector<float> all;
    net.for_each_parameter(
        w, [&](auto, auto gradient) { all.insert(all.end(), gradient.begin(), gradient.end()); });
    return all;
  };
  std::vector<std::vector<float>> examples;
  for (Index n = 0; n < N; ++n) examples.push_back(gradients(n, 1));
  const auto batch = gradients(0, N);
  Index different = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const float expected =
        tree_of<float>(0, 16, N, [&](Index n) { return examples[static_cast<std::size_t>(n)][i]; });
    different += !exactly_equal(batch[i], expected);
  }
  CHECK(batch.size() > 100);
  CHECK(different == 0);
}

TEST_CASE("batch tree: the gradient of a batch is the tree of those of its examples") {
  Rng rng{7};
  auto lenet = networks::lenet5(rng);
  auto course = Sequential{Shape{1, 12, 12},
                           networks::conv(rng, 1, 8, 3),
                           Relu{},
                           MaxPool2d{},
                           networks::conv(rng, 8, 16, 3),
                           Relu{},
                           MaxPool2d{},
                           Flatten{},
                           Linear<float>{{.in = 144, .out = 40}, rng},
                           Relu{},
                           Linear<float>{{.in = 40, .out = 10}, rng}};
  auto plain = Sequential{Shape{3, 9, 8},
                          networks::conv(rng, 3, 8, 3),
                          Relu{},
                          networks::conv(rng, 8, 8, 3),
                          Relu{},
                          networks::conv(rng, 8, 6, 1, 2),
                          networks::conv(rng, 6, 6, 3, 1, 6),
                          networks::conv(rng, 6, 70, 5),
                          Flatten{},
                          Linear<float>{{.in = 1400, .out = 10}, rng}};
  for (const Index N : {2, 7, 13, 16})
    for (const bool fuse : {true, false})
      for (const int threads : {1, 3}) {
        CAPTURE(N);
        CAPTURE(fuse);
        const WorkspaceOptions options{.threads = threads, .fuse = fuse};
        check_gradients(lenet, N, options);
        check_gradients(course, N, options);
        check_gradients(plain, N, options);
      }
}

}  // namespace
}  // namespace batch_tree_tests
