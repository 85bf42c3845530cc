#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What PyTorch's schedules say at every step, for tests/train/test_train.cpp to compare with.
#
#   /usr/bin/python3 tests/train/make_schedules.py > tests/train/schedules.hpp     (Debian: python3-torch)
#
# OneCycleLR divides by zero where the warm-up ends at step 0 or where there is one step and warmup = 1.
import warnings

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

warnings.simplefilter("ignore")  # the optimizer takes no step here

# peak, steps, warmup, start_divisor, end_divisor
ONE_CYCLE = [(0.2, 50, 0.3, 25, 1e4), (1, 100, 0.3, 25, 1e4), (3e-3, 7, 0.25, 10, 100), (6e-3, 31, 0.2, 25, 1e4),
             (0.1, 10, 0, 25, 1e4), (0.1, 10, 1, 25, 1e4), (0.1, 10, 0.99, 2, 0.5), (0.1, 1, 0.3, 25, 1e4),
             (0.1, 2, 0.3, 25, 1e4), (0.1, 2, 0.75, 25, 1e4), (0.1, 3, 1, 25, 1e4)]
# rate, steps, end
COSINE = [(0.1, 10, 0), (1e-3, 7, 1e-4), (0.5, 1, 0.25), (1, 2, 0)]


def rates(rate, steps, make):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
    schedule = make(optimizer)
    said = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        schedule.step()
        said.append(optimizer.param_groups[0]["lr"])
    return said


def row(numbers, said):
    print("    {{" + ", ".join(f"{n:g}" for n in numbers) + "}, {" + ", ".join(map(repr, said)) + "}},")


print(f"""// SPDX-License-Identifier: MIT
//
// Made by make_schedules.py with PyTorch {torch.__version__}.
#pragma once

#include <vector>

namespace golden {{

struct Rates {{
  std::vector<double> options, at;
}};

// clang-format off
// peak, steps, warmup, start_divisor, end_divisor; the rate at each step
inline const Rates one_cycle[] = {{""")
for options in ONE_CYCLE:
    peak, steps, warmup, start, end = options
    row(options, rates(peak, steps, lambda optimizer: OneCycleLR(
        optimizer, peak, steps, pct_start=float(warmup), div_factor=start, final_div_factor=end, cycle_momentum=False)))
print("""};

// rate, steps, end; the rate at each step and after the last
inline const Rates cosine[] = {""")
for options in COSINE:
    rate, steps, end = options
    row(options, rates(rate, steps + 1, lambda optimizer: CosineAnnealingLR(optimizer, steps, end)))
print("""};
// clang-format on

}  // namespace golden""")
