// SPDX-License-Identifier: MIT
//
// All charts: lines, bars, reliability, heat maps (SVG) and the confusion matrix (an image).
#pragma once

#include "fovea/viz/bar_chart.hpp"
#include "fovea/viz/confusion.hpp"
#include "fovea/viz/heat_map.hpp"
#include "fovea/viz/line_chart.hpp"
#include "fovea/viz/reliability.hpp"
