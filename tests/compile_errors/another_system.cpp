// SPDX-License-Identifier: MIT
// expected: fovea needs POSIX files
// options: -D_WIN32
#include <fovea/fovea.hpp>
