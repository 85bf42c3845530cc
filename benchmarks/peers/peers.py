#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Runs fovea and its peers in turn and writes results.json and the tables. Started by run.sh, which
# installs and builds everything before.
#
# In turn means A B A B: what else happens on the machine then happens to both. A number in a table is
# the median over the rounds, a ratio is the ratio of two medians, and above 1 is always in our favour.
import argparse
import json
import re
import statistics
import sys
from pathlib import Path

import report
from programs import AVX512, OUT, ROOT, Failed, busy_share, in_turn, measured, numbers, prepare_data, run, text_of

MFLOP_PER_IMAGE = 25.0  # forward 8.5, both gradients, less the first layer's dX, which nothing reads
THREADS = 2
HERE = "benchmarks/peers/"
PYTHON = sys.executable
MNIST_TRAIN = OUT / "fovea/examples/mnist_train"


def rate(epochs):
    """Images/s over all epochs: each epoch has as many images, so times are what is averaged."""
    return statistics.harmonic_mean(epochs)


# --- Training -------------------------------------------------------------------------------------


def torch_env(threads, choice):
    env = {"OMP_NUM_THREADS": threads}
    if AVX512:  # Debian's OpenBLAS does not know newer processors and would fall back
        env["OPENBLAS_CORETYPE"] = "SkylakeX"
    if choice["isa"] != "default":
        env["ATEN_CPU_CAPABILITY"] = choice["isa"]
    libraries = text_of("dirname $(gcc -print-file-name=libm.so.6)") + "/openblas-" + choice["blas"]
    if Path(libraries).is_dir():
        env["LD_LIBRARY_PATH"] = libraries
    return env


def torch_train(setting, threads, limit, choice, epochs=3, env=None):
    answer = measured([PYTHON, HERE + "torch_train.py", setting.mnist, "--threads", threads, "--limit", limit,
                       "--epochs", epochs, "--layout", choice["layout"], "--adam", choice["adam"]],
                      {**torch_env(threads, choice), **(env or {})})
    return rate(answer["rates"])


def best_torch(setting, threads):
    """PyTorch's fastest setting on this machine: tries one alternative of each switch after the other."""
    if threads in setting.best_torch:
        return setting.best_torch[threads]["choice"]
    best = {"layout": "channels_last", "adam": "foreach", "isa": "avx512" if AVX512 else "avx2", "blas": "openmp"}
    other = {"layout": "contiguous", "adam": "plain", "isa": "default", "blas": "pthread"}
    probe = lambda choice: max(torch_train(setting, threads, setting.probe, choice, 2)
                               for _ in range(setting.probes))
    fastest = probe(best)
    tried = [{**best, "rate": fastest}]
    for switch, value in other.items():
        choice = {**best, switch: value}
        speed = probe(choice)
        tried.append({**choice, "rate": speed})
        if speed > fastest:
            best, fastest = choice, speed
    setting.best_torch[threads] = {"choice": best, "tried": tried}
    return best


def mnist_train(setting, threads):
    results = OUT / "out"
    run([MNIST_TRAIN, "--data", setting.mnist, "--epochs", 3, "--threads", threads, "--out", results, "--quiet"],
        {"OMP_NUM_THREADS": threads})
    return rate([e["images_per_second"] for e in json.loads((results / "metrics.json").read_text())["epochs"]])


def train(setting):
    def torch(threads):
        choice = best_torch(setting, threads)
        return lambda: torch_train(setting, threads, setting.limit, choice)

    readme = lambda: run([OUT / "readme/build/first", setting.mnist], {"OMP_NUM_THREADS": THREADS}).seconds
    two, torch2, wall, one, torch1 = in_turn(
        setting.rounds_long, lambda: mnist_train(setting, 2), torch(2), readme, lambda: mnist_train(setting, 1),
        torch(1))
    # The program also loads the data and evaluates after each epoch, and none of that is subtracted.
    torch_seconds = 3 * setting.images / torch2 if torch2 else None
    row = report.row
    return [row("training, 2 threads, images/s", two, torch2, "PyTorch", 4.0),
            row("training, 1 thread, images/s", one, torch1, "PyTorch", 4.0),
            row("training, 2 threads against 1, images/s", two, one, "fovea, 1 thread", 1.9),
            row("README program, whole process against training alone, s", wall, torch_seconds, "PyTorch", 4.0,
                less=True)]


