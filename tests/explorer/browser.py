# SPDX-License-Identifier: MIT
#
# The page in headless Chromium, with real mouse events. Importing it ends the program with 77 where there is
# no browser to drive.
import json, pathlib, shutil, subprocess, sys, tempfile, time

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    print("explorer: skipped, no python3-selenium")
    sys.exit(77)
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    print("explorer: skipped, no chromium with chromedriver")
    sys.exit(77)


class Page:
    """One page in one browser."""

    def __init__(self, path, width=1280, height=900, dark=False, reduced=False):
        self.profile = tempfile.mkdtemp()
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={self.profile}",
                         f"--window-size={width},{height}", "--enable-precise-memory-info", "--js-flags=--expose-gc"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        options.add_experimental_option("prefs", {"download.default_directory": self.profile})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.set_script_timeout(120)
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced else "no-preference"}])
        self.opened = time.monotonic()
        self.url = pathlib.Path(path).resolve().as_uri()
        self.driver.get(self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def devtools(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def ask(self, command, data=None):
        """A command to the page's worker, as the page itself sends them; its answer with all numbers."""
        return self.driver.execute_async_script(
            "const [command, data, done] = arguments;"
            "ask(command, data ? Uint8Array.from(data) : undefined).then(a => done({...a.text, numbers: Array.from(a.numbers || [])}), e => done({error: e.message}));",
            command, data)

    def status(self):
        return self.run("return {...document.getElementById('status').dataset, words: document.getElementById('status').textContent}")

    def trouble(self):
        return self.run("const t = document.getElementById('trouble'); return t.hidden ? '' : t.textContent")

    def text(self, element):
        return self.run("return document.getElementById(arguments[0]).textContent", element)

    def click(self, element):
        """A real click in the middle of an element."""
        find = ("const e = document.getElementById(arguments[0]) || document.querySelector(arguments[0]); const b = e.getBoundingClientRect();"
                "const x = b.left + b.width / 2, y = b.top + b.height / 2, top = document.elementFromPoint(x, y);"
                "if (!top || !(e.contains(top) || top.contains(e))) e.scrollIntoView({block: 'center', behavior: 'instant'});"
                "return [x, y, Boolean(top && (e.contains(top) || top.contains(e)))]")
        # Until it is where it was, for the page may still scroll, and nothing lies over it.
        before, at = None, self.run(find, element)
        end = time.monotonic() + 10
        while (before != at or not at[2]) and time.monotonic() < end:
            time.sleep(0.05)
            before, at = at, self.run(find, element)
        x, y = at[:2]
        for kind in ("mousePressed", "mouseReleased"):
            self.devtools("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def set(self, element, value):
        self.run("const e = document.getElementById(arguments[0]) || document.querySelector(arguments[0]); e.value = arguments[1];"
                 "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}))", element, str(value))

    def until(self, condition, seconds=60, what=""):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = condition()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"explorer: expected {what or condition} within {seconds} s; {self.status()} {self.trouble()}")

    def ready(self):
        return self.until(lambda: self.status()["state"] == "paused", 60, "the page to be ready")

    def draw(self, strokes, pen):
        """Strokes with the mouse, in pixels of a surface of 280 x 280."""
        self.set("pen", pen)
        left, top, size = self.run("const d = document.getElementById('draw'); d.scrollIntoView({block: 'nearest', behavior: 'instant'}); const b = d.getBoundingClientRect();"
                                   "return [b.left, b.top, b.width]")
        at = lambda p: {"x": left + p[0] * size / 280, "y": top + p[1] * size / 280}
        for stroke in strokes:
            self.devtools("Input.dispatchMouseEvent", type="mousePressed", button="left", buttons=1, clickCount=1, **at(stroke[0]))
            for point in stroke[1:]:
                self.devtools("Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, **at(point))
            self.devtools("Input.dispatchMouseEvent", type="mouseReleased", button="left", clickCount=1, **at(stroke[-1]))

    def answer(self):
        """What the page says to the drawing, once the worker has seen all of it."""
        self.until(lambda: self.run("return !send_drawing.busy && !drawn.pointer"), what="the drawing to arrive")
        return self.run("return document.getElementById('answer').dataset.answer")

    def screenshot(self, path, full=True):
        metrics = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        import base64
        clip = {"x": 0, "y": 0, "width": metrics["width"], "height": min(metrics["height"], 16000), "scale": 1}
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=full, **({"clip": clip} if full else {}))
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def console(self):
        """What was said on the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Every address that was asked for, but for the page itself and what is in memory."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return [u for u in urls if u != self.url and not u.startswith(("blob:", "data:", "chrome:"))]


class Native:
    """The same session as a native program."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command, data=None):
        self.process.stdin.write(json.dumps({**command, **({"bytes": list(data)} if data is not None else {})}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
