#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Would the tests notice? Makes the mutants of faults.txt, one at a time, and says which test sees each.

    tests/mutation/run.py [--jobs N] [NAME...]    all faults, or those with these names ('adam-*')
    tests/mutation/run.py --list                  what there is
    tests/mutation/run.py --check                 only: is every text still where the table says?

A fault goes into a copy of the headers in build/mutation, never into those of the project. A test file is
compiled with the copy and run, and a test in Python is given the copy; the fault is caught if the test fails. If it passes, the next test file of
the fault gets its turn. First of all every test file must pass without a fault: one that fails in any
case would catch everything. What a compiler refuses is no mutant: such a fault is printed and not counted.

Ends with "N mutants, M caught (P %)" and status 1 if that is under 95 %, 2 if the table or a test is bad.
"""
import argparse
import concurrent.futures
import dataclasses
import fnmatch
import os
import pathlib
import queue
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/mutation"
CXX = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++20", "-O1", "-march=native", "-fno-math-errno", "-fopenmp", "-w"]
LIMIT = 600  # seconds; only what hangs takes as long
COPIED = ["include", "examples"]
# What no fault is in, all tests include, and takes seconds to read: it is compiled once.
COMMON = ["algorithm", "array", "atomic", "cmath", "cstring", "filesystem", "functional", "map", "numbers", "set",
          "span", "string", "thread", "tuple", "vector", "doctest/doctest.h", "nlohmann/json.hpp"]


@dataclasses.dataclass
class Fault:
    name: str
    header: str  # below include/fovea or examples
    tests: list  # files below tests, without .cpp, in the order to try
    before: str = ""
    after: str = ""

    def path(self, root):
        places = [root / "include/fovea" / self.header, root / "examples" / self.header]
        return next((place for place in places if place.is_file()), places[0])


def read_table(text):
    """The faults in the table: a line "name: header: tests", then "- " lines that become the "+ " lines."""
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line[:2] in ("- ", "+ ") and faults:
            part = "before" if line[0] == "-" else "after"
            so_far = getattr(faults[-1], part)
            setattr(faults[-1], part, (so_far + "\n" if so_far else "") + line[2:])
            continue
        fields = [field.strip() for field in line.split(":")]
        if len(fields) != 3:
            sys.exit(f"faults.txt:{number}: expected name: header: tests, found {line}")
        faults.append(Fault(fields[0], fields[1], fields[2].split()))
    return faults


def complaints(faults):
    """What is wrong with the table, in sentences."""
    names = [fault.name for fault in faults]
    for fault in faults:
        path = fault.path(ROOT)
        found = path.read_text().count(fault.before) if path.is_file() and fault.before else 0
        if found != 1:
            yield f"{fault.name}: expected its text once in {fault.header}, found it {found} times"
        if fault.before == fault.after:
            yield f"{fault.name}: expected a change, found none"
        if names.count(fault.name) > 1:
            yield f"{fault.name}: expected one fault of this name, found {names.count(fault.name)}"
        for test in fault.tests:
            if not any((ROOT / "tests" / f"{test}.{kind}").is_file() for kind in ("cpp", "py")):
                yield f"{fault.name}: expected a test file tests/{test}.cpp or .py, found none"
        if not fault.tests:
            yield f"{fault.name}: expected test files, found none"


def compiled(*arguments):
    """Runs the compiler; returns its first error, or nothing."""
    done = subprocess.run([CXX, *FLAGS, *map(str, arguments)], capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if "error" in line] + ["no error was told"]
    return errors[0] if done.returncode else ""


def failed_cases(output):
    """The test cases that doctest says have failed, each once."""
    blocks = [block.partition("\n") for block in output.split("TEST CASE:")[1:]]
    return list(dict.fromkeys(name.strip() for name, _, rest in blocks if "ERROR:" in rest))


def try_script(place, script):
    """Runs a test in Python that compiles with the headers in `place` itself."""
    command = [sys.executable, script, "--include", place / "include", "--fresh", "0", "--stop", "--jobs", "1"]
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=3 * LIMIT)
    except subprocess.TimeoutExpired:
        return "failed", f"it hangs, for {3 * LIMIT} s at least"
    lines = (done.stdout + done.stderr).splitlines() or [f"status {done.returncode}"]
    if done.returncode == 1:
        return "failed", next((line for line in lines if "DISAGREES" in line), lines[-1])
    return ("refused" if done.returncode else "passed"), lines[-1]


def try_test(place, test):
    """Compiles and runs one test file with the headers in `place`: ("passed" or "failed" or "refused", why)."""
    if (script := ROOT / "tests" / f"{test}.py").is_file():
        return try_script(place, script)
    program, log = place / "test", place / "test.log"
    headers = [place / "include", place / "examples", ROOT / "tests", ROOT / "benchmarks", "/usr/include/eigen3"]
    error = compiled("-include", WORK / "common.hpp", *(f"-I{path}" for path in headers),
                     f'-DFOVEA_SOURCE_DIR="{ROOT}"', ROOT / "tests" / f"{test}.cpp", WORK / "main.o", "-lz",
                     "-o", program)
    if error:
        return "refused", error
    temporary = place / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    with open(log, "w") as output:
        try:
            status = subprocess.run([program, "--no-colors"], stdout=output, stderr=output, cwd=place,
                                    env={**os.environ, "TMPDIR": str(temporary)}, timeout=LIMIT).returncode
        except subprocess.TimeoutExpired:
            return "failed", f"it hangs, for {LIMIT} s at least"
    cases = failed_cases(log.read_text(errors="replace"))
    more = f" and {len(cases) - 3} more" if len(cases) > 3 else ""
    return ("failed" if status else "passed"), "; ".join(cases[:3]) + more or f"status {status}"


def plant(place, fault):
    """Fresh copies of the headers, with the fault in one of them."""
    for part in COPIED:
        shutil.rmtree(place / part, ignore_errors=True)
        shutil.copytree(ROOT / part, place / part)
    if fault:
        path = fault.path(place)
        path.write_text(path.read_text().replace(fault.before, fault.after))


def judge(places, fault, tests):
    """Tries the tests in their order until one fails: (verdict, which and why)."""
    place = places.get()
    try:
        plant(place, fault)
        for test in tests:
            state, why = try_test(place, test)
            if state != "passed":
                return ("caught" if state == "failed" else "refused"), f"{test}: {why}"
        return "NOT CAUGHT", " ".join(tests)
    finally:
        places.put(place)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help="patterns, as of the shell; all if there is none")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--list", action="store_true", help="print the faults")
    parser.add_argument("--no-trial", action="store_true", help="believe that all tests pass without a fault")
    parser.add_argument("--check", action="store_true", help="check the table, compile nothing")
    options = parser.parse_args()

    faults = read_table((ROOT / "tests/mutation/faults.txt").read_text())
    if wrong := list(complaints(faults)):
        print(*wrong, sep="\n", file=sys.stderr)
        return 2
    if options.names:
        faults = [f for f in faults if any(fnmatch.fnmatch(f.name, name) for name in options.names)]
    if not faults:
        print("run.py: expected names of faults (see --list), found none of them", file=sys.stderr)
        return 2
    if options.list or options.check:
        if options.list:
            for fault in faults:
                print(f"{fault.name:<36} {fault.header:<34} {' '.join(fault.tests)}")
        print(f"{len(faults)} faults, every text where it should be")
        return 0

    places = queue.Queue()
    for job in range(max(1, options.jobs)):
        (WORK / str(job)).mkdir(parents=True, exist_ok=True)
        places.put(WORK / str(job))
    (WORK / "common.hpp").write_text("".join(f"#include <{header}>\n" for header in COMMON))
    if error := (compiled("-x", "c++-header", WORK / "common.hpp")
                 or compiled("-c", ROOT / "tests/main.cpp", "-o", WORK / "main.o")):
        print(error, file=sys.stderr)
        return 2
    count = {"caught": 0, "NOT CAUGHT": 0, "refused": 0}
    with concurrent.futures.ThreadPoolExecutor(places.qsize()) as pool:
        tests = [] if options.no_trial else sorted({test for fault in faults for test in fault.tests})
        for test, (verdict, why) in zip(tests, pool.map(lambda t: judge(places, None, [t]), tests)):
            if verdict != "NOT CAUGHT":
                print(f"expected tests/{test}.cpp to pass without a fault, found {why}", file=sys.stderr)
                return 2
        running = {pool.submit(judge, places, fault, fault.tests): fault for fault in faults}
        for done in concurrent.futures.as_completed(running):
            fault, (verdict, why) = running[done], done.result()
            count[verdict] += 1
            print(f"{verdict:<10}  {fault.name:<36} {fault.header:<34} {why}", flush=True)

    mutants = count["caught"] + count["NOT CAUGHT"]
    percent = 100 * count["caught"] / max(mutants, 1)
    refused = f", {count['refused']} not counted, as they do not compile" if count["refused"] else ""
    print(f"{mutants} mutants, {count['caught']} caught ({percent:.1f} %){refused}")
    return 2 if count["refused"] else 1 if percent < 95 else 0


if __name__ == "__main__":
    sys.exit(main())
