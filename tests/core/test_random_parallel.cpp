// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <map>
#include <set>

#include "support.hpp"

using namespace test;

TEST_CASE("random: the same bits everywhere") {
  // SplitMix64 by its definition, written out once more.
  const auto mix = [](std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  };
  Rng rng{42};
  std::uint64_t state = mix(42 + 0x9E3779B97F4A7C15u);
  for (int i = 0; i < 5; ++i) CHECK(rng.bits() == mix(state += 0x9E3779B97F4A7C15u));
}

TEST_CASE("random: uniform, normal and integers have their moments") {
  Rng rng{1};
  double mean = 0, square = 0, normal_mean = 0, normal_square = 0;
  constexpr int n = 100000;
  std::array<int, 7> counts{};
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform(), g = rng.normal();
    CHECK_UNARY(0 <= u && u < 1);
    mean += u / n;
    square += u * u / n;
    normal_mean += g / n;
    normal_square += g * g / n;
    ++counts[static_cast<std::size_t>(rng.below(7))];
  }
  CHECK(std::abs(mean - 0.5) < 0.005);
  CHECK(std::abs(square - 1.0 / 3) < 0.005);
  CHECK(std::abs(normal_mean) < 0.015);
  CHECK(std::abs(normal_square - 1) < 0.025);
  for (const int count : counts) CHECK(std::abs(count - n / 7) < 600);
  CHECK(contains(error_of([&] { rng.below(0); }), "n > 0"));
}

TEST_CASE("add_normal: moments and tails of N(0, 1), and each number at its offset") {
  constexpr std::size_t n = 1 << 20;
  std::vector<float> z(n);
  add_normal(std::span(z), 1, Rng{5});
  double moments[5] = {}, neighbours = 0, beyond[4] = {};
  for (std::size_t i = 0; i < n; ++i) {
    double power = 1;
    for (double& moment : moments) {
      moment += power / n;
      power *= static_cast<double>(z[i]);
    }
    for (int k = 1; k < 4; ++k) beyond[k] += std::abs(z[i]) > static_cast<float>(k) ? 1.0 / n : 0;
    // The two numbers of a pair are 64 apart.
    if (i >= 64) neighbours += static_cast<double>(z[i]) * static_cast<double>(z[i - 64]) / n;
  }
  CHECK(std::abs(moments[1]) < 0.004);
  CHECK(std::abs(moments[2] - 1) < 0.006);
  CHECK(std::abs(moments[3]) < 0.02);
  CHECK(std::abs(moments[4] - 3) < 0.05);
  CHECK(std::abs(neighbours) < 0.004);
  CHECK(std::abs(beyond[1] - 0.317311) < 0.002);
  CHECK(std::abs(beyond[2] - 0.045500) < 0.001);
  CHECK(std::abs(beyond[3] - 0.002700) < 0.0003);

  std::vector<float> few(100, 2);
  add_normal(std::span(few), 0.5, Rng{5});
  for (std::size_t i = 0; i < few.size(); ++i) CHECK(std::abs(few[i] - (2 + 0.5f * z[i])) < 1e-6f);
  std::vector<double> wide(200);
  add_normal(std::span(wide), 1, Rng{5});
  CHECK(wide[150] == static_cast<double>(z[150]));
  std::vector<float> other(1);
  add_normal(std::span(other), 1, Rng{6});
  CHECK(other[0] != z[0]);
  // The short functions that it uses, against libm.
  for (float x = 0x1p-25f; x < 1; x *= 1.37f)
    CHECK(std::abs(detail::short_log(x) - std::log(x)) < 3e-7f * std::max(1.0f, -std::log(x)));
  for (std::uint64_t turn = 0; turn < (1ull << 32); turn += 12345679) {
    const double angle = static_cast<double>(turn) * 0x1p-31 * std::numbers::pi;
    const double cosine = static_cast<double>(detail::short_cos(static_cast<std::uint32_t>(turn)));
    CHECK(std::abs(cosine - std::cos(angle)) < 4e-7);
  }
}

TEST_CASE("random: streams differ, permutations are permutations") {
  CHECK(Rng{1, 2}.bits() != Rng{1, 3}.bits());
  CHECK(Rng{1, 2}.bits() != Rng{2, 1}.bits());
  CHECK(Rng{1, 2}.bits() == Rng{1, 2}.bits());
  const auto a = permutation(1000, Rng{1, 0}), b = permutation(1000, Rng{1, 1});
  CHECK(a != b);
  CHECK(a == permutation(1000, Rng{1, 0}));
  CHECK(std::set<Index>(a.begin(), a.end()).size() == 1000);
}

