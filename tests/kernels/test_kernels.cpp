// SPDX-License-Identifier: MIT
#include "fovea/nn/reference/conv2d.hpp"
#include "fovea/nn/reference/im2col.hpp"
#include "support.hpp"

using namespace test;
using kernels::Matrix;

namespace {

template <class T>
void check_gemm(Index m, Index n, Index k) {
  CAPTURE(m);
  CAPTURE(n);
  CAPTURE(k);
  const auto a = random_tensor<T>(Shape{m, k}, 1), b = random_tensor<T>(Shape{k, n}, 2);
  const auto start = random_tensor<T>(Shape{m, n}, 3);
  Tensor<double, 2> expected(Shape{m, n});  // reference implementation: three loops
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      for (Index p = 0; p < k; ++p)
        expected(i, j) += static_cast<double>(a(i, p)) * static_cast<double>(b(p, j));
  const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-13;

  // Plain, both operands transposed in memory, and the result stored by columns.
  Tensor<T, 2> c(Shape{m, n}, T{7});
  kernels::gemm<T>({a.data(), m, k}, {b.data(), k, n}, {c.data(), m, n}, false);
  CHECK(relative_error(c, expected) <= tolerance);

  const Tensor<T, 2> at = transpose(a), bt = transpose(b);
  Tensor<T, 2> d(Shape{m, n}, T{7});
  kernels::gemm<T>(Matrix<const T>(at.data(), k, m).transposed(),
                   Matrix<const T>(bt.data(), n, k).transposed(), {d.data(), m, n}, false);
  CHECK(to_string(c) == to_string(d));

  // b as every second row and every third column of something larger.
  Tensor<T, 2> sparse(Shape{2 * k, 3 * n}, T{9});
  for (Index p = 0; p < k; ++p)
    for (Index j = 0; j < n; ++j) sparse(2 * p, 3 * j) = b(p, j);
  Matrix<const T> strided(sparse.data(), k, n);
  strided.row_stride = 6 * n;
  strided.col_stride = 3;
  kernels::gemm<T>({a.data(), m, k}, strided, {d.data(), m, n}, false);
  CHECK(to_string(c) == to_string(d));

  Tensor<T, 2> e(Shape{n, m});
  kernels::gemm<T>({a.data(), m, k}, {b.data(), k, n}, Matrix<T>(e.data(), n, m).transposed(),
                   false);
  CHECK(relative_error(transpose(e), expected) <= tolerance);

  Tensor<T, 2> sum = start;
  kernels::gemm<T>({a.data(), m, k}, {b.data(), k, n}, {sum.data(), m, n}, true);
  CHECK(relative_error(map(sum, start, [](T x, T y) { return x - y; }), expected) <=
        100 * tolerance);
}

}  // namespace

TEST_CASE_TEMPLATE("gemm agrees with three loops on odd shapes", T, float, double) {
  for (const auto& [m, n, k] : std::vector<std::array<Index, 3>>{{1, 1, 1},
                                                                 {1, 17, 3},
                                                                 {17, 1, 5},
                                                                 {14, 32, 9},
                                                                 {15, 33, 257},
                                                                 {13, 31, 512},
                                                                 {64, 196, 288},
                                                                 {170, 37, 300},
                                                                 {5, 801, 20},
                                                                 {337, 65, 2}})
    check_gemm<T>(m, n, k);
}

TEST_CASE("gemm: an empty sum is zero, and cutting the result changes no bit") {
  Tensor<float, 2> c(Shape{3, 4}, 5.f);
  kernels::gemm<float>({nullptr, 3, 0}, {nullptr, 0, 4}, {c.data(), 3, 4}, false);
  for (const float value : c) CHECK(value == 0);

  const auto a = random_tensor<float>(Shape{80, 300}, 1),
             b = random_tensor<float>(Shape{300, 100}, 2);
  Tensor<float, 2> whole(Shape{80, 100}), parts(Shape{80, 100});
  const Matrix<const float> A(a.data(), 80, 300), B(b.data(), 300, 100);
  kernels::gemm<float>(A, B, {whole.data(), 80, 100}, false);
  const Matrix<float> P(parts.data(), 80, 100);
  for (Index i = 0; i < 80; i += 27)
    for (Index j = 0; j < 100; j += 19) {
      const Index r = std::min<Index>(27, 80 - i), s = std::min<Index>(19, 100 - j);
      kernels::gemm<float>(A.block(i, 0, r, 300), B.block(0, j, 300, s), P.block(i, j, r, s),
                           false);
    }
  CHECK(std::equal(whole.begin(), whole.end(), parts.begin()));
}

