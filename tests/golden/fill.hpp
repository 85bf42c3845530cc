// SPDX-License-Identifier: MIT
//
// Numbers for golden networks that Python and C++ agree about without a file: the same formula as
// value() in make_golden.py.
#pragma once

#include <cstdint>

#include "fovea/core/tensor.hpp"

namespace test {

inline double golden_value(std::int64_t i, std::int64_t salt, double scale) {
  return (static_cast<double>((i * 7919 + salt * 104729) % 65521) / 65521.0 - 0.5) * scale;
}

template <class T, std::size_t R>
void fill(fovea::View<T, R> x, fovea::Index salt, double scale) {
  for (fovea::Index i = 0; i < x.size(); ++i)
    x.begin()[i] = static_cast<T>(golden_value(i, salt, scale));
}

}  // namespace test
