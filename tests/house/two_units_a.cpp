// SPDX-License-Identifier: MIT
//
// Two translation units of one program, with everything the library has, charts and reports:
// nothing is defined twice.
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

fovea::Tensor<float, 2> from_the_other_unit();

int main() {
  const auto here =
      fovea::matmul(fovea::Tensor<float, 2>{{1, 2}}, fovea::Tensor<float, 2>{{3}, {4}});
  return fovea::sum(here) == fovea::sum(from_the_other_unit()) ? 0 : 1;
}
