// SPDX-License-Identifier: MIT
//
// What the fuzzers share. Each file beside this one is one libFuzzer program: it gives bytes to a reader,
// which must return or throw fovea::Error. Anything else is a find: a crash, another exception, a report of
// a sanitizer, a second of time or more memory than the limit. scripts/fuzz.sh builds and runs them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "fovea/core/check.hpp"

namespace fuzz {

/// Reads, and insists that what is refused is refused in one line of words.
template <class Read>
void attempt(Read&& read) {
  try {
    read();
  } catch (const fovea::Error& error) {
    const std::string_view sentence = error.what();
    if (sentence.empty() || sentence.find('\n') != sentence.npos) std::abort();
  }
}

}  // namespace fuzz
