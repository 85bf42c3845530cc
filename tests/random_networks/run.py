#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws networks, runs each in every way that there is (compare.cpp), and reports those that disagree.

    tests/random_networks/run.py                        24 fixed networks and 6 fresh ones
    tests/random_networks/run.py --fixed 0 --fresh 300 --seed 5
    tests/random_networks/run.py --only 5/17            network 17 of seed 5, to repeat a failure
    tests/random_networks/run.py --print 5/17           its C++
    tests/random_networks/run.py --pytorch              compares with PyTorch, in float64, instead
    tests/random_networks/run.py --include DIR          with the headers in DIR instead of include

The last line is "N networks drawn, M disagreements"; the status is 1 if there is a disagreement, 2 if a
program does not compile, 77 if PyTorch is to be used and is not here.
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True  # beside the sources
import draw  # noqa: E402
import pytorch  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
CXX = os.environ.get("CXX", "g++")
FLAGS = ["-std=c++20", "-O1", "-march=native", "-fno-math-errno", "-fopenmp", "-w"]
FIXED_SEED = 1
LIMIT = 600  # seconds for the networks of one program
BATCH = 8  # networks in a program, at most: what they share is compiled once


class Failure(Exception):
    """What a person has to see; nothing else can be done."""


def run(*command, **more):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, errors="replace", **more)


class Programs:
    """Makes programs of some networks each, in a directory of its own."""

    def __init__(self, place, include, with_float):
        self.place, self.with_float = place, with_float
        self.paths = [f"-I{include}", f"-I{ROOT / 'tests'}"]

    def compile(self, *arguments):
        done = run(CXX, *FLAGS, *self.paths, *arguments)
        if done.returncode:
            raise Failure(f"{done.stderr[:4000]}\nthe program does not compile")

    def compile_comparison(self):
        for name in "compare", "compiled":
            self.compile("-c", ROOT / f"tests/random_networks/{name}.cpp", "-o", self.place / f"{name}.o")

    def make(self, name, networks):
        """The program of these networks, which are called 0, 1, ... in it."""
        source = self.place / f"{name}.cpp"
        source.write_text('#include "random_networks/subject_of.hpp"\n\nnamespace random_networks {\n\n' + "\n".join(
            draw.cpp(network, number, self.with_float) for number, network in enumerate(networks)) + "\n}\n")
        program = self.place / name
        self.compile(source, self.place / "compare.o", self.place / "compiled.o", "-o", program)
        return program


def start(program, *arguments):
    # Threads that wait must not spin: there are more of them than processors.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    try:
        return run(program, *arguments, timeout=LIMIT, env=environment)
    except subprocess.TimeoutExpired as error:
        lines = (error.stdout or b"").decode(errors="replace")
        return subprocess.CompletedProcess([], -1, lines + f"  it takes more than {LIMIT} s\n", "")


def compare_ways(program, networks):
    """(number, verdict, lines) for every network; one that ends the program is reported and left out."""
    left = list(range(len(networks)))
    while left:
        done = start(program, *left)
        lines, current = [], None
        for line in done.stdout.splitlines():
            if line.startswith("  "):
                lines.append(line)
            elif ":" in line:
                number, verdict = line.removeprefix("network ").split(": ", 1)
                left.remove(int(number))
                yield int(number), verdict, lines
                lines, current = [], None
            else:
                current = int(line.removeprefix("network "))
        if current is None:
            if done.returncode not in (0, 1) or left:
                raise Failure(f"{program}: status {done.returncode}, {done.stdout}{done.stderr}")
        else:
            left.remove(current)
            yield current, f"DISAGREES: the program ends with status {done.returncode}", lines + [done.stderr]


def compare_with_pytorch(program, networks):
    """The same, by another program."""
    for number, network in enumerate(networks):
        path = pathlib.Path(f"{program}.{number}.bin")
        done = start(program, "--dump", path, number)
        if done.returncode:
            yield number, f"DISAGREES: the program ends with status {done.returncode}", [done.stderr]
            continue
        decided, lines = pytorch.compare(network, path)
        path.unlink()
        verdict = "agrees" if not lines else "DISAGREES" if decided else "undecided"
        yield number, verdict, lines