TEST_CASE("random: each of the six orders of three numbers comes as often") {
  std::map<std::vector<Index>, int> counts;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) ++counts[permutation(3, Rng{seed})];
  CHECK(counts.size() == 6);
  for (const auto& entry : counts) CHECK(std::abs(entry.second - 1000) < 150);
}

TEST_CASE("parallel_for: every chunk once, exceptions come back") {
  for (const int threads : {1, 2, 3, 7}) {
    std::vector<std::atomic<int>> count(100);
    parallel_for(threads, 100, [&](Index i, int thread) {
      CHECK_UNARY(0 <= thread && thread < threads);
      ++count[static_cast<std::size_t>(i)];
    });
    for (const auto& c : count) CHECK(c == 1);
    CHECK(error_of([&] {
            parallel_for(threads, 10, [](Index i, int) { check(i != 5, "chunk ", i); });
          }) == "chunk 5");
    parallel_for(threads, 0, [](Index, int) { FAIL("no chunk, no call"); });
    Index total = 0;
    std::vector<int> seen(1000);
    parallel_blocks(threads, 1000, 64, [&](Index first, Index last) {
      for (Index i = first; i < last; ++i) ++seen[static_cast<std::size_t>(i)];
    });
    for (const int s : seen) total += s == 1;
    CHECK(total == 1000);
  }
  CHECK(contains(error_of([] { resolve_threads(-1); }), "got -1"));
  CHECK(resolve_threads(0) >= 1);
}

TEST_CASE("chunks cover their range without a gap") {
  for (const Index count : {1, 5, 16, 17, 64})
    for (const Index chunks : {1, 3, 16}) {
      Index next = 0;
      for (Index p = 0; p < chunks; ++p) {
        const auto [first, last] = chunk_range(count, chunks, p);
        CHECK(first == next);
        next = last;
      }
      CHECK(next == count);
    }
  // Near the limits, where a product that overflows would be no constant.
  constexpr Index most = std::numeric_limits<Index>::max();
  constexpr auto middle = chunk_range(most, 3, 1), last = chunk_range(most, 3, 2);
  CHECK(middle == std::pair{most / 3, most / 3 * 2 + most % 3 * 2 / 3});
  CHECK(last == std::pair{middle.second, most});
}

TEST_CASE("build_info says what the flags were") {
  const auto info = build_info();
  CHECK(info.version ==
        concat(FOVEA_VERSION_MAJOR, ".", FOVEA_VERSION_MINOR, ".", FOVEA_VERSION_PATCH));
  CHECK_UNARY(info.isa == "avx512" || info.isa == "avx2" || info.isa == "generic");
  CHECK(contains(typeid(Error).name(), std::string(info.isa)));
}

TEST_CASE("team: left out while it is no faster than one thread, and tried again") {
  using Measure = detail::TeamMeasure;
  using Clock = Measure::Clock;
  const auto ms = [](double x) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(x * 1e-3));
  };
  Measure measure;
  Clock::time_point now = Clock::time_point{} + ms(1000);
  // A region in which the calling thread did `own` of 8 chunks in 2 ms and waited until `end`.
  const auto region = [&](Index own, double end) {
    measure.add(now, now + ms(2), now + ms(end), own, 8);
    now += ms(end);
  };
  CHECK(measure.worth_waking(now));
  // Half the work each: alone it would take 4 ms, together 2.
  for (int i = 0; i < 20; ++i) region(4, 2.0);
  CHECK(measure.worth_waking(now));
  // Thread 0 did 7 of 8 chunks and then waited 3 ms for the last one.
  region(7, 5.0);
  CHECK_FALSE(measure.worth_waking(now));
  CHECK_FALSE(measure.worth_waking(now + ms(15)));
  CHECK(measure.worth_waking(now + ms(17)));
  // Again: four times as long, and so on, up to a second.
  double pause = 16;
  for (int i = 0; i < 6; ++i) {
    now += ms(pause + 1);
    REQUIRE(measure.worth_waking(now));
    region(7, 5.0);
    pause = std::min(4 * pause, 1000.0);
    CHECK_FALSE(measure.worth_waking(now + ms(pause - 1)));
    CHECK(measure.worth_waking(now + ms(pause + 1)));
  }
  // Once it is faster, the next pause is short again.
  now += ms(1001);
  for (int i = 0; i < 3; ++i) region(4, 2.0);
  CHECK(measure.worth_waking(now));
  region(7, 5.0);
  CHECK_FALSE(measure.worth_waking(now));
  CHECK(measure.worth_waking(now + ms(17)));
  // A thread that got no chunk says nothing about how long they take.
  Measure fresh;
  fresh.add(now, now, now + ms(50), 0, 8);
  CHECK(fresh.worth_waking(now + ms(50)));
}
