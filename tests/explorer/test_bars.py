#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# What docs/explorer.md promises of the page, measured: time to the first step, speed beside a native build, 99 % for
# five seeds with the bits of the reference, own classes, 200 drawings, numbers equal to the native session's, bad
# input, a look at every view, memory. One line for each; the status is 1 if one is not kept.
#
#   test_bars.py PAGE REFERENCE ANSWERS [PART...]
import importlib.machinery, importlib.util, os, pathlib, random, re, statistics, subprocess, sys, time

from browser import Native, Page
import strokes

SEEDS = [1, 2, 3, 4, 5]
FAILED = []


def bar(holds, what):
    print(("kept     " if holds else "NOT KEPT ") + what, flush=True)
    if not holds:
        FAILED.append(what)


def trained(page, steps, seed=1):
    page.ready()
    page.set("seed", seed)
    page.set("until", steps)
    page.click("reset")
    page.until(lambda: page.status()["step"] == "0", 20, "a new network")
    page.click("train")
    page.until(lambda: page.status()["step"] == str(steps) and page.status()["state"] == "paused", 300, f"{steps} steps")


def first_step(paths):
    times = []
    for _ in range(3):
        with Page(paths.page) as page:
            times.append(page.driver.execute_async_script(
                "const done = arguments[0], t = document.getElementById('train'), s = document.getElementById('status');"
                "const look = () => { if (!t.disabled && !look.clicked) { look.clicked = true; t.click(); }"
                "  if (Number(s.dataset.step) >= 1) done(performance.now()); else setTimeout(look, 2); }; look();"))
    bar(min(times) <= 1500, f"from opening to the first step {statistics.median(times):.0f} ms, {min(times):.0f} at best, at most 1500")


def speed(paths):
    ratios, here = [], []
    with Page(paths.page) as page:
        page.ready()
        page.set("until", 10 ** 6)
        for _ in range(5):
            native = float(subprocess.run([paths.reference, "120", "1"], check=True, capture_output=True, text=True).stdout.split()[2])
            page.click("train")
            time.sleep(4)
            here.append(float(page.status()["imagesPerSecond"]))
            page.click("pause")
            page.until(lambda: page.status()["state"] == "paused", 20)
            ratios.append(here[-1] / native)
    bar(statistics.median(ratios) >= 0.8, f"images/s in the page {statistics.median(ratios):.2f} of native with 16-byte vectors, in turns, at least 0.8 ({max(here):.0f} images/s at most)")


def seeds(paths):
    expected = dict(line.split()[:2] for line in subprocess.run([paths.reference, "200", *map(str, SEEDS)], check=True, capture_output=True, text=True).stdout.splitlines())
    same, times = 0, []
    with Page(paths.page) as page:
        for seed in SEEDS:
            trained(page, 200, seed)
            same += page.status()["hash"] == expected[str(seed)]
            page.set("until", "")
            page.click("reset")
            page.until(lambda: page.status()["step"] == "0", 20)
            start = time.monotonic()
            page.click("train")
            page.until(lambda: float(page.status()["accuracy"] or 0) >= 99, 120, "99 %")
            times.append(time.monotonic() - start)
            page.click("pause")
            page.until(lambda: page.status()["state"] == "paused", 20)
    bar(same == len(SEEDS), f"the bits of the reference after 200 steps for {same} of {len(SEEDS)} seeds")
    bar(max(times) <= 40, f"99 % of the test digits after {', '.join(f'{t:.1f}' for t in times)} s, at most 40")


def drawings(paths, count=200):
    rng, right, wrong = random.Random(11), 0, []
    with Page(paths.page) as page:
        trained(page, 400)
        for i in range(count):
            page.run("drawn.strokes = []; drawn.picture = null")
            page.draw(*strokes.digit(i % 10, rng))
            answer = page.answer()
            right += answer == str(i % 10)
            if answer != str(i % 10):
                wrong.append(f"{i % 10} as {answer}")
    bar(right >= 0.95 * count, f"{right} of {count} drawings with the mouse right, at least 95 % ({', '.join(wrong)})")


