# SPDX-License-Identifier: MIT
#
# The tables: rows, results.json and the section of docs/performance.md.
import json
import platform
import statistics
import sys
import time
from pathlib import Path

from programs import OUT, text_of

BEGIN, END = "<!-- peers begin -->", "<!-- peers end -->"
TITLES = {"train": "Training the course network", "roofline": "Training against the multiply-add peak",
          "inference": "Inference with the course network", "conv": "Convolutions", "gemm": "Matrix products",
          "others": "Other C++ libraries", "footprint": "Memory and compilation"}
PACKAGES = ["python3-torch", "python3-numpy", "libdnnl-dev", "libopenblas-openmp-dev", "libeigen3-dev",
            "libdlib-dev", "tiny-dnn"]


def row(what, ours, peer, peer_name, bar, less=False):
    """`less`: of these numbers the smaller is the better one."""
    ratio = None
    if ours and peer:
        ratio = peer / ours if less else ours / peer
    return {"what": what, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": ratio, "bar": bar,
            "met": None if bar is None or ratio is None else ratio >= bar}


def mean_row(what, ratios, peer_name, bar):
    mean = statistics.geometric_mean(ratios)
    return {"what": what, "ours": None, "peer": None, "peer_name": peer_name, "ratio": mean, "bar": bar,
            "met": mean >= bar}


def limit_row(what, ours, most):
    """A bar on our own number, without a peer."""
    return {"what": what, "ours": ours, "peer": None, "peer_name": None, "ratio": None, "bar": most,
            "met": ours <= most, "at_most": True}


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"


def table(rows):
    lines = ["| what | fovea | peer | | ratio | bar | |", "|---|---:|---:|---|---:|---:|---|"]
    for r in rows:
        bar = "" if r["bar"] is None else f"{'at most' if r.get('at_most') else 'at least'} {r['bar']:g}"
        met = {None: "", True: "met", False: "**not met**"}[r["met"]]
        ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f}"
        if r["ratio"] is None and r["peer_name"]:
            met = "not measured"
        lines.append(f"| {r['what']} | {number(r['ours'])} | {number(r['peer'])} | {r['peer_name'] or ''} | {ratio} | "
                     f"{bar} | {met} |")
    return "\n".join(lines)


def machine():
    # Virtual machines often hide the product's name; family and model still tell the microarchitecture.
    fact = lambda name: text_of(f"grep -m1 -P '^{name}\\s*:' /proc/cpuinfo | cut -d: -f2")
    cpu = f"{fact('model name')} (family {fact('cpu family')}, model {fact('model')})"
    versions = {}
    for package in PACKAGES:
        version = text_of(f"dpkg-query -W -f='${{Version}}' {package} 2> /dev/null")
        if version:
            versions[package] = version
    runtime = OUT / "node_modules/onnxruntime-node/package.json"
    if runtime.is_file():
        versions["onnxruntime-node"] = json.loads(runtime.read_text())["version"]
        versions["node"] = text_of("node --version").lstrip("v")
    return {"cpu": cpu, "cores": text_of("nproc"), "kernel": platform.release(),
            "isa": " ".join(f for f in ("avx2", "fma", "avx512f", "avx512vl") if f in text_of("cat /proc/cpuinfo")),
            "compiler": text_of("${CXX:-g++} --version | head -1"),
            "flags": "-O3 -march=native -fopenmp -fno-math-errno", "versions": versions}


class Results:
    """Parts that are not measured this time keep the rows they had, with their date and commit."""

    def __init__(self, quick):
        self.quick = quick
        self.file = OUT / ("results-quick.json" if quick else "results.json")
        self.data = json.loads(self.file.read_text()) if self.file.is_file() else {"parts": {}}
        self.data["machine"] = machine()
        missing = OUT / "missing.txt"
        self.data["missing"] = missing.read_text().splitlines() if missing.is_file() else []

    def add(self, name, rows, notes, torch):
        commit = text_of("git describe --always --dirty")
        part = {"date": time.strftime("%Y-%m-%d"), "commit": commit, "load": text_of("cut -d' ' -f1 /proc/loadavg"),
                "rows": rows, "notes": list(notes)}
        if name in ("train", "roofline") and torch:
            part["torch"] = {str(threads): found for threads, found in torch.items()}
        self.data["parts"][name] = part
        self.file.write_text(json.dumps(self.data, indent=1) + "\n")  # a run cut short keeps its parts
        print(table(rows), flush=True)

    def section(self):
        m = self.data["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in m["versions"].items())
        lines = ["## Against other libraries", "",
                 "Measured by `benchmarks/peers/run.sh`, which installs what it compares with and runs the same work in turn",
                 "(A B A B): medians; a ratio above 1 is in fovea's favour. Every peer has its best settings.",
                 "", f"* Machine: {m['cpu']}, {m['cores']} cores, {m['isa']}", f"* Compiler: {m['compiler']}",
                 f"* Flags: `{m['flags']}`", f"* Peers: {versions}"]
        lines += [f"* Left out: {what}." for what in self.data["missing"]]
        for name, title in TITLES.items():
            if name not in self.data["parts"]:
                continue
            part = self.data["parts"][name]
            summary = [r for r in part["rows"] if not r["what"].startswith(("conv ", "product "))]
            details = [r for r in part["rows"] if r not in summary]
            lines += ["", f"### {title}", "", f"{part['date']}, {part['commit']}.", ""]
            lines += [table(summary)] if summary else []
            lines += ["", table(details)] if details else []
            for threads, found in part.get("torch", {}).items():
                lines += ["", f"PyTorch on {threads} thread{'' if threads == '1' else 's'}, images/s of every setting "
                          "that was tried, in its best short run; the fastest setting was then compared:", "",
                          "| layout | Adam | ATen | OpenBLAS | images/s |", "|---|---|---|---|---:|"]
                lines += [f"| {t['layout']} | {t['adam']} | {t['isa']} | {t['blas']} | {number(t['rate'])} |"
                          for t in found["tried"]]
            for note in part["notes"]:
                lines += ["", note]
        return "\n".join(lines)

    def write(self):
        document = OUT / "quick.md" if self.quick else Path("docs/performance.md")
        text = document.read_text() if document.is_file() else f"# Performance\n\n{BEGIN}\n{END}\n"
        if text.count(BEGIN) != 1 or text.count(END) != 1:
            sys.exit(f"{document}: expected the markers {BEGIN} and {END} once each")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        document.write_text(f"{before}{BEGIN}\n{self.section()}\n{END}{after}")
        print(f"Written: {self.file} and {document}")
