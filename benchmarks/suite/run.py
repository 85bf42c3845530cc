#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the networks of the suite against PyTorch and ONNX Runtime, in turn, and writes docs/suite.md.

    benchmarks/suite/run.py [--networks vgg,cifar] [--rounds 5] [--seconds 2] [--threads 1,2] [--to FILE]

bench_suite must be built: cmake --build build/release --target bench_suite. The peers are what is there of Debian's
python3-torch and, in the Python that PEER_PYTHON names, another torch and onnxruntime:

    python3 -m venv build/peers/venv && build/peers/venv/bin/pip install torch onnx onnxruntime
    PEER_PYTHON=build/peers/venv/bin/python benchmarks/suite/run.py

Every figure is the median of the rounds, and in a round everything has its turn, so that a machine that becomes
slower is slower for all. PyTorch runs in both layouts of memory, and the better one counts.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NETWORKS = {"lenet5": 64, "course": 64, "vgg": 64, "resnet8": 128, "resnet20": 128, "mobile": 128, "cifar": 250}
TITLES = {"lenet5": "LeNet-5", "course": "course CNN", "vgg": "VGG", "resnet8": "ResNet-8", "resnet20": "ResNet-20",
          "mobile": "depthwise separable", "cifar": "CIFAR network"}


def run(*command):
    """The JSON that a command prints, or nothing if it cannot run."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    try:
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return None


class Peer:
    """A library in a Python, and what it is called."""

    def __init__(self, python, module):
        self.python, self.module = python, module
        done = subprocess.run([python, "-c", f"import {module}; print({module}.__version__)"], capture_output=True,
                              text=True)
        self.version = done.stdout.strip().split("+")[0] if done.returncode == 0 else None

    def __bool__(self):
        return self.version is not None


def medians(rounds, calls):
    """The median of each call, taken in turn; None for what does not run."""
    found = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            result = call()
            if result is not None:
                found[name].append(result["images_per_second"])
    return {name: statistics.median(values) if values else None for name, values in found.items()}


def number(value):
    return "-" if value is None else f"{value:,.0f}".replace(",", " ")


def ratio(a, b):
    return "-" if not a or not b else f"{a / b:.2f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", default=",".join(NETWORKS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--bench", default=ROOT / "build/release/benchmarks/bench_suite")
    parser.add_argument("--to", default=ROOT / "docs/suite.md")
    options = parser.parse_args()
    names = options.networks.split(",")
    unknown = [name for name in names if name not in NETWORKS]
    if unknown or not pathlib.Path(options.bench).exists():
        sys.exit(f"run.py: there is no network {unknown[0]}" if unknown else
                 f"run.py: expected {options.bench}, found nothing; build bench_suite")

    new = os.environ.get("PEER_PYTHON")
    torches = [peer for peer in (Peer("/usr/bin/python3", "torch"), new and Peer(new, "torch")) if peer]
    onnx = Peer(new, "onnxruntime") if new else None
    peak = run(options.bench, "peak", "-", 1, max(int(n) for n in options.threads.split(",")))
    threads = [int(n) for n in options.threads.split(",")]

    training, prediction = [], []
    for name in names:
        for count in threads:
            arguments = (NETWORKS[name], count, options.seconds)
            calls = {"fovea": lambda: run(options.bench, name, "train", *arguments)}
            for peer in torches:
                for layout in "contiguous", "channels_last":
                    calls[peer.python, layout] = lambda p=peer, l=layout: run(
                        p.python, HERE / "torch_suite.py", name, "train", *arguments, "--layout", l)
            found = medians(options.rounds, calls)
            best = [max((found[peer.python, l] or 0 for l in ("contiguous", "channels_last"))) for peer in torches]
            one = run(options.bench, name, "train", 1, 1, 0.01)
            if one is None or found["fovea"] is None:
                sys.exit(f"run.py: expected images/s of {name}, found none; try {options.bench} {name} train 1 1")
            work = one["gflop_per_image"]
            share = found["fovea"] * work / (peak["gflops"] / max(threads) * count)
            training.append([TITLES[name], count, NETWORKS[name], number(found["fovea"]), f"{share:.2f}",
                             *(number(b) for b in best), ratio(found["fovea"], max(best, default=0))])
            print("train", *training[-1], flush=True)
        if onnx:
            file = ROOT / f"build/peers/{name}.onnx"
            file.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run([new, HERE / "torch_suite.py", name, "export", file], capture_output=True)
            for batch in 1, 64:
                found = medians(options.rounds, {
                    "fovea": lambda: run(options.bench, name, "predict", batch, max(threads), options.seconds),
                    "onnx": lambda: run(new, HERE / "onnx_suite.py", file, batch, max(threads), options.seconds)})
                prediction.append([TITLES[name], batch, number(found["fovea"]), number(found["onnx"]),
                                   ratio(found["fovea"], found["onnx"])])
                print("predict", *prediction[-1], flush=True)

    def table(head, rows):
        lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])

    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True).stdout
    versions = " and ".join(peer.version for peer in torches)
    pathlib.Path(options.to).write_text(f"""# The suite: seven networks against PyTorch and ONNX Runtime

Written by `benchmarks/suite/run.py` on {cpu}, {max(threads)} threads, multiply-add peak {peak["gflops"]:.0f} GFLOP/s, commit {commit.strip()}.
Each figure is the median of {options.rounds} rounds of {options.seconds:g} s, everything in turn. The networks are those of
`benchmarks/suite/networks.hpp`; images are random numbers.

## Training, images/s

A step is forward, cross-entropy, backward and SGD with Nesterov's momentum. *Roofline* is the work that a direct convolution would
have, three times forward, at images/s over the multiply-add peak: above 1 the network trains faster than the processor could
multiply, if nothing were saved. PyTorch {versions or "(none)"} in the better of two memory layouts.

{table(["network", "threads", "batch", "fovea", "roofline", *(f"PyTorch {peer.version}" for peer in torches), "fovea / best"], training)}

## Prediction, images/s, {max(threads)} threads

{table(["network", "batch", "fovea", f"ONNX Runtime {onnx.version}", "ratio"], prediction) if onnx else "Not measured: no onnxruntime."}
""")
    print(f"written to {options.to}")


main()
