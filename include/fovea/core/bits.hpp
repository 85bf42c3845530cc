// SPDX-License-Identifier: MIT
//
// The bits of a number as a number of another type: std::bit_cast for standard libraries without it, such
// as the libc++ of emscripten 3.1.6.
#pragma once

#include <type_traits>

#include "fovea/core/abi.hpp"

namespace fovea::inline FOVEA_ABI::detail {

template <class To, class From>
constexpr To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From) && std::is_trivially_copyable_v<To> &&
                std::is_trivially_copyable_v<From>);
  return __builtin_bit_cast(To, from);
}

}  // namespace fovea::inline FOVEA_ABI::detail
