// SPDX-License-Identifier: MIT
// expected: fovea needs the vector extensions of g++ 12 or clang 14
// options: -U__GNUC__ -U__clang__
#include <fovea/fovea.hpp>
