// SPDX-License-Identifier: MIT
//
// Hands a tensor to another unit. With the same flags that links, with other flags it must not.
#include <fovea/core/tensor.hpp>

float first_of(const fovea::Tensor<float, 1>& x);

int main() { return first_of(fovea::Tensor<float, 1>{0.0f}) == 0 ? 0 : 1; }
