#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs on a terminal: the progress line fits, and leaves nothing behind, whatever the width is.

    tests/programs/test_terminal.py mnist_train write_idx

A pseudo-terminal has a width, and a screen is made of what comes out of it: letters, and the few control
sequences that the programs use; another one is an error. Two kinds of screen are tried, as real ones differ: when
their width changes one cuts its lines, the other breaks them anew. Status 77 without pseudo-terminals.
"""
import fcntl
import os
import pathlib
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios

try:
    import pty
except ImportError:
    print("skipped: no pseudo-terminals")
    sys.exit(77)


class Screen:
    """Lines of cells. A line that goes on in the next one is marked, as terminals do that break lines anew."""

    def __init__(self, columns, reflows):
        self.columns, self.reflows = columns, reflows
        self.lines, self.goes_on = [[]], [False]
        self.row = self.column = 0
        self.sequences = set()

    def resize(self, columns):
        if self.reflows:
            logical, at = [[]], 0
            for i, line in enumerate(self.lines):
                if i == self.row:
                    cursor = (len(logical) - 1, len(logical[-1]) + self.column)
                logical[-1] = logical[-1] + line
                if not self.goes_on[i] and i + 1 < len(self.lines):
                    logical.append([])
            self.lines, self.goes_on = [], []
            for i, line in enumerate(logical):
                pieces = [line[k:k + columns] for k in range(0, len(line), columns)] or [[]]
                if i == cursor[0]:
                    self.row = len(self.lines) + min(cursor[1] // columns, len(pieces) - 1)
                    self.column = cursor[1] % columns
                self.lines += pieces
                self.goes_on += [True] * (len(pieces) - 1) + [False]
        else:
            self.lines = [line[:columns] for line in self.lines]
            self.column = min(self.column, columns - 1)
        self.columns = columns

    def feed(self, text):
        for sequence, letter in re.findall(r"(\033\[[0-9;?]*[A-Za-z])|([^\033])", text):
            if sequence:
                self.sequences.add(sequence)
                if sequence == "\033[J":
                    self.lines[self.row] = self.lines[self.row][:self.column]
                    del self.lines[self.row + 1:], self.goes_on[self.row + 1:]
                    self.goes_on[self.row] = False
                else:
                    raise AssertionError(f"an unknown control sequence: {sequence!r}")
            elif letter == "\r":
                self.column = 0
            elif letter == "\n":
                self.down()
            else:
                if self.column >= self.columns:  # the line is full: it goes on in the next one
                    self.goes_on[self.row] = True
                    self.down()
                    self.column = 0
                line = self.lines[self.row]
                line += [" "] * (self.column + 1 - len(line))
                line[self.column] = letter
                self.column += 1

    def down(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])
            self.goes_on.append(False)

    def text(self):
        return ["".join(line).rstrip() for line in self.lines]


def run(command, columns, reflows=True, resizes=(), environment=None):
    """The screen after a program has ended, and all that it wrote. `resizes`: after so many draws, this width."""
    screen = Screen(columns or 80, reflows)
    reader, writer = pty.openpty()
    size = lambda width: fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    size(columns)
    resizes = list(resizes)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.PIPE,
                             env={"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8"} | (environment or {}))
    everything, draws, pending = "", 0, b""
    while True:
        ready, _, _ = select.select([reader], [], [], 0.05)
        if not ready:
            if child.poll() is not None:
                break
            continue
        pending += os.read(reader, 1)
        try:
            letter = pending.decode()
        except UnicodeDecodeError:
            continue
        pending = b""
        everything += letter
        # After a line that is drawn to be drawn over; a return before a newline is in the middle of something.
        drawn = re.search(r"\033\[J[^\r\n\033]*\r$", everything[-1000:])
        drawn = drawn and "accuracy" not in drawn.group()
        draws += bool(drawn)
        if drawn and resizes and draws >= resizes[0][0]:
            width = resizes.pop(0)[1]
            size(width)
            screen.feed(everything[getattr(screen, "fed", 0):])
            screen.fed = len(everything)
            screen.resize(width)
    screen.feed(everything[getattr(screen, "fed", 0):])
    errors = child.stderr.read().decode()
    assert child.returncode == 0, (child.returncode, errors)
    os.close(reader), os.close(writer)
    return screen, everything


failures = 0


def check(right, *words):
    global failures
    if not right:
        failures += 1
        print("FAILED:", *words)


def draws_of(everything):
    """The lines that were drawn to be drawn over."""
    return re.findall(r"\033\[J([^\r\n\033]*)\r(?!\n)", everything)


def main():
    program, write_idx = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:])
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        subprocess.run([write_idx, ".", "640", "100"], check=True)
        command = [program, "--data", ".", "--epochs", "3", "--threads", "1", "--out", "out"]

        # What the screen shows in the end is what is printed where nothing is drawn, the times aside.
        clean = lambda lines: re.sub(r"[0-9.]+s,\d+images/s", "", re.sub(r"\s", "", "".join(lines)))
        dumb, wrote = run(command, 200, environment={"TERM": "dumb"})
        check("\033" not in wrote and not re.search(r"\r(?!\r?\n)", wrote), "TERM=dumb: control characters")
        plain = [line for line in dumb.text() if not re.match(r"epoch \d/3 +\d+ %", line)]
        check(len(dumb.text()) - len(plain) == 30, "TERM=dumb: expected a line for each tenth, found", dumb.text())
        expected = clean(plain)
        piped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        check("\033" not in piped and "\r" not in piped, "a pipe: control characters")
        check(len(re.findall(r"^epoch \d/3  loss .* images/s$", piped, re.M)) == 3, "a pipe: a line for each epoch")
        check(clean(line for line in piped.split("\n") if not re.match(r"epoch \d/3 +\d+ %", line)) == expected,
              "a pipe: other lines than on a dumb terminal")

        for columns in (40, 60, 80, 200, 0, 20, 5, 1):
            screen, wrote = run(command, columns)
            what = f"{columns} columns:"
            lines, width = draws_of(wrote), columns or 80
            check(len(lines) >= 6, what, "drawn", len(lines), "times")
            check(max(map(len, lines)) < width, what, "too wide:", max(lines, key=len))
            check(clean(screen.text()) == expected, what, "left something:", screen.text())
            check(screen.sequences == {"\033[J"}, what, screen.sequences)
            # The line of an epoch is broken by the program, before a part that does not fit, not by the terminal.
            printed = re.sub(r"\033\[J[^\r\n\033]*\r(?!\n)|\033\[J|\r", "", wrote)
            summaries = re.findall(r"^epoch .*\n(?:  .*\n)*", printed, re.M)
            check(len(summaries) == 3, what, "the lines of three epochs:", summaries)
            if columns not in (20, 5, 1):
                check(all(len(line) < width for text in summaries for line in text.split("\n")), what, summaries)
            if columns in (200, 80):
                check(not any(screen.goes_on), what, "a line is too long:", screen.text())
            if columns == 200:
                check(all(text.count("\n") == 1 for text in summaries), what, "broken:", summaries)
            parts = {200: ("█", "░", " %", "loss", "images/s", "s left"), 80: ("█", " %", "loss", "s left"),
                     40: (" %", "loss"), 20: (" %",)}
            for part in parts.get(columns, ()):
                check(any(part in line for line in lines), what, "without", part, lines[:3])
        narrow = max(map(len, draws_of(run(command, 0, environment={"COLUMNS": "50"})[1])))
        check(30 < narrow <= 49, "COLUMNS of a terminal without a width:", narrow)
        stale = max(map(len, draws_of(run(command, 60, environment={"COLUMNS": "200"})[1])))
        check(stale < 60, "COLUMNS that is wrong: the terminal itself knows better", stale)
        for wrong in ("", "0", "-5", "wide", "99999999999999999999"):
            check(max(map(len, draws_of(run(command, 0, environment={"COLUMNS": wrong})[1]))) < 80, "COLUMNS=" + wrong)

        # A terminal that is made narrower, and wider again, while the program runs. One that cuts its lines, and
        # one that breaks them.
        for resizes in ([(1, 40)], [(1, 30), (3, 200)], [(2, 25), (4, 7)], [(1, 200), (2, 40), (3, 60), (4, 20)]):
            for reflows in (True, False):
                screen, wrote = run(command, 80, reflows, resizes)
                what = f"80 columns, then {[w for _, w in resizes]}, {'broken anew' if reflows else 'cut'}:"
                leftover = [line for line in screen.text() if re.search(r"[█░]|s left", line)]
                check(not leftover, what, "left", leftover)
                if reflows:
                    check(clean(screen.text()) == expected, what, "left something:", screen.text())

        _, wrote = run(command, 80, environment={"NO_COLOR": "1"})
        check(not re.search(r"\033\[[0-9;]*m", wrote), "NO_COLOR: colours")
        _, wrote = run(command, 80, environment={"LANG": "C"})
        check(wrote.isascii() and "##" in wrote, "a terminal without UTF-8 got it")
        _, wrote = run(command + ["--quiet"], 80)
        check("\033" not in wrote and wrote.count("\n") == 1, "--quiet:", wrote)
        for width in (60, 80, 120):
            text = run([program, "--help"], width)[1]
            check(max(map(len, text.splitlines())) <= width, width, "columns: --help is wider")
            piped = subprocess.run([program, "--help"], capture_output=True, text=True, check=True,
                                   env=os.environ | {"COLUMNS": str(width)}).stdout
            check(text.replace("\r", "") == piped, width, "columns: --help differs in a pipe with COLUMNS")
            check("--learning-rate" in text and text.split() == run([program, "--help"], 500)[1].split(),
                  width, "columns: --help has lost words")
    print("on a terminal: all good" if failures == 0 else f"{failures} failures")
    sys.exit(failures != 0)


main()
