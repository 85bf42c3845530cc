// SPDX-License-Identifier: MIT
// expected: fovea needs float and double without excess precision
// options: -U__FLT_EVAL_METHOD__ -D__FLT_EVAL_METHOD__=2
#include <fovea/fovea.hpp>
