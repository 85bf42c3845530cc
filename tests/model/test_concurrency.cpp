// SPDX-License-Identifier: MIT
//
// What docs/architecture.md promises under "Threads": several at once, inside the caller's own parallel
// regions, in threads of their own, in forked processes; and always the bits of one thread alone.
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#ifdef _OPENMP
#  include <omp.h>
#endif

#include "networks.hpp"
#include "support.hpp"

#if defined(__SANITIZE_THREAD__)
#  define FOVEA_TSAN
#elif defined(__has_feature)
#  if __has_feature(thread_sanitizer)
#    define FOVEA_TSAN
#  endif
#endif

using namespace test;

namespace {

auto network() {
  Rng rng{1};
  return networks::small(rng);
}
using Net = decltype(network());

const Dataset& digits() {
  static const Dataset data = synthetic_digits(96, 5);
  return data;
}

using Numbers = std::vector<float>;

/// The weights after an epoch.
Numbers trained(int threads) {
  auto net = network();
  auto w = net.workspace(32, {.threads = threads});
  AdamW adam{net, {.learning_rate = 3e-3}};
  for (const auto& [images, labels] : batches(digits(), 32, {.seed = 1})) {
    cross_entropy(net.forward(images, w), labels, w.output_gradient());
    net.backward(w);
    adam.step(net, w);
  }
  Numbers weights;
  net.for_each_parameter([&](const std::string&, const auto& t) {
    weights.insert(weights.end(), t.begin(), t.end());
  });
  return weights;
}

const Numbers& expected_weights() {
  static const Numbers weights = trained(1);
  return weights;
}

/// The predictor's answers to a few images and to many, which take different ways.
Numbers answers(const Predictor<Net>& predictor, Workspace<Net>& scratch) {
  static const auto x = random_tensor<float>(Shape{32, 1, 28, 28}, 3);
  Numbers all;
  for (const Index count : {1, 3, 32}) {
    const auto y = predictor(x.sub(0, count), scratch);
    all.insert(all.end(), y.begin(), y.end());
  }
  return all;
}

const Numbers& expected_answers() {
  static const Numbers numbers = [] {
    const Predictor predictor{network(), 32};
    auto scratch = predictor.scratch(1);
    return answers(predictor, scratch);
  }();
  return numbers;
}

/// Runs f(i) for i = 0 .. count - 1, each in a thread of its own, all at the same time.
void at_once(int count, const std::function<void(int)>& f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(f, i);
  for (auto& thread : threads) thread.join();
}

/// Whether f() is true in a forked process. One that does not come to an end in two minutes is killed,
/// which counts as false.
bool true_in_child(const std::function<bool()>& f) {
  const pid_t child = fork();
  if (child == 0) _exit(f() ? 0 : 1);
  for (int i = 0; i < 12000; ++i) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  return false;
}

}  // namespace

TEST_CASE("concurrency: eight threads predict with one predictor while another trains a copy") {
  const auto& weights = expected_weights();
  const auto& expected = expected_answers();
  const Predictor predictor{network(), 32};
  std::atomic<int> right{0};
  at_once(9, [&](int i) {
    if (i == 8) {
      right += trained(2) == weights;
      return;
    }
    auto scratch = predictor.scratch(1 + i % 3);
    for (int k = 0; k < 5; ++k) right += answers(predictor, scratch) == expected;
  });
  CHECK(right == 8 * 5 + 1);
}

TEST_CASE("concurrency: several trainings at once, with different numbers of threads") {
  const auto& weights = expected_weights();
  std::atomic<int> right{0};
  at_once(4, [&](int i) {
    right += trained(std::array{1, 2, 3, 7}[static_cast<std::size_t>(i)]) == weights;
  });
  CHECK(right == 4);
}

TEST_CASE("concurrency: each thread gets the exception of its own work") {
  std::atomic<int> right{0};
  at_once(4, [&](int i) {
    for (int k = 0; k < 50; ++k)
      right += error_of([&] {
                 parallel_for(2, 20, [&](Index chunk, int) { check(chunk != 7, "thread ", i); });
               }) == concat("thread ", i);
  });
  CHECK(right == 4 * 50);
}

#ifdef _OPENMP
// ThreadSanitizer hears from OpenMP when a region ends, but not always when a nested one does: it reports races
// in ten lines that have none (an array written in a nested region and read after it).
#  ifdef __has_feature
constexpr int deepest = __has_feature(thread_sanitizer) ? 1 : 2;
#  else
constexpr int deepest = 2;
#  endif

TEST_CASE("concurrency: inside a parallel region of the caller") {
  const auto& weights = expected_weights();
  const auto& expected = expected_answers();
  const Predictor predictor{network(), 32};
  const int levels = omp_get_max_active_levels();
  for (int active = 1; active <= deepest; ++active) {  // without and with threads inside of threads
    omp_set_max_active_levels(active);
    std::atomic<int> right{0};
#  pragma omp parallel num_threads(3)
    {
      right += trained(2) == weights;
      auto scratch = predictor.scratch(2);
      right += answers(predictor, scratch) == expected;
    }
    CHECK(right == 2 * 3);
  }
  omp_set_max_active_levels(levels);
}
#endif

TEST_CASE("concurrency: a forked process predicts and trains") {
  const auto& weights = expected_weights();
  const auto& expected = expected_answers();
  const Predictor predictor{network(), 32};
  const auto all_right = [&] {
    auto scratch = predictor.scratch(2);
    return answers(predictor, scratch) == expected && trained(2) == weights &&
           trained(1) == weights;
  };
  REQUIRE(all_right());  // from here on OpenMP keeps threads for us, which the child will not have
  CHECK(true_in_child(all_right));
  CHECK(true_in_child([&] { return all_right() && true_in_child(all_right); }));
  CHECK(all_right());
#ifndef FOVEA_TSAN  // which forbids a child of a process with threads to make its own
  bool right = false;
  std::thread([&] { right = true_in_child(all_right); }).join();  // has not used threads before
  CHECK(right);
#endif
}
