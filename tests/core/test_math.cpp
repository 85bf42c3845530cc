// SPDX-License-Identifier: MIT
//
// core/math.hpp against the long double functions of libm, and its bits against those of other builds.
#include <cfloat>

#include "support.hpp"

using namespace test;

namespace {

constexpr double infinite = INFINITY, not_a_number = NAN;
constexpr double least = std::numeric_limits<double>::denorm_min();
constexpr int points = 300000;  // of each range

using Double = double (*)(double);
using Long = long double (*)(long double);
using Draw = double (*)(Rng&);

double any_sign(Rng& rng, double x) { return rng.bits() % 2 == 0 ? x : -x; }

// 2^low up to 2^high, each power of two equally likely.
double spread(Rng& rng, int low, int high) {
  return std::ldexp(rng.uniform(1, 2), low + static_cast<int>(rng.below(high - low)));
}

// |got - expected| in units of the last place that a double near `expected` has.
double ulps(double got, long double expected) {
  const auto nearest = static_cast<double>(expected);
  if (std::isnan(expected) || std::isnan(got))
    return std::isnan(expected) && std::isnan(got) ? 0 : infinite;
  if (std::isinf(nearest) || std::isinf(got)) return got == nearest ? 0 : infinite;
  const int exponent = std::abs(nearest) < DBL_MIN ? -1022 : std::ilogb(nearest);
  return static_cast<double>(
      std::abs(std::ldexp(static_cast<long double>(got) - expected, 52 - exponent)));
}

struct Range {
  const char* name;
  Draw draw;
};

void check_error(Double ours, Long exact, double limit, std::initializer_list<Range> ranges) {
  // Where long double is no longer than double its own errors count too.
  if (LDBL_MANT_DIG < 64) limit += 1.5;
  for (const Range& range : ranges) {
    const char* const name = range.name;
    CAPTURE(name);
    Rng rng{1};
    double worst = 0, at = 0;
    for (int i = 0; i < points; ++i) {
      const double x = range.draw(rng), error = ulps(ours(x), exact(static_cast<long double>(x)));
      if (error > worst) worst = error, at = x;
    }
    CAPTURE(at);
    CHECK(worst <= limit);
    CHECK(worst > 0.4);  // the points are worth something
  }
}

bool same_value(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

// Pairs {x, f(x)}, equal to the sign of zero.
void check_values(Double f, std::initializer_list<std::array<double, 2>> pairs) {
  for (const auto& [x, y] : pairs) {
    const double at = x, expected = y, got = f(x);
    CAPTURE(at);
    CAPTURE(expected);
    CAPTURE(got);
    CHECK(same_value(got, expected));
  }
}

// Whether the compiler makes one rounding of the two in a * b - c.
bool build_contracts() {
  volatile double a = 1 + 0x1p-27, c = 1 + 0x1p-26;
  const double x = a, y = c;
  return x * x - y != 0;
}

}  // namespace

TEST_CASE("math: exp and expm1") {
  const Range near_zero{"near zero", [](Rng&r) { return any_sign(r, spread(r, -60, 0)); }},
      middle{"middle", [](Rng&r) { return r.uniform(-20, 20); }},
      all{"all", [](Rng&r) { return r.uniform(-745.2, 709.8); }},
      one{"[-1, 1)", [](Rng&r) { return r.uniform(-1, 1); }};
  check_error(math::exp, std::exp, 0.8, {near_zero, middle, all, one});
  check_error(math::expm1, std::expm1, 1.4, {near_zero, middle, all, one});
  check_values(math::exp, {{0, 1},
                           {-0.0, 1},
                           {infinite, infinite},
                           {-infinite, 0},
                           {not_a_number, not_a_number},
                           {710, infinite},
                           {-745.2, 0},
                           {-1e308, 0},
                           {1e308, infinite},
                           {least, 1},
                           {-745, least},
                           {-36.9, std::exp(-36.9)},
                           {1, std::numbers::e}});
  check_values(math::expm1, {{0, 0},
                             {-0.0, -0.0},
                             {infinite, infinite},
                             {-infinite, -1},
                             {not_a_number, not_a_number},
                             {1e3, infinite},
                             {-1e3, -1},
                             {least, least},
                             {-least, -least},
                             {-40, -1}});
  CHECK(math::exp(709.78) == doctest::Approx(1.7928e308).epsilon(1e-3));
}

TEST_CASE("math: log and log1p") {
  check_error(math::log, std::log, 0.9,
              {{"all", [](Rng& r) { return spread(r, -1074, 1024); }},
               {"around 1", [](Rng& r) { return r.uniform(0.5, 2); }},
               {"near 1", [](Rng& r) { return 1 + any_sign(r, spread(r, -50, -1)); }},
               {"decimal", [](Rng& r) { return r.uniform(0, 1000); }}});
  check_error(math::log1p, std::log1p, 0.9,
              {{"near zero", [](Rng& r) { return any_sign(r, spread(r, -60, 0)); }},
               {"minus uniform", [](Rng& r) { return -r.uniform(); }},
               {"near -1", [](Rng& r) { return -1 + spread(r, -52, 0); }},
               {"large", [](Rng& r) { return spread(r, -3, 1024); }}});
  check_values(math::log, {{0, -infinite},
                           {-0.0, -infinite},
                           {1, 0},
                           {infinite, infinite},
                           {-1, not_a_number},
                           {-infinite, not_a_number},
                           {not_a_number, not_a_number},
                           {2, std::numbers::ln2},
                           {10, std::numbers::ln10},
                           {least, std::log(least)},
                           {DBL_MAX, std::log(DBL_MAX)}});
  check_values(math::log1p, {{0, 0},
                             {-0.0, -0.0},
                             {-1, -infinite},
                             {-1.5, not_a_number},
                             {-infinite, not_a_number},
                             {infinite, infinite},
                             {not_a_number, not_a_number},
                             {least, least},
                             {1, std::numbers::ln2}});
}

TEST_CASE("math: sin and cos") {
  const std::initializer_list<Range> ranges{
      {"few turns", [](Rng& r) { return r.uniform(-8, 8); }},
      {"many turns", [](Rng& r) { return r.uniform(-1e9, 1e9); }},
      {"every power of two", [](Rng& r) { return any_sign(r, spread(r, -30, 29)); }},
      {"nearest to multiples of pi/2",
       [](Rng& r) { return any_sign(r, std::floor(spread(r, 0, 29)) * std::numbers::pi / 2); }}};
  check_error(math::sin, std::sin, 0.8, ranges);
  check_error(math::cos, std::cos, 0.8, ranges);
  check_values(math::sin, {{0, 0},
                           {-0.0, -0.0},
                           {infinite, not_a_number},
                           {-infinite, not_a_number},
                           {not_a_number, not_a_number},
                           {least, least},
                           {1.0000001e9, not_a_number},
                           {-1e300, not_a_number}});
  check_values(math::cos, {{0, 1},
                           {-0.0, 1},
                           {infinite, not_a_number},
                           {-infinite, not_a_number},
                           {not_a_number, not_a_number},
                           {least, 1},
                           {1.0000001e9, not_a_number},
                           {-1e300, not_a_number}});
  for (const double x : {1e9, -1e9}) {  // the ends belong to it
    CHECK(ulps(math::sin(x), std::sin(static_cast<long double>(x))) <= 0.8);
    CHECK(ulps(math::cos(x), std::cos(static_cast<long double>(x))) <= 0.8);
  }
}

TEST_CASE("math: tanh and erf") {
  const std::initializer_list<Range> ranges{
      {"[-1, 1)", [](Rng& r) { return r.uniform(-1, 1); }},
      {"middle", [](Rng& r) { return r.uniform(-3, 3); }},
      {"until it is 1", [](Rng& r) { return r.uniform(-20, 20); }},
      {"near zero", [](Rng& r) { return any_sign(r, spread(r, -30, 0)); }}};
  check_error(math::tanh, std::tanh, 2.0, ranges);
  check_error(math::erf, std::erf, 1.7, ranges);
  for (const Double f : {Double{math::tanh}, Double{math::erf}})
    check_values(f, {{0, 0},
                     {-0.0, -0.0},
                     {infinite, 1},
                     {-infinite, -1},
                     {not_a_number, not_a_number},
                     {1e300, 1},
                     {-40, -1}});
  check_values(math::tanh, {{least, least}, {-1e-300, -1e-300}});
}

TEST_CASE("math: pow") {
  const auto worst = [](auto draw) {
    Rng rng{1};
    double most = 0;
    for (int i = 0; i < points; ++i) {
      const auto [x, y] = draw(rng);
      most = std::max(most, ulps(math::pow(x, y), std::pow(static_cast<long double>(x), y)));
    }
    return most;
  };
  const double limit = LDBL_MANT_DIG < 64 ? 2.3 : 0.8;
  // Every x, and y such that x^y neither overflows nor underflows; bases near 1; small whole numbers.
  CHECK(worst([](Rng& r) {
          const double x = spread(r, -1000, 1000);
          return std::array{x, r.uniform(-744, 709.7) / std::log(x)};
        }) <= limit);
  CHECK(worst([](Rng& r) {
          const double x = 1 + any_sign(r, spread(r, -52, -2));
          return std::array{x, std::round(r.uniform(-700, 700) / std::log(x))};
        }) <= limit);
  CHECK(worst([](Rng& r) {
          return std::array{r.uniform(-20, 20), static_cast<double>(r.below(41) - 20)};
        }) <= limit);
  // beta^t, as Adam needs it, with t up to 1e9.
  CHECK(worst([](Rng& r) {
          const double beta = 1 - spread(r, -30, -1);
          return std::array{beta, std::floor(std::min(1e9, spread(r, 0, 10) / -std::log(beta)))};
        }) <= limit);
  for (const double beta : {0.9, 0.95, 0.98, 0.999, 0.9999})
    for (double t = 1; t <= 1e9; t = std::floor(t * 1.9) + 1) {
      const long double exact =
          std::pow(static_cast<long double>(beta), static_cast<long double>(t));
      CHECK(ulps(math::pow(beta, t), exact) <= limit);
    }
  // What a double can hold is exact.
  double ten = 1;
  for (int k = 0; k <= 22; ++k, ten *= 10) CHECK(math::pow(10, k) == ten);
  for (int k = -1074; k < 1024; ++k) CHECK(math::pow(2, k) == std::ldexp(1.0, k));
  for (const double y :
       {0.0, -0.0, 1.0, -1.0, 2.0, 3.0, -2.0, -3.0, 0.5, -0.5, 2.5, 1e308, -1e308,
        9007199254740993.0, 4503599627370497.0, least, infinite, -infinite, not_a_number})
    for (const double x :
         {0.0, -0.0, 1.0, -1.0, 4.0, -4.0, 0.25, -0.25, infinite, -infinite, not_a_number, least}) {
      if (ulps(math::pow(x, y), std::pow(static_cast<long double>(x), y)) <= limit &&
          std::signbit(math::pow(x, y)) == std::signbit(std::pow(x, y)))
        continue;
      CAPTURE(x);
      CAPTURE(y);
      CHECK(same_value(math::pow(x, y), std::pow(x, y)));
    }
}

TEST_CASE("math: ceil, round, copysign, the next number, powers of two") {
  Rng rng{2};
  for (int i = 0; i < 100000; ++i) {
    const double x = any_sign(rng, spread(rng, -3, 55)), half = std::floor(x) + 0.5;
    for (const double v : {x, half, std::floor(x), std::nextafter(half, 0.0)}) {
      CHECK_UNARY(same_value(math::ceil(v), std::ceil(v)));
      CHECK_UNARY(same_value(math::round(v), std::round(v)));
    }
    const double y = any_sign(rng, spread(rng, -1074, 1024));
    CHECK_UNARY(detail::next_above(y) == std::nextafter(y, infinite));
    const auto f = static_cast<float>(x);
    CHECK_UNARY(detail::next_above(f) == std::nextafter(f, std::numeric_limits<float>::infinity()));
    const auto [m, k] = detail::split(std::abs(y));
    CHECK_UNARY(std::ldexp(m, k) == std::abs(y));
    CHECK_UNARY((m >= std::sqrt(0.5) && m < std::sqrt(2.0)));
  }
  for (const double v :
       {0.0, -0.0, 0.49999999999999994, -0.3, -0.5, 1e300, -infinite, infinite, not_a_number}) {
    CHECK(same_value(math::ceil(v), std::ceil(v)));
    CHECK(same_value(math::round(v), std::round(v)));
    CHECK(same_value(math::copysign(2, v), std::copysign(2, v)));
  }
  CHECK(detail::next_above(0.0) == least);
  CHECK(detail::next_above(-least) == 0);
  for (int k = -1074; k < 1024; ++k) CHECK(detail::scaled(1.25, k) == std::ldexp(1.25, k));
}

TEST_CASE("math: the same bits in every build without contraction") {
  if (build_contracts()) {
    MESSAGE("left out: this build contracts a * b + c to one operation");
    return;
  }
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  const auto add = [&hash](double x) {
    for (int byte = 0; byte < 64; byte += 8)
      hash = (hash ^ (detail::bit_cast<std::uint64_t>(x) >> byte & 255)) * 1099511628211u;
  };
  Rng rng{3};
  for (int i = 0; i < 20000; ++i) {
    const double u = rng.uniform(-1, 1);
    for (const Double f :
         {Double{math::exp}, Double{math::expm1}, Double{math::tanh}, Double{math::erf}})
      add(f(u)), add(f(10 * u));
    for (const Double f : {Double{math::sin}, Double{math::cos}}) add(f(10 * u)), add(f(1e9 * u));
    add(math::exp(700 * u));
    add(math::log(1 + u)), add(math::log1p(u)), add(math::pow(1 + u, 300 * u));
    add(rng.normal());
  }
  CHECK(hash == 6935996622057796934u);
}
