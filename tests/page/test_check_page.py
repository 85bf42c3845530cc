#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# A checker that finds nothing proves nothing: it must find every defect that was planted in broken.html.
import pathlib, subprocess, sys

here = pathlib.Path(__file__).resolve().parent
run = subprocess.run([here.parents[1] / "scripts" / "check_page.py", here / "broken.html"], capture_output=True, text=True)
if run.returncode == 77:
    print(run.stdout, end="")
    sys.exit(77)

expected = [
    "the contrast of <h1> \"Broken\" cannot be told",
    'the picture "from elsewhere" has no width and height',
    "is not valid HTML: unexpected-end-tag",
    "does not say its language",
    "has no title",
    "a heading h3 follows h1",
    "the id twice occurs 2 times",
    "the link #nowhere leads nowhere",
    "there is a script in <script>",
    "<img> refers to missing.png, which is not in the file",
    "the page is 1508 pixels wide in a window of 400",
    "the page is 1508 pixels wide in a window of 1280",
    '"Wider than any window." ends at',
    '<div> "scrolls without a tabindex" scrolls but cannot be reached by keyboard',
    'the picture "does not load" did not load',
    "has no alternative text",
    "is distorted to 60 x 10",
    'is a chart without role="img" and a label',
    "a style sheet refers to what is not in the file",
    '<p id=twice> "Too faint to read." has a contrast of 2.32 : 1, needed are 4.5 : 1.',
    '"Only in the dark too faint to read." has a contrast of 1.36 : 1, needed are 4.5 : 1 (400 dark, 1280 dark).',
    '<text> "pale on yellow" has a contrast of 1.0',
    "the console says",
    "said on the console",
]
missed = [text for text in expected if text not in run.stdout]
for text in missed:
    print("not found:", text)
if missed or run.returncode != 1:
    print(run.stdout, run.stderr, sep="\n")
    sys.exit(f"{len(missed)} defects were missed, the exit code was {run.returncode}, expected 1")
print(f"all {len(expected)} sentences were said")
