// SPDX-License-Identifier: MIT
//
// Tables of what can be done wrong, and of what looks wrong but is right. A row is a name, an action, and
// what must come of it: a part of the message of one fovea::Error, or nothing at all. Any other exception
// fails the test, and so does a read or write beyond memory or an overflow where the sanitizers run
// (.ci/run builds these tests with them).
//
//   run({
//       {"sub: more rows than there are", [] { Tensor<float, 1>(Shape{3}).sub(1, 3); },
//        "expected a part of [0, 3)"},
//       {"sub: nothing, at the end", [] { CHECK(Tensor<float, 1>(Shape{3}).sub(3, 0).empty()); }, {}},
//   });
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "support.hpp"

namespace contracts {

using namespace test;

/// One row.
struct Row {
  std::string name;
  std::function<void()> action;
  std::string expected;  ///< a part of the Error's message; empty: it works
};

/// Tries every row.
inline void run(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    std::string message;
    try {
      row.action();
    } catch (const Error& error) {
      message = error.what();
      CHECK_MESSAGE(!message.empty(), row.name);
    } catch (const std::exception& error) {
      FAIL_CHECK(row.name,
                 ": expected an Error or none, got another exception: ", std::string(error.what()));
      continue;
    }
    CHECK_MESSAGE(row.expected.empty() == message.empty(), row.name, ": expected \"", row.expected,
                  "\", got \"", message, "\"");
    CHECK_MESSAGE(contains(message, row.expected), row.name, ": expected \"", row.expected,
                  "\", got \"", message, "\"");
  }
}

constexpr Index huge = Index{1} << 62, largest = std::numeric_limits<Index>::max();

}  // namespace contracts
