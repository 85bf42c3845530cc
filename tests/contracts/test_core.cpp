// SPDX-License-Identifier: MIT
#include <climits>

#include "contracts/contracts.hpp"

using namespace contracts;

TEST_CASE("contracts: shapes") {
  static_assert(!std::is_constructible_v<Shape<2>, double, int>);  // 2.5 rows
  run({
      {"product too large",
       [] {
         Shape{huge, 4}.size();
       },
       "(4611686018427387904, 4) does not fit"},
      {"product of 64 bits",
       [] {
         Shape{huge, huge, 16}.size();
       },
       "does not fit into 63 bits"},
      {"negative extents with a positive product",
       [] {
         Shape{-2, -3}.size();
       },
       "expected extents of 0 or more, got -2"},
      {"the smallest integer", [] { Shape{-largest - 1}.size(); }, "got -9223372036854775808"},
      {"negative beside zero",
       [] {
         Shape{0, -1}.size();
       },
       "got -1"},
      {"negative batch",
       [] {
         Shape{2, 3}.with_batch(-2).size();
       },
       "got -2"},
      {"a batch too large",
       [] {
         Shape{28, 28}.prepend(huge).size();
       },
       "does not fit into 63 bits"},
      {"the largest unsigned number", [] { Shape{SIZE_MAX}.size(); }, "got -1"},
      {"a zero makes it empty",
       [] {
         CHECK(Shape{huge, huge, 0}.size() == 0);
         CHECK(Shape{0, huge, huge}.size() == 0);
       },
       {}},
      {"just fits",
       [] {
         CHECK(Shape{largest, 1}.size() == largest);
       },
       {}},
  });
}

TEST_CASE("contracts: views") {
  static_assert(!std::is_invocable_v<View<float, 1>, double>);
  std::vector<float> memory(12);
  const View<float, 2> v(memory.data(), Shape{3, 4});
  run({
      {"negative extents over foreign memory",
       [&] {
         View<float, 2>(memory.data(), Shape{-3, -4});
       },
       "got -3"},
      {"too many elements",
       [&] {
         View<float, 2>(memory.data(), Shape{huge, 4});
       },
       "63 bits"},
      {"no memory",
       [] {
         View<float, 2>(nullptr, Shape{3, 4});
       },
       "got a null pointer"},
      {"no memory for nothing",
       [] {
         CHECK(View<float, 2>(nullptr, Shape{0, 4}).empty());
       },
       {}},
      {"sub: the sum overflows", [&] { v.sub(1, largest); },
       "[0, 3), got 9223372036854775807 from 1"},
      {"sub: first and count are the largest", [&] { v.sub(largest, largest); }, "[0, 3)"},
      {"sub: behind the end", [&] { v.sub(largest, 0); }, "[0, 3)"},
      {"sub: one too many", [&] { v.sub(2, 2); }, "[0, 3)"},
      {"sub: negative first", [&] { v.sub(-1, 1); }, "got 1 from -1"},
      {"sub: negative count", [&] { v.sub(1, -1); }, "got -1 from 1"},
      {"sub: the smallest integer", [&] { v.sub(-largest - 1, 1); }, "[0, 3)"},
      {"sub: nothing at the end", [&] { CHECK(v.sub(3, 0).empty()); }, {}},
      {"sub: of an empty view", [] { View<float, 2>{}.sub(0, 1); }, "[0, 0)"},
      {"sub: nothing of an empty view", [] { CHECK(View<float, 2>{}.sub(0, 0).empty()); }, {}},
      {"reshape: negative extents",
       [&] {
         v.reshape(Shape{-3, -4});
       },
       "got -3"},
      {"reshape: overflows to the right size",
       [&] {
         v.reshape(Shape{huge, 4, 12});
       },
       "63 bits"},
      {"reshape: another size", [&] { v.reshape(Shape{13}); }, "has 12 elements, (13) has 13"},
      {"reshape: nothing to nothing",
       [] {
         CHECK(View<float, 2>{}.reshape(Shape{0, huge, huge}).empty());
       },
       {}},
      {"at: negative", [&] { v.at(0, -1); }, "axis 1 expected an index in [0, 4), got -1"},
      {"at: the largest", [&] { v.at(largest, 0); }, "axis 0 expected an index in [0, 3)"},
      {"at: the largest unsigned", [&] { v.at(SIZE_MAX, 0); }, "got -1"},
      {"at: in an empty view", [] { View<float, 1>{}.at(0); }, "[0, 0), got 0"},
      {"a row of a view without elements",
       [&] {
         CHECK(View<float, 4>(memory.data(), Shape{2, huge, 4, 0})[1].empty());
       },
       {}},
      {"text of a view without elements",
       [&] {
         CHECK(to_string(View<float, 3>(memory.data(), Shape{2, 0, huge})) == "{{},\n {}}");
       },
       {}},
  });
}

