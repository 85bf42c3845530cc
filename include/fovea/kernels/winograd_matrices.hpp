// SPDX-License-Identifier: MIT
//
// The matrices of Winograd's minimal filtering along one axis. In two dimensions they are applied
// to the columns and then to the rows of a tile.
//
//   F(m, 3)   m outputs of a filter of three   y  = A^T [(G g) * (B^T d)]    winograd.hpp
//   F(3, m)   three sums over m numbers dy     dw = A^T [(G dy) * (B^T d)]   winograd_gradient.hpp
//
// Both multiply two polynomials by their values at m + 1 points and at infinity, and share B^T d of
// m + 2 numbers d. The points are 0, 1, -1 for m = 2, so all factors are 1 and 1/2:
//
//         1  0 -1  0                 1    0    0
//   B^T = 0  1  1  0   F(2, 3):  G = 1/2  1/2  1/2    A^T = 1  1  1  0
//         0 -1  1  0                 1/2 -1/2  1/2          0  1 -1 -1
//         0  1  0 -1                 0    0    1
//
//                                    1    0
//                      F(3, 2):  G = 1/2  1/2               1  1  1  0
//                                    1/2 -1/2         A^T = 0  1 -1  0
//                                    0    1                 0  1  1 -1
//
// and 0, a, -a, b, -b for m = 4. With a = 5/8 and b = 3/2 they multiply by 0.1 to 3.4 where the
// textbook's 1 and 2 multiply by up to 8 and divide by 24: the error is a third of theirs
// (Barabasz, Anderson, Soodhalter and Gregg, Error analysis and improving the accuracy of Winograd
// convolution for deep neural networks, ACM TOMS 2020, about the choice of points):
//
//         ab2     0    -s     0  1  0          1/ab2   0     0
//         0   -a b^2  -b^2    a  1  0          1/p   a/p a^2/p          1   1   1    1    1   0
//   B^T = 0    a b^2  -b^2   -a  1  0      G = 1/p  -a/p a^2/p    A^T = 0   a  -a    b   -b   0
//         0   -b a^2  -a^2    b  1  0          1/q   b/q b^2/q          0 a^2 a^2  b^2  b^2   0
//         0    b a^2  -a^2   -b  1  0          1/q  -b/q b^2/q          0 a^3 -a^3 b^3 -b^3   1
//         0      ab2     0   -s  0  1          0       0     1
//
// with ab2 = a^2 b^2, s = a^2 + b^2, p = 2 a^2 (a^2 - b^2), q = 2 b^2 (b^2 - a^2). For F(3, 4), G
// has a fourth column a^3/p, -a^3/p, b^3/q, -b^3/q, and 1 in the last row alone, and A^T its first
// three rows with 1 at the end of the third.
#pragma once

#include "fovea/core/simd.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// The matrices for m; V is a vector of numbers. The k-th number read is k * from further on, the
/// k-th one written k * to.
template <int m>
struct WinogradMatrices;

/// Additions and halves: whole numbers stay exact.
template <>
struct WinogradMatrices<2> {
  /// B^T d
  template <class V>
  [[gnu::always_inline]] static void input(const V* d, int from, V* out, int to) {
    const V &d0 = d[0], &d1 = d[from], &d2 = d[2 * from], &d3 = d[3 * from];
    out[0] = d0 - d2;
    out[to] = d1 + d2;
    out[2 * to] = d2 - d1;
    out[3 * to] = d1 - d3;
  }
  /// G g
  template <class V>
  [[gnu::always_inline]] static void kernel(const V* g, int from, V* out, int to) {
    const V &g0 = g[0], &g1 = g[from], &g2 = g[2 * from];
    out[0] = g0;
    out[to] = (g0 + g1 + g2) / 2;
    out[2 * to] = (g0 - g1 + g2) / 2;
    out[3 * to] = g2;
  }
  /// A^T p
  template <class V>
  [[gnu::always_inline]] static void output(const V* p, int from, V* out, int to) {
    const V &p0 = p[0], &p1 = p[from], &p2 = p[2 * from], &p3 = p[3 * from];
    out[0] = p0 + p1 + p2;
    out[to] = p1 - p2 - p3;
  }
  /// G dy, for the gradient
  template <class V>
  [[gnu::always_inline]] static void gradient_kernel(const V* g, int from, V* out, int to) {
    const V &g0 = g[0], &g1 = g[from];
    out[0] = g0;
    out[to] = (g0 + g1) / 2;
    out[2 * to] = (g0 - g1) / 2;
    out[3 * to] = g1;
  }
  /// A^T p, for the gradient
  template <class V>
  [[gnu::always_inline]] static void gradient_output(const V* p, int from, V* out, int to) {
    const V &p0 = p[0], &p1 = p[from], &p2 = p[2 * from], &p3 = p[3 * from];
    out[0] = p0 + p1 + p2;
    out[to] = p1 - p2;
    out[2 * to] = p1 + p2 - p3;
  }
};

