#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Puts style, scripts and the compiled library into one page.
#
#   assemble.py explorer.js explorer.wasm index.html [DIRECTORY of MNIST]
import base64, gzip, pathlib, sys

MNIST_DIGITS = 4000
SCRIPTS = ["core", "train", "draw", "maps", "look", "apart", "tiny", "break", "own", "choose", "lesson", "main"]


def packed(data):
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def mnist(directory):
    """The first digits of the training set as two IDX files, one after the other."""
    def read(part):
        for name in (part, part + ".gz"):
            path = pathlib.Path(directory) / name
            if path.exists():
                data = path.read_bytes()
                return gzip.decompress(data) if name.endswith(".gz") else data
        sys.exit(f"explorer: expected {part} in {directory}, found none")
    count = MNIST_DIGITS.to_bytes(4, "big")
    images, labels = read("train-images-idx3-ubyte"), read("train-labels-idx1-ubyte")
    return images[:4] + count + images[8:16 + MNIST_DIGITS * 784] + labels[:4] + count + labels[8:8 + MNIST_DIGITS]


def main(glue, wasm, page, *directory):
    here = pathlib.Path(__file__).resolve().parent
    text = lambda name: (here / name).read_text()
    html = text("index.html")
    parts = {
        "/*STYLE*/": text("style.css"),
        "/*SCRIPT*/": "".join(text(name + ".js").replace("'use strict';\n", "", 0 if name == "core" else 1) for name in SCRIPTS),
        "/*WORKER*/": pathlib.Path(glue).read_text() + "\n" + text("worker.js"),
        "/*WASM*/": packed(pathlib.Path(wasm).read_bytes()),
        "/*MNIST*/": packed(mnist(directory[0])) if directory else "",
    }
    for mark, part in parts.items():
        if html.count(mark) != 1 or "</script" in part or "</style" in part:
            sys.exit(f"explorer: expected one {mark} in the page and no end of a script in what replaces it")
        html = html.replace(mark, part)
    pathlib.Path(page).write_text(html)
    print(f"{page}: {len(html.encode()) / 1e6:.2f} MB")


main(*sys.argv[1:])