TEST_CASE("contracts: parts of tensors without a name") {
  const auto made = [] { return Tensor<int, 2>{{1, 2}, {3, 4}}; };
  using Made = decltype(made());
  static_assert(std::is_same_v<decltype(made()[0]), Tensor<int, 1>>);
  static_assert(std::is_same_v<decltype(made()[0][1]), int>);
  static_assert(std::is_same_v<decltype(made().sub(0, 1)), Tensor<int, 2>>);
  static_assert(std::is_same_v<decltype(made().reshape(Shape{4})), Tensor<int, 1>>);
  const auto dangles = []<class X>(X*) {
    return requires(X x) { std::move(x).view()[0]; }
    || requires(X x) { std::move(x).flat()[0]; };
  };
  const auto batch_dangles = []<class X>(X*) {
    return requires(X x) { std::move(x)[0].images; }
    || requires(X x) { *std::move(x).begin(); };
  };
  CHECK(!dangles(static_cast<Made*>(nullptr)));
  CHECK(!batch_dangles(static_cast<Batches<float>*>(nullptr)));
  run({
      {"a row, a part, another shape live on",
       [=] {
         const auto row = made()[1];
         const auto part = made().sub(1, 1);
         const auto flat = made().reshape(Shape{4});
         CHECK(to_string(row) == "{3, 4}");
         CHECK(to_string(part) == "{{3, 4}}");
         CHECK(to_string(flat) == "{1, 2, 3, 4}");
         int sum = 0;
         for (const int x : made()[1]) sum += x;
         for (const int x : made()) sum += x;
         CHECK(sum == 17);
         CHECK(made()[1][0] == 3);
       },
       {}},
      {"a part of a tensor without a name that is not there", [=] { made().sub(1, 2); }, "[0, 2)"},
  });
}

TEST_CASE("contracts: tensors") {
  run({
      {"more bytes than 63 bits", [] { Tensor<double, 1>(Shape{Index{1} << 61}); },
       "does not fit into memory"},
      {"more memory than there is",
       [] {
         Tensor<float, 2>(Shape{Index{1} << 40, 64});
       },
       "tensor: (1099511627776, 64) with 4 bytes each does not fit into memory"},
      {"negative extents",
       [] {
         Tensor<float, 2>(Shape{-2, -2});
       },
       "got -2"},
      {"rows of unequal length",
       [] {
         Tensor<int, 2>{{1, 2}, {3}};
       },
       "expected rows of 2, got one of 1"},
      {"an empty row first",
       [] {
         Tensor<int, 2>{{}, {3}};
       },
       "expected rows of 0, got one of 1"},
      {"planes of unequal size",
       [] {
         Tensor<int, 3>{{{1}}, {{1}, {2}}};
       },
       "expected rows of 1, got one of 2"},
      {"assigned to itself",
       [] {
         Tensor<int, 1> a{1, 2, 3};
         auto& same = a;
         a = same;
         CHECK(to_string(a) == "{1, 2, 3}");
         a = std::move(same);
         CHECK(to_string(a) == "{1, 2, 3}");
       },
       {}},
      {"assigned a part of itself",
       [] {
         Tensor<int, 2> a{{1, 2}, {3, 4}};
         a = Tensor<int, 2>(a.sub(1, 1));
         CHECK(to_string(a) == "{{3, 4}}");
       },
       {}},
      {"moved from",
       [] {
         Tensor<int, 2> a{{1, 2}, {3, 4}};
         const Tensor<int, 2> b = std::move(a);
         CHECK(a.shape() == Shape{0, 0});
         CHECK(a.begin() == a.end());
         CHECK(a.sub(0, 0).empty());
         CHECK(a.reshape(Shape{0}).empty());
         CHECK(to_string(a) == "{}");
         CHECK(Tensor<int, 2>(a).empty());
         CHECK(sum(a) == 0);
         a.fill(1);
         a = b;
         CHECK(to_string(a) == to_string(b));
       },
       {}},
      {"moved from, an element",
       [] {
         Tensor<int, 1> a{1, 2};
         const Tensor<int, 1> b = std::move(a);
         a.at(0);
       },
       "expected an index in [0, 0), got 0"},
  });
}