def roofline(setting):
    def ours(name):
        answer = measured([OUT / name, setting.mnist, THREADS, setting.limit, 3], {"OMP_NUM_THREADS": THREADS})
        # The larger of the two peaks: a disturbed peak would flatter us.
        return rate(answer["rates"]), max(answer["peak_before"], answer["peak_after"])

    def torch():
        old = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "OPENBLAS_CORETYPE": "Haswell"}
        return torch_train(setting, THREADS, setting.limit, best_torch(setting, THREADS), env=old)

    names = ["native", "v3", "generic"]
    *runs, torch_rate = in_turn(setting.rounds_long, *[lambda n=n: ours("fovea_train_" + n) for n in names], torch,
                                median=False)
    rows = []
    for name, flags, bar, rounds in zip(names, ["-march=native", "-march=x86-64-v3", "no vector flags"],
                                        [1.5, None, 1.0], runs):
        speed = numbers([r * MFLOP_PER_IMAGE / 1e3 for r, _ in rounds])
        rows.append(report.row(f"training, {flags}, dense GFLOP/s against the peak", speed,
                               numbers([p for _, p in rounds]), "multiply-add peak", bar))
        if name == "v3":
            rows.append(report.row(f"training, {flags}, images/s", numbers([r for r, _ in rounds]),
                                   numbers(torch_rate), "PyTorch with AVX2", 2.0))
    return rows


# --- Inference ------------------------------------------------------------------------------------


def inference(setting):
    run([PYTHON, HERE + "torch_export.py", OUT])
    rows = []
    for batch, bar in [(64, 1.3), (1, 1.0)]:
        env = {"OMP_NUM_THREADS": THREADS}
        ours, peer = in_turn(
            setting.rounds, lambda: measured([OUT / "fovea_infer", OUT, batch, THREADS, setting.seconds * 10], env),
            lambda: measured(["node", HERE + "onnxruntime_infer.js", OUT, batch, THREADS, setting.seconds * 10], env),
            median=False)
        rates = [numbers([answer["rate"] for answer in answers]) for answers in (ours, peer)]
        if ours and peer:
            pairs = list(zip(ours[0]["logits"], peer[0]["logits"]))
            far = max(abs(a - b) for a, b in pairs) / max(abs(b) for _, b in pairs)
            if len(pairs) != batch * 10 or not far < 1e-4:
                raise Failed(f"fovea and ONNX Runtime disagree about the logits by {far:.2g} of the largest")
            setting.note(f"Inference, batch {batch}: both give the same logits, to {far:.1g} of the largest.")
        rows.append(report.row(f"inference, batch {batch}, images/s", *rates, "ONNX Runtime", bar))
        if batch == 1 and peer:
            overhead = statistics.median(answer["overhead_us"] for answer in peer)
            alone = 1e6 / (1e6 / rates[1] - overhead)
            rows.append(report.row(f"the same less the {overhead:.0f} us of an empty call", rates[0], alone,
                                   "ONNX Runtime", None))
    return rows


# --- Kernels --------------------------------------------------------------------------------------


def standard_shapes(name):
    """The list in bench_kernels.cpp, so that both programs measure the same."""
    source = (ROOT / "benchmarks/bench_kernels.cpp").read_text()
    return re.findall(r'"([\d,]+)"', re.search(name + r"\{(.*?)\};", source, re.S).group(1))


