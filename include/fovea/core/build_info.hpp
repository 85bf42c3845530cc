// SPDX-License-Identifier: MIT
//
// How this translation unit was compiled, for programs that say what they run with.
#pragma once

#include <string_view>

#include "fovea/core/abi.hpp"
#include "fovea/version.hpp"

namespace fovea::inline FOVEA_ABI {

/// How this translation unit was compiled.
struct BuildInfo {
  std::string_view version;   ///< "0.1.0"
  std::string_view isa;       ///< "avx512", "avx2" or "generic"
  std::string_view compiler;  ///< "g++ 12.2", "clang 14.0"
  bool openmp;                ///< without it everything runs on one thread
  bool optimised;             ///< false under -O0, where training is some fifty times slower
};

/// What the preprocessor knows about it.
constexpr BuildInfo build_info() {
  return {
    .version = FOVEA_TEXT(FOVEA_VERSION_MAJOR) "." FOVEA_TEXT(FOVEA_VERSION_MINOR) "." FOVEA_TEXT(
        FOVEA_VERSION_PATCH),
    .isa = FOVEA_TEXT(FOVEA_ISA),
#if defined(__clang__)
    .compiler = "clang " FOVEA_TEXT(__clang_major__) "." FOVEA_TEXT(__clang_minor__),
#elif defined(__GNUC__)
    .compiler = "g++ " FOVEA_TEXT(__GNUC__) "." FOVEA_TEXT(__GNUC_MINOR__),
#else
    .compiler = "unknown compiler",
#endif
#ifdef _OPENMP
    .openmp = true,
#else
    .openmp = false,
#endif
#ifdef __OPTIMIZE__
    .optimised = true,
#else
    .optimised = false,
#endif
  };
}

}  // namespace fovea::inline FOVEA_ABI
