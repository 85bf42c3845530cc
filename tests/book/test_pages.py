#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README, CONTRIBUTING and the pages of docs/ keep their word, block by block.

    test_pages.py BUILD_DIR CXX

Every fenced block of these pages has a check below, and a block that has none fails, so that nobody adds one
that nothing looks at. (docs/book is read by docs/tools/quote.py and as_printed.py.) Commands, in blocks and
in the text, are compared with what the programs say of themselves: each program must be there, and each of
its options in its --help.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD, CXX = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"`((?:scripts/|benchmarks/|build/|cmake |ctest |mnist_|bench_)[^`]*)`")


def run(command, directory, **options):
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def known_options(program):
    """The text in which an option of this program must occur, or None if there is no such program."""
    if (script := ROOT / program).is_file() and script.read_bytes().startswith(b"#!"):
        return script.read_text() if os.access(script, os.X_OK) else None
    places = [BUILD / part / pathlib.Path(program).name for part in ("examples", "benchmarks", "tests")]
    built = next((place for place in places if place.is_file()), None)
    return built and run([built, "--help"], ROOT)


def check_command(line):
    """A line for a shell: programs that are there, options that they have."""
    presets = json.loads((ROOT / "CMakePresets.json").read_text())
    for command in re.split(r"\||&&", line.split(" #")[0]):
        words = shlex.split(command)
        while words and "=" in words[0]:
            del words[0]  # a variable for the command
        program, options = words[0], [word.split("=")[0] for word in words[1:] if word.startswith("--")]
        if program in ("cmake", "ctest"):
            kind = "testPresets" if program == "ctest" else "buildPresets" if "--build" in words else "configurePresets"
            if "--preset" in words:
                name = words[words.index("--preset") + 1]
                assert name in [preset["name"] for preset in presets[kind]], f"{line}: no preset {name} in {kind}"
            if "--target" in words:
                target = words[words.index("--target") + 1]
                named = "".join((ROOT / place / "CMakeLists.txt").read_text() for place in (".", "tests"))
                assert target in named, f"{line}: no target {target}"
        elif program != "camera":  # somebody's own
            said = known_options(program)
            assert said is not None, f"{line}: there is no {program}"
            for option in options:
                assert re.search(rf"{option}\b", said), f"{line}: {program} has no {option}"


def shell(text):
    for line in text.splitlines():
        check_command(line)


def readme_program(text):
    assert text == (ROOT / "examples/06_train_mnist.cpp").read_text(), "README's program is not that of examples"


def readme_project(text):
    """Its CMake file and its line for g++, beside a clone; the program runs and learns."""
    readme = (ROOT / "README.md").read_text()
    line = re.search(r"`(g\+\+ [^`]*first\.cpp -o first)`", readme)[1]
    with tempfile.TemporaryDirectory() as directory:
        here = pathlib.Path(directory)
        (here / "fovea").symlink_to(ROOT)
        (here / "first.cpp").write_text((ROOT / "examples/06_train_mnist.cpp").read_text())
        (here / "CMakeLists.txt").write_text(text)
        run(["cmake", "-B", "build", f"-DCMAKE_CXX_COMPILER={CXX}"], here)
        run(["cmake", "--build", "build"], here)
        printed = run([here / "build/first"], here, env=os.environ | {"OMP_WAIT_POLICY": "passive"})
        assert re.search(r"epoch 3: (9\d|100)", printed), f"README's program does not learn:\n{printed}"
        run([CXX, *shlex.split(line)[1:], "-fsyntax-only"], here)


def contributed_test(text):
    """Step 10 to the letter: the block in tests/nn/test_layers.cpp, with the layer of the fourth example."""
    layer = (ROOT / "examples/04_your_own_layer.cpp").read_text()
    layer = layer[layer.index("struct Softsign"):layer.index("int main")]
    with tempfile.TemporaryDirectory() as directory:
        here = pathlib.Path(directory)
        tests = (ROOT / "tests/nn/test_layers.cpp").read_text()
        (here / "test.cpp").write_text(f"{tests}\n{layer}\n{text}")
        run([CXX, "-std=c++20", "-w", f"-I{ROOT}/include", f"-I{ROOT}/tests", ROOT / "tests/main.cpp", "test.cpp",
             "-o", "test"], here)
        printed = run([here / "test", "--test-case=softsign: gradients"], here)
        assert "1 passed" in printed, f"CONTRIBUTING's test does not run:\n{printed}"


