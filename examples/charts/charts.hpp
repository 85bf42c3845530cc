// SPDX-License-Identifier: MIT
//
// All charts, as SVG: lines, bars, reliability, heat maps. They are in namespace charts and no part
// of the library. A confusion matrix is an image: fovea/viz/confusion.hpp.
#pragma once

#include "charts/bar_chart.hpp"
#include "charts/heat_map.hpp"
#include "charts/line_chart.hpp"
#include "charts/reliability.hpp"
