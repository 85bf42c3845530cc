// SPDX-License-Identifier: MIT
//
// The other unit; see two_units_a.cpp.
#include "charts/charts.hpp"
#include "fovea/fovea.hpp"
#include "fovea/io/gzip.hpp"
#include "fovea/viz/boxes.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/gallery.hpp"
#include "fovea/viz/overlay.hpp"
#include "fovea/viz/patches.hpp"
#include "fovea/viz/poster.hpp"
#include "report/report.hpp"

fovea::Tensor<float, 2> from_the_other_unit() {
  return fovea::matmul(fovea::Tensor<float, 2>{{1, 2}}, fovea::Tensor<float, 2>{{3}, {4}});
}
