#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles at_run_time.cpp, once, and has it draw its networks; status 2 if it does not compile.

    tests/random_networks/at_run_time.py                         250 fixed networks and 50 fresh ones
    tests/random_networks/at_run_time.py --fresh 0 --include DIR   the fixed ones, with the headers in DIR
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++20", "-O1", "-march=native", "-fno-math-errno", "-fopenmp", "-w"]
FIXED_SEED, FIXED = "1", "250"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include", metavar="DIR", help="the headers")
    parser.add_argument("--fresh", type=int, default=50, metavar="N", help="0: the fixed ones alone")
    parser.add_argument("--stop", action="store_true", help="as of run.py; it is over in seconds in any case")
    parser.add_argument("--jobs", type=int, help="as of run.py; there is one program")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="random_networks-") as place:
        program = pathlib.Path(place) / "at_run_time"
        sources = [ROOT / f"tests/random_networks/{name}.cpp" for name in ("compare", "draw_recipe", "at_run_time")]
        compiler = [os.environ.get("CXX", "g++"), *FLAGS, f"-I{options.include}", f"-I{ROOT / 'tests'}"]
        if subprocess.run([*compiler, *sources, "-o", program]).returncode:
            return 2
        chosen = [] if options.fresh else [FIXED_SEED, "0", FIXED]
        # Threads that wait must not spin: there are more of them than processors.
        status = subprocess.run([program, *chosen], env={**os.environ, "OMP_WAIT_POLICY": "passive"}).returncode
        if status < 0:
            print(f"DISAGREES: the program ends with signal {-status}")
        return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
