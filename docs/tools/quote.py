#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Keeps what the book quotes equal to what it quotes from. A page is plain Markdown and reads well by
# itself; a comment above a fenced block says where the block comes from:
#
#   <!-- quote include/fovea/nn/relu.hpp: void forward( -->              from the one line that has these
#                                                                        words to the end of its braces
#   <!-- quote include/fovea/nn/relu.hpp: // forward ... // backward --> from the one line to the next
#                                                                        line with those words
#   <!-- program docs/programs/relu.cpp -->                              a whole program, less its head
#   <!-- output docs/programs/relu.cpp -->                               what it prints
#
#   docs/tools/quote.py [PAGE.md ...]                     writes the blocks of the book and of README
#   docs/tools/quote.py --check                           says which differ; exit status 1 if one does
#   docs/tools/quote.py --programs DIR [--check]          runs the programs built in DIR for their output
#
# Words that are gone from a header, or stand there twice, are an error: a quotation never drifts.
import argparse, itertools, pathlib, re, subprocess, sys, textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^<!-- (quote|program|output) (.+?) -->\n```(\w*)\n(.*?)^```$", re.M | re.S)


class Wrong(Exception):
    pass


def region(path, words):
    """The lines of a file that `words` names, moved to the left margin."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    start, _, end = words.partition(" ... ")
    found = [i for i, line in enumerate(lines) if start in line]
    if len(found) != 1:
        raise Wrong(f"expected one line with '{start}' in {path}, found {len(found)}")
    first = found[0]
    if end:
        last = next((i for i in range(first + 1, len(lines)) if end in lines[i]), None)
    else:
        last = end_of_braces(lines, first)
    if last is None:
        raise Wrong(f"expected a line with '{end or '}'}' after '{start}' in {path}, found none")
    while first > 0 and re.match(r" *template *<.*> *$", lines[first - 1]):
        first -= 1
    return textwrap.dedent("\n".join(lines[first:last + 1])) + "\n"


def end_of_braces(lines, first):
    """The line where the statement that begins at `first` is over."""
    depth = 0
    for i in range(first, len(lines)):
        code = re.sub(r'"(\\.|[^"\\])*"|//.*', "", lines[i])
        depth += sum(code.count(c) for c in "{(") - sum(code.count(c) for c in "})")
        if depth <= 0 and code.rstrip().endswith((";", "}")):
            return i
    return None


def program(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    return re.sub(r"^// SPDX.*\n(//\n(//.*\n)*)?", "", text)


def output(path, programs):
    try:
        run = subprocess.run([programs / pathlib.Path(path).stem], capture_output=True, text=True)
    except OSError as error:
        raise Wrong(f"expected a program made from {path} in {programs}: {error.strerror}")
    if run.returncode:
        raise Wrong(f"expected exit status 0 from {path}, found {run.returncode}: {run.stderr.strip()}")
    return run.stdout


def refreshed(text, programs):
    """The page with every block as it should be."""
    def block(match):
        kind, what, language, old = match.groups()
        path, _, words = what.partition(": ")
        if not (ROOT / path).is_file():
            raise Wrong(f"expected a file, found none at {path}")
        if kind == "quote":
            new = region(path, words)
        elif kind == "program":
            new = program(path)
        else:
            new = output(path, programs) if programs else old
        return f"<!-- {kind} {what} -->\n```{language}\n{new}```"

    return BLOCK.sub(block, text)


def check_programs(text):
    """Every whole program stands under a comment that says where it comes from."""
    for block in re.findall(r"(?:^<!-- program .+ -->\n)?^```cpp\n.*?^```$", text, re.M | re.S):
        if "int main(" in block and not block.startswith("<!-- program"):
            raise Wrong("expected <!-- program FILE --> above a whole program, found none")


def main():
    parser = argparse.ArgumentParser(description="Keeps what the book quotes equal to its sources.")
    parser.add_argument("pages", nargs="*", type=pathlib.Path, metavar="PAGE.md")
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    parser.add_argument("--programs", type=pathlib.Path, metavar="DIR", help="the programs, built")
    options = parser.parse_args()
    wrong = blocks = 0
    for page in options.pages or [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        asked = len(re.findall(r"^<!-- (?:quote|program|output) ", text, re.M))
        blocks += asked
        try:
            if asked != len(BLOCK.findall(text)):
                raise Wrong("expected a fenced block right after every comment that asks for one")
            if page.name != "README.md" or page.parent != ROOT:  # tests/house has that one
                check_programs(text)
            new = refreshed(text, options.programs)
        except Wrong as error:
            print(f"{page.name}: {error}")
            wrong += 1
            continue
        if new == text:
            continue
        if options.check:
            lines = itertools.zip_longest(text.splitlines(), new.splitlines(), fillvalue="the end")
            old, want = next((a, b) for a, b in lines if a != b)
            print(f"{page.name}: expected '{want.strip()}', found '{old.strip()}'")
            wrong += 1
        else:
            page.write_text(new, encoding="utf-8")
            print(f"{page.name}: brought up to date")
    print(f"quote: {blocks} blocks, {wrong} pages wrong" if wrong else f"quote: {blocks} blocks are what they quote")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
