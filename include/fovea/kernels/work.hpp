// SPDX-License-Identifier: MIT
//
// What all kernels that work with several threads need: when to wake them, and memory for each.
#pragma once

#include <cstdint>

#include "fovea/core/tensor.hpp"

namespace fovea::inline FOVEA_ABI::kernels {

/// A number of multiply-adds. Index has 32 bits in WebAssembly, too few for the product of all extents.
using Work = std::int64_t;

/// Waking a thread costs as much as this many multiply-adds.
inline constexpr Work small_work = 200'000;

/// Makes `scratch` at least (rows, cols); after the first step that is nothing.
template <class T>
void reserve(Tensor<T, 2>& scratch, Index rows, Index cols) {
  if (scratch.extent(0) < rows || scratch.extent(1) < cols)
    scratch = Tensor<T, 2>(Shape{rows, (cols + 15) / 16 * 16});
}

}  // namespace fovea::inline FOVEA_ABI::kernels
