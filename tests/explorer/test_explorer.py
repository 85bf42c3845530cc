#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# The page as a visitor uses it, in headless Chromium with real mouse events: it opens, draws, trains to the bits of
# the reference, answers, looks inside, breaks, learns own classes, saves and loads, and refuses what is wrong in a
# sentence. test_bars.py measures what is promised; this is quick.
#
#   test_explorer.py PAGE REFERENCE        REFERENCE: reference.cpp without fused multiply-add; 77: no browser
import pathlib, random, subprocess, sys, time

from browser import Page
import strokes

STEPS = 60


def check(holds, what):
    if not holds:
        raise AssertionError(f"explorer: expected {what}")


def wait_for(page, selector, count=1):
    page.until(lambda: page.run("return document.querySelectorAll(arguments[0]).length", selector) >= count, 60, selector)


def train_to_the_bits(page, reference):
    page.ready()
    status = page.status()
    check(status["step"] == "0" and status["accuracy"] == "", f"a network that knows nothing, found {status}")
    rng = random.Random(1)
    page.draw(*strokes.digit(3, rng))
    page.answer()
    page.set("until", STEPS)
    page.click("train")
    page.until(lambda: page.status()["step"] == str(STEPS) and page.status()["state"] == "paused", 120, "60 steps")
    status = page.status()
    expected = subprocess.run([reference, str(STEPS), "1"], check=True, capture_output=True, text=True).stdout.split()[1]
    check(status["hash"] == expected, f"the bits of the reference, {expected}, found {status['hash']}")
    check(float(status["accuracy"]) > 85, f"more than 85 % after 50 steps, found {status['accuracy']}")
    check(f"step {STEPS}" in status["words"] and "%" in status["words"], f"the status in words, found {status['words']}")
    right = 0
    for digit in range(10):
        page.click("clear")
        page.draw(*strokes.digit(digit, rng))
        right += page.answer() == str(digit)
    check(right >= 8, f"8 of 10 drawings right after {STEPS} steps, found {right}")
    page.click("step")
    page.until(lambda: page.status()["step"] == str(STEPS + 1), 10, "one more step")


def look_inside(page):
    page.run("document.getElementById('section-maps').scrollIntoView({behavior: 'instant'})")
    wait_for(page, "#maps canvas", 9)
    page.until(lambda: page.run("return gallery.layers.length") > 0, 10, "maps")
    page.click("nearest-go")
    wait_for(page, "#nearest figure", 10)
    page.set("unit-layer", "conv2")
    page.until(lambda: page.run("const r = document.querySelector('#unit .result'); return r && r.dataset.sum"), 10, "a sum")
    total, value = map(float, page.run("const r = document.querySelector('#unit .result'); return [r.dataset.sum, r.dataset.value]"))
    check(abs(total - value) <= 1e-5 * max(1, abs(value)), f"the sum of the products to be the unit's value, found {total} and {value}")
    page.click("wants-go")
    wait_for(page, "#wants figure")
    page.click("attribution-go")
    wait_for(page, "#attribution figure", 4)
    page.run("document.getElementById('section-apart').scrollIntoView({behavior: 'instant'})")
    wait_for(page, "#conv-sum table", 3)
    page.run("document.getElementById('section-tiny').scrollIntoView({behavior: 'instant'})")
    page.until(lambda: page.run("return document.getElementById('tiny').dataset.loss"), 10, "the tiny network")
    check(abs(float(page.run("return document.getElementById('tiny').dataset.loss")) - 0.6931) < 1e-4, "the loss of chapter 9, 0.693")
    page.click("[data-smallest=fgsm]")
    page.until(lambda: "FGSM" in page.text("smallest-words"), 20, "a smallest change")


def own_classes_and_files(page, directory):
    rng = random.Random(2)
    for k, name in enumerate(("circle", "cross", "wave")):
        for _ in range(3):
            page.draw(*strokes.symbol(name, rng))
            page.answer()
            page.click(f"[data-own-add='{k}']")
            page.until(lambda: page.run("return drawn.strokes.length") == 0, 10, "the drawing to be taken")
    page.click("own-train")
    page.until(lambda: page.status()["state"] == "training" and int(page.status()["step"]) >= 30, 60, "own classes to train")
    page.click("pause")
    page.until(lambda: page.status()["state"] == "paused", 10, "a pause")
    page.draw(*strokes.symbol("cross", rng))
    check(page.answer() == "cross", f"cross for a cross, found {page.answer()}")
    before = page.status()["hash"]
    page.click("save")
    file = pathlib.Path(directory) / "model.safetensors"
    page.until(lambda: file.exists() and file.stat().st_size > 1e6, 20, "model.safetensors")
    page.click("step")
    page.until(lambda: page.status()["hash"] != before, 10, "another step")
    # The whole file comes back with its names; half of it is refused, and what was there stays.
    page.driver.find_element("id", "load").send_keys(str(file))
    page.until(lambda: page.status()["hash"] == before, 20, "the weights of the file")
    half = pathlib.Path(directory) / "half.safetensors"
    half.write_bytes(file.read_bytes()[:file.stat().st_size // 2])
    page.driver.find_element("id", "load").send_keys(str(half))
    page.until(lambda: "half.safetensors: expected" in page.trouble(), 10, "a sentence about half a file")
    check(page.status()["hash"] == before, "half a file to change nothing")
    page.click("clear")
    page.answer()
    page.click("attribution-go")
    page.until(lambda: "expected a drawing" in page.trouble(), 10, "a sentence about an empty drawing")
    page.click("own-digits")
    page.until(lambda: page.status()["step"] == "0" and page.text("bars").startswith("0"), 20, "digits again")


def main(path, reference):
    check(pathlib.Path(path).stat().st_size <= 2.5e6, "a page of at most 2.5 MB")
    with Page(path) as page:
        start = time.monotonic()
        for part in (train_to_the_bits, look_inside, own_classes_and_files):
            part(*{"train_to_the_bits": (page, reference), "look_inside": (page,), "own_classes_and_files": (page, page.profile)}[part.__name__])
            print(f"{part.__name__}: {time.monotonic() - start:.1f} s", flush=True)
        check(not page.console(), f"nothing on the console, found {page.console()}")
        check(not page.requests(), f"no network request, found {page.requests()}")
    print("explorer: passed")


main(*sys.argv[1:])
