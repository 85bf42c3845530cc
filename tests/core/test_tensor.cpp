// SPDX-License-Identifier: MIT
#include "fovea/core/eigen.hpp"
#include "support.hpp"

using namespace test;

TEST_CASE("shape: extents, size, bindings, text") {
  const Shape s{2, 3, 4, 5};
  const auto [N, C, H, W] = s;
  CHECK(N == 2);
  CHECK(C == 3);
  CHECK(H == 4);
  CHECK(W == 5);
  CHECK(s.size() == 120);
  CHECK(s.with_batch(7) == Shape{7, 3, 4, 5});
  CHECK(Shape{3, 4}.prepend(2) == Shape{2, 3, 4});
  CHECK(to_string(s) == "(2, 3, 4, 5)");
  CHECK(Shape{0, 3}.size() == 0);
  static_assert(Shape{2, 3}.size() == 6);
}

TEST_CASE("texts of numbers are the same everywhere") {
  constexpr double NaN = std::numeric_limits<double>::quiet_NaN();
  CHECK(concat(0.1, " ", -1e30f, " ", NaN, " ", -NaN) == "0.1 -1e+30 nan nan");
  CHECK(concat(Index{-7}, " ", std::uint8_t{200}, " ", UINT64_MAX) ==
        "-7 200 18446744073709551615");
}

TEST_CASE("tensor: a value with its own aligned block") {
  Tensor<float, 2> a{{1, 2, 3}, {4, 5, 6}};
  CHECK(a.shape() == Shape{2, 3});
  CHECK(a(1, 2) == 6);
  CHECK(a(0, 1) == 2);
  CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 64 == 0);

  Tensor<float, 2> b = a;
  b(0, 0) = 9;
  CHECK(a(0, 0) == 1);
  a = b;
  CHECK(a(0, 0) == 9);
  const Tensor<float, 2> moved = std::move(b);
  CHECK(moved(0, 0) == 9);
  CHECK(b.empty());  // NOLINT: the moved-from state is defined

  CHECK(Tensor<double, 3>(Shape{2, 3, 4})(1, 2, 3) == 0);
  CHECK(Tensor<int, 1>(Shape{3}, 7)(2) == 7);
  CHECK(Tensor<int, 2>().empty());
  CHECK(contains(error_of([] {
                   Tensor<int, 2>{{1, 2}, {3}};
                 }),
                 "expected rows of 2, got one of 1"));
  // volatile, or g++ sees the size and warns that it is too large.
  static volatile Index far_too_many = std::numeric_limits<Index>::max() / 4;
  CHECK(contains(error_of([] { Tensor<double, 1>(Shape{Index{far_too_many}}); }), "memory"));
}

TEST_CASE("tensor: row-major, the last index runs fastest") {
  Tensor<int, 4> x(Shape{2, 3, 4, 5});
  for (Index i = 0; i < x.size(); ++i) x.flat()[static_cast<std::size_t>(i)] = static_cast<int>(i);
  for (Index n = 0; n < 2; ++n)
    for (Index c = 0; c < 3; ++c)
      for (Index h = 0; h < 4; ++h)
        for (Index w = 0; w < 5; ++w) CHECK(x(n, c, h, w) == ((n * 3 + c) * 4 + h) * 5 + w);
  CHECK(x[1][2](3, 4) == x(1, 2, 3, 4));
  CHECK(x.at(1, 2, 3, 4) == 119);
  CHECK(contains(error_of([&] { x.at(1, 3, 0, 0); }), "axis 1 expected an index in [0, 3), got 3"));
  CHECK(contains(error_of([&] { x.at(0, 0, -1, 0); }), "got -1"));
}

TEST_CASE("view: reshapes, sub-batches and foreign memory without a copy") {
  std::vector<float> memory{0, 1, 2, 3, 4, 5};
  const View<float, 2> v(memory.data() + 1, Shape{1, 4});  // not aligned
  v(0, 3) = 40;
  CHECK(memory[4] == 40);
  View<const float, 2> c = v;
  CHECK(c.data() == v.data());

  Tensor<float, 2> a{{1, 2}, {3, 4}, {5, 6}};
  CHECK(a.sub(1, 2)(1, 0) == 5);
  CHECK(a.sub(3, 0).empty());
  a.reshape(Shape{2, 3})(1, 0) = 44;
  CHECK(a(1, 1) == 44);
  CHECK(contains(error_of([&] { a.sub(2, 2); }), "expected a part of [0, 3)"));
  CHECK(contains(error_of([&] { a.reshape(Shape{4}); }), "reshape"));
}