TEST_CASE("contracts: arithmetic on tensors, random numbers, threads") {
  const Tensor<float, 2> a{{1, 2}, {3, 4}}, none(Shape{0, 2});
  const Tensor<float, 1> v{1, 2};
  Rng rng{1};
  run({
      {"unequal shapes", [&] { a + none; }, "expected equal shapes, got (2, 2) and (0, 2)"},
      {"the largest of nothing", [&] { max(none); }, "at least one element, got (0, 2)"},
      {"the mean of nothing", [&] { mean<0>(none); }, "at least one element"},
      {"the place of the largest of nothing", [&] { argmax(none); }, "at least one element"},
      {"matrices that do not fit", [&] { matmul(a, none); }, "(2, 2) x (0, 2)"},
      {"gemm: matrices that do not fit",
       [&] {
         Tensor<float, 2> c(Shape{2, 2});
         kernels::gemm<float>({a.data(), 2, 2}, {a.data(), 1, 2}, {c.data(), 2, 2}, false);
       },
       "gemm: expected matrices (m, k), (k, n) and (m, n) without gaps, got (2, 2), (1, 2) and (2, "
       "2)"},
      {"permute: nothing, with large extents",
       [] {
         const View<const float, 3> x(nullptr, Shape{0, huge, 4});
         CHECK(permute<2, 1, 0>(x).shape() == Shape{4, huge, 0});
       },
       {}},
      {"a sum over nothing, with large extents left",
       [] {
         sum<0>(View<const float, 3>(nullptr, Shape{0, huge, 4}));
       },
       "63 bits"},
      {"added to itself",
       [&] {
         auto b = a;
         b += b.view();
         CHECK(sum(b) == 20);
       },
       {}},
      {"a permutation of less than nothing", [] { permutation(-1, Rng{1}); }, "got -1"},
      {"below nothing", [&] { rng.below(0); }, "expected n > 0, got 0"},
      {"below a negative number", [&] { rng.below(-largest); }, "expected n > 0"},
      {"negative threads", [] { resolve_threads(-1); },
       "threads: expected 0 (all) or more, got -1"},
      {"more threads than work together",
       [] { CHECK(resolve_threads(INT_MAX) <= most_threads); },
       {}},
      {"an exception in one of several threads",
       [] { parallel_for(3, 10, [](Index i, int) { check(i != 7, "number ", i); }); }, "number 7"},
      {"work after an exception",
       [] {
         std::array<int, 10> seen{};
         parallel_for(3, 10, [&](Index i, int) { seen[static_cast<std::size_t>(i)] = 1; });
         CHECK(std::count(seen.begin(), seen.end(), 1) == 10);
       },
       {}},
  });
}

TEST_CASE("contracts: windows and receptive fields") {
  const auto output = [](Window w, Index H, Index W) { return w.output(H, W); };
  const Window plain{3, 1, 1, 1};
  run({
      {"no kernel",
       [=] {
         output({0, 1, 0, 1}, 8, 8);
       },
       "kernel: expected 1 or more, got 0"},
      {"no stride",
       [=] {
         output({3, {1, 0}, 0, 1}, 8, 8);
       },
       "stride: expected 1 or more, got 1x0"},
      {"negative padding",
       [=] {
         output({3, 1, -1, 1}, 8, 8);
       },
       "padding: expected 0 or more, got -1"},
      {"no dilation",
       [=] {
         output({3, 1, 0, 0}, 8, 8);
       },
       "dilation: expected 1 or more, got 0"},
      {"a kernel too large",
       [=] {
         output({huge, 1, 0, 1}, 8, 8);
       },
       "at most 2147483647, got 46116860"},
      {"a stride too large",
       [=] {
         output({3, largest, 0, 1}, 8, 8);
       },
       "at most 2147483647"},
      {"a padding too large",
       [=] {
         output({3, 1, largest, 1}, 8, 8);
       },
       "at most 2147483647"},
      {"a dilation too large",
       [=] {
         output({3, 1, 0, largest}, 8, 8);
       },
       "at most 2147483647"},
      {"an image too large", [=] { output(plain, largest, 8); }, "an image of at most 2147483647"},
      {"a negative image", [=] { output(plain, -5, 8); }, "got -5x8"},
      {"all as large as they may be",
       [=] {
         const Index most = largest_extent;
         CHECK(output({most, most, most, most}, most, 1) == Extent2{0});
         CHECK(output({1, 1, most, 1}, most, 1) == Extent2{3 * most, 2 * most + 1});
       },
       {}},
      {"a field that grows beyond 63 bits",
       [] {
         Field field;
         for (int i = 0; i < 8; ++i) field = field.after({3, 1 << 20, 0, 1});
       },
       "receptive field: expected smaller extents"},
      {"a field behind a window without stride",
       [] {
         Field{}.after({3, 0, 0, 1});
       },
       "stride: expected 1 or more"},
  });
}