def rooms(text):
    """The plan of include/fovea names every room and nothing else."""
    named = set(re.findall(r"^  (\w[\w.]*/?)(?:  |$)", text, re.M))
    there = {entry.name + "/" * entry.is_dir() for entry in (ROOT / "include/fovea").iterdir()}
    assert named == there, f"architecture.md names {named - there} too much and {there - named} too little"


def folders(text):
    """The plan of examples names every folder and no other."""
    named = set(re.findall(r"^  (\w+/)  ", text, re.M))
    there = {entry.name + "/" for entry in (ROOT / "examples").iterdir() if entry.is_dir()}
    assert named == there, f"architecture.md names {named - there} too much and {there - named} too little"


def images_program(text):
    """The lines of docs/images.md compile in a program; tests/images runs what they call."""
    includes, lines = text.split("\n\n", 1)
    with tempfile.TemporaryDirectory() as directory:
        here = pathlib.Path(directory)
        (here / "main.cpp").write_text(f"#include <cstdio>\n{includes}\nusing namespace fovea;\nint main() {{\n{lines}}}\n")
        run([CXX, "-std=c++20", "-Wall", "-Wextra", f"-I{ROOT}/include", "-fsyntax-only", "main.cpp"], here)


# Programs and what they print are compared with the files by docs/tools/quote.py.
QUOTED = re.compile(r"^<!-- (?:program|output) \S+ -->\n```.*?\n```$", re.M | re.S)

# (page, language, what the block begins with): its check
CHECKS = {
    ("README.md", "sh", "scripts/quickstart.sh"): shell,
    ("README.md", "cpp", "// SPDX"): readme_program,
    ("README.md", "cmake", "cmake_minimum_required"): readme_project,
    ("CONTRIBUTING.md", "cpp", "TEST_CASE"): contributed_test,
    ("CONTRIBUTING.md", "sh", "cmake --preset release"): shell,
    ("docs/architecture.md", "", "include/fovea/"): rooms,
    ("docs/architecture.md", "", "examples/"): folders,
    ("docs/architecture.md", "sh", "cmake --preset tsan"): shell,
    ("docs/images.md", "cpp", "#include"): images_program,
    ("docs/performance.md", "", "build/release/"): shell,
    ("docs/predicting.md", "sh", "mnist_predict"): shell,
    ("docs/seeing.md", "", "scripts/quickstart.sh"): shell,
}


def main():
    blocks = commands = 0
    for script in ROOT.glob("*/**/*.[ps][yh]"):
        if "build" not in script.relative_to(ROOT).parts and script.read_bytes().startswith(b"#!"):
            assert os.access(script, os.X_OK), f"{script.relative_to(ROOT)}: expected a script that may be run, found one that may not"
    for page in PAGES:
        name, text = page.relative_to(ROOT).as_posix(), QUOTED.sub("", page.read_text())
        assert text.count("\n```") % 2 == 0, f"{name}: a block that does not end"
        for language, block in FENCE.findall(text):
            found = [check for (where, kind, start), check in CHECKS.items()
                     if (where, kind) == (name, language) and block.startswith(start)]
            assert len(found) == 1, f"{name}: {len(found)} checks for the block that begins with {block[:40]!r}"
            found[0](block)
            blocks += 1
        for command in COMMAND.findall(FENCE.sub("", text)):
            if command.endswith(".html"):
                assert any(command in script.read_text() for script in (ROOT / "scripts").glob("*.sh")), f"{name}: no script makes {command}"
            elif not (ROOT / command).exists():  # a path is what it is
                check_command(command.replace("\n", " "))
                commands += 1
    assert blocks == len(CHECKS), f"expected {len(CHECKS)} blocks, found {blocks}"
    print(f"{blocks} blocks and {commands} commands in {len(PAGES)} pages are as they say")


if __name__ == "__main__":
    try:
        main()
    except AssertionError as error:
        sys.exit(f"test_pages: {error}")
