# SPDX-License-Identifier: MIT
#
# Running programs: their answers, their times, their memory, and the data they read.
import gzip
import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = Path("build/peers")  # every program runs in the root of the checkout
AVX512 = "avx512f" in Path("/proc/cpuinfo").read_text()
os.chdir(ROOT)


class Failed(Exception):
    """A program is missing or did not do its work; the other parts go on."""


@dataclass
class Finished:
    output: str
    seconds: float
    megabytes: float


def run(command, env=None):
    """Runs a program to its end; wall time and peak memory are those of it and its children."""
    words = [str(word) for word in command]
    log = OUT / "stderr.log"
    start = time.perf_counter()
    try:
        with log.open("w") as errors:
            process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True,
                                       env={**os.environ, **{k: str(v) for k, v in (env or {}).items()}})
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    except FileNotFoundError:
        raise Failed(f"{words[0]} is missing") from None
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        reason = log.read_text().strip().splitlines()[-1:] or ["without a word"]
        raise Failed(f"{Path(words[0]).name} {Path(words[1]).name if len(words) > 1 else ''} ended with "
                     f"{process.returncode}: {reason[0]}")
    return Finished(output, seconds, usage.ru_maxrss / 1e3)


def measured(command, env=None):
    return json.loads(run(command, env).output)


def in_turn(rounds, *jobs, median=True):
    """A B A B ...: the results of each job, or their median; None or [] for one that cannot run."""
    results = [[] for _ in jobs]
    broken = {}
    for _ in range(rounds):
        for i, job in enumerate(jobs):
            if i in broken:
                continue
            try:
                results[i].append(job())
            except Failed as error:
                broken[i] = True
                print(f"  left out: {error}", flush=True)
    return [numbers(r) for r in results] if median else results


def numbers(values):
    return statistics.median(values) if values else None


def text_of(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return done.stdout.strip()


def busy_share():
    """How much of the machine others use now: two threads on two cores wait for each other's time slices."""
    def sample():
        times = [int(t) for t in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return sum(times), times[3] + times[4]  # the fourth and fifth are idle and waiting for a disk
    all_before, idle_before = sample()
    time.sleep(1)
    all_after, idle_after = sample()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def prepare_data(directory, limit):
    """Unpacked IDX files under their usual names, with only the first `limit` images if `limit` is given."""
    target = OUT / ("mnist" if limit is None else "mnist-quick")
    target.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        for kind, ending, header, size in (("images", "idx3-ubyte", 16, 784), ("labels", "idx1-ubyte", 8, 1)):
            found = [Path(directory) / f"{part}-{kind}{joint}{ending}{gz}" for gz in ("", ".gz") for joint in "-."]
            found = [path for path in found if path.is_file()]
            if not found:
                raise SystemExit(f"{directory}: expected {part}-{kind}-{ending}, found no such file")
            content = (gzip.open if found[0].suffix == ".gz" else open)(found[0], "rb").read()
            count = int.from_bytes(content[4:8], "big")
            if limit:
                count = min(count, limit)
                content = content[:4] + count.to_bytes(4, "big") + content[8:header + count * size]
            (target / f"{part}-{kind}-{ending}").write_bytes(content)
            if part == "train":
                images = count
    return target, images
