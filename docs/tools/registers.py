#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Counts the instructions of one convolution on AArch64 under emulation, with the tile for 16 vector registers, the
# one for 32, and a narrower one: the table of chapter 14, "Another instruction set".
#
#   docs/tools/registers.py
#
# Needs Debian's g++-aarch64-linux-gnu and qemu-user-static. The emulator runs one instruction at a time and writes
# the address of each; what stands there is read from the disassembly. A count is the difference between a run with
# two forward passes and one with a single one, so that what comes before and after them does not count. In thousands:
# the last digits depend on where the stack begins.
import collections, pathlib, re, shutil, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGISTERS = ("core/simd.hpp", "vector_registers = FOVEA_VECTOR_BYTES == 64 ? 32 : 16;", "vector_registers = 32;")
NARROW = ("kernels/sweep.hpp", "tiles.template operator()<R == 1 ? 8 : 3>();", "tiles.template operator()<R == 1 ? 8 : 2>();")
TILES = {"4 x 3": [], "8 x 3": [REGISTERS], "8 x 2": [REGISTERS, NARROW]}
PROGRAM = """
#include <fovea/fovea.hpp>
using namespace fovea;
int main(int argc, char**) {
  Rng rng{1};
  const auto net = sequential<float>(Shape{16, 16, 16}, rng, conv2d({.out = 32, .kernel = 5, .padding = 2}));
  auto w = net.workspace(1, {.keep = Keep::output, .threads = 1});
  Tensor<float, 4> x(Shape{1, 16, 16, 16});
  for (int pass = 0; pass < argc; ++pass) net.forward(x, w);
}
"""
KINDS = {"multiply-add": r"fmla\b", "load": r"(ld[rpu1]|ldur)", "store": r"(st[rpu1]|stur)"}


def kind(name):
    return next((kind for kind, pattern in KINDS.items() if re.match(pattern, name)), "other")


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def counts(program, *arguments):
    """How often each kind of instruction runs."""
    names = {}
    for line in run("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", program).splitlines():
        if match := re.match(r"\s*([0-9a-f]+):\s+(\S+)", line):
            names[int(match[1], 16)] = kind(match[2])
    emulator = subprocess.Popen(["qemu-aarch64-static", "-singlestep", "-d", "exec,nochain", program, *arguments],
                                stderr=subprocess.PIPE, text=True)
    addresses = collections.Counter()
    for line in emulator.stderr:
        if line.startswith("Trace"):
            addresses[line.split("/")[1]] += 1
    assert emulator.wait() == 0, f"{program}: status {emulator.returncode}"
    found = collections.Counter()
    for address, count in addresses.items():
        found[names.get(int(address, 16), "other")] += count
    return found


def main():
    for tool in ("aarch64-linux-gnu-g++", "qemu-aarch64-static"):
        if not shutil.which(tool):
            sys.exit(f"registers: expected {tool}, found none")
    print("tile", *KINDS, "other", "all", sep="  ")
    for tile, changes in TILES.items():
        with tempfile.TemporaryDirectory() as name:
            here = pathlib.Path(name)
            shutil.copytree(ROOT / "include", here / "include")
            for header, old, new in changes:
                path = here / "include/fovea" / header
                text = path.read_text()
                assert text.count(old) == 1, f"registers: expected '{old}' in {header}"
                path.write_text(text.replace(old, new))
            (here / "conv.cpp").write_text(PROGRAM)
            run("aarch64-linux-gnu-g++", "-std=c++20", "-O3", "-static", "-I", here / "include", here / "conv.cpp",
                "-o", here / "conv")
            two, one = counts(here / "conv", "again"), counts(here / "conv")
            two.subtract(one)
            print(tile, *(f"{count / 1000:,.0f}" for count in (*(two[kind] for kind in (*KINDS, "other")), sum(two.values()))),
                  sep="  ")


if __name__ == "__main__":
    main()
