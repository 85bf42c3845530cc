#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines of the headers do the unit tests never reach?

    tests/coverage/run.py [--jobs N]

Builds the unit tests in build/coverage with g++'s --coverage, runs them and asks gcovr (Debian: gcovr) about
include/fovea. Every line that was never run is printed. It must stand in unreached.txt beside this file, with
a sentence that says why no unit test gets there; a sentence about a line that is reached is refused as well.

The compiler counts what it compiles: a template where it is instantiated, an inline function if something
calls it, nothing of what the preprocessor leaves out for this processor. (scripts/compilers.sh runs the same
tests for the other instruction sets.)

Ends with "P % of N lines, ..." and status 1 under 95 % or without a sentence for every line, 2 without gcovr.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/coverage"
# -O1 because the trainings would take minutes without it.
FLAGS = "--coverage -O1 -fno-inline -march=native -Wno-psabi"


def run(*command, **options):
    done = subprocess.run(list(map(str, command)), **options)
    if done.returncode:
        sys.exit(f"coverage: {command[0]} failed with status {done.returncode}")
    return done


def sentences():
    """unreached.txt as {(header, text of the line): why}."""
    said = {}
    for number, line in enumerate((ROOT / "tests/coverage/unreached.txt").read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("  ") and said:
            said[list(said)[-1]] += line.strip() + " "
            continue
        header, colon, text = line.partition(": ")
        if not colon:
            sys.exit(f"unreached.txt:{number}: expected header: text of the line, found {line}")
        said[header, text.strip()] = ""
    return said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2)
    jobs = parser.parse_args().jobs
    if not shutil.which("gcovr"):
        print("coverage: expected gcovr (Debian: gcovr), found none", file=sys.stderr)
        return 2
    for stale in BUILD.rglob("*.gcda"):
        stale.unlink()
    quiet = {"stdout": subprocess.DEVNULL}
    run("cmake", "-S", ROOT, "-B", BUILD, "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_CXX_FLAGS={FLAGS}",
        "-DFOVEA_BUILD_BENCHMARKS=OFF", "-DFOVEA_BUILD_EXAMPLES=OFF",
        env={**os.environ, "CXX": "g++"}, **quiet)
    run("cmake", "--build", BUILD, "-j", jobs, "--target", "fovea_tests", **quiet)
    run(BUILD / "tests/fovea_tests", cwd=BUILD, **quiet)
    report = BUILD / "coverage.json"
    run("gcovr", "--root", ROOT, "--filter", "include/fovea/", "--object-directory", BUILD, "--json", report,
        cwd=ROOT, stderr=subprocess.DEVNULL)

    said, used, all_lines, missing, unexplained = sentences(), set(), 0, 0, 0
    for entry in json.loads(report.read_text())["files"]:
        text = (ROOT / entry["file"]).read_text().splitlines()
        header = entry["file"].removeprefix("include/fovea/")
        lines = [line for line in entry["lines"] if not line.get("gcovr/noncode")]
        all_lines += len(lines)
        for line in (line for line in lines if line["count"] == 0):
            missing += 1
            number = line["line_number"]
            key = header, text[number - 1].strip()
            used.add(key)
            unexplained += key not in said
            print(f"{header}:{number}: {key[1]}\n    {said.get(key, '** nobody says why **')}")
    for header, text in sorted(set(said) - used):
        unexplained += 1
        print(f"{header}: {text}\n    ** is reached, or is not there: take it out of unreached.txt **")
    share = 100 * (all_lines - missing) / max(all_lines, 1)
    print(f"{share:.1f} % of {all_lines} lines, {missing} never run, {unexplained} of them without a sentence")
    return 1 if share < 95 or unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
