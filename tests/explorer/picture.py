#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# docs/images/explorer.png: the page after 300 steps, with a 5 drawn on it.
#
#   picture.py PAGE PICTURE.png
import pathlib, random, subprocess, sys, tempfile, time

from browser import Page
import strokes

page_path, picture = sys.argv[1:3]
with Page(page_path, width=1280, height=860) as page, tempfile.TemporaryDirectory() as work:
    page.ready()
    page.draw(*strokes.digit(5, random.Random(21)))
    page.set("until", 300)
    page.click("train")
    page.until(lambda: page.status()["step"] == "300" and page.status()["state"] == "paused", 300)
    page.run("document.activeElement.blur(); scrollTo(0, 0)")
    time.sleep(1)
    shot = pathlib.Path(work) / "shot.png"
    page.screenshot(shot, full=False)
    subprocess.run(["convert", shot, "-resize", "960x", "+dither", "-colors", "200", "-define", "png:compression-level=9", "-strip", f"png8:{picture}"], check=True)
