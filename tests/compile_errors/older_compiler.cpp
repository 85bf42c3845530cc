// SPDX-License-Identifier: MIT
// expected: fovea needs g++ 12 or clang 14, or newer
// options: -U__GNUC__ -D__GNUC__=11 -U__clang_major__ -D__clang_major__=13
#include <fovea/fovea.hpp>