TEST_CASE_TEMPLATE("sparse_gemm has the bits of gemm, whatever is zero", T, float, double) {
  kernels::Nonzeros<T> nonzeros(90, 260);
  // Deep ones take several blocks of k, wide ones several panels; the last of each is not whole.
  for (const auto& [m, n, k] : std::vector<std::array<Index, 3>>{
           {1, 1, 1}, {3, 200, 5}, {64, 300, 128}, {90, 128, 129}, {17, 801, 260}, {4, 30, 90}})
    for (const Index of_seven : {0, 1, 4, 7}) {
      auto a = random_tensor<T>(Shape{m, k}, 1);
      for (Index i = 0; i < a.size(); ++i)
        if (i * i % 7 >= of_seven) a.data()[i] = T{0};
      for (Index p = 0; p < k; ++p) a(m / 2, p) = T{0};  // a row without numbers
      const auto b = random_tensor<T>(Shape{k, n}, 2);
      const Tensor<T, 2> transposed = transpose(a);
      Tensor<T, 2> expected(Shape{m, n});
      kernels::gemm<T>({a.data(), m, k}, {b.data(), k, n}, {expected.data(), m, n}, false);
      for (const int threads : {1, 3}) {
        Tensor<T, 2> c(Shape{m, n}, T{7});
        nonzeros.list(threads == 1 ? Matrix<const T>(a.data(), m, k)
                                   : Matrix<const T>(transposed.data(), k, m).transposed());
        CHECK(nonzeros.size() == std::count_if(a.begin(), a.end(), [](T v) { return v != T{0}; }));
        kernels::sparse_gemm<T>(nonzeros, {b.data(), k, n}, {c.data(), m, n}, threads);
        CHECK(std::equal(c.begin(), c.end(), expected.begin()));
      }
    }
}

TEST_CASE("output_extent and outputs_inside, by counting") {
  for (Index in = 1; in < 9; ++in)
    for (Index K = 1; K < 5; ++K)
      for (Index s = 1; s < 4; ++s)
        for (Index p = 0; p < 4; ++p)
          for (Index d = 1; d < 3; ++d) {
            Index count = 0;
            for (Index o = 0; o * s - p + (K - 1) * d <= in - 1 + p; ++o) ++count;
            CHECK(output_extent(in, K, s, p, d) == count);
            for (Index k = 0; k < K; ++k) {
              const auto [first, last] = outputs_inside(in, count, s, p, k * d);
              for (Index o = 0; o < count; ++o) {
                const Index i = o * s - p + k * d;
                CHECK((first <= o && o < last) == (0 <= i && i < in));
              }
            }
          }
}

TEST_CASE("im2col and col2im are adjoint: <im2col x, c> = <x, col2im c>") {
  for (const auto& [o, shape] : conv_cases()) {
    const auto [N, C, H, W] = shape;
    const Window window{o.kernel, o.stride, o.padding, o.dilation};
    const auto [OH, OW] = window.output(H, W);
    const Shape matrix{C * o.kernel.h * o.kernel.w, OH * OW};
    const auto x = random_tensor<double>(Shape{C, H, W}, 1);
    const auto c = random_tensor<double>(matrix, 2);
    Tensor<double, 2> columns(matrix, std::numeric_limits<double>::quiet_NaN());
    reference::im2col(x.data(), C, H, W, window, columns.data());
    Tensor<double, 3> back(Shape{C, H, W});
    reference::col2im(c.data(), C, H, W, window, back.data());
    const double left = sum(columns * c), right = sum(x * back);
    CHECK(std::abs(left - right) <= 1e-12 * std::max(1.0, std::abs(left)));
    CHECK(left != 0);
  }
}

TEST_CASE("im2col: with the weights as a matrix, the product is the convolution of the formula") {
  for (const auto& [o, shape] : conv_cases()) {
    if (o.groups > 1) continue;
    const Shape<4> image{1, shape[1], shape[2], shape[3]};
    const Window window{o.kernel, o.stride, o.padding, o.dilation};
    const auto [OH, OW] = window.output(image[2], image[3]);
    const auto x = random_tensor<double>(image, 1);
    const auto w = random_tensor<double>(Shape{o.out, o.in, o.kernel.h, o.kernel.w}, 2);
    const Index K = o.in * o.kernel.h * o.kernel.w;
    Tensor<double, 2> columns(Shape{K, OH * OW});
    reference::im2col(x.data(), image[1], image[2], image[3], window, columns.data());
    Tensor<double, 4> y(Shape{Index{1}, o.out, OH, OW});
    reference::conv2d<double>(x, w, {}, window, 1, y);
    const Tensor<double, 2> product = matmul(w.reshape(Shape{o.out, K}), columns);
    CHECK(relative_error(product, y.reshape(product.shape())) <= 1e-14);
  }
}