/// With the points 5/8 and 3/2.
template <>
struct WinogradMatrices<4> {
  /// The points and what follows from them; all are exact in float.
  template <class T>
  struct Numbers {
    T a = T{5} / 8, b = T{3} / 2, a2 = a * a, b2 = b * b;  ///< the points and their squares
    T ab2 = a2 * b2, s = a2 + b2;                          ///< in B^T
    T p = 2 * a2 * (a2 - b2), q = 2 * b2 * (b2 - a2);      ///< in G
  };

  /// B^T d
  template <class V>
  [[gnu::always_inline]] static void input(const V* d, int from, V* out, int to) {
    const V &d0 = d[0], &d1 = d[from], &d2 = d[2 * from], &d3 = d[3 * from], &d4 = d[4 * from],
            &d5 = d[5 * from];
    constexpr Numbers<Element<V>> k;
    const V even = d4 - d2 * k.b2, odd = (d3 - d1 * k.b2) * k.a;
    const V even2 = d4 - d2 * k.a2, odd2 = (d3 - d1 * k.a2) * k.b;
    out[0] = d0 * k.ab2 + (d4 - d2 * k.s);
    out[to] = even + odd;
    out[2 * to] = even - odd;
    out[3 * to] = even2 + odd2;
    out[4 * to] = even2 - odd2;
    out[5 * to] = d1 * k.ab2 + (d5 - d3 * k.s);
  }
  /// G g
  template <class V>
  [[gnu::always_inline]] static void kernel(const V* g, int from, V* out, int to) {
    const V &g0 = g[0], &g1 = g[from], &g2 = g[2 * from];
    constexpr Numbers<Element<V>> k;
    put(g0, g0 + g2 * k.a2, g1 * k.a, g0 + g2 * k.b2, g1 * k.b, g2, out, to);
  }
  /// A^T p
  template <class V>
  [[gnu::always_inline]] static void output(const V* x, int from, V* out, int to) {
    const Values<V> values(x, from);
    constexpr Numbers<Element<V>> k;
    out[0] = x[0] + values.even + values.even2;
    out[to] = values.odd * k.a + values.odd2 * k.b;
    out[2 * to] = values.even * k.a2 + values.even2 * k.b2;
    out[3 * to] = values.odd * (k.a2 * k.a) + values.odd2 * (k.b2 * k.b) + x[5 * from];
  }
  /// G dy, for the gradient
  template <class V>
  [[gnu::always_inline]] static void gradient_kernel(const V* g, int from, V* out, int to) {
    const V &g0 = g[0], &g1 = g[from], &g2 = g[2 * from], &g3 = g[3 * from];
    constexpr Numbers<Element<V>> k;
    put(g0, g0 + g2 * k.a2, (g1 + g3 * k.a2) * k.a, g0 + g2 * k.b2, (g1 + g3 * k.b2) * k.b, g3, out,
        to);
  }
  /// A^T p, for the gradient
  template <class V>
  [[gnu::always_inline]] static void gradient_output(const V* x, int from, V* out, int to) {
    const Values<V> values(x, from);
    constexpr Numbers<Element<V>> k;
    out[0] = x[0] + values.even + values.even2;
    out[to] = values.odd * k.a + values.odd2 * k.b;
    out[2 * to] = values.even * k.a2 + values.even2 * k.b2 + x[5 * from];
  }

 private:
  // Sums and differences of the values at a and -a, and at b and -b.
  template <class V>
  struct Values {
    V even, odd, even2, odd2;
    [[gnu::always_inline]] Values(const V* x, int from)
        : even(x[from] + x[2 * from]),
          odd(x[from] - x[2 * from]),
          even2(x[3 * from] + x[4 * from]),
          odd2(x[3 * from] - x[4 * from]) {}
  };
  // The rows of G, of the even and the odd part of a polynomial at a and at b.
  template <class V>
  [[gnu::always_inline]] static void put(const V& first, const V& even, const V& odd,
                                         const V& even2, const V& odd2, const V& last, V* out,
                                         int to) {
    using T = Element<V>;
    constexpr Numbers<T> k;
    constexpr T over_ab2 = T{1} / k.ab2, over_p = T{1} / k.p, over_q = T{1} / k.q;
    out[0] = first * over_ab2;
    out[to] = (even + odd) * over_p;
    out[2 * to] = (even - odd) * over_p;
    out[3 * to] = (even2 + odd2) * over_q;
    out[4 * to] = (even2 - odd2) * over_q;
    out[5 * to] = last;
  }
};

}  // namespace fovea::inline FOVEA_ABI::kernels