def own_classes(paths):
    rng = random.Random(12)
    names = list(strokes.SYMBOLS)
    with Page(paths.page) as page:
        page.ready()
        for k, name in enumerate(names):
            for _ in range(10):
                page.draw(*strokes.symbol(name, rng))
                page.answer()
                page.click(f"[data-own-add='{k}']")
                page.until(lambda: page.run("return drawn.strokes.length") == 0, 10)
        start = time.monotonic()
        page.click("own-train")
        page.until(lambda: page.status()["state"] == "training", 20)
        time.sleep(max(0, 10 - (time.monotonic() - start)))
        page.click("pause")
        page.until(lambda: page.status()["state"] == "paused", 20)
        steps, right = page.status()["step"], 0
        for i in range(60):
            page.run("drawn.strokes = []; drawn.picture = null")
            page.draw(*strokes.symbol(names[i % 3], rng))
            right += page.answer() == names[i % 3]
    bar(right >= 57, f"{right} of 60 new drawings of three own classes right after 10 s ({steps} steps), at least 57")


def numbers(paths):
    """Every answer of the page beside that of the native session."""
    commands = [{"do": "maps"}, {"do": "nearest"}, {"do": "prototypes"}, {"do": "anatomy"}]
    commands += [{"do": "unit", "layer": layer, "map": m, "row": r, "col": c} for layer in ("conv1", "relu1", "pool1", "conv2", "pool2") for m, r, c in ((0, 0, 0), (7, 3, 6), (31, 6, 2))]
    commands += [{"do": "unit", "layer": layer, "map": m} for layer in ("fc1", "relu3", "fc2") for m in (0, 9)]
    commands += [{"do": "attribution", "method": m, **k} for m in ("saliency", "smooth_grad", "integrated_gradients", "grad_cam", "occlusion") for k in ({}, {"class": 4})]
    commands += [{"do": "wants", "layer": "conv2", "map": 5}, {"do": "strongest", "layer": "conv2", "map": 5}]
    commands += [{"do": "spoil", "rotate": 20, "noise": 0.2, "fog": 1, "shift_x": 1.5, "hide": 3}, {"do": "spoil", "attack": "pgd", "epsilon": 0.1}]
    commands += [{"do": "smallest", "kind": kind} for kind in ("shift_x", "rotate", "noise", "fog", "hide", "fgsm", "pgd")]
    commands += [{"do": "convolve", "size": 3, "kernel": [1, 0, -1, 2, 0.5, -2, 1, 0, -1], "stride": 2, "padding": 1, "dilation": 2, "row": 3, "col": 4}]
    commands += [{"do": "tiny", "x": [0, 2, 0, 0, 1, 3, 1, 2, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1], "weight": [1, 0, -1, 2], "bias": [-1], "fc": [1, 2, -1, -1, 1, 2], "fc_bias": [0, 0], "label": 0, "step": True}]
    commands += [{"do": "open", "seed": 3, "preset": "residual", "label_noise": 0.2}, {"do": "train", "milliseconds": 1e9, "until": 5}, {"do": "maps"}]
    worst, compared, different = 0.0, 0, []

    def compare(a, b, where):
        nonlocal worst, compared
        if where.endswith("images_per_second"):
            return
        if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
            for key in a:
                compare(a[key], b[key], f"{where}.{key}")
        elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            for i, (x, y) in enumerate(zip(a, b)):
                compare(x, y, f"{where}.{i}")
        elif isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool):
            compared += 1
            error = abs(a - b) / max(1, abs(b))
            worst = max(worst, error)
            if error > 1e-5:
                different.append(where)
        elif a != b:
            different.append(f"{where}: {str(a)[:60]} and {str(b)[:60]}")

    with Page(paths.page) as page, Native(paths.answers) as native:
        trained(page, 100)
        native.ask({"do": "open", "seed": 1})
        native.ask({"do": "train", "milliseconds": 1e9, "until": 100, "test": True})
        page.draw(*strokes.digit(7, random.Random(3)))
        page.answer()
        bytes_ = page.run("return Array.from(drawing_bytes().bytes)")
        native.ask({"do": "draw", "height": 280, "width": 280}, bytes_)
        for command in commands:
            compare(page.ask(command), native.ask(command), command["do"])
    bar(not different, f"{compared} numbers of {len(commands)} answers equal to the native session's, the largest difference {worst:.1g}, at most 1e-5 {different[:3]}")