def conv(setting):
    passes = ["fwd", "dw", "dx"]
    env = {"OMP_NUM_THREADS": THREADS}
    rows, ratios = [], []

    def ours(shape, gflop):
        file = OUT / "conv.json"
        run([OUT / "fovea/benchmarks/bench_kernels", "--threads", THREADS, "--conv", shape, "--json", file,
             "--benchmark_filter=^conv/", f"--benchmark_min_time={setting.seconds}"], env)
        found = {}
        for benchmark in json.loads(file.read_text())["benchmarks"]:
            # From the time and not from a counter: the ratio is then one of times, whatever is counted.
            scale = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}[benchmark["time_unit"]]
            found[benchmark["name"].split("/")[1]] = gflop / (benchmark["real_time"] * scale)
        return found

    for shape in standard_shapes("standard_convs")[:setting.shapes]:
        N, C, H, W, O, KH, KW, stride, pad, dilation, groups = map(int, shape.split(","))
        extent = lambda size, kernel: (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        gflop = 2e-9 * N * O * extent(H, KH) * extent(W, KW) * (C // groups) * KH * KW
        mine, theirs = in_turn(setting.rounds, lambda: ours(shape, gflop),
                               lambda: measured([OUT / "onednn_conv", shape, setting.seconds], env), median=False)
        for p in passes:
            entry = report.row(f"conv {p} {shape}, GFLOP/s", numbers([r[p] for r in mine]),
                               numbers([r[p] for r in theirs]), "oneDNN", 0.5)
            rows.append(entry)
            if entry["ratio"]:
                ratios.append(entry["ratio"])
    if ratios:
        rows.insert(0, report.mean_row(f"convolution, geometric mean of {len(ratios)} passes", ratios, "oneDNN", 0.9))
        rows.insert(1, report.mean_row("convolution, the worst pass", [min(ratios)], "oneDNN", 0.5))
    return rows


def gemm(setting):
    shapes = standard_shapes("standard_gemms")[:setting.shapes]
    rows, ratios = [], {"OpenBLAS": [], "Eigen": []}
    for threads in (2, 1):
        env = {"OMP_NUM_THREADS": threads, **({"OPENBLAS_CORETYPE": "SkylakeX"} if AVX512 else {})}
        for entry in measured([OUT / "gemm_peers", threads, 2 * setting.rounds - 1, setting.seconds / 5, *shapes], env):
            for peer in ratios:
                row = report.row(f"product {entry['shape']}, {threads} thread{'s' * (threads > 1)}, GFLOP/s", entry["ours"],
                                 entry[peer.lower()], peer, None)
                rows.append(row)
                ratios[peer].append(row["ratio"])
    means = [report.mean_row(f"matrix product, geometric mean of {len(r)}", r, peer, 1.0) for peer, r in ratios.items()]
    return means + sorted(rows, key=lambda row: row["peer_name"] != "OpenBLAS")


# --- The rest -------------------------------------------------------------------------------------


def others(setting):
    rows = []
    for peer, program, images in [("dlib", "dlib_train", 640), ("tiny-dnn", "tiny_dnn_train", 320)]:
        env = {"OMP_NUM_THREADS": THREADS, "OPENBLAS_NUM_THREADS": THREADS,
               **({"OPENBLAS_CORETYPE": "SkylakeX"} if AVX512 else {})}
        ours = lambda: rate(measured([OUT / "fovea_train_native", setting.mnist, THREADS, images, 3], env)["rates"])
        theirs = lambda: measured([OUT / program, setting.mnist, images], env)["rate"]
        rows.append(report.row("training, images/s", *in_turn(setting.rounds_long, ours, theirs), peer, None))
    return rows


def footprint(setting):
    whole = run([MNIST_TRAIN, "--data", setting.data, "--threads", THREADS, "--out", OUT / "out", "--quiet"] +
                (["--limit", 2000] if setting.quick else []), {"OMP_NUM_THREADS": THREADS})
    command = ["g++", "-std=c++20", "-O3", "-march=native", "-fno-math-errno", "-fopenmp", "-I", "include", "-I",
               "/usr/include/eigen3", "examples/06_train_mnist.cpp", "-o", OUT / "first"]
    compiled = [run(command) for _ in range(setting.rounds_long)]
    limit = report.limit_row
    return [limit("peak memory of mnist_train, MB", whole.megabytes, 120),
            limit("compiling the README program with -O3, s", statistics.median(c.seconds for c in compiled), 6),
            limit("compiling the README program with -O3, peak memory, MB",
                  statistics.median(c.megabytes for c in compiled), 500)]


class Setting:
    """How much to measure, and what was noticed on the way."""

    def __init__(self, options):
        self.quick = quick = options.quick
        self.data = options.data
        self.mnist, self.images = prepare_data(options.data, 2000 if quick else None)
        self.limit = 1000 if quick else 20000    # images per epoch for PyTorch
        self.probe, self.probes = (500, 1) if quick else (3000, 2)
        self.rounds, self.rounds_long = (1, 1) if quick else (5, 3)
        self.seconds = 0.02 if quick else 0.1    # how long a kernel is timed in one round
        self.shapes = 3 if quick else None       # how many of the standard shapes
        self.best_torch, self.notes = {}, []

    def note(self, text):
        print("  " + text, flush=True)
        self.notes.append(text)


def main():
    parts = {f.__name__: f for f in (train, roofline, inference, conv, gemm, others, footprint)}
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--only", default=",".join(parts))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()

    setting = Setting(options)
    results = report.Results(quick=options.quick)
    for name in options.only.split(","):
        print(f"Measuring: {name}", flush=True)
        setting.notes = []
        busy = busy_share()
        if busy > 0.1:
            setting.note(f"Others used {100 * busy:.0f} % of the machine when this part began: measure it again.")
        try:
            rows = parts[name](setting)
        except Failed as error:
            rows = []
            setting.note(f"{name} could not be measured: {error}")
        results.add(name, rows, setting.notes, setting.best_torch)
    results.write()


main()
