#!/usr/bin/python3
# SPDX-License-Identifier: MIT
#
# Looks at a page in headless Chromium the way its readers will: on a phone (400 pixels wide) and on a
# projector (1280), in light and in dark. One sentence for every defect; 0 if there is none.
#
#   scripts/check_page.py [--out DIR] PAGE.html ...      # DIR: where the screenshots go
#   scripts/check_page.py --site PAGE.html ...           # pages with style sheet and pictures beside them
#
# Checked are: valid HTML (html5lib), one h1 and no level of heading left out, every id once, every
# link inside the page has its goal, nothing fetched from elsewhere, no script; and in each of the four
# views: nothing wider than the window, every picture loaded and described, boxes that scroll can be
# reached by keyboard, nothing on the console, the contrast of every text as WCAG 2 AA wants it.
#
# Needs Debian's chromium, chromium-driver, python3-selenium and python3-html5lib; without them it says so
# and ends with 77, which means "skipped".
import argparse, base64, collections, pathlib, re, shutil, sys, tempfile

SKIPPED = 77

# Runs in the page and returns sentences.
LOOK = r"""
const defects = [];
const say = text => defects.push(text);
const name = e => {
  const text = (e.textContent || '').trim().replace(/\s+/g, ' ').slice(0, 40);
  return '<' + e.tagName.toLowerCase() + (e.id ? ' id=' + e.id : '') + '>' + (text ? ' "' + text + '"' : '');
};
const all = [...document.querySelectorAll('body *')];
const scrolls = e => /auto|scroll/.test(getComputedStyle(e).overflowX);

// Width.
if (document.documentElement.scrollWidth > innerWidth)
  say(`the page is ${document.documentElement.scrollWidth} pixels wide in a window of ${innerWidth}`);
for (const e of all) {
  if (e.ownerSVGElement || e.getBoundingClientRect().right <= innerWidth + 0.5) continue;
  let box = e.parentElement;
  while (box && !scrolls(box)) box = box.parentElement;
  if (!box) say(`${name(e)} ends at ${Math.round(e.getBoundingClientRect().right)}, outside the window of ${innerWidth}`);
}
for (const e of all)
  if (!e.ownerSVGElement && scrolls(e) && e.scrollWidth > e.clientWidth + 1 && e.tabIndex < 0)
    say(`${name(e)} scrolls but cannot be reached by keyboard`);

// Pictures.
for (const e of document.images) {
  const what = `the picture "${(e.alt || e.src).slice(0, 60)}"`;
  if (!e.complete || e.naturalWidth === 0) say(`${what} did not load`);
  if (!(e.getAttribute('alt') || '').trim()) say(`${what} has no alternative text`);
  if (!e.getAttribute('width') || !e.getAttribute('height')) say(`${what} has no width and height`);
  const r = e.getBoundingClientRect();
  if (e.naturalWidth && Math.abs(r.width / r.height / (e.naturalWidth / e.naturalHeight) - 1) > 0.02)
    say(`${what} is distorted to ${Math.round(r.width)} x ${Math.round(r.height)}`);
}
for (const e of document.querySelectorAll('svg'))
  if (!e.ownerSVGElement) {
    const words = e.getAttribute('aria-label') || [...e.children].filter(c => c.tagName === 'title').map(c => c.textContent).join('');
    if (e.getAttribute('role') !== 'img' || !words.trim()) say(`${name(e)} is a chart without role="img" and a label`);
  }

// Contrast. A colour is [r, g, b, a], colours 0..255, a 0..1.
const parse = css => {
  const m = /^rgba?\(([^)]*)\)$/.exec(css);
  if (!m) return css === 'transparent' ? [0, 0, 0, 0] : null;
  const p = m[1].split(/[\s,\/]+/).map(Number);
  return [p[0], p[1], p[2], p.length > 3 ? p[3] : 1];
};
const over = (top, below) => [0, 1, 2].map(i => top[3] * top[i] + (1 - top[3]) * below[i]).concat(1);
const luminance = c => [0, 1, 2].reduce((sum, i) => {
  const s = c[i] / 255;
  return sum + [0.2126, 0.7152, 0.0722][i] * (s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4);
}, 0);
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};
const opacity = e => { let o = 1; for (; e; e = e.parentElement) o *= Number(getComputedStyle(e).opacity); return o; };
const ground = e => {
  const layers = [];
  for (; e; e = e.parentElement) {
    const style = getComputedStyle(e), color = parse(style.backgroundColor);
    if (style.backgroundImage !== 'none') return null;
    if (color && color[3] > 0) layers.push(color);
    if (color && color[3] === 1) break;
  }
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
// What an SVG has painted at a point of the screen before it comes to `text`.
const shapes = new Map();
const shapes_of = svg => {
  if (!shapes.has(svg))
    shapes.set(svg, [...svg.querySelectorAll('rect, path, circle, ellipse, polygon')].flatMap(shape => {
      const style = getComputedStyle(shape), fill = parse(style.fill), matrix = shape.getScreenCTM();
      if (!fill || !matrix) return [];
      return [{shape, back: matrix.inverse(), fill: [...fill.slice(0, 3), fill[3] * Number(style.fillOpacity) * opacity(shape)]}];
    }));
  return shapes.get(svg);
};
const painted = (svg, text, x, y) => {
  let color = ground(svg);
  for (const {shape, back, fill} of shapes_of(svg)) {
    if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
    if (color && shape.isPointInFill(new DOMPoint(x, y).matrixTransform(back))) color = over(fill, color);
  }
  return color;
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let texts = 0;
for (let node; (node = walker.nextNode());) {
  const e = node.parentElement, style = getComputedStyle(e);
  if (!node.data.trim() || /^(script|style|title|noscript)$/i.test(e.tagName) || style.visibility !== 'visible') continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  const box = range.getBoundingClientRect();
  if (box.width === 0 || box.height === 0) continue;
  ++texts;
  const svg = e.closest('svg') && (function top(s) { return s.ownerSVGElement ? top(s.ownerSVGElement) : s; })(e.closest('svg'));
  const ink = parse(svg ? style.fill : style.color);
  const grounds = svg ? [0.02, 0.5, 0.98].map(p => painted(svg, e, box.left + p * box.width, box.top + box.height / 2)) : [ground(e)];
  const shown = svg ? e.getScreenCTM() : null;
  const size = parseFloat(style.fontSize) * (shown ? Math.hypot(shown.a, shown.b) : 1), bold = Number(style.fontWeight) >= 700;
  const needed = size >= 24 || (size >= 18.66 && bold) ? 3 : 4.5;
  for (const below of grounds) {
    if (!ink || !below) { say(`the contrast of ${name(e)} cannot be told`); break; }
    const found = contrast(over([...ink.slice(0, 3), ink[3] * opacity(e) * (svg ? Number(style.fillOpacity) : 1)], below), below);
    if (found < needed) { say(`${name(e)} has a contrast of ${found.toFixed(2)} : 1, needed are ${needed} : 1`); break; }
  }
}
if (texts === 0) say('there is no text to be seen');
return defects;
"""


