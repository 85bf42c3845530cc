#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# The tools of the book find what they are there to find: a quotation that drifted, words that are gone
# or stand twice, a program that prints something else, a link that leads nowhere.
import pathlib, subprocess, sys, tempfile

tools = pathlib.Path(__file__).resolve().parents[2] / "docs/tools"


def run(tool, *arguments):
    result = subprocess.run([sys.executable, tools / tool, *arguments], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def page(text):
    path = directory / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def quote(what, body, language="cpp"):
    return page(f"# A page\n\n<!-- {what} -->\n```{language}\n{body}```\n")


with tempfile.TemporaryDirectory() as name:
    directory = pathlib.Path(name)
    relu = "quote include/fovea/nn/relu.hpp: "

    # What is missing is written, and then it is right; a changed letter is found.
    fresh = quote(relu + "void backward(", "")
    assert run("quote.py", "--check", fresh)[0] == 1
    assert run("quote.py", fresh)[0] == 0 and "T{0}" in fresh.read_text()
    assert run("quote.py", "--check", fresh)[0] == 0
    drifted = page(fresh.read_text().replace("T{0}", "T{1}"))
    status, words = run("quote.py", "--check", drifted)
    assert status == 1 and "expected" in words and "T{1}" in words, words

    for what, expected in [(relu + "void sideways(", "found 0"), (relu + "Index", "found "),
                           ("quote include/fovea/nn/no.hpp: x", "found none"),
                           (relu + "void backward( ... nowhere", "found none")]:
        status, words = run("quote.py", "--check", quote(what, ""))
        assert status == 1 and expected in words and "Traceback" not in words, words
    status, words = run("quote.py", "--check", page(f"<!-- {relu}void backward( -->\n\ntext\n"))
    assert status == 1 and "fenced block" in words, words
    status, words = run("quote.py", "--check", page("```cpp\nint main() {}\n```\n"))
    assert status == 1 and "whole program" in words, words

    # A program that prints something else, and one that is not there.
    (directory / "01_tensors").write_text("#!/bin/sh\necho 42\n")
    (directory / "01_tensors").chmod(0o755)
    for body, expected in [("42\n", 0), ("43\n", 1), ("42\n42\n", 1)]:
        printed = quote("output docs/programs/01_tensors.cpp", body, "text")
        assert run("quote.py", "--check", "--programs", directory, printed)[0] == expected
    status, words = run("quote.py", "--check", "--programs", directory,
                        quote("output docs/programs/02_networks.cpp", "", "text"))
    assert status == 1 and "expected a program" in words, words

    good = page("# One word\n\n[here](#one-word) [there](page.md#one-word) [far](https://example.org)\n")
    assert run("links.py", good)[0] == 0
    for link in ("#two-words", "none.md", "page.md#two"):
        status, words = run("links.py", page(f"# One word\n\n[broken]({link})\n"))
        assert status == 1 and link in words, words
    (directory / "page.html").write_text('<p id="a"><a href="#a">x</a> <img src="none.png"></p>')
    status, words = run("links.py", directory / "page.html")
    assert status == 1 and "none.png" in words and "1 broken" in words, words
print("the tools of the book find what they should")