def bad_input(paths):
    refused = 0
    cases = 0
    with Page(paths.page) as page:
        trained(page, 20)
        before = page.status()["hash"]
        work = pathlib.Path(page.profile)

        def file(name, data):
            (work / name).write_bytes(data)
            return str(work / name)
        model = bytes(page.run("return 1") for _ in range(0))
        page.click("save")
        saved = work / "model.safetensors"
        page.until(lambda: saved.exists() and saved.stat().st_size > 1e6, 20, "a saved model")
        time.sleep(0.5)
        model = saved.read_bytes()
        idx = lambda axes, extents, size: bytes([0, 0, 8, axes]) + b"".join(e.to_bytes(4, "big") for e in extents) + bytes(size)
        wrong_shape = model.replace(b"[32,1,3,3]", b"[32,1,9,1]", 1)
        huge = subprocess.run(["convert", "-size", "12000x9000", "xc:white", "png:-"], capture_output=True).stdout
        for name, element, files in [
                ("half a file", "load", [file("half.safetensors", model[:len(model) // 2])]),
                ("an empty file", "load", [file("empty.safetensors", b"")]),
                ("no safetensors", "load", [file("text.safetensors", b"hello, world, this is no model")]),
                ("another shape", "load", [file("shape.safetensors", wrong_shape)]),
                ("a damaged number in the header", "load", [file("header.safetensors", b"\xff" * 8 + model[8:])]),
                ("text", "files", [file("notes.txt", b"hello")]),
                ("no picture", "files", [file("broken.png", b"\x89PNG\r\n\x1a\n" + bytes(50))]),
                ("a white picture", "files", [file("white.pgm", b"P5 9 9 255 " + b"\xff" * 81)]),
                ("half of MNIST", "files", [file("images", idx(3, (10, 28, 28), 7840))]),
                ("other pixels", "files", [file("images", idx(3, (2000, 20, 20), 800000)), file("labels", idx(1, (2000,), 2000))]),
                ("too few labels", "files", [file("images", idx(3, (2000, 28, 28), 2000 * 784)), file("labels", idx(1, (1500,), 1500))]),
                ("truncated images", "files", [file("images", idx(3, (2000, 28, 28), 1000)), file("labels", idx(1, (2000,), 2000))]),
                ("a damaged gzip file", "files", [file("images.gz", b"\x1f\x8b" + bytes(40))]),
                ("a huge white picture", "files", [file("huge.png", huge)])]:
            page.run("trouble('')")
            page.driver.find_element("id", element).send_keys("\n".join(files))
            try:
                sentence = page.until(lambda: page.trouble(), 60, f"a sentence about {name}")
            except AssertionError as error:
                sentence = f"none: {error}"
            cases += 1
            good = "expected" in sentence and "found" in sentence and page.status()["hash"] == before
            refused += good
            if not good:
                print(f"  {name}: {sentence}")
        for name, command in [("no network", {"do": "open", "layers": [{"layer": "nonsense"}]}), ("a kernel too large", {"do": "open", "layers": [{"layer": "conv", "kernel": 99}]}),
                              ("layers after an average", {"do": "open", "layers": [{"layer": "global_avg_pool"}, {"layer": "linear"}, {"layer": "conv"}]}),
                              ("too many parameters", {"do": "open", "layers": [{"layer": "linear", "out": 1024}] * 6}), ("too much work", {"do": "open", "layers": [{"layer": "conv", "out": 128}] * 8}),
                              ("pooled to nothing", {"do": "open", "layers": [{"layer": "max_pool", "kernel": 4}] * 4}), ("a rate", {"do": "open", "learning_rate": -1}), ("a batch", {"do": "open", "batch_size": 0}),
                              ("an optimizer", {"do": "open", "optimizer": "magic"}), ("a type", {"do": "open", "batch_size": "many"}), ("one own class", {"do": "own_train", "names": ["a"]})]:
            answer = page.ask(command)
            cases += 1
            good = re.search("expected|does not fit", answer.get("error", "")) and page.ask({"do": "status"})["hash"] == before
            refused += bool(good)
            if not good:
                print(f"  {name}: {answer.get('error')}")
        # In the background for a minute it goes on; its state is there when it comes back.
        page.set("until", "")
        page.click("train")
        page.driver.switch_to.new_window("tab")
        time.sleep(60)
        page.driver.close()
        page.driver.switch_to.window(page.driver.window_handles[0])
        steps = int(page.status()["step"])
        page.click("pause")
        page.until(lambda: page.status()["state"] == "paused", 20)
        # A rate that is far too large ends in a sentence, with the last finite weights.
        page.set("rate", 0)
        page.set("optimizer", "sgd")
        page.click("reset")
        page.until(lambda: page.status()["step"] == "0", 20)
        page.click("train")
        page.until(lambda: page.status()["state"] == "paused" or int(page.status()["step"]) > 300, 60)
        errors = [line for line in page.console() if "favicon" not in line]
    bar(refused == cases, f"{refused} of {cases} wrong inputs refused in one sentence, with the state kept")
    bar(steps > 100, f"a minute in the background: {steps} steps")
    bar(not errors, f"nothing on the console {errors[:2]}")


def views(paths):
    """The checks of scripts/check_page.py (width, contrast, pictures), and names for everything that can be operated."""
    checker = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_page.py"
    loader = importlib.machinery.SourceFileLoader("check_page", str(checker))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("check_page", loader))
    loader.exec_module(module)
    names = r"""
const defects = [];
for (const e of document.querySelectorAll('button, select, input, canvas, a, [tabindex]')) {
  if (!e.getClientRects().length) continue;
  const label = e.getAttribute('aria-label') || (e.labels && [...e.labels].map(l => l.textContent).join(' ')) || (e.getAttribute('aria-labelledby') || '') || e.textContent;
  if (!label.trim()) defects.push(`no name: ${e.outerHTML.slice(0, 80)}`);
  if (e.tabIndex > 0) defects.push(`a tabindex above 0: ${e.outerHTML.slice(0, 80)}`);
}
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) defects.push(`the id ${id} twice`);
return defects;"""
    out = pathlib.Path(paths.page).resolve().parent / "screenshots"
    out.mkdir(exist_ok=True)
    defects, seen = [], 0
    for width in (390, 1280):
        for dark in (False, True):
            for projector in (False, True):
                if projector and width < 600:
                    continue
                with Page(paths.page, width=width, dark=dark, reduced=dark) as page:
                    if projector:
                        page.click("projector")
                    page.run("document.querySelector('details').open = true")
                    trained(page, 60)
                    page.draw(*strokes.digit(4, random.Random(1)))
                    page.answer()
                    page.click("lesson-open")
                    for button, shown in (("nearest-go", "#nearest figure"), ("wants-go", "#wants figure"), ("attribution-go", "#attribution figure:nth-child(4)"), ("prototypes-go", "#prototypes figure")):
                        page.click(button)
                        page.until(lambda: page.run("return document.querySelector(arguments[0]) !== null", shown), 60, shown)
                    for section in ("apart", "tiny", "break", "choose", "maps", "look"):
                        page.run("document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'})", f"section-{section}")
                        time.sleep(0.5)
                    page.click("choose-compare")
                    page.until(lambda: page.run("return document.querySelectorAll('#contest tbody tr').length") == 1, 20)
                    page.click("[data-smallest=rotate]")
                    page.until(lambda: page.text("smallest-words"), 20)
                    found = page.run(module.LOOK) + page.run(names) + page.console() + page.requests()
                    view = f"{width}{' dark' if dark else ''}{' projector' if projector else ''}"
                    defects += [f"{view}: {defect}" for defect in found]
                    page.run("scrollTo(0, 0)")
                    time.sleep(0.3)
                    page.screenshot(out / f"{view.replace(' ', '-')}.png")
                    seen += 1
    for defect in defects[:40]:
        print("  " + defect)
    bar(not defects, f"{seen} views: width, contrast, names, no request, nothing on the console ({out})")


def keyboard(paths):
    """Everything without a mouse: draw a 1, train, pause, choose a unit."""
    from selenium.webdriver.common.keys import Keys
    with Page(paths.page) as page:
        trained(page, 100)
        page.run("document.getElementById('draw').focus()")
        send = lambda keys: page.driver.switch_to.active_element.send_keys(keys)
        send(Keys.ARROW_UP * 12 + " " + Keys.ARROW_DOWN * 24 + " ")
        answer = page.answer()
        page.run("document.getElementById('reset').focus()")
        send(Keys.SHIFT + Keys.TAB)
        focused = page.run("return document.activeElement.id")
        page.run("document.querySelector('#maps canvas').focus()")
        send(Keys.ARROW_RIGHT + Keys.PAGE_DOWN)
        page.until(lambda: page.run("return chosen.map") == 1, 10, "the next map by keyboard")
    bar(answer == "1" and focused == "step", f"by keyboard alone: a 1 is read as {answer}, tab goes from button to button ({focused})")


def memory(paths, minutes=10):
    def resident(pid):
        """Of the browser and all that it has begun, in MB."""
        parent, size = {}, {}
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "status").read_text()
                parent[int(process.name)] = int(re.search(r"PPid:\s+(\d+)", words).group(1))
                size[int(process.name)] = int(re.search(r"VmRSS:\s+(\d+)", words).group(1))
            except (OSError, AttributeError):
                pass
        ours = {pid}
        while more := {p for p, above in parent.items() if above in ours} - ours:
            ours |= more
        return sum(size.get(p, 0) for p in ours) / 1024
    rng, sizes, longest = random.Random(4), [], 0
    with Page(paths.page) as page:
        page.ready()
        page.set("until", "")
        page.run("window.tasks = []; new PerformanceObserver(l => tasks.push(...l.getEntries().map(e => e.duration))).observe({entryTypes: ['longtask']})")
        page.run("document.getElementById('section-maps').scrollIntoView({behavior: 'instant'})")
        page.click("train")
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            page.run("drawn.strokes = []; drawn.picture = null")
            page.draw(*strokes.digit(rng.randrange(10), rng))
            time.sleep(2)
            page.devtools("HeapProfiler.collectGarbage")
            sizes.append(resident(page.driver.service.process.pid))
        tasks = page.run("return tasks")
        steps = page.status()["step"]
    early, late = statistics.median(sizes[len(sizes) // 5:2 * len(sizes) // 5]), statistics.median(sizes[-len(sizes) // 5:])
    bar(abs(late / early - 1) <= 0.05, f"memory after {minutes} minutes ({steps} steps, {len(sizes)} drawings) {late:.0f} MB, {100 * (late / early - 1):+.1f} % of what it was before, within 5 %")
    share = sum(1 for t in tasks if t > 50)
    print(f"         tasks of the page above 50 ms meanwhile: {share}, the longest {max(tasks, default=0):.0f} ms")


PARTS = [first_step, speed, seeds, drawings, own_classes, numbers, bad_input, views, keyboard, memory]


class Paths:
    page, reference, answers = sys.argv[1:4]


for part in PARTS:
    if len(sys.argv) == 4 or part.__name__ in sys.argv[4:]:
        try:
            part(Paths)
        except AssertionError as error:
            bar(False, f"{part.__name__}: {error}")
print(f"explorer: {len(FAILED)} of the bars not kept" if FAILED else "explorer: every bar kept")
sys.exit(bool(FAILED))