def chosen(options):
    """The networks to try, as (seed, index)."""
    if options.only:
        return options.only
    # Steps of five go through all themes, of whole numbers and others in turns.
    first = random.Random(options.seed).randrange(len(draw.THEMES) * 2)
    return ([(FIXED_SEED, index) for index in range(options.fixed)]
            + [(options.seed, first + 5 * k) for k in range(options.fresh)])


def pair(text):
    seed, index = text.split("/")
    return int(seed), int(index)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fixed", type=int, default=24, metavar="N", help="the same ones every time")
    parser.add_argument("--fresh", type=int, default=6, metavar="N", help="others every time")
    parser.add_argument("--seed", type=int, help="of the fresh ones")
    parser.add_argument("--only", type=pair, nargs="+", metavar="SEED/INDEX", help="these")
    parser.add_argument("--print", type=pair, metavar="SEED/INDEX", help="the network as C++, and nothing else")
    parser.add_argument("--pytorch", action="store_true", help="compare with PyTorch")
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include", metavar="DIR", help="the headers")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="at a time")
    parser.add_argument("--keep", metavar="DIR", help="where programs and their source are kept")
    parser.add_argument("--stop", action="store_true", help="stop after the first disagreement")
    options = parser.parse_args()
    if options.print:
        print(draw.cpp(draw.draw(*options.print), 0, True))
        return 0
    if options.pytorch and pytorch.missing:
        print(f"skipped: {pytorch.missing}")
        return 77
    if options.seed is None:
        options.seed = int.from_bytes(os.urandom(3), "big")
    networks = [draw.draw(*which) for which in chosen(options)]
    if options.fresh and not options.only:
        print(f"fresh networks: seed {options.seed}", flush=True)

    scratch = tempfile.TemporaryDirectory(prefix="random_networks-")
    place = pathlib.Path(options.keep or scratch.name).absolute()
    place.mkdir(parents=True, exist_ok=True)
    programs = Programs(place, options.include.absolute(), not options.pytorch)
    programs.compile_comparison()
    count = -(-len(networks) // BATCH)
    count = -(-count // options.jobs) * options.jobs if len(networks) > options.jobs else count
    batches = [batch for k in range(count) if (batch := networks[k::count])]
    compare = compare_with_pytorch if options.pytorch else compare_ways
    totals = {"agrees": 0, "exact": 0, "undecided": 0, "DISAGREES": 0}
    stopped, lock = threading.Event(), threading.Lock()

    def work(k):
        if stopped.is_set():
            return
        program = programs.make(f"batch{k}", batches[k])
        for number, verdict, lines in compare(program, batches[k]):
            network = batches[k][number]
            with lock:
                totals[verdict.split()[0].strip(":,")] += 1
                totals["exact"] += ", exact" in verdict
                name = f"{network.seed}/{network.index}"
                print(f"{name:<12} {network.theme:<12} {verdict}", *lines, sep="\n", flush=True)
                if verdict.startswith("DISAGREES"):
                    print(draw.cpp(network, 0, True), f"repeat it by  tests/random_networks/run.py --only {name}"
                          + " --pytorch" * options.pytorch, sep="\n", flush=True)
                    if options.stop:
                        stopped.set()
            if stopped.is_set():
                return

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(work, k) for k in range(len(batches))]):
            done.result()
    if not options.pytorch:
        print(f"{totals['exact']} of them of whole numbers and equal to the last bit")
    if totals["undecided"]:
        print(f"{totals['undecided']} undecided: a tie within rounding in every draw")
    tried = totals["agrees"] + totals["undecided"] + totals["DISAGREES"]
    if totals["undecided"] > max(1, tried // 20):
        raise Failure("expected at most 5 % undecided")
    print(f"{tried} networks drawn, {totals['DISAGREES']} disagreements")
    return 1 if totals["DISAGREES"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(failure)
        sys.exit(2)