TEST_CASE("ops: elementwise arithmetic and map") {
  const Tensor<float, 2> a{{1, 2}, {3, 4}}, b{{10, 20}, {30, 40}};
  CHECK(to_string(a + b) == "{{11, 22},\n {33, 44}}");
  CHECK(to_string(b - a) == "{{9, 18},\n {27, 36}}");
  CHECK(to_string(a * b) == "{{10, 40},\n {90, 160}}");
  CHECK(to_string(b / a) == "{{10, 10},\n {10, 10}}");
  CHECK(to_string(1 - a) == "{{0, -1},\n {-2, -3}}");
  CHECK(to_string(a / 2) == "{{0.5, 1},\n {1.5, 2}}");
  Tensor<float, 2> c = a;
  c += b;
  c *= 2;
  CHECK(c(1, 1) == 88);
  CHECK(sum(map(a, [](float x) { return x * x; })) == 30);
  CHECK(contains(error_of([&] { return a + Tensor<float, 2>(Shape{2, 3}); }), "(2, 2) and (2, 3)"));
}

TEST_CASE("ops: reductions over chosen axes") {
  const auto x = random_tensor<double>(Shape{3, 4, 5}, 1);
  double total = 0;
  for (const double value : x) total += value;
  CHECK(sum(x) == doctest::Approx(total));
  const auto middle = sum<1>(x);
  CHECK(middle.shape() == Shape{3, 5});
  const auto ends = mean<0, 2>(x);
  const auto top = max<2>(x);
  const auto where = argmax<2>(x);
  for (Index i = 0; i < 3; ++i)
    for (Index k = 0; k < 5; ++k) {
      double s = 0;
      for (Index j = 0; j < 4; ++j) s += x(i, j, k);
      CHECK(middle(i, k) == doctest::Approx(s));
    }
  for (Index j = 0; j < 4; ++j) {
    double s = 0;
    for (Index i = 0; i < 3; ++i) s += sum(x[i][j]);
    CHECK(ends(j) == doctest::Approx(s / 15));
  }
  for (Index i = 0; i < 3; ++i)
    for (Index j = 0; j < 4; ++j) CHECK(top(i, j) == x(i, j, where(i, j)));
  CHECK(argmax(Tensor<int, 1>{3, 7, 7, 1}) == 1);
  CHECK(argmax<1>(Tensor<int, 2>{{5, 5}, {1, 2}})(0) == 0);
  CHECK(max(Tensor<int, 1>{-3, -7}) == -3);
}

TEST_CASE("ops: transpose, permute, matmul, Eigen, text") {
  const Tensor<double, 2> a{{1, 2, 3}, {4, 5, 6}};
  CHECK(to_string(transpose(a)) == "{{1, 4},\n {2, 5},\n {3, 6}}");
  const auto x = random_tensor<float>(Shape{2, 3, 4, 5}, 1);
  const auto y = permute<0, 2, 3, 1>(x);
  CHECK(y.shape() == Shape{2, 4, 5, 3});
  for (Index n = 0; n < 2; ++n)
    for (Index c = 0; c < 3; ++c)
      for (Index h = 0; h < 4; ++h)
        for (Index w = 0; w < 5; ++w) CHECK(y(n, h, w, c) == x(n, c, h, w));
  CHECK(to_string(matmul(a, transpose(a))) == "{{14, 32},\n {32, 77}}");
  CHECK(contains(error_of([&] { matmul(a, a); }), "(2, 3) x (2, 3)"));
  CHECK(as_eigen(Tensor<double, 2>{{2, 1}, {1, 3}}).trace() == 5);
  CHECK(as_eigen(a)(1, 0) == 4);
  Tensor<double, 1> v{3, 4};
  as_eigen(v) *= 2;
  CHECK(v(1) == 8);
  CHECK(to_string(Tensor<int, 1>(Shape{100}, 1)) == "{1, 1, 1, 1, ..., 1, 1, 1, 1}");
  CHECK(to_string(Tensor<std::uint8_t, 1>{65}) == "{65}");
}
