#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Follows chapter 15 to the letter: saves its program under the name that the chapter gives, beside a
# clone, types its command, and compares what comes out. The layer and its check take under 40 lines.
#
#   as_printed.py SOURCE_DIR CXX
import os, pathlib, re, shutil, subprocess, sys, tempfile

source, compiler = pathlib.Path(sys.argv[1]).resolve(), shutil.which(sys.argv[2])  # not the name below
page = (source / "docs/book/15_your_own_layer.md").read_text(encoding="utf-8")


def block(language, has):
    found = [b for b in re.findall(rf"^```{language}\n(.*?)^```$", page, re.M | re.S) if has in b]
    assert len(found) == 1, f"expected one block with {has}, found {len(found)}"
    return found[0]


program, command = block("cpp", "int main("), block("sh", "g++")
output = block("text", "the gradient is")
code = [line for line in program.splitlines() if line.strip() and not line.startswith("//")]
assert len(code) < 40, f"expected a program of under 40 lines, found {len(code)}"
with tempfile.TemporaryDirectory() as directory:
    (pathlib.Path(directory) / "fovea").symlink_to(source)
    (pathlib.Path(directory) / re.search(r"(\w+\.cpp)", command)[1]).write_text(program, encoding="utf-8")
    # The compiler at hand answers to the name in the command.
    names = pathlib.Path(directory) / "bin"
    names.mkdir()
    (names / "g++").write_text(f'#!/bin/sh\nexec "{compiler}" "$@"\n')
    (names / "g++").chmod(0o755)
    run = subprocess.run(["sh", "-e", "-c", command], cwd=directory, capture_output=True, text=True,
                         env=os.environ | {"PATH": f"{names}:{os.environ['PATH']}"})
assert run.returncode == 0, run.stderr
assert run.stdout == output, f"expected\n{output}\nfound\n{run.stdout}"
