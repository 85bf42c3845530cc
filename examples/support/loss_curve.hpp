// SPDX-License-Identifier: MIT
//
// The loss of every step, thinned to what can be seen, and its running mean, as SVG.
#pragma once

#include <string>
#include <vector>

std::string loss_curve(const std::vector<float>& losses, long steps_per_epoch,
                       const std::string& title);
