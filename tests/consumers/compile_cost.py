#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What an `#include <fovea/fovea.hpp>` costs a program that does nothing with it, without optimisation.

    CXX=g++ tests/consumers/compile_cost.py

The yardstick is `#include <Eigen/Core>`, compiled in turns with it, so that a slow or busy machine slows
down both. Of three runs the medians count. Status 1 if time or memory is more than 2.1 times the yardstick.
"""
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

BAR = 2.1
RUNS = 3
INCLUDE = Path(__file__).resolve().parents[2] / "include"


def cost(compiler, header, directory):
    """Processor seconds and peak memory in MB of one compilation."""
    source = Path(directory) / "unit.cpp"
    source.write_text(f"#include <{header}>\nint main() {{}}\n")
    command = [compiler, "-std=c++20", "-O0", "-I", str(INCLUDE), "-isystem", "/usr/include/eigen3",
               "-c", str(source), "-o", os.devnull]
    child = os.spawnvp(os.P_NOWAIT, command[0], command)
    _, status, usage = os.wait4(child, 0)  # of the driver and of the compiler proper, which it waited for
    if status != 0:
        sys.exit(f"compile_cost: expected {header} to compile with {compiler}, it does not")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    compiler = os.environ.get("CXX", "g++")
    if not shutil.which(compiler):
        sys.exit(f"compile_cost: expected the compiler {compiler}, found none")
    headers = ["Eigen/Core", "fovea/fovea.hpp"]
    runs = {header: [] for header in headers}
    with tempfile.TemporaryDirectory() as directory:
        for header in headers:
            cost(compiler, header, directory)  # reads the files once
        for _ in range(RUNS):
            for header in headers:
                runs[header].append(cost(compiler, header, directory))
    seconds, memory = ({h: statistics.median(run[i] for run in runs[h]) for h in headers} for i in (0, 1))
    print(f"{compiler}, -O0, median of {RUNS}")
    for header in headers:
        print(f"  {header:16} {seconds[header]:5.2f} s {memory[header]:6.0f} MB")
    dear = False
    for what, of in (("time", seconds), ("memory", memory)):
        ratio = of[headers[1]] / of[headers[0]]
        print(f"  {what:16} {ratio:5.2f} x (at most {BAR})")
        dear |= ratio > BAR
    sys.exit(1 if dear else 0)


if __name__ == "__main__":
    main()