def check_markup(text, site=False):
    """What can be said about the file without a browser."""
    import html5lib

    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    root = parser.parse(text)
    defects = [f"line {at[0] if at else '?'} is not valid HTML: {code} {data or ''}".strip()
               for at, code, data in parser.errors]
    elements = [e for e in root.iter() if isinstance(e.tag, str)]
    if not root.get("lang"):
        defects.append("the page does not say its language")
    if not (root.findtext("head/title") or "").strip():
        defects.append("the page has no title")
    levels = [int(e.tag[1]) for e in elements if e.tag in ("h1", "h2", "h3", "h4", "h5", "h6")]
    if levels.count(1) != 1:
        defects.append(f"the page has {levels.count(1)} headings h1, expected one")
    for above, below in zip([0] + levels, levels):
        if below > above + 1:
            defects.append(f"a heading h{below} follows " + (f"h{above}" if above else "nothing"))
    ids = collections.Counter(e.get("id") for e in elements if e.get("id"))
    defects += [f"the id {name} occurs {count} times" for name, count in ids.items() if count > 1]
    for e in elements:
        if e.tag == "script" or any(a.startswith("on") for a in e.attrib if isinstance(a, str)):
            defects.append(f"there is a script in <{e.tag}>")
        link = e.get("href") or ""
        if link.startswith("#") and link[1:] not in ids:
            defects.append(f"the link {link} leads nowhere")
        if e.tag == "style" and re.search(r"@import|url\((?![\"']?(data:|#))", e.text or ""):
            defects.append("a style sheet refers to what is not in the file")
        source = e.get("src") or (link if e.tag == "link" else "")
        if source and not source.startswith("data:") and (not site or re.match(r"[a-z]+:|//", source)):
            defects.append(f"<{e.tag}> refers to {source[:80]}, which is not in the file")
    return defects


def start_browser(profile):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--no-first-run", "--hide-scrollbars", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


def screenshots(browser, width, stem):
    """The whole page, in pieces that a screen could show."""
    height = browser.execute_script("return document.documentElement.scrollHeight")
    for piece, top in enumerate(range(0, height, 4000)):
        clip = {"x": 0, "y": top, "width": width, "height": min(4000, height - top), "scale": 1}
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        pathlib.Path(f"{stem}-{piece}.png").write_bytes(base64.b64decode(shot["data"]))


def check_views(browser, page, out):
    views = collections.defaultdict(list)  # of each defect
    for width, height in ((400, 800), (1280, 800)):
        for scheme in ("light", "dark"):
            browser.get("about:blank")
            browser.get_log("browser")
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": scheme}]})
            browser.get(page.resolve().as_uri())
            found = browser.execute_script(LOOK)
            found += ["the console says " + entry["message"][:160] for entry in browser.get_log("browser")]
            for defect in dict.fromkeys(found):
                views[defect].append(f"{width} {scheme}")
            if out:
                screenshots(browser, width, out / f"{page.stem}-{width}-{scheme}")
    return [defect + ("" if len(where) == 4 else f" ({', '.join(where)})") for defect, where in views.items()]


def main():
    parser = argparse.ArgumentParser(description="Looks at pages in headless Chromium; one sentence for every defect.")
    parser.add_argument("pages", nargs="+", type=pathlib.Path, metavar="PAGE.html")
    parser.add_argument("--out", type=pathlib.Path, help="a directory for screenshots")
    parser.add_argument("--site", action="store_true", help="the page may refer to files beside it")
    options = parser.parse_args()
    for page in options.pages:
        if not page.is_file():
            parser.error(f"expected a file, found none at {page}")
    missing = [program for program in ("chromium", "chromedriver") if not shutil.which(program)]
    for module in ("selenium", "html5lib"):
        try:
            __import__(module)
        except ImportError:
            missing.append(f"python3-{module}")
    if missing:
        print("check_page: skipped, for want of " + ", ".join(missing) +
              " (Debian: chromium chromium-driver python3-selenium python3-html5lib)")
        return SKIPPED
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)

    found = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = start_browser(profile)
        try:
            for page in options.pages:
                defects = check_markup(page.read_text(encoding="utf-8"), options.site) + check_views(browser, page, options.out)
                for defect in defects:
                    print(f"{page.name}: {defect}.")
                found += len(defects)
        finally:
            browser.quit()
    print(f"check_page: {found} defects in {len(options.pages)} page(s), seen at 400 and 1280 pixels in light and dark.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
