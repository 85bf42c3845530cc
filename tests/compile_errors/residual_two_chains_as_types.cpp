// SPDX-License-Identifier: MIT
// expected: Residual{f, Shortcut{...}}
#include <fovea/fovea.hpp>

using namespace fovea;

void mistake() { Residual block{Chain{Relu{}, Relu{}}, Chain{Relu{}}}; }
